package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// fetched is what one request for a page gave: events to take, or why there
// are no more.
type fetched struct {
	after  tenantlog.ID // what was asked for
	events []tenantlog.Event
	bytes  int // of the documents, those that are not taken too
	// serverTime is Auth0's clock, or ours where it was not told.
	serverTime time.Time
	// caughtUp is set where the log, or the part of it that is wanted, was read
	// to its end: everything indexed up to then is on this page or before.
	caughtUp time.Time
	// none is set where Auth0 answered that the log has no more events.
	none     bool
	warnings []string
	err      error
}

// last reports whether no other page follows.
func (p *fetched) last() bool { return p.err != nil || !p.caughtUp.IsZero() }

// fetcher asks for one page after the other.
type fetcher struct {
	log   *Reader
	after tenantlog.ID
	// to is the last id wanted, "" where there is no such end.
	to tenantlog.ID
	// floor is the id up to which events are not wanted, where the walk had to
	// begin earlier.
	floor tenantlog.ID
	pages int
}

// first asks for the walk's first page: by date where Auth0 does not take the
// id to begin after. What it answers to an id that was made is compared with
// the events by date, for it promises nothing about such ids.
func (f *fetcher) first(ctx context.Context) fetched {
	p := f.next(ctx)
	switch {
	case errors.Is(p.err, ErrIDRefused), errors.Is(p.err, errNotAscending) && p.after.Made():
		return f.byDate(ctx, p.err)
	case p.err == nil && p.after.Made():
		return f.compared(ctx, p)
	}
	return p
}

// errNotAscending is an answer that is no walk upwards from the id asked for.
var errNotAscending = errors.New("not in ascending order")

func (f *fetcher) next(ctx context.Context) fetched {
	page, err := f.log.Source.Page(ctx, f.after)
	p := fetched{after: f.after}
	if err == nil {
		err = checkOrder(page.Events, f.after)
	}
	if err != nil {
		p.err = f.timeUp(ctx, err)
		return p
	}
	f.pages++
	return f.accept(p, page)
}

// accept takes of a page what is wanted and old enough.
func (f *fetcher) accept(p fetched, page tenantlog.Page) fetched {
	p.serverTime = page.ServerTime
	if p.serverTime.IsZero() {
		p.serverTime = f.log.Now().UTC()
	}
	for _, e := range page.Events {
		p.bytes += len(e.Raw)
	}
	p.none = len(page.Events) == 0
	n := settled(page.Events, p.serverTime)
	if n < len(page.Events) || n == 0 {
		p.caughtUp = caughtUp(p.serverTime)
	}
	p.events = page.Events[:n]
	if n > 0 {
		f.after = page.Events[n-1].ID
	}
	p.warnings = append(p.warnings, doubts(page, n, p.serverTime)...)
	for len(p.events) > 0 && p.events[0].ID <= f.floor {
		p.events = p.events[1:]
	}
	return f.bounded(p)
}

// bounded leaves out what lies beyond the last id wanted. A page that reaches
// it is the last.
func (f *fetcher) bounded(p fetched) fetched {
	if n := len(p.events); f.to == "" || n == 0 || p.events[n-1].ID < f.to {
		return p
	}
	for len(p.events) > 0 && p.events[len(p.events)-1].ID > f.to {
		p.events = p.events[:len(p.events)-1]
	}
	p.caughtUp = p.serverTime
	return p
}

// farAhead is how far ahead of Auth0's clock an id may be that is held back.
const farAhead = time.Minute

