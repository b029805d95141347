package export

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// lookUp asks which of the doubtful events are stored already and sends the
// others.
func (w *walk) lookUp(ctx context.Context) error {
	if len(w.doubtful) == 0 {
		return nil
	}
	if err := w.awaitReadable(ctx); err != nil {
		return err
	}
	events := w.doubtful
	w.doubtful, w.doubtfulBytes = nil, 0
	present := make(map[tenantlog.ID]bool)
	for t, some := range w.places(events) {
		found, err := w.x.Sink.Find(ctx, t, some)
		switch {
		case errors.Is(err, ErrCannotRead) && w.mustRead:
			return &deliveryError{unread(t, err)}
		case errors.Is(err, ErrCannotRead):
			w.r.Warn("%s in %s cannot be read back: events that an interrupted run may have sent are sent again (%v)", t.Stream, t.Group, err)
		case err != nil:
			return &deliveryError{err}
		}
		maps.Copy(present, found)
	}
	for _, e := range events {
		if present[e.ID] {
			w.r.Present++
			w.ledger.done(e.place)
		} else if err := w.send(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// unread is the error of a stream to which nothing may be added unread.
func unread(t Target, err error) error {
	return &Error{Kind: KindPermission, Err: err,
		Text: fmt.Sprintf("Log stream %s in log group %s cannot be read, so a replay into it would store again what it holds.", t.Stream, t.Group),
		Fix:  "allow logs:GetLogEvents on it; or stop the replay and start one into another stream. A group of the class Infrequent Access cannot be read by the function."}
}

// places are the log streams that doubtful events may be in: their own, and,
// where the settings have changed since a run that did not end well, those that
// such runs sent them to. (What a run that ended well has sent elsewhere is not
// looked for: a replay into a new stream exports everything.)
func (w *walk) places(events []Rendered) map[Target][]Rendered {
	places := make(map[Target][]Rendered)
	for _, e := range events {
		t := w.target(e)
		places[t] = append(places[t], e)
		if e.ID <= w.from.open {
			continue
		}
		for _, f := range w.former {
			if former := f.On(e.Time); former != t {
				places[former] = append(places[former], e)
			}
		}
	}
	return places
}

// awaitReadable waits until what earlier runs sent can be read.
func (w *walk) awaitReadable(ctx context.Context) error {
	if !time.Now().Before(w.readable) {
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(w.readable) {
		return errTimeUp
	}
	return Pause(ctx, time.Until(w.readable))
}
