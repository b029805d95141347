package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const verifyAll = `{"action":"verify","from":"-7d","to":"-1h"}`

func (b *bench) place(stream string) logs.Place {
	return logs.Place{Group: b.tenant.Get("CLOUDWATCH_LOG_GROUP_NAME"), Stream: stream}
}

func (b *bench) isOpen(parameter string) bool {
	_, open := b.stack.SSM.Value("/auth0-logs-to-cloudwatch/default/" + parameter)
	return open
}

func TestVerifyComplete(t *testing.T) {
	b := replayBench(t, 1500)
	b.set(map[string]string{"LOG_TYPES": "!ssa"})
	r := b.ask(verifyAll)
	v := r.Verify
	if r.Outcome != export.OK || !v.Complete || v.Fetched != 1500 || v.Expected+v.Filtered != 1500 || v.Stored != v.Expected || v.Filtered == 0 {
		t.Errorf("report %+v, %+v", r, v)
	}
	if b.isOpen("VERIFY") {
		t.Error("VERIFY is there after the end")
	}
	var run export.RunRecord
	value, _ := b.stack.SSM.Value("/auth0-logs-to-cloudwatch/default/RUN")
	if err := json.Unmarshal([]byte(value), &run); err != nil || run.Verified == nil || run.Verified.Expected != v.Expected {
		t.Errorf("RUN keeps %+v, %v", run.Verified, err)
	}
	if r := b.tick(export.OK); r.Fetched != 0 { // RUN goes on from where it was
		t.Errorf("the next run: %+v", r)
	}
	if got := len(b.stream("default")); got != 1500 {
		t.Errorf("%d events are stored, want 1500", got)
	}
}

// TestVerifyFinds what is missing and double, by time and by type, and what is
// in another stream alone.
func TestVerifyFinds(t *testing.T) {
	b := replayBench(t, 1200)
	all := b.stream("default")
	missing, doubled, moved := make(map[string]bool), 0, 0
	for i, e := range all {
		switch {
		case i%100 == 7:
			missing[e.Message] = true
		case i%100 == 20:
			if err := b.stack.Logs.Write(b.place("default"), time.UnixMilli(e.Timestamp), e.Message); err != nil {
				t.Fatal(err)
			}
			doubled++
		case i%400 == 33:
			missing[e.Message] = true
			if err := b.stack.Logs.Write(b.place("elsewhere"), time.UnixMilli(e.Timestamp), e.Message); err != nil {
				t.Fatal(err)
			}
			moved++
		}
	}
	b.stack.Logs.Drop(b.place("default"), func(e logs.Event) bool { return missing[e.Message] })
	r := b.ask(verifyAll)
	v := r.Verify
	if v.Complete || v.Missing != len(missing)-moved || v.Double != doubled || v.Elsewhere != moved || v.Stored != 1200-len(missing)+moved {
		t.Errorf("found %+v; want %d missing, %d double, %d elsewhere", v, len(missing)-moved, doubled, moved)
	}
	wantTimes, wantTypes := make(map[string]export.Tally), make(map[string]export.Tally)
	for i, e := range all {
		var one export.Tally
		switch i % 100 {
		case 7:
			one.Missing = 1
		case 20:
			one.Double = 1
		default:
			continue
		}
		for name, to := range map[string]map[string]export.Tally{time.UnixMilli(e.Timestamp).UTC().Format("2006-01-02T15"): wantTimes, must(tenantlog.Decode([]byte(e.Message))).Type: wantTypes} {
			sum := to[name]
			to[name] = export.Tally{Name: name, Missing: sum.Missing + one.Missing, Double: sum.Double + one.Double}
		}
	}
	for name, pair := range map[string][2]any{"times": {wantTimes, tallies(v.Times)}, "types": {wantTypes, tallies(v.Types)}} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if said := strings.Join(b.said(), "\n"); !strings.Contains(said, "missing") {
		t.Errorf("Slack was told %q", said)
	}
	for _, id := range v.FirstMissing {
		if b.idsIn("default")[id] != 0 || b.idsIn("elsewhere")[id] != 0 {
			t.Errorf("%s is there", id)
		}
	}
}

func tallies(all []export.Tally) map[string]export.Tally {
	m := make(map[string]export.Tally)
	for _, t := range all {
		m[t.Name] = t
	}
	return m
}

