package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/check"
	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/devstack/tlsserver"
	"auth0-logs-to-cloudwatch/pkg/export"
)

var update = flag.Bool("update", false, "write the golden files")

const functionARN = "arn:aws:lambda:us-east-1:123456789012:function:export"

// checkBench is a bench whose tenant has a rate limit and a rule.
type checkBench struct{ *bench }

func newCheckBench(t *testing.T, opt devstack.Options, tenant auth0.Options) checkBench {
	t.Helper()
	if tenant.Rate == (auth0.Rate{}) {
		tenant.Rate = auth0.Rate{Limit: 50, Refill: 16}
	}
	b := checkBench{newBench(t, opt, tenant)}
	b.rule(events.Enabled)
	return b
}

func (b checkBench) rule(state string) {
	b.Helper()
	err := b.stack.Events.Put(events.Rule{Name: "auth0-logs", Expression: "rate(5 minutes)", State: state,
		Targets: []events.Target{{ID: "export", ARN: functionARN, Input: `{"tenant":"default"}`}}})
	if err != nil {
		b.Fatal(err)
	}
}

// checks invokes the function with an event, as Lambda does by an alias.
func (b checkBench) checks(ctx context.Context, event string) check.Result {
	b.Helper()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{InvokedFunctionArn: functionARN + ":live"})
	answer, err := b.h.Handle(ctx, []byte(event))
	if err != nil {
		b.Fatalf("%s: %v", event, err)
	}
	return *answer.(*check.Result)
}

// notOK are the links that are not ok.
func notOK(r check.Result) map[string]check.Status {
	found := make(map[string]check.Status)
	for _, l := range r.Links {
		if l.Status != check.OK {
			found[l.Name] = l.Status
		}
	}
	return found
}

func linkNames() []string {
	return []string{"settings", "domain", "audience", "token", "read:logs", "rate limit", "clock", "position",
		"log group", "log stream", "test event", "read back", "CHECKPOINT", "RUN", "Slack", "schedule"}
}

// skips are skipped links.
func skips(names ...string) map[string]check.Status {
	all := make(map[string]check.Status)
	for _, n := range names {
		all[n] = check.Skipped
	}
	return all
}

// TestCheckAllIsWell checks a new tenant and one whose export runs, the first
// without a message to Slack.
func TestCheckAllIsWell(t *testing.T) {
	b := newCheckBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	r := b.checks(t.Context(), string(event(t, "check")))
	if diff := cmp.Diff(skips("Slack"), notOK(r)); diff != "" || r.Outcome != export.OK {
		t.Errorf("a new tenant: %s (-want +got):\n%s%s", r.Outcome, diff, strings.Join(r.Text, "\n"))
	}
	if n := len(b.said()); n != 0 {
		t.Errorf("%d messages in Slack that were not asked for", n)
	}
	b.happen(10)
	b.tick(export.OK)
	b.clock.after(2 * time.Minute)
	b.out.Reset()
	r = b.checks(t.Context(), string(event(t, "check-slack")))
	if diff := cmp.Diff(map[string]check.Status{}, notOK(r)); diff != "" || r.Outcome != export.OK {
		t.Errorf("a tenant at work: %s (-want +got):\n%s%s", r.Outcome, diff, strings.Join(r.Text, "\n"))
	}
	if said := b.said(); len(said) != 1 || !strings.Contains(said[0], "This is a test") {
		t.Errorf("messages in Slack: %q", said)
	}
	var names []string
	for _, l := range r.Links {
		names = append(names, l.Name)
	}
	if diff := cmp.Diff(linkNames(), names); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	b.golden("check-ok", r)
	var line struct{ Check check.Result }
	if err := json.Unmarshal(b.out.Bytes(), &line); err != nil || strings.Count(b.out.String(), "\n") != 1 {
		t.Errorf("%v in the log:\n%s", err, b.out)
	}
	if diff := cmp.Diff(r, line.Check); diff != "" {
		t.Errorf("the log differs from the result (-result +log):\n%s", diff)
	}
}

