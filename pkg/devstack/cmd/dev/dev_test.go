package main

import (
	"bufio"
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDev: it prints the page's address, serves the page on loopback, and
// leaves nothing behind when it is interrupted.
func TestDev(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the functions: not in -short mode")
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, w, options{schedule: "rate(1 minute)", backlog: 30})
		_ = w.Close()
		ended <- err
	}()
	address := ""
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if _, found, ok := strings.Cut(lines.Text(), "http://"); ok {
			address = found
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	if address == "" {
		t.Fatalf("no address was printed: %v", <-ended)
	}
	if host, _, err := net.SplitHostPort(address); err != nil || host != "127.0.0.1" {
		t.Errorf("the page is at %s, want it on loopback", address)
	}
	resp, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || !strings.Contains(string(body), "<b>30</b> events at Auth0") {
		t.Errorf("error %v, page %.300s", err, body)
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("the page is still served")
	}
	for _, pattern := range []string{"dev-*", "devstack-*"} {
		if left, _ := filepath.Glob(filepath.Join(tmp, pattern)); left != nil {
			t.Errorf("left behind: %v", left)
		}
	}
}

func TestPortIsTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	err = run(t.Context(), io.Discard, options{schedule: "rate(1 minute)", port: ln.Addr().(*net.TCPAddr).Port})
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("error %v, want that the port is in use", err)
	}
}

// TestRefused: what the stack would not take is named before anything is built.
func TestRefused(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	err := run(t.Context(), io.Discard, options{schedule: "often", backlog: -1, perMinute: math.NaN()})
	if err == nil {
		t.Fatal("no error")
	}
	for _, flag := range []string{"-schedule: ", "-backlog: ", "-events: "} {
		if !strings.Contains(err.Error(), flag) {
			t.Errorf("error %v lacks %q", err, flag)
		}
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
