package export

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

func TestFirstRunExportsEverythingInFullBatches(t *testing.T) {
	for _, n := range []int{0, 1, 6, 7, 8, 63, 64, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := settledLog(n)
			r := w.run(t, nil)
			w.check(t)
			if want := (n + 6) / 7; r.Batches != want {
				t.Errorf("%d batches of 7 for %d events, want %d", r.Batches, n, want)
			}
			if r.Outcome != OK || r.Exported != n || r.Fetched != n {
				t.Errorf("report %+v", r)
			}
			if n > 0 {
				last := string(w.log[n-1].ID)
				if got := w.current(CheckpointName).Value; got != last {
					t.Errorf("CHECKPOINT %s, want %s", got, last)
				}
			} else if got := w.current(CheckpointName); got.Version != 0 {
				t.Errorf("CHECKPOINT was made of no event: %+v", got)
			}
		})
	}
}

func TestIdleRunCosts(t *testing.T) {
	w := settledLog(20)
	w.run(t, nil)
	var calls []string
	w.hook = func(call string) { calls = append(calls, call) }
	r := w.run(t, nil)
	if diff := cmp.Diff([]string{"page", "put RUN"}, calls); diff != "" {
		t.Errorf("calls of an idle run (-want +got):\n%s", diff)
	}
	if r.Outcome != OK || r.LagSeconds != 0 || r.Fetched != 0 {
		t.Errorf("report %+v", r)
	}
}

func TestFilteredEventsMoveThePosition(t *testing.T) {
	w := settledLog(25)
	r := w.run(t, func(x *Exporter) {
		x.Keep = func(e tenantlog.Event) bool { return e.ID <= w.log[2].ID }
	})
	if r.Exported != 3 || r.Filtered != 22 || r.To != w.log[24].ID {
		t.Errorf("exported %d, filtered %d, position %s; want 3, 22, %s", r.Exported, r.Filtered, r.To, w.log[24].ID)
	}
}

func TestYoungEventsAreLeftForTheNextRun(t *testing.T) {
	w := newWorld()
	w.add(10, w.now.Add(-5*time.Second)) // one a second: the last are in the future
	r := w.run(t, nil)
	if want := 3; r.Exported != want { // 5, 4 and 3 seconds old
		t.Errorf("exported %d, want %d", r.Exported, want)
	}
	if r.LagSeconds != 0 {
		t.Errorf("lag %d s, want 0: what is held back is not behind", r.LagSeconds)
	}
	w.after(time.Minute)
	w.run(t, nil)
	w.check(t)
}

// TestFailAtEveryCall breaks one call after the other, and then the run
// altogether from it on, and expects the next undisturbed run to make good for
// it: nothing lost, nothing twice.
func TestFailAtEveryCall(t *testing.T) {
	for _, kind := range []struct {
		name         string
		lose, killed bool
	}{
		{name: "one call fails"},
		{name: "one reply is lost", lose: true},
		{name: "killed before a call", killed: true},
		{name: "killed after a call", lose: true, killed: true},
	} {
		t.Run(kind.name, func(t *testing.T) {
			for n := 1; ; n++ {
				w := settledLog(45)
				w.failAt, w.lose, w.killed = n, kind.lose, kind.killed
				w.run(t, nil)
				reached := w.calls >= n
				w.failAt = 0
				w.after(20 * time.Minute) // a dead run's claim lapses
				w.add(15, w.now.Add(-time.Minute))
				if r := w.run(t, nil); r.Outcome != OK {
					t.Fatalf("call %d: the next run: %+v", n, r)
				}
				w.check(t)
				if t.Failed() {
					t.Fatalf("after call %d", n)
				}
				if !reached {
					return
				}
			}
		})
	}
}

func TestPositionNeverPassesWhatIsNotAccepted(t *testing.T) {
	w := settledLog(60)
	x := w.exporter(nil)
	x.Sink = refusing{w, func(b *Batch) bool { return b.Events[0].ID == w.log[21].ID }}
	r := x.Run(t.Context(), Parameter{}, Parameter{})
	if r.Outcome != Failed || r.Error.Kind != KindDelivery {
		t.Fatalf("report %+v", r)
	}
	if r.To != w.log[20].ID {
		t.Errorf("position %s, want %s: the last before the refused batch", r.To, w.log[20].ID)
	}
	w.after(20 * time.Minute)
	w.run(t, nil)
	w.check(t)
}

// refusing refuses some batches.
type refusing struct {
	*world
	refuse func(*Batch) bool
}

