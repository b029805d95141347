package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
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

// replayBench is a bench with events of two days exported, and a minute gone.
func replayBench(t *testing.T, n int) *bench {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 5})
	b.tenant.Generate(n, b.clock.Now().Add(-47*time.Hour), b.clock.Now().Add(-time.Hour))
	b.tick(export.OK)
	b.clock.after(time.Minute)
	return b
}

func (b *bench) stream(name string) []logs.Event {
	return b.stack.Logs.Events(logs.Place{Group: b.tenant.Get("CLOUDWATCH_LOG_GROUP_NAME"), Stream: name})
}

func (b *bench) ask(event string) export.Report {
	b.Helper()
	b.out.Reset()
	r, err := invoke[*reportWithText](b, event)
	if err != nil {
		b.Fatalf("%s: %v", event, err)
	}
	if len(r.Text) == 0 || strings.Contains(strings.Join(r.Text, ""), "%!") {
		b.Errorf("the text is %q", r.Text)
	}
	return *r.Report
}

// refusedPuts refuses the calls of PutLogEvents after so many.
func refusedPuts(after int) fault.Rule {
	return fault.Rule{Op: "PutLogEvents", Skip: after, Do: awsjson.ErrorReply(http.StatusBadRequest, "AccessDeniedException", "not allowed")}
}

// idsIn are the log_ids that a stream holds, each with how often.
func (b *bench) idsIn(stream string) map[tenantlog.ID]int {
	ids := make(map[tenantlog.ID]int)
	for _, e := range b.stream(stream) {
		ids[must(tenantlog.Decode([]byte(e.Message))).ID]++
	}
	return ids
}

// lastDay are the exported events of the last day.
func (b *bench) lastDay() map[tenantlog.ID]int {
	ids := make(map[tenantlog.ID]int)
	for id := range b.idsIn("default") {
		if at, _ := id.Time(); at.After(b.clock.Now().Add(-24 * time.Hour)) {
			ids[id] = 1
		}
	}
	return ids
}

