package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/export"
)

// played is a run of the play.
type played struct {
	span
	report *export.Report // nil where the run was killed before it
	cut    bool           // it was cut off at its deadline
}

func (p played) ended(o export.Outcome) bool { return p.report != nil && p.report.Outcome == o }

// starved reports whether the run failed for the rate limit, which left it no
// page.
func (p played) starved() bool {
	return p.ended(export.Failed) && p.report.Error.Kind == export.KindRateLimit
}

func (p played) skipped() bool { return p.ended(export.Skipped) }

func (s span) took() time.Duration { return s.end.Sub(s.start) }

// kill ends every run at work with SIGKILL.
func (st *stage) kill() {
	st.tell("everything at work is killed")
	k := &span{start: time.Now()}
	st.mu.Lock()
	st.kills = append(st.kills, k)
	st.mu.Unlock()
	st.lambda.Kill()
	st.mu.Lock()
	defer st.mu.Unlock()
	k.end = time.Now()
}

func (st *stage) killedWithin(s span) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return slices.ContainsFunc(st.kills, func(k *span) bool {
		return k.start.Before(s.end) && (k.end.IsZero() || s.start.Before(k.end))
	})
}

// invoke runs the function once.
func (st *stage) invoke() played {
	p := played{span: span{start: time.Now()}}
	st.tell("a run starts")
	result, err := st.lambda.Invoke(st.ctx, nil)
	p.end = time.Now()
	if err != nil && !errors.Is(err, lambda.ErrTooManyRequests) {
		st.problem("invoke: %v", err)
	}
	p.report, p.cut = reportOf(result.Logs), result.TimedOut
	killed := st.killedWithin(p.span)
	switch {
	case p.report != nil || killed || err != nil:
	case p.cut:
		st.problem("a run was cut off at its deadline, without a report")
	default:
		st.problem("a run ended without a report: %s\n%s", result.Payload, strings.Join(result.Logs, "\n"))
	}
	st.tell("%s", p)
	st.mu.Lock()
	defer st.mu.Unlock()
	st.runs = append(st.runs, p)
	st.output = append(append(st.output, result.Logs...), string(result.Payload))
	return p
}

func (p played) String() string {
	switch r := p.report; {
	case r == nil && p.cut:
		return "the run was cut off"
	case r == nil:
		return "the run was killed"
	case r.Outcome == export.Skipped:
		return "the run ends skipped: " + r.Skipped
	default:
		text := fmt.Sprintf("the run ends %s after %dms: %s to %s, fetched %d, exported %d, present %d",
			r.Outcome, p.took().Milliseconds(), r.From, r.To, r.Fetched, r.Exported, r.Present)
		if r.Error != nil {
			text += ": " + r.Error.Text
		}
		for _, w := range r.Warnings {
			text += "; " + w
		}
		return text
	}
}

// reportOf finds the run's report among the lines of its log.
func reportOf(lines []string) *export.Report {
	for _, line := range lines {
		var entry struct {
			Report *export.Report `json:"report"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Report != nil {
			return entry.Report
		}
	}
	return nil
}
