package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/page"
)

// run builds the functions, starts the stack and serves its page until ctx
// ends.
func run(ctx context.Context, out io.Writer, o options) error {
	// What is wrong is said before the build is waited for.
	if err := o.check(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dev-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.port)))
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }()
	fmt.Fprintln(out, "Building the functions, the very programs that Lambda runs ...")
	export, status, err := page.Build(dir)
	if ctx.Err() != nil {
		return nil // the go command was interrupted, too
	}
	if err != nil {
		return err
	}
	local, err := page.Start(page.Options{
		Export: export, Status: status, Schedule: o.schedule, Backlog: o.backlog, PerMinute: o.perMinute,
	})
	if err != nil {
		return err
	}
	defer local.Close()
	fmt.Fprintf(out, "The page:  http://%s\nCtrl-C ends it.\n", ln.Addr())
	return serve(ctx, ln, local)
}

// serve serves the page, and lets the schedule fire, until ctx ends.
func serve(ctx context.Context, ln net.Listener, local *page.Local) error {
	server := &http.Server{Handler: local, ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { local.Stack().Events.Run(ctx) })
	wg.Go(func() {
		<-ctx.Done()
		_ = server.Close()
	})
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve page: %w", err)
	}
	return nil
}
