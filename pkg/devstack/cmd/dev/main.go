// Command dev runs the local stack with a page in the browser until it is
// interrupted: a tenant whose log events come about as time goes by, the real
// functions run by a schedule, and everything they leave behind, to look at, to
// steer and to break. Nothing of it is kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"auth0-logs-to-cloudwatch/pkg/devstack/page"
	"auth0-logs-to-cloudwatch/pkg/schedule"
	"auth0-logs-to-cloudwatch/pkg/words"
)

func main() {
	var o options
	flag.IntVar(&o.port, "port", 0, "port on 127.0.0.1; 0 for a free one")
	flag.StringVar(&o.schedule, "schedule", "rate(1 minute)", "the rule's schedule expression")
	flag.IntVar(&o.backlog, "backlog", 1500, "log events that the tenant has of the last day")
	flag.Float64Var(&o.perMinute, "events", 60, "log events that happen a minute")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "dev: %q is no flag\n", flag.Arg(0))
		os.Exit(2)
	}
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
	schedule  string
	backlog   int
	perMinute float64
}

// maxBacklog bounds the backlog: each refresh of the page looks through all
// that is stored.
const maxBacklog = 100_000

// check names what the stack would not take.
func (o options) check() error {
	var errs []error
	if _, err := schedule.Parse(o.schedule); err != nil {
		errs = append(errs, fmt.Errorf("-schedule: %w", err))
	}
	if o.backlog < 0 || o.backlog > maxBacklog {
		errs = append(errs, fmt.Errorf("-backlog: expected 0 to %s", words.Number(maxBacklog)))
	}
	if !page.ValidPace(o.perMinute) {
		errs = append(errs, fmt.Errorf("-events: expected 0 to %s", words.Number(page.MaxPerMinute)))
	}
	return errors.Join(errs...)
}
