package export

import (
	"context"
	crand "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
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
	// maxClaim is the longest that a claim is believed after it was written: a
	// function runs for 15 minutes at most (Lambda quotas), and the rest is for
	// clocks.
	maxClaim = 16 * time.Minute
	// maxRecord is the most a parameter of the standard tier holds, in bytes
	// (Systems Manager quotas).
	maxRecord = 4096
	// recordFormat is the number of the records' present form.
	recordFormat = 1
)

// Record is what a parameter holds that runs write.
type Record interface {
	// Claimed is the part of the record that says who is at work on it.
	Claimed() *Claim
	// Check refuses a record that is no record of ours.
	Check() error
	// Encode is the record as a parameter's value.
	Encode() (string, error)
}

// Claim begins every record: its format, and which run is at work on it.
type Claim struct {
	Format int `json:"format"`
	// Owner wrote the record. Until is until when it may be at work: zero when
	// it is not.
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"`
	// Expects is the version that this record should have.
	Expects int64 `json:"expects"`
}

// Claimed gives a record that embeds a claim its method of the same name.
func (c *Claim) Claimed() *Claim { return c }

// Busy reports whether the claim, written at modified, says that a run may be
// at work now.
func (c Claim) Busy(modified, now time.Time) bool {
	return c.Owner != "" && c.Until.After(now) && c.Until.Sub(modified) <= maxClaim
}

// newOwner makes a name for a run.
func newOwner() string { return crand.Text()[:12] }

// Register is a parameter that several runs write, during one of them.
//
// Parameter Store cannot make a write conditional, but it answers each with
// the new version. So whoever writes a record says in it which version it
// should become. The first to write after a record is valid; whatever was
// written against an older record is void, and its writer finds that out from
// the answer. There is one kind of write, Save: it claims, keeps the claim,
// saves progress and ends the claim.
type Register[R Record] struct {
	Params Parameters
	Name   string
	Now    func() time.Time
	// Owner is the name of the run.
	Owner string
	// New makes an empty record.
	New func() R
	// Gone is what Save returns where somebody has deleted the parameter; nil
	// has it written anew.
	Gone error

	// Record is the newest valid one, this run's once claimed; an empty one
	// where there is none. Modified is when it was written.
	Record   R
	Modified time.Time
	// Warnings tell of versions that were passed over.
	Warnings []string

	version int64 // the newest that is known
}

// lostError says that another run has taken the record.
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

// IsLost reports whether an error says that another run has the record.
func IsLost(err error) bool {
	_, lost := errors.AsType[*lostError](err)
	return lost
}

