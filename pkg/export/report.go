package export

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// Outcome is how a run ended.
type Outcome string

const (
	// OK is a run that exported everything there was.
	OK Outcome = "ok"
	// Limited is a run that stopped at its deadline or at the tenant's rate
	// limit with more to fetch: the next one goes on.
	Limited Outcome = "limited"
	// Skipped is a run that found another one at work and left it alone.
	Skipped Outcome = "skipped"
	// Failed is a run that ended with an error.
	Failed Outcome = "failed"
)

// Kind says which link of the chain an error belongs to.
type Kind string

// The kinds of error, one for each place an operator would look at.
const (
	// KindSettings: a parameter is missing, malformed, or edited to something that cannot be.
	KindSettings Kind = "settings"
	// KindAuth: Auth0 refuses the application's credentials.
	KindAuth Kind = "auth"
	// KindPermission: a grant, scope or IAM permission is missing.
	KindPermission Kind = "permission"
	// KindRateLimit: Auth0's rate limit or token quota left no room.
	KindRateLimit Kind = "rate_limit"
	// KindSource: Auth0 does not answer, or answers nonsense.
	KindSource Kind = "source"
	// KindDelivery: CloudWatch Logs does not take the events.
	KindDelivery Kind = "delivery"
	// KindState: Parameter Store does not give or take the run's state.
	KindState Kind = "state"
)

// Error is what went wrong in words for an operator. Adapters return it, so
// that what a service said is told once, where the service is known. Its texts
// hold no secret.
type Error struct {
	Kind Kind `json:"kind"`
	// Text is one sentence that says what happened.
	Text string `json:"text"`
	// Fix is one sentence that says what to do; empty where there is nothing
	// to do but wait.
	Fix string `json:"fix,omitempty"`
	// Err is the cause, for errors.Is and errors.As alone: it may hold text
	// of a service that Text leaves out.
	Err error `json:"-"`
}

func (e *Error) Error() string {
	if e.Fix == "" {
		return fmt.Sprintf("%s: %s", e.Kind, e.Text)
	}
	return fmt.Sprintf("%s: %s Fix: %s", e.Kind, e.Text, e.Fix)
}

func (e *Error) Unwrap() error { return e.Err }

// short is the error as a record of 4 KB keeps it.
func (e *Error) short() *Error {
	return &Error{Kind: e.Kind, Text: cut(e.Text, 500), Fix: cut(e.Fix, 300)}
}

// AsError returns err as an *Error, giving one that is none the kind k.
func AsError(k Kind, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: k, Text: err.Error(), Err: err}
}

// Gap is a span of time whose events may have expired at Auth0 unseen.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Rescued counts events that CloudWatch Logs would not take as they were and
// that were stored in another form, and names the first few.
type Rescued struct {
	Count int            `json:"count"`
	First []tenantlog.ID `json:"first,omitempty"`
}

// maxNamed is how many rescued events a report names.
const maxNamed = 5

// Add counts the event and names it if it is among the first few.
func (r *Rescued) Add(id tenantlog.ID) {
	r.Count++
	if len(r.First) < maxNamed {
		r.First = append(r.First, id)
	}
}

// Report is the summary of one run: the one source of the function's result,
// the metric line, the Slack message and the status widget. Absent fields are
// zero.
type Report struct {
	Tenant  string  `json:"tenant"`
	Action  string  `json:"action"`
	Outcome Outcome `json:"outcome"`
	Error   *Error  `json:"error,omitempty"`
	// Skipped says, for a skipped run, which run is at work and until when.
	Skipped string `json:"skipped,omitempty"`

	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// From and To are the run's position before and after.
	From tenantlog.ID `json:"from,omitempty"`
	To   tenantlog.ID `json:"to,omitempty"`

	// Fetched counts the events that Auth0 answered, each once; Filtered
	// those that LOG_LEVEL and LOG_TYPES left out; Exported those that
	// CloudWatch Logs accepted in this run; Present those found there already.
	Fetched  int `json:"fetched"`
	Filtered int `json:"filtered"`
	Exported int `json:"exported"`
	Present  int `json:"present"`
	// Batches counts the PutLogEvents calls that stored something, and Bytes
	// what they sent as CloudWatch Logs bills it (message plus 26 an event).
	Batches int   `json:"batches"`
	Bytes   int64 `json:"bytes"`

	// Late, Slimmed and Wrapped are the rescued events: too old or too new for
	// their place, too large, or no JSON object that could be taken as it was.
	Late    Rescued `json:"late,omitzero"`
	Slimmed Rescued `json:"slimmed,omitzero"`
	Wrapped Rescued `json:"wrapped,omitzero"`

	Gap *Gap `json:"gap,omitempty"`
	// Replay is the replay that the run worked on, for the action replay alone.
	Replay *Replay `json:"replay,omitempty"`
	// Verify is the verification, for the action verify alone.
	Verify *Verification `json:"verify,omitempty"`
	// UnknownTypes are type codes seen that the type table does not know.
	UnknownTypes []string `json:"unknownTypes,omitempty"`
	// LagSeconds is the age of the position while there is more to fetch, and
	// 0 once there is not.
	LagSeconds int64 `json:"lagSeconds"`
	// RetentionHoursLeft is how long the next event to fetch will still be at
	// Auth0: 0 on a gap, nil where the plan's days are not set.
	RetentionHoursLeft *float64 `json:"retentionHoursLeft,omitempty"`
	// Waits says what the run stood still for.
	Waits    Waits    `json:"waits,omitzero"`
	Warnings []string `json:"warnings,omitempty"`
	Version  string   `json:"version"`

	// interrupted says that the run before did not end.
	interrupted bool
	// unsaid counts the warnings that Warnings has no room for.
	unsaid int

	// Notice is what is to be told in Slack, nil for nothing.
	Notice *Notice `json:"-"`
	// Place says where the events went, for links.
	Place Place `json:"-"`
}

