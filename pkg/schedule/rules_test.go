package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/schedule"
)

const (
	function = "arn:aws:lambda:us-east-1:123456789012:function:export"
	other    = "arn:aws:lambda:us-east-1:123456789012:function:other"
)

// bench is the rules of a function with the real client, against a stand-in.
type bench struct {
	*schedule.Rules
	events *events.Service
	keys   *awsjson.Keys
	faults *fault.Set
}

func newBench(t *testing.T, rules ...events.Rule) *bench {
	t.Helper()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	b := &bench{keys: &awsjson.Keys{}, faults: &fault.Set{}}
	b.events = events.New(events.Options{PageSize: 2, Now: func() time.Time { return now }})
	server := httptest.NewServer(b.faults.Wrap(awsjson.Operation, awsjson.NewMux(b.keys, nil, b.events.Service())))
	t.Cleanup(server.Close)
	b.Rules = schedule.New(eventbridge.New(eventbridge.Options{
		Region: awsjson.DefaultRegion, BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""),
	}), function)
	for _, r := range rules {
		if err := b.events.Put(r); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// on is a target on an ARN with an input.
func on(id, arn, input string) events.Target { return events.Target{ID: id, ARN: arn, Input: input} }

// acme is a rule as the template makes one.
var acme = events.Rule{
	Name: "acme", Description: "Exports the tenant", Expression: "rate(5 minutes)", State: events.Enabled,
	Tags: map[string]string{"team": "security"}, Targets: []events.Target{on("1", function, `{"tenant":"acme"}`)},
}

func TestAll(t *testing.T) {
	b := newBench(t,
		events.Rule{Name: "shared", Expression: "rate(1 hour)", State: events.Disabled, ManagedBy: "autoscaling.amazonaws.com", Targets: []events.Target{
			on("1", other, `{"tenant":"elsewhere"}`), on("2", function, `{"tenant":"zebra"}`), on("3", function, ""),
			on("4", function, `{"tenant":"acme"}`), on("5", function, `{"tenent":"acme"}`),
		}},
		acme,
		events.Rule{Name: "twice", Expression: "cron(15 3 ? * MON-FRI *)", Pattern: "{}", State: events.EnabledForAll, Targets: []events.Target{
			on("1", function, `{"tenant":"acme"}`), on("2", function, ` { "tenant" : "acme" } `),
		}},
		// The template has one as well.
		events.Rule{Name: "verification", Expression: "cron(17 4 * * ? *)", Targets: []events.Target{on("1", function, `{"action":"verify","tenant":"default","from":"-26h","to":"-2h"}`)}},
		events.Rule{Name: "elsewhere", Expression: "rate(1 minute)", Targets: []events.Target{on("1", other, "")}},
		events.Rule{Name: "pattern", Pattern: "{}", Targets: []events.Target{on("1", function, "")}},
	)
	got, err := b.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []schedule.Rule{
		{Name: "acme", Description: "Exports the tenant", Expression: "rate(5 minutes)", Enabled: true, Tenants: []string{"acme"}},
		{Name: "shared", Expression: "rate(1 hour)", ManagedBy: "autoscaling.amazonaws.com", Tenants: []string{"acme", "default", "zebra"}, Unread: []string{"5"}},
		{Name: "twice", Expression: "cron(15 3 ? * MON-FRI *)", Enabled: true, Tenants: []string{"acme"}},
		{Name: "verification", Expression: "cron(17 4 * * ? *)", Enabled: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

func TestAllOfNone(t *testing.T) {
	got, err := newBench(t).All(t.Context())
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestAllOfFifty has a rule for each of fifty tenants, and counts the calls.
func TestAllOfFifty(t *testing.T) {
	var rules []events.Rule
	for i := range 50 {
		rules = append(rules, events.Rule{Name: fmt.Sprintf("r%02d", 49-i), Expression: "rate(5 minutes)", Targets: []events.Target{on("1", function, fmt.Sprintf(`{"tenant":"t%02d"}`, 49-i))}})
	}
	b := newBench(t, rules...)
	got, err := b.All(t.Context())
	if err != nil || len(got) != 50 {
		t.Fatalf("%d rules, %v", len(got), err)
	}
	for i, r := range got {
		if r.Name != fmt.Sprintf("r%02d", i) || r.Tenants[0] != fmt.Sprintf("t%02d", i) {
			t.Errorf("rule %d is %+v", i, r)
		}
	}
	want := map[string]int{"ListRuleNamesByTarget": 25, "DescribeRule": 50, "ListTargetsByRule": 50}
	if diff := cmp.Diff(want, b.faults.Counts()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestAllWhileRulesGo has a rule deleted, or given another target, between two
// calls of one reading.
func TestAllWhileRulesGo(t *testing.T) {
	for _, row := range []fault.Rule{
		{Op: "DescribeRule", Do: refuse("ResourceNotFoundException")},
		{Op: "ListTargetsByRule", Do: refuse("ResourceNotFoundException")},
		{Op: "ListTargetsByRule", Do: answer(`{"Targets":[]}`)},
	} {
		b := newBench(t, acme)
		b.faults.Add(row)
		if got, err := b.All(t.Context()); err != nil || len(got) != 0 {
			t.Errorf("%s: got %v, %v; want none", row.Op, got, err)
		}
	}
}

// TestAllIsInOrder has EventBridge list the names in none.
func TestAllIsInOrder(t *testing.T) {
	zebra := acme
	zebra.Name = "zebra"
	b := newBench(t, acme, zebra)
	b.faults.Add(fault.Rule{Op: "ListRuleNamesByTarget", Do: answer(`{"RuleNames":["zebra","acme"]}`)})
	got, err := b.All(t.Context())
	if err != nil || len(got) != 2 || got[0].Name != "acme" {
		t.Errorf("got %v, %v; want acme before zebra", got, err)
	}
}

func answer(body string) fault.Action { return fault.Body(func([]byte) []byte { return []byte(body) }) }

func refuse(code string) fault.Action {
	return awsjson.ErrorReply(http.StatusBadRequest, code, "a text of the service")
}

// TestAllEndsAtTheFirstError has one of many rules refused while others are not
// answered: the refusal is told, and what waits is given up.
func TestAllEndsAtTheFirstError(t *testing.T) {
	var rules []events.Rule
	for i := range 20 {
		r := acme
		r.Name = fmt.Sprintf("r%02d", i)
		rules = append(rules, r)
	}
	b := newBench(t, rules...)
	b.faults.Add(fault.Rule{Op: "DescribeRule", Times: 3, Do: fault.Hang()})
	b.faults.Add(fault.Rule{Op: "DescribeRule", Skip: 3, Do: refuse("AccessDeniedException")})
	_, err := b.All(t.Context())
	wantError(t, err, export.KindPermission, "The function may not call events:DescribeRule on rule r", "allow it")
	if n := b.faults.Calls("DescribeRule"); n != 4 {
		t.Errorf("%d rules were asked for, want no more than the first four", n)
	}
}

func TestEnableAndDisable(t *testing.T) {
	b := newBench(t, acme)
	for _, step := range []struct {
		do   func(context.Context, string) error
		want string
	}{{b.Disable, events.Disabled}, {b.Disable, events.Disabled}, {b.Enable, events.Enabled}, {b.Enable, events.Enabled}} {
		if err := step.do(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		got, _ := b.events.Rule("acme")
		want := acme
		want.State = step.want
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rule (-want +got):\n%s", diff)
		}
	}
}

// TestReschedule shows that nothing of a rule is lost but its old schedule.
func TestReschedule(t *testing.T) {
	for _, rule := range []events.Rule{
		acme,
		{Name: "bare", Expression: "rate(5 minutes)", State: events.Disabled, Targets: []events.Target{on("1", function, "")}},
		{Name: "full", Description: "d", Expression: "rate(5 minutes)", Pattern: `{"source":["aws.ssm"]}`, State: events.EnabledForAll, RoleARN: "arn:aws:iam::123456789012:role/r",
			Tags: map[string]string{"a": "b"}, Targets: []events.Target{on("1", other, ""), on("2", other, ""), on("3", function, `{"tenant":"x"}`)}},
	} {
		t.Run(rule.Name, func(t *testing.T) {
			b := newBench(t, rule)
			if err := b.Reschedule(t.Context(), rule.Name, "cron(15 3 * * ? *)"); err != nil {
				t.Fatal(err)
			}
			got, _ := b.events.Rule(rule.Name)
			want := rule
			want.Expression = "cron(15 3 * * ? *)"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rule (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRescheduleChecksFirst(t *testing.T) {
	b := newBench(t, acme)
	err := b.Reschedule(t.Context(), "acme", "cron(15 3 * * MON)")
	wantError(t, err, export.KindSettings, "The schedule cannot be read: cron(15 3 * * MON) has 5 fields, expected 6: minutes hours", "rate(5 minutes)")
	if n := b.faults.Counts(); len(n) != 0 {
		t.Errorf("calls %v, want none", n)
	}
}

// changes are the ways to change a rule, by the last call of each.
func (b *bench) changes() map[string]func(context.Context, string) error {
	return map[string]func(context.Context, string) error{
		"EnableRule":  b.Enable,
		"DisableRule": b.Disable,
		"PutRule":     func(ctx context.Context, name string) error { return b.Reschedule(ctx, name, "rate(1 hour)") },
	}
}

// TestForeignRules has names given that are not the function's.
func TestForeignRules(t *testing.T) {
	foreign := events.Rule{Name: "foreign", Expression: "rate(5 minutes)", State: events.Enabled, Targets: []events.Target{on("1", other, ""), on("2", other, ""), on("3", function+":alias", "")}}
	b := newBench(t, foreign)
	for op, change := range b.changes() {
		wantError(t, change(t.Context(), "foreign"), schedule.KindSchedule, "Rule foreign does not start the export function.", "look at the rules again")
		wantError(t, change(t.Context(), "none"), schedule.KindSchedule, "There is no rule none on the default event bus.", "deleted")
		if n := b.faults.Calls(op); n != 0 {
			t.Errorf("%s was called", op)
		}
	}
	if got, _ := b.events.Rule("foreign"); !cmp.Equal(foreign, got) {
		t.Errorf("the rule is now %+v", got)
	}
}

func wantError(t *testing.T, err error, kind export.Kind, text, fix string) {
	t.Helper()
	e, ok := errors.AsType[*export.Error](err)
	if !ok {
		t.Errorf("error %v, want an *export.Error", err)
		return
	}
	if e.Kind != kind || !strings.Contains(e.Text, text) || !strings.Contains(e.Fix, fix) {
		t.Errorf("got %v, want the kind %s, %q and to %q", e, kind, text, fix)
	}
	if strings.Contains(e.Error(), "a text of the service") {
		t.Errorf("the service's own text is told: %v", e)
	}
}

// TestErrors has each call refused in each way.
func TestErrors(t *testing.T) {
	for _, row := range []struct {
		code      string
		kind      export.Kind
		text, fix string
	}{
		{"AccessDeniedException", export.KindPermission, "may not call events:OP on", "allow it in the function's role"},
		{"ThrottlingException", schedule.KindSchedule, "EventBridge throttles events:OP.", "try again in a minute"},
		{"ConcurrentModificationException", schedule.KindSchedule, "Somebody else was changing", "try again"},
		{"ManagedRuleException", schedule.KindSchedule, "An AWS service manages", "a rule of your own"},
		{"InternalException", schedule.KindSchedule, "EventBridge refused events:OP for", ""},
	} {
		for _, op := range []string{"ListRuleNamesByTarget", "DescribeRule", "ListTargetsByRule", "EnableRule", "DisableRule", "PutRule"} {
			t.Run(row.code+" "+op, func(t *testing.T) {
				b := newBench(t, acme)
				b.faults.Add(fault.Rule{Op: op, Do: refuse(row.code)})
				change, ok := b.changes()[op]
				if !ok {
					change = func(ctx context.Context, _ string) error { _, err := b.All(ctx); return err }
				}
				err := change(t.Context(), "acme")
				wantError(t, err, row.kind, strings.ReplaceAll(row.text, "OP", op), row.fix)
				if named := strings.Contains(err.Error(), "rule acme"); !named && op != "ListRuleNamesByTarget" && row.code != "ThrottlingException" {
					t.Errorf("%v does not name the rule", err)
				}
			})
		}
	}
}

func TestErrorsOfPutRule(t *testing.T) {
	b := newBench(t, acme)
	remove := b.faults.Add(fault.Rule{Op: "PutRule", Do: refuse("ValidationException")})
	wantError(t, b.Reschedule(t.Context(), "acme", "rate(1 hour)"), export.KindSettings, "EventBridge does not accept rate(1 hour) as the schedule of rule acme.", "keeps the schedule")
	remove()
	b.faults.Add(fault.Rule{Op: "PutRule", Do: refuse("AccessDeniedException")})
	wantError(t, b.Reschedule(t.Context(), "acme", "rate(1 hour)"), export.KindPermission, "may not call events:PutRule on rule acme.", "iam:PassRole")
	if got, _ := b.events.Rule("acme"); got.Expression != acme.Expression {
		t.Errorf("the schedule is now %s", got.Expression)
	}
}

// TestManagedRule has the stand-in itself refuse.
func TestManagedRule(t *testing.T) {
	managed := acme
	managed.ManagedBy = "autoscaling.amazonaws.com"
	b := newBench(t, managed)
	for _, change := range b.changes() {
		wantError(t, change(t.Context(), "acme"), schedule.KindSchedule, "An AWS service manages rule acme and alone may change it.", "a rule of your own")
	}
}

func TestNoAnswer(t *testing.T) {
	b := newBench(t, acme)
	b.faults.Add(fault.Rule{Op: "DescribeRule", Do: fault.Drop()})
	_, err := b.All(t.Context())
	wantError(t, err, schedule.KindSchedule, "EventBridge does not answer events:DescribeRule for rule acme.", "try again in a minute")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Enable(ctx, "acme"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want one that is context.Canceled", err)
	}
	if n := b.faults.Calls("EnableRule"); n != 0 {
		t.Error("a call was made after the end")
	}
}

// TestBreaksOff: a read whose answer breaks off is made again, a change is not.
func TestBreaksOff(t *testing.T) {
	for _, row := range []struct {
		op    string
		times int
		ok    bool
	}{
		{"ListRuleNamesByTarget", 2, true},
		{"ListTargetsByRule", 2, true},
		{"DescribeRule", 2, true},
		{"DescribeRule", 3, false},
	} {
		b := newBench(t, acme)
		b.faults.Add(fault.Rule{Op: row.op, Times: row.times, Do: fault.Cut(5)})
		if rules, err := b.All(t.Context()); (err == nil) != row.ok || row.ok && len(rules) != 1 {
			t.Errorf("%s broken off %d times: %d rules, error %v", row.op, row.times, len(rules), err)
		}
	}
	b := newBench(t, acme)
	b.faults.Add(fault.Rule{Op: "DisableRule", Times: 1, Do: fault.Cut(1)})
	err := b.Disable(t.Context(), "acme")
	if n := b.faults.Calls("DisableRule"); n != 1 {
		t.Errorf("DisableRule was called %d times (error %v), want once", n, err)
	}
}