// golden compares the readable form with a file.
func (b checkBench) golden(name string, r check.Result) {
	b.Helper()
	file := filepath.Join("testdata", name+".txt")
	text := strings.ReplaceAll(strings.Join(r.Text, "\n")+"\n", b.tenant.Domain, "acme.eu.auth0.com")
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(readFile(b.T, file)), text); diff != "" {
		b.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestCheckBrokenLinks breaks one link after the other, and wants it to be the
// one that failed.
func TestCheckBrokenLinks(t *testing.T) {
	afterGroup := []string{"log stream", "test event", "read back"}
	refuse := func(op, code string) func(checkBench) {
		return func(b checkBench) {
			b.stack.Keys.Refuse(awsjson.Rule{Operation: op}, awsjson.Errorf(code, "out of order"))
		}
	}
	deny := func(op, resource string) func(checkBench) {
		return func(b checkBench) { b.stack.Keys.Deny(awsjson.Rule{Operation: op, Resource: resource}) }
	}
	set := func(name, value string) func(checkBench) {
		return func(b checkBench) { b.set(map[string]string{name: value}) }
	}
	answer := func(op string, do fault.Action) func(checkBench) {
		return func(b checkBench) { b.stack.Faults.Add(fault.Rule{Op: op, Do: do}) }
	}
	tests := map[string]struct {
		do      func(checkBench)
		failed  string
		skipped []string
		// says is a part of the link's text or fix.
		says string
	}{
		"settings": {func(b checkBench) { b.tenant.Unset("AUTH0_CLIENT_ID") }, "settings", []string{"audience", "token", "read:logs", "rate limit"}, "AUTH0_CLIENT_ID: missing"},
		"settings, each of them": {func(b checkBench) {
			b.set(map[string]string{"BATCH_SIZE": "many", "SLACK_DAILY_REPORT": "25"})
		}, "settings", nil, `SLACK_DAILY_REPORT: "25"`},
		"settings that may not be read": {deny("GetParametersByPath", ""), "settings", linkNames()[1:15], "ssm:GetParametersByPath"},
		"domain":                        {set("AUTH0_DOMAIN", "127.0.0.1:1"), "domain", []string{"audience", "token", "read:logs", "rate limit"}, "AUTH0_DOMAIN"},
		"domain with another's certificate": {func(b checkBench) {
			server := must(tlsserver.Start(must(tlsserver.NewCA()), http.NotFoundHandler()))
			b.Cleanup(server.Close)
			b.set(map[string]string{"AUTH0_DOMAIN": server.Addr})
		}, "domain", []string{"audience", "token", "read:logs", "rate limit"}, "certificate"},
		"audience": {set("AUTH0_AUDIENCE", "https://elsewhere.auth0.com/api/v2/"), "audience", []string{"token", "read:logs", "rate limit"}, "AUTH0_AUDIENCE"},
		"token":    {func(b checkBench) { b.tenant.SetSecret("another") }, "token", []string{"audience", "read:logs", "rate limit"}, "AUTH0_CLIENT_SECRET"},
		"token, after a run that has kept one": {func(b checkBench) {
			b.tick(export.OK)
			b.tenant.SetSecret("another")
		}, "token", []string{"audience", "read:logs", "rate limit"}, "AUTH0_CLIENT_SECRET"},
		"token, no grant": {func(b checkBench) { b.tenant.SetGrant(false) }, "token", []string{"audience", "read:logs", "rate limit"}, "Auth0 dashboard"},
		"read:logs":       {func(b checkBench) { b.tenant.SetScopes("read:users") }, "read:logs", []string{"rate limit"}, "grant the application read:logs"},
		"rate limit":      {answer("search", fault.Reply(http.StatusTooManyRequests, nil, `{"message":"Global limit has been reached"}`)), "rate limit", []string{"read:logs"}, "Terraform"},
		"rate limit, no headroom": {answer("search", fault.Reply(http.StatusOK, http.Header{
			"Content-Type": {"application/json"}, "X-Ratelimit-Limit": {"50"}, "X-Ratelimit-Remaining": {"9"}}, `[]`)),
			"rate limit", nil, "9 of 50 requests left; at AUTH0_RATE_SHARE 80 the export leaves 10 alone"},
		"clock against Auth0's": {answer("other", dated(-30*time.Second)), "clock", nil, "29 s ahead of Auth0's"},
		"clock against AWS's":   {answer("GetParametersByPath", dated(30*time.Second)), "clock", nil, "30 s behind AWS's"},
		"position":              {set("CHECKPOINT", "2026-10-01"), "position", nil, "those from before 2026-10-24 10:00:00 UTC are gone"},
		"position and the plan": {func(b checkBench) {
			b.set(map[string]string{"AUTH0_LOG_RETENTION_DAYS": "1", "START_FROM": "2026-11-21"})
		}, "position", nil, "Auth0 keeps 1 day of events"},
		"position that cannot be read": {set("CHECKPOINT", "yesterday"), "position", nil, "CHECKPOINT"},
		"position in the future":       {set("START_FROM", "2026-11-24"), "position", nil, "START_FROM lies in the future"},
		"log group":                    {set("CLOUDWATCH_LOG_GROUP_NAME", "/auth0/defaul"), "log group", afterGroup, "There is no log group /auth0/defaul"},
		"log group, keys": {func(b checkBench) {
			b.set(map[string]string{"AWS_ACCESS_KEY_ID": "AKIAOLD", "AWS_SECRET_KEY": "old"})
			b.stack.Keys.Refuse(awsjson.Rule{AccessKey: "AKIAOLD"}, awsjson.Errorf("UnrecognizedClientException", "no"))
		}, "log group", afterGroup, "AWS_SECRET_KEY"},
		"log group, role": {set("CLOUDWATCH_ROLE_ARN", "arn:aws:iam::333333333333:role/unknown"), "log group", afterGroup, "CLOUDWATCH_ROLE_ARN"},
		"log stream":      {refuse("DescribeLogStreams", "InvalidParameterException"), "log stream", []string{"test event", "read back"}, "InvalidParameterException"},
		"test event":      {deny("PutLogEvents", ""), "test event", []string{"read back"}, "logs:PutLogEvents"},
		"test event, no stream may be made": {func(b checkBench) { b.stack.Keys.Deny(awsjson.Rule{Operation: "CreateLogStream"}) },
			"test event", []string{"read back"}, "logs:CreateLogStream"},
		"read back":  {refuse("GetLogEvents", "InvalidParameterException"), "read back", nil, "logs:GetLogEvents"},
		"CHECKPOINT": {deny("PutParameter", "CHECKPOINT"), "CHECKPOINT", nil, "ssm:PutParameter"},
		"RUN":        {deny("PutParameter", "/RUN"), "RUN", nil, "ssm:PutParameter"},
		"RUN that is there": {func(b checkBench) {
			b.happen(1)
			b.tick(export.OK)
			b.stack.Keys.Deny(awsjson.Rule{Operation: "PutParameter", Resource: "/RUN"})
		}, "RUN", nil, "ssm:PutParameter"},
		"Slack":                 {answer("slack", fault.Reply(http.StatusNotFound, nil, "no_service")), "Slack", nil, "SLACK_INCOMING_WEBHOOK_URL"},
		"schedule that is off":  {func(b checkBench) { b.rule(events.Disabled) }, "schedule", nil, "ScheduleState=ENABLED"},
		"schedule, none at all": {func(b checkBench) { b.rule(events.Disabled); b.noRule() }, "schedule", nil, `{"tenant":"default"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newCheckBench(t, devstack.Options{}, auth0.Options{Seed: 1})
			test.do(b)
			r := b.checks(t.Context(), `{"action":"check","slack":true}`)
			want := skips(test.skipped...)
			want[test.failed] = check.Failed
			if diff := cmp.Diff(want, notOK(r)); diff != "" || r.Outcome != export.Failed {
				t.Errorf("%s (-want +got):\n%s%s", r.Outcome, diff, strings.Join(r.Text, "\n"))
			}
			for _, l := range r.Links {
				if l.Status == check.Failed && l.Fix == "" {
					t.Errorf("%s has no fix: %s", l.Name, l.Text)
				}
				if l.Name == test.failed && !strings.Contains(l.Text+" "+l.Fix, test.says) {
					t.Errorf("%s says nothing of %q: %s Fix: %s", l.Name, test.says, l.Text, l.Fix)
				}
			}
			if name == "token" {
				b.golden("check-failed", r)
			}
		})
	}
}

// TestCheckReadsRunAsARunDoes: what somebody has written into RUN is passed
// over, and told.
func TestCheckReadsRunAsARunDoes(t *testing.T) {
	b := newCheckBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.happen(5)
	b.tick(export.OK)
	b.set(map[string]string{export.RunName: "mine"})
	r := b.checks(t.Context(), `{"action":"check"}`)
	text := strings.Join(r.Text, "\n")
	for _, says := range []string{"(the last run)", "RUN", "passed over"} {
		if !strings.Contains(text, says) {
			t.Errorf("nothing of %q in\n%s", says, text)
		}
	}
	if r.Outcome != export.OK {
		t.Errorf("%s\n%s", r.Outcome, text)
	}
}

func (b checkBench) noRule() {
	b.Helper()
	if err := b.stack.Events.Put(events.Rule{Name: "auth0-logs", Expression: "rate(5 minutes)"}); err != nil {
		b.Fatal(err)
	}
}

// dated answers as the stand-in does, but with another time.
func dated(off time.Duration) fault.Action {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		rec := httptest.NewRecorder()
		maps.Copy(rec.Header(), w.Header())
		next.ServeHTTP(rec, r)
		maps.Copy(w.Header(), rec.Header())
		date := must(http.ParseTime(rec.Header().Get("Date")))
		w.Header().Set("Date", date.Add(off).Format(http.TimeFormat))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	}
}

// TestCheckWithoutPermissionToLook: what only the check needs is skipped where
// it is not permitted, and nothing fails.
func TestCheckWithoutPermissionToLook(t *testing.T) {
	for op, want := range map[string][]string{
		"DescribeLogGroups": {"log group"}, "DescribeLogStreams": {"log stream"}, "GetLogEvents": {"read back"},
		"ListRuleNamesByTarget": {"schedule"}, "DescribeRule": {"schedule"}, "ListTargetsByRule": {"schedule"},
		"CreateLogStream": {"test event", "read back"},
	} {
		t.Run(op, func(t *testing.T) {
			b := newCheckBench(t, devstack.Options{}, auth0.Options{Seed: 1})
			b.happen(1)
			b.tick(export.OK) // the export's own stream is there
			b.stack.Keys.Deny(awsjson.Rule{Operation: op})
			r := b.checks(t.Context(), `{"action":"check","slack":true}`)
			if diff := cmp.Diff(skips(want...), notOK(r)); diff != "" || r.Outcome != export.OK {
				t.Errorf("%s (-want +got):\n%s%s", r.Outcome, diff, strings.Join(r.Text, "\n"))
			}
		})
	}
}

// TestCheckInfrequentAccess: such a group takes events, and what it lacks is
// said.
func TestCheckInfrequentAccess(t *testing.T) {
	b := newCheckBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	if err := b.stack.Logs.CreateGroup(logs.Place{Group: "cheap"}, logs.InfrequentAccess, 30); err != nil {
		t.Fatal(err)
	}
	b.set(map[string]string{"CLOUDWATCH_LOG_GROUP_NAME": "cheap"})
	r := b.checks(t.Context(), `{"action":"check","slack":true}`)
	if diff := cmp.Diff(skips("read back"), notOK(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if text := strings.Join(r.Text, "\n"); !strings.Contains(text, "INFREQUENT_ACCESS, keeps events for 30 days") || !strings.Contains(text, "may be stored twice") {
		t.Errorf("it is not said what the group lacks:\n%s", text)
	}
}

// TestCheckHalfOfTheSettings: what is there is still tried.
func TestCheckHalfOfTheSettings(t *testing.T) {
	for name, test := range map[string]struct {
		unset   []string
		skipped []string
	}{
		"without Auth0's":      {[]string{"AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET"}, linkNames()[1:6]},
		"without CloudWatch's": {[]string{"CLOUDWATCH_LOG_GROUP_NAME", "CLOUDWATCH_LOG_STREAM_NAME"}, linkNames()[8:12]},
		"without the stream":   {[]string{"CLOUDWATCH_LOG_STREAM_NAME"}, linkNames()[9:12]},
		"without the secret":   {[]string{"AUTH0_CLIENT_SECRET"}, linkNames()[2:6]},
	} {
		t.Run(name, func(t *testing.T) {
			b := newCheckBench(t, devstack.Options{}, auth0.Options{Seed: 1})
			for _, s := range test.unset {
				b.tenant.Unset(s)
			}
			r := b.checks(t.Context(), `{"action":"check","slack":true}`)
			want := skips(test.skipped...)
			want["settings"] = check.Failed
			if diff := cmp.Diff(want, notOK(r)); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, strings.Join(r.Text, "\n"))
			}
			for _, s := range test.unset {
				if !strings.Contains(r.Links[0].Text, s) {
					t.Errorf("%s is not named: %s", s, r.Links[0].Text)
				}
			}
		})
	}
	t.Run("without any", func(t *testing.T) {
		b := newCheckBench(t, devstack.Options{}, auth0.Options{Seed: 1})
		r := b.checks(t.Context(), `{"action":"check","tenant":"nobody"}`)
		want := skips(linkNames()[1:]...)
		delete(want, "clock")
		want["settings"], want["schedule"] = check.Failed, check.Failed
		if diff := cmp.Diff(want, notOK(r)); diff != "" {
			t.Errorf("(-want +got):\n%s%s", diff, strings.Join(r.Text, "\n"))
		}
	})
}

// TestCheckMovesNothing compares the parameters and the export's stream before
// and after, of a new tenant and of one whose export runs.
func TestCheckMovesNothing(t *testing.T) {
	b := newCheckBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	place := logs.Place{Group: "/auth0/default", Stream: "default"}
	type snapshot struct {
		Parameters map[string]int
		Events     []logs.Event
		Streams    []string
	}
	look := func() snapshot {
		s := snapshot{Parameters: make(map[string]int), Events: b.stack.Logs.Events(place)}
		for _, p := range b.stack.SSM.List(devstack.Root) {
			s.Parameters[p.Name] = len(b.stack.SSM.History(p.Name))
		}
		s.Streams = slices.DeleteFunc(append([]string{}, b.stack.Logs.Streams(place)...), func(name string) bool { return name == "default-check" })
		return s
	}
	for _, events := range []int{0, 120} {
		if events > 0 {
			b.happen(events)
			b.tick(export.OK)
		}
		before := look()
		for range 2 {
			b.checks(t.Context(), `{"action":"check"}`)
		}
		if diff := cmp.Diff(before, look()); diff != "" {
			t.Errorf("after %d events the check moved something (-before +after):\n%s", events, diff)
		}
	}
	place.Stream = "default-check"
	tests := b.stack.Logs.Events(place)
	if len(tests) != 4 {
		t.Fatalf("%d test events for four checks", len(tests))
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(tests[0].Message), &doc); err != nil || doc["test"] != true || doc["log_id"] != nil || doc["_id"] != nil || doc["type"] != nil {
		t.Errorf("%v: the test event is %s", err, tests[0].Message)
	}
}

// TestCheckBadKeys: one clear error, and nothing is done.
func TestCheckBadKeys(t *testing.T) {
	b := newCheckBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	for event, want := range map[string]string{
		`{"action":"check","slak":true}`:             `unknown key "slak"`,
		`{"action":"check","slack":"https://hooks"}`: `"slack" is a text: expected true or false`,
		`{"action":"check","slack":null}`:            `expected true or false`,
		`{"action":"check","tenant":"a/b"}`:          "tenant",
		`{"action":"check","dryRun":true}`:           `unknown key "dryRun"`,
		`{"action":"Check"}`:                         "expected one of",
		`{"action":"check","slack":true,"x":`:        "no JSON object",
	} {
		if _, err := b.h.Handle(t.Context(), []byte(event)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", event, err, want)
		}
	}
	if n := b.stack.Faults.Calls(""); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

// TestCheckEndsInTime: services that do not answer cost their own links, and
// the result is there before the function's time is over.
func TestCheckEndsInTime(t *testing.T) {
	tests := map[string]struct {
		hang []string
		want map[string]check.Status
	}{
		"Auth0, from the first": {[]string{"other", "token", "search"}, map[string]check.Status{
			"domain": check.Failed, "audience": check.Skipped, "token": check.Skipped, "read:logs": check.Skipped, "rate limit": check.Skipped,
		}},
		"one call of each": {[]string{"search", "DescribeLogStreams", "slack", "PutParameter"}, map[string]check.Status{
			"read:logs": check.Failed, "rate limit": check.Skipped, "log stream": check.Failed, "test event": check.Skipped, "read back": check.Skipped,
			"CHECKPOINT": check.Failed, "RUN": check.Skipped, "Slack": check.Failed,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newCheckBench(t, devstack.Options{}, auth0.Options{Seed: 1})
			for _, op := range test.hang {
				b.stack.Faults.Add(fault.Rule{Op: op, Do: fault.Hang()})
			}
			// Nothing is cancelled at the deadline: it has to be seen.
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			deadline := time.Now().Add(3 * time.Second)
			r := b.checks(overdue{ctx, deadline}, `{"action":"check","slack":true}`)
			if late := time.Since(deadline); late > 0 {
				t.Errorf("the result came %s late", late)
			}
			if diff := cmp.Diff(test.want, notOK(r)); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, strings.Join(r.Text, "\n"))
			}
		})
	}
}

// TestCheckOfManyTenants checks twenty at a time: no result holds another's.
func TestCheckOfManyTenants(t *testing.T) {
	b := newCheckBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.h.out = io.Discard // Lambda itself has one at a time write there
	const n = 20
	var wg sync.WaitGroup
	for i := range n {
		name := fmt.Sprintf("tenant-%d", i)
		tenant := must(b.stack.AddTenant(name, auth0.Options{Seed: uint64(i)}))
		if err := b.stack.Logs.CreateGroup(logs.Place{Group: tenant.Get("CLOUDWATCH_LOG_GROUP_NAME")}, logs.Standard, 0); err != nil {
			t.Fatal(err)
		}
		if i%5 == 0 {
			tenant.SetSecret("another")
		}
		wg.Go(func() {
			answer, err := b.h.Handle(t.Context(), fmt.Appendf(nil, `{"action":"check","tenant":%q}`, name))
			if err != nil {
				t.Error(err)
				return
			}
			r := answer.(*check.Result)
			want := skips("Slack", "schedule")
			if i%5 == 0 {
				want = skips("Slack", "schedule", "audience", "read:logs", "rate limit")
				want["token"] = check.Failed
			}
			if diff := cmp.Diff(want, notOK(*r)); diff != "" || r.Tenant != name || !strings.Contains(r.Links[1].Text, tenant.Domain) && r.Links[1].Status == check.OK {
				t.Errorf("%s (-want +got):\n%s%s", name, diff, strings.Join(r.Text, "\n"))
			}
		})
	}
	wg.Wait()
}

// TestCheckTellsNoSecret breaks every call of a check in ways that tempt it to
// tell what it was given.
func TestCheckTellsNoSecret(t *testing.T) {
	t.Parallel()
	var cases sideBySide
	defer cases.Wait()
	for _, op := range []string{
		"GetParametersByPath", "other", "token", "search", "AssumeRole", "DescribeLogGroups", "DescribeLogStreams", "CreateLogStream",
		"PutLogEvents", "GetLogEvents", "PutParameter", "slack", "ListRuleNamesByTarget", "DescribeRule",
	} {
		for name, do := range leaky() {
			v := newVault(t, nil, false)
			checkBench{v.bench}.rule(events.Enabled)
			cases.run(t, op+"/"+name, v.failBench, func(*failBench) {
				v.check(op, do)
				v.search()
			})
		}
	}
}

// check has the function check with a fault, and takes in what comes out.
func (v *vault) check(op string, do fault.Action) {
	v.Helper()
	ctx, cancel := context.WithTimeout(v.Context(), 3*time.Second)
	defer cancel()
	v.stack.Faults.Add(fault.Rule{Match: v.watch})
	v.stack.Faults.Add(fault.Rule{Op: op, Do: do})
	r := checkBench{v.bench}.checks(ctx, `{"action":"check","slack":true}`)
	v.hear(v.out.String(), string(must(json.Marshal(r))))
}