func (s refusing) Deliver(ctx context.Context, b *Batch) (Receipt, error) {
	if s.refuse(b) {
		return Receipt{}, &Error{Kind: KindDelivery, Text: "no"}
	}
	return s.world.Deliver(ctx, b)
}

func TestEditedCheckpointIsTheReplay(t *testing.T) {
	for name, value := range map[string]func(w *world) string{
		"a log_id": func(w *world) string { return string(w.log[9].ID) },
		"a time":   func(w *world) string { return testTime(w.log[10].ID) },
		"a date":   func(*world) string { return "2026-11-23" },
	} {
		t.Run(name, func(t *testing.T) {
			w := settledLog(30)
			w.run(t, nil)
			w.set(CheckpointName, value(w))
			r := w.run(t, func(x *Exporter) {
				x.Target = Target{"group", "other"}
			})
			want := 20
			if name == "a date" {
				want = 30
			}
			if r.Exported != want {
				t.Errorf("exported %d, want %d", r.Exported, want)
			}
			if again := w.run(t, nil); again.Fetched != 0 {
				t.Errorf("the edit acted twice: %+v", again)
			}
		})
	}
}

// testTime is the id's time in RFC 3339.
func testTime(id tenantlog.ID) string {
	at, _ := id.Time()
	return at.Format(time.RFC3339)
}

func TestReplayIntoTheSameStreamAddsOnlyWhatIsMissing(t *testing.T) {
	w := settledLog(30)
	w.run(t, nil)
	stored := w.streams[mainTarget]
	w.streams[mainTarget] = append(stored[:5:5], stored[8:]...)
	w.set(CheckpointName, "2026-11-23")
	r := w.run(t, nil)
	if r.Exported != 3 || r.Present != 27 {
		t.Errorf("exported %d and found %d, want 3 and 27", r.Exported, r.Present)
	}
	w.check(t)
}

func TestBadCheckpointIsNamedAndLeft(t *testing.T) {
	for name, value := range map[string]string{
		"malformed":     "yesterday",
		"in the future": "2027-01-01T00:00:00Z",
		"truncated id":  "9002026112309",
	} {
		t.Run(name, func(t *testing.T) {
			w := settledLog(10)
			w.run(t, nil)
			w.add(5, w.now.Add(-time.Minute))
			w.set(CheckpointName, value)
			r := w.run(t, nil)
			if r.Outcome != Failed || r.Error.Kind != KindSettings || !strings.Contains(r.Error.Text, CheckpointName) {
				t.Fatalf("report %+v", r)
			}
			if got := w.current(CheckpointName).Value; got != value {
				t.Errorf("CHECKPOINT became %q", got)
			}
			w.after(time.Minute)
			w.set(CheckpointName, string(w.log[9].ID)) // taken back
			w.run(t, nil)
			w.check(t)
		})
	}
}

func TestStartFrom(t *testing.T) {
	at := func(text string, id tenantlog.ID) func(*Exporter) {
		return func(x *Exporter) { x.Start = Start{Text: text, ID: func(time.Time) tenantlog.ID { return id }} }
	}
	t.Run("on a first run it is inclusive", func(t *testing.T) {
		w := settledLog(30)
		r := w.run(t, at("id", w.log[10].ID.Before()))
		if r.Exported != 20 {
			t.Errorf("exported %d, want 20", r.Exported)
		}
	})
	t.Run("unchanged it never acts again", func(t *testing.T) {
		w := settledLog(30)
		w.run(t, at("oldest", tenantlog.Oldest))
		if r := w.run(t, at("oldest", tenantlog.Oldest)); r.Fetched != 0 {
			t.Errorf("fetched %d", r.Fetched)
		}
	})
	t.Run("changed it acts on an existing position", func(t *testing.T) {
		w := settledLog(30)
		w.run(t, nil)
		if r := w.run(t, at("id", w.log[20].ID.Before())); r.Fetched != 10 || r.Present != 10 {
			t.Errorf("fetched %d, found %d; want 10 and 10", r.Fetched, r.Present)
		}
		if r := w.run(t, nil); r.Fetched != 0 {
			t.Errorf("removed, it acted: fetched %d", r.Fetched)
		}
	})
	t.Run("an edited CHECKPOINT overrules it for good", func(t *testing.T) {
		w := settledLog(30)
		w.run(t, nil)
		w.set(CheckpointName, string(w.log[24].ID))
		if r := w.run(t, at("oldest", tenantlog.Oldest)); r.Fetched != 5 {
			t.Errorf("fetched %d, want 5", r.Fetched)
		}
		if r := w.run(t, at("oldest", tenantlog.Oldest)); r.Fetched != 0 {
			t.Errorf("fetched %d, want 0", r.Fetched)
		}
	})
	t.Run("it is noted where only RUN was lost", func(t *testing.T) {
		w := settledLog(30)
		w.run(t, nil)
		delete(w.params, RunName)
		w.add(3, w.now.Add(-time.Minute))
		if r := w.run(t, at("oldest", tenantlog.Oldest)); r.Fetched != 3 {
			t.Errorf("fetched %d, want 3", r.Fetched)
		}
		w.check(t)
	})
	t.Run("in the future it is refused, each time", func(t *testing.T) {
		w := settledLog(3)
		for range 2 {
			r := w.run(t, at("2027", tenantlog.At(w.now.Add(time.Hour))))
			if r.Outcome != Failed || r.Error.Kind != KindSettings {
				t.Errorf("report %+v", r)
			}
		}
	})
}

