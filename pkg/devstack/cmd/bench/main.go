// Command bench measures the real bootstrap on the local stack and prints the
// figures beside their targets.
package main

import (
	"fmt"
	"io"
	"os"

	"auth0-logs-to-cloudwatch/pkg/devstack"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bootstrap, err := devstack.Build(dir, "export")
	if err != nil {
		return err
	}
	return compareMemory(out, bootstrap)
}

const (
	smallBacklog, largeBacklog = 30_000, 300_000
	docBytes                   = 2048
	maxPeak                    = 64 << 20
	maxGrowth                  = 1.1
)

// compareMemory holds the memory of two backlogs against each other: it must
// not grow with what there is to export.
func compareMemory(out io.Writer, bootstrap string) error {
	small, err := memory(bootstrap, smallBacklog, docBytes)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "peak memory, backlog of %d events of %d bytes: %.1f MB (target: 64 MB at most)\n", smallBacklog, docBytes, mb(small))
	large, err := memory(bootstrap, largeBacklog, docBytes)
	if err != nil {
		return err
	}
	growth := float64(large) / float64(small)
	fmt.Fprintf(out, "peak memory, backlog of %d events of %d bytes: %.1f MB, %.2f times as much (target: 1.10 times at most)\n", largeBacklog, docBytes, mb(large), growth)
	if max(small, large) > maxPeak || growth > maxGrowth {
		return fmt.Errorf("a target was missed")
	}
	return nil
}

func mb(n int64) float64 { return float64(n) / (1 << 20) }
