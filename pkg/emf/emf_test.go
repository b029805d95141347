package emf

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

var ended = time.Date(2026, 11, 23, 3, 5, 12, 250e6, time.UTC)

// exported is the report of an ordinary run.
func exported() export.Report {
	hours := 18.5
	return export.Report{
		Tenant: "acme", Action: "export", Outcome: export.OK,
		Started: ended.Add(-1500 * time.Millisecond), Ended: ended,
		From: tenantlog.At(ended.Add(-5 * time.Minute)), To: tenantlog.At(ended),
		Fetched: 130, Filtered: 10, Exported: 120, Batches: 2, Bytes: 240_000,
		Late:               export.Rescued{Count: 3},
		Slimmed:            export.Rescued{Count: 2},
		Wrapped:            export.Rescued{Count: 1},
		LagSeconds:         31,
		RetentionHoursLeft: &hours,
		Waits:              export.Waits{RateLimitSeconds: 0.75},
		Version:            "1.0.0",
	}
}

func TestLine(t *testing.T) {
	tests := []struct {
		name   string
		change func(*export.Report)
		// off is METRICS=off.
		off  bool
		want map[string]any
		// absent are root keys that must not be there.
		absent []string
	}{
		{
			name: "each metric from its field",
			want: map[string]any{
				"Tenant": "acme", "level": "INFO", "message": "run", "timestamp": "2026-11-23T03:05:12.25Z",
				"EventsExported": 120.0, "EventsFiltered": 10.0, "EventsFetched": 130.0, "Batches": 2.0,
				"LagSeconds": 31.0, "RunSeconds": 1.5, "Failures": 0.0, "EventsRescued": 6.0,
				"RateLimitWaitSeconds": 0.75, "RetentionHoursLeft": 18.5,
			},
		},
		{
			name:   "failed",
			change: func(r *export.Report) { r.Outcome = export.Failed },
			want:   map[string]any{"Failures": 1.0, "level": "ERROR", "EventsExported": 120.0},
		},
		{
			name:   "limited is no failure",
			change: func(r *export.Report) { r.Outcome = export.Limited },
			want:   map[string]any{"Failures": 0.0, "level": "INFO"},
		},
		{
			name: "skipped",
			change: func(r *export.Report) {
				*r = export.Report{Tenant: "acme", Outcome: export.Skipped, Started: ended, Ended: ended}
			},
			want: map[string]any{
				"EventsExported": 0.0, "EventsFiltered": 0.0, "EventsFetched": 0.0, "Batches": 0.0,
				"RunSeconds": 0.0, "EventsRescued": 0.0, "level": "INFO",
			},
			absent: []string{"LagSeconds", "Failures"},
		},
		{
			name: "failed before it had a position",
			change: func(r *export.Report) {
				*r = export.Report{Tenant: "acme", Outcome: export.Failed, Started: ended, Ended: ended}
			},
			want:   map[string]any{"Failures": 1.0},
			absent: []string{"LagSeconds"},
		},
		{
			name:   "failed behind",
			change: func(r *export.Report) { r.Outcome = export.Failed },
			want:   map[string]any{"LagSeconds": 31.0},
		},
		{
			name:   "caught up",
			change: func(r *export.Report) { r.LagSeconds = 0 },
			want:   map[string]any{"LagSeconds": 0.0},
		},
		{
			name:   "retention at zero on a gap",
			change: func(r *export.Report) { r.RetentionHoursLeft = new(0.0) },
			want:   map[string]any{"RetentionHoursLeft": 0.0},
		},
		{
			name:   "retention not set",
			change: func(r *export.Report) { r.RetentionHoursLeft = nil },
			absent: []string{"RetentionHoursLeft"},
		},
		{
			name:   "times in UTC",
			change: func(r *export.Report) { r.Ended = ended.In(time.FixedZone("", 3600)) },
			want:   map[string]any{"timestamp": "2026-11-23T03:05:12.25Z"},
		},
		{
			name:   "metrics off",
			off:    true,
			want:   map[string]any{"EventsExported": 120.0, "Tenant": "acme"},
			absent: []string{"_aws"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := exported()
			if test.change != nil {
				test.change(&r)
			}
			root := decode(t, line(t, r, !test.off))
			for key, want := range test.want {
				if diff := cmp.Diff(want, root[key]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", key, diff)
				}
			}
			for _, key := range test.absent {
				if v, there := root[key]; there {
					t.Errorf("%s = %v, want it left out", key, v)
				}
			}
		})
	}
}

