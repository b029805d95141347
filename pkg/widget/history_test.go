package widget

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/emf"
	"auth0-logs-to-cloudwatch/pkg/export"
)

// bench is the function's log, read with the real client from a stand-in.
type bench struct {
	*testing.T
	log     *Log
	service *logs.Service
	client  *cloudwatchlogs.Client
	keys    *awsjson.Keys
	faults  *fault.Set
}

const functionGroup = "/aws/lambda/export"

func newBench(t *testing.T, opt logs.Options) *bench {
	t.Helper()
	opt.Now = func() time.Time { return now }
	b := &bench{T: t, service: logs.New(opt), keys: &awsjson.Keys{}, faults: &fault.Set{}}
	server := httptest.NewServer(b.faults.Wrap(awsjson.Operation, awsjson.NewMux(b.keys, nil, b.service.Service())))
	t.Cleanup(server.Close)
	b.client = cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: awsjson.DefaultRegion, BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""),
	})
	b.log = NewLog(b.client, functionGroup, func() time.Time { return now })
	for _, stream := range []string{"one", "two"} {
		if err := b.service.CreateGroup(logs.Place{Group: functionGroup, Stream: stream}, logs.Standard, 0); err != nil && stream == "one" {
			t.Fatal(err)
		}
	}
	if _, err := b.client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(functionGroup), LogStreamName: aws.String("two")}); err != nil {
		t.Fatal(err)
	}
	return b
}

