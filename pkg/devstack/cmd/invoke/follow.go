package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/progress"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/verify"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// limits bound how long is waited for what.
type limits struct {
	// least and most are the pauses between two looks.
	least, most time.Duration
	// unseen is how long nothing at all may be seen of what was asked for: the
	// function gives up an event that it could not begin with for a minute, and
	// its log is some seconds late.
	unseen time.Duration
	// report is how long the last report may be late.
	report time.Duration
	// still is how long nothing may have moved before that is said, and stuck
	// how long before the following ends.
	still, stuck time.Duration
	// failures is how many looks in a row may fail.
	failures int
}

var usual = limits{
	least: 2 * time.Second, most: 15 * time.Second,
	unseen: 2 * time.Minute, report: time.Minute,
	still: 10 * time.Minute, stuck: time.Hour,
	failures: 5,
}

// clocks is by how much the function's clock may be behind the service's.
const clocks = 5 * time.Second

// record is what REPLAY and VERIFY say, as far as it is told.
type record struct {
	tenantlog.Stretch
	State    string       `json:"state"`
	Opened   time.Time    `json:"opened"`
	Position tenantlog.ID `json:"position"`
	// The counts of a replay.
	Exported int `json:"exported"`
	Present  int `json:"present"`
	// The counts of a verification.
	Expected int `json:"expected"`
	Missing  int `json:"missing"`
	Double   int `json:"double"`
}

// follower follows one replay or verification from its request to its end.
type follower struct {
	place          place
	out            screen
	tenant, action string
	limits         limits
	sent           sent
	before         time.Time // when the one was opened that was there before

	seen     record    // as it was seen last
	found    bool      // it was seen
	moved    time.Time // when it last changed
	gone     time.Time // since when it is gone, zero while it is there
	shown    string
	hinted   bool
	failures map[time.Time]bool // those told, by the start of their runs
	misses   int                // looks that failed in a row
}

// begin asks for the action, or finds the one that is open. Whether it can be
// followed is found out first: what was asked for cannot be taken back.
func (f *follower) begin(ctx context.Context, w *wish) error {
	open, found, err := f.read(ctx)
	if err != nil {
		return fmt.Errorf("nothing was asked for, since it could not be followed: %w", err)
	}
	if _, err := f.place.log(ctx, time.Now().Add(-time.Minute)); err != nil {
		return fmt.Errorf("nothing was asked for, since it could not be followed: %w", err)
	}
	if w.follow {
		if !found {
			return fmt.Errorf("no %s of tenant %s is open", name(f.action), f.tenant)
		}
		f.seen, f.found, f.sent.at = open, true, time.Now()
		return nil
	}
	f.before = open.Opened
	f.out.say("%s", w.event())
	showWaiting(f.out, "asked for")
	if f.sent, err = f.place.send(ctx, w.event()); err != nil {
		return fmt.Errorf("%s: %w", f.action, err)
	}
	return nil
}

// parameterName is the parameter that the action is recorded in.
func (f *follower) parameterName() string {
	if f.action == export.VerifyAction {
		return verify.ParameterName
	}
	return export.ReplayName
}

func (f *follower) read(ctx context.Context) (r record, found bool, err error) {
	value, err := f.place.parameter(ctx, f.tenant, f.parameterName())
	if err != nil || value == "" {
		return r, false, err
	}
	if err := json.Unmarshal([]byte(value), &r); err != nil {
		return r, false, fmt.Errorf("%s is no record: %w", f.parameterName(), err)
	}
	return r, true, nil
}

// follow looks at the action until it has ended, and returns its last report.
func (f *follower) follow(ctx context.Context) (export.Report, error) {
	f.moved = time.Now()
	f.failures = make(map[time.Time]bool)
	for pause := f.limits.least; ; pause = min(pause*3/2, f.limits.most) {
		before := f.moved
		done, err := f.look(ctx)
		if done != nil || err != nil {
			return valueOf(done), err
		}
		if f.moved.After(before) {
			pause = f.limits.least
		}
		if err := f.place.wait(ctx, pause); err != nil {
			return export.Report{}, err
		}
	}
}

func valueOf(r *export.Report) export.Report {
	if r == nil {
		return export.Report{}
	}
	return *r
}

// look reads the record and the log once.
func (f *follower) look(ctx context.Context) (*export.Report, error) {
	rec, present, err := f.read(ctx)
	var said []entry
	if err == nil {
		said, err = f.readLog(ctx)
	}
	if err != nil {
		return nil, f.missed(ctx, err)
	}
	f.misses = 0
	if err := f.refused(said); err != nil {
		return nil, err
	}
	if present && f.ours(rec.Opened) {
		f.note(rec)
	} else if f.found && f.gone.IsZero() {
		f.gone = time.Now()
	}
	if last := f.ended(said); last != nil {
		return last, nil
	}
	if err := f.tellFailures(said); err != nil {
		return nil, err
	}
	return nil, f.patience()
}

// missed counts a look that failed. One that may not be made never succeeds.
func (f *follower) missed(ctx context.Context, err error) error {
	f.misses++
	_, forbids := errors.AsType[*forbidden](err)
	if ctx.Err() == nil && f.misses < f.limits.failures && !forbids {
		return nil
	}
	return fmt.Errorf("the %s is not followed any longer, and goes on: %w", name(f.action), err)
}