// TestVerifyFills opens a replay that adds what is missing; another verification
// then finds the log complete.
func TestVerifyFills(t *testing.T) {
	b := replayBench(t, 900)
	b.stack.Logs.Drop(b.place("default"), func(e logs.Event) bool { return strings.Contains(e.Message, `7"`) })
	r := b.ask(`{"action":"verify","from":"-7d","to":"-1h","fill":true}`)
	if r.Verify.Missing == 0 || !strings.Contains(r.Verify.Fill, "replay") {
		t.Fatalf("found %+v", r.Verify)
	}
	if b.isOpen("REPLAY") {
		b.tick(export.OK)
	}
	b.compare()
	if again := b.ask(verifyAll); !again.Verify.Complete {
		t.Errorf("after that: %+v", again.Verify)
	}
}

// TestVerifyFillsWhereItLooked: what was missing in one stream is not added to
// another that the settings name meanwhile.
func TestVerifyFillsWhereItLooked(t *testing.T) {
	b := replayBench(t, 1500)
	b.stack.Logs.Drop(b.place("default"), func(e logs.Event) bool { return strings.Contains(e.Message, `7"`) })
	b.stack.Faults.Add(fault.Rule{Op: "GetLogEvents", Skip: 1, Do: fault.Drop()})
	if _, err := invoke[*reportWithText](b, `{"action":"verify","from":"-7d","to":"-1h","fill":true}`); err == nil {
		t.Fatal("the verification did not fail")
	}
	b.stack.Faults.Clear()
	b.set(map[string]string{"CLOUDWATCH_LOG_STREAM_NAME": "other"})
	for range 3 {
		b.clock.after(7 * time.Minute)
		if _, err := b.h.Handle(t.Context(), event(t, "scheduled")); err != nil {
			t.Fatal(err)
		}
	}
	b.compare()
	if got := len(b.stream("other")); got != 0 || b.isOpen("VERIFY") || b.isOpen("REPLAY") {
		t.Errorf("%d events are in the new stream", got)
	}
}

// TestVerifyKnowsTheOtherForms: late, slimmed and wrapped events are there.
func TestVerifyKnowsTheOtherForms(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 6})
	b.tenant.Generate(60, b.clock.Now().Add(-20*24*time.Hour), b.clock.Now().Add(-15*24*time.Hour)) // too old to be put
	b.happen(40)
	b.set(map[string]string{"CLOUDWATCH_LOG_STREAM_NAME": "auth0-{date}"})
	if r := b.tick(export.OK); r.Late.Count == 0 {
		t.Fatalf("nothing was late: %+v", r)
	}
	b.clock.after(time.Minute)
	r := b.ask(`{"action":"verify","from":"-25d","to":"-2m"}`)
	if !r.Verify.Complete || r.Verify.Expected != 100 {
		t.Errorf("found %+v", r.Verify)
	}
}

