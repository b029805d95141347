package main

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// sizes builds the export for Lambda, as "sam build" does, and measures what
// would be deployed.
func sizes(_ context.Context, b *bench) ([]figure, error) {
	path, err := b.build("lambda", samBuild)
	if err != nil {
		return nil, err
	}
	bootstrap, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var zipped counter
	if err := zipTo(&zipped, bootstrap); err != nil {
		return nil, fmt.Errorf("zip bootstrap: %w", err)
	}
	return []figure{
		info("arm64 bootstrap", mb(len(bootstrap)), "MB").is(under, 12),
		info("the same, zipped", mb(int(zipped)), "MB").is(under, 4.5),
	}, nil
}

func mb(bytes int) float64 { return float64(bytes) / (1 << 20) }

// samBuild makes the target of the Makefile that "sam build" makes.
func samBuild(dir string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	cmd := exec.Command("make", "build-ExportFunction", "ARTIFACTS_DIR="+dir)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make build-ExportFunction: %w\n%s", err, out)
	}
	return filepath.Join(dir, "bootstrap"), nil
}

// zipTo writes a deployment package with one file.
func zipTo(w io.Writer, bootstrap []byte) error {
	z := zip.NewWriter(w)
	f, err := z.Create("bootstrap")
	if err != nil {
		return err
	}
	if _, err := f.Write(bootstrap); err != nil {
		return err
	}
	return z.Close()
}

// counter counts what is written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
