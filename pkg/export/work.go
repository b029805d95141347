package export

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// Progress is how a long action stands, a replay or a verification: which part
// of the tenant's log it is for, and how far it has come over all its runs.
type Progress struct {
	tenantlog.Stretch
	// Target is the log stream that it is about.
	Target Target `json:"target"`
	State  State  `json:"state"`
	// Opened is when it was begun.
	Opened time.Time `json:"opened"`
	// Position is the last id that is done with, and Runs how many runs that
	// took.
	Position tenantlog.ID `json:"position"`
	Runs     int          `json:"runs"`
}

// State is whether a long action is open, or how it has ended.
type State string

// The states of a long action. All but the first end it.
const (
	StateOpen State = "open"
	StateDone State = "done"
	// StateStopped is that of one that somebody stopped.
	StateStopped State = "stopped"
	// StateOvertaken is that of a replay into the export's own stream whose part
	// of the log the live export was sent back over.
	StateOvertaken State = "overtaken"
	// StateCounted is that of a replay that was only counted.
	StateCounted State = "dry run"
)

// Check refuses what a record cannot say: ids that are none, and to be open
// without what to do.
func (p *Progress) Check() error {
	if err := CheckIDs(p.After, p.To, p.Position); err != nil || p.State != StateOpen {
		return err
	}
	if p.After == "" || p.To == "" || p.Position == "" || p.Target.Group == "" || p.Target.Stream == "" || p.Opened.IsZero() {
		return errors.New("it is open, but lacks its range, its log stream or its beginning")
	}
	return nil
}

func (p *Progress) progress() *Progress { return p }

// ActionClaim begins the record of a long action: which run is at work on it,
// why the last one failed, and when Slack last heard of that.
type ActionClaim struct {
	Claim
	Error *Error    `json:"error,omitempty"`
	Told  time.Time `json:"told,omitzero"`
}

func (c *ActionClaim) claim() *ActionClaim { return c }

// ActionRecord is what the parameter of a long action holds: an ActionClaim and
// a Progress, both embedded, and what is the action's own.
type ActionRecord interface {
	Record
	// Show puts into the report how the action stands.
	Show(r *Report)

	claim() *ActionClaim
	progress() *Progress
}

// Work is one run's work on a long action: what is the same whether it replays
// or verifies. It finds the record, claims it, writes down how the run ended,
// takes the record away with the action's end, and publishes the report.
type Work[R ActionRecord] struct {
	Register[R]
	// Report is the run's.
	Report *Report
	// StateCtx is for reading and writing parameters, and ends with the time for
	// it. Fetch is the end of the time for asking for pages.
	StateCtx context.Context
	Fetch    time.Time

	noun      string // what people call the action
	live      *Exporter
	times     times
	cancel    context.CancelFunc
	published bool
}

// NewWork begins a run's work in the time that ctx leaves, with the settings and
// services of the live export. Of the register it needs Name, New and Gone. noun
// is what people call the action. The work is to be closed.
func NewWork[R ActionRecord](ctx context.Context, live *Exporter, action, noun string, register Register[R]) *Work[R] {
	register.Params, register.Now, register.Owner = live.Parameters, live.Now, newOwner()
	register.Record = register.New()
	t := plan(ctx)
	w := &Work[R]{Register: register, Report: live.report(action), Fetch: t.fetch, noun: noun, live: live, times: t}
	w.StateCtx, w.cancel = context.WithDeadline(ctx, t.state)
	return w
}

// Close ends what the work was begun with.
func (w *Work[R]) Close() { w.cancel() }

// Vacant reads the parameter, given as it was read for the run, and refuses
// where an action is open already.
func (w *Work[R]) Vacant(p Parameter) error {
	found, err := w.Read(w.StateCtx, p)
	if err != nil || !found {
		return err
	}
	busy, now := w.Busy(), w.Record.progress()
	switch {
	case now.State == StateOpen:
		return Refusef(`a %s is open: from %s to %s, done up to %s. Expected it to end first, or to be stopped with "stop":true`,
			w.noun, PlaceOf(now.After), PlaceOf(now.To), PlaceOf(now.Position))
	case busy != nil:
		return Refusef("the last %s is being ended: %v; try again then", w.noun, busy)
	}
	return nil
}

