package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/emf"
	"auth0-logs-to-cloudwatch/pkg/export"
)

const topicARN = "arn:aws:sns:eu-central-1:111122223333:on-call"

// alarms answers the properties of the alarms that a stack makes, by the ends
// of their names.
func (s stack) alarms(t *testing.T) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for _, id := range s.ofType("AWS::CloudWatch::Alarm") {
		if s.resource(id) == nil {
			continue
		}
		p := s.properties(t, id)
		name, _ := p["AlarmName"].(string)
		out[strings.TrimPrefix(name, "auth0-logs-")] = p
	}
	return out
}

func TestTemplateAlarms(t *testing.T) {
	tests := map[string]struct {
		values map[string]any
		want   []string
	}{
		"defaults": {want: []string{"lag", "no-successful-run", "rescued-events", "retention", "run-failed"}},
		// What is left then are the metrics of Lambda.
		"no metrics": {values: map[string]any{"Metrics": "off"}, want: []string{"no-successful-invocation", "run-failed"}},
		"no alarms":  {values: map[string]any{"Alarms": "false"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := slices.Sorted(maps.Keys(newStack(t, test.values).alarms(t)))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("alarms (-want +got):\n%s", diff)
			}
		})
	}
}

// everyAlarm answers all alarms there are, of the stack with and without
// metrics, and of the template for one tenant.
func everyAlarm(t *testing.T, values map[string]any) map[string]map[string]any {
	t.Helper()
	out := newStack(t, values).alarms(t)
	off := maps.Clone(values)
	off["Metrics"] = "off"
	maps.Copy(out, newStack(t, off).alarms(t))
	one := maps.Clone(values)
	one["Tenant"] = "acme"
	out["tenant-alarm.yaml"] = readStack(t, "docs/tenant-alarm.yaml", one).alarms(t)[""]
	return out
}

func TestTemplateAlarmTopic(t *testing.T) {
	for name, alarm := range everyAlarm(t, map[string]any{"AlarmTopicArn": topicARN}) {
		for _, when := range []string{"AlarmActions", "OKActions"} {
			if diff := cmp.Diff([]any{topicARN}, alarm[when]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, when, diff)
			}
		}
	}
	for name, alarm := range everyAlarm(t, map[string]any{}) {
		if diff := cmp.Diff([]any{}, alarm["AlarmActions"]); diff != "" {
			t.Errorf("%s: without a topic (-want +got):\n%s", name, diff)
		}
	}
}

// The rules of CloudWatch for what an alarm looks at, in seconds (API
// reference, PutMetricAlarm; user guide, "Limits").
const (
	dayOfShortPeriods = 86_400  // at most, of periods under an hour
	weekOfLongPeriods = 604_800 // at most, of the others
	queriedAtMost     = 3 * 3600
)

// TestTemplateAlarmPeriods checks for the smallest and greatest values of the
// parameters what CloudWatch checks at the deployment alone.
func TestTemplateAlarmPeriods(t *testing.T) {
	limits := newStack(t, nil).section("Parameters")["MaxMinutesWithoutSuccess"].(map[string]any)
	for _, minutes := range []any{limits["MinValue"], limits["Default"], limits["MaxValue"]} {
		for name, alarm := range everyAlarm(t, map[string]any{"MaxMinutesWithoutSuccess": minutes}) {
			for _, period := range periods(alarm) {
				checkPeriod(t, name, period, alarm["EvaluationPeriods"].(int))
				if isQuery(alarm) && period*alarm["EvaluationPeriods"].(int) > queriedAtMost {
					t.Errorf("%s: a query sees the last three hours alone", name)
				}
			}
			if m, ok := alarm["DatapointsToAlarm"].(int); ok && (m < 1 || m > alarm["EvaluationPeriods"].(int)) {
				t.Errorf("%s: %d of %v periods", name, m, alarm["EvaluationPeriods"])
			}
		}
	}
}

