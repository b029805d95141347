package widget

import (
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/schedule"
)

// ticks are the times at which any of a tenant's rules that are on fires.
type ticks []schedule.Expression

func ticksOf(rules []schedule.Rule) ticks {
	var t ticks
	for _, rule := range rules {
		if e, err := schedule.Parse(rule.Expression); err == nil && rule.Enabled {
			t = append(t, e)
		}
	}
	return t
}

// next is the first tick after the time. last is when a rule is last known to
// have fired: rates count from there.
func (t ticks) next(after, last time.Time) (first time.Time, ok bool) {
	for _, e := range t {
		if due, some := e.Next(after, last); some && (!ok || due.Before(first)) {
			first, ok = due, true
		}
	}
	return first, ok
}

// pauseSpan is how far ahead pauses between ticks are looked for: over a week,
// so that a weekend is found wherever in it the span begins.
const pauseSpan = 8 * 24 * time.Hour

// longestPause is the longest time between two ticks of the next week or so,
// and zero where there are no two. Rates are taken to count from now, which
// changes nothing where there is one alone.
func (t ticks) longestPause(now time.Time) time.Duration {
	var longest time.Duration
	tick, ok := t.next(now, now)
	for ok && tick.Sub(now) < pauseSpan {
		var following time.Time
		if following, ok = t.next(tick, now); ok {
			longest = max(longest, following.Sub(tick))
		}
		tick = following
	}
	return longest
}

// String is the expressions as they are written.
func (t ticks) String() string {
	var all []string
	for _, e := range t {
		all = append(all, e.String())
	}
	return strings.Join(all, " ")
}
