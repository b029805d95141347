package verify

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

var update = flag.Bool("update", false, "write the golden files anew")

func chance(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2)) }

// sampled are logs that are too large for the pages that a test allows.
var sampled = map[string]func(*rand.Rand) []int{
	"steady":               func(r *rand.Rand) []int { return steady(r, 40_000) },
	"day and night":        func(r *rand.Rand) []int { return wave(r, 40_000) },
	"bursts of a minute":   func(r *rand.Rand) []int { return bursts(r, 40_000, 200, 60) },
	"bursts of 5 minutes":  func(r *rand.Rand) []int { return bursts(r, 40_000, 1000, 300) },
	"bursts of 10 seconds": func(r *rand.Rand) []int { return bursts(r, 40_000, 150, 10) },
}

// TestPreviewEstimates holds estimates over many seeds against the truth: their
// mean must be right, and the interval hold the truth about as often as it
// says.
func TestPreviewEstimates(t *testing.T) {
	const seeds = 40
	for name, draw := range sampled {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newFakeLog(chance(1), draw(chance(1)))
			var events, bytes, kept measure
			for seed := range uint64(seeds) {
				l.pages, l.searches = 0, 0
				p := l.preview(seed, 250)
				r := p.Run(t.Context())
				if r.Outcome != export.OK || r.Sampled == nil || r.Pages > 250 || r.Pages != l.pages+l.searches {
					t.Fatalf("outcome %s (%v), sampled %v, %d pages of 250, %d asked for", r.Outcome, r.Warnings, r.Sampled, r.Pages, l.pages+l.searches)
				}
				all, proposed := l.total(nil), l.total(p.Proposed)
				events.add(r.All.Events, r.All.EventsBetween, all.events)
				bytes.add(r.All.Bytes, r.All.BytesBetween, all.bytes)
				kept.add(r.Proposed.Events, r.Proposed.EventsBetween, proposed.events)
			}
			events.check(t, "events")
			bytes.check(t, "bytes")
			kept.check(t, "events of the proposed filter")
		})
	}
}

// measure holds estimates against the truth.
type measure struct{ n, held, sum, squares float64 }

func (m *measure) add(estimate int64, between *[2]int64, truth float64) {
	off := float64(estimate)/truth - 1
	m.n++
	m.sum += off
	m.squares += off * off
	if float64(between[0]) <= truth && truth <= float64(between[1]) {
		m.held++
	}
}

func (m *measure) check(t *testing.T, what string) {
	t.Helper()
	mean, root := m.sum/m.n, math.Sqrt(m.squares/m.n)
	t.Logf("%s: bias %+.1f %%, error %.1f %%, the interval held %.0f %%", what, 100*mean, 100*root, 100*m.held/m.n)
	if limit := 3*root/math.Sqrt(m.n) + 1e-3; math.Abs(mean) > limit {
		t.Errorf("%s: the estimates are off by %.2f %% on average, more than the %.2f %% of chance", what, 100*mean, 100*limit)
	}
	if m.held/m.n < 0.85 {
		t.Errorf("%s: the 95 %% interval held the truth in %.0f of %.0f", what, m.held, m.n)
	}
	if root > 0.3 {
		t.Errorf("%s: error %.0f %%", what, 100*root)
	}
}

func TestPreviewOfASeed(t *testing.T) {
	l := newFakeLog(chance(3), bursts(chance(3), 20_000, 200, 60))
	first, again := l.preview(7, 150).Run(t.Context()), l.preview(7, 150).Run(t.Context())
	if diff := cmp.Diff(encoded(t, first), encoded(t, again)); diff != "" {
		t.Errorf("the same seed gave two results:\n%s", diff)
	}
	if other := l.preview(8, 150).Run(t.Context()); other.All.Events == first.All.Events {
		t.Error("another seed gave the same estimate")
	}
}

func encoded(t *testing.T, r PreviewResult) string {
	t.Helper()
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPreviewCounts draws logs that fit the pages and wants every event
// counted, whatever the range's ends.
func TestPreviewCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := chance(rapid.Uint64().Draw(t, "log"))
		l := newFakeLog(r, bursts(r, rapid.IntRange(2, 3000).Draw(t, "events"), 50, 20))
		p := l.preview(1, 300)
		from := rapid.IntRange(0, len(l.events)-1).Draw(t, "from")
		to := rapid.IntRange(from, len(l.events)-1).Draw(t, "to")
		plan, err := PreviewRequest{From: string(l.events[from].ID), To: string(l.events[to].ID)}.Plan(PreviewSettings{}, today)
		if err != nil {
			t.Fatal(err)
		}
		p.PreviewPlan = plan
		result := p.Run(context.Background())
		want := (&fakeLog{events: l.events[from : to+1]}).total(nil)
		if result.Outcome != export.OK || result.Sampled != nil || float64(result.All.Events) != want.events || float64(result.All.Bytes) != want.bytes {
			t.Fatalf("%s, sampled %v: %d events, %d bytes; want %v", result.Outcome, result.Sampled, result.All.Events, result.All.Bytes, want)
		}
		var events, bytes int64
		for _, row := range result.Types {
			events, bytes = events+row.Events, bytes+row.Bytes
		}
		if events != result.All.Events || bytes != result.All.Bytes {
			t.Fatalf("the types add up to %d events and %d bytes of %d and %d", events, bytes, result.All.Events, result.All.Bytes)
		}
	})
}

