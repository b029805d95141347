// Command bench measures the real bootstrap on the local stack, beside other
// ways to do the same work, and prints every figure with its target. It exits
// with 1 where a target is missed or a figure could not be had.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/progress"
)

func main() {
	only := flag.String("only", "", "measure these `parts` alone, separated by commas: "+strings.Join(names(parts), ", "))
	file := flag.String("json", "", "write the figures to this `file` too, as JSON")
	flag.Parse()
	line := progress.Start(os.Stderr, progress.Detect(os.Stderr, os.Getenv), time.Now)
	if err := run(*only, *file, os.Stdout, line); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures the parts, prints their table and writes it to the file, if one
// is named. The error says that something was missed.
func run(only, file string, out io.Writer, line *progress.Line) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	chosen, err := choose(parts, only)
	if err != nil {
		return err
	}
	r, err := measure(ctx, chosen, line)
	if err != nil {
		return err
	}
	fmt.Fprint(out, r)
	if file != "" {
		if err := r.writeFile(file); err != nil {
			return err
		}
	}
	return r.verdict()
}

// measure measures the parts one after the other, with a line of progress as
// long as it takes.
func measure(ctx context.Context, chosen []part, line *progress.Line) (*report, error) {
	b, err := newBench(line)
	if err != nil {
		return nil, err
	}
	defer b.close()
	r := newReport()
	for i := range chosen {
		b.begin(chosen, i)
		figures, err := chosen[i].measure(ctx, b)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.add(b.part, figures, err)
	}
	return r, nil
}
