// Command dev runs the local stack with a page in the browser until it is
// interrupted: a tenant whose log events come about as time goes by, the real
// functions run by a schedule, and everything they leave behind, to look at, to
// steer and to break. Nothing of it is kept.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	var o options
	flag.IntVar(&o.port, "port", 0, "port on 127.0.0.1; 0 for a free one")
	flag.DurationVar(&o.lasts, "for", 0, "end after this time; 0 to run until it is interrupted")
	flag.StringVar(&o.schedule, "schedule", "rate(1 minute)", "the rule's schedule expression")
	flag.IntVar(&o.backlog, "backlog", 1500, "log events that the tenant has of the last day")
	flag.Float64Var(&o.perMinute, "events", 60, "log events that happen a minute")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1)
	}
}

// options are what the command is told.
type options struct {
	port      int
	lasts     time.Duration // 0 for until it is interrupted
	schedule  string
	backlog   int
	perMinute float64
}
