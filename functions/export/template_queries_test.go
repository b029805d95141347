package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/emf"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// shapes are documents of real form, one or more of many types (see
// pkg/devstack/auth0).
func shapes(t *testing.T) []map[string]any {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, "pkg/devstack/auth0/shapes/*.ndjson"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no shapes: %v", err)
	}
	var out []map[string]any
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(data) {
			out = append(out, object(t, line))
		}
	}
	return out
}

func object(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}

// field answers what Logs Insights and metric filters find under a path of keys.
func field(document map[string]any, path string) (value any, found bool) {
	key, rest, more := strings.Cut(path, ".")
	value, found = document[key]
	if !more || !found {
		return value, found
	}
	inner, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	return field(inner, rest)
}

// typesNamed answers the codes of the type table whose names start so.
func typesNamed(prefixes ...string) []string {
	var codes []string
	for _, code := range tenantlog.TypeCodes() {
		row, _ := tenantlog.LookupType(code)
		for _, p := range prefixes {
			if strings.HasPrefix(row.Name, p) {
				codes = append(codes, code)
			}
		}
	}
	slices.Sort(codes)
	return codes
}

var (
	failedLogins     = typesNamed("Failed Login")
	attackProtection = typesNamed("Blocked ", "Breached ")
	apiLimits        = typesNamed("Rate Limit ", "Too Many Calls ")
)

// groupElsewhere holds values with which the stack cannot work on the
// log group.
var groupElsewhere = map[string]map[string]any{
	"another account":       {"CloudwatchRoleArn": roleARN, "CreateLogGroup": "false"},
	"another region":        {"AwsRegion": "us-east-1", "CreateLogGroup": "false"},
	"a group for a tenant":  {"CloudwatchLogGroupName": "/auth0/{tenant}", "CreateLogGroup": "false"},
	"a group for each date": {"CloudwatchLogGroupName": "/auth0/{date}", "CreateLogGroup": "false"},
}

// pattern is a metric filter's pattern: it selects the documents in which one of
// the fields has its value.
type pattern []struct{ path, value string }

var equality = regexp.MustCompile(`^\(\$\.([\w.]+) = "([^"*]*)"\)$`)

// parsePattern reads the part of the filter pattern syntax for JSON that the
// template needs: { (SELECTOR = "VALUE") || ... }.
func parsePattern(t *testing.T, text string) pattern {
	t.Helper()
	inside, ok := strings.CutPrefix(text, "{ ")
	inside, ok2 := strings.CutSuffix(inside, " }")
	if !ok || !ok2 {
		t.Fatalf("%q is not in braces", text)
	}
	var p pattern
	for term := range strings.SplitSeq(inside, " || ") {
		m := equality.FindStringSubmatch(term)
		if m == nil {
			t.Fatalf("%q has a term that this test cannot evaluate: %s", text, term)
		}
		p = append(p, struct{ path, value string }{m[1], m[2]})
	}
	return p
}

func (p pattern) matches(document map[string]any) bool {
	for _, term := range p {
		if v, ok := field(document, term.path); ok && v == term.value {
			return true
		}
	}
	return false
}

func TestTemplateMetricFilters(t *testing.T) {
	s := newStack(t, map[string]any{"EventMetrics": "true"})
	want := map[string][]string{"FailedLogins": failedLogins, "AttackProtectionEvents": attackProtection, "ApiLimitEvents": apiLimits}
	documents := shapes(t)
	for _, code := range tenantlog.TypeCodes() {
		documents = append(documents, map[string]any{"type": code})
	}
	documents = append(documents,
		map[string]any{"type": "a type of tomorrow", "description": "fp limit_wc api_limit"},
		map[string]any{"type": "s", "details": map[string]any{"type": "fp"}},
		map[string]any{"type": []any{"fp"}},
		map[string]any{"late": "no type"},
	)
	ids := s.ofType("AWS::Logs::MetricFilter")
	if len(ids) != len(want) {
		t.Errorf("%d metric filters, want %d", len(ids), len(want))
	}
	for _, id := range ids {
		filter := s.properties(t, id)
		if filter["LogGroupName"] != "<TenantLogGroup>" {
			t.Errorf("%s is on %v, want the tenant's log group", id, filter["LogGroupName"])
		}
		metric := filter["MetricTransformations"].([]any)[0].(map[string]any)
		if metric["MetricNamespace"] == emf.Namespace {
			t.Errorf("%s: its metric is among those of the runs", id)
		}
		p := parsePattern(t, filter["FilterPattern"].(string))
		for _, d := range documents {
			code, _ := d["type"].(string)
			if got := p.matches(d); got != slices.Contains(want[metric["MetricName"].(string)], code) {
				t.Errorf("%s matches %v of type %q", id, got, code)
			}
		}
	}
}

func TestTemplateMetricFiltersLeftOut(t *testing.T) {
	left := map[string]map[string]any{"not asked for": {}}
	for why, values := range groupElsewhere {
		left[why] = maps.Clone(values)
		left[why]["EventMetrics"] = "true"
	}
	for why, values := range left {
		s := newStack(t, values)
		for _, id := range s.ofType("AWS::Logs::MetricFilter") {
			if s.resource(id) != nil {
				t.Errorf("%s: %s is made", why, id)
			}
		}
	}
	existing := newStack(t, map[string]any{"EventMetrics": "true", "CreateLogGroup": "false", "AwsRegion": "eu-central-1"})
	if got := existing.properties(t, "FailedLoginsFilter")["LogGroupName"]; got != "/auth0/logs" {
		t.Errorf("on a log group that exists, and whose region is named: %v, want /auth0/logs", got)
	}
}

