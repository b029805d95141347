package export

import (
	"errors"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// Progress is how a long action stands, a replay or a verification: which part
// of the tenant's log it is for, and how far it has come over all its runs.
type Progress struct {
	tenantlog.Stretch
	// Target is the log stream that it is about.
	Target Target `json:"target"`
	State  State  `json:"state"`
	// Opened is when it was begun.
	Opened time.Time `json:"opened"`
	// Position is the last id that is done with, and Runs how many runs that
	// took.
	Position tenantlog.ID `json:"position"`
	Runs     int          `json:"runs"`
}

// State is whether a long action is open, or how it has ended.
type State string

// The states of a long action. All but the first end it.
const (
	StateOpen State = "open"
	StateDone State = "done"
	// StateStopped is that of one that somebody stopped.
	StateStopped State = "stopped"
	// StateOvertaken is that of a replay into the export's own stream whose part
	// of the log the live export was sent back over.
	StateOvertaken State = "overtaken"
	// StateCounted is that of a replay that was only counted.
	StateCounted State = "dry run"
)

// Check refuses what a record cannot say: ids that are none, and to be open
// without what to do.
func (p *Progress) Check() error {
	if err := CheckIDs(p.After, p.To, p.Position); err != nil || p.State != StateOpen {
		return err
	}
	if p.After == "" || p.To == "" || p.Position == "" || p.Target.Group == "" || p.Target.Stream == "" || p.Opened.IsZero() {
		return errors.New("it is open, but lacks its range, its log stream or its beginning")
	}
	return nil
}

// ActionClaim begins the record of a long action: which run is at work on it,
// why the last one failed, and when Slack last heard of that.
type ActionClaim struct {
	Claim
	Error *Error    `json:"error,omitempty"`
	Told  time.Time `json:"told,omitzero"`
}
