package export

import (
	"context"
	"errors"
	"fmt"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// Start is where an export begins that has no position yet: the setting
// START_FROM.
type Start struct {
	// Text is the setting as it was written, "" for none.
	Text string
	// ID makes the exclusive start of it; now is for the word "now".
	ID func(now time.Time) tenantlog.ID
}

// MaxAhead is how far before us an operator's clock may be: a start further in
// the future is refused.
const MaxAhead = 5 * time.Minute

// origin is where a run goes on.
type origin struct {
	after tenantlog.ID
	// begins is true where nothing was exported before: what is missing at
	// Auth0 was never ours to export.
	begins bool
	// started is true where START_FROM acted.
	started bool
	// seen is up to when nothing can be missing that was not exported before:
	// the last run's position, or how far the log was read to its end.
	seen time.Time
	// open is where the last run's position was: of the events beyond it, those
	// that may be stored already are of a run that did not end well.
	open tenantlog.ID
}

// locate finds where to go on and puts it into the record. An operator's edit
// of CHECKPOINT wins over everything; then START_FROM, on a first run or when
// it was changed; else the record's own position, or CHECKPOINT where the
// record was lost.
func (s *state) locate(ctx context.Context, start Start) (origin, error) {
	edit, found, err := s.findEdit(ctx)
	if err != nil {
		return origin{}, err
	}
	lost := s.Record.Position == ""
	changed := start.Text != "" && start.Text != s.Record.StartFrom
	open := s.Record.Position
	seen, _ := open.Time()
	if s.Record.CaughtUp.After(seen) {
		seen = s.Record.CaughtUp
	}
	from := origin{after: open}
	switch {
	case found:
		from, err = s.goOnFrom(edit)
	case lost && s.checkpoint.Version != 0:
		from, err = s.goOnFrom(s.checkpoint)
	case lost || changed:
		from, err = s.startFrom(start, lost)
	}
	if err != nil {
		return from, err
	}
	s.located = true
	from.open, from.seen = open, seen
	if start.Text != "" {
		s.Record.StartFrom = start.Text // acted on, or overruled for good
	}
	return from, nil
}

// goOnFrom takes a value of CHECKPOINT as the position.
func (s *state) goOnFrom(p Parameter) (origin, error) {
	point, err := tenantlog.ParsePoint(p.Value)
	if err != nil {
		return origin{}, &Error{Kind: KindSettings, Err: err, Text: fmt.Sprintf("%s: %v.", CheckpointName, err),
			Fix: "put one of these; the value was left as it is and nothing was exported."}
	}
	if err := s.checkAhead(CheckpointName, point.After()); err != nil {
		return origin{}, err
	}
	s.Record.Position = point.After()
	s.Record.CaughtUp = time.Time{}
	s.Record.Checkpoint = WrittenCheckpoint{Value: s.checkpoint.Value, Version: s.checkpoint.Version}
	return origin{after: s.Record.Position}, nil
}

func (s *state) startFrom(start Start, begins bool) (origin, error) {
	id := tenantlog.Oldest
	if start.Text != "" {
		id = start.ID(s.Now())
	}
	if err := s.checkAhead("START_FROM", id); err != nil {
		return origin{}, err
	}
	s.Record.Position = id
	s.Record.CaughtUp = time.Time{}
	return origin{after: id, begins: begins, started: true}, nil
}

// checkAhead refuses a position in the future: everything until then would be
// passed over.
func (s *state) checkAhead(name string, id tenantlog.ID) error {
	if id <= tenantlog.At(s.Now().Add(MaxAhead)) {
		return nil
	}
	return &Error{Kind: KindSettings, Text: fmt.Sprintf("%s: %s lies in the future.", name, id),
		Fix: "put a log_id, time or date that has passed; nothing was exported and the value was left as it is."}
}

// lastWrite is how long after it was announced in RUN a write of CHECKPOINT may
// still arrive.
const lastWrite = 20 * time.Second

// findEdit looks for what an operator wrote to CHECKPOINT: the newest value
// since the one that the record knows of that is not the record's own. Our own
// later write does not hide it.
func (s *state) findEdit(ctx context.Context) (Parameter, bool, error) {
	known := s.Record.Checkpoint
	if s.Record.Position == "" || s.checkpoint.Version == 0 {
		return Parameter{}, false, nil
	}
	if s.checkpoint.Version < known.Version {
		if err := s.readAgain(ctx); err != nil {
			return Parameter{}, false, err
		}
	}
	switch {
	case s.checkpoint.Version < known.Version:
		// Below what we were about to write: our write did not come to pass,
		// or the parameter was deleted and made anew, after the record.
		return s.checkpoint, s.checkpoint.Modified.After(s.Modified), nil
	case s.checkpoint.Version == known.Version:
		return s.checkpoint, s.checkpoint.Value != known.Value, nil
	case s.checkpoint.Value == known.Value && s.checkpoint.Modified.After(s.Modified.Add(lastWrite)):
		// Too late for a write of ours: the operator has taken an edit back.
		return Parameter{}, false, nil
	}
	return s.lastEdit(ctx, known.Value, max(known.Version, 1), s.checkpoint)
}

func (s *state) readAgain(ctx context.Context) error {
	p, err := s.Params.Get(ctx, CheckpointName, 0)
	if errors.Is(err, ErrNoParameter) {
		s.checkpoint = Parameter{}
		return nil
	}
	if err == nil {
		s.checkpoint = p
	}
	return err
}
