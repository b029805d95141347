package verify

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/filter"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

var today = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// fakeLog is a tenant's log in memory, in the order of its ids. The documents
// hold nothing: an event's size is in its Raw's length.
type fakeLog struct {
	events []tenantlog.Event
	// pages counts the calls of Page, searches those of Since.
	pages, searches int
	// latency is how long a page takes; onPage may fail one, by its number.
	latency time.Duration
	onPage  func(n int) error
	refuse  bool // ids that no event has
}

func (l *fakeLog) Page(ctx context.Context, after tenantlog.ID) (tenantlog.Page, error) {
	l.pages++
	if l.onPage != nil {
		if err := l.onPage(l.pages); err != nil {
			return tenantlog.Page{}, err
		}
	}
	if l.latency > 0 {
		select {
		case <-time.After(l.latency):
		case <-ctx.Done():
			return tenantlog.Page{}, ctx.Err()
		}
	}
	i, found := slices.BinarySearchFunc(l.events, after, func(e tenantlog.Event, id tenantlog.ID) int { return cmp.Compare(e.ID, id) })
	if found {
		i++
	} else if l.refuse {
		return tenantlog.Page{}, &export.Error{Kind: export.KindSource, Text: "no such id", Err: export.ErrIDRefused}
	}
	return tenantlog.Page{Events: l.events[i:min(i+pageEvents, len(l.events))]}, nil
}

func (l *fakeLog) Since(_ context.Context, t time.Time) (tenantlog.Page, error) {
	l.searches++
	i, _ := slices.BinarySearchFunc(l.events, t, func(e tenantlog.Event, t time.Time) int { return e.Date.Compare(t) })
	return tenantlog.Page{Events: slices.Clone(l.events[i:min(i+pageEvents, len(l.events))])}, nil
}

// newFakeLog is a log of events at these milliseconds before today; the type
// and the size of each are by chance.
func newFakeLog(r *rand.Rand, before []int) *fakeLog {
	slices.Sort(before)
	slices.Reverse(before)
	codes := []string{"s", "s", "s", "seacft", "fp", "limit_wc", "new_code"}
	l := &fakeLog{}
	raw := []byte(strings.Repeat("x", 5000))
	for i, ms := range before {
		at := today.Add(-time.Duration(ms) * time.Millisecond)
		id := tenantlog.ID("900" + strings.ReplaceAll(at.Format("20060102150405.000"), ".", "") + fmt.Sprintf("%036d", i+1))
		l.events = append(l.events, tenantlog.Event{ID: id, Type: codes[r.IntN(len(codes))], Date: at, Raw: raw[:500+int(1000*r.ExpFloat64())%4000]})
	}
	return l
}

const day = 24 * 60 * 60 * 1000 // milliseconds

// steady is n events at any time of the last day.
func steady(r *rand.Rand, n int) (before []int) {
	for range n {
		before = append(before, 1+r.IntN(day-1))
	}
	return before
}

// wave is n events, most of them by day.
func wave(r *rand.Rand, n int) (before []int) {
	for len(before) < n {
		at := 1 + r.IntN(day-1)
		if r.Float64() < math.Pow(math.Sin(math.Pi*float64(at)/day), 2) {
			before = append(before, at)
		}
	}
	return before
}

// bursts is n events in bursts of about each that take so many seconds, beside
// as many that are steady.
func bursts(r *rand.Rand, n, each, seconds int) (before []int) {
	before = steady(r, n/2)
	for len(before) < n {
		at := r.IntN(day - seconds*1000 - 1)
		for range int(float64(each) * r.ExpFloat64()) {
			before = append(before, 1+at+r.IntN(seconds*1000))
		}
	}
	return before
}

func (l *fakeLog) preview(seed uint64, pages int) *Preview {
	plan, err := PreviewRequest{}.Plan(PreviewSettings{Retention: 5 * 24 * time.Hour}, today)
	if err != nil {
		panic(err)
	}
	keep, err := filter.Parse("warning", "")
	if err != nil {
		panic(err)
	}
	plan.Proposed = &keep
	return &Preview{
		Tenant: "acme", PreviewPlan: plan, Source: l, most: pages,
		Size: func(e tenantlog.Event) int { return len(e.Raw) + 26 },
		Now:  func() time.Time { return today },
		Rand: rand.New(rand.NewPCG(seed, 1)),
	}
}

func (l *fakeLog) total(f *filter.Filter) (a amount) {
	for _, e := range l.events {
		if keeps(f, e.Type) {
			a = a.plus(amount{1, float64(len(e.Raw) + 26)}, 1)
		}
	}
	return a
}
