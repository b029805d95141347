package widget

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/console"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// runPage is a line of the list of runs.
type runPage struct {
	Started, Ended string
	Outcome        export.Outcome
	Exported       string
	// Checkpoint is the time of the run's position, and ID the position.
	Checkpoint string
	ID         tenantlog.ID
	Error      string
	Details    []fact
	Log        string
	// Replay is nil where the widget is read-only or the run had no position
	// to begin with.
	Replay *call
}

// runs are the tenant's last runs, or failed runs.
func (p *painter) runs(t tenant) []runPage {
	runs := t.runs.All
	if p.view.Show == showFailed {
		runs = t.runs.Failed
	}
	var list []runPage
	for _, r := range runs {
		list = append(list, p.run(r))
	}
	return list
}

// runsNote is what is said under the list of runs: that it is empty, or from
// when on runs were looked for.
func (p *painter) runsNote(t tenant, listed int, f findings) string {
	var note []string
	switch {
	case listed > 0:
	case f.historyErr != nil:
		note = append(note, "No run can be shown.")
	case p.view.Show == showFailed:
		note = append(note, "No failed run was found.")
	default:
		note = append(note, "No run was found.")
	}
	if f.historyErr == nil && len(t.runs.All) < Kept && f.since.After(p.now.Add(-farBack)) {
		note = append(note, "Runs before "+p.time(f.since)+" were not looked for.")
	}
	return strings.Join(note, " ")
}

func (p *painter) run(r Run) runPage {
	v := runPage{
		Started: p.short(r.Started), Ended: p.short(r.Ended), Outcome: r.Outcome,
		Exported: words.Number(r.Exported), ID: r.To, Checkpoint: idTime(r.To, p.short),
		Details: p.details(r.Report), Log: console.Stream(p.Place.Region, p.Place.LogGroup, r.Stream),
	}
	if r.Error != nil {
		v.Error = r.Error.Text
	}
	if r.From != "" {
		v.Replay = p.act("Replay", fmt.Sprintf("Set %s's CHECKPOINT back to where this run began (%s)? The next run exports from there; what is stored already is not stored again.", r.Tenant, idTime(r.From, p.time)),
			wish{Do: doReplay, Tenant: r.Tenant, From: string(r.From)})
	}
	return v
}

// idTime writes the time in an id, or the id itself where it has none.
func idTime(id tenantlog.ID, write func(time.Time) string) string {
	if t, ok := id.Time(); ok {
		return write(t)
	}
	return string(id)
}

// details are all that a report says, but for what is zero and good to be so.
func (p *painter) details(r export.Report) []fact {
	facts := []fact{
		{Label: "Result", Value: result(r)},
		{Label: "Started", Value: p.time(r.Started)},
		{Label: "Ended", Value: p.time(r.Ended), More: "after " + words.Between(r.Started, r.Ended)},
		{Label: "Checkpoint before", Value: string(r.From), Code: true},
		{Label: "Checkpoint after", Value: string(r.To), Code: true},
		{Label: "Fetched", Value: words.Count(r.Fetched, "event")},
		{Label: "Filtered out", Value: words.Count(r.Filtered, "event")},
		{Label: "Exported", Value: words.Count(r.Exported, "event")},
		{Label: "Already in the stream", Value: words.Count(r.Present, "event")},
		{Label: "Batches", Value: words.Number(r.Batches), More: words.Volume(r.Bytes)},
		lag(r),
	}
	if r.Error != nil {
		facts = append(facts,
			fact{Label: "Error", Value: r.Error.Text, More: string(r.Error.Kind), Alarm: true},
			fact{Label: "Fix", Value: r.Error.Fix})
	}
	facts = append(facts, fact{Label: "Other run", Value: r.Skipped},
		rescued("Too old or too new, stored late", r.Late),
		rescued("Too large, stored in short", r.Slimmed),
		rescued("Stored wrapped", r.Wrapped),
		fact{Label: "Types without a known level", Value: strings.Join(r.UnknownTypes, ", ")},
		fact{Label: "Warnings", Value: strings.Join(r.Warnings, "\n")})
	if g := r.Gap; g != nil {
		facts = append(facts, fact{Label: "Gap", Value: p.time(g.From) + " to " + p.time(g.To), Alarm: true})
	}
	if left := r.RetentionHoursLeft; left != nil {
		facts = append(facts, fact{Label: "Retention left", Value: words.Span(int64(*left * 3600))})
	}
	if s := r.Waits.RateLimitSeconds; s > 0 {
		facts = append(facts, fact{Label: "Waited for the rate limit", Value: strconv.FormatFloat(s, 'f', 1, 64) + " s"})
	}
	return telling(append(facts, fact{Label: "Version", Value: r.Version}))
}

// telling are the facts that say something.
func telling(facts []fact) []fact {
	var kept []fact
	for _, f := range facts {
		if f.Value != "" {
			kept = append(kept, f)
		}
	}
	return kept
}

func rescued(label string, r export.Rescued) fact {
	if r.Count == 0 {
		return fact{}
	}
	return fact{Label: label, Value: words.Count(r.Count, "event")}
}

// The chart's measures in pixels: a bar for each run.
const (
	barStep   = 14
	barWidth  = 10
	barHeight = 44
)

// chart is the events exported by the last runs, the oldest first.
type chart struct {
	Width, Height int
	Most          string
	Bars          []bar
}

type bar struct {
	X, Y, Width, Height int
	Outcome             export.Outcome
	Title               string
}

// chart draws the runs, nil where there are none.
func (p *painter) chart(runs []Run) *chart {
	if len(runs) == 0 {
		return nil
	}
	most := 0
	for _, r := range runs {
		most = max(most, r.Exported)
	}
	c := &chart{Width: len(runs) * barStep, Height: barHeight, Most: words.Count(most, "event")}
	for i, r := range runs {
		least := 2 // a bar that shows where there was nothing to export
		if r.Outcome == export.Failed {
			least = 8
		}
		h := least
		if most > 0 {
			h = max(least, int(int64(r.Exported)*barHeight/int64(most)))
		}
		c.Bars = append(c.Bars, bar{
			X: (len(runs) - 1 - i) * barStep, Y: barHeight - h, Width: barWidth, Height: h, Outcome: r.Outcome,
			Title: fmt.Sprintf("%s: %s, %s", p.time(r.Ended), r.Outcome, words.Count(r.Exported, "event")),
		})
	}
	return c
}