// TestPreviewFits takes a log of which the beginning is only a part, and which
// can be counted event by event all the same.
func TestPreviewFits(t *testing.T) {
	l := newFakeLog(chance(4), steady(chance(4), 9_000))
	r := l.preview(1, 300).Run(t.Context())
	if r.Outcome != export.OK || r.Sampled != nil || r.All.Events != 9_000 || r.Read != 9_000 || r.Pages > 300 {
		t.Errorf("%s, sampled %v, %d events, %d read on %d pages", r.Outcome, r.Sampled, r.All.Events, r.Read, r.Pages)
	}
}

// TestPreviewFitsNot takes a log with a burst at the end that is seldom met
// before the walk has come to it: what it cannot count then is estimated.
func TestPreviewFitsNot(t *testing.T) {
	r := chance(4)
	before := steady(r, 9_000)
	for range 21_000 {
		before = append(before, 1+r.IntN(300_000))
	}
	l := newFakeLog(r, before)
	var late measure
	for seed := range uint64(30) {
		r := l.preview(seed, 300).Run(t.Context())
		if r.Sampled == nil {
			t.Fatalf("seed %d: outcome %s, %q, %d events on %d pages", seed, r.Outcome, r.Warnings, r.All.Events, r.Pages)
		}
		if r.Sampled.CountedTo.After(today.Add(-6 * time.Minute)) {
			late.add(r.All.Events, r.All.EventsBetween, 30_000)
		}
	}
	if late.n < 10 {
		t.Errorf("%v of 30 came to the burst", late.n)
	}
	late.check(t, "events")
}

func TestPreviewOfNothing(t *testing.T) {
	r := (&fakeLog{}).preview(1, 100).Run(t.Context())
	if r.Outcome != export.OK || r.All.Events != 0 || r.Sampled != nil || r.Types == nil || len(r.Types) != 0 || r.All.IngestUSDPerMonth != 0 {
		t.Errorf("%+v", r)
	}
}

func TestPreviewListsTypes(t *testing.T) {
	l := newFakeLog(chance(5), steady(chance(5), 3000))
	for i := range l.events {
		l.events[i].Type = fmt.Sprintf("type_%03d", i%130)
	}
	l.events[0].Type = strings.Repeat("x", 1000) + "\x1b"
	l.events[0].Raw = make([]byte, 1<<20)
	r := l.preview(1, 100).Run(t.Context())
	if len(r.Types) != maxTypes || r.More == nil || r.More.Types != 31 {
		t.Fatalf("%d types, %+v more", len(r.Types), r.More)
	}
	if !slices.IsSortedFunc(r.Types, func(a, b PreviewType) int { return int(b.Bytes - a.Bytes) }) {
		t.Error("the types are not sorted by their bytes")
	}
	if first := r.Types[0]; len(first.Type) != maxCode+3 || first.Level != "" || !first.Present || !*first.Proposed {
		t.Errorf("first type %+v", first)
	}
	if text := strings.Join(r.Text, "\n"); !strings.Contains(text, "and 31 types more: ") {
		t.Errorf("text:\n%s", text)
	}
}

func TestPreviewEndsInTime(t *testing.T) {
	tests := map[string]struct {
		time    time.Duration
		rounds  bool // some are to be made
		failure export.Kind
	}{
		"for a sample":        {time: 5 * time.Minute, rounds: true},
		"for the beginning":   {time: 20 * time.Second},
		"for not even a page": {time: 500 * time.Millisecond, failure: export.KindSource},
	}
	log := newFakeLog(chance(6), wave(chance(6), 60_000))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &fakeLog{events: log.events, latency: time.Second}
				ctx, cancel := context.WithTimeout(t.Context(), tt.time)
				defer cancel()
				r := l.preview(1, 1000).Run(ctx)
				if ctx.Err() != nil {
					t.Error("it did not end before its deadline")
				}
				if tt.failure != "" {
					if r.Outcome != export.Failed || r.Error.Kind != tt.failure {
						t.Errorf("outcome %s, %v", r.Outcome, r.Error)
					}
					return
				}
				if r.Read == 0 || (r.Sampled != nil) != tt.rounds || r.ReadTo.IsZero() != tt.rounds {
					t.Errorf("%d events read, sampled %v, read to %s", r.Read, r.Sampled, r.ReadTo)
				}
				if !tt.rounds && (r.Outcome != export.Limited || len(r.Warnings) == 0) {
					t.Errorf("outcome %s, warnings %q", r.Outcome, r.Warnings)
				}
				if tt.rounds && (r.All.EventsBetween[0] > 60_000 || r.All.EventsBetween[1] < 60_000) {
					t.Errorf("%d events, between %v", r.All.Events, r.All.EventsBetween)
				}
			})
		})
	}
}

