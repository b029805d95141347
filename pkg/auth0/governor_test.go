package auth0

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// tenant is a tenant's rate limit at Auth0: it is refilled at each whole
// second, or at each whole minute.
type tenant struct {
	limit  int
	refill float64 // tokens an interval
	every  time.Duration
	tokens float64
	at     time.Time // of the last refill
	skew   time.Duration
}

func (b *tenant) until(now time.Time) {
	for next := b.at.Add(b.every); !next.After(now); next = next.Add(b.every) {
		b.tokens = min(float64(b.limit), b.tokens+b.refill)
		b.at = next
	}
}

// draw takes a token and answers as Auth0 does.
func (b *tenant) draw(now time.Time) (ok bool, h http.Header, date time.Time) {
	b.until(now)
	const rounding = 1e-9 // ten tenths of a token are one
	ok = b.tokens+rounding >= 1
	if ok {
		b.tokens--
	}
	whole := math.Floor(b.tokens + rounding)
	intervals := max(1, math.Ceil((whole+1-b.tokens)/b.refill-rounding))
	h = http.Header{
		"X-Ratelimit-Limit":     {fmt.Sprint(b.limit)},
		"X-Ratelimit-Remaining": {fmt.Sprint(whole)},
		"X-Ratelimit-Reset":     {fmt.Sprint(b.at.Add(b.skew).Add(time.Duration(intervals) * b.every).Unix())},
	}
	return ok, h, now.Add(b.skew).Truncate(time.Second)
}

func TestGovernor(t *testing.T) {
	tests := map[string]struct {
		limit  int
		refill float64
		share  int
		skew   time.Duration
		other  float64 // tokens a second that somebody else draws
		least  float64 // tokens a second that must be drawn
	}{
		"enterprise":                   {limit: 50, refill: 16, share: 100, least: 15.2},
		"enterprise, default share":    {limit: 50, refill: 16, share: 80, least: 12.16},
		"enterprise, half":             {limit: 50, refill: 16, share: 50, least: 7.5},
		"free":                         {limit: 2, refill: 2, share: 80, least: 0.75},
		"professional":                 {limit: 10, refill: 100.0 / 60, share: 80, least: 1.2},
		"a limit of one":               {limit: 1, refill: 1, share: 50, least: 0.45},
		"Auth0's clock is ahead":       {limit: 50, refill: 16, share: 80, skew: time.Hour, least: 12},
		"Auth0's clock is behind":      {limit: 50, refill: 16, share: 80, skew: -time.Hour, least: 12},
		"somebody else draws much":     {limit: 50, refill: 16, share: 50, other: 6.4, least: 2.5},
		"somebody else draws too much": {limit: 20, refill: 5, share: 80, other: 5, least: 0.05},
		"as much as it holds":          {limit: 20, refill: 20, share: 80, least: 15.2},
		"as much as it holds, 3 in 4":  {limit: 20, refill: 20, share: 75, least: 14},
		"a tenth":                      {limit: 50, refill: 16, share: 10, least: 0.15},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			const duration = 5 * time.Minute
			start := time.Date(2026, 11, 23, 10, 0, 0, 345e6, time.UTC)
			b := &tenant{limit: tt.limit, refill: tt.refill, every: time.Second, tokens: float64(tt.limit), at: start.Truncate(time.Second), skew: tt.skew}
			g := newGovernor(tt.share)
			mark := min(math.Ceil(float64(100-tt.share)/100*float64(tt.limit)), float64(tt.limit-1))
			drawn, refused, below := 0, 0, 0
			var others float64
			for now := start; now.Sub(start) < duration; {
				if tt.other > 0 {
					for others < now.Sub(start).Seconds()*tt.other {
						b.draw(now)
						others++
					}
				}
				d, wait := g.take(now)
				if wait > 0 {
					now = now.Add(wait)
					continue
				}
				ok, h, date := b.draw(now)
				now = now.Add(20 * time.Millisecond)
				g.observe(d, now, date, h, ok)
				g.ended(20 * time.Millisecond)
				if !ok {
					refused++
					g.refused(now, date, h, 0)
					continue
				}
				drawn++
				if b.tokens+1e-9 < mark {
					below++
				}
			}
			most := float64(tt.limit)*float64(tt.share)/100 + float64(tt.share)/100*max(1, tt.refill)*duration.Seconds() + 2
			if float64(drawn) > most {
				t.Errorf("drew %d, more than its share of %.0f", drawn, most)
			}
			if least := tt.least * duration.Seconds(); float64(drawn) < least {
				t.Errorf("drew %d, want %.0f at least", drawn, least)
			}
			if tt.other == 0 {
				if refused+below > 0 {
					t.Errorf("refused %d times, drew below the mark %d times", refused, below)
				}
			}
		})
	}
}

