package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/verify"
)

// fillAll verifies all of a log of so many events, and adds what is missing.
const (
	fillAll  = `{"action":"verify","from":"-1d","to":"-8m","fill":true}`
	verified = 120
)

// harmed is a bench with exported events, of which some are gone again.
func harmed(t *testing.T) (b *failBench, gone int) {
	b = newFailBench(t, auth0.Options{Seed: 1})
	b.happen(verified)
	b.tick(export.OK)
	b.clock.after(lapse)
	gone = b.stack.Logs.Drop(logs.Place{Account: b.place.Account, Group: b.place.Group, Stream: "default"},
		func(e logs.Event) bool { return strings.Contains(e.Message, `7"`) })
	return b, gone
}

// TestFailAtEveryCallOfAVerification lets a verification that fills in what is
// missing fail at each of its calls in turn. Carried on by the schedule, it
// counts each event once, and in the end each is stored once.
func TestFailAtEveryCallOfAVerification(t *testing.T) {
	t.Parallel()
	b, gone := harmed(t)
	if gone == 0 {
		t.Fatal("nothing is gone")
	}
	calls := 0
	b.stack.Faults.Watch(func(string, int) { calls++ })
	if _, err := b.h.Handle(t.Context(), []byte(fillAll)); err != nil {
		t.Fatal(err)
	}
	var cases sideBySide
	defer cases.Wait()
	for _, f := range []breakage{replyLost(), killed(), killedWithTheEffect()} {
		if f.slow && testing.Short() {
			continue
		}
		for i := range calls {
			b, _ := harmed(t)
			cases.run(t, fmt.Sprintf("%s/%d", f.name, i+1), b, func(b *failBench) {
				ctx, die := context.WithCancel(b.Context())
				defer die()
				b.out.Reset()
				f.arm(b.stack.Faults, i+1, die)
				_, err := b.h.Handle(ctx, []byte(fillAll))
				b.stack.Faults.Clear()
				b.carriesOn(f.kills, err != nil, gone)
			})
		}
	}
}

// carriesOn has the schedule end what is open, and what did not begin begun
// again.
func (b *failBench) carriesOn(coldStart, again bool, gone int) {
	b.Helper()
	if coldStart {
		b.restart()
	}
	for range 4 {
		b.clock.after(lapse)
		if _, err := b.h.Handle(b.Context(), event(b.T, "scheduled")); err != nil {
			b.Fatal(err)
		}
		if again && !b.isOpen("VERIFY") && b.found() == nil {
			_, err := b.h.Handle(b.Context(), []byte(fillAll))
			again = err != nil
		}
		if !again && !b.isOpen("VERIFY") && !b.isOpen("REPLAY") {
			break
		}
	}
	if b.isOpen("VERIFY") || b.isOpen("REPLAY") {
		b.Errorf("VERIFY open %v, REPLAY open %v", b.isOpen("VERIFY"), b.isOpen("REPLAY"))
	}
	if v := b.found(); v == nil || v.Expected != verified || v.Stored+v.Missing != verified || v.Missing > gone || v.Double != 0 {
		b.Errorf("found %+v of %d missing", v, gone)
	}
	if c := b.tenant.Compare(b.place, nil); !c.Exact() {
		b.Error(c)
	}
}

// found is the last result of a verification that came to its end, nil for none.
func (b *bench) found() (v *export.Verification) {
	b.Helper()
	for line := range strings.Lines(b.out.String()) {
		var entry struct{ Report export.Report }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			b.Fatalf("a line of the log is no JSON: %s", line)
		}
		if r := entry.Report.Verify; r != nil && r.State == export.StateDone {
			v = r
		}
	}
	return v
}

// TestActionsTellNoSecret has the services tempt a replay, a verification and a
// preview to tell what they were given, RUN and Slack included.
func TestActionsTellNoSecret(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for calls that are not answered: not in -short mode")
	}
	t.Parallel()
	asked := []string{fillAll, `{"action":"replay","from":"-1d","to":"-8m"}`, `{"action":"preview"}`, `{"action":"replay","stop":true}`}
	var cases sideBySide
	defer cases.Wait()
	for _, op := range []string{"GetParametersByPath", "token", "logs", "AssumeRole", "PutLogEvents", "GetLogEvents", "FilterLogEvents", "PutParameter", "DeleteParameter", "slack"} {
		for name, do := range leaky() {
			v := newVault(t, nil, false)
			cases.run(t, op+"/"+name, v.failBench, func(*failBench) {
				v.happen(30)
				v.tick(export.OK)
				v.clock.after(lapse)
				v.restart()
				v.stack.Faults.Add(fault.Rule{Match: v.watch})
				v.stack.Faults.Add(fault.Rule{Op: op, Do: do})
				for _, ask := range asked {
					ctx, cancel := context.WithTimeout(v.Context(), 2*time.Second)
					r, err := v.h.Handle(ctx, []byte(ask))
					cancel()
					v.hear(fmt.Sprintf("%+v", r), fmt.Sprint(err), string(must(json.Marshal(r))))
				}
				v.hear(v.out.String(), v.tenant.Get("REPLAY"), v.tenant.Get("VERIFY"))
				v.search()
			})
		}
	}
}

// TestAnEmptyPageIsNoEnd has Auth0 answer amid the log that nothing follows. A
// replay is not done by that, and a verification does not call complete what it
// has not seen: the export has come to later events.
func TestAnEmptyPageIsNoEnd(t *testing.T) {
	t.Parallel()
	const first, last = 50, 250
	for action, parameter := range map[string]string{"replay": export.ReplayName, "verify": verify.ParameterName} {
		for _, good := range []int{0, 1} { // pages before that
			b := replayBench(t, 300)
			ids := slices.Sorted(maps.Keys(b.idsIn("default")))
			b.stack.Faults.Add(fault.Rule{Op: "logs", Skip: good, Do: jsonBody("[]")})
			ask := fmt.Sprintf(`{"action":%q,"from":%q,"to":%q}`, action, ids[first], ids[last])
			_, err := b.h.Handle(t.Context(), []byte(ask))
			if err == nil || !strings.Contains(err.Error(), "source: Auth0 answered that nothing follows") || !b.isOpen(parameter) {
				t.Errorf("%s after %d pages: error %v, still open %t", action, good, err, b.isOpen(parameter))
			}
			b.stack.Faults.Clear()
			b.clock.after(lapse)
			if _, err := b.h.Handle(t.Context(), event(t, "scheduled")); err != nil || b.isOpen(parameter) {
				t.Errorf("%s after %d pages was not carried on: %v", action, good, err)
			}
			if v := b.found(); action == "verify" && (v == nil || v.Expected != last-first+1 || !v.Complete) {
				t.Errorf("after %d pages the verification found %+v", good, v)
			}
			if n := len(b.idsIn("default-replay")); action == "replay" && n != last-first+1 {
				t.Errorf("after %d pages the replay has stored %d events, want %d", good, n, last-first+1)
			}
		}
	}
}