// TestStartHoweverMadeIDsAreTaken: a start made of a time finds the first event
// after it, whatever Auth0 does with an id that no event has.
func TestStartHoweverMadeIDsAreTaken(t *testing.T) {
	for made, name := range map[madeIDs]string{
		accepted: "accepted", refused: "refused", fromOldest: "from the oldest",
		answeredWithNothing: "answered with nothing", skippingOne: "skipping one",
	} {
		t.Run(name, func(t *testing.T) {
			w := settledLog(35)
			w.made = made
			r := w.run(t, func(x *Exporter) {
				x.Start = Start{Text: "time", ID: func(time.Time) tenantlog.ID {
					at, _ := w.log[5].ID.Time()
					return tenantlog.At(at)
				}}
			})
			if r.Outcome != OK || r.Exported != 30 {
				t.Errorf("report %+v", r)
			}
			if warned := len(r.Warnings) == 1; warned != (made != accepted) {
				t.Errorf("warnings %q", r.Warnings)
			}
		})
	}
}

func TestSettingsErrorIsToldAndChangesNothing(t *testing.T) {
	w := settledLog(10)
	w.run(t, nil)
	before := w.current(CheckpointName)
	broken := func(x *Exporter) {
		x.SettingsErr = &Error{Kind: KindSettings, Text: "AUTH0_DOMAIN: missing"}
		x.Source, x.Sink = nil, nil
	}
	r := w.run(t, broken)
	if r.Outcome != Failed || r.Notice == nil || r.Notice.Kind != NoticeFailure {
		t.Errorf("report %+v", r)
	}
	if r := w.run(t, broken); r.Notice != nil {
		t.Errorf("told again at once: %+v", r.Notice)
	}
	if diff := cmp.Diff(before, w.current(CheckpointName)); diff != "" {
		t.Errorf("CHECKPOINT changed:\n%s", diff)
	}
	if r := w.run(t, nil); r.Notice == nil || r.Notice.Kind != NoticeRecovery || r.Notice.Failures != 2 {
		t.Errorf("notice %+v, want the recovery from 2 failures", r.Notice)
	}
}

func TestUnreadableParametersFailWithoutSlack(t *testing.T) {
	w := newWorld()
	r := w.exporter(nil).Fail(t.Context(), errors.New("no"))
	if r.Outcome != Failed || r.Error.Kind != KindState || r.Notice != nil || len(w.told) != 1 {
		t.Errorf("report %+v, told %d", r, len(w.told))
	}
}

func TestSlackTroubleIsToldLater(t *testing.T) {
	w := settledLog(3)
	fails := func(x *Exporter) {
		x.SettingsErr = &Error{Kind: KindSettings, Text: "bad"}
		x.Publish = func(context.Context, Report) error { return errBroken }
	}
	if r := w.run(t, fails); r.Outcome != Failed || r.Error.Text != "bad" {
		t.Errorf("report %+v", r)
	}
	if r := w.run(t, fails); r.Notice == nil || r.Notice.Failures != 2 {
		t.Errorf("notice %+v: what did not get through is to be told again", r.Notice)
	}
}

func TestPageOutOfOrderIsRefused(t *testing.T) {
	for name, breakLog := range map[string]func(w *world){
		"descending": func(w *world) { w.log[12], w.log[13] = w.log[13], w.log[12] },
		"repeated":   func(w *world) { w.log[13] = w.log[12] },
	} {
		t.Run(name, func(t *testing.T) {
			w := settledLog(30)
			breakLog(w)
			r := w.run(t, nil)
			if r.Outcome != Failed || r.Error.Kind != KindSource {
				t.Fatalf("report %+v", r)
			}
			if r.To != w.log[9].ID {
				t.Errorf("position %s, want the last of the good page, %s", r.To, w.log[9].ID)
			}
		})
	}
}

