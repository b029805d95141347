package export

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const (
	// maxSteps bounds how far a reader steps back over void records. Parameter
	// Store keeps 100 versions.
	maxSteps = 100
	// leastLag and mostLag are the first and the last pause before a version
	// that was not found is read again; they double.
	leastLag = 250 * time.Millisecond
	mostLag  = 2 * time.Second
	// maxJitter bounds the pause before a record that turned out void is
	// written again.
	maxJitter = 300 * time.Millisecond
	// clockAllowance is by how much Auth0's clock, after which ids are made, may
	// be ahead of ours.
	clockAllowance = time.Minute
)

// state is a tenant's RUN and CHECKPOINT during one run.
//
// Parameter Store cannot make a write conditional, but it answers each with
// the new version. So whoever writes RUN says in it which version it should
// become. The first to write after a record is valid; whatever was written
// against an older record is void, and its writer finds that out from the
// answer. There is one kind of write, save: it claims, keeps the claim, saves
// progress and ends the claim.
type state struct {
	params Parameters
	now    func() time.Time
	owner  string

	record     RunRecord // the newest valid one; ours once claimed
	modified   time.Time // when it was written
	version    int64     // the newest version of RUN that is known
	checkpoint Parameter
	// located is set while CHECKPOINT is known to hold no wish of an operator
	// that was not acted on: only then may it be written.
	located  bool
	warnings []string
}

// lostError says that another run has taken the tenant.
type lostError struct {
	owner string
	until time.Time
}

func (e *lostError) Error() string {
	if e.until.IsZero() {
		return fmt.Sprintf("run %s was at work", e.owner)
	}
	return fmt.Sprintf("run %s is active until %s", e.owner, e.until.UTC().Format(time.RFC3339))
}

// openState takes in RUN and CHECKPOINT as they were read at the start of the
// run.
func openState(ctx context.Context, params Parameters, run, checkpoint Parameter, now func() time.Time) (*state, error) {
	s := &state{params: params, now: now, owner: crand.Text()[:12]}
	var err error
	// A read may lag behind the writes: that something is not there is
	// believed at the second look.
	if run, err = s.confirm(ctx, RunName, run); err != nil {
		return nil, err
	}
	if s.checkpoint, err = s.confirm(ctx, CheckpointName, checkpoint); err != nil {
		return nil, err
	}
	s.version = run.Version
	if err := s.findValid(ctx, run); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *state) confirm(ctx context.Context, name string, p Parameter) (Parameter, error) {
	if p.Version != 0 {
		return p, nil
	}
	p, err := s.params.Get(ctx, name, 0)
	if errors.Is(err, ErrNoParameter) {
		return Parameter{}, nil
	}
	return p, err
}

// findValid steps back from the newest version of RUN to the newest valid one.
// Without one there is no record: whatever CHECKPOINT says holds, and every
// event up to now, on any clock, may have been stored.
func (s *state) findValid(ctx context.Context, p Parameter) error {
	for range maxSteps {
		if p.Version == 0 {
			break
		}
		record, valid, err := decodeRecord(p)
		if valid {
			s.record, s.modified = record, p.Modified
			return nil
		}
		if err != nil {
			s.warnings = append(s.warnings, err.Error()+"; it is passed over")
		}
		if p.Version == 1 {
			break
		}
		p, err = s.getVersion(ctx, RunName, p.Version-1)
		if errors.Is(err, ErrNoParameter) {
			break
		}
		if err != nil {
			return err
		}
	}
	s.record = RunRecord{}
	if s.version != 0 || s.checkpoint.Version != 0 {
		s.record.High = tenantlog.At(s.now().Add(clockAllowance))
		s.warnings = append(s.warnings, RunName+" was lost: the export goes on from "+CheckpointName)
	}
	return nil
}

// readable is when all that was sent before this run can be read, on the
// system's clock: an event is readable at most lag after it was accepted, and
// the last run wrote its record after its last delivery.
func (s *state) readable(now time.Time, lag time.Duration) time.Time {
	since := s.now().Sub(s.modified)
	if s.modified.IsZero() {
		since = 0 // the record was lost
	}
	return now.Add(min(max(lag-since, 0), lag))
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
	s.record.Starved++
	return s.record.Starved >= maxStarved
}

// busy reports the run that holds the tenant, if one does.
func (s *state) busy() *lostError {
	if r := s.record; r.Busy(s.modified, s.now()) {
		return &lostError{owner: r.Owner, until: r.Until}
	}
	return nil
}

// save writes the record, valid or not at all: it returns a *lostError when
// another run has written in between.
func (s *state) save(ctx context.Context) error {
	s.record.Format, s.record.Owner = recordFormat, s.owner
	for {
		s.record.Expects = s.version + 1
		text, err := s.record.encode()
		if err != nil {
			return err
		}
		got, err := s.params.Put(ctx, RunName, text)
		if err != nil {
			return err
		}
		// s.version moves only over versions that were looked at: what this
		// save leaves open, the next one resolves.
		expected := s.version + 1
		written := got == expected
		if !written {
			if written, err = s.resolve(ctx, text, min(expected, got), got-1); err != nil {
				return err
			}
		}
		s.version = got
		if written {
			return nil
		}
		// Whatever lies between is void or an older write of ours, and what was
		// just written is void: write again, but not in step with the others.
		if err := pause(ctx, rand.N(maxJitter)); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// getVersion reads a version that was there at some time. A read may lag behind
// the writes: that it is not there is believed at the fifth look.
func (s *state) getVersion(ctx context.Context, name string, version int64) (Parameter, error) {
	for wait := leastLag; ; wait *= 2 {
		p, err := s.params.Get(ctx, name, version)
		if !errors.Is(err, ErrNoParameter) || wait > mostLag {
			return p, err
		}
		if err := pause(ctx, wait); err != nil {
			return p, err
		}
	}
}

// resolve looks for a valid record among the versions from first to last. It
// reports whether one of them is the text just written: Parameter Store, or a
// retry after a lost answer, may have stored it twice.
func (s *state) resolve(ctx context.Context, text string, first, last int64) (written bool, err error) {
	for v := first; v <= last; v++ {
		p, err := s.getVersion(ctx, RunName, v)
		if err != nil {
			return false, err // without it nobody knows who holds the tenant
		}
		record, valid, err := decodeRecord(p)
		switch {
		case err != nil || !valid:
			continue
		case record.Owner != s.owner:
			return false, &lostError{owner: record.Owner, until: record.Until}
		}
		written = p.Value == text
	}
	return written, nil
}

// claim takes the tenant for this run until the given time, and notes that any
// event up to then may be handed over to the target.
func (s *state) claim(ctx context.Context, until time.Time, target Target) error {
	s.record.Former = s.formerTargets(target)
	s.record.Until, s.record.Target = until, target
	s.record.High = max(s.record.High, tenantlog.At(until))
	return s.save(ctx)
}

// formerTargets are the targets, other than the one given, that runs sent
// events to which did not end well.
func (s *state) formerTargets(now Target) []Target {
	all := slices.Clone(s.record.Former)
	if s.record.Target != (Target{}) && !slices.Contains(all, s.record.Target) {
		all = append(all, s.record.Target)
	}
	return slices.DeleteFunc(all, func(t Target) bool { return t == now })
}
