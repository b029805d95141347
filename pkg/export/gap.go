package export

import (
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// gapFinder watches a walk for events that may have expired at Auth0 before
// they were fetched. Auth0 tells nothing of it: asked for what follows an
// expired event, it answers with the oldest that it has.
type gapFinder struct {
	retention time.Duration
	// seen is up to when nothing can be missing: an earlier run found the log
	// read to its end, or there was no earlier run.
	seen time.Time
	gap  *Gap
}

func newGapFinder(retention time.Duration, from origin) gapFinder {
	g := gapFinder{retention: retention, seen: from.seen}
	if from.begins || from.after == tenantlog.Oldest {
		g.retention = 0
	}
	return g
}

// page looks at the page that followed an id, and returns the gap found so
// far, nil for none. Every page is looked at: what expires can overtake a slow
// walk.
func (g *gapFinder) page(p fetched) *Gap {
	if g.retention == 0 || len(p.events) == 0 {
		return g.gap
	}
	asked, ok1 := p.after.Time()
	first, ok2 := p.events[0].ID.Time()
	if !ok1 || !ok2 {
		return g.gap
	}
	from := asked
	if g.seen.After(from) {
		from = g.seen
	}
	if expired := p.serverTime.Add(-g.retention); from.Before(expired) && from.Before(first) {
		if g.gap == nil {
			g.gap = &Gap{From: from}
		}
		g.gap.To = first
	}
	return g.gap
}

// caughtUp is the time of indexing up to which a log that ends here was read:
// ids younger than settleTime may still be joined by lower ones.
func caughtUp(serverTime time.Time) time.Time { return serverTime.Add(-settleTime) }

// settleTime is how long Auth0's index is given: an event that is indexed late
// must not end up below the position.
const settleTime = 3 * time.Second

// settled is how many of a page's events are old enough to be taken.
func settled(events []tenantlog.Event, serverTime time.Time) int {
	limit := caughtUp(serverTime)
	for i, e := range events {
		if t, ok := e.ID.Time(); ok && t.After(limit) {
			return i
		}
	}
	return len(events)
}
