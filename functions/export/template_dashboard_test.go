package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/emf"
)

// widget is one of a dashboard, as far as the tests look at it.
type widget struct {
	Type       string
	Width      int
	Height     int
	Properties struct {
		Title    string
		Region   string
		Endpoint string
		Query    string
		Markdown string
		Metrics  [][]struct{ Expression, Label string }
	}
}

// widgets answers those of the stack's dashboard.
func (s stack) widgets(t *testing.T) []widget {
	t.Helper()
	body := s.properties(t, "ExportDashboard")["DashboardBody"].(string)
	var d struct{ Widgets []widget }
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatalf("the dashboard is not JSON: %v\n%s", err, body)
	}
	return d.Widgets
}

// dashboards are the values that change what is in the dashboard.
func dashboards() map[string]map[string]any {
	all := maps.Clone(groupElsewhere)
	all["defaults"] = nil
	all["a log group that exists"] = map[string]any{"CreateLogGroup": "false"}
	return all
}

func TestTemplateDashboardLayout(t *testing.T) {
	for why, values := range dashboards() {
		s := newStack(t, values)
		// Widgets have no place of their own, so each row has to be filled by
		// some of equal height.
		row := []widget{}
		for _, w := range s.widgets(t) {
			row = append(row, w)
			width := 0
			for _, r := range row {
				width += r.Width
				if r.Height != row[0].Height {
					t.Errorf("%s: %s is not as high as its row", why, r.Properties.Title)
				}
			}
			if width > 24 {
				t.Errorf("%s: %s does not fit into its row", why, w.Properties.Title)
			}
			if width == 24 {
				row = nil
			}
			if (w.Type == "metric" || w.Type == "log") && w.Properties.Region != "eu-central-1" {
				t.Errorf("%s: %s is of region %q", why, w.Properties.Title, w.Properties.Region)
			}
		}
		if len(row) > 0 {
			t.Errorf("%s: the last row is not full", why)
		}
	}
	if newStack(t, map[string]any{"Dashboard": "false"}).resource("ExportDashboard") != nil {
		t.Error("Dashboard=false makes a dashboard")
	}
}

// search is a search expression for one metric of every tenant.
var search = regexp.MustCompile(`^SEARCH\('\{(\w+),(\w+)\} MetricName="(\w+)"', '(Sum|Minimum|Maximum)', (60|300|3600)\)$`)

// TestTemplateDashboardMetrics checks that the graphs show each metric that the
// code emits, and no other.
func TestTemplateDashboardMetrics(t *testing.T) {
	var shown []string
	for _, w := range newStack(t, nil).widgets(t) {
		for _, line := range w.Properties.Metrics {
			m := search.FindStringSubmatch(line[0].Expression)
			if m == nil || m[1] != emf.Namespace || m[2] != emf.Dimension {
				t.Errorf("%s: not a search for one metric of ours by tenant: %s", w.Properties.Title, line[0].Expression)
				continue
			}
			shown = append(shown, m[3])
			if !strings.HasPrefix(line[0].Label, "${PROP('Dim."+emf.Dimension+"')}") {
				t.Errorf("%s: the label %q does not name the tenant", w.Properties.Title, line[0].Label)
			}
		}
	}
	want := emitted()
	slices.Sort(want)
	slices.Sort(shown)
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("metrics (-emitted +shown):\n%s", diff)
	}
}

var source = regexp.MustCompile(`^SOURCE '([^']+)' \| (.*)$`)

// TestTemplateDashboardTables checks the widgets that query logs: their log group,
// and that the fields they name exist.
func TestTemplateDashboardTables(t *testing.T) {
	types := map[string][]string{"Failed logins": failedLogins, "Attack protection": attackProtection, "Events by type": nil, "Last runs": nil}
	for why, values := range dashboards() {
		group := "<TenantLogGroup>"
		if values["CreateLogGroup"] == "false" {
			group = "/auth0/logs"
		}
		var got []string
		for _, w := range newStack(t, values).widgets(t) {
			if w.Type != "log" {
				continue
			}
			title := w.Properties.Title
			got = append(got, title)
			m := source.FindStringSubmatch(w.Properties.Query)
			if m == nil {
				t.Errorf("%s: %s has no log group: %s", why, title, w.Properties.Query)
				continue
			}
			documents, from := documentsOf(shapes(t), types[title]), group
			if title == "Last runs" {
				documents, from = reports(t), "<ExportFunctionLogGroup>"
			}
			if m[1] != from {
				t.Errorf("%s: %s asks the log group %s, want %s", why, title, m[1], from)
			}
			if diff := cmp.Diff(types[title], selectedTypes(m[2])); diff != "" {
				t.Errorf("%s: %s: types (-want +got):\n%s", why, title, diff)
			}
			checkFields(t, title, m[2], documents)
		}
		want := []string{"Last runs"}
		if groupElsewhere[why] == nil {
			want = slices.Sorted(maps.Keys(types))
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: tables (-want +got):\n%s", why, diff)
		}
	}
}

// TestTemplateTablesOfRunsTellTheAction: replays and verifications leave reports
// of the same form in the same log.
func TestTemplateTablesOfRunsTellTheAction(t *testing.T) {
	s := newStack(t, nil)
	queries := map[string]string{"A tenant's last runs": s.properties(t, "LastRunsQuery")["QueryString"].(string)}
	for _, w := range s.widgets(t) {
		if w.Properties.Title == "Last runs" {
			queries[w.Properties.Title] = w.Properties.Query
		}
	}
	if len(queries) != 2 {
		t.Errorf("found %d tables of runs, want 2", len(queries))
	}
	for name, text := range queries {
		if !slices.Contains(queryFields(text), "report.action") {
			t.Errorf("%s does not tell the action: %s", name, text)
		}
	}
}