func TestDatesAndStreams(t *testing.T) {
	w := newWorld()
	w.add(40, time.Date(2026, 11, 22, 23, 59, 40, 0, time.UTC))
	r := w.run(t, func(x *Exporter) {
		x.Target = Target{"group", "auth0-{date}"}
	})
	w.check(t)
	for target, events := range w.streams {
		for _, e := range events {
			if want := "auth0-" + e.Time.Format(time.DateOnly); target.Stream != want {
				t.Errorf("event of %s in %s", e.Time, target.Stream)
			}
		}
	}
	if want := 3 + 3; r.Batches != want { // 21 and 19 events in batches of 7
		t.Errorf("%d batches, want %d", r.Batches, want)
	}
}

func TestUnknownTypesAreNamed(t *testing.T) {
	w := settledLog(5)
	w.log[2].Type, w.log[3].Type = "brand_new", "another_new"
	r := w.run(t, nil)
	if diff := cmp.Diff([]string{"another_new", "brand_new"}, r.UnknownTypes); diff != "" {
		t.Errorf("unknown types (-want +got):\n%s", diff)
	}
}

func TestSettingsErrorKeepsAnEdit(t *testing.T) {
	w := settledLog(30)
	w.run(t, nil)
	w.set(CheckpointName, string(w.log[19].ID))
	w.run(t, func(x *Exporter) { x.SettingsErr = &Error{Kind: KindSettings, Text: "bad"} })
	if r := w.run(t, nil); r.Fetched != 10 {
		t.Errorf("fetched %d, want 10: the edit was lost", r.Fetched)
	}
}

func TestTargetOn(t *testing.T) {
	at := time.Date(2026, 11, 23, 23, 30, 0, 0, time.FixedZone("", -3600))
	got := Target{"/auth0/{date}", "{date}-acme-{date}"}.On(at)
	if want := (Target{"/auth0/2026-11-24", "2026-11-24-acme-2026-11-24"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := mainTarget.On(at); got != mainTarget {
		t.Errorf("without placeholders: %+v", got)
	}
}

// TestSettingsChangedAfterACrash: what a run has stored that died is found
// where that run put it, whatever the settings say now.
func TestSettingsChangedAfterACrash(t *testing.T) {
	for n := 1; ; n++ {
		w := settledLog(60)
		w.failAt, w.lose, w.killed = n, true, true
		w.run(t, nil)
		reached := w.calls >= n
		w.failAt = 0
		w.after(20 * time.Minute)
		elsewhere := func(x *Exporter) { x.Target, x.BatchSize = Target{"group", "new-{date}"}, 3 }
		if r := w.run(t, elsewhere); r.Outcome != OK {
			t.Fatalf("after call %d: %+v", n, r)
		}
		w.check(t)
		if t.Failed() {
			t.Fatalf("after call %d", n)
		}
		if !reached {
			break
		}
	}
}

// TestSettingsChangedAfterTwoCrashes has the run after one that died die too, in
// another stream.
func TestSettingsChangedAfterTwoCrashes(t *testing.T) {
	into := func(stream string) func(*Exporter) {
		return func(x *Exporter) { x.Target = Target{"group", stream} }
	}
	for n := 1; n <= 30; n++ {
		w := settledLog(60)
		w.failAt, w.killed = 13, true
		w.run(t, into("first"))
		w.after(20 * time.Minute)
		w.failAt, w.lose = w.calls+n, true
		w.run(t, into("second"))
		w.after(20 * time.Minute)
		w.failAt = 0
		if r := w.run(t, into("third")); r.Outcome != OK {
			t.Fatalf("after call %d: %+v", n, r)
		}
		w.check(t)
		if len(w.streams[Target{"group", "first"}]) == 0 {
			t.Fatal("the first run has stored nothing")
		}
		if t.Failed() {
			t.Fatalf("after call %d", n)
		}
	}
}

// TestReadsThatLag: what was sent just before is waited for before it is
// looked up.
func TestReadsThatLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settledLog(20)
		w.run(t, nil)
		w.set(CheckpointName, "2026-11-23")
		w.after(2 * time.Second)
		started := time.Now()
		r := w.run(t, func(x *Exporter) { x.ReadLag = 5 * time.Second })
		if waited := time.Since(started); waited != 3*time.Second {
			t.Errorf("waited %s, want the 3 s that are left of 5", waited)
		}
		if r.Present != 20 {
			t.Errorf("found %d", r.Present)
		}
	})
}

