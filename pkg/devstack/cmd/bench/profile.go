package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
)

// profiler is a file that the build adds to the function: it writes a CPU
// profile until the process is interrupted. The function's own code knows
// nothing of it.
//
//go:embed profiler.go.txt
var profiler []byte

// profileName is the variable that tells the profiler its file.
const profileName = "BENCH_PROFILE"

// profile tells where the CPU time of a run goes.
func profile(ctx context.Context, b *bench) ([]figure, error) {
	bootstrap, err := b.build("profiled", buildProfiled)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(b.dir, "cpu.pprof")
	if err := b.record(ctx, bootstrap, file); err != nil {
		return nil, err
	}
	traces, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", "-unit=ms", file).Output()
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	shares, err := shareByGroup(string(traces))
	if err != nil {
		return nil, err
	}
	percent := func(name string) figure {
		return info("share of CPU: "+name, math.Round(1000*shares[name])/10, "%")
	}
	var figures []figure
	for _, g := range groups {
		figures = append(figures, percent(g.name))
	}
	return append(figures, percent(restName)), nil
}

// exportFolder is the export function's, below the module's root.
var exportFolder = filepath.Join("functions", "export")

// buildProfiled builds the export with the profiler added to its folder.
func buildProfiled(dir string) (string, error) {
	return buildChanged(dir, filepath.Join(exportFolder, "bench_profiler.go"), profiler)
}

// buildChanged builds the export with another text in the place of one file,
// named from the module's root: its own tree stays as it is.
func buildChanged(dir, name string, text []byte) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	source, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, name): source}})
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.WriteFile(source, text, 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		return "", err
	}
	return goBuild(dir, module+"/"+filepath.ToSlash(exportFolder), "-overlay", overlay)
}

// record profiles a run over twice the standard backlog.
func (b *bench) record(ctx context.Context, bootstrap, file string) error {
	s, err := b.stage(scene{})
	if err != nil {
		return err
	}
	defer s.close()
	s.week(2 * backlog)
	var pid int
	f, err := s.function(bootstrap, func(o *lambda.Options) {
		o.Env[profileName] = file
		o.NoFreeze = true
		o.Started = func(id int) { pid = id }
	})
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := invoke(ctx, f, s.tenant.Len()); err != nil {
		return err
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return fmt.Errorf("find process: %w", err)
	}
	if err := process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("end profile: %w", err)
	}
	return waitFor(ctx, file)
}

// waitFor returns once there is a file: the profiler gives it its name when it
// is complete.
func waitFor(ctx context.Context, file string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if _, err := os.Stat(file); err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.New("the process wrote no profile")
		}
	}
}
