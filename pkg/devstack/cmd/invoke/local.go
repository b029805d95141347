package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/words"
)

const (
	localFunction = "auth0-logs-to-cloudwatch"
	localBacklog  = 3000
	localTime     = 30 * time.Second
	localMemory   = 256
)

// local is the function on a local stack, with a tenant made up for it.
type local struct {
	stack    *devstack.Stack
	tenant   *devstack.Tenant
	function *lambda.Function
}

// onThisMachine has a local stack do what is wished for.
func onThisMachine(ctx context.Context, out screen, w wish) error {
	dir, err := os.MkdirTemp("", "invoke-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out.say("Neither STACK nor FUNCTION is given: a local stack, with a tenant made up for it.")
	showWaiting(out, "building the bootstrap, the very program that Lambda runs")
	bootstrap, err := devstack.Build(dir, "export")
	if err != nil {
		return err
	}
	l, err := startLocal(bootstrap, w.tenant, localBacklog)
	defer l.close()
	if err != nil {
		return err
	}
	harm, err := l.prepare(ctx, out, w)
	if err != nil {
		return err
	}
	out.say("")
	return harm.seen(w.do(ctx, out, l))
}

// startLocal starts a stack with one tenant that has so many events of the last
// day.
func startLocal(bootstrap, tenant string, backlog int) (l *local, err error) {
	l = &local{}
	if l.stack, err = devstack.Start(devstack.Options{}); err != nil {
		return l, err
	}
	if l.tenant, err = l.stack.AddTenant(tenant, auth0.Options{Name: tenant, Seed: 2026, Rate: auth0.Rate{Limit: 100, Refill: 100}}); err != nil {
		return l, err
	}
	now := time.Now()
	l.tenant.Generate(backlog, now.Add(-24*time.Hour), now.Add(-time.Minute))
	if err := l.stack.Logs.CreateGroup(logs.Place{Group: l.stream().Group}, logs.Standard, 0); err != nil {
		return l, err
	}
	env := l.stack.Env()
	env["CLAIM_GRACE"] = "1s" // what this CloudWatch has accepted can be read at once
	l.function, err = lambda.New(lambda.Options{
		Bootstrap: bootstrap, Env: env, FunctionName: localFunction, Memory: localMemory, Timeout: localTime,
	})
	if err != nil {
		return l, err
	}
	return l, l.stack.Events.Put(events.Rule{
		Name: "auth0-logs", Expression: "rate(5 minutes)",
		Targets: []events.Target{{ID: "export", ARN: l.stack.Lambda.Add(l.function), Input: string(l.tick())}},
	})
}

func (l *local) close() {
	if l.function != nil {
		l.function.Close()
	}
	if l.stack != nil {
		l.stack.Close()
	}
}

// stream is where the tenant's events go.
func (l *local) stream() logs.Place {
	return logs.Place{Group: l.tenant.Get("CLOUDWATCH_LOG_GROUP_NAME"), Stream: l.tenant.Get("CLOUDWATCH_LOG_STREAM_NAME")}
}

// tick is the event of the rule.
func (l *local) tick() []byte {
	w := wish{action: runAction, tenant: l.tenant.Name}
	return w.event()
}

// harm is what was done to the stream, for the action to find.
type harm struct{ missing, double int }

// prepare has the tenant's events exported, and some of them taken away.
func (l *local) prepare(ctx context.Context, out screen, w wish) (h harm, err error) {
	out.say("The tenant %s has %s of the last day.", w.tenant, words.Count(localBacklog, "event"))
	if w.action == runAction {
		return h, nil
	}
	showWaiting(out, "exporting them")
	if err := l.wait(ctx, 0); err != nil {
		return h, err
	}
	out.say("A first run has exported them to the stream %s.", l.stream().Stream)
	if !w.long() {
		return h, nil
	}
	if h, err = l.spoil(w); err != nil {
		return h, err
	}
	more := ""
	if h.double > 0 {
		more = ", and another was stored twice"
	}
	out.say("To give it something to find: %s of the range taken out of the stream%s.", words.Count(h.missing, "event"), more)
	return h, nil
}

// spoil takes some events of the range out of the stream, and for a verification
// stores one twice.
func (l *local) spoil(w wish) (h harm, err error) {
	const gone = 7
	within, err := l.within(w)
	if err != nil || len(within) < gone+1 {
		return h, err
	}
	taken := make(map[string]bool)
	for i := range gone {
		taken[within[i*(len(within)-1)/gone].Message] = true
	}
	h.missing = l.stack.Logs.Drop(l.stream(), func(e logs.Event) bool { return taken[e.Message] })
	if w.action != export.VerifyAction {
		return h, nil
	}
	last := within[len(within)-1]
	h.double = 1
	return h, l.stack.Logs.Write(l.stream(), time.UnixMilli(last.Timestamp), last.Message)
}

// within are the stream's events of the range.
func (l *local) within(w wish) (within []logs.Event, err error) {
	s, err := tenantlog.ParseStretch(w.from, w.to, time.Now())
	if err != nil {
		return nil, err
	}
	for _, e := range l.stack.Logs.Events(l.stream()) {
		var event struct {
			ID tenantlog.ID `json:"log_id"`
		}
		if err := json.Unmarshal([]byte(e.Message), &event); err != nil {
			return nil, err
		}
		if event.ID > s.After && event.ID <= s.To {
			within = append(within, e)
		}
	}
	return within, nil
}

// seen turns the error of a verification into none where it has found just what
// was done to the stream.
func (h harm) seen(err error) error {
	if found, ok := errors.AsType[*incomplete](err); ok && *found == incomplete(h) {
		return nil
	}
	return err
}

func (l *local) group() string { return "/aws/lambda/" + localFunction }

func (l *local) invoke(ctx context.Context, event []byte) (lambda.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*localTime)
	defer cancel()
	return l.function.Invoke(ctx, event)
}

func (l *local) call(ctx context.Context, event []byte) ([]byte, error) {
	r, err := l.invoke(ctx, event)
	if err == nil && r.FunctionError {
		err = answered(r.Payload)
	}
	return r.Payload, err
}

// send waits for the function as well: there is nothing else to do meanwhile.
func (l *local) send(ctx context.Context, event []byte) (sent, error) {
	at := time.Now()
	r, err := l.invoke(ctx, event)
	return sent{id: r.RequestID, at: at}, err
}

func (l *local) parameter(_ context.Context, _, name string) (string, error) {
	return l.tenant.Get(name), nil
}

func (l *local) log(_ context.Context, since time.Time) (lines []string, err error) {
	for _, line := range l.function.Logs() {
		if !line.Time.Before(since) {
			lines = append(lines, line.Text)
		}
	}
	return lines, nil
}

// wait is the schedule's next tick. It is not waited for.
func (l *local) wait(ctx context.Context, _ time.Duration) error {
	if _, err := l.call(ctx, l.tick()); err != nil {
		return fmt.Errorf("the scheduled run: %w", err)
	}
	return nil
}
