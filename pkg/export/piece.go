package export

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// piece is a stretch of the log and the walk over it. Its fetcher belongs to
// the goroutine that walks, everything else to the crew.
type piece struct {
	fetcher

	at    time.Time    // what its id was made of; not set for the log's first piece
	begin tenantlog.ID // its first event; of the log's first piece, the id before that
	end   tenantlog.ID // the first event of the next piece, "" where there is none

	covered tenantlog.ID // the last event fetched
	// until is the time that, as far as is known, its events end before, and
	// perPage what a page takes of that time, 0 where it is not known. They only
	// help to plan.
	until   time.Time
	perPage time.Duration

	pages    []fetched // that are not passed on yet
	reserved int       // bytes kept free for the page asked for
	ended    bool      // nothing more of it is to be fetched
}

// add appends a page to the piece, without the events that belong to the next
// one. It returns which part of the page those are.
func (p *piece) add(got fetched) (wasted float64) {
	if n := len(got.events); n > 0 {
		p.measure(got.events)
		p.covered = got.events[n-1].ID
		kept := p.own(got.events)
		if kept < n {
			got.events, got.caughtUp, p.ended = got.events[:kept], time.Time{}, true
		}
		wasted = float64(n-kept) / float64(n)
	}
	if !p.ended && !got.caughtUp.IsZero() {
		got.err = p.endsEarly(got)
	}
	p.pages = append(p.pages, got)
	p.ended = p.ended || got.last()
	return wasted
}

// own is how many of the events lie before the next piece.
func (p *piece) own(events []tenantlog.Event) int {
	if p.end == "" {
		return len(events)
	}
	n, _ := slices.BinarySearchFunc(events, p.end, func(e tenantlog.Event, end tenantlog.ID) int {
		return cmp.Compare(e.ID, end)
	})
	return n
}

// endsEarly is the error of a log that was read to its end although an event
// that was indexed by then, and seen on another page or by another run, did not
// come.
func (p *piece) endsEarly(got fetched) error {
	seen := p.end
	if seen == "" && got.none && p.covered < p.log.Seen {
		seen = p.log.Seen
	}
	if t, ok := seen.Time(); !ok || t.After(got.caughtUp) {
		return nil
	}
	return &Error{Kind: KindSource, Text: fmt.Sprintf("Auth0 answered that nothing follows log_id %s, and had %s before.", p.covered, seen),
		Fix: "nothing to do here if it passes: the next run asks again. If it lasts, report it to Auth0's support."}
}

// measure notes how much time a page spans: the last one, for a log can become
// busy or quiet from one page to the next.
func (p *piece) measure(events []tenantlog.Event) {
	first, ok1 := events[0].ID.Time()
	last, ok2 := events[len(events)-1].ID.Time()
	if ok1 && ok2 && len(events) > 1 {
		p.perPage = last.Sub(first)
	}
}

// emptyFrom notes that nothing between a time and the end of the piece was
// found.
func (p *piece) emptyFrom(at time.Time) {
	if at.Before(p.until) {
		p.until = at
	}
}

// giveUp drops what was fetched and returns how many bytes that were.
func (p *piece) giveUp() (bytes int) {
	for _, page := range p.pages {
		bytes += page.bytes
	}
	p.pages, p.ended = nil, true
	return bytes
}
