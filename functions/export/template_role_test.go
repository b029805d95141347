package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/devstack/sts"
	"auth0-logs-to-cloudwatch/pkg/export"
)

// permission is an action on a resource: what a call needs, with the ARN, or
// what a statement gives, with a pattern of ARNs.
type permission struct{ action, resource string }

// covers tells whether p, of a statement, allows the call.
func (p permission) covers(call permission) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(p.resource), `\*`, ".*")
	return p.action == call.action && regexp.MustCompile("^"+pattern+"$").MatchString(call.resource)
}

// recorder notes the calls that are made with one access key.
type recorder struct {
	key   string
	mu    sync.Mutex
	calls map[permission]bool
}

func (r *recorder) watch(c awsjson.Caller, action string, resources []string) {
	if c.AccessKey != r.key {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, arn := range resources {
		r.calls[permission{action, streamOf(arn)}] = true
	}
}

// streamOf adds what CloudWatch Logs adds to a group's ARN before it looks at
// policies: those name NAME:*, also for actions on the whole group.
func streamOf(arn string) string {
	if strings.Contains(arn, ":log-group:") && !strings.Contains(arn, ":log-stream:") {
		return arn + ":log-stream:"
	}
	return arn
}

const deliveryRole = "arn:aws:iam::333333333333:role/logs"

// callsOfEveryAction has the function do all that it can, against the
// stand-ins, and answers its calls. Each sample event is one, so that an action
// is in it as soon as it has a sample.
func callsOfEveryAction(t *testing.T) map[permission]bool {
	r := &recorder{key: os.Getenv("AWS_ACCESS_KEY_ID"), calls: map[permission]bool{}}
	b := newCheckBench(t, devstack.Options{STS: sts.Options{Roles: []sts.Role{{ARN: deliveryRole, ExternalID: "ext-1"}}}}, auth0.Options{Seed: 1})
	b.stack.Keys.Watch = r.watch
	b.happen(50)
	b.tenant = must(b.stack.AddTenant("acme", auth0.Options{Seed: 2, Rate: auth0.Rate{Limit: 50, Refill: 16}}))
	b.set(map[string]string{"CLOUDWATCH_LOG_GROUP_NAME": "/auth0/default"})
	err := b.stack.Events.Put(events.Rule{Name: "acme", Expression: "rate(5 minutes)", State: events.Enabled,
		Targets: []events.Target{{ID: "export", ARN: functionARN, Input: `{"tenant":"acme"}`}}})
	if err != nil {
		t.Fatal(err)
	}
	b.tenant.Generate(500, b.clock.Now().Add(-72*time.Hour), b.clock.Now().Add(-time.Minute))
	run := func() { b.does(`{"tenant":"acme"}`) }
	run()
	i := 0
	b.stack.Logs.Drop(b.place("acme"), func(logs.Event) bool { i++; return i%10 == 0 }) // to be found missing
	for _, file := range must(filepath.Glob(filepath.Join(repository, "events", "*.json"))) {
		b.does(string(must(os.ReadFile(file))))
		// Another's write makes the open record void.
		b.rewrite(export.ReplayName)
		b.clock.after(time.Minute)
		run()
		b.clock.after(20 * time.Minute)
		run()
	}
	b.rewrite(export.RunName)
	run()
	for _, edit := range []string{"2026-11-22", "2026-11-21"} {
		b.set(map[string]string{export.CheckpointName: edit})
	}
	run()
	b.set(map[string]string{"CLOUDWATCH_ROLE_ARN": deliveryRole, "CLOUDWATCH_EXTERNAL_ID": "ext-1"})
	b.group(logs.Place{Account: "333333333333"})
	b.happen(10)
	run()
	return r.calls
}

// does invokes the function as Lambda does. The event asks for what can be
// done; what comes of it is for other tests.
func (b checkBench) does(event string) {
	b.Helper()
	ctx := lambdacontext.NewContext(b.Context(), &lambdacontext.LambdaContext{InvokedFunctionArn: functionARN})
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err := b.h.Handle(ctx, []byte(event))
	if err != nil && !strings.Contains(event, `"stop":true`) { // all may be done by then
		b.Errorf("%s: %v", event, err)
	}
}

// rewrite puts one of the tenant's parameters as it is.
func (b checkBench) rewrite(name string) {
	b.Helper()
	if value := b.tenant.Get(name); value != "" {
		b.set(map[string]string{name: value})
	}
}

// standInStack is the stack where the stand-ins are.
func standInStack(t *testing.T, values map[string]any) stack {
	t.Helper()
	all := map[string]any{
		"AWS::AccountId": awsjson.DefaultAccount, "AWS::Region": awsjson.DefaultRegion,
		"CloudwatchLogGroupName": "/auth0/default", "CloudwatchRoleArn": deliveryRole, "CreateLogGroup": "false",
	}
	for name, v := range values {
		all[name] = v
	}
	return newStack(t, all)
}

// given answers what a role's statements allow, by their Sid.
func (s stack) given(t *testing.T, role string) map[string][]permission {
	t.Helper()
	out := map[string][]permission{}
	for sid, statement := range s.statements(t, role) {
		if statement.Deny {
			continue
		}
		for _, action := range statement.Actions {
			for _, resource := range statement.Resources {
				out[sid] = append(out[sid], permission{action, resource})
			}
		}
	}
	return out
}

// compareRole holds calls against a role, both ways. Statements of idle are not
// used by the code itself; each says by whom.
func compareRole(t *testing.T, given map[string][]permission, calls map[permission]bool, idle map[string]string) {
	t.Helper()
	for call := range calls {
		allowed := false
		for sid, permissions := range given {
			if _, ok := idle[sid]; !ok {
				allowed = allowed || slices.ContainsFunc(permissions, func(p permission) bool { return p.covers(call) })
			}
		}
		if !allowed {
			t.Errorf("the code calls %s on %s, which the role does not allow", call.action, call.resource)
		}
	}
	for sid, permissions := range given {
		if _, ok := idle[sid]; ok {
			continue
		}
		for _, p := range permissions {
			used := false
			for call := range calls {
				used = used || p.covers(call)
			}
			if !used {
				t.Errorf("%s allows %s on %s, which nothing calls", sid, p.action, p.resource)
			}
		}
	}
}

// notByTheCode are the statements for others, who act by the role.
var notByTheCode = map[string]string{
	"WriteOwnLog":           "Lambda writes the function's log",
	"DecryptSecrets":        "Parameter Store decrypts",
	"SendTraces":            "Lambda traces",
	"FindNetworkInterfaces": "Lambda enters the VPC",
	"EnterVpc":              "Lambda enters the VPC",
}

// TestTemplateRoleIsWhatTheCodeCalls: every call is allowed, and what is allowed
// is called.
func TestTemplateRoleIsWhatTheCodeCalls(t *testing.T) {
	calls := callsOfEveryAction(t)
	given := standInStack(t, nil).given(t, "ExportRole")
	// The stand-in authorises NAME:VERSION on NAME. What AWS does is not
	// documented, so both are in the role.
	given["ReadState"] = slices.DeleteFunc(given["ReadState"], func(p permission) bool { return strings.HasSuffix(p.resource, ":*") })
	compareRole(t, given, calls, notByTheCode)
}

// TestTemplateStatusRoleIsWhatTheCodeCalls does the same for the status widget
// that may steer. A test of functions/status writes down its calls.
func TestTemplateStatusRoleIsWhatTheCodeCalls(t *testing.T) {
	text := string(must(os.ReadFile(filepath.Join(repository, "functions", "status", "testdata", "calls.txt"))))
	calls := map[permission]bool{}
	for line := range strings.Lines(text) {
		action, arn, _ := strings.Cut(strings.TrimSpace(line), " ")
		calls[permission{action, streamOf(arn)}] = true
	}
	given := standInStack(t, map[string]any{"StatusWidgetMaySteer": "true"}).given(t, "StatusRole")
	made := strings.NewReplacer("<ExportFunctionLogGroup>", "/aws/lambda/export", "<ExportFunction.Arn>", functionARN)
	for _, permissions := range given {
		for i, p := range permissions {
			permissions[i].resource = made.Replace(p.resource)
		}
	}
	compareRole(t, given, calls, notByTheCode)
}

// TestTemplateRoleStaysInItsTree: a neighbour's parameters and another tenant's
// settings are out of reach, whatever the root is called.
func TestTemplateRoleStaysInItsTree(t *testing.T) {
	const root, tree = "/a/b", "arn:aws:ssm:us-east-1:123456789012:parameter"
	given := standInStack(t, map[string]any{"ConfigRoot": root}).given(t, "ExportRole")
	allows := func(action, name string) bool {
		for _, permissions := range given {
			for _, p := range permissions {
				if p.covers(permission{action, tree + name}) {
					return true
				}
			}
		}
		return false
	}
	for name, want := range map[permission]bool{
		{"ssm:GetParametersByPath", root + "/default"}:       true,
		{"ssm:GetParametersByPath", root}:                    false,
		{"ssm:GetParametersByPath", "/a/bc/default"}:         false,
		{"ssm:GetParametersByPath", "/a"}:                    false,
		{"ssm:GetParameter", root + "/acme/RUN"}:             true,
		{"ssm:GetParameter", root + "/acme/AUTH0_DOMAIN"}:    false,
		{"ssm:GetParameter", "/a/bc/acme/RUN"}:               false,
		{"ssm:GetParameter", root + "/acme/RUN:3"}:           true,
		{"ssm:GetParameter", "/a/bc/acme/RUN:3"}:             false,
		{"ssm:PutParameter", root + "/acme/CHECKPOINT"}:      true,
		{"ssm:PutParameter", root + "/acme/AUTH0_DOMAIN"}:    false,
		{"ssm:PutParameter", root + "/acme/START_FROM"}:      false,
		{"ssm:PutParameter", "/a/bc/acme/CHECKPOINT"}:        false,
		{"ssm:PutParameter", "/RUN"}:                         false,
		{"ssm:DeleteParameter", root + "/acme/REPLAY"}:       true,
		{"ssm:DeleteParameter", root + "/acme/RUN"}:          false,
		{"ssm:DeleteParameter", root + "/acme/AUTH0_DOMAIN"}: false,
	} {
		if got := allows(name.action, name.resource); got != want {
			t.Errorf("%s on %s is allowed: %t, want %t", name.action, name.resource, got, want)
		}
	}
}
