// Package page is the local stack with a page in the browser: one tenant whose
// log events come about as time goes by, the real functions run as Lambda would
// run them, by a rule of EventBridge, and a page on loopback that shows what
// happens and lets a person steer and break it. The page also plays the part
// of the CloudWatch console for the status widget.
package page

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
)

// What is on the stack.
const (
	tenantName   = "acme"
	exportName   = "auth0-logs-to-cloudwatch"
	statusName   = "customWidget-auth0-logs-status"
	ruleName     = "auth0-logs-acme"
	exportGroup  = "/aws/lambda/" + exportName
	tenantInput  = `{"tenant":"` + tenantName + `"}`
	exportTime   = 30 * time.Second
	statusTime   = 30 * time.Second
	exportMemory = 256
	statusMemory = 128
)

// Options are what the local stack is made of.
type Options struct {
	// Export and Status are the paths of the functions' bootstraps.
	Export, Status string
	// Schedule is the rule's schedule expression, "rate(1 minute)" by default.
	Schedule string
	// Backlog is how many log events the tenant has of the last day, and
	// PerMinute how many come about from now on.
	Backlog   int
	PerMinute float64
	// Now is the clock of every service, time.Now by default. The functions go
	// by the machine's clock.
	Now func() time.Time
}

// Local is the local stack. It is an http.Handler of the page.
type Local struct {
	stack     *devstack.Stack
	tenant    *devstack.Tenant
	export    *lambda.Function
	exportARN string
	status    *lambda.Function
	statusARN string
	now       func() time.Time
	handler   http.Handler
	started   time.Time
	compared  comparison

	mu          sync.Mutex
	perMinute   float64
	undo        map[string]func() // of the faults that are on
	said        said
	answer      answer
	invocations []lambda.Invocation // of the export function, the newest first
}

// keptInvocations is how many invocations are shown.
const keptInvocations = 8

// Start starts the stack. The rule fires while Events of Stack runs. Close
// ends it.
func Start(o Options) (l *Local, err error) {
	l = &Local{now: o.Now, undo: make(map[string]func()), perMinute: o.PerMinute}
	if l.now == nil {
		l.now = time.Now
	}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	l.started = l.now()
	if l.stack, err = devstack.Start(devstack.Options{Now: l.now, Ended: l.note}); err != nil {
		return l, err
	}
	if err := l.addTenant(o); err != nil {
		return l, err
	}
	if err := l.addFunctions(o); err != nil {
		return l, err
	}
	l.handler = l.routes()
	return l, l.stack.Events.Put(events.Rule{
		Name: ruleName, Description: "Exports the logs of " + tenantName + ".",
		Expression: cmp.Or(o.Schedule, "rate(1 minute)"),
		Targets:    []events.Target{{ID: "export", ARN: l.exportARN, Input: tenantInput}},
	})
}

func (l *Local) addTenant(o Options) (err error) {
	l.tenant, err = l.stack.AddTenant(tenantName, auth0.Options{Name: tenantName, Seed: 2026, Rate: auth0.Rate{Limit: 50, Refill: 16}})
	if err != nil {
		return err
	}
	l.tenant.Generate(o.Backlog, l.started.Add(-24*time.Hour), l.started.Add(-time.Minute))
	l.tenant.Live(o.PerMinute)
	for _, group := range []string{l.tenant.Get("CLOUDWATCH_LOG_GROUP_NAME"), exportGroup} {
		if err := l.stack.Logs.CreateGroup(logs.Place{Group: group}, logs.Standard, 0); err != nil {
			return err
		}
	}
	return nil
}

func (l *Local) addFunctions(o Options) (err error) {
	l.export, err = lambda.New(lambda.Options{
		Bootstrap: o.Export, Env: l.stack.Env(), FunctionName: exportName, Memory: exportMemory, Timeout: exportTime,
		Log: l.logLine,
	})
	if err != nil {
		return err
	}
	l.exportARN = l.stack.Lambda.Add(l.export)
	env := l.stack.Env()
	env["EXPORT_FUNCTION_ARN"] = l.exportARN
	env["EXPORT_LOG_GROUP"] = exportGroup
	env["MAY_STEER"] = "true"
	l.status, err = lambda.New(lambda.Options{
		Bootstrap: o.Status, Env: env, FunctionName: statusName, Memory: statusMemory, Timeout: statusTime,
	})
	if err != nil {
		return err
	}
	l.statusARN = l.stack.Lambda.Add(l.status)
	return nil
}

// logLine puts a line of the export function into its log group, as Lambda
// does: the status widget reads it there.
func (l *Local) logLine(stream string, line lambda.Line) {
	if line.Text == "" {
		return
	}
	// Lambda, too, drops what CloudWatch Logs does not take.
	_ = l.stack.Logs.Write(logs.Place{Group: exportGroup, Stream: stream}, line.Time, line.Text)
}

// note keeps an invocation of the export function for the page.
func (l *Local) note(i lambda.Invocation) {
	if i.ARN != l.exportARN {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.invocations = slices.Insert(l.invocations, 0, i)
	l.invocations = l.invocations[:min(len(l.invocations), keptInvocations)]
}

// Stack is the stack behind the page.
func (l *Local) Stack() *devstack.Stack { return l.stack }

// Tenant is the stack's tenant.
func (l *Local) Tenant() *devstack.Tenant { return l.tenant }

// Close kills what runs and ends the stack.
func (l *Local) Close() {
	for _, f := range []*lambda.Function{l.export, l.status} {
		if f != nil {
			f.Close()
		}
	}
	if l.stack != nil {
		l.stack.Close()
	}
}

// fail words an error for a person.
func fail(doing string, err error) string { return fmt.Sprintf("%s: %v", doing, err) }
