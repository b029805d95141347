// Package export is the run: it claims the tenant, fetches its log a page at a
// time, filters, batches, delivers, advances the position and reports. It
// decides the order of effects and knows no service: what it needs of them it
// declares as interfaces.
package export

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// ExportAction is a report's Action where it is one of the live export.
const ExportAction = "export"

// Options are one tenant's settings, as far as a run needs them.
type Options struct {
	Tenant string
	// BatchSize is the number of events of a full batch.
	BatchSize int
	// Keep decides whether an event is exported.
	Keep   func(tenantlog.Event) bool
	Target Target
	Start  Start
	// Retention is how long Auth0 keeps the tenant's events, 0 where it is not
	// known.
	Retention time.Duration
	Slack     SlackSettings
	// Warnings are those that reading the settings gave.
	Warnings []string
	// SettingsErr says that the settings do not allow a run: it fails before
	// anything is fetched.
	SettingsErr error
	// Region is that of the log group, for links.
	Region string
}

// Exporter runs exports of one tenant.
type Exporter struct {
	Options
	// Source and Sink may be nil where SettingsErr is set.
	Source     Source
	Sink       Sink
	Parameters Parameters
	// Replay is REPLAY as it was read for the run.
	Replay Parameter
	// Publish tells the report to whom it concerns. An error means that the
	// report's Notice did not get through.
	Publish func(ctx context.Context, r Report) error
	// Now is the clock for what is recorded and compared with Auth0's times.
	Now func() time.Time
	// Grace is how long a claim holds beyond the end of its run.
	Grace time.Duration
	// ReadLag is how long an event may not be readable after CloudWatch Logs has
	// accepted it, and a parameter after Parameter Store has.
	ReadLag time.Duration

	reach reach // other than the default in tests
}

// Run exports what is new since the last run, from RUN and CHECKPOINT as they
// were read for it, and returns its report once everything it started has
// ended. It ends before ctx's deadline.
func (x *Exporter) Run(ctx context.Context, run, checkpoint Parameter) Report {
	t := plan(ctx)
	r := x.report(ExportAction)
	tellCtx, cancel := context.WithDeadline(ctx, t.tell)
	defer cancel()
	stateCtx, cancel := context.WithDeadline(ctx, t.state)
	defer cancel()
	s, err := openState(stateCtx, x.Parameters, run, checkpoint, x.Now)
	if err != nil {
		r.Fail(err)
		return x.publish(tellCtx, r)
	}
	r.Warnings = append(r.Warnings, s.Warnings...)
	if other := s.Busy(); other != nil {
		r.skip(other)
		return x.publish(tellCtx, r)
	}
	if dead := s.Record.Owner; !s.Record.Until.IsZero() {
		r.interrupted = true
		r.Warn("the run before this one (%s) did not end: it was killed or ran out of time or memory", dead)
	}
	x.conclude(r, s, x.export(ctx, stateCtx, r, s, t))
	x.save(stateCtx, r, s, t)
	return x.tell(tellCtx, r, s)
}

// report begins the report of a run.
func (x *Exporter) report(action string) *Report {
	r := &Report{
		Tenant: x.Tenant, Action: action, Outcome: OK, Started: x.Now().UTC(),
		Warnings: slices.Clone(x.Warnings), Version: Version,
	}
	r.Place = x.place(x.Target, r.Started)
	return r
}

// place is the target's log stream on a day.
func (x *Exporter) place(t Target, day time.Time) Place {
	t = t.On(day)
	return Place{Region: x.Region, Group: t.Group, Stream: t.Stream}
}

// Fail reports a run that could not begin, because the tenant's parameters
// could not be read. Without them there is no Slack to tell.
func (x *Exporter) Fail(ctx context.Context, err error) Report {
	r := x.report(ExportAction)
	r.Fail(err)
	return x.publish(ctx, r)
}

// export does the run's work and returns why it ended early, nil where it did
// not.
func (x *Exporter) export(ctx, stateCtx context.Context, r *Report, s *state, t times) error {
	r.From, r.To = s.Record.Position, s.Record.Position
	if x.SettingsErr != nil {
		return x.SettingsErr
	}
	from, err := s.locate(stateCtx, x.Start)
	if err != nil {
		return err
	}
	r.From, r.To = from.after, from.after
	book := &runBook{state: s, x: x, times: t, checkpointed: time.Now()}
	w := newWalk(x, r, book, t, route{
		from: from, doubt: s.Record.High, former: s.formerTargets(x.Target), readable: s.readable(time.Now(), x.ReadLag),
	})
	back := from.started || from.after < from.open
	if back {
		if err := w.claim(stateCtx); err != nil {
			return err
		}
	}
	if err := x.checkReplay(stateCtx, s.Record.Reached(), back && !from.begins); err != nil {
		return err
	}
	err = w.run(ctx)
	w.close()
	s.Record.Position, s.Record.High = r.To, w.high(err)
	if err == nil {
		s.Record.CaughtUp, s.Record.Former = w.caughtUp, nil
	}
	return err
}

// runBook keeps a live run's progress in RUN and CHECKPOINT.
type runBook struct {
	*state
	x            *Exporter
	times        times
	checkpointed time.Time
}