// Fail has the report say that the run failed, with an error of the state unless
// it is an *Error.
func (r *Report) Fail(err error) { r.Outcome, r.Error = Failed, AsError(KindState, err) }

// conclude has the report of a long action say how its run ended, where there is
// an error: with a failure, or for lack of time, and whether that was the rate
// limit's.
func (r *Report) conclude(err error) {
	switch {
	case err == nil:
	case errors.Is(err, ErrNoTime):
		r.Outcome = Limited
		r.Warn("%s", AsError(KindRateLimit, err).Text)
	case IsLimit(err):
		r.Outcome = Limited
	default:
		r.Fail(err)
	}
}

// skip has the report say that another run is at work.
func (r *Report) skip(other error) {
	r.Outcome, r.Error, r.Notice, r.Skipped = Skipped, nil, nil, other.Error()
}

// maxWarnings is how many warnings a report has in words.
const maxWarnings = 100

// Warn adds a warning, each text once. Beyond maxWarnings they are counted.
func (r *Report) Warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	switch {
	case slices.Contains(r.Warnings, text):
	case len(r.Warnings) < maxWarnings:
		r.Warnings = append(r.Warnings, text)
	default:
		r.unsaid++
		r.Warnings = append(r.Warnings[:maxWarnings], fmt.Sprintf("and %d more", r.unsaid))
	}
}

// Waits is time spent waiting, in seconds.
type Waits struct {
	RateLimitSeconds float64 `json:"rateLimitSeconds"`
}

// Place is the log stream that a report speaks of.
type Place struct {
	Region, Group, Stream string
}

// Rescues is how many events were stored in another form.
func (r *Report) Rescues() int { return r.Late.Count + r.Slimmed.Count + r.Wrapped.Count }

// NoticeKind is why a Slack message is sent.
type NoticeKind string

// The reasons for a Slack message, one of which a run has at most; the graver
// goes first.
const (
	NoticeFailure  NoticeKind = "failure"
	NoticeRecovery NoticeKind = "recovery"
	// NoticeAttention is a run that succeeded but found a gap, had to store
	// events in another form, or followed one that was killed.
	NoticeAttention NoticeKind = "attention"
	NoticeDigest    NoticeKind = "digest"
	NoticeSuccess   NoticeKind = "success"
	// NoticeReplay is the end of a replay, and NoticeVerify that of a
	// verification that found something wrong.
	NoticeReplay NoticeKind = "replay"
	NoticeVerify NoticeKind = "verify"
)

// Notice is what a Slack message is to say beside the report itself.
type Notice struct {
	Kind NoticeKind
	// Since and Failures tell of the failing runs: the first one's start and
	// their number so far. Zero for a digest or a success.
	Since    time.Time
	Failures int
	// Digest is the summary of past runs, for NoticeDigest, and Verified the
	// result of a verification since the last digest, nil where there was none.
	Digest   Totals
	Verified *Verified
}

// Totals sums up the runs of a span of time.
type Totals struct {
	Since    time.Time `json:"since"`
	Runs     int       `json:"runs"`
	Failed   int       `json:"failed"`
	Fetched  int64     `json:"fetched"`
	Filtered int64     `json:"filtered"`
	Exported int64     `json:"exported"`
	Batches  int64     `json:"batches"`
	Bytes    int64     `json:"bytes"`
	Rescued  int64     `json:"rescued"`
	Gaps     int       `json:"gaps"`
}
