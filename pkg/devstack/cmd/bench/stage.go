package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/devstack/ssm"
)

// The standard backlog: events enough for a steady state, of a usual size.
const (
	backlog  = 20_000
	docBytes = 2048
)

// scene says how a stage is set.
type scene struct {
	tenant   auth0.Options
	settings map[string]string
	latency  latency
	// keep has the log group keep its events, for compare.
	keep bool
}

// stage is a stack with one tenant and its log stream. Nothing but what is
// measured is limited: parameters may be written at any rate.
type stage struct {
	stack  *devstack.Stack
	tenant *devstack.Tenant
	place  logs.Place
	client *http.Client // trusts the stack
}

func (b *bench) stage(sc scene) (s *stage, err error) {
	s = &stage{client: b.ca.Client()}
	s.stack, err = devstack.Start(devstack.Options{
		CA:   b.ca,
		SSM:  ssm.Options{PutRate: ssm.Unlimited, GetRate: ssm.Unlimited},
		Logs: logs.Options{Discard: !sc.keep},
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	sc.tenant.Seed = 1
	if sc.tenant.DocBytes == 0 {
		sc.tenant.DocBytes = docBytes
	}
	if s.tenant, err = s.stack.AddTenant("default", sc.tenant); err != nil {
		return nil, err
	}
	if err := s.set(sc.settings); err != nil {
		return nil, err
	}
	s.place = logs.Place{Group: s.tenant.Get("CLOUDWATCH_LOG_GROUP_NAME"), Stream: s.tenant.Get("CLOUDWATCH_LOG_STREAM_NAME")}
	sc.latency.slow(s.stack.Faults)
	return s, s.stack.Logs.CreateGroup(s.place, logs.Standard, 0)
}

func (s *stage) set(settings map[string]string) error {
	all := map[string]string{"BATCH_SIZE": "100", "START_FROM": "oldest"}
	maps.Copy(all, settings)
	for name, value := range all {
		if err := s.tenant.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) close() {
	s.client.CloseIdleConnections()
	s.stack.Close()
}

// happened makes n events between two times ago: none so old that CloudWatch
// Logs would refuse it, and none so young that it is left for later.
func (s *stage) happened(n int, from, to time.Duration) {
	now := time.Now()
	s.tenant.Generate(n, now.Add(-from), now.Add(-to))
}

const day = 24 * time.Hour

// week makes n events of the last seven days.
func (s *stage) week(n int) { s.happened(n, 7*day, time.Minute) }

// function is a bootstrap on the stage; change adapts its options.
func (s *stage) function(bootstrap string, change func(*lambda.Options)) (*lambda.Function, error) {
	o := lambda.Options{Bootstrap: bootstrap, Env: s.stack.Env(), Memory: 256, Timeout: 5 * time.Minute}
	if change != nil {
		change(&o)
	}
	return lambda.New(o)
}

// runResult is what the bench reads of a run's report.
type runResult struct {
	lambda.Result
	// Took is the time from the invocation to its result, a cold start included.
	Took     time.Duration
	Outcome  string
	Exported int
}

// invoke runs a function, which must have done all the work that there was.
func invoke(ctx context.Context, f *lambda.Function, events int) (runResult, error) {
	r, err := invokeAny(ctx, f)
	if err == nil && r.Exported != events {
		err = fmt.Errorf("the run exported %d of %d events: %s", r.Exported, events, r.Payload)
	}
	return r, err
}

// invokeAny runs a function, which may have stopped before the end.
func invokeAny(ctx context.Context, f *lambda.Function) (r runResult, err error) {
	began := time.Now()
	if r.Result, err = f.Invoke(ctx, []byte("{}")); err != nil {
		return r, err
	}
	r.Took = time.Since(began)
	var report struct {
		Outcome  string `json:"outcome"`
		Exported int    `json:"exported"`
	}
	if err := json.Unmarshal(r.Payload, &report); err != nil || r.FunctionError {
		return r, fmt.Errorf("the run failed: %s", r.Payload)
	}
	r.Outcome, r.Exported = report.Outcome, report.Exported
	return r, nil
}

// run runs a bootstrap once over the stage's events, from a cold start.
func (s *stage) run(ctx context.Context, bootstrap string) (runResult, error) {
	f, err := s.function(bootstrap, nil)
	if err != nil {
		return runResult{}, err
	}
	defer f.Close()
	return invoke(ctx, f, s.tenant.Len())
}

// latency is how long the services take to answer.
type latency struct{ page, put, ssm time.Duration }

// usual are the latencies of the targets.
var usual = latency{page: 80 * time.Millisecond, put: 30 * time.Millisecond, ssm: 15 * time.Millisecond}

func (l latency) slow(set *fault.Set) {
	for op, d := range map[string]time.Duration{
		"logs": l.page, "search": l.page,
		"PutLogEvents": l.put, "GetLogEvents": l.put,
		"GetParametersByPath": l.ssm, "GetParameter": l.ssm, "PutParameter": l.ssm,
	} {
		if d > 0 {
			set.Add(fault.Rule{Op: op, Delay: d / 2, Do: late(d / 2)})
		}
	}
}

// late lets a call take effect and holds its answer back: the way to a service
// takes half of its latency, the way back the other half.
func late(d time.Duration) fault.Action {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&lateWriter{ResponseWriter: w, delay: d}, r)
	}
}

// lateWriter waits before the first byte of an answer.
type lateWriter struct {
	http.ResponseWriter
	delay  time.Duration
	status int
}

func (w *lateWriter) WriteHeader(status int) {
	time.Sleep(w.delay)
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *lateWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}
