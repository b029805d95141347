package widget

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/schedule"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// hostile are texts that would be markup, end an attribute, end what stands in
// an element, or run, if they were not escaped.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</cwdb-action><cwdb-action action="call" endpoint="x">`,
	`' onmouseover='alert(1)`, `</style><b>`, `javascript:alert(1)`, `{{.}}`, `</svg><iframe>`, `&lt;script&gt;`, "\u2028\x00<",
}

// tagPattern finds the tags of a page, and attributePattern a tag's attributes.
var (
	tagPattern       = regexp.MustCompile(`<(/?[a-zA-Z][a-zA-Z0-9-]*)([^<>]*)>`)
	attributePattern = regexp.MustCompile(`([a-zA-Z-]+)="[^"]*"`)
	handlerPattern   = regexp.MustCompile(`(?i)\son[a-z]+=`)
)

// shape is the page's tags and their attributes' names.
func shape(html string) string {
	var b strings.Builder
	for _, tag := range tagPattern.FindAllStringSubmatch(html, -1) {
		b.WriteString(tag[1])
		for _, attribute := range attributePattern.FindAllStringSubmatch(tag[2], -1) {
			b.WriteString(" " + attribute[1])
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestHostileTexts puts them wherever a text from elsewhere is shown: the page
// has the very tags that it has with harmless ones.
func TestHostileTexts(t *testing.T) {
	want := shape(answer(t, infected("harmless").widget(true), event(map[string]any{"do": "harmless", "only": "harmless"}, nil)))
	if strings.Count(want, "\n") < 100 {
		t.Fatalf("a page of few tags: %s", want)
	}
	for _, text := range hostile {
		html := answer(t, infected(text).widget(true), event(map[string]any{"do": text, "only": text}, nil))
		if got := shape(html); got != want {
			t.Errorf("%s: the page has other tags", text)
		}
		for _, mark := range []string{"<script", "<img", "<iframe", "<b>alert", `href="javascript:`, "onmouseover='"} {
			if strings.Contains(html, mark) {
				t.Errorf("%s: %s is in the page", text, mark)
			}
		}
	}
}

// infected is a world in which everything is called the same.
func infected(text string) *world {
	runs := past(text, 8)
	for i := range runs.All {
		r := &runs.All[i]
		r.Error = &export.Error{Kind: export.Kind(text), Text: text, Fix: text}
		r.From, r.To, r.Stream, r.Version = tenantlog.ID(text), tenantlog.ID(text), text, text
		r.Skipped, r.UnknownTypes, r.Warnings, r.Outcome = text, []string{text}, []string{text}, export.Outcome(text)
	}
	record, _ := json.Marshal(export.RunRecord{
		Claim: export.Claim{Format: 1, Expects: 1}, Target: export.Target{Group: text, Stream: text},
		Checkpoint: export.WrittenCheckpoint{Value: "x", Version: 0},
	})
	return &world{
		rules: []schedule.Rule{
			{Name: text, Expression: text, Enabled: true, Tenants: []string{text}},
			{Name: text, Expression: "rate(1 hour)", ManagedBy: text, Tenants: []string{text}, Unread: []string{text}},
		},
		runsErr: &export.Error{Text: text, Fix: text},
		history: History{Tenants: map[string]TenantRuns{text: runs}},
		params: map[string]map[string]export.Parameter{text: {
			"RUN": parameter(string(record), 1), "CHECKPOINT": parameter(text, 1),
		}},
	}
}

// TestNothingThatIsStripped: the console takes scripts, frames and <use> out.
func TestNothingThatIsStripped(t *testing.T) {
	html := answer(t, acme().widget(true), event(nil, nil))
	for _, tag := range tagPattern.FindAllStringSubmatch(html, -1) {
		switch name := strings.ToLower(tag[1]); name {
		case "script", "iframe", "use", "object", "embed", "link", "meta":
			t.Errorf("the page has <%s>", name)
		}
		if handlerPattern.MatchString(tag[0]) {
			t.Errorf("the page has a script: %s", tag[0])
		}
	}
}

// TestCallsCarryJSON: what the console passes on is the content of each
// cwdb-action, which must be JSON in the text of the page as in its source.
func TestCallsCarryJSON(t *testing.T) {
	html := answer(t, infected("</cwdb-action>&<\">").widget(true), event(nil, nil))
	for _, c := range strings.Split(html, `<cwdb-action action="call"`)[1:] {
		params, _, _ := strings.Cut(c[strings.Index(c, ">")+1:], "</cwdb-action>")
		if strings.ContainsAny(strings.ReplaceAll(params, "&#34;", ""), "&<>") {
			t.Errorf("%s is not the same as text and as source", params)
		}
		var v struct {
			wish
			view
		}
		if err := json.Unmarshal([]byte(strings.ReplaceAll(params, "&#34;", `"`)), &v); err != nil {
			t.Errorf("%s: %v", params, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	w := &world{rulesErr: &export.Error{Text: "not to be asked"}}
	got := answer(t, w.widget(true), []byte(`{"describe":true,"do":"run","tenant":"acme"}`))
	if !strings.Contains(got, "```yaml\nshow: all\n```") || strings.Contains(got, "<div") {
		t.Errorf("description: %s", got)
	}
	if len(w.did) > 0 {
		t.Errorf("%q was done", w.did)
	}
}

func TestParseRequest(t *testing.T) {
	for _, e := range []string{``, `null`, `[]`, `"x"`, `{`, `7`, `{"do":7}`, `{"widgetContext":[]}`} {
		if r, err := parseRequest([]byte(e)); err == nil {
			t.Errorf("event %s: %+v, want an error", e, r)
		}
	}
	r, err := parseRequest([]byte(`{"whatever":[1],"widgetContext":{"theme":"dark","forms":{"all":{"a":"b","c":["d"],"e":null}},"params":7,"timezone":{"offsetISO":"-03:30"}}}`))
	if err != nil || !r.dark || r.configured || len(r.forms) != 2 || r.forms["a"] != "b" || r.zone.String() != "UTC-03:30" {
		t.Errorf("request %+v, %v", r, err)
	}
	if at := now.In(r.zone).Format(time.Kitchen); at != "6:32AM" {
		t.Errorf("%s in %s", at, r.zone)
	}
	for _, e := range []string{`{}`, `{"widgetContext":null}`, `{"widgetContext":{"forms":null,"timezone":{"offsetISO":"Mars"}}}`} {
		if r, err := parseRequest([]byte(e)); err != nil || r.zone != time.UTC || r.wish != (wish{}) {
			t.Errorf("event %s: %+v, %v", e, r, err)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add(event(map[string]any{"do": "run", "tenant": "acme"}, map[string]any{"theme": "dark"}))
	f.Add([]byte(`{"describe":true}`))
	f.Fuzz(func(t *testing.T, e []byte) {
		r, err := parseRequest(e)
		if err != nil || r.describe {
			return
		}
		if r.zone == nil || r.forms == nil {
			t.Errorf("%s: %+v", e, r)
		}
	})
}

func TestCheckpointAndClaim(t *testing.T) {
	record := func(change func(*export.RunRecord)) export.Parameter {
		r := export.RunRecord{Claim: export.Claim{Format: 1, Expects: 7}, Position: id(now), Checkpoint: export.WrittenCheckpoint{Value: string(id(now)), Version: 3}}
		change(&r)
		return parameter(string(must(json.Marshal(r))), 7)
	}
	same := func(*export.RunRecord) {}
	tests := []struct {
		name string
		set  map[string]export.Parameter
		want []string // parts of the page
		not  []string
	}{
		{"as we wrote it", map[string]export.Parameter{"RUN": record(same), "CHECKPOINT": parameter(string(id(now)), 3)}, []string{string(id(now))}, []string{"was edited", "At work"}},
		{"edited", map[string]export.Parameter{"RUN": record(same), "CHECKPOINT": parameter("2026-11-20", 4)}, []string{"CHECKPOINT was edited", "2026-11-20 00:00:00, 3 d 10 h ago"}, nil},
		{"edited to nonsense", map[string]export.Parameter{"RUN": record(same), "CHECKPOINT": parameter("yesterday", 4)}, []string{"no run can start here"}, nil},
		{"none", nil, []string{"<dt>Checkpoint</dt><dd>none yet</dd>"}, []string{"was edited"}},
		{"at work", map[string]export.Parameter{"RUN": record(func(r *export.RunRecord) { r.Owner, r.Until = "x", now.Add(5*time.Minute) })}, []string{"<dt>At work</dt><dd>a run <small>until 2026-11-23 10:07:30"}, nil},
		{"a claim that has ended", map[string]export.Parameter{"RUN": record(func(r *export.RunRecord) { r.Owner, r.Until = "x", now.Add(-time.Second) })}, nil, []string{"At work"}},
		{"a claim too long to believe", map[string]export.Parameter{"RUN": record(func(r *export.RunRecord) { r.Owner, r.Until = "x", now.Add(time.Hour) })}, nil, []string{"At work"}},
		{"last run known from RUN alone", map[string]export.Parameter{"RUN": record(func(r *export.RunRecord) {
			r.Last = &export.LastRun{Outcome: export.Failed, Error: &export.Error{Text: "Broken."}, Started: now.Add(-time.Minute), Ended: now.Add(-30 * time.Second)}
		})}, []string{"<p class=\"failure\">Broken.<br><b>Fix:</b> none but to wait", "30 s ago"}, nil},
		{"a void record", map[string]export.Parameter{
			"RUN":   record(func(r *export.RunRecord) { r.Expects, r.Target.Group = 6, "void" }),
			"RUN:6": {Value: string(must(json.Marshal(export.RunRecord{Claim: export.Claim{Format: 1, Expects: 6}, Target: export.Target{Group: "valid"}}))), Version: 6},
		}, []string{"log-group/valid"}, []string{"log-group/void"}},
		{"a record of another form", map[string]export.Parameter{
			"RUN":   record(func(r *export.RunRecord) { r.Format, r.Target.Group = 2, "newer" }),
			"RUN:6": {Value: string(must(json.Marshal(export.RunRecord{Claim: export.Claim{Format: 1, Expects: 6}, Target: export.Target{Group: "valid"}}))), Version: 6},
		}, []string{"log-group/valid"}, []string{"log-group/newer"}},
		{"nonsense", map[string]export.Parameter{"RUN": parameter("{", 1)}, nil, []string{"cannot be shown"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := acme()
			w.params["acme"] = test.set
			w.history = History{Since: now}
			html := answer(t, w.widget(false), event(nil, nil))
			for _, part := range test.want {
				if !strings.Contains(html, part) {
					t.Errorf("the page lacks %q", part)
				}
			}
			for _, part := range test.not {
				if strings.Contains(html, part) {
					t.Errorf("the page has %q", part)
				}
			}
		})
	}
}

// TestStaleRead: CHECKPOINT may be read older than RUN says that it is, and is
// then no edit.
func TestStaleRead(t *testing.T) {
	w := acme()
	w.params["acme"]["CHECKPOINT"] = parameter("90020261123090000000000000000000000000000000000000000007", 39)
	if strings.Contains(answer(t, w.widget(false), event(nil, nil)), "was edited") {
		t.Error("an older version is taken for an edit")
	}
}

func TestLastRunIsTheNewerOfTwo(t *testing.T) {
	runs := past("acme", 1)
	for _, row := range []struct {
		ended time.Time
		want  export.Outcome
	}{
		{runs.All[0].Ended.Add(-time.Minute), export.OK},
		{runs.All[0].Ended, export.OK}, // the same run, of which the report says more
		{runs.All[0].Ended.Add(time.Minute), export.Failed},
	} {
		record := &export.RunRecord{Last: &export.LastRun{Outcome: export.Failed, Ended: row.ended}}
		last, ran := tenant{name: "acme", state: state{record: record}, runs: runs}.last()
		if !ran || last.Outcome != row.want {
			t.Errorf("RUN's ended at %s: %s, want %s", row.ended, last.Outcome, row.want)
		}
	}
	if _, ran := (tenant{}).last(); ran {
		t.Error("a run of a tenant without any")
	}
}

func TestTenantThatCannotBe(t *testing.T) {
	w := acme()
	w.nameErr = errors.New("no such tenant can be")
	html := answer(t, w.widget(true), event(map[string]any{"do": "replay", "tenant": "acme", "from": "2026-11-22"}, nil))
	if !strings.Contains(html, "Nothing was done. no such tenant can be") || !strings.Contains(html, "cannot be shown <small>no such tenant can be") || w.did != nil {
		t.Errorf("%q was done, and the page is %s", w.did, html)
	}
}

func TestScheduleAgainstTheAlarm(t *testing.T) {
	tests := []struct {
		name    string
		rules   []schedule.Rule
		silence time.Duration
		want    string // the longest pause, "" for no warning
	}{
		{"well within", []schedule.Rule{{Expression: "rate(5 minutes)", Enabled: true}}, 15 * time.Minute, ""},
		{"as long as the alarm's", []schedule.Rule{{Expression: "rate(15 minutes)", Enabled: true}}, 15 * time.Minute, "15 min"},
		{"hourly", []schedule.Rule{{Expression: "rate(1 hour)", Enabled: true}}, 15 * time.Minute, "1 h"},
		{"no alarm", []schedule.Rule{{Expression: "rate(1 hour)", Enabled: true}}, 0, ""},
		{"nights", []schedule.Rule{{Expression: "cron(0/5 8-17 * * ? *)", Enabled: true}}, time.Hour, "14 h 5 min"},
		{"weekends", []schedule.Rule{{Expression: "cron(0 * ? * MON-FRI *)", Enabled: true}}, 24 * time.Hour, "2 d 1 h"},
		{"two rules together", []schedule.Rule{{Expression: "cron(0/20 * * * ? *)", Enabled: true}, {Expression: "cron(10/20 * * * ? *)", Enabled: true}}, 15 * time.Minute, ""},
		{"one of two is off", []schedule.Rule{{Expression: "cron(0/20 * * * ? *)", Enabled: true}, {Expression: "cron(10/20 * * * ? *)"}}, 15 * time.Minute, "20 min"},
		{"off", []schedule.Rule{{Expression: "rate(1 hour)"}}, 15 * time.Minute, ""},
		{"not understood", []schedule.Rule{{Expression: "rate(x)", Enabled: true}}, 15 * time.Minute, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := painter{Widget: &Widget{Options{MaxSilence: test.silence}}, now: now, pauses: make(map[string]time.Duration)}
			for range 2 { // the second from memory
				got := ""
				if pause := p.tooLong(ticksOf(test.rules)); pause > 0 {
					got = span(pause)
				}
				if got != test.want {
					t.Errorf("pause %q, want %q", got, test.want)
				}
			}
		})
	}
}

func BenchmarkLongestPauseEachMinute(b *testing.B) {
	t := ticksOf([]schedule.Rule{{Expression: "cron(* * * * ? *)", Enabled: true}})
	for b.Loop() {
		t.longestPause(now)
	}
}

func TestFirstLook(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"rate(5 minutes)": 105 * time.Minute, "rate(1 minute)": leastLook, "rate(1 day)": mostLook, "": usualLook, "rate(x)": usualLook,
	} {
		if got := acme().widget(false).firstLook([]schedule.Rule{{Expression: text}}); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	rules := []schedule.Rule{{Expression: "cron(0 3 * * ? *)"}, {Expression: "rate(10 minutes)"}}
	if got := acme().widget(false).firstLook(rules); got != 210*time.Minute {
		t.Errorf("of two rules: %s", got)
	}
}

// TestAnswerThatFits: Lambda takes no larger answer than 6 MB, as JSON. Where
// the runs would take more, they are shown for one tenant at a time.
func TestAnswerThatFits(t *testing.T) {
	w := acme()
	w.rules, w.history.Tenants = nil, make(map[string]TenantRuns)
	for i := range opened {
		name := fmt.Sprint("tenant-", i)
		w.rules = append(w.rules, schedule.Rule{Name: name, Expression: "rate(1 minute)", Enabled: true, Tenants: []string{name}})
		runs := past(name, Kept)
		for j := range runs.All {
			// As long as a report in the log may be, of what HTML writes longest.
			runs.All[j].Error = &export.Error{Text: strings.Repeat(`"`, 4000), Fix: strings.Repeat(`"`, 4000)}
			runs.All[j].Warnings = slices.Repeat([]string{strings.Repeat(`"`, 256)}, 50)
		}
		w.history.Tenants[name] = runs
	}
	const limit = 6 << 20
	all := answer(t, w.widget(true), event(nil, nil))
	if n := len(must(json.Marshal(all))); n > limit {
		t.Errorf("all tenants take %d bytes", n)
	}
	if n := strings.Count(all, ">Show runs</a>"); n != opened {
		t.Errorf("%d tenants can be opened, want %d", n, opened)
	}
	one := answer(t, w.widget(true), event(map[string]any{"only": "tenant-3"}, nil))
	if n := len(must(json.Marshal(one))); n > limit || strings.Count(one, "<td>") < Kept {
		t.Errorf("one tenant takes %d bytes, with its runs", n)
	}
}

// TestRunsNote: a list that is shorter than it might be says so.
func TestRunsNote(t *testing.T) {
	const looked = "Runs before 2026-11-23 08:02:30 were not looked for."
	for _, test := range []struct {
		name    string
		runs    int
		since   time.Duration // ago
		root    map[string]any
		err     error
		want    string
		silence bool // about from when on runs were looked for
	}{
		{name: "as many as are kept", runs: Kept, since: 2 * time.Hour, silence: true},
		{name: "fewer", runs: 2, since: 2 * time.Hour, want: looked},
		{name: "fewer, and no more there are", runs: 2, since: farBack, silence: true},
		{name: "none", since: 2 * time.Hour, want: "No run was found. " + looked},
		{name: "none that failed", runs: 2, since: 2 * time.Hour, root: map[string]any{"show": "failed"}, want: "No failed run was found. " + looked},
		{name: "no answer", since: 2 * time.Hour, err: errPages, want: "No run can be shown.", silence: true}, // the note above says why
	} {
		w := acme()
		w.history = History{Tenants: map[string]TenantRuns{"acme": past("acme", test.runs)}, Since: now.Add(-test.since)}
		w.runsErr = test.err
		html := answer(t, w.widget(true), event(test.root, nil))
		if !strings.Contains(html, test.want) {
			t.Errorf("%s: the page lacks %q", test.name, test.want)
		}
		if test.silence == strings.Contains(html, "were not looked for") {
			t.Errorf("%s: the page says from when on runs were looked for: %v", test.name, !test.silence)
		}
	}
}