// logBack is how far the log is read back at each look: lines can be late.
const logBack = 10 * time.Minute

func (f *follower) readLog(ctx context.Context) ([]entry, error) {
	since := time.Now().Add(-logBack)
	if f.sent.at.After(since) {
		since = f.sent.at.Add(-clocks)
	}
	lines, err := f.place.log(ctx, since)
	return parseLines(lines), err
}

// ours reports whether what was opened then is what was asked for.
func (f *follower) ours(opened time.Time) bool {
	if f.found {
		return opened.Equal(f.seen.Opened)
	}
	return !opened.Equal(f.before) && !opened.Before(f.sent.at.Add(-clocks))
}

// refused is the error of an event that the function did not take.
func (f *follower) refused(said []entry) error {
	for _, e := range said {
		if e.Message == badEvent && e.RequestID == f.sent.id && f.sent.id != "" {
			return fmt.Errorf("the function refuses it: %w", functionError(e.Error))
		}
	}
	return nil
}

// ended is the report of the action's end, nil where there is none yet.
func (f *follower) ended(said []entry) (last *export.Report) {
	for _, e := range said {
		r := e.Report
		opened, open, ok := stateOf(r)
		if ok && !open && r.Tenant == f.tenant && r.Action == f.action && f.ours(opened) && (last == nil || r.Ended.After(last.Ended)) {
			last = r
		}
	}
	return last
}

// stateOf is what a report says of a replay or a verification.
func stateOf(r *export.Report) (opened time.Time, open, ok bool) {
	switch {
	case r == nil:
	case r.Replay != nil && r.Replay.State != export.StateCounted:
		return r.Replay.Opened, r.Replay.State == export.StateOpen, true
	case r.Verify != nil:
		return r.Verify.Opened, r.Verify.State == export.StateOpen, true
	}
	return opened, false, false
}

// tellFailures tells of runs that failed. The next tick tries again, unless
// nothing was opened yet: then that is the end.
func (f *follower) tellFailures(said []entry) error {
	for _, e := range said {
		r := e.Report
		if r == nil || r.Tenant != f.tenant || r.Action != f.action || r.Error == nil || f.failures[r.Started] || r.Started.Before(f.sent.at.Add(-clocks)) {
			continue
		}
		f.failures[r.Started] = true
		if _, _, opened := stateOf(r); !opened && !f.found {
			return fmt.Errorf("the %s could not begin: %w", name(f.action), r.Error)
		}
		f.out.say("A run failed: %s", r.Error)
	}
	return nil
}

// note takes in the record, and shows how far it is where that has changed.
func (f *follower) note(rec record) {
	if !f.found || rec != f.seen {
		f.moved, f.hinted = time.Now(), false
	}
	f.seen, f.found, f.gone = rec, true, time.Time{}
	text := rec.progress(f.action)
	if text == f.shown {
		return
	}
	f.shown = text
	if f.out.lines {
		f.out.say("%s", text)
	}
	f.out.Show(progress.State{Done: rec.percent(), Total: 100, Text: text, Wrong: rec.Missing > 0 || rec.Double > 0 || len(f.failures) > 0})
}

// percent is how much of the range is done, by time.
func (r *record) percent() int {
	from, to, ok := r.Times()
	at, known := r.Position.Time()
	if !ok || !known || !to.After(from) {
		return 0
	}
	return min(max(int(100*at.Sub(from)/to.Sub(from)), 0), 100)
}

func (r *record) progress(action string) string {
	where := "up to " + string(r.Position)
	if at, ok := r.Position.Time(); ok {
		where = fmt.Sprintf("up to %s, %d %%", at.Format(time.RFC3339), r.percent())
	}
	if action == export.VerifyAction {
		return fmt.Sprintf("%s: %s compared, %s missing, %s double", where, words.Count(r.Expected, "event"), words.Number(r.Missing), words.Number(r.Double))
	}
	return fmt.Sprintf("%s: %s added, %s there before", where, words.Count(r.Exported, "event"), words.Number(r.Present))
}

// patience ends the following where there is nothing to wait for.
func (f *follower) patience() error {
	now := time.Now()
	switch {
	case !f.found && now.Sub(f.moved) >= f.limits.unseen:
		return fmt.Errorf("nothing was seen of it for %s: neither the parameter %s nor a line in %s. Where the function was busy for a minute, the event is lost: ask again. See also: aws logs tail %s --since 10m",
			f.limits.unseen, f.parameterName(), f.place.group(), f.place.group())
	case !f.gone.IsZero() && now.Sub(f.gone) >= f.limits.report:
		return fmt.Errorf("%s is gone, and no report of the end is in %s: was the parameter deleted?", f.parameterName(), f.place.group())
	case now.Sub(f.moved) >= f.limits.stuck:
		return fmt.Errorf("nothing has moved for %s, and the %s is still open: is the schedule on, and what do the reports in %s say?",
			f.limits.stuck, name(f.action), f.place.group())
	case f.found && f.gone.IsZero() && !f.hinted && now.Sub(f.moved) >= f.limits.still:
		f.hinted = true
		f.out.say("Nothing has moved for %s. The scheduled runs carry it on, once the export itself has caught up: is the schedule on?", f.limits.still)
	}
	return nil
}

func showWaiting(out screen, text string) { out.Show(progress.State{Text: text}) }
