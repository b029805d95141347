package export

import "time"

// Telling is what Slack was told and what the next message will need.
type Telling struct {
	// FailingSince is the start of the first of the runs that fail in a row,
	// Failures their number, and Told when Slack was last told of them: zero
	// while it was not.
	FailingSince time.Time `json:"failingSince,omitzero"`
	Failures     int       `json:"failures,omitempty"`
	Told         time.Time `json:"told,omitzero"`
	// Warned is when Slack was last told of a gap, rescued events or a killed
	// run.
	Warned time.Time `json:"warned,omitzero"`
	// Digest is when the last digest was sent, Totals what came since.
	Digest time.Time `json:"digest,omitzero"`
	Totals Totals    `json:"totals,omitzero"`
}

// tellAgain is how often Slack is told of what lasts.
const tellAgain = time.Hour

// SlackSettings say what Slack is to be told beside failures.
type SlackSettings struct {
	// Success: every run.
	Success bool
	// DigestHour is the UTC hour of a daily digest, negative for none.
	DigestHour int
}

// tell adds the run to what is kept for Slack and returns what to tell now,
// nil for nothing. A run has one message at most: the gravest.
func (t *Telling) tell(r *Report, s SlackSettings) *Notice {
	t.count(r)
	var notice *Notice
	switch {
	case r.Outcome == Failed:
		notice = t.failed(r)
	case t.Failures > 0:
		notice = t.recovered()
	}
	if notice != nil {
		return notice
	}
	return t.routine(r, s)
}

func (t *Telling) failed(r *Report) *Notice {
	if t.Failures == 0 {
		t.FailingSince = r.Started
	}
	t.Failures++
	if !t.Told.IsZero() && r.Ended.Sub(t.Told) < tellAgain {
		return nil
	}
	t.Told = r.Ended
	return &Notice{Kind: NoticeFailure, Since: t.FailingSince, Failures: t.Failures}
}

// tellFailure has Slack hear of a long action that fails, at once and then
// hourly. told is when it last heard, as the action's record keeps it.
func (r *Report) tellFailure(told *time.Time, now time.Time) {
	if !told.IsZero() && now.Sub(*told) < tellAgain {
		return
	}
	*told = now
	r.Notice = &Notice{Kind: NoticeFailure, Since: r.Started, Failures: 1}
}

// recovered ends a row of failures. Those that Slack never heard of end
// without a word.
func (t *Telling) recovered() *Notice {
	notice := &Notice{Kind: NoticeRecovery, Since: t.FailingSince, Failures: t.Failures}
	told := !t.Told.IsZero()
	t.FailingSince, t.Failures, t.Told = time.Time{}, 0, time.Time{}
	if !told {
		return nil
	}
	return notice
}

// routine is what a run has to tell that neither failed nor recovered.
func (t *Telling) routine(r *Report, s SlackSettings) *Notice {
	switch {
	case (r.Gap != nil || r.Rescues() > 0 || r.interrupted) && r.Outcome != Failed && r.Ended.Sub(t.Warned) >= tellAgain:
		t.Warned = r.Ended
		return &Notice{Kind: NoticeAttention}
	case t.digestDue(r.Ended, s.DigestHour):
		notice := &Notice{Kind: NoticeDigest, Digest: t.Totals}
		t.Digest, t.Totals = r.Ended, Totals{}
		return notice
	case s.Success && r.Outcome != Failed:
		return &Notice{Kind: NoticeSuccess}
	}
	return nil
}

// digestDue reports whether the hour of the digest has come since the last
// one. The first digest waits for the hour to come round once.
func (t *Telling) digestDue(now time.Time, hour int) bool {
	if hour < 0 {
		t.Digest = time.Time{}
		return false
	}
	if t.Digest.IsZero() {
		t.Digest = now
		return false
	}
	now = now.UTC()
	due := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, time.UTC)
	if now.Before(due) {
		due = due.AddDate(0, 0, -1)
	}
	return t.Digest.Before(due)
}

// untell takes back that Slack was told: the message did not get through.
func (t *Telling) untell(n *Notice) {
	switch n.Kind {
	case NoticeFailure:
		t.Told = time.Time{}
	case NoticeRecovery:
		t.FailingSince, t.Failures, t.Told = n.Since, n.Failures, n.Since
	case NoticeAttention:
		t.Warned = time.Time{}
	case NoticeDigest:
		t.Digest, t.Totals = n.Digest.Since, n.Digest
	case NoticeSuccess, NoticeReplay, NoticeVerify:
	}
}

// count adds a run to the totals.
func (t *Telling) count(r *Report) {
	sum := &t.Totals
	if sum.Runs == 0 {
		sum.Since = r.Started
	}
	sum.Runs++
	if r.Outcome == Failed {
		sum.Failed++
	}
	if r.Gap != nil {
		sum.Gaps++
	}
	sum.Fetched += int64(r.Fetched)
	sum.Filtered += int64(r.Filtered)
	sum.Exported += int64(r.Exported)
	sum.Batches += int64(r.Batches)
	sum.Bytes += r.Bytes
	sum.Rescued += int64(r.Rescues())
}
