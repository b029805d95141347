package devstack

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// Build compiles a function of this module, such as "export", as it is
// deployed but for this machine, and returns the path of its bootstrap in dir.
// It needs the go command and a working directory inside the module.
func Build(dir, function string) (string, error) {
	bootstrap := filepath.Join(dir, "bootstrap")
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags=-s",
		"-o", bootstrap, "auth0-logs-to-cloudwatch/functions/"+function)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build functions/%s: %w\n%s", function, err, out)
	}
	return bootstrap, nil
}
