package export

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// madeIDs is how a tenant answers an id that no event has.
type madeIDs int

const (
	accepted madeIDs = iota
	refused
	fromOldest
	answeredWithNothing
	skippingOne
)

// answer is what of the log, ascending, follows a made id.
func (m madeIDs) answer(log []tenantlog.Event, after tenantlog.ID) ([]tenantlog.Event, error) {
	i := slices.IndexFunc(log, func(e tenantlog.Event) bool { return e.ID > after })
	if i < 0 {
		i = len(log)
	}
	switch m {
	case refused:
		return nil, &Error{Kind: KindSource, Text: "refused", Err: ErrIDRefused}
	case fromOldest:
		i = 0
	case answeredWithNothing:
		i = len(log)
	case skippingOne:
		i = min(i+1, len(log))
	case accepted:
	}
	return log[i:], nil
}

// distant is a tenant's log behind a network.
type distant struct {
	events   []tenantlog.Event // ascending
	made     madeIDs
	page     int
	room     int
	latency  func(request int) time.Duration
	failAt   int // the request that fails, 0 for none
	silentAt int // the request that is answered with nothing, 0 for none
	after    tenantlog.ID
	reach    reach
	consumer time.Duration // what the taker of a page needs for it

	mu       sync.Mutex
	requests int
}

func (d *distant) Concurrency() int      { return d.room }
func (d *distant) Waited() time.Duration { return 0 }
func (d *distant) Since(context.Context, time.Time) (tenantlog.Page, error) {
	return tenantlog.Page{}, errBroken
}

func (d *distant) Page(ctx context.Context, after tenantlog.ID) (tenantlog.Page, error) {
	d.mu.Lock()
	d.requests++
	n := d.requests
	d.mu.Unlock()
	if err := Pause(ctx, d.latency(n)); err != nil {
		return tenantlog.Page{}, err
	}
	if n == d.failAt {
		return tenantlog.Page{}, &Error{Kind: KindSource, Text: "broken", Err: errBroken}
	}
	if n == d.silentAt {
		return tenantlog.Page{ServerTime: time.Now(), Next: after}, nil
	}
	i, exists := slices.BinarySearchFunc(d.events, after, func(e tenantlog.Event, id tenantlog.ID) int { return strings.Compare(string(e.ID), string(id)) })
	if exists {
		i++
	}
	log := d.events[i:]
	if !exists && after != d.after {
		var err error
		if log, err = d.made.answer(d.events, after); err != nil {
			return tenantlog.Page{}, err
		}
	}
	page := tenantlog.Page{ServerTime: time.Now(), Next: after, Events: log[:min(d.page, len(log))]}
	if len(page.Events) > 0 {
		page.Next = page.Events[len(page.Events)-1].ID
	}
	return page, nil
}

// fetchAll fetches the log and returns the events in the order they came, what
// ended it and how long it took.
func (d *distant) fetchAll(t *testing.T, until time.Duration) (ids []tenantlog.ID, took time.Duration, err error) {
	x := &Exporter{Source: d, Now: time.Now, reach: d.reach}
	began := time.Now()
	pages, stop := x.reader().start(t.Context(), d.after, "", began.Add(until))
	after := d.after
	for p := range pages {
		if p.after != after {
			t.Errorf("a page is said to follow %s, after %s", p.after, after)
		}
		for _, e := range p.events {
			after = e.ID
			ids = append(ids, e.ID)
		}
		if p.err != nil {
			err = p.err
		}
		time.Sleep(d.consumer)
	}
	stop()
	return ids, time.Since(began), err
}

// stretch is n events, the first gap after the one before it and then apart.
type stretch struct {
	n          int
	gap, apart time.Duration
}

// makeLog makes the stretches' events, the last a little ago.
func makeLog(stretches []stretch) (events []tenantlog.Event) {
	var at time.Duration
	for _, s := range stretches {
		at += s.gap
		for range s.n {
			at += s.apart
			events = append(events, tenantlog.Event{Date: time.Time{}.Add(at)})
		}
	}
	begin := time.Now().Add(-2*settleTime - at)
	for i := range events {
		t := begin.Add(events[i].Date.Sub(time.Time{})).UTC()
		id := "900" + t.Format("20060102150405") + fmt.Sprintf("%06d", t.Nanosecond()/1000) + fmt.Sprintf("%033d", i+1)
		events[i] = tenantlog.Event{ID: tenantlog.ID(id), Date: t, Raw: document}
	}
	return events
}

