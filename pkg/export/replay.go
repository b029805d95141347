package export

import (
	"context"
	"errors"
	"fmt"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// ReplayName is the parameter that holds a ReplayRecord while a replay is open.
const ReplayName = "REPLAY"

// ReplayAction is a report's Action where it is one of a replay.
const ReplayAction = "replay"

// Replay is a bounded part of the tenant's log that is exported once more,
// beside the live export, and how far that has come over all its runs.
type Replay struct {
	// Progress has where the events go as its target.
	Progress
	// Types is which of the events, as LOG_TYPES says it; "" stands for those
	// that the live export keeps.
	Types string `json:"types,omitempty"`

	// The counts are those of a Report, added up. Of a run that was killed,
	// some can be missing here and be among Present later.
	Fetched  int   `json:"fetched"`
	Filtered int   `json:"filtered"`
	Exported int   `json:"exported"`
	Present  int   `json:"present"`
	Batches  int   `json:"batches"`
	Bytes    int64 `json:"bytes"`
	Rescued  int   `json:"rescued,omitempty"`
}

// ReplayRecord is the parameter REPLAY.
type ReplayRecord struct {
	ActionClaim
	Replay
}

// Show puts the replay into the report.
func (r *ReplayRecord) Show(to *Report) {
	replay := r.Replay
	to.Replay = &replay
}

// Encode is the record as a parameter's value.
func (r *ReplayRecord) Encode() (string, error) { return EncodeRecord(ReplayName, r) }

// Replayer replays parts of one tenant's log. Its Options are those of the live
// export, and so is its Target.
type Replayer struct {
	Exporter
	// Types makes a filter of a list of types as LOG_TYPES has it.
	Types func(list string) (func(tenantlog.Event) bool, error)
}

var (
	errGone      = errors.New(ReplayName + " was deleted: the replay has ended")
	errOvertaken = errors.New("the export was sent back over this part of the log: it adds what is missing, and the replay has ended")
)

// Open begins a replay and works on it until it is done or the time is over. p
// is REPLAY as it was read. The error says why there can be no such replay:
// then nothing was changed.
func (x *Replayer) Open(ctx context.Context, want Replay, p Parameter) (Report, error) {
	w := x.begin(ctx)
	defer w.Close()
	err := w.CheckReached(want.Stretch)
	if err == nil {
		err = w.open(want, p)
	}
	if err != nil {
		return w.Failed(ctx, err)
	}
	w.carryOn(ctx)
	return w.Opened()
}

// Prepare opens a replay and leaves it to CarryOn.
func (x *Replayer) Prepare(ctx context.Context, want Replay) error {
	w := x.begin(ctx)
	defer w.Close()
	if err := w.open(want, Parameter{}); err != nil {
		return err
	}
	return w.Save(w.StateCtx)
}

// growth is how much longer a record can become than it is at first, in bytes:
// by its counts, the claim and an error.
const growth = 1200

// open makes the record of a new replay, unless one is open: p is REPLAY as it
// was read.
func (w *replayWork) open(want Replay, p Parameter) error {
	if err := w.Vacant(p); err != nil {
		return err
	}
	want.State, want.Opened, want.Position = StateOpen, w.Report.Started, want.After
	w.Record = &ReplayRecord{Replay: want}
	if text, err := w.Record.Encode(); errors.Is(err, ErrTooLarge) || len(text) > maxRecord-growth {
		return Refusef("stream and types are too long together for the parameter %s: expected shorter ones", ReplayName)
	}
	return nil
}

// Fail reports a replay that could not begin, for an error of the settings or of
// reading them.
func (x *Replayer) Fail(ctx context.Context, err error) Report {
	w := x.begin(ctx)
	defer w.Close()
	return w.Fail(ctx, err)
}

// CarryOn goes on with the replay that is open, if one is: p is REPLAY as it was
// read. ok is false where there is nothing to do.
func (x *Replayer) CarryOn(ctx context.Context, p Parameter) (r Report, ok bool) {
	w := x.begin(ctx)
	defer w.Close()
	if w.Resume(ctx, p) {
		w.carryOn(ctx)
	}
	return w.Told()
}

// Stop ends the replay that is open.
func (x *Replayer) Stop(ctx context.Context, p Parameter) (Report, error) {
	w := x.begin(ctx)
	defer w.Close()
	return w.Stop(ctx, p)
}

// Count does all of a replay but deliver: the report says how many events there
// are, and how many of them are not in the stream.
func (x *Replayer) Count(ctx context.Context, want Replay) (Report, error) {
	w := x.begin(ctx)
	defer w.Close()
	if err := w.CheckReached(want.Stretch); err != nil {
		return w.Failed(ctx, err)
	}
	want.State, want.Opened, want.Position = StateCounted, w.Report.Started, want.After
	w.Record = &ReplayRecord{Replay: want}
	dry := *x
	dry.Sink = drySink{x.Sink}
	w.x = &dry
	w.Report.conclude(w.walk(ctx, noBook{}))
	w.Publish(ctx)
	return *w.Report, nil
}

// drySink is a sink that delivers nothing.
type drySink struct{ Sink }

func (drySink) Deliver(context.Context, *Batch) (Receipt, error) { return Receipt{}, nil }

// noBook is the logbook of a walk that leaves no trace.
type noBook struct{}

func (noBook) claim(context.Context) error { return nil }
func (noBook) note(tenantlog.ID)           {}
func (noBook) save(context.Context) error  { return nil }

// replayWork is one run's work on a replay.
type replayWork struct {
	*Work[*ReplayRecord]
	x      *Replayer
	before Replay // as it stood before this run
}

func newReplay() Register[*ReplayRecord] {
	return Register[*ReplayRecord]{Name: ReplayName, Gone: errGone, New: func() *ReplayRecord { return &ReplayRecord{} }}
}

func (x *Replayer) begin(ctx context.Context) *replayWork {
	return &replayWork{Work: NewWork(ctx, &x.Exporter, ReplayAction, "replay", newReplay()), x: x}
}

// carryOn claims the replay, walks on, and writes down how far it came.
func (w *replayWork) carryOn(ctx context.Context) {
	w.before = w.Record.Replay
	readable := w.readable(time.Now(), w.x.ReadLag)
	err := w.Claim()
	if err == nil {
		err = w.clear(w.StateCtx, readable)
	}
	if err == nil {
		err = w.walk(ctx, w)
	}
	switch {
	case err == nil:
		if w.End(StateDone) {
			w.Report.Notice = &Notice{Kind: NoticeReplay, Since: w.Record.Opened}
		}
	case errors.Is(err, errOvertaken):
		w.Report.Warn("%v", err)
		w.End(StateOvertaken)
	default:
		w.Leave(err)
	}
	w.Publish(ctx)
}

// clear waits until what is in the way of look-up has passed: what an earlier
// run has sent is not readable yet, or the live export, which was sent back at
// the same moment, has not seen this replay's claim.
func (w *replayWork) clear(ctx context.Context, readable time.Time) error {
	if w.x.shares(w.Record.Replay) {
		readable = time.Now().Add(w.x.ReadLag)
	}
	if Pause(ctx, time.Until(readable)) != nil {
		return errTimeUp
	}
	return w.overtaken(ctx)
}

// shares reports whether the replay puts events of some day where the live
// export puts them: the day's stream may be named with or without {date}.
func (x *Exporter) shares(r Replay) bool {
	if r.Target == x.Target {
		return true
	}
	const day = 24 * time.Hour // an event's date is near the time in its id
	from, to, _ := r.Times()
	if oldest := to.Add(-tenantlog.MaxRetention); from.Before(oldest) {
		from = oldest
	}
	for at := from.Add(-day); !at.After(to.Add(day)); at = at.Add(day) {
		if r.Target.On(at) == x.Target.On(at) {
			return true
		}
	}
	return false
}

// overtaken is an error where the live export is at work on the same events.
// Two that look up and send the same at the same time could store it twice.
func (w *replayWork) overtaken(ctx context.Context) error {
	if !w.x.shares(w.Record.Replay) {
		return nil
	}
	reached, err := reachedBy(ctx, w.Params, w.Now)
	if err == nil && reached < w.Record.To {
		err = errOvertaken
	}
	return err
}

// walk goes over the part of the log that is left. Each event is looked for
// before it is sent, so that a replay adds what is missing.
func (w *replayWork) walk(ctx context.Context, book logbook) error {
	rec := &w.Record.Replay
	x := w.x.Exporter
	x.Target, x.Retention = rec.Target, 0
	if rec.Types != "" {
		keep, err := w.x.Types(rec.Types)
		if err != nil {
			return &Error{Kind: KindSettings, Text: fmt.Sprintf("%s: %v.", ReplayName, err), Fix: "stop the replay and start another."}
		}
		x.Keep = keep
	}
	seen, err := w.Seen()
	if err != nil {
		return err
	}
	w.Report.From = rec.Position
	way := newWalk(&x, w.Report, book, w.times, route{from: origin{after: rec.Position}, to: rec.To, seen: seen, doubt: rec.To, readable: time.Now(), mustRead: w.x.shares(*rec)})
	way.claimed = true // from the start: it is saved, and found out when it was stopped, before anything is sent
	err = way.run(ctx)
	way.close()
	if err == nil {
		w.Report.To = rec.To // nothing lies between the last event and the range's end
	}
	w.note(w.Report.To)
	return err
}

// claim is part of logbook, and not called: carryOn has claimed.
func (w *replayWork) claim(context.Context) error { return nil }

// note is part of logbook.
func (w *replayWork) note(position tenantlog.ID) {
	rec, was, r := &w.Record.Replay, &w.before, w.Report
	rec.Position = position
	rec.Fetched, rec.Filtered = was.Fetched+r.Fetched, was.Filtered+r.Filtered
	rec.Exported, rec.Present = was.Exported+r.Exported, was.Present+r.Present
	rec.Batches, rec.Bytes = was.Batches+r.Batches, was.Bytes+r.Bytes
	rec.Rescued = was.Rescued + r.Rescues()
}

// save is part of logbook.
func (w *replayWork) save(ctx context.Context) error {
	if err := w.overtaken(ctx); err != nil {
		return err
	}
	return w.Save(ctx)
}

// replaying is the error of a live export that was sent back while a replay is
// at work on the same events in the same stream.
type replaying struct{ busy error }

func (e *replaying) Error() string {
	return fmt.Sprintf("a replay into the same stream is at work (%v): the export goes on once it has ended", e.busy)
}

// checkReplay looks for a replay that is at work on events beyond what the live
// export has reached, in the export's own stream. The live export goes first:
// such a replay ends by itself as soon as it sees where the position is. fresh
// has REPLAY read anew.
func (x *Exporter) checkReplay(ctx context.Context, reached tenantlog.ID, fresh bool) error {
	if x.Replay.Version == 0 && !fresh {
		return nil
	}
	p := x.Replay
	if fresh {
		p = Parameter{}
	}
	g := newReplay()
	g.Params, g.Now = x.Parameters, x.Now
	found, err := g.Read(ctx, p)
	if err != nil {
		return err
	}
	if busy := g.Busy(); found && busy != nil && x.shares(g.Record.Replay) && reached < g.Record.To {
		return &replaying{busy}
	}
	return nil
}
