package widget

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/export"
)

func TestActs(t *testing.T) {
	const logID = "90020261123100030000000000000000000000000000000000000007"
	form := func(name, value string) map[string]any {
		return map[string]any{"forms": map[string]any{"all": map[string]any{name: value, "other": 7}}}
	}
	tests := []struct {
		name    string
		root    map[string]any
		context map[string]any
		change  func(*world)
		// did is what is to be done, nil for nothing; said is a part of the answer.
		did  []string
		said string
	}{
		{name: "nothing"},
		{name: "switch off", root: map[string]any{"do": "switch-off", "rule": "acme-export"}, did: []string{"switch acme-export false"}, said: "The rule acme-export is off."},
		{name: "switch on", root: map[string]any{"do": "switch-on", "rule": "acme-export"}, did: []string{"switch acme-export true"}, said: "The rule acme-export is on."},
		{name: "another's rule", root: map[string]any{"do": "switch-off", "rule": "payroll"}, said: "No rule &#34;payroll&#34; invokes the export function."},
		{name: "no rule", root: map[string]any{"do": "switch-off"}, said: "No rule &#34;&#34; invokes"},
		{name: "reschedule", root: map[string]any{"do": "reschedule", "rule": "acme-export", "tenant": "acme"}, context: form("schedule/acme-export/acme", " rate(10 minutes) "), did: []string{"reschedule acme-export rate(10 minutes)"}, said: "The rule acme-export runs every 10 minutes."},
		{name: "reschedule to nonsense", root: map[string]any{"do": "reschedule", "rule": "acme-export", "tenant": "acme"}, context: form("schedule/acme-export/acme", "hourly"), said: "The new schedule is not understood"},
		{name: "reschedule without a form", root: map[string]any{"do": "reschedule", "rule": "acme-export", "tenant": "acme"}, said: "The new schedule is not understood"},
		{name: "reschedule by the field with another tenant", root: map[string]any{"do": "reschedule", "rule": "acme-export", "tenant": "acme"}, context: form("schedule/acme-export/other", "rate(1 minute)"), said: "Nothing was done."},
		{name: "run", root: map[string]any{"do": "run", "tenant": "acme"}, did: []string{"start acme"}, said: "A run of acme was started"},
		{name: "run of a tenant without a rule", root: map[string]any{"do": "run", "tenant": "other"}, said: "No rule exports a tenant &#34;other&#34;."},
		{name: "run of no tenant", root: map[string]any{"do": "run"}, change: func(w *world) { w.rules[0].Tenants = nil }, said: "No rule exports a tenant"},
		{name: "replay from a run", root: map[string]any{"do": "replay", "tenant": "acme", "from": logID}, context: form("replay/acme", "2026-01-01"), did: []string{"put acme CHECKPOINT " + logID}, said: "the next run exports from there"},
		{name: "replay from a time", root: map[string]any{"do": "replay", "tenant": "acme"}, context: form("replay/acme", " 2026-11-23T09:00:00Z\n"), did: []string{"put acme CHECKPOINT 2026-11-23T09:00:00Z"}},
		{name: "replay from a date", root: map[string]any{"do": "replay", "tenant": "acme"}, context: form("replay/acme", "2026-11-22"), did: []string{"put acme CHECKPOINT 2026-11-22"}},
		{name: "replay from clocks apart", root: map[string]any{"do": "replay", "tenant": "acme", "from": "2026-11-23T10:06:00Z"}, did: []string{"put acme CHECKPOINT 2026-11-23T10:06:00Z"}},
		{name: "replay from the future", root: map[string]any{"do": "replay", "tenant": "acme", "from": "2026-11-23T10:08:00Z"}, said: "2026-11-23T10:08:00Z lies in the future."},
		{name: "replay from nowhere", root: map[string]any{"do": "replay", "tenant": "acme"}, said: "Say where to start"},
		{name: "replay from nonsense", root: map[string]any{"do": "replay", "tenant": "acme", "from": "yesterday"}, said: "The start is not understood"},
		{name: "replay of a tenant without a rule", root: map[string]any{"do": "replay", "tenant": "../x", "from": "2026-11-22"}, said: "No rule exports a tenant"},
		{name: "unknown", root: map[string]any{"do": "explode", "tenant": "acme"}, said: "&#34;explode&#34; is nothing that this widget does."},
		{
			name: "put on the dashboard, not clicked", root: map[string]any{"do": "run", "tenant": "acme"},
			context: map[string]any{"params": map[string]any{"do": "run", "tenant": "acme"}}, said: "would act at each refresh",
		},
		{
			name: "put on the dashboard in another case", root: map[string]any{"Do": "run", "tenant": "acme"},
			context: map[string]any{"params": map[string]any{"Do": "run", "tenant": "acme"}}, said: "would act at each refresh",
		},
		{
			name: "rules that cannot be read", root: map[string]any{"do": "run", "tenant": "acme"},
			change: func(w *world) { w.rulesErr = &export.Error{Text: "No answer."} }, said: "Nothing was done. The rules cannot be read: No answer.",
		},
		{
			name: "refused by the service", root: map[string]any{"do": "run", "tenant": "acme"},
			change: func(w *world) { w.putErr = &export.Error{Text: "You may not.", Fix: "ask."} },
			did:    []string{"start acme"}, said: "Nothing was done. You may not. Fix: ask.",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := acme()
			if test.change != nil {
				test.change(w)
			}
			html := answer(t, w.widget(true), event(test.root, test.context))
			if diff := cmp.Diff(test.did, w.did); diff != "" {
				t.Errorf("done (-want +got):\n%s", diff)
			}
			if asked := len(test.root) > 0; asked != strings.Contains(w.log.String(), "do=") {
				t.Errorf("log: %s", w.log.String())
			}
			if !strings.Contains(html, test.said) {
				t.Errorf("the page does not say %q: %s", test.said, between(html, `<div class="a0cw`, "<form>"))
			}
		})
	}
}

