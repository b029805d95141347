package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/progress"
)

func TestChoose(t *testing.T) {
	all := []part{{name: "a"}, {name: "b"}, {name: "c"}}
	for name, row := range map[string]struct{ list, want, err string }{
		"all":            {"", "a b c", ""},
		"one":            {"b", "b", ""},
		"in their order": {"c,a", "a c", ""},
		"unknown":        {"a,d", "", `there is no part "d"; there are a, b, c`},
	} {
		got, err := choose(all, row.list)
		if text := errorText(err); text != row.err {
			t.Errorf("%s: error %q, want %q", name, text, row.err)
		}
		if diff := cmp.Diff(row.want, strings.Join(names(got), " ")); diff != "" {
			t.Errorf("%s: parts (-want +got):\n%s", name, diff)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestTargets(t *testing.T) {
	for _, row := range []struct {
		value float64
		sense sense
		bound float64
		want  string
	}{
		{1.05, atMost, 1.05, "met"},
		{1.051, atMost, 1.05, "MISSED"},
		{0, atMost, 0, "met"},
		{6, atLeast, 6, "met"},
		{5.99, atLeast, 6, "MISSED"},
		{12, under, 12, "MISSED"},
		{11.9, under, 12, "met"},
		{math.NaN(), atMost, 1, "MISSED"},
		{math.NaN(), atLeast, 1, "MISSED"},
		{1, "about", 1, "MISSED"},
	} {
		f := ratio("x", row.value).is(row.sense, row.bound)
		if got := f.judgement(); got != row.want || f.missed() != (row.want == "MISSED") {
			t.Errorf("%v %s %v: %s, missed %t, want %s", row.value, row.sense, row.bound, got, f.missed(), row.want)
		}
	}
	if f := ratio("x", 1); f.judgement() != "" || f.missed() {
		t.Errorf("without a target: %q, missed %t", f.judgement(), f.missed())
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1.05: "1.05", 1.0512: "1.051", 3: "3", 12.345: "12.35", 123.45: "123.5", 1234.5: "1,234", 1234567: "1,234,567",
		-1234.56: "-1,235", -123456: "-123,456", 0.002727: "0.00273", 0.5: "0.5", 100: "100", 1000: "1,000", 99.999: "100",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %s, want %s", v, got, want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, row := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 100}, 3},
	} {
		if got := median(row.values); got != row.want {
			t.Errorf("median(%v) = %v, want %v", row.values, got, row.want)
		}
	}
	if got := median([]float64(nil)); !math.IsNaN(got) {
		t.Errorf("median of nothing = %v", got)
	}
}

// sample is a report with one figure of each kind.
func sample() *report {
	r := &report{Date: time.Date(2026, 11, 24, 12, 5, 0, 0, time.UTC), Machine: machine{"linux", "arm64", "", 2, "go1.26"}}
	r.add("one", []figure{
		info("speed", 1034.2, "events/s"),
		ratio("ratio", 1.036).is(atMost, 1.05),
		info("size", 12.5, "MB").is(under, 12),
	}, nil)
	r.add("two", nil, errors.New("no stack"))
	return r
}

func TestTable(t *testing.T) {
	want := `2026-11-24 12:05 UTC, linux/arm64, 2 CPUs, go1.26

part  figure  value           target
one   speed   1,034 events/s
one   ratio   1.036           at most 1.05  met
one   size    12.5 MB         under 12      MISSED
NOT MEASURED  two: no stack
`
	if diff := cmp.Diff(want, sample().String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestVerdict(t *testing.T) {
	good := &report{}
	good.add("one", []figure{info("a", 1, ""), ratio("b", 1).is(atMost, 1)}, nil)
	if err := good.verdict(); err != nil {
		t.Errorf("everything met: %v", err)
	}
	if got, want := errorText(sample().verdict()), "1 of 2 targets missed\n1 parts not measured"; got != want {
		t.Errorf("verdict %q, want %q", got, want)
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bench.json")
	if err := sample().writeFile(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), &got); diff != "" {
		t.Errorf("report read back (-want +got):\n%s", diff)
	}
}

func TestCPUModel(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "",
		"processor\t: 0\n":             "",
		"a: b\nmodel name\t: X 1: 2\n": "X 1: 2",
	} {
		if got := cpuModel(text); got != want {
			t.Errorf("cpuModel(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestWastedShare(t *testing.T) {
	for _, row := range []struct {
		requests, events int
		want             float64
	}{
		{201, 20_000, 0}, {211, 20_000, 10.0 / 201}, {2, 50, 0}, {1, 0, 0},
	} {
		if got := wastedShare(row.requests, row.events); got != row.want {
			t.Errorf("wastedShare(%d, %d) = %v, want %v", row.requests, row.events, got, row.want)
		}
	}
}

func TestTally(t *testing.T) {
	var tl tally
	at := func(s float64) time.Time { return time.Unix(1000, 0).Add(time.Duration(s * float64(time.Second))) }
	tl.begin(true, at(0)) // the second client's calls do not start the clock
	tl.begin(false, at(1.9))
	tl.begin(false, at(3))
	for range 66 {
		tl.count(false, 200)
	}
	tl.count(false, 429)
	tl.count(true, 429)
	tl.count(true, 200)
	tl.end(at(6.1)) // five refills of 16 since 1.9, and 50 at first
	if got := tl.used(100); math.Abs(got-100*66/130.0) > 1e-9 {
		t.Errorf("used of the whole limit: %v", got)
	}
	if got := tl.used(50); math.Abs(got-100*66/65.0) > 1e-9 {
		t.Errorf("used of half the limit: %v", got)
	}
	if want := (answers{2, 1}); tl.other != want {
		t.Errorf("second client: %+v, want %+v", tl.other, want)
	}
}

func TestComputed(t *testing.T) {
	w := warmRun{took: 10 * time.Second, cpu: 2 * time.Second}
	for _, row := range []struct {
		share, times float64
		want         warmRun
	}{
		{1, 1, warmRun{10 * time.Second, 2 * time.Second}},
		{0.1, 1, warmRun{20 * time.Second, 2 * time.Second}},
		{0.1, 0.5, warmRun{10 * time.Second, time.Second}},
	} {
		if got := computed(w, row.share, row.times); got != row.want {
			t.Errorf("share %v, times %v: %+v, want %+v", row.share, row.times, got, row.want)
		}
	}
}

func TestPriced(t *testing.T) {
	// A million events take 1,000 s, so four runs of at most 285 s.
	figures := priced("256 MB", 256, 1000)
	var got []float64
	for _, f := range figures {
		got = append(got, f.Value)
	}
	want := []float64{1000, 250, 250*dollarsPerGBSecond + 4*dollarsPerRequest}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("priced (-want +got):\n%s", diff)
	}
}

func TestJudgeIdle(t *testing.T) {
	missed := func(start string, calls map[string]int, parameters int) string {
		var list []string
		for _, f := range judgeIdle(start, calls, parameters) {
			if f.missed() {
				list = append(list, f.Name)
			}
		}
		return strings.Join(list, "; ")
	}
	least := map[string]int{"logs": 1, "GetParametersByPath": 1, "PutParameter": 1}
	for name, row := range map[string]struct {
		start      string
		calls      map[string]int
		parameters int
		want       string
	}{
		"least":             {"warm", least, 9, ""},
		"token when warm":   {"warm", map[string]int{"token": 1}, 9, "warm: tokens"},
		"token when cold":   {"cold", map[string]int{"token": 1}, 9, ""},
		"two reads for 11":  {"warm", map[string]int{"GetParametersByPath": 2}, 11, ""},
		"two reads for 10":  {"warm", map[string]int{"GetParametersByPath": 1, "GetParameter": 1}, 10, "warm: reads of Parameter Store"},
		"a search besides":  {"warm", map[string]int{"logs": 1, "search": 1}, 9, "warm: pages"},
		"two writes":        {"warm", map[string]int{"PutParameter": 2}, 9, "warm: writes to Parameter Store"},
		"a put":             {"warm", map[string]int{"PutLogEvents": 1}, 9, "warm: calls of CloudWatch Logs"},
		"a look for stream": {"warm", map[string]int{"DescribeLogStreams": 1}, 9, "warm: calls of CloudWatch Logs"},
	} {
		if got := missed(row.start, row.calls, row.parameters); got != row.want {
			t.Errorf("%s: missed %q, want %q", name, got, row.want)
		}
	}
}

func TestDifference(t *testing.T) {
	got := difference(map[string]int{"a": 3, "b": 1, "c": 2}, map[string]int{"a": 1, "b": 1})
	if diff := cmp.Diff(map[string]int{"a": 2, "c": 2}, got); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

func TestZipTo(t *testing.T) {
	var size counter
	if err := zipTo(&size, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if size < 100 || size > 10_000 {
		t.Errorf("a megabyte of zeros is %d bytes when zipped", size)
	}
}

// TestProgress measures two parts, and holds what is shown of them and printed.
func TestProgress(t *testing.T) {
	parts := []part{
		{"a", func(_ context.Context, b *bench) ([]figure, error) {
			_, err := b.build("export", func(string) (string, error) { return "", nil })
			b.say("run %.1fs", 2.0)
			return nil, err
		}, 30},
		{"b", func(context.Context, *bench) ([]figure, error) { return nil, nil }, 10},
	}
	for name, row := range map[string]struct {
		terminal progress.Terminal
		want     string
	}{
		"no terminal": {progress.Terminal{}, "TIME a: building export\nTIME a: run 2.0s\n"},
		"terminal": {progress.Terminal{Width: func() int { return 80 }}, strings.Join([]string{"",
			"[-------------] part 1 of 2, a: step 1  0:00",
			"TIME a: building export\n[-------------] part 1 of 2, a: step 1  0:00",
			"[-------------] part 1 of 2, a: building export  0:00",
			"[-------------] part 1 of 2, a: step 1  0:00",
			"TIME a: run 2.0s\n[-------------] part 1 of 2, a: step 1  0:00",
			"[-------------] part 1 of 2, a: step 2  0:00",
			"[#########----] part 2 of 2, b: step 1  0:00",
			"",
		}, "\r\x1b[K")},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			at := time.Now()
			if _, err := measure(t.Context(), parts, progress.Start(&out, row.terminal, func() time.Time { return at })); err != nil {
				t.Fatal(err)
			}
			got := regexp.MustCompile(`\d\d:\d\d:\d\d`).ReplaceAllString(out.String(), "TIME")
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPartsLast has a length for each part: without one the estimate of what is
// left would take it for nothing.
func TestPartsLast(t *testing.T) {
	for _, p := range parts {
		if p.seconds <= 0 {
			t.Errorf("part %s lasts %d seconds", p.name, p.seconds)
		}
	}
}

// TestWalk has the loop walk a small log, as the export would.
func TestWalk(t *testing.T) {
	b, err := newBench(progress.Start(t.Output(), progress.Terminal{}, time.Now))
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	s, err := b.stage(scene{latency: latency{page: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.week(250)
	took, err := s.walk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if calls := s.stack.Faults.Calls("logs"); calls != 4 || took < 4*time.Millisecond {
		t.Errorf("%d pages in %v, want 4 of a millisecond each or more", calls, took)
	}
}

// TestBaseline holds what the baseline stores against what there was: it must
// do the work whose time it stands for.
func TestBaseline(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the baseline: not in -short mode")
	}
	b, err := newBench(progress.Start(t.Output(), progress.Terminal{}, time.Now))
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	bootstrap, err := b.baseline()
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.stage(scene{keep: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.happened(250, time.Hour, time.Minute) // a page must not span a day: the baseline does not part it
	if _, err := s.run(t.Context(), bootstrap); err != nil {
		t.Fatal(err)
	}
	if c := s.tenant.Compare(s.place, nil); !c.Exact() {
		t.Error(c)
	}
	want := map[string]int{"token": 1, "logs": 4, "GetParametersByPath": 1, "PutLogEvents": 3, "PutParameter": 3}
	if diff := cmp.Diff(want, s.stack.Faults.Counts()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