// Read takes in the parameter as it was read at the start of the run and steps
// back from its newest version to the newest valid one. found is false where
// there is none.
func (g *Register[R]) Read(ctx context.Context, p Parameter) (found bool, err error) {
	g.Record = g.New()
	if p, err = confirm(ctx, g.Params, g.Name, p); err != nil {
		return false, err
	}
	g.version = p.Version
	for range maxSteps {
		if p.Version == 0 {
			break
		}
		record, valid, err := g.decode(p)
		if valid {
			g.Record, g.Modified = record, p.Modified
			return true, nil
		}
		if err != nil {
			g.Warnings = append(g.Warnings, err.Error()+"; it is passed over")
		}
		if p.Version == 1 {
			break
		}
		p, err = getVersion(ctx, g.Params, g.Name, p.Version-1)
		if errors.Is(err, ErrNoParameter) {
			break
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// confirm reads a parameter again that was not found. A read may lag behind the
// writes: that something is not there is believed at the second look.
func confirm(ctx context.Context, params Parameters, name string, p Parameter) (Parameter, error) {
	if p.Version != 0 {
		return p, nil
	}
	p, err := params.Get(ctx, name, 0)
	if errors.Is(err, ErrNoParameter) {
		return Parameter{}, nil
	}
	return p, err
}

// getVersion reads a version that was there at some time. A read may lag behind
// the writes: that it is not there is believed at the fifth look.
func getVersion(ctx context.Context, params Parameters, name string, version int64) (Parameter, error) {
	for wait := leastLag; ; wait *= 2 {
		p, err := params.Get(ctx, name, version)
		if !errors.Is(err, ErrNoParameter) || wait > mostLag {
			return p, err
		}
		if err := Pause(ctx, wait); err != nil {
			return p, err
		}
	}
}

// foreign is the error of a parameter that holds something else than a record,
// after a Read that has found none; nil where there are void records alone, or
// no parameter.
func (g *Register[R]) foreign() error {
	if len(g.Warnings) == 0 {
		return nil
	}
	return &Error{Kind: KindSettings, Text: g.Warnings[0] + ".", Fix: "delete the parameter; the export does not need it."}
}

// Busy is the error of a record that another run holds, nil where none does.
func (g *Register[R]) Busy() error {
	if c := g.Record.Claimed(); c.Busy(g.Modified, g.Now()) {
		return &lostError{owner: c.Owner, until: c.Until}
	}
	return nil
}

// readable is when all that was sent before this run can be read, on the
// system's clock: an event is readable at most lag after it was accepted, and
// the last run wrote its record after its last delivery.
func (g *Register[R]) readable(now time.Time, lag time.Duration) time.Time {
	since := g.Now().Sub(g.Modified)
	if g.Modified.IsZero() {
		since = 0 // the record was lost
	}
	return now.Add(min(max(lag-since, 0), lag))
}

// Save writes the record, valid or not at all: the error IsLost when another
// run has written in between.
func (g *Register[R]) Save(ctx context.Context) error {
	claim := g.Record.Claimed()
	claim.Format, claim.Owner = recordFormat, g.Owner
	for {
		claim.Expects = g.version + 1
		text, err := g.Record.Encode()
		if err != nil {
			return err
		}
		got, err := g.Params.Put(ctx, g.Name, text)
		if err != nil {
			return err
		}
		// version moves only over versions that were looked at: what this save
		// leaves open, the next one resolves.
		expected := g.version + 1
		written := got == expected
		if got < expected && g.Gone != nil {
			return g.Gone
		}
		if !written {
			if written, err = g.resolve(ctx, text, min(expected, got), got-1); err != nil {
				return err
			}
		}
		g.version = got
		if written {
			return nil
		}
		// Whatever lies between is void or an older write of ours, and what was
		// just written is void: write again, but not in step with the others.
		if err := Pause(ctx, rand.N(maxJitter)); err != nil {
			return err
		}
	}
}

// resolve looks for a valid record among the versions from first to last. It
// reports whether one of them is the text just written: Parameter Store, or a
// retry after a lost answer, may have stored it twice.
func (g *Register[R]) resolve(ctx context.Context, text string, first, last int64) (written bool, err error) {
	for v := first; v <= last; v++ {
		p, err := getVersion(ctx, g.Params, g.Name, v)
		if err != nil {
			return false, err // without it nobody knows who holds the record
		}
		record, valid, err := g.decode(p)
		if err != nil || !valid {
			continue
		}
		if c := record.Claimed(); c.Owner != g.Owner {
			return false, &lostError{owner: c.Owner, until: c.Until}
		}
		written = p.Value == text
	}
	return written, nil
}

func (g *Register[R]) decode(p Parameter) (r R, valid bool, err error) {
	r = g.New()
	valid, err = decode(r, g.Name, p)
	return r, valid, err
}

// decode reads a record into r as it was found. valid tells whether it counts:
// one that was put against another record is void.
func decode(r Record, name string, p Parameter) (valid bool, err error) {
	if err := json.Unmarshal([]byte(p.Value), r); err != nil {
		return false, fmt.Errorf("version %d of %s is not JSON of ours: %w", p.Version, name, err)
	}
	claim := r.Claimed()
	if claim.Format != recordFormat {
		return false, fmt.Errorf("version %d of %s has format %d, expected %d", p.Version, name, claim.Format, recordFormat)
	}
	if err := r.Check(); err != nil {
		return false, fmt.Errorf("version %d of %s: %w", p.Version, name, err)
	}
	return claim.Expects == p.Version, nil
}

// EncodeRecord is a record as the value of the named parameter.
func EncodeRecord(name string, r any) (string, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", name, err)
	}
	out := escapeBraces(text)
	if len(out) > maxRecord {
		return "", fmt.Errorf("encode %s: %w (%d bytes)", name, ErrTooLarge, len(out))
	}
	return string(out), nil
}

// ErrTooLarge says that a record is more than a parameter holds.
var ErrTooLarge = errors.New("more than a parameter holds")

// Pause waits, or returns the error of ctx where that ends before.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