// savedQueries answers text and log group of the queries that the stack makes,
// by name.
func (s stack) savedQueries(t *testing.T) map[string]struct{ text, group string } {
	t.Helper()
	out := map[string]struct{ text, group string }{}
	for _, id := range s.ofType("AWS::Logs::QueryDefinition") {
		if s.resource(id) == nil {
			continue
		}
		p := s.properties(t, id)
		name, inFolder := strings.CutPrefix(p["Name"].(string), "auth0-logs/")
		if !inFolder {
			t.Errorf("%s is not in the stack's folder", name)
		}
		out[name] = struct{ text, group string }{p["QueryString"].(string), stringsOf(p["LogGroupNames"])[0]}
	}
	return out
}

func TestTemplateQueries(t *testing.T) {
	queries := newStack(t, nil).savedQueries(t)
	types := map[string][]string{
		"Failed logins by user":      failedLogins,
		"Failed logins by IP":        failedLogins,
		"Blocked accounts":           append(typesNamed("Blocked Account"), "ublkdu"),
		"API limits hit":             apiLimits,
		"Management changes by whom": {"gd_tenant_update", "sapi"},
		// For these any type will do.
		"One user's timeline":               nil,
		"One transaction by correlation ID": nil,
		"Events per type with bytes":        nil,
		"Duplicates by log_id":              nil,
		"A tenant's last runs":              nil,
	}
	for name, want := range types {
		q, ok := queries[name]
		if !ok {
			t.Errorf("there is no query %q", name)
			continue
		}
		got := selectedTypes(q.text)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: types (-want +got):\n%s", name, diff)
		}
		documents := documentsOf(shapes(t), got)
		if q.group == "<ExportFunctionLogGroup>" {
			documents = reports(t)
		} else if q.group != "<TenantLogGroup>" {
			t.Errorf("%s asks the log group %s", name, q.group)
		}
		checkFields(t, name, q.text, documents)
	}
	for name := range queries {
		if _, ok := types[name]; !ok {
			t.Errorf("%s: not in this test's table", name)
		}
	}
}

func TestTemplateQueriesLeftOut(t *testing.T) {
	for why, values := range groupElsewhere {
		var got []string
		for name := range newStack(t, values).savedQueries(t) {
			got = append(got, name)
		}
		if diff := cmp.Diff([]string{"A tenant's last runs"}, got); diff != "" {
			t.Errorf("%s: queries (-want +got):\n%s", why, diff)
		}
	}
}

// checkFields checks that each field a query names is in one of the documents.
func checkFields(t *testing.T, name, text string, documents []map[string]any) {
	t.Helper()
	for _, path := range queryFields(text) {
		if !slices.ContainsFunc(documents, func(d map[string]any) bool { _, ok := field(d, path); return ok }) {
			t.Errorf("%s: no document has the field %s", name, path)
		}
	}
}

// documentsOf answers those of the types, all where no type is given.
func documentsOf(documents []map[string]any, types []string) []map[string]any {
	return slices.DeleteFunc(documents, func(d map[string]any) bool {
		return len(types) > 0 && !slices.Contains(types, d["type"].(string))
	})
}

var (
	typeList    = regexp.MustCompile(`\btype in \[([^]]*)\]`)
	quoted      = regexp.MustCompile(`"[^"]*"`)
	queryNoise  = regexp.MustCompile(`(?m)^\s*#.*$|"[^"]*"|/[^/]*/`)
	queryAlias  = regexp.MustCompile(`\bas (\w+)`)
	queryWord   = regexp.MustCompile(`[A-Za-z_@][\w.]*\(?`)
	queryReads  = []string{"@timestamp", "@message", "@logStream"} // Logs Insights has them of each event
	queryReader = strings.Fields("filter fields stats sort limit by as in and or not asc desc")
)

// selectedTypes answers the type codes that a query selects, none for all.
func selectedTypes(text string) []string {
	var codes []string
	for _, list := range typeList.FindAllStringSubmatch(text, -1) {
		for _, code := range quoted.FindAllString(list[1], -1) {
			codes = append(codes, strings.Trim(code, `"`))
		}
	}
	return codes
}

// queryFields answers the fields of the documents that a query of Logs Insights
// names: its words without keywords, functions and what it defines itself.
func queryFields(text string) []string {
	text = queryNoise.ReplaceAllString(text, "")
	defined := append(slices.Clone(queryReads), queryReader...)
	for _, m := range queryAlias.FindAllStringSubmatch(text, -1) {
		defined = append(defined, m[1])
	}
	var fields []string
	for _, word := range queryWord.FindAllString(text, -1) {
		if !strings.HasSuffix(word, "(") && !slices.Contains(defined, word) {
			fields = append(fields, word)
		}
	}
	return fields
}

func TestQueryFields(t *testing.T) {
	got := queryFields("# a comment\nSOURCE \"/auth0/logs\" | filter a.b in [\"x\"] and c = \"d e\"\n| stats max(@timestamp) as last, sum(f) as g by h | sort g desc | limit 5")
	if diff := cmp.Diff([]string{"SOURCE", "a.b", "c", "f", "h"}, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

// reports answers lines of the function's log: of a run that went well and of one
// that failed.
func reports(t *testing.T) []map[string]any {
	t.Helper()
	ended := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	well := export.Report{Tenant: "default", Action: "export", Outcome: export.OK, Started: ended, Ended: ended, From: tenantlog.At(ended), To: tenantlog.At(ended)}
	failed := well
	failed.Outcome = export.Failed
	failed.Error = &export.Error{Kind: export.KindAuth, Text: "Refused.", Fix: "put the secret again."}
	var out []map[string]any
	for _, r := range []export.Report{well, failed} {
		line, err := emf.Line(r, true)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, object(t, line))
	}
	return out
}
