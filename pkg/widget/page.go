package widget

import (
	_ "embed" // for the files below
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/console"
	"auth0-logs-to-cloudwatch/pkg/schedule"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// description is what the console shows beside the widget's parameters: help in
// Markdown, whose first block of YAML are the parameters to begin with.
//
//go:embed describe.md
var description string

//go:embed page.html
var pageHTML string

// layout is the page. html/template escapes what it is given for the place it
// stands in: names and error texts are written by strangers.
var layout = template.Must(template.New("page").Parse(pageHTML))

// page is what the layout shows.
type page struct {
	Theme string
	// Zone is the time zone of all times.
	Zone  string
	Now   string
	Said  string
	Bad   bool // what is said is that nothing was done
	Notes []string
	// ReadOnly says that there is nothing to act with.
	ReadOnly bool
	// Failed says that failed runs alone are listed; Other shows the other
	// list, and Every all tenants where one is shown.
	Failed  bool
	Other   call
	Every   *call
	Tenants []tenantPage
}

// tenantPage is one tenant on the page.
type tenantPage struct {
	Name     string
	Status   string // on, off or unknown
	Rules    []rulePage
	Due      string
	Facts    []fact
	Error    string // of the last run
	Fix      string
	Warnings []string
	Chart    *chart
	Links    []link
	// Open shows the tenant's runs, where they are not shown.
	Open *call
	Runs []runPage
	// RunsNote says that no runs are listed, or from when on.
	RunsNote string
	// Start and Replay are nil where the widget is read-only; ReplayField is
	// the input field of the latter.
	Start, Replay *call
	ReplayField   string
}

// rulePage is one rule of a tenant.
type rulePage struct {
	Name, URL  string
	On         bool
	Words      string
	Expression string
	// Switch and Reschedule are nil where the widget is read-only; Field is
	// the input field of the latter.
	Switch, Reschedule *call
	Field              string
}

type fact struct {
	Label, Value string
	// Code shows the value as something to copy.
	Code  bool
	More  string
	Alarm bool
}

type link struct{ Label, URL, Title string }

// call is a button: what the console calls the widget with when it is clicked,
// after a confirmation if that is not empty.
type call struct {
	Label, Confirm   string
	Endpoint, Params string
}

// painter makes the page of one call.
type painter struct {
	*Widget
	request
	endpoint string
	now      time.Time
	// pauses are the longest pauses of the schedules so far: it takes
	// milliseconds to find one, and most tenants have the same.
	pauses map[string]time.Duration
}

const (
	// opened is up to how many tenants are shown with their runs.
	opened = 5
	// maxPage is how many bytes of HTML several tenants may take with their
	// runs. Lambda takes 6 MB of JSON for an answer, and one tenant stays far
	// below.
	maxPage = 4 << 20
)

// render makes the HTML.
func (w *Widget) render(r request, endpoint string, s said, f findings) (string, error) {
	p := painter{Widget: w, request: r, endpoint: endpoint, now: w.Now(), pauses: make(map[string]time.Duration)}
	html, err := p.paint(s, f, len(f.tenants) <= opened)
	if len(html) > maxPage && len(f.tenants) > 1 {
		html, err = p.paint(s, f, false)
	}
	return html, err
}

// paint makes the HTML, with the tenants' runs if open.
func (p *painter) paint(s said, f findings, open bool) (string, error) {
	var b strings.Builder
	if err := layout.Execute(&b, p.page(s, f, open)); err != nil {
		return "", fmt.Errorf("render page: %w", err)
	}
	return b.String(), nil
}

func (p *painter) page(s said, f findings, open bool) page {
	v := page{
		Theme: "light", Zone: p.zone.String(), Now: p.time(p.now),
		Said: s.text, Bad: s.failed,
		ReadOnly: !p.MaySteer,
		Failed:   p.view.Show == showFailed,
		Notes:    p.notes(f),
	}
	if p.dark {
		v.Theme = "dark"
	}
	v.Other = p.look("Failed runs only", view{Only: p.view.Only, Show: showFailed})
	if v.Failed {
		v.Other = p.look("All runs", view{Only: p.view.Only})
	}
	if p.view.Only != "" {
		all := p.look("All tenants", view{Show: p.view.Show})
		v.Every = &all
	}
	for _, t := range f.tenants {
		v.Tenants = append(v.Tenants, p.tenant(t, f, open))
	}
	return v
}

// notes are the lines that concern no tenant, or all.
func (p *painter) notes(f findings) []string {
	var notes []string
	if f.rulesErr != nil {
		notes = append(notes, "The schedules cannot be shown. "+sentence(f.rulesErr))
	}
	if f.historyErr != nil {
		notes = append(notes, fmt.Sprintf("Runs before %s are not shown. %s", p.time(f.since), sentence(f.historyErr)))
	}
	for _, rule := range f.rules {
		if len(rule.Unread) > 0 {
			notes = append(notes, fmt.Sprintf("The rule %s has targets whose input does not say which tenant to export: %s.", rule.Name, strings.Join(rule.Unread, ", ")))
		}
	}
	switch {
	case len(f.tenants) > 0 || f.rulesErr != nil:
	case p.view.Only != "":
		notes = append(notes, fmt.Sprintf("No rule exports a tenant %q.", p.view.Only))
	default:
		notes = append(notes, "No rule invokes the export function: make one in EventBridge, with the function as its target.")
	}
	return notes
}

// look is a button that changes the view.
func (p *painter) look(label string, v view) call { return p.call(label, "", wish{}, v) }

// act is a button that does something, nil where the widget is read-only.
func (p *painter) act(label, confirm string, what wish) *call {
	if !p.MaySteer {
		return nil
	}
	c := p.call(label, confirm, what, p.view)
	return &c
}

func (p *painter) call(label, confirm string, what wish, v view) call {
	// Neither type can fail to encode.
	params, _ := json.Marshal(struct {
		wish
		view
	}{what, v})
	return call{Label: label, Confirm: confirm, Endpoint: p.endpoint, Params: string(params)}
}

// time writes a time in the dashboard's zone, which the page names once.
func (p *painter) time(t time.Time) string { return t.In(p.zone).Format(time.DateTime) }

// short is time without the day if that is today.
func (p *painter) short(t time.Time) string {
	if t.In(p.zone).Format(time.DateOnly) == p.now.In(p.zone).Format(time.DateOnly) {
		return t.In(p.zone).Format(time.TimeOnly)
	}
	return p.time(t)
}

// tenant shows a tenant, with its runs if open.
func (p *painter) tenant(t tenant, f findings, open bool) tenantPage {
	last, ran := t.last()
	ticks := ticksOf(t.rules)
	v := tenantPage{
		Name:     t.name,
		Status:   status(t.rules, f.rulesErr),
		Due:      p.due(t, ticks, last.Started),
		Facts:    p.facts(t, last, ran),
		Warnings: p.warnings(t, ticks, last, f.rulesErr),
		Links:    p.links(t),
	}
	if last.Error != nil {
		v.Error, v.Fix = last.Error.Text, last.Error.Fix
		if v.Fix == "" {
			v.Fix = "none but to wait; the next run tries again."
		}
	}
	for _, rule := range t.rules {
		v.Rules = append(v.Rules, p.rule(rule, t.name))
	}
	if !open {
		more := p.look("Show runs", view{Only: t.name, Show: p.view.Show})
		v.Open = &more
		return v
	}
	v.Chart = p.chart(t.runs.All)
	v.Runs = p.runs(t)
	v.RunsNote = p.runsNote(t, len(v.Runs), f)
	v.Start = p.act("Run now", fmt.Sprintf("Start a run of %s now?", t.name), wish{Do: doRun, Tenant: t.name})
	v.Replay = p.act("Replay from there",
		fmt.Sprintf("Set %s's CHECKPOINT to what the field says? The next run exports from there; what is stored already is not stored again.", t.name),
		wish{Do: doReplay, Tenant: t.name})
	v.ReplayField = replayField(t.name)
	return v
}

func status(rules []schedule.Rule, err error) string {
	switch {
	case err != nil:
		return "unknown"
	case anyOn(rules):
		return "on"
	}
	return "off"
}

func anyOn(rules []schedule.Rule) bool {
	return slices.ContainsFunc(rules, func(r schedule.Rule) bool { return r.Enabled })
}

func (p *painter) rule(r schedule.Rule, tenant string) rulePage {
	v := rulePage{
		Name: r.Name, URL: console.Rule(p.Place.Region, r.Name), On: r.Enabled,
		Words: r.Expression, Expression: r.Expression, Field: scheduleField(r.Name, tenant),
	}
	if e, err := schedule.Parse(r.Expression); err == nil {
		v.Words = e.Words()
	}
	if r.ManagedBy != "" {
		v.Words += ", managed by " + r.ManagedBy
		return v
	}
	which := "the rule " + r.Name
	if len(r.Tenants) > 1 {
		which += ", which exports " + strings.Join(r.Tenants, ", ")
	}
	v.Reschedule = p.act("Change", fmt.Sprintf("Run as the field says? This changes %s.", which), wish{Do: doReschedule, Rule: r.Name, Tenant: tenant})
	v.Switch = p.act("Switch on", fmt.Sprintf("Switch on %s?", which), wish{Do: doSwitchOn, Rule: r.Name})
	if r.Enabled {
		v.Switch = p.act("Switch off", fmt.Sprintf("Switch off %s?", which), wish{Do: doSwitchOff, Rule: r.Name})
	}
	return v
}

// due says when the next run is due.
func (p *painter) due(t tenant, ticks ticks, last time.Time) string {
	if !anyOn(t.rules) {
		return ""
	}
	next, ok := ticks.next(p.now, last)
	if !ok {
		return "not known before a run"
	}
	return fmt.Sprintf("%s (in %s)", p.time(next), words.Between(p.now, next))
}
