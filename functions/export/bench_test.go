package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/devstack/ssm"
	"auth0-logs-to-cloudwatch/pkg/devstack/tlsserver"
	"auth0-logs-to-cloudwatch/pkg/export"
)

// authority signs the certificates of every stack in these tests: a process
// reads SSL_CERT_FILE once.
var authority *tlsserver.CA

func TestMain(m *testing.M) { os.Exit(withAuthority(m.Run)) }

func withAuthority(run func() int) int {
	dir, err := os.MkdirTemp("", "export-test-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if authority, err = tlsserver.NewCA(); err != nil {
		panic(err)
	}
	file := filepath.Join(dir, "ca.pem")
	if err := authority.WriteFile(file); err != nil {
		panic(err)
	}
	for name, value := range map[string]string{
		"SSL_CERT_FILE": file, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIAFUNCTION", "AWS_SECRET_ACCESS_KEY": "function-key",
		"AWS_CA_BUNDLE": "", "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "", // whatever the machine has
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	return run()
}

// clock is the time of the function and of the stack.
type clock struct {
	mu  sync.Mutex
	now time.Time
	// since is when it was started; a clock that was not stands still.
	since time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		return c.now
	}
	return c.now.Add(time.Since(c.since))
}

// start has the clock go, for what waits by it.
func (c *clock) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since = time.Now()
}

func (c *clock) after(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is the function, built by the same setup as in main, on a stack with
// one tenant and its log group.
type bench struct {
	*testing.T
	stack  *devstack.Stack
	tenant *devstack.Tenant
	clock  *clock
	out    *bytes.Buffer // the function's log
	h      *handler
}

func newBench(t *testing.T, opt devstack.Options, tenant auth0.Options) *bench {
	t.Helper()
	b := &bench{T: t, clock: &clock{now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}, out: &bytes.Buffer{}}
	opt.CA, opt.Now = authority, b.clock.Now
	opt.SSM.PutRate, opt.SSM.GetRate = ssm.Unlimited, ssm.Unlimited
	var err error
	if b.stack, err = devstack.Start(opt); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.stack.Close)
	if b.tenant, err = b.stack.AddTenant("default", tenant); err != nil {
		t.Fatal(err)
	}
	b.group(logs.Place{})
	b.restart()
	return b
}

// restart builds the function anew, as a cold start does.
func (b *bench) restart() {
	b.Helper()
	b.h = b.builtFor(b.stack.AWS.URL)
}

// builtFor is the function, built anew for AWS at an address.
func (b *bench) builtFor(endpoint string) *handler {
	b.Helper()
	h := build(b.T, endpoint, b.out, slog.New(slog.NewJSONHandler(b.out, nil)))
	h.now = b.clock.Now
	h.env.readLag = 0 // the clock stands still between the ticks
	return h
}

// environ is held while a function is built: it finds its stack by the
// environment, and tests run at the same time.
var environ sync.Mutex

// build builds the function for AWS at an address.
func build(t *testing.T, endpoint string, out io.Writer, log *slog.Logger) *handler {
	t.Helper()
	environ.Lock()
	defer environ.Unlock()
	if err := os.Setenv("AWS_ENDPOINT_URL", endpoint); err != nil {
		t.Fatal(err)
	}
	h, err := setup(t.Context(), environment(os.Getenv), out, log)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// group makes the tenant's log group in a place that is otherwise the usual.
func (b *bench) group(p logs.Place) {
	b.Helper()
	p.Group = b.tenant.Get("CLOUDWATCH_LOG_GROUP_NAME")
	if err := b.stack.Logs.CreateGroup(p, logs.Standard, 0); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) set(settings map[string]string) {
	b.Helper()
	for name, value := range settings {
		if err := b.tenant.Set(name, value); err != nil {
			b.Fatal(err)
		}
	}
}

// happen makes n events in the last hour.
func (b *bench) happen(n int) {
	b.tenant.Generate(n, b.clock.Now().Add(-time.Hour), b.clock.Now().Add(-time.Minute))
}

// event reads a sample of the folder events.
func event(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// tick invokes the function as the schedule does and returns its report, which
// must have the outcome wanted.
func (b *bench) tick(want export.Outcome) export.Report {
	b.Helper()
	b.out.Reset()
	result, err := invoke[*export.Report](b, string(event(b.T, "scheduled")))
	r := b.logged()
	if r.Outcome != want {
		b.Fatalf("the run ended %s, want %s: %v\n%s", r.Outcome, want, err, b.out)
	}
	if (err != nil) != (want == export.Failed) {
		b.Errorf("the run ended %s and the invocation with %v", want, err)
	}
	if err == nil && result.Outcome != want {
		b.Errorf("the result says %s, the log %s", result.Outcome, want)
	}
	return r
}

// invoke invokes the function with an event and returns what it answers.
func invoke[T any](b *bench, event string) (result T, err error) {
	b.Helper()
	answer, err := b.h.Handle(b.Context(), []byte(event))
	if err != nil {
		return result, err
	}
	result, ok := answer.(T)
	if !ok {
		b.Fatalf("%s is answered with a %T", event, answer)
	}
	return result, nil
}

// logged is the one report in the function's log.
func (b *bench) logged() export.Report {
	b.Helper()
	var reports []export.Report
	for line := range strings.Lines(b.out.String()) {
		var entry struct {
			Report *export.Report `json:"report"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			b.Fatalf("a line of the log is no JSON: %s", line)
		}
		if entry.Report != nil {
			reports = append(reports, *entry.Report)
		}
	}
	if len(reports) != 1 {
		b.Fatalf("%d reports in the log, want one:\n%s", len(reports), b.out)
	}
	return reports[0]
}

// compare holds the tenant's documents against the log group, all of its
// streams.
func (b *bench) compare() {
	b.Helper()
	place := logs.Place{Group: b.tenant.Get("CLOUDWATCH_LOG_GROUP_NAME")}
	if c := b.tenant.Compare(place, nil); !c.Exact() {
		b.Error(c)
	}
}

func (b *bench) said() []string {
	var texts []string
	for _, m := range b.stack.Slack.Messages() {
		texts = append(texts, m.Rendered)
	}
	return texts
}

// must is for what can only fail where the test is wrong.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprint("test: ", err))
	}
	return v
}
