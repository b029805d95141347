package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// stretch is a part of the log: the events after one id, up to and including
// another, and the whole seconds that their times lie in.
type stretch struct {
	after, to   tenantlog.ID
	from, until time.Time
}

// seconds is the stretch's length, at least 1.
func (s stretch) seconds() int {
	return max(1, int((s.until.Sub(s.from)+time.Second-1)/time.Second))
}

// part is the i-th of n parts of the stretch, equal but for a second. n is at
// most its seconds.
func (s stretch) part(i, n int) stretch {
	p, seconds := s, s.seconds()
	if i > 0 {
		p.from = s.from.Add(time.Duration(seconds*i/n) * time.Second)
		p.after = tenantlog.At(p.from)
	}
	if i < n-1 {
		p.until = s.from.Add(time.Duration(seconds*(i+1)/n) * time.Second)
		p.to = tenantlog.At(p.until)
	}
	return p
}

// cut is what of a page lies in the stretch; ended says that nothing of the
// stretch follows.
func (s stretch) cut(events []tenantlog.Event) (inside []tenantlog.Event, ended bool) {
	n, found := slices.BinarySearchFunc(events, s.to, func(e tenantlog.Event, id tenantlog.ID) int { return cmp.Compare(e.ID, id) })
	if found {
		return events[:n+1], true
	}
	return events[:n], n < len(events) || n == 0
}

// behind is what of the stretch follows an event of it.
func (s stretch) behind(e tenantlog.Event) stretch {
	s.after = e.ID
	if t, ok := e.ID.Time(); ok {
		s.from = t.Truncate(time.Second)
	}
	return s
}

const (
	// maxPages is how many pages a preview reads at most: 100,000 events. The
	// tenant's rate limit is the export's too.
	maxPages = 1000
	// reserve is what is kept of the time for the result; of a short time a
	// tenth.
	reserve = 5 * time.Second
	// defaultTime is the time where the context sets none.
	defaultTime = 5 * time.Minute
	// indexLag is the most by which an event's date was seen to be before the
	// time in its id, doubled.
	indexLag = 10 * time.Second
)

// spentError says why no more pages are read.
type spentError struct {
	why   string
	cause error
}

func (e *spentError) Error() string { return e.why }
func (e *spentError) Unwrap() error { return e.cause }

func isSpent(err error) bool {
	_, ok := errors.AsType[*spentError](err)
	return ok
}

var errPages = &spentError{why: "as many pages were read as a preview may"}

// reader reads pages, as many as it may and as long as there is time.
type reader struct {
	source         PreviewSource
	size           func(tenantlog.Event) int
	most           int // pages
	started, until time.Time

	pages int
	read  int64 // events that were counted
	// byDate says that Auth0 does not start after an id that no event has, so
	// that a walk can only begin where a search by date leads.
	byDate bool
}

// newReader divides the time until ctx's deadline. It counts on the system's
// clock, as contexts do.
func newReader(ctx context.Context, s PreviewSource, size func(tenantlog.Event) int, most int) reader {
	now := time.Now()
	end, ok := ctx.Deadline()
	if !ok {
		end = now.Add(defaultTime)
	}
	return reader{source: s, size: size, most: most, started: now, until: end.Add(-min(reserve, end.Sub(now)/10))}
}

// used is what share of the pages or of the time is used up, 0 to 1: of that
// which will be first.
func (r *reader) used() float64 {
	return max(r.usedTime(), float64(r.pages)/float64(r.most))
}

func (r *reader) usedTime() float64 {
	return time.Since(r.started).Seconds() / max(r.until.Sub(r.started).Seconds(), 1e-3)
}

// left is how many more pages can be had, in the time that is left too.
func (r *reader) left() int {
	left := r.most - r.pages
	if used := r.usedTime(); used > 0 {
		left = min(left, int(float64(r.pages)*(1-used)/used))
	}
	return left
}

// page reads the page after an id. The error is a *spentError where there is
// to be no other.
func (r *reader) page(ctx context.Context, after tenantlog.ID) ([]tenantlog.Event, error) {
	if r.pages >= r.most {
		return nil, errPages
	}
	page, err := r.source.Page(ctx, after)
	switch {
	case errors.Is(err, export.ErrNoTime):
		return nil, &spentError{"the rate limit asked to wait longer than there was time", err}
	case ctx.Err() != nil:
		return nil, &spentError{"its time was over", ctx.Err()}
	case err != nil:
		return nil, err
	}
	r.pages++
	return page.Events, ascending(page.Events, after)
}

// errNotAscending is an answer that is no walk upwards from the id asked for.
var errNotAscending = errors.New("not in ascending order")

func ascending(events []tenantlog.Event, last tenantlog.ID) error {
	for _, e := range events {
		if e.ID <= last {
			return &export.Error{Kind: export.KindSource, Err: errNotAscending,
				Text: fmt.Sprintf("Auth0 answered log_id %s after %s: a page is not in ascending order.", e.ID, last)}
		}
		last = e.ID
	}
	return nil
}

// start reads the first page of a stretch whose start is no event's id. Auth0
// promises nothing for such ids, so the answer is compared with a search by
// date; where the answer leaves events out the walk begins at what the search
// has found.
func (r *reader) start(ctx context.Context, s stretch) ([]tenantlog.Event, error) {
	events, err := r.page(ctx, s.after)
	refused := errors.Is(err, export.ErrIDRefused) || errors.Is(err, errNotAscending)
	if err != nil && !refused {
		return nil, err
	}
	found, ok := r.search(ctx, s.from.Add(-indexLag))
	if !ok {
		return events, err // without a search the answer stands
	}
	r.byDate = refused || leavesOut(events, found, s.after)
	switch {
	case !r.byDate:
		return events, nil
	case len(found) == 0:
		return nil, nil
	}
	first := slices.MinFunc(found, func(a, b tenantlog.Event) int { return cmp.Compare(a.ID, b.ID) })
	events, err = r.page(ctx, first.ID)
	events = append([]tenantlog.Event{first}, events...)
	return slices.DeleteFunc(events, func(e tenantlog.Event) bool { return e.ID <= s.after }), err
}

// search finds the oldest events from a time on; ok is false where it failed.
func (r *reader) search(ctx context.Context, from time.Time) (found []tenantlog.Event, ok bool) {
	page, err := r.source.Since(ctx, from)
	if err != nil {
		return nil, false
	}
	r.pages++
	return page.Events, true
}

// leavesOut reports whether there is an event after the id that comes before
// all of the page's.
func leavesOut(page, found []tenantlog.Event, after tenantlog.ID) bool {
	return slices.ContainsFunc(found, func(e tenantlog.Event) bool {
		return e.ID > after && (len(page) == 0 || e.ID < page[0].ID)
	})
}

// count adds events to a tally, each for so many.
func (r *reader) count(t tally, events []tenantlog.Event, weight float64) {
	for _, e := range events {
		t.add(e.Type, amount{1, float64(r.size(e))}, weight)
	}
	r.read += int64(len(events))
}
