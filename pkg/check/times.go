package check

import (
	"context"
	"fmt"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// maxSkew is how far the function's clock may be off: as far as Auth0 forgives
// for the time of a signed assertion (documentation, "Authenticate with Private
// Key JWT"). AWS forgives five minutes.
const maxSkew = 10 * time.Second

// reading is what a look at another clock has shown.
type reading struct {
	known bool
	// ahead is how far our clock is ahead of the other at least; negative where
	// it is behind.
	ahead time.Duration
}

// readClock asks another clock for its time, which it tells in whole seconds.
func (c *Check) readClock(ctx context.Context, ask func(context.Context) (time.Time, error)) (reading, error) {
	before := c.Now()
	told, err := ask(ctx)
	after := c.Now()
	if err != nil || told.IsZero() {
		return reading{}, err
	}
	r := reading{known: true}
	switch {
	case after.Before(told):
		r.ahead = after.Sub(told)
	case before.After(told.Add(time.Second)):
		r.ahead = before.Sub(told) - time.Second
	}
	return r, nil
}

// clock compares the function's clock with Auth0's and AWS's.
func (c *Check) clock(ctx context.Context, auth0 <-chan reading) []Link {
	return alone(ctx, "clock", "", func(ctx context.Context) Link {
		aws, err := c.readClock(ctx, c.Parameters.ServerTime)
		if err != nil {
			aws = reading{} // why, the link settings says
		}
		clocks := []struct {
			whose string
			reading
		}{{whose: "AWS", reading: aws}, {whose: "Auth0", reading: <-auth0}}
		known, off := 0, false
		var texts []string
		for _, k := range clocks {
			if k.known {
				known++
			}
			off = off || k.ahead.Abs() > maxSkew
			texts = append(texts, k.words()+" "+k.whose+"'s")
		}
		text := "The function's clock " + strings.Join(texts, " and ") + "."
		switch {
		case off:
			return Link{Status: Failed, Text: text, Fix: "AWS sets the function's clock: see whether it reports an outage, or whether a proxy answers for Auth0 with old answers."}
		case known == 0:
			return skipped("Not known: neither Auth0 nor AWS has told its time.")
		}
		return ok("%s", text)
	})
}

// words says how our clock stands to the other, whose name follows.
func (r reading) words() string {
	const within = 2 * time.Second
	seconds := int64(r.ahead.Abs() / time.Second)
	switch {
	case !r.known:
		return "could not be compared with"
	case r.ahead.Abs() <= within:
		return "agrees with"
	case r.ahead > 0:
		return "is " + words.Span(seconds) + " ahead of"
	}
	return "is " + words.Span(seconds) + " behind"
}

// position compares where the next run goes on with what Auth0 still keeps.
func (c *Check) position(ctx context.Context) []Link {
	return alone(ctx, "position", c.lacks("START_FROM", "AUTH0_LOG_RETENTION_DAYS"), func(context.Context) Link {
		now, run := c.Now(), c.Settings.Run
		if run.Err != nil {
			return failure(run.Err)
		}
		from, whose, err := c.from(run.Record, now)
		if err != nil {
			return failure(err)
		}
		if from > tenantlog.At(now.Add(export.MaxAhead)) {
			return failure(&export.Error{Text: fmt.Sprintf("%s lies in the future: %s.", whose, from), Fix: "put a log_id, time or date that has passed."})
		}
		l := c.kept(from, whose, now)
		l.Text = strings.Join(append([]string{l.Text}, run.PassedOver...), " ")
		return l
	})
}

// from is the id after which the next run goes on, and whose word that is: an
// edit of CHECKPOINT goes before START_FROM, and that before RUN.
func (c *Check) from(record export.RunRecord, now time.Time) (after tenantlog.ID, whose string, err error) {
	cp, ours, start := c.Settings.Checkpoint, record.Checkpoint, c.Settings.Start
	edited := cp.Version >= ours.Version && cp.Value != ours.Value
	first := record.Position == ""
	switch {
	case cp.Version != 0 && (edited || first):
		point, err := tenantlog.ParsePoint(cp.Value)
		if err != nil {
			return "", "", &export.Error{Text: fmt.Sprintf("CHECKPOINT: %v.", err), Err: err, Fix: "put one of these into CHECKPOINT, or delete it to go on where the last run ended."}
		}
		return point.After(), "CHECKPOINT", nil
	case start.Text != "" && (first || start.Text != record.StartFrom):
		return start.ID(now), "START_FROM", nil
	case first:
		return tenantlog.Oldest, "the first run", nil
	}
	return record.Position, "the last run", nil
}

// kept compares a position with Auth0's retention.
func (c *Check) kept(from tenantlog.ID, whose string, now time.Time) Link {
	retention, most := c.Settings.Retention, ""
	if retention == 0 {
		retention, most = tenantlog.MaxRetention, "at most "
	}
	days := most + words.Count(int(retention/(24*time.Hour)), "day")
	at, known := from.Time()
	switch {
	case from == tenantlog.Oldest:
		return ok("The next run begins with the oldest event that Auth0 still has (%s): %s keeps %s of events.", whose, c.Settings.Domain, days)
	case !known:
		return ok("The next run goes on after %s (%s), an id that tells no time.", from, whose)
	}
	since, err := tenantlog.Stretch{After: from, To: tenantlog.At(now)}.CheckRetention(retention, now)
	if err == nil && since.IsZero() {
		return ok("The next run goes on after %s (%s), %s ago; Auth0 keeps %s of events.", stamp(at), whose, words.Between(at, now), days)
	}
	return Link{Status: Failed,
		Text: fmt.Sprintf("The next run is to go on after %s (%s), but Auth0 keeps %s of events: those from before %s are gone.", stamp(at), whose, days, stamp(now.Add(-retention))),
		Fix:  "let the export run soon, before more expires; what is gone cannot be fetched any more. A START_FROM or CHECKPOINT that was set too early does no harm: the run begins with the oldest event there is.",
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// lastRun is when the schedule is last known to have started a run, the zero
// time where it is not known.
func (c *Check) lastRun() time.Time {
	last := c.Settings.Run.Record.Last
	if last == nil {
		return time.Time{}
	}
	return last.Started
}
