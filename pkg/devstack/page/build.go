package page

import (
	"errors"
	"os"
	"path/filepath"
	"sync"

	"auth0-logs-to-cloudwatch/pkg/devstack"
)

// Build builds both functions, each into a folder of its own in dir, and
// returns the paths of their bootstraps.
func Build(dir string) (export, status string, err error) {
	var paths [2]string
	var errs [2]error
	var wg sync.WaitGroup
	for i, function := range []string{"export", "status"} {
		wg.Go(func() {
			folder := filepath.Join(dir, function)
			if errs[i] = os.Mkdir(folder, 0o700); errs[i] == nil {
				paths[i], errs[i] = devstack.Build(folder, function)
			}
		})
	}
	wg.Wait()
	return paths[0], paths[1], errors.Join(errs[:]...)
}