// put writes what the function and Lambda write for a run: the platform's lines
// around the report.
func (b *bench) put(stream string, runs ...export.Report) {
	b.Helper()
	for _, r := range runs {
		var lines []string
		lines = append(lines, fmt.Sprintf(`{"time":%q,"type":"platform.start","record":{"requestId":"7"}}`, r.Started.Format(time.RFC3339)))
		lines = append(lines, string(must(emf.Line(r, true))))
		lines = append(lines, "REPORT RequestId: 7 \"report\" Duration: 3 ms")
		for i, line := range lines {
			at := []time.Time{r.Started, r.Ended, r.Ended}[i]
			_, err := b.client.PutLogEvents(b.Context(), &cloudwatchlogs.PutLogEventsInput{
				LogGroupName: aws.String(functionGroup), LogStreamName: aws.String(stream),
				LogEvents: []cwtypes.InputLogEvent{{Message: aws.String(line), Timestamp: aws.Int64(at.UnixMilli())}},
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// told is a report of a tenant's run that ended some time ago.
func told(tenant string, ago time.Duration, outcome export.Outcome) export.Report {
	hours := 7.25
	r := export.Report{
		Tenant: tenant, Action: "export", Outcome: outcome, Started: now.Add(-ago - time.Second), Ended: now.Add(-ago),
		From: id(now.Add(-ago - time.Minute)), To: id(now.Add(-ago)), Exported: 5, RetentionHoursLeft: &hours, Version: "1.2.3",
	}
	if outcome == export.Failed {
		r.Error = &export.Error{Kind: export.KindSource, Text: "Auth0 does not answer.", Fix: "wait."}
	}
	return r
}

func ages(runs []Run) []string {
	var all []string
	for _, r := range runs {
		all = append(all, now.Sub(r.Ended).String())
	}
	return all
}

func TestReadFindsTheNewestOfEachTenant(t *testing.T) {
	b := newBench(t, logs.Options{Odd: true})
	var want []string
	for i := range Kept + 5 {
		ago := time.Duration(i+1) * 5 * time.Minute
		b.put([]string{"one", "two"}[i%2], told("acme", ago, export.OK))
		if i < Kept {
			want = append(want, ago.String())
		}
	}
	b.put("one", told("other", 26*time.Hour, export.Failed), told("other", 25*time.Hour, export.OK), told("other", 15*24*time.Hour, export.OK))
	h, err := b.log.Read(t.Context(), []string{"acme", "other"}, 105*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, ages(h.Tenants["acme"].All)); diff != "" {
		t.Errorf("runs of acme (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"25h0m0s", "26h0m0s"}, ages(h.Tenants["other"].All)); diff != "" {
		t.Errorf("runs of other, not those before %s (-want +got):\n%s", farBack, diff)
	}
	failed := h.Tenants["other"].Failed
	if diff := cmp.Diff([]string{"26h0m0s"}, ages(failed)); diff != "" {
		t.Errorf("failed runs of other (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Run{Report: told("other", 26*time.Hour, export.Failed), Stream: "one"}, failed[0], cmp.AllowUnexported(export.Report{})); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	if !h.Since.Equal(now.Add(-farBack)) {
		t.Errorf("complete since %s", h.Since)
	}
}

func TestReadStopsWhereThereIsEnough(t *testing.T) {
	b := newBench(t, logs.Options{})
	for i := range Kept {
		b.put("one", told("acme", time.Duration(i+1)*time.Minute, export.OK))
	}
	h, err := b.log.Read(t.Context(), []string{"acme"}, 30*time.Minute)
	if err != nil || len(h.Tenants["acme"].All) != Kept || !h.Since.Equal(now.Add(-30*time.Minute)) {
		t.Errorf("%d runs since %s, %v", len(h.Tenants["acme"].All), h.Since, err)
	}
}

// TestRunsAreThoseOfTheExport: a replay and a verification leave reports in the
// same log. Their positions are none of the live export's, and a look that
// counted them would stop too soon.
func TestRunsAreThoseOfTheExport(t *testing.T) {
	b := newBench(t, logs.Options{})
	b.put("one", told("acme", 2*time.Minute, export.OK))
	for _, action := range []string{export.ReplayAction, export.VerifyAction} {
		r := told("acme", time.Minute, export.Failed)
		r.Action = action
		b.put("one", r)
	}
	h, err := b.log.Read(t.Context(), []string{"acme"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2m0s"}, ages(h.Tenants["acme"].All)); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if failed := h.Tenants["acme"].Failed; len(failed) != 0 {
		t.Errorf("failed runs %+v", failed)
	}
}

func TestPageThatBreaksOffIsReadAgain(t *testing.T) {
	b := newBench(t, logs.Options{})
	b.put("one", told("acme", time.Minute, export.OK))
	b.faults.Add(fault.Rule{Op: "FilterLogEvents", Times: 1, Do: fault.Cut(40)})
	if h, err := b.log.Read(t.Context(), nil, time.Hour); err != nil || len(h.Tenants["acme"].All) != 1 {
		t.Errorf("history %+v, %v", h, err)
	}
}

func TestReadOfNobodyInParticular(t *testing.T) {
	b := newBench(t, logs.Options{})
	b.put("one", told("acme", time.Minute, export.OK))
	h, err := b.log.Read(t.Context(), nil, time.Hour)
	if err != nil || len(h.Tenants["acme"].All) != 1 {
		t.Errorf("history %+v, %v", h, err)
	}
}

// TestReadKeepsWhatIsComplete: of a span that cannot be read to its end, which
// is its newest part, nothing is shown.
func TestReadKeepsWhatIsComplete(t *testing.T) {
	endless := &endlessLog{}
	l := &Log{client: endless, group: "g", now: func() time.Time { return now }}
	h, err := l.Read(t.Context(), []string{"acme"}, time.Hour)
	if !errors.Is(err, errPages) || len(h.Tenants["acme"].All) != 1 || !h.Since.Equal(now.Add(-time.Hour)) {
		t.Errorf("history %+v, %v", h, err)
	}
	if endless.calls != historyPages {
		t.Errorf("%d calls", endless.calls)
	}
}

// endlessLog has a run in the last hour and no end of them before.
type endlessLog struct{ calls int }

func (e *endlessLog) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	e.calls++
	line := string(must(emf.Line(told("acme", time.Minute, export.OK), true)))
	out := &cloudwatchlogs.FilterLogEventsOutput{Events: []cwtypes.FilteredLogEvent{{Message: &line}}}
	if *in.EndTime < now.Add(-time.Hour).UnixMilli() {
		out.NextToken = aws.String("more")
	}
	return out, nil
}

// TestReadOfATenantThatIsOff: one that has no runs, beside busy ones, does not
// have the whole log read at each refresh.
func TestReadOfATenantThatIsOff(t *testing.T) {
	busy := &busyLog{}
	l := &Log{client: busy, group: "g", now: func() time.Time { return now }}
	h, err := l.Read(t.Context(), []string{"acme", "off"}, time.Hour)
	if err != nil || len(h.Tenants["acme"].All) != Kept || !h.Since.Equal(now.Add(-16*time.Hour)) {
		t.Errorf("%d runs since %s, %v", len(h.Tenants["acme"].All), h.Since, err)
	}
	if busy.pages != 16 {
		t.Errorf("%d pages", busy.pages)
	}
}

// busyLog has a page of runs of acme for each hour, four of them a minute.
type busyLog struct{ pages int }

func (b *busyLog) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	b.pages++
	start := *in.StartTime
	if in.NextToken != nil {
		start = must(strconv.ParseInt(*in.NextToken, 10, 64))
	}
	ago := now.Sub(time.UnixMilli(start))
	out := &cloudwatchlogs.FilterLogEventsOutput{}
	for i := range 240 {
		line := string(must(emf.Line(told("acme", ago-time.Duration(i)*15*time.Second, export.OK), true)))
		out.Events = append(out.Events, cwtypes.FilteredLogEvent{Message: &line})
	}
	if next := start + time.Hour.Milliseconds(); next < *in.EndTime {
		out.NextToken = aws.String(strconv.FormatInt(next, 10))
	}
	return out, nil
}

func TestReadEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		l := &Log{client: hangingLog{}, group: "g", now: time.Now}
		_, err := l.Read(t.Context(), nil, time.Hour)
		if took := time.Since(start); err == nil || took != historyTime {
			t.Errorf("%v after %s", err, took)
		}
	})
}

type hangingLog struct{}

func (hangingLog) FilterLogEvents(ctx context.Context, _ *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestReadErrors(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*bench)
		want  string
		kind  export.Kind
	}{
		{"denied", func(b *bench) { b.keys.Deny(awsjson.Rule{Operation: "FilterLogEvents"}) }, "The widget may not call logs:FilterLogEvents on /aws/lambda/export. Fix: allow it in the role of the widget's function.", export.KindPermission},
		{"no group", func(b *bench) { b.log.group = "gone" }, "There is no log group gone. Fix:", export.KindState},
		{"throttled", func(b *bench) {
			b.faults.Add(fault.Rule{Do: awsjson.ErrorReply(400, "ThrottlingException", "Rate exceeded")})
		}, "holds back for too many calls", export.KindState},
		{"no answer", func(b *bench) { b.faults.Add(fault.Rule{Do: fault.Drop()}) }, "does not answer in time", export.KindState},
		{"broken", func(b *bench) {
			b.faults.Add(fault.Rule{Do: awsjson.ErrorReply(500, "InternalFailure", "oops")})
		}, "refused logs:FilterLogEvents on /aws/lambda/export: InternalFailure.", export.KindState},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, logs.Options{})
			test.spoil(b)
			h, err := b.log.Read(t.Context(), []string{"acme"}, time.Hour)
			if err == nil || !strings.Contains(sentence(err), test.want) || export.AsError("", err).Kind != test.kind {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if !h.Since.Equal(now) || len(h.Tenants) != 0 {
				t.Errorf("history %+v", h)
			}
		})
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add(must(emf.Line(told("acme", time.Minute, export.Failed), true)))
	f.Add(must(emf.Line(told("acme", time.Minute, export.OK), false)))
	for _, line := range []string{
		``, `null`, `"report"`, `{"report":null}`, `{"report":[]}`, `{"report":{"tenant":"a","action":"export","outcome":"ok","ended":"2026-11-23T10:00:00Z","gap":{}}}`,
		`{"report":{"tenant":"a","action":"export","outcome":"ok"}}`, `{"type":"platform.report","record":{"status":"success"}}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, ok := parseReport(line)
		if ok && (r.Tenant == "" || r.Ended.IsZero()) {
			t.Errorf("%s: %+v", line, r)
		}
		if !ok {
			return
		}
		// Whatever was believed can be shown.
		w := acme()
		w.history = History{Tenants: map[string]TenantRuns{"acme": {All: []Run{{Report: r}}, Failed: []Run{{Report: r}}}}}
		if _, err := w.widget(true).Handle(t.Context(), event(nil, nil), self); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	})
}
