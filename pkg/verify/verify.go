// Package verify looks at a part of a tenant's log without exporting it. A
// verification compares it by log_id with what the log group holds, and a
// preview counts what a filter makes of it and what that costs.
package verify

import (
	"context"
	"errors"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// ParameterName is the parameter that holds a Record while a verification is
// open.
const ParameterName = "VERIFY"

// Sink is what is read of CloudWatch Logs.
type Sink interface {
	// Render gives the form in which an event is stored.
	Render(e tenantlog.Event) export.Rendered
	// Copies counts how often the stream, with the late stream of their day,
	// holds each of the events. An error that wraps export.ErrCannotRead says
	// that it cannot be known.
	Copies(ctx context.Context, t export.Target, events []export.Rendered) (map[tenantlog.ID]int, error)
	// Elsewhere names, for those events that they hold, other streams of the
	// target's group. An error that wraps export.ErrNoGroup says that there is no
	// such group.
	Elsewhere(ctx context.Context, t export.Target, events []export.Rendered) (map[tenantlog.ID]string, error)
}

// Options are one tenant's settings and services, as far as a verification needs
// them.
type Options struct {
	Tenant string
	// Keep decides whether an event is exported.
	Keep func(tenantlog.Event) bool
	// Target is the export's.
	Target   export.Target
	Warnings []string
	// SettingsErr says that the settings are no good: then nothing is compared.
	SettingsErr error
	// Region is that of the log group, for links.
	Region string
	// Retention is how long Auth0 keeps the tenant's events, 0 where it is not
	// known.
	Retention time.Duration

	Source     export.Source
	Sink       Sink
	Parameters export.Parameters
	// Publish tells the report to whom it concerns.
	Publish func(ctx context.Context, r export.Report) error
	// Fill opens a replay that adds to the target what is missing there between
	// two ids.
	Fill func(ctx context.Context, s tenantlog.Stretch, t export.Target) error
	// Now is the clock for what is recorded.
	Now func() time.Time
	// Grace is how long a claim holds beyond the end of its run.
	Grace time.Duration
	// ReadLag is how long what was written may not be readable.
	ReadLag time.Duration
}

// Verifier verifies parts of one tenant's log.
type Verifier struct{ Options }

// Record is the parameter VERIFY.
type Record struct {
	export.ActionClaim
	export.Verification
	// FillIn says that what is missing is to be added in the end.
	FillIn bool `json:"fillIn,omitempty"`
}

// Check refuses a record whose ids are none, and an open one that lacks what to
// do.
func (r *Record) Check() error {
	if err := export.CheckIDs(append([]tenantlog.ID{r.LastMissing}, r.FirstMissing...)...); err != nil {
		return err
	}
	if r.State == export.StateOpen && r.Missing > 0 && (len(r.FirstMissing) == 0 || r.LastMissing == "") {
		return errors.New("it does not say which events are missing")
	}
	return r.Progress.Check()
}

// Encode is the record as a parameter's value. Where it is too long, fewer of the
// events are named.
func (r *Record) Encode() (string, error) {
	short := *r
	for {
		text, err := export.EncodeRecord(ParameterName, &short)
		switch {
		case !errors.Is(err, export.ErrTooLarge):
			return text, err
		case len(short.FirstMissing) > 1 && len(short.FirstMissing) >= len(short.FirstDouble):
			short.FirstMissing = short.FirstMissing[:len(short.FirstMissing)-1]
		case len(short.FirstDouble) > 0:
			short.FirstDouble = short.FirstDouble[:len(short.FirstDouble)-1]
		case len(short.Types) > 1:
			short.Types = fewer(short.Types)
		case len(short.Times) > 1:
			short.Times = fewer(short.Times)
		default:
			return "", err
		}
	}
}

// Want is what is asked for.
type Want struct {
	tenantlog.Stretch
	// Kept is from when on Auth0 keeps the events, where it does not keep all.
	Kept time.Time
	// Fill asks for what is missing to be added.
	Fill bool
}

// Open begins a verification and works on it until it is done or the time is
// over. p is VERIFY as it was read. An error that is an export.Refused says why
// there can be no such verification: then nothing was changed.
func (v *Verifier) Open(ctx context.Context, want Want, p export.Parameter) (export.Report, error) {
	w := v.begin(ctx)
	defer w.cancel()
	if err := export.CheckReached(w.stateCtx, v.Parameters, v.Now, want.Stretch); err != nil {
		return w.failed(ctx, err)
	}
	found, err := w.Read(w.stateCtx, p)
	if err != nil {
		return w.failed(ctx, err)
	}
	if busy := w.Busy(); found && (busy != nil || w.Record.State == export.StateOpen) {
		return export.Report{}, occupied(w.Record, busy)
	}
	w.Record = &Record{FillIn: want.Fill, Verification: export.Verification{Kept: want.Kept, Progress: export.Progress{
		Stretch: want.Stretch, Target: v.Target, State: export.StateOpen, Opened: w.r.Started, Position: want.After,
	}}}
	w.carryOn(ctx)
	if w.r.Skipped != "" {
		return export.Report{}, export.Refusef("another verification was opened at the same moment: this one was not")
	}
	return *w.r, nil
}

// occupied is the error of a second verification.
func occupied(rec *Record, busy error) error {
	if rec.State != export.StateOpen {
		return export.Refusef("the last verification is being ended: %v; try again then", busy)
	}
	return export.Refusef(`a verification is open: from %s to %s, compared up to %s. Expected it to end first, or to be stopped with "stop":true`,
		export.PlaceOf(rec.After), export.PlaceOf(rec.To), export.PlaceOf(rec.Position))
}

// CarryOn goes on with the verification that is open, if one is. ok is false
// where there is nothing to do.
func (v *Verifier) CarryOn(ctx context.Context, p export.Parameter) (r export.Report, ok bool) {
	w := v.begin(ctx)
	defer w.cancel()
	found, err := w.Read(w.stateCtx, p)
	switch {
	case err != nil:
		r, _ = w.failed(ctx, err)
		return r, true
	case !found && w.Foreign() != nil:
		r, _ = w.failed(ctx, w.Foreign())
		return r, true
	case !found, w.Busy() != nil, v.SettingsErr != nil:
		return r, false
	case w.Record.State != export.StateOpen:
		w.end(w.Record.State)
		w.publish(ctx)
	default:
		w.carryOn(ctx)
	}
	return *w.r, true
}

// Stop ends the verification that is open.
func (v *Verifier) Stop(ctx context.Context, p export.Parameter) (export.Report, error) {
	w := v.begin(ctx)
	defer w.cancel()
	found, err := w.Read(w.stateCtx, p)
	switch {
	case err != nil:
		return w.failed(ctx, err)
	case !found && w.Foreign() != nil:
		return w.failed(ctx, w.Foreign())
	case !found:
		return export.Report{}, export.Refusef("there is no verification to stop")
	}
	warning, err := w.Stop(w.stateCtx, func() { w.Record.State = export.StateStopped })
	if err != nil {
		return w.failed(ctx, err)
	}
	if warning != "" {
		w.warn(warning)
	}
	w.publish(ctx)
	return *w.r, nil
}

// Fail reports a verification that could not begin.
func (v *Verifier) Fail(ctx context.Context, err error) export.Report {
	w := v.begin(ctx)
	defer w.cancel()
	w.r.Fail(err)
	w.publish(ctx)
	return *w.r
}

// errStopped says that somebody has deleted VERIFY.
var errStopped = errors.New(ParameterName + " was deleted: the verification has ended")

// work is one run's work on a verification.
type work struct {
	export.Register[*Record]
	v        *Verifier
	r        *export.Report
	found    findings
	fetch    time.Time // no page is asked for afterwards
	tell     time.Time // Slack is not waited for afterwards
	over     time.Time // everything has ended
	saved    time.Time
	stateCtx context.Context
	cancel   context.CancelFunc
}

func (v *Verifier) begin(ctx context.Context) *work {
	w := &work{
		Register: export.Register[*Record]{
			Params: v.Parameters, Name: ParameterName, Now: v.Now, Owner: export.NewOwner(), Gone: errStopped,
			New: func() *Record { return &Record{} },
		},
		v: v,
		r: &export.Report{
			Tenant: v.Tenant, Action: export.VerifyAction, Outcome: export.OK, Started: v.Now().UTC(),
			Warnings: slices.Clone(v.Warnings), Version: export.Version,
		},
	}
	var state time.Time
	w.fetch, state, w.tell, w.over = export.Stages(ctx)
	w.stateCtx, w.cancel = context.WithDeadline(ctx, state)
	return w
}

// carryOn claims the verification, compares on, and writes down how far it came.
func (w *work) carryOn(ctx context.Context) {
	w.Record.Runs++
	w.Record.Until = w.Now().Add(time.Until(w.over) + w.v.Grace).UTC()
	w.r.From = w.Record.Position
	err := w.Save(w.stateCtx)
	if err == nil {
		err = w.compare(ctx)
	}
	w.r.To = w.Record.Position
	w.settle(err)
	w.publish(ctx)
}

// settle writes down how the run ended, and takes the record away where the
// verification has ended with it.
func (w *work) settle(err error) {
	rec := w.Record
	switch {
	case err == nil:
		w.done()
		return
	case errors.Is(err, errStopped):
		rec.State = export.StateStopped
		w.r.Warn("%v", err)
		return
	case export.IsLost(err):
		w.lost(err)
		return
	case export.IsLimit(err):
		w.r.Limit(err)
	default:
		w.r.Fail(err)
		w.r.TellFailure(&rec.Told, w.Now().UTC())
	}
	rec.Until = time.Time{}
	if err := w.Save(w.stateCtx); export.IsLost(err) {
		w.lost(err)
	} else if err != nil && !errors.Is(err, errStopped) {
		w.r.Fail(err)
	}
}

// keepTime is how long is waited for a run that is at work, to tell the digest.
const keepTime = 30 * time.Second

// done ends a verification that came to its end.
func (w *work) done() {
	rec := &w.Record.Verification
	rec.Position = rec.To // nothing lies between the last event and the range's end
	rec.State, rec.Complete = export.StateDone, rec.Missing == 0
	if rec.Missing > 0 && w.Record.FillIn {
		rec.Fill = w.fill(w.stateCtx)
	}
	ctx, cancel := context.WithTimeout(w.stateCtx, keepTime)
	defer cancel()
	if err := export.KeepVerified(ctx, w.Params, w.Now, export.Verified{
		After: rec.After, To: rec.To, Expected: rec.Expected, Missing: rec.Missing, Double: rec.Double, Ended: w.Now().UTC(),
	}); err != nil {
		w.r.Warn("the digest will not tell of it: %v", err)
	}
	w.end(export.StateDone)
	if rec.Missing > 0 || rec.Double > 0 {
		w.r.Notice = &export.Notice{Kind: export.NoticeVerify, Since: rec.Opened}
	}
}

// fill has what is missing added, and says what came of it.
func (w *work) fill(ctx context.Context) string {
	rec := w.Record
	first := rec.FirstMissing[0]
	if err := w.v.Fill(ctx, tenantlog.Stretch{After: first.Before(), To: rec.LastMissing}, rec.Target); err != nil {
		return "not added: " + err.Error()
	}
	return "a replay was opened that adds what is missing"
}

// lost finds out who has taken the verification away, and ends it where that was
// to stop it.
func (w *work) lost(err error) {
	was := w.Record
	if found, readErr := w.Read(w.stateCtx, export.Parameter{}); readErr == nil && found && w.Record.State == export.StateStopped {
		w.Record = was
		w.end(export.StateStopped)
		return
	}
	w.r.Skip(err)
}

// end takes the record away. Where that fails the record says how the
// verification has ended, and the next run takes it away.
func (w *work) end(state export.State) {
	rec := w.Record
	rec.State, rec.Until = state, time.Time{}
	if err := w.Params.Delete(w.stateCtx, ParameterName); err != nil {
		w.r.Fail(err)
		w.r.TellFailure(&rec.Told, w.Now().UTC())
		_ = w.Save(w.stateCtx) // the first error is the one to mend
	}
}

func (w *work) failed(ctx context.Context, err error) (export.Report, error) {
	if _, refused := errors.AsType[export.Refused](err); refused {
		return export.Report{}, err
	}
	w.r.Fail(err)
	w.publish(ctx)
	return *w.r, nil
}

func (w *work) publish(ctx context.Context) {
	if w.Record != nil && !w.Record.Opened.IsZero() {
		result := w.Record.Verification
		w.r.Verify = &result
	}
	place := w.v.Target.On(w.r.Started)
	w.r.Place = export.Place{Region: w.v.Region, Group: place.Group, Stream: place.Stream}
	w.r.Ended = w.Now().UTC()
	ctx, cancel := context.WithDeadline(ctx, w.tell)
	defer cancel()
	// A message that does not get through is not tried again: the report's line
	// is there.
	_ = w.v.Publish(ctx, *w.r)
}