func TestLineDirective(t *testing.T) {
	root := decode(t, line(t, exported(), true))
	var defs []any
	for _, m := range Metrics() {
		defs = append(defs, map[string]any{"Name": m.Name, "Unit": m.Unit})
	}
	want := map[string]any{
		"Timestamp": float64(ended.UnixMilli()),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace":  "Auth0LogsToCloudWatch",
			"Dimensions": []any{[]any{"Tenant"}},
			"Metrics":    defs,
		}},
	}
	if diff := cmp.Diff(want, root["_aws"]); diff != "" {
		t.Errorf("_aws (-want +got):\n%s", diff)
	}
}

func TestLineWithoutMetricsIsTheSameOtherwise(t *testing.T) {
	with, without := decode(t, line(t, exported(), true)), decode(t, line(t, exported(), false))
	delete(with, "_aws")
	if diff := cmp.Diff(with, without); diff != "" {
		t.Errorf("metrics on and off differ (-on +off):\n%s", diff)
	}
}

func TestLineHoldsTheReport(t *testing.T) {
	r := exported()
	r.Error = &export.Error{Kind: export.KindAuth, Text: "Auth0 refuses <the> secret.", Fix: "Put it & again.", Err: errors.New("cause")}
	r.Warnings, r.UnknownTypes = []string{"one", "two"}, []string{"zz"}
	want, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	raw := line(t, r, true)
	if !bytes.Contains(raw, []byte("refuses <the> secret")) {
		t.Errorf("texts are not readable: %s", raw)
	}
	got := decode(t, raw)["report"]
	if diff := cmp.Diff(decode(t, want), got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if r.Error.Err == nil {
		t.Error("the caller's report was changed")
	}
}

func TestMetrics(t *testing.T) {
	want := []Metric{
		{"EventsExported", "Count"}, {"EventsFiltered", "Count"}, {"EventsFetched", "Count"}, {"Batches", "Count"},
		{"LagSeconds", "Seconds"}, {"RunSeconds", "Seconds"}, {"Failures", "Count"}, {"EventsRescued", "Count"},
		{"RateLimitWaitSeconds", "Seconds"}, {"RetentionHoursLeft", "None"},
	}
	if diff := cmp.Diff(want, Metrics()); diff != "" {
		t.Errorf("Metrics (-want +got):\n%s", diff)
	}
}

func TestLineError(t *testing.T) {
	tests := []struct {
		name   string
		change func(*export.Report)
	}{
		{"a number that is not finite", func(r *export.Report) { r.RetentionHoursLeft = new(math.NaN()) }},
		{"a year that JSON times cannot hold", func(r *export.Report) { r.Ended = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := exported()
			test.change(&r)
			if got, err := Line(r, true); err == nil {
				t.Errorf("got line %s, want an error", got)
			}
		})
	}
}

// TestLineKeepsTheRules checks lines of every sort of report against the
// format's rules.
func TestLineKeepsTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyReport(t)
		metrics := rapid.Bool().Draw(t, "metrics")
		got, err := Line(r, metrics)
		if err != nil {
			t.Fatal(err)
		}
		checkRules(t, got, metrics)
	})
}

func TestLineStaysSmall(t *testing.T) {
	// Six bytes of JSON a byte of text, the worst there is.
	worst := strings.Repeat("\x01", 300_000)
	many := slices.Repeat([]string{worst}, 1000)
	ids := slices.Repeat([]tenantlog.ID{tenantlog.ID(worst)}, 1000)
	rescued := export.Rescued{Count: math.MaxInt32, First: ids}
	r := exported()
	r.Tenant, r.Action, r.Outcome, r.Skipped, r.Version = worst, worst, export.Outcome(worst), worst, worst
	r.From, r.To = ids[0], ids[0]
	r.Error = &export.Error{Kind: export.Kind(worst), Text: worst, Fix: worst}
	r.Late, r.Slimmed, r.Wrapped = rescued, rescued, rescued
	r.Warnings, r.UnknownTypes = many, many
	checkRules(t, line(t, r, true), true)
	if len(r.Error.Text) != len(worst) || len(r.Late.First) != len(ids) || len(r.Warnings[0]) != len(worst) {
		t.Error("the caller's report was cut")
	}
}

func TestCut(t *testing.T) {
	tests := []struct {
		name, in string
		limit    int
		want     string
	}{
		{"shorter", "abc", 5, "abc"},
		{"just fitting", "abcde", 5, "abcde"},
		{"longer", "abcdef", 5, "ab..."},
		{"not inside a character", "a\u00e9\u00e9\u00e9", 5, "a..."},
		{"empty", "", 5, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := cut(test.in, test.limit); got != test.want {
				t.Errorf("cut(%q, %d) = %q, want %q", test.in, test.limit, got, test.want)
			}
		})
	}
}