func TestReplayIntoAStreamOfItsOwn(t *testing.T) {
	b := replayBench(t, 1500)
	before := b.idsIn("default")
	dry := b.ask(`{"action":"replay","from":"-24h","to":"-1h","dryRun":true}`)
	if n := len(b.lastDay()); dry.Replay.Exported != n || dry.Replay.State != export.StateCounted || n == 0 {
		t.Errorf("the dry run says %+v, want %d to add", dry.Replay, n)
	}
	if _, open := b.stack.SSM.Value("/auth0-logs-to-cloudwatch/default/REPLAY"); open || len(b.stream("default-replay")) > 0 {
		t.Error("a dry run has written something")
	}
	if text := strings.Join(dry.Replay.Text(), "\n"); strings.Contains(text, "time was over") {
		t.Errorf("the dry run's text: %s", text)
	}
	r := b.ask(`{"action":"replay","from":"-24h","to":"-1h"}`)
	if r.Outcome != export.OK || r.Replay.State != export.StateDone {
		t.Fatalf("report %+v", r)
	}
	if diff := cmp.Diff(b.lastDay(), b.idsIn("default-replay")); diff != "" {
		t.Errorf("replayed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, b.idsIn("default")); diff != "" {
		t.Errorf("the export's stream has changed (-want +got):\n%s", diff)
	}
	again := b.ask(`{"action":"replay","from":"-24h","to":"-1h"}`)
	if again.Replay.Exported != 0 || again.Replay.Present != len(b.lastDay()) {
		t.Errorf("replayed again: %+v", again.Replay)
	}
	if _, open := b.stack.SSM.Value("/auth0-logs-to-cloudwatch/default/REPLAY"); open {
		t.Error("REPLAY is there after the end")
	}
	if strings.Contains(b.out.String(), `"_aws"`) {
		t.Errorf("a replay makes metrics of the export: %s", b.out)
	}
}

// TestReplayIntoTheExportsStream puts back what has vanished, and nothing else.
func TestReplayIntoTheExportsStream(t *testing.T) {
	b := replayBench(t, 900)
	group := b.tenant.Get("CLOUDWATCH_LOG_GROUP_NAME")
	dropped := b.stack.Logs.Drop(logs.Place{Group: group, Stream: "default"}, func(e logs.Event) bool { return strings.Contains(e.Message, `7"`) })
	r := b.ask(`{"action":"replay","from":"-7d","to":"-1h","stream":"default"}`)
	if r.Replay.Exported != dropped || dropped == 0 || r.Replay.Exported+r.Replay.Present != 900 {
		t.Errorf("replay %+v", r.Replay)
	}
	b.compare()
}

// TestReplayIntoTheExportsStreamUnread: where it cannot be known what the stream
// holds, nothing is added to it.
func TestReplayIntoTheExportsStreamUnread(t *testing.T) {
	b := replayBench(t, 50)
	allow := b.stack.Keys.Deny(awsjson.Rule{Operation: "GetLogEvents"})
	for _, more := range []string{`,"dryRun":true`, ""} {
		_, err := invoke[*reportWithText](b, `{"action":"replay","from":"-7d","to":"-1h","stream":"default"`+more+`}`)
		if err == nil || !strings.Contains(err.Error(), "logs:GetLogEvents") || !strings.Contains(err.Error(), "another stream") {
			t.Errorf("error %v", err)
		}
	}
	b.compare()
	allow()
	b.clock.after(10 * time.Minute)
	if _, err := b.h.Handle(t.Context(), event(t, "scheduled")); err != nil || b.isOpen("REPLAY") {
		t.Errorf("it was not carried on: %v", err)
	}
	b.compare()
}

func TestReplayOfSomeTypes(t *testing.T) {
	b := replayBench(t, 800)
	r := b.ask(`{"action":"replay","from":"-7d","to":"-1h","types":"f*,!fsa","stream":"{tenant}-failures"}`)
	want := 0
	for _, e := range b.stream("default") {
		if code := must(tenantlog.Decode([]byte(e.Message))).Type; strings.HasPrefix(code, "f") && code != "fsa" {
			want++
		}
	}
	if got := len(b.stream("default-failures")); got != want || want == 0 || r.Replay.Filtered != 800-want {
		t.Errorf("%d events, want %d; %+v", got, want, r.Replay)
	}
}

// TestReplayIsCarriedOn by the scheduled runs, beside the export, through runs
// that are killed.
func TestReplayIsCarriedOn(t *testing.T) {
	b := replayBench(t, 3000)
	b.stack.Faults.Add(refusedPuts(12))
	_, err := invoke[*reportWithText](b, `{"action":"replay","from":"-7d","to":"-1h"}`)
	if err == nil {
		t.Fatal("the replay did not fail")
	}
	b.stack.Faults.Clear()
	sum := 0
	for range 20 {
		b.clock.after(7 * time.Minute)
		b.tenant.Generate(10, b.clock.Now().Add(-2*time.Minute), b.clock.Now().Add(-time.Minute))
		sum += 10
		b.out.Reset()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		if _, err := b.h.Handle(ctx, event(t, "scheduled")); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, open := b.stack.SSM.Value("/auth0-logs-to-cloudwatch/default/REPLAY"); !open {
			break
		}
	}
	for id, n := range b.idsIn("default-replay") {
		if n != 1 {
			t.Fatalf("event %s is there %d times", id, n)
		}
	}
	if got := len(b.stream("default-replay")); got != 3000 {
		t.Errorf("%d events were replayed, want 3000", got)
	}
	if got := len(b.stream("default")); got != 3000+sum {
		t.Errorf("%d events were exported, want %d", got, 3000+sum)
	}
	if said := strings.Join(b.said(), "\n"); !strings.Contains(said, "replay done") || !strings.Contains(said, "replay failed") {
		t.Errorf("Slack was told %s", said)
	}
}

func TestReplayIsStopped(t *testing.T) {
	b := replayBench(t, 400)
	b.stack.Faults.Add(refusedPuts(0))
	if _, err := invoke[*reportWithText](b, `{"action":"replay","from":"-7d","to":"-1h"}`); err == nil {
		t.Fatal("the replay did not fail")
	}
	b.stack.Faults.Clear()
	if _, err := invoke[*reportWithText](b, `{"action":"replay","from":"-3d","to":"-2h"}`); err == nil || !strings.Contains(err.Error(), "a replay is open") {
		t.Errorf("a second replay: %v", err)
	}
	r := b.ask(`{"action":"replay","stop":true}`)
	if r.Replay.State != export.StateStopped {
		t.Errorf("report %+v", r.Replay)
	}
	if _, open := b.stack.SSM.Value("/auth0-logs-to-cloudwatch/default/REPLAY"); open {
		t.Error("REPLAY is there after the stop")
	}
	b.ask(`{"action":"replay","from":"-3d","to":"-2h"}`)
}

// TestBadReplays change nothing.
func TestBadReplays(t *testing.T) {
	b := replayBench(t, 20)
	before := must(json.Marshal(b.stack.SSM.List("/")))
	for event, want := range map[string]string{
		`{"action":"replay"}`:                                                                                                  "from is missing",
		`{"action":"replay","from":"-1d"}`:                                                                                     "to is missing",
		`{"action":"replay","from":"-1h","to":"-2h"}`:                                                                          "not before",
		`{"action":"replay","from":"-2h","to":"-1h","form":"x"}`:                                                               `"form"`,
		`{"action":"replay","from":"-2h","to":"-1h","From":"x"}`:                                                               `"From"`,
		`{"action":"replay","from":7,"to":"-1h"}`:                                                                              `"from"`,
		`{"action":"replay","from":null,"to":"-1h"}`:                                                                           `"from"`,
		`{"action":"replay","from":"-2h","to":"-1h","dryRun":"yes"}`:                                                           "true or false",
		`{"action":"replay","from":"-2h","to":"-1h","stream":"a:b"}`:                                                           "stream name",
		`{"action":"replay","from":"-2h","to":"-1h","stream":"{day}"}`:                                                         "stream name",
		`{"action":"replay","from":"-2h","to":"-1h","types":"f p"}`:                                                            "type code",
		`{"action":"replay","from":"-40d","to":"-31d"}`:                                                                        "Auth0 keeps",
		`{"action":"replay","from":"12","to":"-1h"}`:                                                                           `from is "12"`,
		`{"action":"replay","from":"-2h","to":"2026-11-24"}`:                                                                   "beyond where the export has come to",
		`{"action":"replay","from":"-2h","to":"-1h","stop":true}`:                                                              "no other key",
		`{"action":"replay","stop":true}`:                                                                                      "no replay to stop",
		`{"action":"replay","from":"-2h","to":"-1h","dryRun":true,"stream":"x*"}`:                                              "stream name",
		`{"tenant":"acme/../x","action":"replay","from":"-2h","to":"-1h"}`:                                                     "tenant",
		`{"action":"replay","from":"-2h","to":"-1h","types":"` + long(1001) + `"}`:                                             "types has 1001",
		`{"action":"replay","from":"-2h","to":"-1h","stream":"` + long(600) + `"}`:                                             "stream name",
		`{"action":"replay","from":"` + long(300) + `","to":"-1h"}`:                                                            "from is",
		`{"action":"replay","from":"` + strings.Repeat("5", 56) + `","to":"-1h"}`:                                              "from is",
		`{"action":"replay","from":"90020261123080000` + strings.Repeat("0", 38) + `","to":"-1h"}`:                             "56 digits",
		`{"action":"replay","from":"-2h","to":"-1h","types":"` + strings.Repeat("a b,", 250) + `"}`:                            "and 247 more",
		`{"action":"replay","from":"-2h","to":"-1h","stream":"default-late-2026-11-20"}`:                                       "too late",
		`{"action":"replay","from":"-2h","to":"-1h","stream":"{tenant}-late-{date}"}`:                                          "too late",
		`{"action":"replay","from":"-30h","from":"-2h","to":"-1h"}`:                                                            `"from" twice`,
		"{\"action\":\"replay\",\"from\":{\n\"a\":1},\"to\":\"-1h\"}":                                                          "is an object",
		`{"action":"replay","from":"-2h","to":"-1h","stream":"` + long(496) + `","types":"` + strings.Repeat("&,", 500) + `"}`: "too long",
	} {
		b.out.Reset()
		_, err := b.h.Handle(t.Context(), []byte(event))
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 700 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.200s: %v, want an error with %q", event, err, want)
		}
		if !strings.Contains(b.out.String(), "bad event") {
			t.Errorf("%.200s: nothing of it in the log: %s", event, b.out)
		}
	}
	if after := must(json.Marshal(b.stack.SSM.List("/"))); string(after) != string(before) {
		t.Errorf("a bad event has changed a parameter: %s", cmp.Diff(string(before), string(after)))
	}
	if streams := b.stack.Logs.Streams(logs.Place{Group: "/auth0/default"}); len(streams) != 1 {
		t.Errorf("there are streams %v", streams)
	}
}

