// Command chaos plays bad days on the real bootstrap and compares, after each,
// what the tenant had with what the log group holds. It exits with an error
// where anything was lost, stored twice or altered, an operator's edit was
// ignored, or a run did not end as it should.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/progress"
)

func main() {
	c := campaign{out: progress.Start(os.Stdout, progress.Detect(os.Stdout, os.Getenv), time.Now)}
	flag.Uint64Var(&c.first, "first", 1, "the first seed")
	flag.IntVar(&c.seeds, "seeds", 300, "how many seeds to play")
	flag.IntVar(&c.atOnce, "at-once", 3, "how many to play at once")
	flag.Uint64Var(&c.only, "seed", 0, "play this seed alone and tell its whole story")
	flag.Parse()
	if err := run(c); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(c campaign) error {
	defer c.out.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fmt.Fprintln(c.out, "Building the bootstrap ...")
	c.out.Show(progress.State{Text: "building"})
	if c.bootstrap, err = devstack.Build(dir, "export"); err != nil {
		return err
	}
	if c.only != 0 {
		return c.one(ctx)
	}
	return c.all(ctx)
}