func checkPeriod(t *testing.T, alarm string, period, times int) {
	t.Helper()
	if period < 60 || period%60 != 0 {
		t.Errorf("%s: a period of %d s; ours are multiples of 60, for metrics of standard resolution", alarm, period)
	}
	most := dayOfShortPeriods
	if period >= 3600 {
		most = weekOfLongPeriods
	}
	if times < 1 || period*times > most {
		t.Errorf("%s: %d periods of %d s are none, or more than %d s", alarm, times, period, most)
	}
}

// periods answers those of an alarm's metrics and queries.
func periods(alarm map[string]any) []int {
	if p, ok := alarm["Period"].(int); ok {
		return []int{p}
	}
	var out []int
	for _, m := range alarm["Metrics"].([]any) {
		if p, ok := m.(map[string]any)["Period"].(int); ok {
			out = append(out, p)
		}
		if stat, ok := m.(map[string]any)["MetricStat"].(map[string]any); ok {
			out = append(out, stat["Period"].(int))
		}
	}
	return out
}

// query is a Metrics Insights query as the alarms use it. To be one alarm with
// a state for each tenant it must both group and order (user guide, "Create a
// CloudWatch alarm based on a Metrics Insights query").
var query = regexp.MustCompile(`^SELECT (MAX|MIN|SUM)\((\w+)\) FROM SCHEMA\((\w+), (\w+)\) GROUP BY (\w+) ORDER BY (\w+)\(\) (ASC|DESC)$`)

func isQuery(alarm map[string]any) bool {
	return alarm["Metrics"] != nil && len(alarm["Metrics"].([]any)) == 1
}

// TestTemplateAlarmMetrics checks what the alarms look at: metrics that the code
// emits or that Lambda has, and one result an alarm.
func TestTemplateAlarmMetrics(t *testing.T) {
	lambda := []string{"Errors", "Invocations"}
	for name, alarm := range everyAlarm(t, map[string]any{}) {
		for _, key := range []string{"AlarmDescription", "ComparisonOperator", "Threshold", "TreatMissingData"} {
			if alarm[key] == nil {
				t.Errorf("%s has no %s", name, key)
			}
		}
		if alarm["Metrics"] == nil {
			checkMetric(t, name, alarm, lambda)
			continue
		}
		if isQuery(alarm) {
			checkQuery(t, name, alarm["Metrics"].([]any)[0].(map[string]any)["Expression"].(string))
			continue
		}
		results := 0
		for _, e := range alarm["Metrics"].([]any) {
			m := e.(map[string]any)
			if m["ReturnData"] != false {
				results++
			}
			if stat, ok := m["MetricStat"].(map[string]any); ok {
				checkMetric(t, name, stat["Metric"].(map[string]any), lambda)
			}
		}
		if results != 1 {
			t.Errorf("%s returns %d results, want 1", name, results)
		}
	}
}

// emitted answers the names of the metrics in the report's line.
func emitted() []string {
	var names []string
	for _, m := range emf.Metrics() {
		names = append(names, m.Name)
	}
	return names
}

func checkMetric(t *testing.T, alarm string, metric map[string]any, lambda []string) {
	t.Helper()
	known, dimension := lambda, "FunctionName"
	if metric["Namespace"] == emf.Namespace {
		known, dimension = emitted(), emf.Dimension
	} else if metric["Namespace"] != "AWS/Lambda" {
		t.Errorf("%s: namespace %v", alarm, metric["Namespace"])
	}
	if !slices.Contains(known, metric["MetricName"].(string)) {
		t.Errorf("%s: there is no metric %v in %v", alarm, metric["MetricName"], metric["Namespace"])
	}
	dimensions := metric["Dimensions"].([]any)
	if len(dimensions) != 1 || dimensions[0].(map[string]any)["Name"] != dimension {
		t.Errorf("%s: dimensions %v, want %s alone", alarm, dimensions, dimension)
	}
}

