package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

const function = "arn:aws:lambda:us-east-1:123456789012:function:export"

// stack is a service with what stands before it, a clock that is set by hand,
// and what its rules have started.
type stack struct {
	*Service
	keys    awsjson.Keys
	url     string
	now     time.Time
	started []string // "ARN event"
}

func newStack(t *testing.T, opts Options) *stack {
	t.Helper()
	s := &stack{now: time.Date(2026, 11, 23, 10, 0, 30, 250e6, time.UTC)}
	opts.Now = func() time.Time { return s.now }
	opts.Invoke = func(arn string, event []byte) { s.started = append(s.started, arn+" "+string(event)) }
	s.Service = New(opts)
	srv := httptest.NewServer(awsjson.NewMux(&s.keys, nil, s.Service.Service()))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *stack) client(region string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: region, BaseEndpoint: &s.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
	})
}

func (s *stack) home() *sdk.Client { return s.client(awsjson.DefaultRegion) }

func (s *stack) mustPut(t *testing.T, r Rule) {
	t.Helper()
	if err := s.Put(r); err != nil {
		t.Fatal(err)
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refusal is an error's type and text.
func refusal(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode() + ": " + e.ErrorMessage()
	}
	return fmt.Sprint(err)
}

func TestRuleByCalls(t *testing.T) {
	s, ctx := newStack(t, Options{}), t.Context()
	c := s.home()
	put, err := c.PutRule(ctx, &sdk.PutRuleInput{
		Name: aws.String("every-five"), ScheduleExpression: aws.String("rate(5 minutes)"), Description: aws.String("Exports"),
		RoleArn: aws.String("arn:aws:iam::123456789012:role/r"), EventPattern: aws.String(`{"source":["aws.ssm"]}`),
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("security")}},
	})
	noError(t, err)
	const arn = "arn:aws:events:us-east-1:123456789012:rule/every-five"
	if *put.RuleArn != arn {
		t.Errorf("ARN %s, want %s", *put.RuleArn, arn)
	}
	targets := []types.Target{{Id: aws.String("1"), Arn: aws.String(function), Input: aws.String(`{"tenant":"acme"}`)}, {Id: aws.String("2"), Arn: aws.String(function)}}
	added, err := c.PutTargets(ctx, &sdk.PutTargetsInput{Rule: aws.String("every-five"), Targets: targets})
	noError(t, err)
	if added.FailedEntryCount != 0 {
		t.Errorf("%d targets refused", added.FailedEntryCount)
	}
	listed, err := c.ListTargetsByRule(ctx, &sdk.ListTargetsByRuleInput{Rule: aws.String("every-five")})
	noError(t, err)
	if len(listed.Targets) != 2 || *listed.Targets[0].Input != `{"tenant":"acme"}` || listed.Targets[1].Input != nil || listed.NextToken != nil {
		t.Errorf("targets %+v", listed.Targets)
	}
	got, err := c.DescribeRule(ctx, &sdk.DescribeRuleInput{Name: aws.String("every-five"), EventBusName: aws.String("default")})
	noError(t, err)
	got.ResultMetadata = sdk.DescribeRuleOutput{}.ResultMetadata
	want := &sdk.DescribeRuleOutput{
		Arn: aws.String(arn), CreatedBy: aws.String("123456789012"), Description: aws.String("Exports"), EventBusName: aws.String("default"),
		EventPattern: aws.String(`{"source":["aws.ssm"]}`), Name: aws.String("every-five"), RoleArn: aws.String("arn:aws:iam::123456789012:role/r"),
		ScheduleExpression: aws.String("rate(5 minutes)"), State: types.RuleStateEnabled,
	}
	if asJSON(t, want) != asJSON(t, got) {
		t.Errorf("got %s, want %s", asJSON(t, got), asJSON(t, want))
	}
	names, err := c.ListRuleNamesByTarget(ctx, &sdk.ListRuleNamesByTargetInput{TargetArn: aws.String(function)})
	noError(t, err)
	if diff := cmp.Diff([]string{"every-five"}, names.RuleNames); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	others, err := s.client("eu-west-1").ListRuleNamesByTarget(ctx, &sdk.ListRuleNamesByTargetInput{TargetArn: aws.String(function)})
	noError(t, err)
	if len(others.RuleNames) != 0 {
		t.Errorf("names in another region: %s", others.RuleNames)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	noError(t, err)
	return string(text)
}

