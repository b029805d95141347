package export

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	defer w.cancel()
	if err := CheckReached(w.stateCtx, x.Parameters, x.Now, want.Stretch); err != nil {
		return w.failed(ctx, err)
	}
	if err := w.open(want, p); err != nil {
		return w.failed(ctx, err)
	}
	w.carryOn(ctx)
	if w.r.Skipped != "" {
		return Report{}, errors.New("another replay was opened at the same moment: this one was not")
	}
	return *w.r, nil
}

// Prepare opens a replay and leaves it to CarryOn.
func (x *Replayer) Prepare(ctx context.Context, want Replay) error {
	w := x.begin(ctx)
	defer w.cancel()
	if err := w.open(want, Parameter{}); err != nil {
		return err
	}
	return w.Save(w.stateCtx)
}

// growth is how much longer a record can become than it is at first, in bytes:
// by its counts, the claim and an error.
const growth = 1200

// open makes the record of a new replay, unless one is open: p is REPLAY as it
// was read.
func (w *replayWork) open(want Replay, p Parameter) error {
	found, err := w.Read(w.stateCtx, p)
	if err != nil {
		return err
	}
	if busy := w.Busy(); found && (busy != nil || w.Record.State == StateOpen) {
		return w.occupied(busy)
	}
	want.State, want.Opened, want.Position = StateOpen, w.r.Started, want.After
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
	defer w.cancel()
	w.r.Fail(err)
	w.publish(ctx)
	return *w.r
}

// Refused is the error of an action that was asked for and cannot be.
type Refused string

func (e Refused) Error() string { return string(e) }

// Refusef makes a Refused.
func Refusef(format string, args ...any) error { return Refused(fmt.Sprintf(format, args...)) }

// PlaceOf is an id with its time, for people.
func PlaceOf(id tenantlog.ID) string {
	t, ok := id.Time()
	switch {
	case !ok:
		return string(id)
	case id.Made():
		return t.Format(time.RFC3339)
	}
	return fmt.Sprintf("%s (%s)", id, t.Format(time.RFC3339))
}

// occupied is the error of a second replay.
func (w *replayWork) occupied(busy error) error {
	rec := w.Record
	if rec.State != StateOpen {
		return Refusef("the last replay is being ended: %v; try again then", busy)
	}
	return Refusef("a replay is open: from %s to %s into %s, done up to %s. Expected it to end first, or to be stopped with %s",
		PlaceOf(rec.After), PlaceOf(rec.To), rec.Target.Stream, PlaceOf(rec.Position), `"stop":true`)
}

// CarryOn goes on with the replay that is open, if one is: p is REPLAY as it was
// read. ok is false where there is nothing to do.
func (x *Replayer) CarryOn(ctx context.Context, p Parameter) (r Report, ok bool) {
	w := x.begin(ctx)
	defer w.cancel()
	found, err := w.Read(w.stateCtx, p)
	switch {
	case err != nil:
		r, _ = w.failed(ctx, err)
		return r, true
	case !found && w.Foreign() != nil:
		r, _ = w.failed(ctx, w.Foreign())
		return r, true
	case !found:
		w.tidy(p)
		return r, false
	case w.Busy() != nil:
		return r, false
	case w.Record.State != StateOpen:
		w.end(w.Record.State)
		w.publish(ctx)
	case x.SettingsErr != nil:
		return r, false // the live export reports it
	default:
		w.carryOn(ctx)
	}
	return *w.r, true
}

// Stop ends the replay that is open. A run that is at work on it finds out at
// its next save.
func (x *Replayer) Stop(ctx context.Context, p Parameter) (Report, error) {
	w := x.begin(ctx)
	defer w.cancel()
	found, err := w.Read(w.stateCtx, p)
	switch {
	case err != nil:
		return w.failed(ctx, err)
	case !found && w.Foreign() != nil:
		return w.failed(ctx, w.Foreign())
	case !found:
		return Report{}, Refusef("there is no replay to stop")
	}
	warning, err := w.Stop(w.stateCtx, func() { w.Record.State = StateStopped })
	if err != nil {
		return w.failed(ctx, err)
	}
	if warning != "" {
		w.r.Warn("%s", warning)
	}
	w.publish(ctx)
	return *w.r, nil
}

// Count does all of a replay but deliver: the report says how many events there
// are, and how many of them are not in the stream.
func (x *Replayer) Count(ctx context.Context, want Replay) (Report, error) {
	w := x.begin(ctx)
	defer w.cancel()
	if err := CheckReached(w.stateCtx, x.Parameters, x.Now, want.Stretch); err != nil {
		return w.failed(ctx, err)
	}
	want.State, want.Opened, want.Position = StateCounted, w.r.Started, want.After
	w.Record = &ReplayRecord{Replay: want}
	dry := *x
	dry.Sink = drySink{x.Sink}
	w.x = &dry
	w.conclude(w.walk(ctx, noBook{}))
	w.publish(ctx)
	return *w.r, nil
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
	Register[*ReplayRecord]
	x        *Replayer
	r        *Report
	times    times
	before   Replay // as it stood before this run
	stateCtx context.Context
	cancel   context.CancelFunc
}

func newReplay(params Parameters, now func() time.Time) Register[*ReplayRecord] {
	return Register[*ReplayRecord]{
		Params: params, Name: ReplayName, Now: now, Owner: NewOwner(), Gone: errGone,
		New: func() *ReplayRecord { return &ReplayRecord{} },
	}
}