// CheckReached refuses a stretch that goes beyond where the live export has come
// to.
func (w *Work[R]) CheckReached(s tenantlog.Stretch) error {
	reached, err := reachedBy(w.StateCtx, w.Params, w.Now)
	switch {
	case err != nil:
		return err
	case reached == "":
		return Refusef("the export has no position yet: expected a run of it before, by its schedule or asked for")
	case s.To > reached:
		return Refusef("to lies beyond where the export has come to, %s: expected an end up to there", PlaceOf(reached))
	}
	return nil
}

// Opened is what a run has to say that has opened an action and worked on it.
func (w *Work[R]) Opened() (Report, error) {
	if w.Report.Skipped != "" {
		return Report{}, Refusef("another %s was opened at the same moment: this one was not", w.noun)
	}
	return *w.Report, nil
}

// Resume reads the parameter, given as it was read for the run, and reports
// whether the action in it is to be gone on with.
func (w *Work[R]) Resume(ctx context.Context, p Parameter) bool {
	found, err := w.find(p)
	switch state := w.Record.progress().State; {
	case err != nil:
		w.Fail(ctx, err)
	case !found:
		w.tidy(p)
	case w.Busy() != nil:
	case state != StateOpen:
		w.End(state)
		w.Publish(ctx)
	default:
		return w.live.SettingsErr == nil // the live export reports it
	}
	return false
}

// Told is the report, and whether it was published: there may have been nothing
// to do.
func (w *Work[R]) Told() (Report, bool) { return *w.Report, w.published }

// find reads the parameter. found is false where it holds void records alone; it
// is an error where it holds what is no record of ours.
func (w *Work[R]) find(p Parameter) (found bool, err error) {
	if found, err = w.Read(w.StateCtx, p); err == nil && !found {
		err = w.foreign()
	}
	return found, err
}

// Stop ends the action that is open. A run that is at work on it finds out at
// its next save.
func (w *Work[R]) Stop(ctx context.Context, p Parameter) (Report, error) {
	found, err := w.find(p)
	if err == nil && !found {
		err = Refusef("there is no %s to stop", w.noun)
	}
	if err == nil {
		err = w.stop()
	}
	if err != nil {
		return w.Failed(ctx, err)
	}
	w.Publish(ctx)
	return *w.Report, nil
}

// stopTries is how often a stop is written that another write has crossed.
const stopTries = 5

// stop takes the record away, or writes into it, for the run that is at work,
// that the action was stopped.
func (w *Work[R]) stop() (err error) {
	for range stopTries {
		busy := w.Busy()
		w.Record.progress().State = StateStopped
		if busy == nil {
			return w.Params.Delete(w.StateCtx, w.Name)
		}
		err = w.Save(w.StateCtx)
		switch {
		case errors.Is(err, w.Gone):
			return nil // it has ended meanwhile
		case err == nil:
			w.Report.Warn("%v: it ends within half a minute", busy)
			return nil
		case !IsLost(err):
			return err
		}
		// The run at work has saved at the same moment.
		lost := err
		if Pause(w.StateCtx, rand.N(maxJitter)) != nil {
			return lost
		}
		if found, err := w.Read(w.StateCtx, Parameter{}); err != nil || !found {
			return err
		}
	}
	return Refusef("%v: ask again", err)
}

// Claim has this run alone work on the action.
func (w *Work[R]) Claim() error {
	w.Record.progress().Runs++
	w.Record.claim().Until = w.live.claimEnd(w.times)
	return w.Save(w.StateCtx)
}

// leastKept is for how long Auth0 keeps an event at the least, but for an hour.
const leastKept = 23 * time.Hour

