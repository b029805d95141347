// Package emf renders a run's report as one line of JSON that CloudWatch Logs
// reads as metrics: the embedded metric format.
package emf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"auth0-logs-to-cloudwatch/pkg/export"
)

const (
	// Namespace is the CloudWatch namespace of the metrics.
	Namespace = "Auth0LogsToCloudWatch"
	// Dimension is the name of the one dimension, whose value is the tenant.
	Dimension = "Tenant"
)

// Metric is a metric's name and its unit, one of those that CloudWatch knows
// (CloudWatch API reference, MetricDatum).
type Metric struct {
	Name string
	Unit string
}

// Metrics lists every metric that a line may hold, in its order. All but
// LagSeconds, Failures and RetentionHoursLeft are in each line.
func Metrics() []Metric {
	var all []Metric
	for _, g := range gauges() {
		all = append(all, g.Metric)
	}
	return all
}

// gauge reads a metric's value from a report. Not ok leaves the metric out.
type gauge struct {
	Metric
	read func(*export.Report) (value float64, ok bool)
}

func gauges() []gauge {
	const count, seconds = "Count", "Seconds"
	always := func(name, unit string, read func(*export.Report) float64) gauge {
		return gauge{Metric{name, unit}, func(r *export.Report) (float64, bool) { return read(r), true }}
	}
	return []gauge{
		always("EventsExported", count, func(r *export.Report) float64 { return float64(r.Exported) }),
		always("EventsFiltered", count, func(r *export.Report) float64 { return float64(r.Filtered) }),
		always("EventsFetched", count, func(r *export.Report) float64 { return float64(r.Fetched) }),
		always("Batches", count, func(r *export.Report) float64 { return float64(r.Batches) }),
		{Metric{"LagSeconds", seconds}, lag},
		always("RunSeconds", seconds, func(r *export.Report) float64 { return r.Ended.Sub(r.Started).Seconds() }),
		{Metric{"Failures", count}, failures},
		always("EventsRescued", count, func(r *export.Report) float64 { return float64(r.Rescues()) }),
		always("RateLimitWaitSeconds", seconds, func(r *export.Report) float64 { return r.Waits.RateLimitSeconds }),
		{Metric{"RetentionHoursLeft", "None"}, retentionLeft},
	}
}

// failures are not known of a run that was skipped: whether the one at work
// succeeds is told by that, and not at all if it was killed. A 0 would hold back
// the alarm for want of a successful run.
func failures(r *export.Report) (float64, bool) {
	if r.Outcome == export.Failed {
		return 1, true
	}
	return 0, r.Outcome != export.Skipped
}

// lag is not known of a run that did not get so far: it was skipped, or failed
// before it had a position. A 0 would end the alarm of a backlog.
func lag(r *export.Report) (float64, bool) {
	return float64(r.LagSeconds), r.Outcome == export.OK || r.LagSeconds > 0
}

func retentionLeft(r *export.Report) (float64, bool) {
	if r.RetentionHoursLeft == nil {
		return 0, false
	}
	return *r.RetentionHoursLeft, true
}

// metadata is the format's own part of a line ("Specification: Embedded metric
// format", CloudWatch user guide).
type metadata struct {
	// Timestamp is in milliseconds since 1970.
	Timestamp         int64
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []Metric
}

// Line renders r as one JSON object on a line of its own, under 256 KB
// whatever the report holds: its texts and lists are cut as far as that takes.
// That of a replay or a verification has no metrics. metrics false leaves out
// what makes CloudWatch read it as metrics, and nothing else. It is an error if
// a time of the report is outside the years 0 to 9999 or one of its numbers is
// not finite.
//
// The line bears the level and timestamp by which Lambda filters JSON logs
// (Lambda developer guide, "Log-level filtering"): ERROR for a failed run,
// else INFO.
func Line(r export.Report, metrics bool) ([]byte, error) {
	r = bounded(r)
	level := "INFO"
	if r.Outcome == export.Failed {
		level = "ERROR"
	}
	root := map[string]any{
		"level":     level,
		"message":   "run",
		"timestamp": r.Ended.UTC().Format(time.RFC3339Nano),
		"report":    r,
		Dimension:   r.Tenant,
	}
	if r.Action == export.ReplayAction || r.Action == export.VerifyAction {
		return encode(root) // the metrics are those of the live export
	}
	d := directive{Namespace: Namespace, Dimensions: [][]string{{Dimension}}}
	for _, g := range gauges() {
		if v, ok := g.read(&r); ok {
			root[g.Name] = v
			d.Metrics = append(d.Metrics, g.Metric)
		}
	}
	if metrics {
		root["_aws"] = metadata{Timestamp: r.Ended.UnixMilli(), CloudWatchMetrics: []directive{d}}
	}
	return encode(root)
}

// Result renders the result of an action that makes no report, at the time that
// it ended, as one JSON object on a line of its own and under the action's name.
func Result(action string, ended time.Time, result any) ([]byte, error) {
	return encode(map[string]any{
		"level": "INFO", "message": action, "timestamp": ended.UTC().Format(time.RFC3339Nano), action: result,
	})
}

// encode writes v and a line break. What JSON need not escape it leaves
// readable, for these lines are read by people and by Logs Insights.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	return escapeControls(b.Bytes()), nil
}

// escapeControls escapes the control characters that JSON leaves as they are,
// U+007F to U+009F: a terminal that shows the log would act on them.
func escapeControls(line []byte) []byte {
	out := make([]byte, 0, len(line))
	for _, c := range string(line) {
		if 0x7f <= c && c <= 0x9f {
			out = fmt.Appendf(out, `\u%04x`, c)
			continue
		}
		out = utf8.AppendRune(out, c)
	}
	return out
}