// TestBlankTypes are none: the replay has what the export keeps.
func TestBlankTypes(t *testing.T) {
	b := replayBench(t, 200)
	b.set(map[string]string{"LOG_TYPES": "!s"})
	r := b.ask(`{"action":"replay","from":"-7d","to":"-1h","types":" "}`)
	if r.Replay.Filtered == 0 || r.Replay.Types != "" {
		t.Errorf("replay %+v", r.Replay)
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// TestReplayOfABrokenRecord: what is not of our making is left alone and named.
func TestReplayOfABrokenRecord(t *testing.T) {
	b := replayBench(t, 20)
	b.set(map[string]string{"REPLAY": "by hand"})
	b.out.Reset()
	if _, err := b.h.Handle(t.Context(), event(t, "scheduled")); err != nil {
		t.Errorf("the export fails: %v", err)
	}
	if !strings.Contains(b.out.String(), "REPLAY is not JSON of ours") {
		t.Errorf("the log says %s", b.out)
	}
}

// TestRecordsWithoutARange: an open record that does not say what of the log
// goes where is none. It is not acted on, and named wherever it is asked for.
func TestRecordsWithoutARange(t *testing.T) {
	id := string(tenantlog.At(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)))
	for name, record := range map[string]string{
		"nothing":   `{"format":1,"expects":1,"state":"open"}`,
		"no end":    `{"format":1,"expects":1,"state":"open","after":"` + id + `","position":"` + id + `","target":{"group":"/auth0/default","stream":"default"}}`,
		"no time":   `{"format":1,"expects":1,"state":"open","after":"` + id + `","position":"` + id + `","to":"` + id + `","target":{"group":"/auth0/default","stream":"default"}}`,
		"no stream": `{"format":1,"expects":1,"state":"open","opened":"2026-11-23T09:00:00Z","after":"` + id + `","position":"` + id + `","to":"` + id + `"}`,
	} {
		for parameter, action := range map[string]string{"REPLAY": "replay", "VERIFY": "verify"} {
			t.Run(name+"/"+parameter, func(t *testing.T) {
				b := replayBench(t, 20)
				b.set(map[string]string{parameter: record})
				pages := b.stack.Faults.Calls("logs")
				b.out.Reset()
				if _, err := b.h.Handle(t.Context(), event(t, "scheduled")); err != nil {
					t.Errorf("the export fails: %v", err)
				}
				if got := b.stack.Faults.Calls("logs") - pages; got != 1 || !strings.Contains(b.out.String(), "delete the parameter") {
					t.Errorf("%d pages were asked for; the log says %s", got, b.out)
				}
				_, err := invoke[*reportWithText](b, `{"action":"`+action+`","stop":true}`)
				if err == nil || !strings.Contains(err.Error(), "delete the parameter") {
					t.Errorf("stopped: %v", err)
				}
				b.ask(`{"action":"` + action + `","from":"-7d","to":"-1h"}`)
				if b.isOpen(parameter) {
					t.Errorf("%s is there after the end", parameter)
				}
			})
		}
	}
}

// TestReplayWithAnEditedCheckpoint sends the export back over what a replay
// into its stream is at work on.
func TestReplayWithAnEditedCheckpoint(t *testing.T) {
	b := replayBench(t, 600)
	b.stack.Faults.Add(refusedPuts(0))
	group := b.tenant.Get("CLOUDWATCH_LOG_GROUP_NAME")
	b.stack.Logs.Drop(logs.Place{Group: group, Stream: "default"}, func(e logs.Event) bool { return strings.Contains(e.Message, `3"`) })
	if _, err := invoke[*reportWithText](b, `{"action":"replay","from":"-7d","to":"-1h","stream":"default"}`); err == nil {
		t.Fatal("the replay did not fail")
	}
	b.stack.Faults.Clear()
	b.set(map[string]string{"CHECKPOINT": "2026-11-20"})
	b.out.Reset()
	for range 2 {
		b.clock.after(10 * time.Minute)
		if _, err := b.h.Handle(t.Context(), event(t, "scheduled")); err != nil {
			t.Fatal(err)
		}
	}
	b.compare()
	if _, open := b.stack.SSM.Value("/auth0-logs-to-cloudwatch/default/REPLAY"); open {
		t.Errorf("REPLAY is still there: %s", b.out)
	}
}

// TestReplayOfOldEvents has CloudWatch Logs refuse them for their time: they go
// into the late streams of the replay's own, once.
func TestReplayOfOldEvents(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 7})
	b.tenant.Generate(50, b.clock.Now().Add(-20*24*time.Hour), b.clock.Now().Add(-16*24*time.Hour))
	b.tick(export.OK)
	b.clock.after(time.Minute)
	for _, want := range []int{50, 0} {
		if r := b.ask(`{"action":"replay","from":"-25d","to":"-10d"}`); r.Replay.Exported != want || r.Replay.Present != 50-want || r.Replay.Rescued != want {
			t.Errorf("replay %+v, want %d to add", r.Replay, want)
		}
	}
	n := 0
	for _, stream := range b.stack.Logs.Streams(b.place("")) {
		if strings.HasPrefix(stream, "default-replay-late-") {
			n += len(b.stream(stream))
		}
	}
	if n != 50 {
		t.Errorf("%d events are in late streams, want 50", n)
	}
}

// TestSamples: each file of the folder events asks for what there is.
func TestSamples(t *testing.T) {
	files := must(filepath.Glob(filepath.Join("..", "..", "events", "*.json")))
	asked := make(map[string]bool)
	for _, file := range files {
		r, err := parseRequest(must(os.ReadFile(file)))
		if keys := keysOf(r.action); err == nil && keys != nil {
			err = r.decode(keys, "")
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		asked[r.action] = true
	}
	for action := range actions {
		if !asked[action] {
			t.Errorf("no sample asks for the action %q", action)
		}
	}
}