func TestPreviewStops(t *testing.T) {
	noTime := &export.Error{Kind: export.KindRateLimit, Text: "no time", Err: export.ErrNoTime}
	broken := &export.Error{Kind: export.KindSource, Text: "broken"}
	tests := map[string]struct {
		page    int // that fails
		err     error
		outcome export.Outcome
		kind    export.Kind
		sampled bool
	}{
		"rate limit at once":             {1, noTime, export.Failed, export.KindRateLimit, false},
		"rate limit in the walk":         {5, noTime, export.Limited, "", false},
		"rate limit in the first rounds": {40, noTime, export.Limited, "", false},
		"rate limit in the sample":       {150, noTime, export.Limited, "", true},
		"broken at once":                 {1, broken, export.Failed, export.KindSource, false},
		"broken in the sample":           {150, broken, export.Failed, export.KindSource, false},
	}
	log := newFakeLog(chance(7), steady(chance(7), 40_000))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := &fakeLog{events: log.events}
			l.onPage = func(n int) error {
				if n >= tt.page {
					return tt.err
				}
				return nil
			}
			r := l.preview(1, 250).Run(t.Context())
			if r.Outcome != tt.outcome || (r.Sampled != nil) != tt.sampled {
				t.Fatalf("outcome %s (%v), sampled %v", r.Outcome, r.Error, r.Sampled)
			}
			if tt.kind != "" && r.Error.Kind != tt.kind {
				t.Errorf("error %v", r.Error)
			}
			if tt.outcome == export.Limited && !strings.Contains(strings.Join(r.Warnings, "\n"), "rate limit") {
				t.Errorf("warnings %q", r.Warnings)
			}
			if tt.outcome == export.Limited && !tt.sampled && (r.All.Events == 0 || r.Read != r.All.Events || r.All.Events%pageEvents != 0 || r.ReadTo.IsZero()) {
				t.Errorf("%d events, read to %s", r.All.Events, r.ReadTo)
			}
		})
	}
}

func TestPreviewWithoutMadeIDs(t *testing.T) {
	l := newFakeLog(chance(8), steady(chance(8), 4_000))
	l.refuse = true
	r := l.preview(1, 100).Run(t.Context())
	if r.Outcome != export.OK || r.All.Events != 4_000 {
		t.Errorf("%s %v, %d events", r.Outcome, r.Error, r.All.Events)
	}
	// The search by date goes back further than the range.
	p := l.preview(1, 100)
	plan, err := PreviewRequest{From: l.events[1000].Date.Truncate(time.Second).Add(time.Second).Format(time.RFC3339)}.Plan(PreviewSettings{}, today)
	if err != nil {
		t.Fatal(err)
	}
	p.PreviewPlan = plan
	inside := slices.DeleteFunc(slices.Clone(l.events), func(e tenantlog.Event) bool { return e.ID <= p.Range.After })
	if r := p.Run(t.Context()); r.All.Events != int64(len(inside)) {
		t.Errorf("%d events, want %d", r.All.Events, len(inside))
	}
	r = l.preview(1, 20).Run(t.Context())
	if r.Outcome != export.Limited || r.Sampled != nil || r.ReadTo.IsZero() || len(r.Warnings) != 2 {
		t.Errorf("%s, sampled %v, %q", r.Outcome, r.Sampled, r.Warnings)
	}
	broken := errors.New("broken")
	l.onPage = func(int) error { return broken }
	if r := l.preview(1, 20).Run(t.Context()); r.Outcome != export.Failed || !errors.Is(r.Error, broken) {
		t.Errorf("%s %v", r.Outcome, r.Error)
	}
}

func TestPreviewCost(t *testing.T) {
	want := PreviewCost{BytesPerMonth: 10 << 30, IngestUSDPerMonth: 5, IngestIAUSDPerMonth: 2.5, StorageUSDPerMonthKept: 0.045}
	if diff := cmp.Diff(want, costOf(10<<30)); diff != "" {
		t.Errorf("cost of 10 GB (-want +got):\n%s", diff)
	}
	// Half a day of 1000 events of 1000 bytes is 60 of them a month.
	l := newFakeLog(chance(9), steady(chance(9), 1000))
	p := l.preview(1, 100)
	p.Size = func(tenantlog.Event) int { return 1000 }
	p.From = p.To.Add(-12 * time.Hour)
	if r := p.Run(t.Context()); r.All.BytesPerMonth != 60*r.All.Bytes {
		t.Errorf("%d bytes are %d a month", r.All.Bytes, r.All.BytesPerMonth)
	}
}

func TestPreviewText(t *testing.T) {
	for name, pages := range map[string]int{"counted": 1000, "sampled": 150, "limited": 150} {
		t.Run(name, func(t *testing.T) {
			l := newFakeLog(chance(10), bursts(chance(10), 20_000, 200, 60))
			if name == "limited" {
				l.refuse = true
			}
			got := strings.Join(l.preview(1, pages).Run(t.Context()).Text, "\n") + "\n"
			file := filepath.Join("testdata", "preview-"+name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}