func checkQuery(t *testing.T, alarm, text string) {
	t.Helper()
	m := query.FindStringSubmatch(text)
	if m == nil {
		t.Errorf("%s: not of the form that makes an alarm by tenant: %s", alarm, text)
		return
	}
	if !slices.Contains(emitted(), m[2]) {
		t.Errorf("%s: the code emits no metric %s", alarm, m[2])
	}
	if m[3] != emf.Namespace || m[4] != emf.Dimension || m[5] != emf.Dimension || m[6] != m[1] {
		t.Errorf("%s: wrong namespace, dimension or order: %s", alarm, text)
	}
}

// TestTemplateDeadMansSwitch plays runs to the alarm, minute by minute, as
// CloudWatch evaluates it.
func TestTemplateDeadMansSwitch(t *testing.T) {
	const succeeded, failed = 0.0, 1.0
	every := func(step, until int, result float64) map[int][]float64 {
		runs := map[int][]float64{}
		for minute := 0; minute <= until; minute += step {
			runs[minute] = append(runs[minute], result)
		}
		return runs
	}
	tests := map[string]struct {
		runs map[int][]float64 // results by minute; it is minute 60 now
		want bool              // whether the alarm is on
	}{
		"each run succeeds":                {runs: every(5, 60, succeeded)},
		"each run fails":                   {runs: every(5, 60, failed), want: true},
		"no run, ever":                     {want: true},
		"silent for the last 20 minutes":   {runs: every(5, 40, succeeded), want: true},
		"silent for the last 14 minutes":   {runs: every(1, 46, succeeded)},
		"one success among failures":       {runs: map[int][]float64{47: {failed}, 50: {failed, succeeded}, 55: {failed}}},
		"the last success 15 minutes back": {runs: map[int][]float64{45: {succeeded}, 50: {failed}}, want: true},
		// A killed run reports nothing, and its claim has every other tick skipped.
		"each run is killed": {runs: map[int][]float64{46: failures(t, export.Skipped), 56: failures(t, export.Skipped)}, want: true},
		"limited runs":       {runs: map[int][]float64{56: failures(t, export.Limited)}},
	}
	for _, alarm := range []map[string]any{
		newStack(t, nil).alarms(t)["no-successful-run"],
		readStack(t, "docs/tenant-alarm.yaml", map[string]any{"Tenant": "acme"}).alarms(t)[""],
	} {
		for name, test := range tests {
			if got := deadMansSwitch(t, alarm, test.runs, 60); got != test.want {
				t.Errorf("%s: the alarm is on: %v, want %v", name, got, test.want)
			}
		}
	}
}

// failures answers the values of the metric that a run leaves, none or one.
func failures(t *testing.T, outcome export.Outcome) []float64 {
	t.Helper()
	line, err := emf.Line(export.Report{Tenant: "default", Action: export.ExportAction, Outcome: outcome}, true)
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := object(t, line)["Failures"].(float64); ok {
		return []float64{v}
	}
	return nil
}

// deadMansSwitch tells whether an alarm that fills the smallest of a minute's
// values is on at the end of the minute now.
func deadMansSwitch(t *testing.T, alarm map[string]any, runs map[int][]float64, now int) bool {
	t.Helper()
	metrics := alarm["Metrics"].([]any)
	source := metrics[0].(map[string]any)["MetricStat"].(map[string]any)
	if source["Stat"] != "Minimum" || source["Period"] != 60 || metrics[1].(map[string]any)["Expression"] != "FILL(failed, 1)" ||
		alarm["ComparisonOperator"] != "GreaterThanOrEqualToThreshold" || alarm["TreatMissingData"] != "breaching" {
		t.Fatalf("not the alarm that this test knows: %v", alarm)
	}
	for back := range alarm["EvaluationPeriods"].(int) {
		value := 1.0
		if values := runs[now-back]; len(values) > 0 {
			value = slices.Min(values)
		}
		if value < float64(alarm["Threshold"].(int)) {
			return false
		}
	}
	return true
}
