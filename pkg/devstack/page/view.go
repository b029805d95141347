package page

import (
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/filter"
	"auth0-logs-to-cloudwatch/pkg/schedule"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// layout is the page. html/template escapes what it is given for the place it
// stands in: events, parameters and messages are written by strangers.
var layout = template.Must(template.New("page.html").Funcs(template.FuncMap{"number": words.Number[int]}).ParseFS(files, "page.html"))

// view is what the layout shows.
type view struct {
	Tenant string
	Theme  string
	Other  string // the other theme
	Now    string
	Zone   string
	Said   said

	Figures   figures
	PerMinute float64
	Arrived   []arrival
	Widget    template.HTML
	Stream    streamView
	Faults    []faultView
	Rule      ruleView
	Runs      []runView
	Lines     []string // of the export function, the newest first
	Messages  []messageView

	Parameters []parameterView
	Unset      []string // settings that the tenant does not have
}

func (l *Local) view(r *http.Request) view {
	dark := isDark(r)
	v := view{
		Tenant: tenantName, Theme: "light", Other: "dark",
		Now: l.now().Format(time.DateTime), Zone: l.now().Format("MST"),
		Widget: l.widget(r.Context(), dark),
	}
	if dark {
		v.Theme, v.Other = "dark", "light"
	}
	v.Figures, v.Arrived = l.compareNow()
	v.Stream = l.streamView(r.FormValue("stream"), r.FormValue("q"))
	v.Rule = l.ruleView()
	v.Messages = l.messages()
	v.Parameters, v.Unset = l.parameters()
	v.Lines = l.lines()
	l.mu.Lock()
	defer l.mu.Unlock()
	v.PerMinute = l.perMinute
	if l.now().Before(l.said.until) {
		v.Said = l.said
	}
	for _, b := range breakages() {
		_, on := l.undo[b.ID]
		v.Faults = append(v.Faults, faultView{breakage: b, On: on})
	}
	for _, i := range l.invocations {
		v.Runs = append(v.Runs, runOf(i))
	}
	return v
}

// figures are what the tenant has against what is stored.
type figures struct {
	At      int // events at Auth0
	Stored  int
	Waiting int // not stored yet
	LeftOut int // not stored, and not to be by the tenant's filter
	Double  int
	Wrong   int // altered, mistimed or foreign
}

// arrival is one of the tenant's last events, and what became of it.
type arrival struct {
	eventView
	Time  string
	State string // "stored", "waiting" or "left out"
}

// shownArrivals is how many of the tenant's last events are shown.
const shownArrivals = 8

// comparison keeps what came of comparing for as long as nothing has changed:
// comparing reads every document.
type comparison struct {
	mu      sync.Mutex
	of      compared
	figures figures
	arrived []arrival // the newest first
}

// compared is what a comparison depends on.
type compared struct {
	made         bool
	had, puts    int
	place        logs.Place
	level, types string // the tenant's filter
}

// compareNow holds what the tenant has against what is stored.
func (l *Local) compareNow() (figures, []arrival) {
	l.tenant.Tick()
	// Counted before comparing: what is stored meanwhile is compared next time.
	of := compared{
		made: true, had: l.tenant.Len(), puts: len(l.stack.Logs.Puts()), place: l.place(),
		level: l.tenant.Get(config.LogLevel), types: l.tenant.Get(config.LogTypes),
	}
	c := &l.compared
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of != of {
		c.figures, c.arrived = l.compare(of)
		c.of = of
	}
	return c.figures, c.arrived
}

func (l *Local) compare(of compared) (figures, []arrival) {
	// A filter that is refused leaves nothing out: the run fails on it.
	keep, err := filter.Parse(of.level, of.types)
	all := err != nil || keep.Everything()
	leftOut := make(map[string]bool)
	var last []tenantlog.Event
	c := l.tenant.Compare(of.place, func(e tenantlog.Event) bool {
		if !all && !keep.Keep(e) {
			leftOut[string(e.ID)] = true
		}
		last = append(last[max(0, len(last)+1-shownArrivals):], e)
		return true
	})
	f := figures{At: c.Expected, Stored: c.Stored, Double: len(c.Double), Wrong: len(c.Altered) + len(c.Mistimed) + len(c.Foreign)}
	for _, id := range c.Missing {
		if leftOut[id] {
			f.LeftOut++
		} else {
			f.Waiting++
		}
	}
	var arrived []arrival
	for _, e := range slices.Backward(last) {
		a := arrival{eventView: viewOf(e), Time: e.Date.Format(time.TimeOnly), State: "waiting"}
		switch {
		case len(c.Streams[e.ID]) > 0:
			a.State = "stored"
		case leftOut[a.ID]:
			a.State = "left out"
		}
		arrived = append(arrived, a)
	}
	return f, arrived
}

// place is where the tenant's events go today.
func (l *Local) place() logs.Place {
	group := strings.ReplaceAll(l.tenant.Get(config.LogGroupName), "{tenant}", tenantName)
	return logs.Place{Group: export.Target{Group: group}.On(l.now()).Group, Region: l.tenant.Get(config.AWSRegion)}
}

type faultView struct {
	breakage
	On bool
}

type ruleView struct {
	Name, Expression, Words, Input string
	On                             bool
}

func (l *Local) ruleView() ruleView {
	r, ok := l.stack.Events.Rule(ruleName)
	if !ok {
		return ruleView{Name: ruleName}
	}
	v := ruleView{Name: r.Name, Expression: r.Expression, Words: r.Expression, Input: tenantInput, On: r.State != events.Disabled}
	if e, err := schedule.Parse(r.Expression); err == nil {
		v.Words = e.Words()
	}
	return v
}

// runView is an invocation of the export function.
type runView struct {
	Started, Took, Start, Memory, Error string
	Failed                              bool
}

func runOf(i lambda.Invocation) runView {
	r := i.Result
	v := runView{
		Started: i.Started.Format(time.TimeOnly), Took: (r.InitDuration + r.Duration).Round(time.Millisecond).String(),
		Start: "warm", Memory: words.Volume(r.Usage.PeakRSS), Failed: r.FunctionError || i.Err != nil,
	}
	if r.Cold {
		v.Start = "cold"
	}
	if r.FunctionError {
		v.Error = r.ErrorType + ": " + r.ErrorMessage
	}
	if i.Err != nil {
		v.Error = i.Err.Error()
	}
	return v
}

// shownLines is how many lines of the export function are shown.
const shownLines = 12

func (l *Local) lines() []string {
	all := l.export.Logs()
	all = all[max(0, len(all)-shownLines):]
	lines := make([]string, 0, len(all))
	for _, line := range slices.Backward(all) {
		lines = append(lines, line.Text)
	}
	return lines
}

// parameterView is one of the tenant's parameters.
type parameterView struct {
	Name, Type, Value, Changed string
	Version                    int64
	// Secret values are not to be shown; Long ones get more than a line.
	Secret, Long bool
	// By says that the product wrote it.
	ByProduct bool
}

// longValue is from how many bytes on a value gets more than a line.
const longValue = 70

func (l *Local) parameters() (list []parameterView, unset []string) {
	set := make(map[string]bool)
	prefix := l.tenant.Parameter("")
	for _, p := range l.stack.SSM.List(prefix) {
		v := parameterView{
			Name: strings.TrimPrefix(p.Name, prefix), Type: p.Type, Value: p.Value, Version: p.Number,
			Changed: p.Modified.Format(time.TimeOnly), Secret: p.Type == "SecureString",
			Long: len(p.Value) > longValue || strings.Contains(p.Value, "\n"),
		}
		set[v.Name] = true
		v.ByProduct = slices.ContainsFunc(config.Parameters(), func(p config.Parameter) bool { return p.Name == v.Name && p.Written })
		list = append(list, v)
	}
	for _, p := range config.Parameters() {
		if !set[p.Name] {
			unset = append(unset, p.Name)
		}
	}
	// What the product writes comes first: it is what changes.
	slices.SortStableFunc(list, func(a, b parameterView) int { return rank(a) - rank(b) })
	return list, unset
}

func rank(p parameterView) int {
	if p.ByProduct {
		return 0
	}
	return 1
}
