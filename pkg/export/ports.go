package export

import (
	"context"
	"errors"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// Source is the tenant's log at Auth0.
type Source interface {
	// Page returns events after the id, oldest first. It waits for the rate
	// limit as long as ctx allows.
	Page(ctx context.Context, after tenantlog.ID) (tenantlog.Page, error)
	// Since returns the oldest events dated at or after t, in no order of ids.
	Since(ctx context.Context, t time.Time) (tenantlog.Page, error)
	// Concurrency is how many requests at a time are worth having under way:
	// more would only wait for the rate limit. At least 1.
	Concurrency() int
	// Waited is the time spent waiting for the rate limit so far, over all runs.
	Waited() time.Duration
}

// Sink is CloudWatch Logs.
type Sink interface {
	// Limits are those of one Deliver.
	Limits() Limits
	// Render gives the form in which an event is stored.
	Render(e tenantlog.Event) Rendered
	// Find tells which of the events the stream holds already. An error that
	// wraps ErrCannotRead says that it cannot be known.
	Find(ctx context.Context, t Target, events []Rendered) (map[tenantlog.ID]bool, error)
	// Deliver stores the batch and returns once CloudWatch Logs has accepted
	// every event of it, as it is or rescued. After an error some events may be
	// stored and others not; the receipt counts what is known to be.
	Deliver(ctx context.Context, b *Batch) (Receipt, error)
}

// Parameters holds one tenant's parameters in Parameter Store.
type Parameters interface {
	// Get returns a parameter's given version, or its newest for version 0.
	// The error wraps ErrNoParameter where there is none.
	Get(ctx context.Context, name string, version int64) (Parameter, error)
	// Put writes a parameter, making it if need be, and returns its new
	// version. It is retried as long as ctx allows, so one Put may make more
	// than one version.
	Put(ctx context.Context, name, value string) (version int64, err error)
	// Delete deletes a parameter; one that is not there is as good.
	Delete(ctx context.Context, name string) error
}

// Parameter is one version of a parameter. The zero value, with Version 0,
// stands for a parameter that is not there.
type Parameter struct {
	Value    string
	Version  int64
	Modified time.Time
}

// What adapters wrap in an *Error for this package to act on.
var (
	// ErrIDRefused: Auth0 does not take the id that it was asked to start after.
	ErrIDRefused = errors.New("auth0 refused the id")
	// ErrNoTime: the rate limit asks to wait longer than the run has left.
	ErrNoTime = errors.New("no time left to wait for the rate limit")
	// ErrCannotRead: the log stream may not or cannot be read.
	ErrCannotRead = errors.New("the log stream cannot be read")
	// ErrNoGroup: there is no such log group.
	ErrNoGroup = errors.New("no such log group")
	// ErrNoParameter: there is no such parameter, or no such version of it.
	ErrNoParameter = errors.New("no such parameter")
)

// Target is the log stream that events go to. In the setting of that name
// {date} may stand for an event's UTC day; On fills it in.
type Target struct {
	Group  string `json:"group"`
	Stream string `json:"stream"`
}

// On is the target of the events of a time.
func (t Target) On(at time.Time) Target {
	day := at.UTC().Format(time.DateOnly)
	return Target{
		Group:  strings.ReplaceAll(t.Group, "{date}", day),
		Stream: strings.ReplaceAll(t.Stream, "{date}", day),
	}
}

// Limits are what one delivery can hold.
type Limits struct {
	// Events is the most events, Bytes the most of their sizes added up, and
	// Span the longest time from the earliest to the latest.
	Events int
	Bytes  int
	Span   time.Duration
}

// Form is how a record came by its message.
type Form int

// The forms of a message.
const (
	// Plain is the event's document as Auth0 sent it.
	Plain Form = iota
	// Slimmed is a document too large to be stored, with its largest values
	// replaced.
	Slimmed
	// Wrapped is one that is no JSON object that could be stored as it is.
	Wrapped
)

// Rendered is an event as it is stored.
type Rendered struct {
	ID      tenantlog.ID
	Time    time.Time
	Message []byte
	Form    Form
	// Size is what the event takes of a batch's bytes.
	Size int
	// Doubtful says that an earlier run may have stored the event.
	Doubtful bool

	// place is the event's place in the ledger.
	place int
}

// Receipt says what became of a delivered batch.
type Receipt struct {
	// Puts counts the PutLogEvents calls that stored something, Bytes what
	// they are billed for.
	Puts  int
	Bytes int64
	// Late are the events that were refused for their time and stored with
	// another; Present those that were found to have been stored so before.
	Late, Present []tenantlog.ID
	// Slimmed are the events that were refused as they were, for no reason
	// known beforehand, and stored in short.
	Slimmed []tenantlog.ID
	// Warnings are what the operator should know of, such as a right that was
	// missing.
	Warnings []string
}