func (x *Replayer) begin(ctx context.Context) *replayWork {
	t := plan(ctx)
	w := &replayWork{
		Register: newReplay(x.Parameters, x.Now),
		x:        x, times: t,
		r: &Report{Tenant: x.Tenant, Action: ReplayAction, Outcome: OK, Started: x.Now().UTC(), Warnings: slices.Clone(x.Warnings), Version: Version},
	}
	w.stateCtx, w.cancel = context.WithDeadline(ctx, t.state)
	return w
}

// carryOn claims the replay, walks on, and writes down how far it came.
func (w *replayWork) carryOn(ctx context.Context) {
	w.before = w.Record.Replay
	readable := w.readable(time.Now(), w.x.ReadLag)
	w.Record.Runs++
	w.Record.Until = w.x.claimEnd(w.times)
	err := w.Save(w.stateCtx)
	if err == nil {
		err = w.clear(w.stateCtx, readable)
	}
	if err == nil {
		err = w.walk(ctx, w)
	}
	w.conclude(err)
	w.settle(err)
	w.publish(ctx)
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
	reached, err := Reached(ctx, w.x.Parameters, w.x.Now)
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
	place := x.Target.On(w.r.Started)
	w.r.Place = Place{Region: x.Region, Group: place.Group, Stream: place.Stream}
	w.r.From = rec.Position
	way := newWalk(&x, w.r, book, w.times, route{from: origin{after: rec.Position}, to: rec.To, doubt: rec.To, readable: time.Now(), mustRead: w.x.shares(*rec)})
	way.claimed = true // from the start: it is saved, and found out when it was stopped, before anything is sent
	err := way.run(ctx)
	way.close()
	if err == nil {
		w.r.To = rec.To // nothing lies between the last event and the range's end
	}
	w.note(w.r.To)
	return err
}

// claim is part of logbook, and not called: carryOn has claimed.
func (w *replayWork) claim(context.Context) error { return nil }

// note is part of logbook.
func (w *replayWork) note(position tenantlog.ID) {
	rec, was, r := &w.Record.Replay, &w.before, w.r
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

// conclude fills in how the run ended.
func (w *replayWork) conclude(err error) {
	switch {
	case err == nil, errors.Is(err, errGone), errors.Is(err, errOvertaken):
		if err != nil {
			w.r.Warn("%v", err)
		}
	case IsLost(err):
		w.r.Skip(err)
	case IsLimit(err):
		w.r.Limit(err)
	default:
		w.r.Fail(err)
	}
}

// settle writes down how the run ended, and takes the record away where the
// replay has ended with it.
func (w *replayWork) settle(err error) {
	rec := w.Record
	switch {
	case errors.Is(err, errGone):
		rec.State = StateStopped
	case errors.Is(err, errOvertaken):
		w.end(StateOvertaken)
	case IsLost(err):
		w.lost()
	case err == nil:
		rec.Error = nil
		if w.end(StateDone) {
			w.r.Notice = &Notice{Kind: NoticeReplay, Since: rec.Opened}
		}
	default:
		rec.Until, rec.Error = time.Time{}, nil
		if w.r.Error != nil {
			rec.Error = w.r.Error.short()
			w.r.TellFailure(&rec.Told, w.Now().UTC())
		}
		w.release()
	}
}

// release ends the claim, for the next run to go on.
func (w *replayWork) release() {
	err := w.Save(w.stateCtx)
	switch {
	case errors.Is(err, errGone):
		w.Record.State = StateStopped
	case IsLost(err):
		w.lost()
	case err != nil && w.r.Outcome != Failed: // the first error is the one to mend
		w.r.Fail(err)
	}
}

// lost finds out who has taken the replay away, and ends it where that was to
// stop it.
func (w *replayWork) lost() {
	if found, err := w.Read(w.stateCtx, Parameter{}); err == nil && found && w.Record.State == StateStopped {
		w.r.Outcome, w.r.Skipped = OK, ""
		w.end(StateStopped)
	}
}

// end takes the record away. It reports false where that failed: then the record
// says how the replay has ended, and the next run takes it away.
func (w *replayWork) end(state State) bool {
	rec := w.Record
	rec.State, rec.Until = state, time.Time{}
	err := w.Params.Delete(w.stateCtx, ReplayName)
	if err != nil {
		w.r.Fail(err)
		w.r.TellFailure(&rec.Told, w.Now().UTC())
		_ = w.Save(w.stateCtx) // the first error is the one to mend
	}
	return err == nil
}

// tidy takes away a parameter with nothing but void records, which a run left
// that was at work while the replay was ended. It gives that run time to end.
func (w *replayWork) tidy(p Parameter) {
	if p.Version != 0 && w.Now().Sub(p.Modified) >= maxClaim {
		w.end(StateStopped) // a failure is no matter: the next run tries again
	}
}

func (w *replayWork) failed(ctx context.Context, err error) (Report, error) {
	if _, refused := errors.AsType[Refused](err); refused {
		return Report{}, err
	}
	w.r.Fail(err)
	w.publish(ctx)
	return *w.r, nil
}

func (w *replayWork) publish(ctx context.Context) {
	if w.Record != nil && w.Record.Opened != (time.Time{}) {
		replay := w.Record.Replay
		w.r.Replay = &replay
	}
	w.r.Ended = w.Now().UTC()
	ctx, cancel := context.WithDeadline(ctx, w.times.tell)
	defer cancel()
	// A message that does not get through is not tried again: the report's line
	// is there, and REPLAY says the same.
	_ = w.x.Publish(ctx, *w.r)
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
	g := newReplay(x.Parameters, x.Now)
	found, err := g.Read(ctx, p)
	if err != nil {
		return err
	}
	if busy := g.Busy(); found && busy != nil && x.shares(g.Record.Replay) && reached < g.Record.To {
		return &replaying{busy}
	}
	return nil
}