// Seen is the last event that the live export has come to, for Reader.Seen: ""
// where it is not known, or so old that Auth0 may have deleted it.
func (w *Work[R]) Seen() (tenantlog.ID, error) {
	record, _, err := ReadRun(w.StateCtx, w.Params, w.Now, Parameter{})
	if err != nil {
		return "", err
	}
	last := record.Position
	if t, ok := last.Time(); !ok || last.Made() || w.Now().Sub(t) > leastKept {
		return "", nil
	}
	return last, nil
}

// Leave writes down how a run ended that has not come to the action's end, for
// the next one to go on.
func (w *Work[R]) Leave(err error) {
	switch {
	case errors.Is(err, w.Gone):
		w.Record.progress().State = StateStopped
		w.Report.Warn("%v", err)
		return
	case IsLost(err):
		w.lost(err)
		return
	}
	w.Report.conclude(err)
	claim := w.Record.claim()
	claim.Until, claim.Error = time.Time{}, nil
	if w.Report.Error != nil {
		claim.Error = w.Report.Error.short()
		w.Report.tellFailure(&claim.Told, w.Now().UTC())
	}
	switch err := w.Save(w.StateCtx); {
	case errors.Is(err, w.Gone):
		w.Record.progress().State = StateStopped
	case IsLost(err):
		w.lost(err)
	case err != nil && w.Report.Outcome != Failed: // the first error is the one to mend
		w.Report.Fail(err)
	}
}

// lost finds out who has taken the action away, and ends it where that was to
// stop it.
func (w *Work[R]) lost(err error) {
	was, r := w.Record, w.Report
	found, readErr := w.Read(w.StateCtx, Parameter{})
	if readErr != nil || !found || w.Record.progress().State != StateStopped {
		r.skip(err)
		return
	}
	w.Record = was // it has what this run did
	r.Outcome, r.Error, r.Notice = OK, nil, nil
	w.End(StateStopped)
}

// End takes the record away. It reports false where that failed: then the record
// says how the action has ended, and the next run takes it away.
func (w *Work[R]) End(state State) bool {
	claim := w.Record.claim()
	w.Record.progress().State, claim.Until = state, time.Time{}
	err := w.Params.Delete(w.StateCtx, w.Name)
	if err != nil {
		w.Report.Fail(err)
		claim.Error = w.Report.Error.short()
		w.Report.tellFailure(&claim.Told, w.Now().UTC())
		_ = w.Save(w.StateCtx) // the first error is the one to mend
	}
	return err == nil
}

// tidy takes away a parameter with nothing but void records, which a run left
// that was at work while the action was ended. It gives that run time to end.
func (w *Work[R]) tidy(p Parameter) {
	if p.Version != 0 && w.Now().Sub(p.Modified) >= maxClaim {
		w.End(StateStopped) // a failure is no matter: the next run tries again
	}
}

// Fail reports that nothing could be done, for an error of the settings or of
// the state.
func (w *Work[R]) Fail(ctx context.Context, err error) Report {
	w.Report.Fail(err)
	w.Publish(ctx)
	return *w.Report
}

// Failed is the end of an action that was asked for and not begun: an error
// where that is Refused, or else a report.
func (w *Work[R]) Failed(ctx context.Context, err error) (Report, error) {
	if _, refused := errors.AsType[Refused](err); refused {
		return Report{}, err
	}
	return w.Fail(ctx, err), nil
}

// Publish completes the report and tells it to whom it concerns.
func (w *Work[R]) Publish(ctx context.Context) {
	if now := w.Record.progress(); !now.Opened.IsZero() {
		w.Report.Place = w.live.place(now.Target, w.Report.Started)
		w.Record.Show(w.Report)
	}
	w.Report.Ended = w.Now().UTC()
	w.published = true
	ctx, cancel := context.WithDeadline(ctx, w.times.tell)
	defer cancel()
	// A message that does not get through is not tried again: the report's line
	// is there, and the parameter says the same.
	_ = w.live.Publish(ctx, *w.Report)
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