// checkRules holds a line against the limits and the form in the CloudWatch
// user guide, "Specification: Embedded metric format".
func checkRules(t rapid.TB, got []byte, metrics bool) {
	t.Helper()
	const maxLine, maxMetrics, maxValue = 256 << 10, 100, 1024
	if len(got) >= maxLine {
		t.Errorf("line has %d bytes, want under %d", len(got), maxLine)
	}
	if bytes.Count(got, []byte("\n")) != 1 || !bytes.HasSuffix(got, []byte("\n")) || !utf8.Valid(got) {
		t.Errorf("not one line of UTF-8: %q", got)
	}
	root := decode(t, got)
	if _, there := root["_aws"]; there != metrics {
		t.Errorf("root holds _aws: %t, want %t", there, metrics)
	}
	if !metrics {
		return
	}
	var meta struct {
		AWS metadata `json:"_aws"`
	}
	d := json.NewDecoder(bytes.NewReader(got))
	if err := d.Decode(&meta); err != nil || len(meta.AWS.CloudWatchMetrics) != 1 {
		t.Fatalf("metadata %+v, error %v; want one directive", meta, err)
	}
	directive := meta.AWS.CloudWatchMetrics[0]
	if n := len(directive.Metrics); n == 0 || n > maxMetrics {
		t.Errorf("%d metrics, want 1 to %d", n, maxMetrics)
	}
	for _, m := range directive.Metrics {
		if _, ok := root[m.Name].(float64); !ok {
			t.Errorf("target %s is %v, want a number", m.Name, root[m.Name])
		}
		if !slices.Contains(Metrics(), m) {
			t.Errorf("metric %v is not listed by Metrics", m)
		}
	}
	for _, set := range directive.Dimensions {
		for _, name := range set {
			if v, ok := root[name].(string); !ok || len(v) > maxValue {
				t.Errorf("dimension %s is %v, want a string of at most %d", name, root[name], maxValue)
			}
		}
	}
}

// anyReport draws a report that holds anything its types can, but for what
// Line says is an error.
func anyReport(t *rapid.T) export.Report {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "_aws", "\x00\xff\xfe", "line\nbreak\u2028", strings.Repeat("\u00e9<", 20_000),
	}))
	texts := rapid.SliceOfN(text, 0, 200)
	number := rapid.Int()
	draw := func(name string) string { return text.Draw(t, name) }
	rescued := func(name string) export.Rescued {
		var r export.Rescued
		for _, s := range texts.Draw(t, name) {
			r.Add(tenantlog.ID(s))
		}
		return r
	}
	r := export.Report{
		Tenant: draw("tenant"), Action: draw("action"), Skipped: draw("skipped"), Version: draw("version"),
		Outcome: rapid.SampledFrom([]export.Outcome{export.OK, export.Limited, export.Skipped, export.Failed}).Draw(t, "outcome"),
		Started: time.Unix(rapid.Int64Range(0, 1e11).Draw(t, "started"), 0),
		Ended:   time.Unix(rapid.Int64Range(0, 1e11).Draw(t, "ended"), 0),
		From:    tenantlog.ID(draw("from")), To: tenantlog.ID(draw("to")),
		Fetched: number.Draw(t, "fetched"), Exported: number.Draw(t, "exported"), Batches: number.Draw(t, "batches"),
		LagSeconds: rapid.Int64().Draw(t, "lag"),
		Late:       rescued("late"), Wrapped: rescued("wrapped"),
		UnknownTypes: texts.Draw(t, "types"), Warnings: texts.Draw(t, "warnings"),
		Waits: export.Waits{RateLimitSeconds: rapid.Float64Range(0, math.MaxFloat64).Draw(t, "waits")},
	}
	if rapid.Bool().Draw(t, "with error") {
		r.Error = &export.Error{Kind: export.Kind(draw("kind")), Text: draw("text"), Fix: draw("fix")}
	}
	if rapid.Bool().Draw(t, "with retention") {
		r.RetentionHoursLeft = new(rapid.Float64().Filter(finite).Draw(t, "retention"))
	}
	return r
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

func line(t *testing.T, r export.Report, metrics bool) []byte {
	t.Helper()
	got, err := Line(r, metrics)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func decode(t rapid.TB, line []byte) map[string]any {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(line, &root); err != nil {
		t.Fatalf("not a JSON object: %v\n%s", err, line)
	}
	return root
}

// TestResult: one line, with the control characters escaped that JSON leaves.
func TestResult(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	line, err := Result("check", at, map[string]string{"text": "a <b>\u009b\n"})
	want := `{"check":{"text":"a <b>\u009b\n"},"level":"INFO","message":"check","timestamp":"2026-11-23T10:00:00Z"}` + "\n"
	if err != nil || string(line) != want {
		t.Errorf("%s, %v; want %s", line, err, want)
	}
}
