package page

import (
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/schedule"
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
	v.Figures = l.figures()
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
	Double  int
	Wrong   int // altered, mistimed or foreign
}

// comparison keeps the figures for as long as nothing has changed: comparing
// reads every document.
type comparison struct {
	mu        sync.Mutex
	made      bool
	had, puts int
	figures   figures
}

func (l *Local) figures() figures {
	l.tenant.Tick()
	// Counted before comparing: what is stored meanwhile is compared next time.
	had, puts := l.tenant.Len(), len(l.stack.Logs.Puts())
	l.compared.mu.Lock()
	defer l.compared.mu.Unlock()
	if l.compared.made && l.compared.had == had && l.compared.puts == puts {
		return l.compared.figures
	}
	c := l.tenant.Compare(logs.Place{Group: l.group()}, nil)
	l.compared.made, l.compared.had, l.compared.puts = true, had, puts
	l.compared.figures = figuresOf(c)
	return l.compared.figures
}

func figuresOf(c devstack.Comparison) figures {
	return figures{
		At: c.Expected, Stored: c.Stored, Waiting: len(c.Missing), Double: len(c.Double),
		Wrong: len(c.Altered) + len(c.Mistimed) + len(c.Foreign),
	}
}

// group is the tenant's log group.
func (l *Local) group() string { return l.tenant.Get(config.LogGroupName) }

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