// TestVerifyIsCarriedOn by the scheduled runs, and counts nothing twice for it.
func TestVerifyIsCarriedOn(t *testing.T) {
	b := replayBench(t, 5000)
	b.stack.Logs.Drop(b.place("default"), func(e logs.Event) bool { return strings.Contains(e.Message, `77"`) })
	b.stack.Faults.Add(fault.Rule{Op: "GetLogEvents", Skip: 5, Do: fault.Drop()})
	if _, err := invoke[*reportWithText](b, verifyAll); err == nil {
		t.Fatal("the verification did not fail")
	}
	b.stack.Faults.Clear()
	if !b.isOpen("VERIFY") {
		t.Fatal("VERIFY is not there")
	}
	if _, err := invoke[*reportWithText](b, verifyAll); err == nil || !strings.Contains(err.Error(), "a verification is open") {
		t.Errorf("a second verification: %v", err)
	}
	for n := 0; b.isOpen("VERIFY") && n < 20; n++ {
		b.clock.after(7 * time.Minute)
		b.out.Reset()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		if _, err := b.h.Handle(ctx, event(t, "scheduled")); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	var last export.Report
	for line := range strings.Lines(b.out.String()) {
		var entry struct {
			Report export.Report `json:"report"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Report.Verify != nil {
			last = entry.Report
		}
	}
	v := last.Verify
	if v == nil || v.State != export.StateDone || v.Fetched != 5000 || v.Expected != 5000 || v.Stored+v.Missing != 5000 || v.Missing == 0 || v.Runs < 2 {
		t.Errorf("in the end %+v", v)
	}
}

func TestVerifyIsStopped(t *testing.T) {
	b := replayBench(t, 400)
	undo := b.stack.Keys.Deny(awsjson.Rule{Operation: "GetLogEvents"})
	_, err := invoke[*reportWithText](b, verifyAll)
	if err == nil || !strings.Contains(err.Error(), "logs:GetLogEvents") {
		t.Errorf("error %v", err)
	}
	undo()
	r := b.ask(`{"action":"verify","stop":true}`)
	if r.Verify.State != export.StateStopped || b.isOpen("VERIFY") {
		t.Errorf("report %+v", r.Verify)
	}
}

// TestWarningsOfManyPages: what is odd of every page does not make a report that
// grows with the log.
func TestWarningsOfManyPages(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 5})
	b.happen(12_500)
	link := `<https://elsewhere.example/api/v2/logs?from=` + string(tenantlog.Oldest) + `&take=100>; rel="next"`
	b.stack.Faults.Add(fault.Rule{Op: "logs", Do: headed(http.Header{"Link": {link}})})
	for name, r := range map[string]export.Report{
		"export": b.tick(export.OK),
		"verify": b.ask(`{"action":"verify","from":"-1d","to":"-2m"}`),
		"replay": b.ask(`{"action":"replay","from":"-1d","to":"-2m"}`),
	} {
		if n := len(r.Warnings); n == 0 || n > 101 {
			t.Errorf("%s: %d warnings of 125 pages", name, n)
		}
	}
}

// TestActionsAtTheRateLimit say that it is what they wait for.
func TestActionsAtTheRateLimit(t *testing.T) {
	b := replayBench(t, 20)
	b.stack.Faults.Add(fault.Rule{Op: "logs", Do: fault.Reply(http.StatusTooManyRequests, http.Header{"Retry-After": {"600"}}, "")})
	for _, ask := range []string{verifyAll, `{"action":"replay","from":"-7d","to":"-1h"}`} {
		r := b.ask(ask)
		if r.Outcome != export.Limited || !strings.Contains(strings.Join(r.Warnings, "\n"), "rate limit asks to wait 10m0s") {
			t.Errorf("%s: %s, warned %q", ask, r.Outcome, r.Warnings)
		}
	}
	if said := b.said(); len(said) != 0 {
		t.Errorf("Slack was told %q", said)
	}
}

// TestVerifyThatIsOvertaken by Auth0's retention says what it has not seen.
func TestVerifyThatIsOvertaken(t *testing.T) {
	b := replayBench(t, 400)
	b.set(map[string]string{"AUTH0_LOG_RETENTION_DAYS": "5"})
	b.stack.Faults.Add(fault.Rule{Op: "GetLogEvents", Do: fault.Drop()})
	if _, err := invoke[*reportWithText](b, verifyAll); err == nil {
		t.Fatal("the verification did not fail")
	}
	b.stack.Faults.Clear()
	opened := b.clock.Now()
	b.clock.after(4 * 24 * time.Hour)
	b.out.Reset()
	if _, err := b.h.Handle(t.Context(), event(t, "scheduled")); err != nil {
		t.Fatal(err)
	}
	kept := opened.Add(-5 * 24 * time.Hour)
	want := &export.Gap{From: kept, To: kept.Add(4 * 24 * time.Hour)}
	if got := b.found(); got == nil || !cmp.Equal(want, got.Expired) || !strings.Contains(strings.Join(got.Text(), "\n"), "may have deleted it") {
		t.Errorf("found %+v, want %+v", got, want)
	}
}

// TestVerifyWithoutTheGroup: that there is no log group is said beside what that
// makes of the events.
func TestVerifyWithoutTheGroup(t *testing.T) {
	b := replayBench(t, 20)
	b.set(map[string]string{"CLOUDWATCH_LOG_GROUP_NAME": "/auth0/defaul"})
	r := b.ask(verifyAll)
	if warned := strings.Join(r.Warnings, "\n"); r.Verify.Missing != 20 || !strings.Contains(warned, "no log group /auth0/defaul") {
		t.Errorf("%d missing, warned %q", r.Verify.Missing, warned)
	}
}

// TestVerifyThatFails is told at once and then hourly, whichever sandbox the
// runs are in.
func TestVerifyThatFails(t *testing.T) {
	b := replayBench(t, 20)
	b.stack.Keys.Deny(awsjson.Rule{Operation: "GetLogEvents"})
	if _, err := invoke[*reportWithText](b, verifyAll); err == nil {
		t.Fatal("the verification did not fail")
	}
	for range 14 {
		b.clock.after(5 * time.Minute)
		b.restart()
		if _, err := b.h.Handle(t.Context(), event(t, "scheduled")); err != nil {
			t.Fatal(err)
		}
	}
	if said := b.said(); len(said) != 2 {
		t.Errorf("Slack was told %d times in 70 minutes: %q", len(said), said)
	}
}

// TestEndThatCannotBeWritten: what is done is not done again because REPLAY or
// VERIFY cannot be deleted. That is told, and mended by the right alone.
func TestEndThatCannotBeWritten(t *testing.T) {
	for parameter, ask := range map[string]string{
		"REPLAY": `{"action":"replay","from":"-7d","to":"-1h"}`, "VERIFY": verifyAll,
	} {
		t.Run(parameter, func(t *testing.T) {
			b := replayBench(t, 20)
			allow := b.stack.Keys.Deny(awsjson.Rule{Operation: "DeleteParameter"})
			if _, err := invoke[*reportWithText](b, ask); err == nil || !strings.Contains(err.Error(), "ssm:DeleteParameter") {
				t.Fatalf("error %v", err)
			}
			pages := b.stack.Faults.Calls("logs")
			const ticks = 3
			for range ticks {
				b.clock.after(5 * time.Minute)
				b.restart()
				if _, err := b.h.Handle(t.Context(), event(t, "scheduled")); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.stack.Faults.Calls("logs") - pages; got != ticks {
				t.Errorf("%d pages in %d runs with nothing to do", got, ticks)
			}
			if said := b.said(); len(said) != 1 || !strings.Contains(said[0], "ssm:DeleteParameter") {
				t.Errorf("Slack was told %q", said)
			}
			allow()
			b.clock.after(5 * time.Minute)
			if _, err := b.h.Handle(t.Context(), event(t, "scheduled")); err != nil || b.isOpen(parameter) {
				t.Errorf("%s is there: %v", parameter, err)
			}
		})
	}
}

// TestBadVerifications change nothing.
func TestBadVerifications(t *testing.T) {
	b := replayBench(t, 20)
	before := must(json.Marshal(b.stack.SSM.List("/")))
	for event, want := range map[string]string{
		`{"action":"verify"}`:                                        "from is missing",
		`{"action":"verify","from":"-1d","to":"-2d"}`:                "not before",
		`{"action":"verify","from":"-1d","to":"-1h","fil":true}`:     `"fil"`,
		`{"action":"verify","from":"-1d","to":"-1h","fill":"yes"}`:   "true or false",
		`{"action":"verify","from":"-40d","to":"-31d"}`:              "Auth0 keeps",
		`{"action":"verify","from":"-1d","to":"2026-11-25"}`:         "beyond where the export has come to",
		`{"action":"verify","from":"-2h","to":"-1h","stop":true}`:    "no other key",
		`{"action":"verify","stop":true}`:                            "no verification to stop",
		`{"action":"verify","from":"900202611231000001","to":"-1h"}`: "from is",
	} {
		b.out.Reset()
		_, err := b.h.Handle(t.Context(), []byte(event))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want an error with %q", event, err, want)
		}
		if !strings.Contains(b.out.String(), "bad event") {
			t.Errorf("%s: nothing of it in the log: %s", event, b.out)
		}
	}
	if after := must(json.Marshal(b.stack.SSM.List("/"))); string(after) != string(before) {
		t.Errorf("a bad event has changed a parameter: %s", cmp.Diff(string(before), string(after)))
	}
}

// TestVoidRecordsAreTakenAway: a run that is at work while its action is ended
// by hand leaves a record behind that counts for nothing.
func TestVoidRecordsAreTakenAway(t *testing.T) {
	for _, parameter := range []string{"REPLAY", "VERIFY"} {
		b := replayBench(t, 20)
		b.set(map[string]string{parameter: `{"format":1,"owner":"ABCDEFGHIJKL","expects":7,"state":"done"}`})
		// The run may still be at work at first.
		for _, there := range []bool{true, false} {
			b.clock.after(10 * time.Minute)
			b.tick(export.OK)
			if got := b.isOpen(parameter); got != there {
				t.Errorf("%s is there: %v, want %v", parameter, got, there)
			}
		}
	}
}
