// Package verify looks at a part of a tenant's log without exporting it. A
// verification compares it by log_id with what the log group holds, and a
// preview counts what a filter makes of it and what that costs.
package verify

import (
	"context"
	"errors"
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

// Verifier verifies parts of one tenant's log. Its settings and services are
// those of the live export.
type Verifier struct {
	export.Exporter
	// Stored is what the log group holds.
	Stored Sink
	// Fill opens a replay that adds to the target what is missing there between
	// two ids.
	Fill func(ctx context.Context, s tenantlog.Stretch, t export.Target) error
}

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

// Show puts the verification into the report.
func (r *Record) Show(to *export.Report) {
	result := r.Verification
	to.Verify = &result
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
	defer w.Close()
	err := w.CheckReached(want.Stretch)
	if err == nil {
		err = w.Vacant(p)
	}
	if err != nil {
		return w.Failed(ctx, err)
	}
	w.Record = &Record{FillIn: want.Fill, Verification: export.Verification{Kept: want.Kept, Progress: export.Progress{
		Stretch: want.Stretch, Target: v.Target, State: export.StateOpen, Opened: w.Report.Started, Position: want.After,
	}}}
	w.carryOn(ctx)
	return w.Opened()
}

// CarryOn goes on with the verification that is open, if one is. ok is false
// where there is nothing to do.
func (v *Verifier) CarryOn(ctx context.Context, p export.Parameter) (r export.Report, ok bool) {
	w := v.begin(ctx)
	defer w.Close()
	if w.Resume(ctx, p) {
		w.carryOn(ctx)
	}
	return w.Told()
}

// Stop ends the verification that is open.
func (v *Verifier) Stop(ctx context.Context, p export.Parameter) (export.Report, error) {
	w := v.begin(ctx)
	defer w.Close()
	return w.Stop(ctx, p)
}

// Fail reports a verification that could not begin.
func (v *Verifier) Fail(ctx context.Context, err error) export.Report {
	w := v.begin(ctx)
	defer w.Close()
	return w.Fail(ctx, err)
}

// errStopped says that somebody has deleted VERIFY.
var errStopped = errors.New(ParameterName + " was deleted: the verification has ended")

// work is one run's work on a verification.
type work struct {
	*export.Work[*Record]
	v     *Verifier
	found findings
	saved time.Time
}

func (v *Verifier) begin(ctx context.Context) *work {
	return &work{v: v, Work: export.NewWork(ctx, &v.Exporter, export.VerifyAction, "verification",
		export.Register[*Record]{Name: ParameterName, Gone: errStopped, New: func() *Record { return &Record{} }})}
}

// carryOn claims the verification, compares on, and writes down how far it came.
func (w *work) carryOn(ctx context.Context) {
	w.Report.From = w.Record.Position
	err := w.Claim()
	if err == nil {
		err = w.compare(ctx)
	}
	if err == nil {
		w.done()
	} else {
		w.Leave(err)
	}
	w.Report.To = w.Record.Position
	w.Publish(ctx)
}

// keepTime is how long is waited for a run that is at work, to tell the digest.
const keepTime = 30 * time.Second

// done ends a verification that came to its end.
func (w *work) done() {
	rec := &w.Record.Verification
	rec.Position = rec.To // nothing lies between the last event and the range's end
	rec.State, rec.Complete = export.StateDone, rec.Missing == 0
	if rec.Missing > 0 && w.Record.FillIn {
		rec.Fill = w.fill(w.StateCtx)
	}
	ctx, cancel := context.WithTimeout(w.StateCtx, keepTime)
	defer cancel()
	if err := export.KeepVerified(ctx, w.Params, w.Now, export.Verified{
		After: rec.After, To: rec.To, Expected: rec.Expected, Missing: rec.Missing, Double: rec.Double, Ended: w.Now().UTC(),
	}); err != nil {
		w.Report.Warn("the digest will not tell of it: %v", err)
	}
	w.End(export.StateDone)
	if rec.Missing > 0 || rec.Double > 0 {
		w.Report.Notice = &export.Notice{Kind: export.NoticeVerify, Since: rec.Opened}
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
