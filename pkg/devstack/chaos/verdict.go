package chaos

import (
	"slices"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/verify"
)

// Result is what came of a play.
type Result struct {
	*Story
	Schedule Schedule
	// Comparison holds what the tenant had against what the log group has.
	Comparison devstack.Comparison
	// Lost, Twice and Altered count log events. Where the group could not be
	// read back, Repeated counts those stored twice.
	Lost, Twice, Altered, Repeated int
	// Honoured counts the operator's edits that were acted on.
	Honoured int
	// Runs counts runs by how they ended; Kills those moments at which all
	// that were at work were killed.
	Runs  map[string]int
	Kills int
	// Struck counts the faults, by kind.
	Struck map[string]int
	// Problems are what should not have happened, none for a play that went
	// well.
	Problems []string
	Took     time.Duration
}

// result is what can be said of a play so far.
func (st *stage) result() *Result {
	r := &Result{
		Story: st.Story, Schedule: st.Schedule, Runs: make(map[string]int), Kills: len(st.kills),
		Struck: st.struck, Problems: st.problems, Took: time.Since(st.began),
	}
	for _, p := range st.runs {
		r.Runs[p.outcome()]++
	}
	return r
}

func (p played) outcome() string {
	if p.report == nil {
		return "killed"
	}
	return string(p.report.Outcome)
}

// judge looks at what is there after the last run.
func (st *stage) judge() *Result {
	st.underWay.Wait()
	comparison := st.tenant.CompareStreams(st.place, st.keep, func(stream string) bool {
		return !strings.HasPrefix(stream, replayStreams) && !strings.HasSuffix(stream, "-check")
	})
	honoured := st.judgeWishes()
	st.judgePosition()
	st.judgeSecrets()
	st.judgeLate(comparison)
	st.judgeReplays()
	lost, altered := len(comparison.Missing), len(comparison.Altered)+len(comparison.Mistimed)
	twice, repeated := comparison.Double, 0
	if st.blinded() {
		twice, repeated = nil, len(comparison.Double)
	}
	for what, ids := range map[string][]string{
		"lost": comparison.Missing, "stored twice": twice, "altered": comparison.Altered,
		"stored with another time": comparison.Mistimed, "stored without need": comparison.Foreign,
	} {
		if len(ids) > 0 {
			st.problem("%d log events %s: %s", len(ids), what, strings.Join(ids[:min(5, len(ids))], ", "))
		}
	}
	r := st.result()
	r.Comparison, r.Honoured = comparison, honoured
	r.Lost, r.Twice, r.Altered, r.Repeated = lost, len(twice), altered, repeated
	return r
}

func (st *stage) keep(e tenantlog.Event) bool {
	return st.Scene.Excluded == "" || e.Type != st.Scene.Excluded
}

// blinded reports whether the function was kept from reading the log group.
func (st *stage) blinded() bool {
	return slices.ContainsFunc(st.Steps, func(s Step) bool {
		return slices.ContainsFunc(s.Faults, func(d Dose) bool { return st.kinds[d.Kind].blind })
	})
}

func (st *stage) judgeWishes() (honoured int) {
	var finished []span
	if !st.stale.used { // a run that read stale parameters need not know of a wish
		for _, p := range st.runs {
			if p.ended(export.OK) {
				finished = append(finished, p.span)
			}
		}
	}
	honoured, ignored := st.wishes.judge(finished)
	for _, w := range ignored {
		st.problem("the edit of %.3f was not acted on: %s", w.at.Sub(st.began).Seconds(), w)
	}
	return honoured
}

// judgePosition holds CHECKPOINT against the tenant's last event.
func (st *stage) judgePosition() {
	if id, _ := st.newest(); id != "" && st.tenant.Get(checkpointName) != string(id) {
		st.problem("CHECKPOINT is %q, the last log event %s", st.tenant.Get(checkpointName), id)
	}
}

// judgeSecrets looks for secrets in everything that the function wrote and
// sent, but for where they belong.
func (st *stage) judgeSecrets() {
	written := st.output
	for _, m := range st.stack.Slack.Messages() {
		written = append(written, m.Text, string(m.Blocks))
	}
	for _, name := range []string{runName, checkpointName, export.ReplayName, verify.ParameterName} {
		for _, v := range st.stack.SSM.History(st.tenant.Parameter(name)) {
			written = append(written, v.Value)
		}
	}
	secrets := append(slices.Clone(st.secrets), "standin.", strings.TrimPrefix(st.stack.Hook, "https://"))
	for _, text := range written {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				st.problem("a secret is told: %s", text)
			}
		}
	}
}

// judgeLate makes sure that late streams hold nothing that their own stream
// would have taken.
func (st *stage) judgeLate(c devstack.Comparison) {
	const oldest, newest = 14 * 24 * time.Hour, 2 * time.Hour
	for id, doc := range st.tenant.Documents() {
		event, err := tenantlog.Decode(doc)
		if err != nil {
			continue
		}
		age := st.began.Sub(event.Date)
		refused := age > oldest-time.Minute || -age > newest-longest
		for _, stream := range c.Streams[id] {
			if strings.Contains(stream, "-late-") && (!refused || !strings.HasSuffix(stream, event.Date.Format(time.DateOnly))) {
				st.problem("log event %s of %s is in %s", id, event.Date, stream)
			}
		}
	}
}
