package export

import (
	"context"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// clockAllowance is by how much Auth0's clock, after which ids are made, may be
// ahead of ours.
const clockAllowance = time.Minute

// state is a tenant's RUN and CHECKPOINT during one run.
type state struct {
	Register[*RunRecord]
	checkpoint Parameter
	// located is set while CHECKPOINT is known to hold no wish of an operator
	// that was not acted on: only then may it be written.
	located bool
}

// openState takes in RUN and CHECKPOINT as they were read at the start of the
// run. Without a valid record there is none: whatever CHECKPOINT says holds, and
// every event up to now, on any clock, may have been stored.
func openState(ctx context.Context, params Parameters, run, checkpoint Parameter, now func() time.Time) (*state, error) {
	s := &state{Register: newRun(params, now)}
	found, err := s.Read(ctx, run)
	if err != nil {
		return nil, err
	}
	if s.checkpoint, err = confirm(ctx, params, CheckpointName, checkpoint); err != nil {
		return nil, err
	}
	if !found && (s.version != 0 || s.checkpoint.Version != 0) {
		s.Record.High = tenantlog.At(now().Add(clockAllowance))
		s.Warnings = append(s.Warnings, RunName+" was lost: the export goes on from "+CheckpointName)
	}
	return s, nil
}

func newRun(params Parameters, now func() time.Time) Register[*RunRecord] {
	return Register[*RunRecord]{
		Params: params, Name: RunName, Now: now, Owner: newOwner(),
		New: func() *RunRecord { return &RunRecord{} },
	}
}

// maxStarved is how many runs in a row may go without a page for the rate limit
// before that is a failure.
const maxStarved = 3

// starves counts a run that ended at a limit, and reports whether too many in
// a row got nothing at all.
func (s *state) starves(r *Report) bool {
	if r.Fetched > 0 {
		return false
	}
	s.Record.Starved++
	return s.Record.Starved >= maxStarved
}

// claim takes the tenant for this run until the given time, and notes that any
// event up to then may be handed over to the target.
func (s *state) claim(ctx context.Context, until time.Time, target Target) error {
	s.Record.Former = s.formerTargets(target)
	s.Record.Until, s.Record.Target = until, target
	s.Record.High = max(s.Record.High, tenantlog.At(until))
	return s.Save(ctx)
}

// formerTargets are the targets, other than the one given, that runs sent
// events to which did not end well.
func (s *state) formerTargets(now Target) []Target {
	all := slices.Clone(s.Record.Former)
	if s.Record.Target != (Target{}) && !slices.Contains(all, s.Record.Target) {
		all = append(all, s.Record.Target)
	}
	return slices.DeleteFunc(all, func(t Target) bool { return t == now })
}