func TestBrokenRecord(t *testing.T) {
	for name, value := range map[string]string{"no JSON": "oops", "another format": `{"format":99}`, "an older record": ""} {
		t.Run(name, func(t *testing.T) {
			w := settledLog(30)
			w.run(t, nil)
			if value == "" {
				value = w.params[RunName][0].Value
			}
			w.set(RunName, value)
			w.add(5, w.now.Add(-time.Minute))
			if r := w.run(t, nil); r.Outcome != OK || r.Fetched != 5 {
				t.Errorf("report %+v", r)
			}
			w.check(t)
		})
	}
	t.Run("no valid one left", func(t *testing.T) {
		w := settledLog(30)
		w.run(t, nil)
		w.params[RunName] = nil
		w.set(RunName, "oops")
		w.add(5, w.now.Add(-time.Minute))
		if r := w.run(t, nil); r.Outcome != OK || r.Fetched != 5 || len(r.Warnings) == 0 {
			t.Errorf("report %+v", r)
		}
		w.check(t)
	})
}

func TestKilledRunIsTold(t *testing.T) {
	w := settledLog(30)
	w.failAt, w.killed = 6, true
	w.run(t, nil)
	w.failAt = 0
	w.after(20 * time.Minute)
	r := w.run(t, nil)
	if r.Outcome != OK || len(r.Warnings) != 1 || r.Notice == nil || r.Notice.Kind != NoticeAttention {
		t.Errorf("outcome %s, warnings %q, notice %+v", r.Outcome, r.Warnings, r.Notice)
	}
	if r := w.run(t, nil); len(r.Warnings) != 0 {
		t.Errorf("told again: %q", r.Warnings)
	}
}

func TestStarvedRunsFail(t *testing.T) {
	w := settledLog(30)
	starving := func(x *Exporter) { x.Source = &limitedSource{world: w} }
	for i, want := range []Outcome{Limited, Limited, Failed, Failed} {
		if r := w.run(t, starving); r.Outcome != want {
			t.Errorf("run %d ended %s, want %s", i+1, r.Outcome, want)
		}
	}
	if r := w.run(t, nil); r.Outcome != OK || r.Notice == nil || r.Notice.Kind != NoticeRecovery {
		t.Errorf("report %+v", r)
	}
	if r := w.run(t, starving); r.Outcome != Limited {
		t.Errorf("a run after the recovery ended %s", r.Outcome)
	}
}

func TestPositionBeyondEveryID(t *testing.T) {
	for name, value := range map[string]string{
		"month 13":  "90020261323090009000000000000000000000000000000000000010",
		"all nines": strings.Repeat("9", 56),
	} {
		t.Run(name, func(t *testing.T) {
			w := settledLog(10)
			w.run(t, nil)
			w.set(CheckpointName, value)
			if r := w.run(t, nil); r.Outcome != Failed || r.Error.Kind != KindSettings {
				t.Errorf("report %+v", r)
			}
		})
	}
}

// wrongLink names another event than its page's last.
type wrongLink struct{ *world }

func (s wrongLink) Page(ctx context.Context, after tenantlog.ID) (tenantlog.Page, error) {
	page, err := s.world.Page(ctx, after)
	if len(page.Events) > 0 {
		page.Next = s.log[len(s.log)-1].ID
	}
	return page, err
}

func TestLinkThatSkipsEvents(t *testing.T) {
	w := settledLog(40)
	r := w.run(t, func(x *Exporter) { x.Source = wrongLink{w} })
	w.check(t)
	if len(r.Warnings) == 0 {
		t.Error("nobody is told")
	}
}

// TestStuckProgress: a write of progress that hangs costs a bounded time, and
// no more than the run has.
func TestStuckProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := settledLog(200)
		x := w.exporter(nil)
		x.Source = slowSource{w}
		x.Parameters = &stuckParameters{world: w, from: 2}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		started := time.Now()
		r := x.Run(ctx, Parameter{}, Parameter{})
		if ctx.Err() != nil || r.Exported != 200 {
			t.Errorf("exported %d in %s: %v", r.Exported, time.Since(started), ctx.Err())
		}
	})
}

type slowSource struct{ *world }

func (s slowSource) Page(ctx context.Context, after tenantlog.ID) (tenantlog.Page, error) {
	time.Sleep(3 * time.Second)
	return s.world.Page(ctx, after)
}

// stuckParameters hangs from a put on.
type stuckParameters struct {
	*world
	puts, from int
}

func (p *stuckParameters) Put(ctx context.Context, name, value string) (int64, error) {
	if p.puts++; p.puts >= p.from {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return p.world.Put(ctx, name, value)
}