// TestReadOnly: no act is shown, and each is refused.
func TestReadOnly(t *testing.T) {
	for _, do := range []string{doSwitchOn, doSwitchOff, doReschedule, doRun, doReplay, "explode"} {
		w := acme()
		html := answer(t, w.widget(false), event(map[string]any{"do": do, "rule": "acme-export", "tenant": "acme", "from": "2026-11-22"}, nil))
		if len(w.did) > 0 {
			t.Errorf("%s: %q was done", do, w.did)
		}
		if !strings.Contains(html, "Nothing was done. This widget is read-only.") {
			t.Errorf("%s: the refusal is not told", do)
		}
		if strings.Contains(html, "&#34;do&#34;") || strings.Contains(html, "<input") || strings.Contains(html, "confirmation") {
			t.Errorf("%s: an act is shown", do)
		}
	}
}

// TestEachActAsksFirst: no button acts without a confirmation, and those that
// only change the view ask for none.
func TestEachActAsksFirst(t *testing.T) {
	html := answer(t, acme().widget(true), event(nil, nil))
	calls := 0
	for _, c := range strings.Split(html, "<cwdb-action ")[1:] {
		head, rest, _ := strings.Cut(c, ">")
		params, _, _ := strings.Cut(rest, "</cwdb-action>")
		if !strings.Contains(head, `action="call"`) {
			continue
		}
		calls++
		if acts := strings.Contains(params, "&#34;do&#34;"); acts != strings.Contains(head, `confirmation="`) {
			t.Errorf("%s>%s", head, params)
		}
	}
	if calls < 20 {
		t.Errorf("only %d calls", calls)
	}
}

func TestSwitchedRuleIsShownAsItIsNow(t *testing.T) {
	w := acme()
	html := answer(t, w.widget(true), event(map[string]any{"do": "switch-off", "rule": "acme-export"}, nil))
	if !strings.Contains(html, `<span class="pill off">off</span>`) {
		t.Error("the rule is shown as it was before")
	}
}

func TestSwitchingARuleOfTwoTenantsTellsBoth(t *testing.T) {
	w := acme()
	w.rules[0].Tenants = []string{"acme", "other"}
	if html := answer(t, w.widget(true), event(nil, nil)); strings.Count(html, "Switch off the rule acme-export, which exports acme, other?") != 2 {
		t.Error("the confirmation does not name the tenants")
	}
}

func TestSentence(t *testing.T) {
	for want, err := range map[string]error{
		"Broken.":            &export.Error{Text: "Broken."},
		"Broken. Fix: mend.": &export.Error{Text: "Broken.", Fix: "mend."},
		"odd":                errors.New("odd"),
	} {
		if got := sentence(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// between is the part of s between two marks.
func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}
