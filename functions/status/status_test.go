package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/devstack/ssm"
	"auth0-logs-to-cloudwatch/pkg/emf"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const (
	exportARN = "arn:aws:lambda:us-east-1:123456789012:function:export"
	selfARN   = "arn:aws:lambda:us-east-1:123456789012:function:customWidget-status:live"
	logGroup  = "/aws/lambda/export"
	root      = "/auth0-logs-to-cloudwatch"
)

// bench is the function, built by the same setup as in main, against the
// stand-ins.
type bench struct {
	*testing.T
	h      *handler
	events *events.Service
	ssm    *ssm.Store
	logs   *logs.Service
	client *cloudwatchlogs.Client // writes the export function's log
	keys   *awsjson.Keys
	faults *fault.Set
	out    *bytes.Buffer // the function's log

	mu      sync.Mutex
	invoked []string // what Lambda was asked for
	refuse  bool     // Lambda refuses
}

func newBench(t *testing.T, variables map[string]string) *bench {
	t.Helper()
	b := &bench{
		T: t, events: events.New(events.Options{}), logs: logs.New(logs.Options{}),
		ssm:  ssm.New(ssm.Options{PutRate: ssm.Unlimited, GetRate: ssm.Unlimited}),
		keys: &awsjson.Keys{}, faults: &fault.Set{}, out: &bytes.Buffer{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{arn}/invocations", b.invoke)
	mux.Handle("/", b.faults.Wrap(awsjson.Operation, awsjson.NewMux(b.keys, nil, b.ssm.Service(), b.logs.Service(), b.events.Service())))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIASTATUS", "AWS_SECRET_ACCESS_KEY": "key",
		"AWS_CA_BUNDLE": "", "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "", "AWS_MAX_ATTEMPTS": "1",
		"EXPORT_FUNCTION_ARN": exportARN, "EXPORT_LOG_GROUP": logGroup, "CONFIG_ROOT": "", "MAY_STEER": "true", "MAX_MINUTES_WITHOUT_SUCCESS": "15",
	} {
		t.Setenv(name, value)
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
	b.client = cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXPORT", "key", ""),
	})
	if err := b.logs.CreateGroup(logs.Place{Group: logGroup, Stream: "2026/11/23/[$LATEST]0a1b"}, logs.Standard, 0); err != nil {
		t.Fatal(err)
	}
	b.rule("acme-export", `{"tenant":"acme"}`, events.Enabled)
	b.parameter("acme", export.CheckpointName, string(tenantlog.At(time.Now().Add(-time.Minute)))[:55]+"7")
	b.ran("acme", 120)
	var err error
	if b.h, err = setup(t.Context(), os.Getenv, slog.New(slog.NewJSONHandler(b.out, nil))); err != nil {
		t.Fatal(err)
	}
	return b
}