func TestGovernorWithoutHeaders(t *testing.T) {
	g := newGovernor(80)
	now := time.Now()
	for range 1000 {
		d, wait := g.take(now)
		if wait != 0 {
			t.Fatal("it waits although nothing is known of a limit")
		}
		g.observe(d, now, now, http.Header{}, true)
	}
}

// TestGovernorAsksAgain: where what is told forbids every request, one asks from
// time to time whether it still holds.
func TestGovernorAsksAgain(t *testing.T) {
	tests := map[string]struct {
		share, limit, left int
		every, within      time.Duration
	}{
		"others have drawn all":    {share: 80, limit: 50, left: 0, every: time.Second, within: time.Second + patience},
		"a share of next to none":  {share: 1, limit: 1, left: 0, every: time.Minute, within: 2 * time.Minute},
		"a small share of a large": {share: 1, limit: 1000, left: 980, every: time.Second, within: 2 * time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := newGovernor(tt.share)
			now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
			for range 20 {
				asked := now
				d, wait := g.take(now)
				for ; wait > 0; d, wait = g.take(now) {
					now = now.Add(wait)
				}
				if waited := now.Sub(asked); waited > tt.within+10*time.Millisecond {
					t.Errorf("waited %s, want %s at most", waited, tt.within)
				}
				g.observe(d, now, now, http.Header{
					"X-Ratelimit-Limit":     {fmt.Sprint(tt.limit)},
					"X-Ratelimit-Remaining": {fmt.Sprint(tt.left)},
					"X-Ratelimit-Reset":     {fmt.Sprint(now.Truncate(tt.every).Add(tt.every).Unix())},
				}, true)
				g.ended(0)
			}
		})
	}
}

// crowd is several requests at a time, each under way for a while before and
// after it draws its token. It plays on a clock of its own.
type crowd struct {
	g       *governor
	b       *tenant
	now     time.Time
	next    []step // what happens when
	latency func() time.Duration

	drawn, refused, below int
}

type step struct {
	at   time.Time
	what func()
}

func (c *crowd) after(d time.Duration, what func()) {
	s := step{c.now.Add(d), what}
	i, _ := slices.BinarySearchFunc(c.next, s, func(a, b step) int {
		if a.at.After(b.at) {
			return 1
		}
		return -1
	})
	c.next = slices.Insert(c.next, i, s)
}

// fetch asks for one page after the other, as long as it is among the requests
// worth having.
func (c *crowd) fetch(number int) {
	if number >= c.g.concurrency(c.now) {
		c.after(100*time.Millisecond, func() { c.fetch(number) })
		return
	}
	d, wait := c.g.take(c.now)
	if wait > 0 {
		c.after(wait, func() { c.fetch(number) })
		return
	}
	there, back := c.latency(), c.latency()
	c.after(there, func() {
		ok, h, date := c.b.draw(c.now)
		if ok {
			c.drawn++
		} else {
			c.refused++
		}
		if c.b.tokens+1e-9 < float64(c.g.mark()) {
			c.below++
		}
		c.after(back, func() {
			c.g.observe(d, c.now, date, h, ok)
			c.g.ended(there + back)
			c.fetch(number)
		})
	})
}

// play lets so many fetchers, and whoever else is in next, at it for a while.
func (c *crowd) play(fetchers int, duration time.Duration) {
	end := c.now.Add(duration)
	for i := range fetchers {
		c.after(0, func() { c.fetch(i) })
	}
	for len(c.next) > 0 && c.next[0].at.Before(end) {
		s := c.next[0]
		c.next = c.next[1:]
		c.now = s.at
		s.what()
	}
}

func newCrowd(limit int, refill float64, every time.Duration, share int, latency time.Duration) *crowd {
	start := time.Date(2026, 11, 23, 10, 0, 0, 345e6, time.UTC)
	return &crowd{
		g:       newGovernor(share),
		b:       &tenant{limit: limit, refill: refill, every: every, tokens: float64(limit), at: start.Truncate(every)},
		now:     start,
		latency: func() time.Duration { return latency / 2 },
	}
}