// TestPutRuleReplaces shows what a second PutRule keeps, and that it clears the
// rest.
func TestPutRuleReplaces(t *testing.T) {
	s := newStack(t, Options{})
	targets := []Target{{ID: "1", ARN: function}}
	s.mustPut(t, Rule{Name: "r", Description: "d", Pattern: `{}`, RoleARN: "arn", State: Disabled, Expression: "rate(1 day)", Tags: map[string]string{"a": "b"}, Targets: targets})
	_, err := s.home().PutRule(t.Context(), &sdk.PutRuleInput{
		Name: aws.String("r"), ScheduleExpression: aws.String("rate(2 days)"), Tags: []types.Tag{{Key: aws.String("new"), Value: aws.String("tag")}},
	})
	noError(t, err)
	got, _ := s.Rule("r")
	want := Rule{Name: "r", State: Enabled, Expression: "rate(2 days)", Tags: map[string]string{"a": "b"}, Targets: targets}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rule (-want +got):\n%s", diff)
	}
}

func TestPutTargetsReplacesByID(t *testing.T) {
	s := newStack(t, Options{})
	s.mustPut(t, Rule{Name: "r", Expression: "rate(1 day)", Targets: []Target{{ID: "1", ARN: function}, {ID: "2", ARN: function}}})
	_, err := s.home().PutTargets(t.Context(), &sdk.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{
		{Id: aws.String("2"), Arn: aws.String("other")}, {Id: aws.String("3"), Arn: aws.String("third")},
	}})
	noError(t, err)
	got, _ := s.Rule("r")
	want := []Target{{ID: "1", ARN: function}, {ID: "2", ARN: "other"}, {ID: "3", ARN: "third"}}
	if diff := cmp.Diff(want, got.Targets); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