// invoke is Lambda's Invoke.
func (b *bench) invoke(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse {
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"Message":"no"}`)
		return
	}
	payload, _ := io.ReadAll(r.Body)
	function, _ := url.PathUnescape(r.PathValue("arn"))
	b.invoked = append(b.invoked, fmt.Sprint(function, " ", r.Header.Get("X-Amz-Invocation-Type"), " ", string(payload)))
	w.WriteHeader(http.StatusAccepted)
}

func (b *bench) rule(name, input, state string) {
	b.Helper()
	err := b.events.Put(events.Rule{Name: name, Expression: "rate(5 minutes)", State: state, Targets: []events.Target{{ID: "export", ARN: exportARN, Input: input}}})
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) parameter(tenant, name, value string) {
	b.Helper()
	if _, err := b.ssm.Put(root+"/"+tenant+"/"+name, "String", value); err != nil {
		b.Fatal(err)
	}
}

// ran writes the report of a run that ended a minute ago.
func (b *bench) ran(tenant string, exported int) {
	b.Helper()
	ended := time.Now().Add(-time.Minute)
	line, err := emf.Line(export.Report{
		Tenant: tenant, Action: "export", Outcome: export.OK, Started: ended.Add(-time.Second), Ended: ended,
		From: tenantlog.At(ended.Add(-time.Hour)), Exported: exported, Version: export.Version,
	}, true)
	if err == nil {
		_, err = b.client.PutLogEvents(b.Context(), &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: aws.String(logGroup), LogStreamName: aws.String("2026/11/23/[$LATEST]0a1b"),
			LogEvents: []types.InputLogEvent{{Message: aws.String(string(line)), Timestamp: aws.Int64(ended.UnixMilli())}},
		})
	}
	if err != nil {
		b.Fatal(err)
	}
}

// show calls the function as a dashboard does.
func (b *bench) show(event string) string {
	b.Helper()
	ctx := lambdacontext.NewContext(b.Context(), &lambdacontext.LambdaContext{InvokedFunctionArn: selfARN})
	html, err := b.h.Handle(ctx, json.RawMessage(event))
	if err != nil {
		b.Fatal(err)
	}
	return html
}

func (b *bench) has(html string, parts ...string) {
	b.Helper()
	for _, part := range parts {
		if !strings.Contains(html, part) {
			b.Errorf("the page lacks %q", part)
		}
	}
}

const look = `{"widgetContext":{"theme":"light","forms":{"all":{}},"params":{}}}`

func TestShows(t *testing.T) {
	b := newBench(t, nil)
	b.rule("default-export", "", events.Disabled)
	b.rule("odd", `{"tenant":"../acme"}`, events.Enabled)
	b.parameter("acme", "AUTH0_CLIENT_SECRET", "never read")
	b.keys.Deny(awsjson.Rule{AccessKey: "AKIASTATUS", Resource: "AUTH0_CLIENT_SECRET"})
	b.keys.Deny(awsjson.Rule{AccessKey: "AKIASTATUS", Operation: "GetParametersByPath"})
	html := b.show(look)
	b.has(html,
		`<h3>acme <span class="pill on">on</span></h3>`, "every 5 minutes", "Next run due:", "<dt>Exported by it</dt><dd>120 events",
		`<h3>default <span class="pill off">off</span></h3>`, "The schedule is off",
		"tenant &#34;../acme&#34;: expected 1 to 64 letters",
		`endpoint="`+selfARN+`"`,
	)
	if strings.Contains(html, "cannot be shown <small>The function may not") {
		t.Error("a parameter was read that may not be")
	}
	want := map[string]int{"GetParameters": 2}
	got := map[string]int{}
	for op, n := range b.faults.Counts() {
		if strings.Contains(op, "Parameter") {
			got[op] = n
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls of Parameter Store (-want +got):\n%s", diff)
	}
}

func TestActs(t *testing.T) {
	b := newBench(t, nil)
	b.has(b.show(`{"do":"switch-off","rule":"acme-export"}`), "The rule acme-export is off.", `<span class="pill off">off</span>`)
	if r, _ := b.events.Rule("acme-export"); r.State != events.Disabled {
		t.Errorf("rule %+v", r)
	}
	b.has(b.show(`{"do":"switch-on","rule":"acme-export"}`), "The rule acme-export is on.")
	b.has(b.show(`{"do":"reschedule","rule":"acme-export","tenant":"acme","widgetContext":{"forms":{"all":{"schedule/acme-export/acme":"rate(1 hour)"}}}}`),
		"runs every hour", "Up to 1 h pass between runs by the schedule, and an alarm goes off after 15 min")
	if r, _ := b.events.Rule("acme-export"); r.State != events.Enabled || r.Expression != "rate(1 hour)" {
		t.Errorf("rule %+v", r)
	}
	b.has(b.show(`{"do":"run","tenant":"acme"}`), "A run of acme was started")
	if diff := cmp.Diff([]string{exportARN + ` Event {"tenant":"acme"}`}, b.invoked); diff != "" {
		t.Errorf("invoked (-want +got):\n%s", diff)
	}
	b.has(b.show(`{"do":"replay","tenant":"acme","from":"2026-11-01"}`), "CHECKPOINT of acme is 2026-11-01")
	if v, _ := b.ssm.Value(root + "/acme/CHECKPOINT"); v != "2026-11-01" {
		t.Errorf("CHECKPOINT %q", v)
	}
	if n := strings.Count(b.out.String(), `"msg":"done"`); n != 5 {
		t.Errorf("%d of 5 acts are in the log: %s", n, b.out)
	}
}

func TestReadOnlyUnlessToldOtherwise(t *testing.T) {
	for _, steer := range []string{"", "false"} {
		b := newBench(t, map[string]string{"MAY_STEER": steer})
		for _, event := range []string{
			`{"do":"switch-off","rule":"acme-export"}`, `{"do":"run","tenant":"acme"}`, `{"do":"replay","tenant":"acme","from":"2026-11-01"}`,
			`{"do":"reschedule","rule":"acme-export","tenant":"acme","widgetContext":{"forms":{"all":{"schedule/acme-export/acme":"rate(1 hour)"}}}}`,
		} {
			b.has(b.show(event), "Nothing was done. This widget is read-only.")
		}
		for op := range b.faults.Counts() {
			if strings.HasPrefix(op, "Put") && op != "PutLogEvents" || op == "DisableRule" {
				t.Errorf("%s was called", op)
			}
		}
		if b.invoked != nil {
			t.Errorf("%q was invoked", b.invoked)
		}
	}
}

// TestWhatCannotBeRead: each part that fails says so in its place, and the rest
// is shown.
func TestWhatCannotBeRead(t *testing.T) {
	tests := []struct {
		operation string
		want      []string
	}{
		{"ListRuleNamesByTarget", []string{"The schedules cannot be shown. The function may not call events:ListRuleNamesByTarget", "<h3>acme", "120 events"}},
		{"GetParameters", []string{"cannot be shown <small>The function may not call ssm:GetParameters on " + root + "/acme/RUN", "every 5 minutes", "120 events"}},
		{"FilterLogEvents", []string{"The widget may not call logs:FilterLogEvents on " + logGroup, "every 5 minutes", "<dt>Checkpoint</dt><dd><code>900"}},
	}
	for _, test := range tests {
		t.Run(test.operation, func(t *testing.T) {
			b := newBench(t, nil)
			b.keys.Deny(awsjson.Rule{Operation: test.operation})
			b.has(b.show(look), test.want...)
		})
	}
}

func TestWhatCannotBeDone(t *testing.T) {
	b := newBench(t, nil)
	b.keys.Deny(awsjson.Rule{Operation: "DisableRule"})
	b.keys.Deny(awsjson.Rule{Operation: "PutRule"})
	b.keys.Deny(awsjson.Rule{Operation: "PutParameter"})
	b.refuse = true
	for event, want := range map[string]string{
		`{"do":"switch-off","rule":"acme-export"}`:            "may not call events:DisableRule",
		`{"do":"run","tenant":"acme"}`:                        "may not call lambda:InvokeFunction on the export function. Fix: allow it",
		`{"do":"replay","tenant":"acme","from":"2026-11-01"}`: "may not call ssm:PutParameter",
		`{"do":"reschedule","rule":"acme-export","tenant":"acme","widgetContext":{"forms":{"all":{"schedule/acme-export/acme":"rate(1 hour)"}}}}`: "may not call events:PutRule",
	} {
		b.has(b.show(event), "Nothing was done. ", want, "<h3>acme", "120 events")
	}
}

func TestBadEvent(t *testing.T) {
	b := newBench(t, nil)
	if html, err := b.h.Handle(context.Background(), json.RawMessage(`[]`)); err == nil {
		t.Errorf("page %s", html)
	}
	b.has(b.out.String(), "bad event")
}

func TestEnvironment(t *testing.T) {
	good := map[string]string{"EXPORT_FUNCTION_ARN": exportARN, "EXPORT_LOG_GROUP": logGroup, "AWS_REGION": "us-east-1"}
	tests := []struct {
		name, variable, value string
		want                  string // of the error
	}{
		{name: "the least"},
		{"no function", "EXPORT_FUNCTION_ARN", "", "EXPORT_FUNCTION_ARN"},
		{"no function's ARN", "EXPORT_FUNCTION_ARN", "arn:aws:sqs:us-east-1:123456789012:queue", "EXPORT_FUNCTION_ARN"},
		{"no log group", "EXPORT_LOG_GROUP", "", "EXPORT_LOG_GROUP is missing"},
		{"steering by a slip", "MAY_STEER", "True", "MAY_STEER is \"True\": expected true or false"},
		{"no number of minutes", "MAX_MINUTES_WITHOUT_SUCCESS", "1h", "MAX_MINUTES_WITHOUT_SUCCESS"},
		{"more than a day", "MAX_MINUTES_WITHOUT_SUCCESS", "1441", "MAX_MINUTES_WITHOUT_SUCCESS"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, err := environment(func(name string) string {
				if name == test.variable {
					return test.value
				}
				return good[name]
			})
			switch {
			case test.want == "" && (err != nil || e.root != root || e.maySteer || e.maxSilence != 0):
				t.Errorf("%+v, %v", e, err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// TestVoidRecord: the version before a void one of RUN is read by the one call
// that the role allows.
func TestVoidRecord(t *testing.T) {
	b := newBench(t, nil)
	b.keys.Deny(awsjson.Rule{AccessKey: "AKIASTATUS", Operation: "GetParameter"})
	b.parameter("acme", export.RunName, `{"format":1,"expects":1,"target":{"group":"/auth0/valid","stream":"acme"}}`)
	b.parameter("acme", export.RunName, `{"format":1,"expects":1,"target":{"group":"/auth0/void","stream":"acme"}}`)
	html := b.show(look)
	b.has(html, "$252Fauth0$252Fvalid")
	if strings.Contains(html, "$252Fauth0$252Fvoid") {
		t.Error("a void record counts")
	}
}