// doubts are what is odd about a page of which the first n events are taken.
// Auth0 asks to follow its Link header, which always named the page's last
// event: one that names another is not followed, for events could lie between.
func doubts(page tenantlog.Page, n int, serverTime time.Time) (warnings []string) {
	if len(page.Events) == 0 {
		return nil
	}
	if last := page.Events[len(page.Events)-1].ID; page.Next != last {
		warnings = append(warnings, fmt.Sprintf("Auth0's Link header points to log_id %s after a page that ends with %s: it was not followed", page.Next, last))
	}
	if n < len(page.Events) {
		if t, _ := page.Events[n].ID.Time(); t.After(serverTime.Add(farAhead)) {
			warnings = append(warnings, fmt.Sprintf("log_id %s is ahead of Auth0's clock: it and all that follow are left for later", page.Events[n].ID))
		}
	}
	return warnings
}

// timeUp makes of an error that the end of the time has caused one that says
// so. A run that got no answer at all has not run out of time: Auth0 failed.
func (f *fetcher) timeUp(ctx context.Context, err error) error {
	if ctx.Err() == nil || errors.Is(err, ErrNoTime) {
		return err
	}
	if f.pages == 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Kind: KindSource, Err: err, Text: "Auth0 did not answer in the time of a whole run.",
			Fix: "nothing to do here if it passes: the next run tries again. Auth0's state is shown at status.auth0.com."}
	}
	return errTimeUp
}

// indexLag is the most by which an event's date was seen to be before the time
// in its id, doubled.
const indexLag = 10 * time.Second

// byDate begins the walk where Auth0 does not take the id: at the lowest id
// among the events dated from a little before it. What lies before the id
// wanted is then left out.
func (f *fetcher) byDate(ctx context.Context, refused error) fetched {
	p := fetched{after: f.after}
	t, ok := f.after.Time()
	if !ok {
		p.err = refused
		return p
	}
	page, err := f.log.Source.Since(ctx, t.Add(-indexLag))
	if err != nil {
		p.err = f.timeUp(ctx, err)
		return p
	}
	p.warnings = []string{fmt.Sprintf("Auth0 does not start after log_id %s: the start was found by date", f.after)}
	f.pages++
	return f.accept(p, lowest(page))
}

// lowest leaves of a page only the event with the lowest id.
func lowest(page tenantlog.Page) tenantlog.Page {
	if len(page.Events) > 0 {
		first := slices.MinFunc(page.Events, func(a, b tenantlog.Event) int { return cmp.Compare(a.ID, b.ID) })
		page.Events, page.Next = []tenantlog.Event{first}, first.ID
	}
	return page
}

// compared is the first page p, which answered a made id, or the walk's start by
// date where p has left events out. Where the dates cannot be had p stands.
func (f *fetcher) compared(ctx context.Context, p fetched) fetched {
	t, ok := p.after.Time()
	if !ok {
		return p
	}
	page, err := f.log.Source.Since(ctx, t.Add(-indexLag))
	if err != nil || len(page.Events) == 0 {
		return p
	}
	wanted := page
	wanted.Events = slices.DeleteFunc(slices.Clone(page.Events), func(e tenantlog.Event) bool { return e.ID <= p.after })
	wanted = lowest(wanted)
	leftOut := len(wanted.Events) > 0 && (len(p.events) == 0 || wanted.Events[0].ID < p.events[0].ID)
	if len(p.events) > 0 && !leftOut {
		return p
	}
	by := f.accept(fetched{after: p.after}, lowest(page))
	if leftOut {
		by.warnings = append(by.warnings, fmt.Sprintf("Auth0 left out log_id %s after %s, which was made of a time: the start was found by date", wanted.Events[0].ID, p.after))
	}
	return by
}

// checkOrder refuses a page that is not a walk upwards from the id asked for:
// to take it could move the position past events that were not seen.
func checkOrder(events []tenantlog.Event, after tenantlog.ID) error {
	last := after
	for _, e := range events {
		if e.ID <= last {
			return &Error{Kind: KindSource, Err: errNotAscending, Text: fmt.Sprintf("Auth0 answered log_id %s after %s: a page is not in ascending order.", e.ID, last),
				Fix: "nothing to do here if it passes: the next run asks again. If it lasts, report it to Auth0's support."}
		}
		last = e.ID
	}
	return nil
}