func TestPages(t *testing.T) {
	s, ctx := newStack(t, Options{PageSize: 2}), t.Context()
	for _, name := range []string{"e", "a", "d", "b", "c"} {
		s.mustPut(t, Rule{Name: name, Expression: "rate(1 day)", Targets: []Target{{ID: "1", ARN: "x"}, {ID: "2", ARN: function}, {ID: "3", ARN: function}}})
	}
	s.mustPut(t, Rule{Name: "other", Expression: "rate(1 day)", Targets: []Target{{ID: "1", ARN: "x"}}})
	var pages []string
	in := &sdk.ListRuleNamesByTargetInput{TargetArn: aws.String(function)}
	for {
		out, err := s.home().ListRuleNamesByTarget(ctx, in)
		noError(t, err)
		pages = append(pages, strings.Join(out.RuleNames, ""))
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if diff := cmp.Diff([]string{"ab", "cd", "e"}, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	out, err := s.home().ListTargetsByRule(ctx, &sdk.ListTargetsByRuleInput{Rule: aws.String("a"), Limit: aws.Int32(1), NextToken: aws.String("1")})
	noError(t, err)
	if len(out.Targets) != 1 || *out.Targets[0].Id != "2" || *out.NextToken != "2" {
		t.Errorf("page %+v, token %s", out.Targets, *out.NextToken)
	}
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	put := func(in sdk.PutRuleInput) func(*sdk.Client) error {
		return func(c *sdk.Client) error { _, err := c.PutRule(ctx, &in); return err }
	}
	target := func(rule string, targets ...types.Target) func(*sdk.Client) error {
		return func(c *sdk.Client) error {
			_, err := c.PutTargets(ctx, &sdk.PutTargetsInput{Rule: &rule, Targets: targets})
			return err
		}
	}
	list := func(in sdk.ListRuleNamesByTargetInput) func(*sdk.Client) error {
		return func(c *sdk.Client) error {
			in.TargetArn = aws.String(function)
			_, err := c.ListRuleNamesByTarget(ctx, &in)
			return err
		}
	}
	enable := func(name string) func(*sdk.Client) error {
		return func(c *sdk.Client) error {
			_, err := c.EnableRule(ctx, &sdk.EnableRuleInput{Name: &name})
			return err
		}
	}
	name, rate, arn := aws.String("r"), aws.String("rate(5 minutes)"), aws.String(function)
	for _, row := range []struct {
		name string
		call func(*sdk.Client) error
		want string
	}{
		{"expression", put(sdk.PutRuleInput{Name: name, ScheduleExpression: aws.String("rate(1 minutes)")}), "ValidationException: Parameter ScheduleExpression is not valid."},
		{"long expression", put(sdk.PutRuleInput{Name: name, ScheduleExpression: aws.String(strings.Repeat("x", 257))}), "ValidationException: 1 validation error detected"},
		{"neither schedule nor pattern", put(sdk.PutRuleInput{Name: name}), "ValidationException: Parameter(s) EventPattern or ScheduleExpression must be specified."},
		{"pattern", put(sdk.PutRuleInput{Name: name, EventPattern: aws.String("[]")}), "InvalidEventPatternException: Event pattern is not valid."},
		{"name", put(sdk.PutRuleInput{Name: aws.String("a b"), ScheduleExpression: rate}), `ValidationException: 1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+`},
		{"long name", put(sdk.PutRuleInput{Name: aws.String(strings.Repeat("x", 65)), ScheduleExpression: rate}), "Member must have length less than or equal to 64"},
		{"empty name", enable(""), "Member must have length greater than or equal to 1"},
		{"long description", put(sdk.PutRuleInput{Name: name, ScheduleExpression: rate, Description: aws.String(strings.Repeat("x", 513))}), "at 'description' failed"},
		{"state", put(sdk.PutRuleInput{Name: name, ScheduleExpression: rate, State: "ON"}), "Value 'ON' at 'state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED"},
		{"bus", put(sdk.PutRuleInput{Name: name, ScheduleExpression: rate, EventBusName: aws.String("mine")}), "ResourceNotFoundException: Event bus mine does not exist."},
		{"list of another bus", list(sdk.ListRuleNamesByTargetInput{EventBusName: aws.String("arn:aws:events:us-east-1:123456789012:event-bus/mine")}), "ResourceNotFoundException: Event bus mine does not exist."},
		{"no rule", enable("none"), "ResourceNotFoundException: Rule none does not exist on EventBus default."},
		{"targets of no rule", target("none", types.Target{Id: name, Arn: arn}), "ResourceNotFoundException: Rule none does not exist on EventBus default."},
		{"managed rule: put", put(sdk.PutRuleInput{Name: aws.String("managed"), ScheduleExpression: rate}), "ManagedRuleException: "},
		{"managed rule: switch", enable("managed"), "ManagedRuleException: "},
		{"managed rule: targets", target("managed", types.Target{Id: name, Arn: arn}), "ManagedRuleException: "},
		{"target's id", target("mine", types.Target{Id: aws.String("a b"), Arn: arn}), "at 'targets.1.member.id' failed"},
		{"target's ARN", target("mine", types.Target{Id: name, Arn: aws.String("")}), "at 'targets.1.member.arn' failed"},
		{"long input", target("mine", types.Target{Id: name, Arn: arn, Input: aws.String(`"` + strings.Repeat("x", 8191) + `"`)}), "at 'targets.1.member.input' failed"},
		{"input", target("mine", types.Target{Id: name, Arn: arn, Input: aws.String("{tenant:acme}")}), "ValidationException: JSON syntax error in input for target r"},
		{"input path", target("mine", types.Target{Id: name, Arn: arn, InputPath: aws.String("$.detail")}), "does not support the member"},
		{"sixth target", target("mine", types.Target{Id: name, Arn: arn}), "LimitExceededException: The requested resource exceeds the maximum number allowed."},
		{"limit", list(sdk.ListRuleNamesByTargetInput{Limit: aws.Int32(101)}), "at 'limit' failed"},
		{"token", list(sdk.ListRuleNamesByTargetInput{NextToken: aws.String("x")}), "InvalidToken: "},
		{"token past the end", list(sdk.ListRuleNamesByTargetInput{NextToken: aws.String("9")}), "InvalidToken: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newStack(t, Options{})
			s.mustPut(t, Rule{Name: "managed", Expression: "rate(1 day)", ManagedBy: "autoscaling.amazonaws.com"})
			var five []Target
			for i := range 5 {
				five = append(five, Target{ID: fmt.Sprint(i), ARN: function})
			}
			s.mustPut(t, Rule{Name: "mine", Expression: "rate(1 day)", Targets: five})
			if got := refusal(row.call(s.home())); !strings.Contains(got, row.want) {
				t.Errorf("got %s, want %s", got, row.want)
			}
			if _, made := s.Rule("r"); made {
				t.Error("the rule was made all the same")
			}
			if left, _ := s.Rule("mine"); !cmp.Equal(five, left.Targets) {
				t.Errorf("targets are now %+v", left.Targets)
			}
		})
	}
}

// TestPermissions denies each operation on the rule alone.
func TestPermissions(t *testing.T) {
	s := newStack(t, Options{})
	s.mustPut(t, Rule{Name: "r", Expression: "rate(1 day)"})
	s.keys.Deny(awsjson.Rule{Resource: "arn:aws:events:us-east-1:123456789012:rule/r"})
	c, ctx, name := s.home(), t.Context(), aws.String("r")
	_, put := c.PutRule(ctx, &sdk.PutRuleInput{Name: name, ScheduleExpression: aws.String("rate(1 day)")})
	_, describe := c.DescribeRule(ctx, &sdk.DescribeRuleInput{Name: name})
	_, enable := c.EnableRule(ctx, &sdk.EnableRuleInput{Name: name})
	_, disable := c.DisableRule(ctx, &sdk.DisableRuleInput{Name: name})
	_, targets := c.PutTargets(ctx, &sdk.PutTargetsInput{Rule: name, Targets: []types.Target{{Id: name, Arn: name}}})
	_, list := c.ListTargetsByRule(ctx, &sdk.ListTargetsByRuleInput{Rule: name})
	for action, err := range map[string]error{
		"PutRule": put, "DescribeRule": describe, "EnableRule": enable, "DisableRule": disable, "PutTargets": targets, "ListTargetsByRule": list,
	} {
		if got := refusal(err); !strings.HasPrefix(got, "AccessDeniedException: ") || !strings.Contains(got, "events:"+action) {
			t.Errorf("%s: %s", action, got)
		}
	}
}

// tick moves the clock and returns what it started, without the ARN.
func (s *stack) tick(d time.Duration) []string {
	s.now, s.started = s.now.Add(d), nil
	s.Tick(s.now)
	var events []string
	for _, text := range s.started {
		_, event, _ := strings.Cut(text, " ")
		events = append(events, event)
	}
	return events
}

func TestTick(t *testing.T) {
	s := newStack(t, Options{})
	s.mustPut(t, Rule{Name: "fives", Expression: "rate(5 minutes)", Targets: []Target{{ID: "1", ARN: "a", Input: `"five"`}}})
	s.mustPut(t, Rule{Name: "quarters", Expression: "cron(0/15 * * * ? *)", Targets: []Target{{ID: "1", ARN: "a", Input: `"quarter"`}, {ID: "2", ARN: "a", Input: `"again"`}}})
	s.mustPut(t, Rule{Name: "off", Expression: "rate(1 minute)", State: Disabled, Targets: []Target{{ID: "1", ARN: "a", Input: `"off"`}}})
	s.mustPut(t, Rule{Name: "pattern", Pattern: "{}", Targets: []Target{{ID: "1", ARN: "a", Input: `"pattern"`}}})
	s.mustPut(t, Rule{Name: "past", Expression: "cron(0 0 1 1 ? 2026)", Targets: []Target{{ID: "1", ARN: "a", Input: `"past"`}}})
	for _, step := range []struct {
		name string
		d    time.Duration
		want []string
	}{
		{"at once", 0, nil},
		{"just before a rate is due", 5*time.Minute - time.Millisecond, nil},
		{"a rate is due", time.Millisecond, []string{`"five"`}},
		{"the same moment again", 0, nil},
		{"and again", 5 * time.Minute, []string{`"five"`}},
		{"both, in the order of their times", 5 * time.Minute, []string{`"quarter"`, `"again"`, `"five"`}},
		{"a jump is one tick", time.Hour, []string{`"quarter"`, `"again"`, `"five"`}},
		{"the rate keeps its step", 5 * time.Minute, []string{`"five"`}},
	} {
		if diff := cmp.Diff(step.want, s.tick(step.d)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

// TestSwitchAndPutRestartARate shows from when a rate counts.
func TestSwitchAndPutRestartARate(t *testing.T) {
	s, ctx := newStack(t, Options{}), t.Context()
	s.mustPut(t, Rule{Name: "r", Expression: "rate(5 minutes)", Targets: []Target{{ID: "1", ARN: "a", Input: `1`}}})
	s.tick(4 * time.Minute)
	put := func(expression string) {
		_, err := s.home().PutRule(ctx, &sdk.PutRuleInput{Name: aws.String("r"), ScheduleExpression: &expression})
		noError(t, err)
	}
	want := func(when string, d time.Duration, fires bool) {
		t.Helper()
		if got := s.tick(d); len(got) == 1 != fires {
			t.Errorf("%s: fired %v", when, got)
		}
	}
	put("rate(5 minutes)")
	want("put as it was", time.Minute, true)
	s.tick(4 * time.Minute)
	_, err := s.home().EnableRule(ctx, &sdk.EnableRuleInput{Name: aws.String("r")})
	noError(t, err)
	want("on as it was", time.Minute, true)
	_, err = s.home().DisableRule(ctx, &sdk.DisableRuleInput{Name: aws.String("r")})
	noError(t, err)
	want("off", time.Hour, false)
	_, err = s.home().EnableRule(ctx, &sdk.EnableRuleInput{Name: aws.String("r")})
	noError(t, err)
	want("on again, too early", 4*time.Minute, false)
	want("on again", time.Minute, true)
	put("rate(10 minutes)")
	want("another rate, too early", 9*time.Minute, false)
	want("another rate", time.Minute, true)
}

// TestScheduledEvent compares what a target without input is sent with the
// sample that the function's own tests use.
func TestScheduledEvent(t *testing.T) {
	text, err := os.ReadFile("../../../events/scheduled.json")
	noError(t, err)
	var want map[string]any
	noError(t, json.Unmarshal(text, &want))
	s := newStack(t, Options{Region: want["region"].(string), Account: want["account"].(string)})
	s.now = time.Date(2026, 11, 23, 10, 4, 30, 0, time.UTC)
	const name = "auth0-logs-ExportFunctionSchedule-1A2B3C4D5E6F"
	s.mustPut(t, Rule{Name: name, Expression: "cron(* * * * ? *)", Targets: []Target{{ID: "1", ARN: function}}})
	s.tick(31*time.Second + 20*time.Millisecond)
	var got map[string]any
	noError(t, json.Unmarshal([]byte(strings.TrimPrefix(s.started[0], function+" ")), &got))
	want["id"] = "00000000-0000-4000-8000-000000000001"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

// TestRuleIsACopy changes what Put was given and what Rule returned.
func TestRuleIsACopy(t *testing.T) {
	s := newStack(t, Options{})
	given := Rule{Name: "r", Expression: "rate(1 day)", State: Enabled, Tags: map[string]string{"a": "b"}, Targets: []Target{{ID: "1", ARN: function}}}
	want := Rule{Name: "r", Expression: "rate(1 day)", State: Enabled, Tags: map[string]string{"a": "b"}, Targets: []Target{{ID: "1", ARN: function}}}
	s.mustPut(t, given)
	given.Tags["a"], given.Targets[0].ARN = "c", "c"
	got, _ := s.Rule("r")
	got.Tags["a"], got.Targets[0].ARN = "c", "c"
	got, _ = s.Rule("r")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rule (-want +got):\n%s", diff)
	}
	if err := s.Put(Rule{Name: "r", Expression: "rate(1 day)", Targets: []Target{{ID: "1", ARN: function, Input: "{"}}}); err == nil {
		t.Error("Put takes an input that is no JSON")
	}
}

// TestRun lets the scheduler run for half an hour of a clock that is no real
// one.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var started []string
		s := New(Options{Invoke: func(arn string, _ []byte) { started = append(started, arn+time.Now().Format(" 04:05")) }})
		noError(t, s.Put(Rule{Name: "r", Expression: "rate(10 minutes)", Targets: []Target{{ID: "1", ARN: "a"}}}))
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute+time.Second/2)
		defer cancel()
		s.Run(ctx)
		if diff := cmp.Diff([]string{"a 10:00", "a 20:00", "a 30:00"}, started); diff != "" {
			t.Errorf("started (-want +got):\n%s", diff)
		}
	})
}
