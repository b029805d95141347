package widget

import (
	"fmt"
	"time"

	"auth0-logs-to-cloudwatch/pkg/console"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/schedule"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// facts are what is first to be known of a tenant.
func (p *painter) facts(t tenant, last Run, ran bool) []fact {
	facts := []fact{{Label: "Last run", Value: "none known"}}
	if ran {
		facts = []fact{
			{
				Label: "Last run", Value: result(last.Report), Alarm: last.Outcome == export.Failed,
				More: fmt.Sprintf("%s, %s ago", p.time(last.Ended), words.Between(last.Ended, p.now)),
			},
			{Label: "Exported by it", Value: words.Count(last.Exported, "event"), More: "in " + words.Between(last.Started, last.Ended)},
		}
	}
	if until := t.state.busy(p.now); !until.IsZero() {
		facts = append(facts, fact{Label: "At work", Value: "a run", More: "until " + p.time(until) + " at the latest"})
	}
	facts = append(facts, p.checkpoint(t.state))
	if ran {
		facts = append(facts, lag(last.Report))
	}
	if clock, ok := retention(t); ok {
		facts = append(facts, clock)
	}
	return facts
}

// result is a run's outcome in words.
func result(r export.Report) string {
	switch r.Outcome {
	case export.Limited:
		return "limited: the next run goes on"
	case export.Skipped:
		return "skipped: another run was at work"
	case export.OK, export.Failed:
	}
	return string(r.Outcome)
}

func (p *painter) checkpoint(s state) fact {
	f := fact{Label: "Checkpoint"}
	switch {
	case s.err != nil:
		f.Value, f.More, f.Alarm = "cannot be shown", sentence(s.err), true
		return f
	case s.checkpoint.Version == 0:
		f.Value = "none yet"
		return f
	}
	f.Value, f.Code = s.checkpoint.Value, true
	point, err := tenantlog.ParsePoint(f.Value)
	if err != nil {
		f.More, f.Alarm = "no run can start here: "+err.Error(), true
	} else if when, ok := point.When(); ok {
		f.More = fmt.Sprintf("%s, %s ago", p.time(when), words.Between(when, p.now))
	}
	return f
}

// lag is how far the run was behind when it ended.
func lag(r export.Report) fact {
	f := fact{Label: "Lag"}
	switch {
	case r.LagSeconds > 0:
		f.Value, f.More = words.Span(r.LagSeconds), "there is more to fetch"
	case r.Outcome == export.OK:
		f.Value = "caught up with Auth0"
	default:
		f.Value = "not known"
	}
	return f
}

// shortRetention is from how many hours left on the clock is an alarm.
const shortRetention = 24

// retention is how long the next event to fetch will still be at Auth0, as the
// last run that knew it said. It is not ok where the plan's days are not set.
func retention(t tenant) (fact, bool) {
	for _, r := range t.runs.All {
		if left := r.RetentionHoursLeft; left != nil {
			f := fact{Label: "Retention", Value: words.Span(int64(*left * 3600)), More: "left at Auth0 for the next event"}
			f.Alarm = *left < shortRetention
			return f, true
		}
	}
	return fact{}, false
}

// warnings are what somebody should look into.
func (p *painter) warnings(t tenant, ticks ticks, last Run, rulesErr error) []string {
	var all []string
	if rulesErr == nil && !anyOn(t.rules) {
		all = append(all, "The schedule is off: nothing is exported until it is on, or a run is started by hand.")
	}
	for _, rule := range t.rules {
		if _, err := schedule.Parse(rule.Expression); err != nil {
			all = append(all, fmt.Sprintf("The schedule of the rule %s is not understood here: %v", rule.Name, err))
		}
	}
	if pause := p.tooLong(ticks); pause > 0 {
		all = append(all, fmt.Sprintf("Up to %s pass between runs by the schedule, and an alarm goes off after %s without a successful one: run more often, or raise the stack's MaxMinutesWithoutSuccess.",
			span(pause), span(p.MaxSilence)))
	}
	if t.state.edited() {
		all = append(all, "CHECKPOINT was edited: the next run goes on from it.")
	}
	if g := last.Gap; g != nil {
		all = append(all, fmt.Sprintf("Events between %s and %s may have expired at Auth0 before they were fetched.", p.time(g.From), p.time(g.To)))
	}
	return append(all, last.Warnings...)
}

// tooLong is the longest pause of the schedule, if the alarm for silence cannot
// bear it; otherwise 0. A pause as long as the alarm's time is too long: a run
// takes some of it.
func (p *painter) tooLong(ticks ticks) time.Duration {
	if p.MaxSilence <= 0 {
		return 0
	}
	key := ticks.String()
	pause, known := p.pauses[key]
	if !known {
		pause = ticks.longestPause(p.now)
		p.pauses[key] = pause
	}
	if pause < p.MaxSilence {
		return 0
	}
	return pause
}

func span(d time.Duration) string { return words.Span(int64(d / time.Second)) }

// links lead to the tenant's things in the console. The log stream is where RUN
// says that events went; RUN does not say in which region and account, and the
// links lead into the widget's own.
func (p *painter) links(t tenant) []link {
	at := p.Place
	var all []link
	add := func(label, url, title string) {
		if url != "" {
			all = append(all, link{label, url, title})
		}
	}
	if r := t.state.record; r != nil && r.Target.Group != "" {
		target := r.Target.On(p.now)
		here := fmt.Sprintf("%s in %s of this account; a tenant with another AWS_REGION, keys or role has its log group there", target.Group, at.Region)
		add("Log stream", console.Stream(at.Region, target.Group, target.Stream), here)
		add("Live tail", console.LiveTail(at.Region, at.groupARN(target.Group), target.Stream), here)
	}
	add("Function log", console.Stream(at.Region, at.LogGroup, ""), "")
	add("Parameters", console.Parameters(at.Region, at.Root+"/"+t.name+"/"), "")
	return all
}

func (p Place) groupARN(group string) string {
	return fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s", p.Partition, p.Region, p.Account, group)
}
