package export

import (
	"context"
	"errors"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// VerifyAction is a report's Action where it is one of a verification.
const VerifyAction = "verify"

// Verification is a comparison, by log_id, of a part of the tenant's log with
// what the log group holds of it, over all its runs.
type Verification struct {
	// Progress has the live export's target.
	Progress
	// Kept is from when on Auth0 keeps the events, where it does not keep all of
	// them any more: what is older was not compared.
	Kept time.Time `json:"kept,omitzero"`
	// Expired is what Auth0 may have deleted since, before it was compared.
	Expired *Gap `json:"expired,omitempty"`

	// Fetched counts the events that Auth0 has, Filtered those that the filter
	// leaves out, and Expected the others: those that should be there.
	Fetched  int `json:"fetched"`
	Filtered int `json:"filtered"`
	Expected int `json:"expected"`
	// Stored counts those that the log group has, Double those of them that are
	// more than once where the export puts them, Elsewhere those that are in
	// other streams of the group alone, and Missing those that are nowhere in it.
	Stored    int `json:"stored"`
	Double    int `json:"double"`
	Elsewhere int `json:"elsewhere"`
	Missing   int `json:"missing"`
	// Complete says that the comparison is done and nothing is missing.
	Complete bool `json:"complete"`

	// Times and Types say where and of which types the missing and double
	// events are. Times are hours, or days where the hours are too many.
	Times []Tally `json:"times,omitempty"`
	Types []Tally `json:"types,omitempty"`
	// FirstMissing and FirstDouble name the first of them, 100 at most.
	FirstMissing []tenantlog.ID `json:"firstMissing,omitempty"`
	FirstDouble  []tenantlog.ID `json:"firstDouble,omitempty"`
	// LastMissing is the last of those that are missing.
	LastMissing tenantlog.ID `json:"lastMissing,omitempty"`
	// Fill says what became of the wish to fill in what is missing.
	Fill string `json:"fill,omitempty"`
}

// Tally counts the missing and double events of a time or type.
type Tally struct {
	// Name is an hour (2026-11-23T10), a day (2026-11-23) or a type code.
	Name    string `json:"name"`
	Missing int    `json:"missing,omitempty"`
	Double  int    `json:"double,omitempty"`
}

// Verified is what RUN keeps of the last verification.
type Verified struct {
	After    tenantlog.ID `json:"after"`
	To       tenantlog.ID `json:"to"`
	Expected int          `json:"expected"`
	Missing  int          `json:"missing"`
	Double   int          `json:"double"`
	Ended    time.Time    `json:"ended"`
}

// KeepVerified writes what came of a verification into RUN, for the digest. It
// waits for a run that is at work to end, as long as ctx allows. Where RUN is
// gone it makes none: one without the greatest id that was handed over would
// have the next run send it all again.
func KeepVerified(ctx context.Context, params Parameters, now func() time.Time, v Verified) error {
	for {
		run := newRun(params, now)
		found, err := run.Read(ctx, Parameter{})
		if err == nil && !found {
			err = errors.New(RunName + " is gone")
		}
		if err == nil {
			err = run.Busy()
		}
		if err == nil {
			run.Record.Verified = &v
			err = run.Save(ctx)
		}
		if !IsLost(err) {
			return err
		}
		if Pause(ctx, busyPause) != nil {
			return err
		}
	}
}

// busyPause is how long is waited for a run that is at work.
const busyPause = 2 * time.Second

// ReadRun reads RUN, of which p is the newest version, as a run does: the newest
// valid record, or an empty one. passedOver has a sentence on each newer version
// that holds something else.
func ReadRun(ctx context.Context, params Parameters, now func() time.Time, p Parameter) (record RunRecord, passedOver []string, err error) {
	run := newRun(params, now)
	_, err = run.Read(ctx, p)
	for _, w := range run.Warnings {
		passedOver = append(passedOver, w+".")
	}
	return *run.Record, passedOver, err
}

// reachedBy is how far the live export has come, as RUN says: "" where it has not
// begun.
func reachedBy(ctx context.Context, params Parameters, now func() time.Time) (tenantlog.ID, error) {
	record, _, err := ReadRun(ctx, params, now, Parameter{})
	return record.Reached(), err
}
