// Command invoke has the export function do one of its actions, and prints what
// came of it: check, replay, verify, preview, or an export (run). Without
// -function or -stack that is the real bootstrap on a local stack, with a tenant
// made up for it; with one of them, the function deployed. There a replay and a
// verification are asked for asynchronously and then followed in Parameter
// Store: they are carried on by the scheduled runs, over hours if need be.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/progress"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	terminal := progress.Detect(os.Stdout, os.Getenv)
	out := progress.Start(os.Stdout, terminal, time.Now)
	err := run(ctx, screen{Line: out, lines: terminal.Width == nil}, os.Args[1:])
	stop()
	out.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, "invoke:", err)
		os.Exit(1)
	}
}

// screen is where all is printed.
type screen struct {
	*progress.Line
	// lines says that progress is told in lines of its own: the line that is
	// redrawn needs a terminal.
	lines bool
}

// say prints a line.
func (s screen) say(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// tell prints a text of several lines.
func (s screen) tell(lines []string) {
	for _, line := range lines {
		s.say("%s", line)
	}
}

func run(ctx context.Context, out screen, args []string) error {
	w, err := parse(args, time.Now())
	if err != nil {
		return err
	}
	if w.deployed() {
		err = onAWS(ctx, out, w)
	} else {
		err = onThisMachine(ctx, out, w)
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

// onAWS invokes the deployed function.
func onAWS(ctx context.Context, out screen, w wish) error {
	there, err := connect(ctx, w)
	if err != nil {
		return err
	}
	return w.do(ctx, out, there)
}