// TestGovernorOfSeveral draws what the limit allows with several requests at a
// time, and no more.
func TestGovernorOfSeveral(t *testing.T) {
	const duration = time.Minute
	tests := map[string]struct {
		limit   int
		refill  float64
		share   int
		latency time.Duration
		least   float64 // of what the limit allows
	}{
		"as much as it holds":          {20, 20, 80, 300 * time.Millisecond, 0.72},
		"as much as it holds, quick":   {20, 20, 80, 20 * time.Millisecond, 0.72},
		"slow pages, all of the limit": {50, 16, 100, 300 * time.Millisecond, 0.97},
		"quick pages":                  {50, 16, 100, 20 * time.Millisecond, 0.97},
		"the default share":            {50, 16, 80, 300 * time.Millisecond, 0.75},
		"half of it":                   {50, 16, 50, 300 * time.Millisecond, 0.38},
		"free":                         {2, 2, 80, 300 * time.Millisecond, 0.35},
		"professional":                 {10, 100. / 60, 80, 300 * time.Millisecond, 0.6},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(tt.limit, tt.refill, time.Second, tt.share, tt.latency)
			c.play(12, duration)
			allowed := float64(tt.limit) + tt.refill*math.Floor(duration.Seconds())
			if c.refused+c.below > 0 || float64(c.drawn) < tt.least*allowed {
				t.Errorf("drew %d of %.0f, refused %d times, below the mark %d times; want %.2f of it and neither", c.drawn, allowed, c.refused, c.below, tt.least)
			}
		})
	}
}

// TestGovernorLeavesRoom: beside half of the limit somebody who draws 40 % of
// the refill, five at a time, is never refused.
func TestGovernorLeavesRoom(t *testing.T) {
	c := newCrowd(50, 16, time.Second, 50, 300*time.Millisecond)
	theirs, refused := 0, 0
	var burst func()
	burst = func() {
		for range 5 {
			theirs++
			if ok, _, _ := c.b.draw(c.now); !ok {
				refused++
			}
		}
		c.after(781*time.Millisecond, burst) // 6.4 a second
	}
	c.after(0, burst)
	c.play(12, 5*time.Minute)
	if refused > 0 || c.refused > 0 {
		t.Errorf("of their %d requests %d were refused, of ours %d", theirs, refused, c.refused)
	}
	if c.drawn < 1500 {
		t.Errorf("drew %d, want more of the 2,400 of our share", c.drawn)
	}
}

// TestGovernorKeepsTheMark: alone on a tenant no number of requests at a time
// draws its bucket below the mark or is refused.
func TestGovernorKeepsTheMark(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		every := rapid.SampledFrom([]time.Duration{time.Second, 2 * time.Second, time.Minute}).Draw(t, "every")
		c := newCrowd(rapid.IntRange(1, 100).Draw(t, "limit"), rapid.Float64Range(max(0.1, every.Minutes()), 100).Draw(t, "refill"), every, rapid.IntRange(1, 100).Draw(t, "share"), 0)
		latencies := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(5, 700), rapid.IntRange(1_000, 10_000)), 1, 30).Draw(t, "latencies")
		n := 0
		c.latency = func() time.Duration {
			n++
			return time.Duration(latencies[n%len(latencies)]) * time.Millisecond
		}
		c.play(rapid.IntRange(1, 12).Draw(t, "fetchers"), max(20*time.Second, 3*every))
		if c.refused+c.below > 0 {
			t.Fatalf("of %d requests %d were refused and %d went below the mark", c.drawn+c.refused, c.refused, c.below)
		}
	})
}

// TestWaitedCountsOnce: several requests that stand still at the same time are
// one wait.
func TestWaitedCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{RateShare: 80, Now: time.Now})
		var group sync.WaitGroup
		for i := range 3 {
			group.Go(func() { _ = c.pause(t.Context(), time.Duration(1+i)*time.Second) })
		}
		time.Sleep(1500 * time.Millisecond)
		if got := c.Waited(); got != 1500*time.Millisecond {
			t.Errorf("while they wait it is %s", got)
		}
		group.Wait()
		if got := c.Waited(); got != 3*time.Second {
			t.Errorf("waited %s, want 3s", got)
		}
	})
}