// document is what every event is, 2 KB.
var document = make([]byte, 2048)

func idsOf(events []tenantlog.Event) (ids []tenantlog.ID) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// TestCrew fetches logs of any shape from tenants of any kind with several
// fetchers: what comes is the log, each event once and in order, or as much of
// it as came before an error.
func TestCrew(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		stretches := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) stretch {
			return stretch{
				n:     rapid.IntRange(1, 200).Draw(rt, "events"),
				gap:   time.Duration(rapid.SampledFrom([]int{0, 1, 60, 86400, 3 * 86400}).Draw(rt, "gap")) * time.Second,
				apart: time.Duration(rapid.SampledFrom([]int{0, 1, 200, 1000, 30_000}).Draw(rt, "apart")) * time.Millisecond,
			}
		}), 1, 6).Draw(rt, "log")
		latencies := rapid.SliceOfN(rapid.IntRange(0, 300), 1, 50).Draw(rt, "latencies")
		d := &distant{
			made:     madeIDs(rapid.IntRange(0, 4).Draw(rt, "made ids")),
			page:     rapid.IntRange(1, 20).Draw(rt, "page"),
			room:     rapid.IntRange(1, 10).Draw(rt, "room"),
			failAt:   rapid.SampledFrom([]int{0, 0, 1, 2, 5, 20}).Draw(rt, "failing request"),
			consumer: time.Duration(rapid.SampledFrom([]int{0, 0, 50, 500}).Draw(rt, "consumer")) * time.Millisecond,
			latency:  func(n int) time.Duration { return time.Duration(latencies[n%len(latencies)]) * time.Millisecond },
			reach:    reach{fetchers: 8, pages: leastPages, bytes: rapid.IntRange(1, 1<<20).Draw(rt, "bytes")},
		}
		synctest.Test(t, func(t *testing.T) {
			d.events = makeLog(stretches)
			d.after = tenantlog.At(d.events[0].Date.Add(-time.Hour))
			if from := rapid.IntRange(0, len(d.events)-1).Draw(rt, "from"); from > 0 {
				d.after = d.events[from-1].ID
				d.events, stretches = d.events[from:], nil
			}
			want := idsOf(d.events)
			got, _, err := d.fetchAll(t, time.Hour)
			switch {
			case err == nil:
				if diff := cmp.Diff(want, got); diff != "" {
					rt.Fatal(diff)
				}
			case d.failAt == 0:
				rt.Fatal(err)
			case len(got) > len(want) || !slices.Equal(got, want[:len(got)]):
				rt.Fatalf("after %v: %d events that do not begin the log", err, len(got))
			}
		})
	})
}

// farAway is a tenant with 80 ms between a request and its page.
func farAway(stretches ...stretch) *distant {
	d := &distant{events: makeLog(stretches), page: 100, room: 64, latency: func(int) time.Duration { return 80 * time.Millisecond }}
	d.after = tenantlog.At(d.events[0].Date.Add(-time.Hour))
	return d
}

