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
)

func main() {
	only := flag.String("only", "", "measure these `parts` alone, separated by commas: "+strings.Join(names(parts), ", "))
	file := flag.String("json", "", "write the figures to this `file` too, as JSON")
	flag.Parse()
	if err := run(*only, *file, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures the parts, prints their table and writes it to the file, if one
// is named. The error says that something was missed.
func run(only, file string, out, progress io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	chosen, err := choose(parts, only)
	if err != nil {
		return err
	}
	b, err := newBench(progress)
	if err != nil {
		return err
	}
	defer b.close()
	r := newReport()
	for _, p := range chosen {
		b.part = p.name
		figures, err := p.measure(ctx, b)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.add(p.name, figures, err)
	}
	fmt.Fprint(out, r)
	if file != "" {
		if err := r.writeFile(file); err != nil {
			return err
		}
	}
	return r.verdict()
}
