package export

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// TestReplayRecordFits: the longest names, types and errors that there can be
// fit a parameter, and are read back as they were.
func TestReplayRecordFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Just(strings.Repeat("{", 3000)), rapid.Just(strings.Repeat("\x00<", 900)))
		now := time.Date(2026, 11, 23, 10, 0, 0, 123456789, time.UTC)
		id := tenantlog.ID(strings.Repeat("9", 56))
		want := &ReplayRecord{
			ActionClaim: ActionClaim{
				Claim: Claim{Format: recordFormat, Owner: "0123456789AB", Until: now, Expects: 7},
				Error: (&Error{Kind: KindRateLimit, Text: text.Draw(t, "text"), Fix: text.Draw(t, "fix")}).short(), Told: now,
			},
			Replay: Replay{
				Progress: Progress{
					Stretch: tenantlog.Stretch{After: id, To: id}, Position: id, State: StateOvertaken, Opened: now, Runs: 1 << 20,
					Target: Target{Group: strings.Repeat("g", 512), Stream: strings.Repeat("s", 496)},
				},
				Types:   strings.Repeat("t", 1000),
				Fetched: 1 << 40, Filtered: 1 << 40, Exported: 1 << 40, Present: 1 << 40, Batches: 1 << 40, Bytes: 1 << 50, Rescued: 1 << 40,
			},
		}
		value, err := want.Encode()
		if err != nil || strings.Contains(value, "{{") {
			t.Fatalf("%v: %s", err, value)
		}
		got := &ReplayRecord{}
		if valid, err := decode(got, ReplayName, Parameter{Value: value, Version: 7}); err != nil || !valid {
			t.Fatalf("valid %v, %v", valid, err)
		}
		want.Error.Text, want.Error.Fix = strings.ToValidUTF8(want.Error.Text, "\uFFFD"), strings.ToValidUTF8(want.Error.Fix, "\uFFFD")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("read back (-want +got):\n%s", diff)
		}
	})
}

// TestReplaySharesAStream: whichever way the stream of a day is named.
func TestReplaySharesAStream(t *testing.T) {
	at := func(day int) tenantlog.ID { return tenantlog.At(time.Date(2026, 11, day, 12, 0, 0, 0, time.UTC)) }
	for _, tt := range []struct {
		export, replay string
		want           bool
	}{
		{"auth0", "auth0", true},
		{"auth0", "auth0-replay", false},
		{"auth0-{date}", "auth0-{date}", true},
		{"auth0-{date}", "auth0-{date}-replay", false},
		{"auth0-{date}", "auth0-2026-11-20", true},
		{"auth0-{date}", "auth0-2026-11-12", false},
		{"auth0-2026-11-20", "auth0-{date}", true},
	} {
		x := Exporter{Options: Options{Target: Target{Group: "g", Stream: tt.export}}}
		r := Replay{Progress: Progress{Target: Target{Group: "g", Stream: tt.replay}, Stretch: tenantlog.Stretch{After: at(18), To: at(21)}}}
		if got := x.shares(r); got != tt.want {
			t.Errorf("an export into %s shares with a replay into %s: %v", tt.export, tt.replay, got)
		}
	}
}

// TestReplayAtEveryCall has each call of a replay fail once, with its effect and
// without: carried on, it is done, and every event is in its stream once.
func TestReplayAtEveryCall(t *testing.T) {
	for _, target := range []Target{replayTarget, mainTarget} {
		for n, reached := 1, true; reached; n++ {
			for _, lose := range []bool{false, true} {
				w := settledLog(40)
				w.run(t, nil)
				w.streams[mainTarget] = w.streams[mainTarget][:30]
				x := &Replayer{Exporter: *w.exporter(nil)}
				begun := w.calls
				w.failAt, w.lose = begun+n, lose
				want := Replay{Progress: Progress{Target: target, Stretch: tenantlog.Stretch{After: w.log[0].ID.Before(), To: w.log[39].ID}}}
				_, refused := x.Open(t.Context(), want, w.current(ReplayName))
				reached = w.calls >= w.failAt
				w.failAt = 0
				w.after(20 * time.Minute)
				if refused != nil || w.current(ReplayName).Version == 0 && len(w.streams[target]) < 40 {
					if _, err := x.Open(t.Context(), want, w.current(ReplayName)); err != nil {
						t.Fatalf("call %d: %v", n, err)
					}
				}
				for range 3 {
					x.CarryOn(t.Context(), w.current(ReplayName))
				}
				if w.current(ReplayName).Version != 0 {
					t.Fatalf("call %d: REPLAY is still there", n)
				}
				count := make(map[tenantlog.ID]int)
				for _, e := range w.streams[target] {
					count[e.ID]++
				}
				for _, e := range w.log {
					if count[e.ID] != 1 {
						t.Fatalf("call %d (lost reply %v): event %s is in %s %d times", n, lose, e.ID, target.Stream, count[e.ID])
					}
				}
			}
		}
	}
}

// TestReplayIsTakenAway while it is at work: by a stop, and by hand.
func TestReplayIsTakenAway(t *testing.T) {
	for name, take := range map[string]func(*testing.T, *Replayer, *world){
		"stopped": func(t *testing.T, x *Replayer, w *world) {
			w.mu.Lock()
			p := w.current(ReplayName)
			w.mu.Unlock()
			if r, err := x.Stop(t.Context(), p); err != nil || len(r.Warnings) == 0 {
				t.Errorf("stop: %+v, %v", r, err)
			}
		},
		"deleted": func(_ *testing.T, _ *Replayer, w *world) {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.params, ReplayName)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := settledLog(400)
				w.run(t, nil)
				x := &Replayer{Exporter: *w.exporter(func(x *Exporter) { x.Source = slowSource{w} })}
				done := make(chan Report)
				go func() {
					r, _ := x.Open(t.Context(), Replay{Progress: Progress{Target: replayTarget, Stretch: tenantlog.Stretch{After: w.log[0].ID, To: w.log[399].ID}}}, Parameter{})
					done <- r
				}()
				time.Sleep(20 * time.Second)
				take(t, &Replayer{Exporter: *w.exporter(nil)}, w)
				r := <-done
				if r.Replay.State != StateStopped || r.Outcome != OK || len(w.streams[replayTarget]) > 200 {
					t.Errorf("report %+v, %+v; %d events", r, r.Replay, len(w.streams[replayTarget]))
				}
				if name == "stopped" && w.current(ReplayName).Version != 0 {
					t.Error("REPLAY is still there")
				}
			})
		})
	}
}
