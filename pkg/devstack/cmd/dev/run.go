package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/page"
)

// run builds the functions, starts the stack and serves its page until ctx
// ends or the time is over.
func run(ctx context.Context, out io.Writer, o options) error {
	if o.lasts > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.lasts)
		defer cancel()
	}
	dir, err := os.MkdirTemp("", "dev-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// A port that is taken is said before the build is waited for.
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.port)))
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }()
	fmt.Fprintln(out, "Building the functions, the very programs that Lambda runs ...")
	export, status, err := build(dir)
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

// build builds both functions and returns the paths of their bootstraps.
func build(dir string) (export, status string, err error) {
	paths := make([]string, 2)
	for i, function := range []string{"export", "status"} {
		folder := filepath.Join(dir, function)
		if err := os.Mkdir(folder, 0o700); err != nil {
			return "", "", err
		}
		if paths[i], err = devstack.Build(folder, function); err != nil {
			return "", "", err
		}
	}
	return paths[0], paths[1], nil
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