func (b *runBook) claim(ctx context.Context) error {
	return b.state.claim(ctx, b.x.claimEnd(b.times), b.x.Target)
}

// checkpointEvery is how often CHECKPOINT follows RUN in a long run.
const checkpointEvery = 10 * time.Second

func (b *runBook) note(position tenantlog.ID) { b.Record.Position = position }

func (b *runBook) save(ctx context.Context) error {
	if err := b.edited(ctx); err != nil {
		return err
	}
	due := time.Since(b.checkpointed) >= checkpointEvery && b.announceCheckpoint()
	if err := b.Save(ctx); err != nil || !due {
		return err
	}
	b.checkpointed = time.Now()
	return b.writeCheckpoint(ctx)
}

// conclude fills in how the run ended.
func (x *Exporter) conclude(r *Report, s *state, err error) {
	_, isReplaying := errors.AsType[*replaying](err)
	switch {
	case err == nil:
	case IsLost(err):
		r.skip(err)
	case errors.Is(err, errEdited), isReplaying:
		r.Outcome = Limited
		r.Warn("%v", err)
	case IsLimit(err) && s.starves(r):
		r.Fail(&Error{Kind: KindRateLimit, Err: err, Text: fmt.Sprintf("The rate limit left no room for a single page in %d runs in a row.", s.Record.Starved),
			Fix: "find what uses up the tenant's Management API rate limit, or raise AUTH0_RATE_SHARE."})
	case IsLimit(err):
		r.Outcome = Limited
	default:
		r.Fail(err)
	}
	if r.Outcome == OK || r.Fetched > 0 {
		s.Record.Starved = 0
	}
	r.Ended = x.Now().UTC()
	x.clock(r, s)
}

// clock computes the ages: how far the position is behind, and how long the
// next event will still be at Auth0.
func (x *Exporter) clock(r *Report, s *state) {
	at, ok := r.To.Time()
	if r.Outcome != OK && ok && r.To != tenantlog.Oldest {
		// What was caught up with before is not behind, however old the last
		// event is.
		if s.Record.CaughtUp.After(at) {
			at = s.Record.CaughtUp
		}
		r.LagSeconds = max(0, int64(r.Ended.Sub(at)/time.Second))
	}
	if x.Retention == 0 {
		return
	}
	left := max(0, x.Retention-time.Duration(r.LagSeconds)*time.Second).Hours()
	if r.Gap != nil {
		left = 0
	}
	r.RetentionHoursLeft = &left
}

// save writes the run's end. CHECKPOINT, the operator's copy of the position,
// is announced in RUN first and written while the claim still holds: no other
// run can take it for an operator's edit. RUN with the result ends the claim.
func (x *Exporter) save(ctx context.Context, r *Report, s *state, t times) {
	if r.Outcome == Skipped {
		return
	}
	if s.announceCheckpoint() {
		s.Record.Until = x.claimEnd(t)
		err := s.Save(ctx)
		if err == nil {
			err = s.writeCheckpoint(ctx)
		}
		if err != nil {
			x.failState(r, s, err)
		}
		if r.Outcome == Skipped {
			return
		}
	}
	s.Record.Until = time.Time{}
	told := s.Record.Slack
	digested := told.Digest
	r.Notice = s.Record.Slack.tell(r, x.Slack)
	if v := s.Record.Verified; v != nil && r.Notice != nil && r.Notice.Kind == NoticeDigest && v.Ended.After(digested) {
		r.Notice.Verified = v
	}
	s.Record.Last = r.summary()
	if err := s.Save(ctx); err != nil {
		s.Record.Slack = told
		x.failState(r, s, err)
		if r.Outcome != Skipped {
			r.Notice = s.Record.Slack.tell(r, x.Slack)
		}
	}
}

// claimEnd is until when a claim of this run must hold: all that it can have
// sent has arrived by then.
func (x *Exporter) claimEnd(t times) time.Time {
	return x.Now().Add(time.Until(t.end) + x.Grace).UTC()
}

func (x *Exporter) failState(r *Report, s *state, err error) {
	if IsLost(err) {
		r.skip(err)
		return
	}
	if errors.Is(err, errEdited) {
		r.Warnings = append(r.Warnings, err.Error())
		if r.Outcome == OK {
			r.Outcome = Limited
		}
		return
	}
	if r.Outcome != Failed { // the first error is the one to mend
		r.Fail(err)
		x.clock(r, s)
	}
}

// tell publishes the report. Where its notice did not get through, RUN is
// written again, so that the next run tries again.
func (x *Exporter) tell(ctx context.Context, r *Report, s *state) Report {
	if err := x.Publish(ctx, *r); err != nil && r.Notice != nil && r.Notice.Kind != NoticeSuccess {
		s.Record.Slack.untell(r.Notice)
		// Should this fail too, Slack hears of it an hour later.
		_ = s.Save(ctx)
	}
	return *r
}

func (x *Exporter) publish(ctx context.Context, r *Report) Report {
	r.Ended = x.Now().UTC()
	_ = x.Publish(ctx, *r) // without a notice there is nothing to get through
	return *r
}
