package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/devstack/progress"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/words"
)

const (
	tenantName = "default" // the tenant of a scheduled event
	backlog    = 3000
	timeout    = time.Minute
)

// story is the demo under way.
type story struct {
	out    *progress.Line
	stack  *devstack.Stack
	tenant *devstack.Tenant
	place  logs.Place
	lambda *lambda.Function
	event  []byte
	// until is the end of the span of time that has events so far.
	until time.Time
	step  int
	steps int
	told  int // Slack messages printed so far
}

func run(out *progress.Line) error {
	defer out.Close()
	dir, err := os.MkdirTemp("", "demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	started := time.Now()
	fmt.Fprintln(out, "Building the bootstrap, the very program that Lambda runs ...")
	out.Show(progress.State{Text: "building"})
	bootstrap, err := devstack.Build(dir, "export")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Built in %s. The minutes between the runs below are not waited for.\n", time.Since(started).Round(100*time.Millisecond))

	s := &story{out: out, until: time.Now().Add(-24 * time.Hour)}
	if err := s.begin(bootstrap); err != nil {
		return err
	}
	defer s.stack.Close()
	defer s.lambda.Close()
	chapters := []func() error{s.firstRun, s.newEvents, s.refusedSecret, s.recovery, s.replay}
	s.steps = len(chapters)
	for _, chapter := range chapters {
		if err := chapter(); err != nil {
			return err
		}
	}
	return s.conclude()
}

// begin starts the stack with one tenant and its log group.
func (s *story) begin(bootstrap string) (err error) {
	if s.event, err = os.ReadFile("events/scheduled.json"); err != nil {
		return fmt.Errorf("the demo runs in the repository's top folder: %w", err)
	}
	if s.stack, err = devstack.Start(devstack.Options{}); err != nil {
		return err
	}
	if s.tenant, err = s.stack.AddTenant(tenantName, auth0.Options{Name: "acme", Seed: 2026, Rate: auth0.Rate{Limit: 50, Refill: 16}}); err != nil {
		return err
	}
	s.place = logs.Place{Group: s.tenant.Get("CLOUDWATCH_LOG_GROUP_NAME")}
	if err := s.stack.Logs.CreateGroup(s.place, logs.Standard, 0); err != nil {
		return err
	}
	s.lambda, err = lambda.New(lambda.Options{
		Bootstrap: bootstrap, Env: s.stack.Env(), FunctionName: "auth0-logs-to-cloudwatch", Memory: 256, Timeout: timeout,
	})
	return err
}

// happens lets n events come about at the tenant until so long ago.
func (s *story) happens(n int, ago time.Duration) {
	to := time.Now().Add(-ago)
	s.tenant.Generate(n, s.until, to)
	s.until = to
}

func (s *story) firstRun() error {
	s.chapter("First run", "the tenant has a backlog of "+words.Count(backlog, "log event"))
	s.happens(backlog, 10*time.Minute)
	if err := s.invoke(export.OK); err != nil {
		return err
	}
	s.showStream(3)
	return nil
}

func (s *story) newEvents() error {
	s.chapter("The next tick of the schedule", "142 new events")
	s.happens(142, 8*time.Minute)
	return s.invoke(export.OK)
}

func (s *story) refusedSecret() error {
	s.chapter("A bad day", "somebody rotated the client secret in Auth0, and 60 events happen meanwhile")
	s.happens(60, 6*time.Minute)
	s.tenant.SetSecret("rotated-secret")
	s.tenant.RevokeTokens()
	if err := s.invoke(export.Failed); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "  The next run fails again. Slack was told already and stays quiet for an hour:")
	return s.invoke(export.Failed)
}

func (s *story) recovery() error {
	s.chapter("The operator puts the new secret", "AUTH0_CLIENT_SECRET in Parameter Store; nothing is deployed again")
	s.happens(25, 4*time.Minute)
	if err := s.tenant.Set("AUTH0_CLIENT_SECRET", "rotated-secret"); err != nil {
		return err
	}
	return s.invoke(export.OK)
}

func (s *story) replay() error {
	since := time.Now().Add(-2 * time.Hour).UTC().Format(time.RFC3339)
	s.chapter("A replay", "the operator edits CHECKPOINT back to "+since)
	s.happens(10, 2*time.Minute)
	if err := s.tenant.Set(export.CheckpointName, since); err != nil {
		return err
	}
	if err := s.invoke(export.OK); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "  What the stream held already was looked up and not sent again.")
	return nil
}

// conclude compares, event by event.
func (s *story) conclude() error {
	c := s.tenant.Compare(s.place, nil)
	fmt.Fprintf(s.out, "\nCompared by log_id: %s.\n", c)
	if !c.Exact() {
		return errors.New("the stream is not what the tenant had")
	}
	fmt.Fprintln(s.out, "Every event is in the stream once, byte for byte, with its own time.")
	return nil
}

func (s *story) chapter(title, what string) {
	s.step++
	fmt.Fprintf(s.out, "\n%d. %s: %s\n", s.step, title, what)
	s.out.Show(progress.State{Done: s.step - 1, Total: s.steps, Text: fmt.Sprintf("%d of %d: %s", s.step, s.steps, title)})
}

// invoke lets the schedule tick once and tells what came of it.
func (s *story) invoke(want export.Outcome) error {
	before := s.tenant.Get(export.CheckpointName)
	ctx, cancel := context.WithTimeout(context.Background(), 2*timeout)
	defer cancel()
	result, err := s.lambda.Invoke(ctx, s.event)
	if err != nil {
		return err
	}
	report, err := reportOf(result)
	if err != nil {
		return err
	}
	s.tell(report, result, before)
	s.showSlack()
	if report.Outcome != want {
		return fmt.Errorf("the run ended %s, expected %s", report.Outcome, want)
	}
	return nil
}

// reportOf finds the run's report in the function's log: a failed run answers
// with its error alone.
func reportOf(r lambda.Result) (export.Report, error) {
	for _, line := range r.Logs {
		var entry struct {
			Report *export.Report `json:"report"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Report != nil {
			return *entry.Report, nil
		}
	}
	return export.Report{}, fmt.Errorf("the function logged no report: %s\n%s", r.Payload, strings.Join(r.Logs, "\n"))
}
