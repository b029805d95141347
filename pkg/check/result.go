package check

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// Status is what became of a link.
type Status string

// What can become of a link.
const (
	OK     Status = "ok"
	Failed Status = "failed"
	// Skipped is a link that could not be tried, was not permitted, or was not
	// asked for.
	Skipped Status = "skipped"
)

// Link is one link of the chain.
type Link struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Text says what was found, or why it was not looked for.
	Text string `json:"text"`
	// Fix says what to do; a link that failed always has one.
	Fix string `json:"fix,omitempty"`
}

// Result is what a check found. It holds no secret.
type Result struct {
	Tenant string `json:"tenant"`
	Action string `json:"action"`
	// Outcome is export.Failed if a link failed, else export.OK.
	Outcome export.Outcome `json:"outcome"`
	Started time.Time      `json:"started"`
	Ended   time.Time      `json:"ended"`
	// Links are always the same ones, in the order in which one needs the
	// other.
	Links []Link `json:"links"`
	// Text is the result for people to read: one line in sum, and one a link.
	Text    []string `json:"text"`
	Version string   `json:"version"`
}

// conclude sums the links up.
func (r *Result) conclude() {
	r.Outcome = export.OK
	var failed []string
	skipped := 0
	r.Text = []string{""}
	for _, l := range r.Links {
		switch l.Status {
		case Failed:
			r.Outcome = export.Failed
			failed = append(failed, l.Name)
		case Skipped:
			skipped++
		}
		r.Text = append(r.Text, l.line())
	}
	sum := "nothing is wrong"
	if len(failed) > 0 {
		sum = "WRONG: " + strings.Join(failed, ", ")
	}
	r.Text[0] = fmt.Sprintf("Check of tenant %s at %s: %s. %s, %d skipped.",
		r.Tenant, r.Started.Format("2006-01-02 15:04 UTC"), sum, words.Count(len(r.Links), "link"), skipped)
}

// line is the link for people to read: what failed stands out.
func (l Link) line() string {
	status := string(l.Status)
	if l.Status == Failed {
		status = "FAILED"
	}
	line := fmt.Sprintf("%-7s  %-10s  %s", status, l.Name, l.Text)
	if l.Fix != "" {
		line += " Fix: " + l.Fix
	}
	return line
}

func ok(format string, args ...any) Link {
	return Link{Status: OK, Text: fmt.Sprintf(format, args...)}
}

func skipped(text string) Link { return Link{Status: Skipped, Text: text} }

// fixWait is for what may be over soon and needs no hand.
const fixWait = "check again in a minute; if it lasts, see whether the service reports an outage."

// failure is a link that failed with an error. Only the texts of an
// *export.Error are shown, which hold no secret.
func failure(err error) Link {
	if e, known := errors.AsType[*export.Error](err); known {
		l := Link{Status: Failed, Text: e.Text, Fix: e.Fix}
		if l.Fix == "" {
			l.Fix = fixWait
		}
		return l
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Link{Status: Failed, Text: "No answer in the time there was.", Fix: fixWait}
	}
	return Link{Status: Failed, Text: "It failed in a way that is not known here.", Fix: fixWait}
}

// notPermitted is a link that was not allowed to be looked at.
func notPermitted(err error) Link {
	l := failure(err)
	l.Status = Skipped
	return l
}