// TestSeveralFetchers counts what several fetchers save and cost.
func TestSeveralFetchers(t *testing.T) {
	even := []stretch{{n: 20_000, apart: 90 * time.Millisecond}}
	month := func(n int) []stretch {
		return []stretch{{n: 50, apart: 4 * time.Hour}, {n: n, gap: time.Hour, apart: 180 * time.Millisecond}, {n: 50, gap: time.Hour, apart: 10 * time.Hour}}
	}
	var daily []stretch
	for range 30 {
		daily = append(daily, stretch{n: 700, gap: 20 * time.Hour, apart: 20 * time.Second})
	}
	tests := map[string]struct {
		log  []stretch
		made madeIDs
		room int
		// atMost is the time, of what one fetcher takes, and waste the part of
		// the requests that are one fetcher's.
		atMost, waste float64
	}{
		"an even backlog":                     {log: even, room: 64, atMost: 1. / 6.5, waste: 0.05},
		"room for four":                       {log: even, room: 4, atMost: 1. / 3.5, waste: 0.05},
		"all in one hour of a month":          {log: month(20_000), room: 64, atMost: 1. / 5, waste: 0.05},
		"busy hours, days with nothing":       {log: daily, room: 64, atMost: 1, waste: 0.07},
		"made ids are refused":                {log: even, made: refused, room: 64, atMost: 1, waste: 0.011},
		"made ids answer from the oldest":     {log: even, made: fromOldest, room: 64, atMost: 1, waste: 0.011},
		"made ids are answered with nothing":  {log: even, made: answeredWithNothing, room: 64, atMost: 1, waste: 0.011},
		"made ids skip an event":              {log: even, made: skippingOne, room: 64, atMost: 1. / 6.5, waste: 0.05},
		"a usual run of five minutes":         {log: []stretch{{n: 2500, apart: 120 * time.Millisecond}}, room: 64, atMost: 1, waste: 0},
		"a rate limit with room for one only": {log: even, room: 1, atMost: 1, waste: 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := farAway(tt.log...)
				d.made, d.room = tt.made, tt.room
				got, took, err := d.fetchAll(t, time.Hour)
				if err != nil || !slices.Equal(got, idsOf(d.events)) {
					t.Fatalf("%d events, %v; want %d", len(got), err, len(d.events))
				}
				alone := farAway(tt.log...)
				alone.room = 1
				_, one, _ := alone.fetchAll(t, time.Hour)
				waste := float64(d.requests-alone.requests) / float64(alone.requests)
				t.Logf("%.3f of the time, %d requests where one makes %d", float64(took)/float64(one), d.requests, alone.requests)
				if took > time.Duration(tt.atMost*float64(one)) || waste > tt.waste {
					t.Errorf("want %.3f of the time and %.3f more requests at most, got %.3f", tt.atMost, tt.waste, waste)
				}
			})
		})
	}
}

// TestCrewHoldsLittle has a slow taker: what waits for it must fit in memory.
func TestCrewHoldsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := farAway(stretch{n: 40_000, apart: 60 * time.Millisecond})
		x := &Exporter{Source: d, Now: time.Now}
		pages, stop := x.reader().start(t.Context(), d.after, "", time.Now().Add(time.Hour))
		defer stop()
		taken, most := 0, 0
		for range pages {
			taken++
			time.Sleep(200 * time.Millisecond)
			d.mu.Lock()
			most = max(most, d.requests-taken)
			d.mu.Unlock()
		}
		fits := defaultReach.bytes/(d.page*len(document)) + defaultReach.fetchers
		wasted := int(0.05 * float64(d.requests))
		if most > fits+wasted {
			t.Errorf("%d pages were held, want %d at most", most, fits)
		}
	})
}

// TestCrewEndsInTime ends the time before the log: next to nothing of what was
// fetched may be in vain.
func TestCrewEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := farAway(stretch{n: 100_000, apart: 60 * time.Millisecond})
		d.latency = func(int) time.Duration { return 300 * time.Millisecond }
		got, took, err := d.fetchAll(t, 30*time.Second)
		if err == nil || took > 30*time.Second || !slices.Equal(got, idsOf(d.events[:len(got)])) {
			t.Fatalf("%d events in %s, %v", len(got), took, err)
		}
		if pages := (len(got) + d.page - 1) / d.page; pages < d.requests*95/100 {
			t.Errorf("%d pages came of %d requests", pages, d.requests)
		}
	})
}

// TestCrewIsToldOfNothing has an answer say that the log ends where another
// fetcher has seen events that come later. Only the last fetcher believes it.
func TestCrewIsToldOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		believed := 0
		for silent := 20; silent < 60; silent++ {
			d := farAway(stretch{n: 8000, apart: 90 * time.Millisecond})
			d.silentAt = silent
			got, _, err := d.fetchAll(t, time.Hour)
			if !slices.Equal(got, idsOf(d.events[:len(got)])) {
				t.Fatalf("request %d: %d events that do not begin the log", silent, len(got))
			}
			if err == nil && len(got) < len(d.events) {
				believed++
			}
		}
		// Which fetcher a request belongs to is up to the scheduler.
		if believed > 20 {
			t.Errorf("%d of 40 such answers were believed, want 20 at most", believed)
		}
	})
}
