package page

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"
)

// callField is the name of the buttons that a widget's calls become.
const callField = "call"

// answer is the widget as a click left it. It is shown for a while; then the
// widget is called anew, as by a dashboard that refreshes by itself.
type answer struct {
	html template.HTML
	// view are the parameters that the click passed on about how the widget
	// looks.
	view  map[string]json.RawMessage
	until time.Time
	dark  bool
}

// answerTime is how long the answer to a click stays.
const answerTime = 12 * time.Second

// acting are the parameters of a click that do something; what is left says how
// the widget looks.
var acting = []string{"do", "rule", "tenant", "from"}

// widget is the widget's HTML for a page: the answer to the last click, or a
// new call's.
func (l *Local) widget(ctx context.Context, dark bool) template.HTML {
	l.mu.Lock()
	a := l.answer
	l.mu.Unlock()
	if l.now().Before(a.until) && a.dark == dark {
		return a.html
	}
	return l.call(ctx, a.view, nil, dark)
}

// click calls the widget as the console does when someone clicks an element
// with a cwdb-action, and keeps its answer. forms are the widget's input
// fields.
func (l *Local) click(ctx context.Context, params string, forms map[string]string, dark bool) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(params), &all); err != nil {
		return fmt.Errorf("the parameters of a click are no JSON object: %w", err)
	}
	a := answer{html: l.call(ctx, all, forms, dark), view: maps.Clone(all), until: l.now().Add(answerTime), dark: dark}
	maps.DeleteFunc(a.view, func(name string, _ json.RawMessage) bool { return slices.Contains(acting, name) })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = a
	return nil
}

// call invokes the status function and makes its answer part of the page.
func (l *Local) call(ctx context.Context, params map[string]json.RawMessage, forms map[string]string, dark bool) template.HTML {
	event := make(map[string]any)
	for name, value := range params {
		event[name] = value
	}
	event["widgetContext"] = l.widgetContext(forms, dark)
	payload, err := json.Marshal(event)
	if err != nil {
		return problem(fail("encode the widget's event", err))
	}
	result, err := l.stack.Lambda.Call(ctx, l.statusARN, payload)
	if err != nil {
		return problem(fail("call the widget", err))
	}
	if result.FunctionError {
		return problem("The widget's function failed: " + result.ErrorMessage)
	}
	var text string
	if err := json.Unmarshal(result.Payload, &text); err != nil {
		return problem(fail("read the widget's answer", err))
	}
	return l.embed(text)
}

// widgetContext is what the console tells a widget about itself ("Details about
// custom widgets", CloudWatch user guide).
func (l *Local) widgetContext(forms map[string]string, dark bool) map[string]any {
	theme := "light"
	if dark {
		theme = "dark"
	}
	if forms == nil {
		forms = map[string]string{}
	}
	now := l.now()
	_, offset := now.Zone()
	return map[string]any{
		"dashboardName": "local", "widgetId": "status", "domain": "http://127.0.0.1", "accountId": "123456789012", "locale": "en",
		"timezone":  map[string]any{"label": "Local", "offsetISO": now.Format("-07:00"), "offsetInMinutes": -offset / 60},
		"theme":     theme,
		"title":     "Exports",
		"period":    300,
		"timeRange": map[string]any{"mode": "relative", "start": now.Add(-3 * time.Hour).UnixMilli(), "end": now.UnixMilli(), "relativeStart": 10800000},
		"forms":     map[string]any{"all": forms},
		"params":    map[string]any{},
	}
}

// problem is shown in the place of a widget.
func problem(text string) template.HTML {
	return template.HTML(`<p class="bad">` + html.EscapeString(text) + `</p>`)
}

// embed makes a widget's HTML part of the page: scripts are taken out, and each
// cwdb-action becomes a button.
func (l *Local) embed(text string) template.HTML {
	root, err := parse(text)
	if err != nil {
		return problem(err.Error())
	}
	w := writer{endpoint: l.statusARN}
	w.all(root.kids)
	return template.HTML(w.b.String())
}

// writer writes the nodes of a widget for the page.
type writer struct {
	b        strings.Builder
	endpoint string // the one function that may be called
}

// all writes nodes. An action belongs to the element before it.
func (w *writer) all(nodes []*node) {
	for i := 0; i < len(nodes); i++ {
		n := nodes[i]
		next := i + 1
		for next < len(nodes) && nodes[next].isSpace() {
			next++
		}
		if n.name != "" && next < len(nodes) && nodes[next].name == "cwdb-action" {
			w.action(n, nodes[next])
			i = next
			continue
		}
		w.node(n)
	}
}

func (w *writer) node(n *node) {
	switch {
	case n.name == "":
		w.b.WriteString(html.EscapeString(n.text))
	case slices.Contains(left, n.name), n.name == "cwdb-action":
	case n.name == "style":
		w.style(n)
	case n.name == "form": // the page puts one around the widget
		w.all(n.kids)
	default:
		w.element(n)
	}
}

// style writes a style sheet, which is not escaped: one that would end early is
// left out.
func (w *writer) style(n *node) {
	if css := n.allText(); !strings.Contains(css, "<") {
		w.b.WriteString("<style>" + css + "</style>")
	}
}

func (w *writer) element(n *node) {
	attrs := n.safe()
	if n.name == "a" {
		attrs = toPage(attrs)
	}
	writeTag(&w.b, n.name, attrs)
	if slices.Contains(void, n.name) {
		return
	}
	w.all(n.kids)
	w.b.WriteString("</" + n.name + ">")
}

// action writes the element that an action belongs to as something to click.
func (w *writer) action(on, action *node) {
	switch action.attr("action") {
	case "html":
		w.fold(on, "popup", func() { w.all(action.kids) })
	case "call":
		if action.attr("endpoint") != w.endpoint {
			w.node(on)
			return
		}
		params := strings.TrimSpace(action.allText())
		if params == "" {
			params = "{}"
		}
		confirm := action.attr("confirmation")
		if confirm == "" {
			w.button(params, func() { w.all(on.kids) })
			return
		}
		w.fold(on, "ask", func() {
			w.b.WriteString("<p>" + html.EscapeString(confirm) + "</p>")
			w.button(params, func() { w.b.WriteString("Yes") })
		})
	default:
		w.node(on)
	}
}

// fold writes what opens by a click on an element.
func (w *writer) fold(on *node, class string, inside func()) {
	w.b.WriteString(`<details class="` + class + `"><summary class="btn">`)
	w.all(on.kids)
	w.b.WriteString(`</summary><div class="over">`)
	inside()
	w.b.WriteString(`</div></details>`)
}

// button writes a button that calls the widget.
func (w *writer) button(params string, label func()) {
	writeTag(&w.b, "button", []xml.Attr{
		{Name: xml.Name{Local: "class"}, Value: "btn"},
		{Name: xml.Name{Local: "name"}, Value: callField},
		{Name: xml.Name{Local: "value"}, Value: params},
	})
	label()
	w.b.WriteString("</button>")
}

// toPage leads links into the AWS console to the page's own panels.
func toPage(attrs []xml.Attr) []xml.Attr {
	i := slices.IndexFunc(attrs, func(a xml.Attr) bool { return a.Name.Local == "href" })
	if i < 0 {
		return attrs
	}
	panel := panelOf(attrs[i].Value)
	if panel == attrs[i].Value {
		return attrs
	}
	attrs[i].Value = panel
	return slices.DeleteFunc(attrs, func(a xml.Attr) bool { return a.Name.Local == "target" })
}
