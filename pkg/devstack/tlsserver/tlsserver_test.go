package tlsserver

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newServer(t *testing.T, h http.HandlerFunc) (*CA, *Server) {
	t.Helper()
	ca, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	server, err := Start(ca, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return ca, server
}

func hello(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello by "+r.Proto) }

func get(client *http.Client, url string) (string, error) {
	defer client.CloseIdleConnections()
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestServer(t *testing.T) {
	ca, server := newServer(t, hello)
	_, port, err := net.SplitHostPort(server.Addr)
	if err != nil || server.URL != "https://"+server.Addr {
		t.Fatalf("address %q, URL %q: %v", server.Addr, server.URL, err)
	}
	for _, url := range []string{server.URL, "https://localhost:" + port} {
		// HTTP/2 is offered by the client and not taken.
		if got, err := get(ca.Client(), url); got != "hello by HTTP/1.1" {
			t.Errorf("GET %s: %q, %v", url, got, err)
		}
	}
}

func TestWhoIsTrusted(t *testing.T) {
	ca, server := newServer(t, hello)
	other, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*tls.Config)) *http.Client {
		client := ca.Client()
		change(client.Transport.(*http.Transport).TLSClientConfig)
		return client
	}
	for name, tt := range map[string]struct {
		client *http.Client
		fails  bool
	}{
		"the authority":       {ca.Client(), false},
		"another authority":   {other.Client(), true},
		"the system's":        {with(func(c *tls.Config) { c.RootCAs = nil }), true},
		"another name":        {with(func(c *tls.Config) { c.ServerName = "elsewhere.example" }), true},
		"a TLS too old":       {with(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), true},
		"the oldest TLS good": {with(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := get(tt.client, server.URL); (err != nil) != tt.fails {
				t.Errorf("%q, %v; want an error: %t", got, err, tt.fails)
			}
		})
	}
}

func TestWriteFile(t *testing.T) {
	ca, server := newServer(t, hello)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := ca.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "PRIVATE") {
		t.Error("the file holds a private key")
	}
	block, rest := pem.Decode(text)
	if block == nil || len(rest) != 0 {
		t.Fatalf("file:\n%s\nwant one PEM block", text)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(cert.NotAfter); !cert.IsCA || left < 23*time.Hour || left > 25*time.Hour {
		t.Errorf("authority: %t, good for %s; want about a day", cert.IsCA, left)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	if _, err := get(client, server.URL); err != nil {
		t.Error(err)
	}
	if err := ca.WriteFile(filepath.Join(file, "none")); err == nil {
		t.Error("no error for a path that cannot be written")
	}
}

// TestClose: a server that is closed cuts the calls that are being answered,
// and nobody is at its address any more.
func TestClose(t *testing.T) {
	entered := make(chan struct{})
	ca, server := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	answer := make(chan error)
	go func() {
		_, err := get(ca.Client(), server.URL)
		answer <- err
	}()
	<-entered
	server.Close()
	if err := <-answer; err == nil {
		t.Error("the call was answered")
	}
	server.Close() // once more has no effect
	if _, err := get(ca.Client(), server.URL); !isRefused(err) {
		t.Errorf("after Close: %v, want that nobody is there", err)
	}
}

func isRefused(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
