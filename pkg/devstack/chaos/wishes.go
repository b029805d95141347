package chaos

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// wish is something that an operator wrote to say where the export is to go
// on.
type wish struct {
	parameter string // CHECKPOINT, START_FROM or, where it was lost, RUN
	text      string
	at        time.Time
	// from is what a page is asked for from where the wish is acted on, "" for
	// what cannot be acted on: nonsense, a deletion, or a value taken back.
	from tenantlog.ID
}

func (w wish) String() string { return fmt.Sprintf("%s = %q", w.parameter, w.text) }

// wishes are all that operators wrote in a play, and what was asked of Auth0.
type wishes struct {
	mu    sync.Mutex
	all   []wish
	asked map[tenantlog.ID][]time.Time
}

func (w *wishes) add(one wish) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, one)
}

// note takes in that a page was asked for.
func (w *wishes) note(from tenantlog.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asked == nil {
		w.asked = make(map[tenantlog.ID][]time.Time)
	}
	w.asked[from] = append(w.asked[from], time.Now())
}

// used reports whether an id was asked for or wished for before: a request for
// it would prove nothing.
func (w *wishes) used(from tenantlog.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.asked[from]) > 0 || slices.ContainsFunc(w.all, func(other wish) bool { return other.from == from })
}

// judge counts the wishes that were acted on, and names those that were not
// and had to be. finished are the runs that ended well: one that began after a
// wish has acted on it.
func (w *wishes) judge(finished []span) (honoured int, ignored []wish) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, one := range w.all {
		if one.from == "" {
			continue
		}
		until, superseded := w.until(i)
		acted := slices.ContainsFunc(w.asked[one.from], func(t time.Time) bool { return t.After(one.at) && t.Before(until) })
		seen := slices.ContainsFunc(finished, func(run span) bool { return run.start.After(one.at) && run.end.Before(until) })
		switch {
		case acted:
			honoured++
		case (seen || !superseded) && !w.overruled(one):
			ignored = append(ignored, one)
		}
	}
	return honoured, ignored
}

// span is the time of a run.
type span struct{ start, end time.Time }

// until is when another wish took the place of the i-th one.
func (w *wishes) until(i int) (at time.Time, superseded bool) {
	for _, later := range w.all[i+1:] {
		if later.parameter == w.all[i].parameter {
			return later.at, true
		}
	}
	return time.Now().Add(time.Hour), false
}

// overruled reports whether a wish for START_FROM met one for CHECKPOINT,
// which wins: one that came later, or was still being acted on. Where RUN was
// lost, CHECKPOINT wins as well.
func (w *wishes) overruled(one wish) bool {
	if one.parameter != startName {
		return false
	}
	return slices.ContainsFunc(w.all, func(other wish) bool {
		if other.parameter == startName {
			return false
		}
		again := slices.ContainsFunc(w.asked[other.from], func(t time.Time) bool { return t.After(one.at) })
		return other.from == "" || other.at.After(one.at) || again
	})
}
