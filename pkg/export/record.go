package export

import (
	"errors"
	"time"
	"unicode/utf8"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// The parameters of a tenant that this package reads and writes.
const (
	// CheckpointName holds the log_id after which the next run goes on, for
	// operators to read and to edit.
	CheckpointName = "CHECKPOINT"
	// RunName holds a RunRecord.
	RunName = "RUN"
)

// RunRecord is the parameter RUN: the record of progress, who is at work on
// it, the last run's result, and what Slack was told. Parameter Store has no
// compare-and-set, but answers each write with its version: a record counts
// only if its version is the one it expects to be.
type RunRecord struct {
	Claim
	// Position is the last id whose export is done or proven needless.
	Position tenantlog.ID `json:"position,omitempty"`
	// High is the greatest id that may ever have been handed to CloudWatch
	// Logs: events up to it are looked up before they are sent.
	High tenantlog.ID `json:"high,omitempty"`
	// Target is where events went that were handed over under this record.
	Target Target `json:"target,omitzero"`
	// Former are where runs before sent events, under other settings, that have
	// not ended well since. Where the record has no room for all of them, the
	// oldest are left out.
	Former []Target `json:"former,omitempty"`
	// CaughtUp is the time of indexing up to which all that Auth0 had is
	// behind the position.
	CaughtUp time.Time `json:"caughtUp,omitzero"`
	// Starved counts the runs in a row that the rate limit left no page.
	Starved int `json:"starved,omitempty"`
	// StartFrom is the START_FROM last acted on, as it was written.
	StartFrom string `json:"startFrom,omitempty"`
	// Checkpoint is CHECKPOINT as we last wrote it or are about to.
	Checkpoint WrittenCheckpoint `json:"checkpoint,omitzero"`
	Last       *LastRun          `json:"last,omitempty"`
	Slack      Telling           `json:"slack,omitzero"`
	// Verified is the result of the last verification.
	Verified *Verified `json:"verified,omitempty"`
}

// Reached is the id up to which everything was exported: the position, or where
// the log was read to its end since.
func (r *RunRecord) Reached() tenantlog.ID {
	if r.CaughtUp.IsZero() {
		return r.Position
	}
	return max(r.Position, tenantlog.At(r.CaughtUp))
}

// WrittenCheckpoint is a value of CHECKPOINT that is known not to be an
// operator's wish, or no longer one, and its version.
type WrittenCheckpoint struct {
	Value   string `json:"value"`
	Version int64  `json:"version"`
}

// LastRun is the last run's result, as far as a record of 4 KB holds it.
type LastRun struct {
	Outcome    Outcome   `json:"outcome"`
	Error      *Error    `json:"error,omitempty"`
	Started    time.Time `json:"started"`
	Ended      time.Time `json:"ended"`
	Fetched    int       `json:"fetched"`
	Filtered   int       `json:"filtered"`
	Exported   int       `json:"exported"`
	Present    int       `json:"present,omitempty"`
	Batches    int       `json:"batches"`
	Rescued    int       `json:"rescued,omitempty"`
	LagSeconds int64     `json:"lagSeconds"`
	Gap        *Gap      `json:"gap,omitempty"`
	Version    string    `json:"version"`
}

// summary is what a record keeps of a report. Texts are cut so that a record
// of nothing but the longest ones stays under maxRecord.
func (r *Report) summary() *LastRun {
	last := &LastRun{
		Outcome: r.Outcome, Started: r.Started, Ended: r.Ended,
		Fetched: r.Fetched, Filtered: r.Filtered, Exported: r.Exported, Present: r.Present,
		Batches: r.Batches, Rescued: r.Rescues(), LagSeconds: r.LagSeconds, Gap: r.Gap, Version: r.Version,
	}
	if r.Error != nil {
		last.Error = r.Error.short()
	}
	return last
}

// Encode is the record as a parameter's value.
func (r *RunRecord) Encode() (string, error) {
	for short := *r; ; short.Former = short.Former[1:] {
		text, err := EncodeRecord(RunName, short)
		if !errors.Is(err, ErrTooLarge) || len(short.Former) == 0 {
			return text, err
		}
	}
}

// escapeBraces writes a brace inside a JSON string as its escape: SSM refuses a
// value with {{ in it.
func escapeBraces(text []byte) []byte {
	out := make([]byte, 0, len(text))
	inString := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\': // only in strings
			out = append(out, c, text[i+1])
			i++
		case c == '"':
			inString = !inString
			out = append(out, c)
		case c == '{' && inString:
			out = append(out, `\u007b`...)
		default:
			out = append(out, c)
		}
	}
	return out
}

// DecodeRun reads a version of RUN. valid tells whether it counts: one that was
// put against another record is void.
func DecodeRun(p Parameter) (r *RunRecord, valid bool, err error) {
	r = &RunRecord{}
	valid, err = decode(r, RunName, p)
	return r, valid, err
}

// Check refuses a record whose ids are none.
func (r *RunRecord) Check() error { return CheckIDs(r.Position, r.High) }

// CheckIDs refuses what is neither an id nor none.
func CheckIDs(ids ...tenantlog.ID) error {
	for _, id := range ids {
		if id == "" {
			continue
		}
		if _, err := tenantlog.ParseID(string(id)); err != nil {
			return err
		}
	}
	return nil
}

// cut shortens s until its JSON form takes at most n bytes, braces counted as
// their escapes.
func cut(s string, n int) string {
	const more = "..."
	size, end := 0, 0
	for i, c := range s {
		size += encodedLen(c)
		if size <= n-len(more) {
			end = i + utf8.RuneLen(c)
		}
	}
	if size <= n {
		return s
	}
	return s[:end] + more
}

// encodedLen is the most bytes that encoding/json makes of a character, a
// brace counted as its escape.
func encodedLen(c rune) int {
	switch {
	case c < ' ', c == '<', c == '>', c == '&', c == '{', c == '\u2028', c == '\u2029', c == utf8.RuneError:
		return len(`\u0000`)
	case c == '"', c == '\\':
		return 2
	default:
		return utf8.RuneLen(c)
	}
}
