package auth0

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"
)

// bucket is a tenant's rate limit at Auth0: it is refilled at each whole
// second.
type bucket struct {
	limit  int
	refill float64 // tokens a second
	tokens float64
	at     time.Time // of the last refill
	skew   time.Duration
}

func (b *bucket) until(now time.Time) {
	for next := b.at.Add(time.Second); !next.After(now); next = next.Add(time.Second) {
		b.tokens = min(float64(b.limit), b.tokens+b.refill)
		b.at = next
	}
}

// draw takes a token and answers as Auth0 does.
func (b *bucket) draw(now time.Time) (ok bool, h http.Header, date time.Time) {
	b.until(now)
	ok = b.tokens >= 1
	if ok {
		b.tokens--
	}
	missing := 1 - (b.tokens - math.Floor(b.tokens)) // until one more fits
	seconds := max(1, math.Ceil(missing/b.refill))
	h = http.Header{
		"X-Ratelimit-Limit":     {fmt.Sprint(b.limit)},
		"X-Ratelimit-Remaining": {fmt.Sprint(math.Floor(b.tokens))},
		"X-Ratelimit-Reset":     {fmt.Sprint(b.at.Add(b.skew).Add(time.Duration(seconds) * time.Second).Unix())},
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
		"enterprise, half":             {limit: 50, refill: 16, share: 50, least: 7.6},
		"free":                         {limit: 2, refill: 2, share: 80, least: 0.75},
		"professional":                 {limit: 10, refill: 100.0 / 60, share: 80, least: 1.2},
		"a limit of one":               {limit: 1, refill: 1, share: 50, least: 0.45},
		"Auth0's clock is ahead":       {limit: 50, refill: 16, share: 80, skew: time.Hour, least: 12},
		"Auth0's clock is behind":      {limit: 50, refill: 16, share: 80, skew: -time.Hour, least: 12},
		"somebody else draws much":     {limit: 50, refill: 16, share: 50, other: 6.4, least: 2.5},
		"somebody else draws too much": {limit: 20, refill: 5, share: 80, other: 5, least: 0.05},
		"a tenth":                      {limit: 50, refill: 16, share: 10, least: 0.15},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			const duration = 5 * time.Minute
			start := time.Date(2026, 11, 23, 10, 0, 0, 345e6, time.UTC)
			b := &bucket{limit: tt.limit, refill: tt.refill, tokens: float64(tt.limit), at: start.Truncate(time.Second), skew: tt.skew}
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
				if wait := g.take(now); wait > 0 {
					now = now.Add(wait)
					continue
				}
				ok, h, date := b.draw(now)
				now = now.Add(20 * time.Millisecond)
				if !ok {
					refused++
					now = now.Add(g.refused(now, date, h, 0))
					continue
				}
				drawn++
				if b.tokens < mark {
					below++
				}
				g.observe(now, date, h)
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
		if g.take(now) != 0 {
			t.Fatal("it waits although nothing is known of a limit")
		}
		g.observe(now, now, http.Header{})
	}
}
