package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/devstack/sts"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// breakage is what happens to a run at its n-th call, whichever service that
// goes to.
type breakage struct {
	name string
	// arm makes it happen. die ends the run as the end of its process would.
	arm func(faults *fault.Set, n int, die context.CancelFunc)
	// kills tells that the process is gone afterwards.
	kills bool
	// slow tells that the function may look for seconds what became of a put.
	slow bool
}

// TestFailAtEveryCall lets a run fail at each of its calls in turn, in every
// way, and wants everything in the log group once after the next one.
func TestFailAtEveryCall(t *testing.T) {
	t.Parallel()
	var called []string
	var cases sideBySide
	defer cases.Wait()
	for _, s := range situations() {
		calls := s.calls(t)
		called = append(called, calls...)
		for _, f := range s.breakages {
			if f.slow && testing.Short() {
				continue
			}
			for i := range calls {
				cases.run(t, fmt.Sprintf("%s/%s/%d", s.name, f.name, i+1), newFailBench(t, auth0.Options{Seed: 1}), func(b *failBench) {
					s.make(b)
					b.breakRun(f, i+1)
					b.recovers(f.kills)
				})
			}
		}
	}
	slices.Sort(called)
	want := []string{"AssumeRole", "CreateLogStream", "GetLogEvents", "GetParameter", "GetParametersByPath", "PutLogEvents", "PutParameter", "logs", "search", "slack", "token"}
	if diff := cmp.Diff(want, slices.Compact(called)); diff != "" {
		t.Errorf("operations that were broken (-want +got):\n%s", diff)
	}
}

// TestSilentServices lets each service never answer, and wants the run to end
// by itself before the function's time is over.
func TestSilentServices(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the end of runs of several seconds: not in -short mode")
	}
	t.Parallel()
	var cases sideBySide
	defer cases.Wait()
	// The longest goes first.
	cases.run(t, "progress that cannot be saved", newFailBench(t, auth0.Options{Seed: 1}), func(b *failBench) {
		firstRun(b)
		b.stack.Faults.Add(fault.Rule{Op: "logs", Delay: 3 * time.Second})
		b.stack.Faults.Add(fault.Rule{Op: "PutParameter", Skip: 1, Do: fault.Hang()})
		if r := b.within(15 * time.Second); r.Exported != 120 {
			b.Errorf("%d of 120 events exported while a save was stuck", r.Exported)
		}
		b.stack.Faults.Clear()
		b.notAhead()
		b.recovers(false)
	})
	for _, s := range situations() {
		calls := s.calls(t)
		slices.Sort(calls)
		for _, op := range slices.Compact(calls) {
			for name, do := range map[string]fault.Action{"silent": fault.Hang(), "silent after the effect": fault.HangAfter()} {
				cases.run(t, fmt.Sprintf("%s/%s/%s", s.name, name, op), newFailBench(t, auth0.Options{Seed: 1}), func(b *failBench) {
					s.make(b)
					b.stack.Faults.Add(fault.Rule{Op: op, Do: do})
					b.within(5 * time.Second)
					b.stack.Faults.Clear()
					b.notAhead()
					b.recovers(false)
				})
			}
		}
	}
}

// within invokes the function with so much time, and returns its report. The
// run has to end by the deadline alone: nothing is cancelled when it is over,
// until far too late.
func (b *failBench) within(d time.Duration) export.Report {
	b.Helper()
	const tooLate = 10 * time.Second
	ctx, cancel := context.WithTimeout(b.Context(), d+tooLate)
	defer cancel()
	r := b.invoke(overdue{ctx, time.Now().Add(d)})
	if ctx.Err() != nil {
		b.Errorf("a run of %s did not end:\n%s", d, b.out)
	}
	return r
}

// overdue is a context that is not done at its deadline.
type overdue struct {
	context.Context
	deadline time.Time
}

func (o overdue) Deadline() (time.Time, bool) { return o.deadline, true }

// sideBySide runs many cases at once: most of their time passes in pauses
// between tries.
type sideBySide struct {
	sync.WaitGroup
	slots chan struct{}
}

func (c *sideBySide) run(t *testing.T, name string, b *failBench, test func(*failBench)) {
	const atOnce = 32
	if c.slots == nil {
		c.slots = make(chan struct{}, atOnce)
	}
	c.slots <- struct{}{}
	c.Go(func() {
		defer func() { <-c.slots }()
		defer b.stack.Close()
		t.Run(name, func(t *testing.T) {
			b.T = t
			test(b)
		})
	})
}

func dropped() breakage { return breakage{name: "dropped", arm: once(fault.Drop()), slow: true} }

func replyLost() breakage {
	return breakage{name: "reply lost", arm: once(fault.LoseReply()), slow: true}
}

func outOfOrder() breakage {
	return breakage{name: "out of order", arm: once(internalError()), slow: true}
}

func throttled() breakage { return breakage{name: "throttled", arm: once(rateExceeded())} }

func killed() breakage {
	return breakage{name: "killed", kills: true, arm: func(faults *fault.Set, n int, die context.CancelFunc) {
		faults.Add(fault.Rule{Skip: n - 1, Do: func(http.ResponseWriter, *http.Request, http.Handler) {
			die()
			panic(http.ErrAbortHandler)
		}})
	}}
}

func killedWithTheEffect() breakage {
	return breakage{name: "killed with the effect", kills: true, arm: func(faults *fault.Set, n int, die context.CancelFunc) {
		faults.Add(fault.Rule{Skip: n - 1, Times: 1, Do: effectAndDie(die)})
		faults.Add(fault.Rule{Skip: n, Do: fault.Drop()})
	}}
}

// effectAndDie lets a call take effect and ends the process before its reply.
func effectAndDie(die context.CancelFunc) fault.Action {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		defer die()
		fault.LoseReply()(w, r, next)
	}
}

// once acts on the n-th call alone.
func once(do fault.Action) func(*fault.Set, int, context.CancelFunc) {
	return func(faults *fault.Set, n int, _ context.CancelFunc) {
		faults.Add(fault.Rule{Skip: n - 1, Times: 1, Do: do})
	}
}

// internalError answers as any of the services does that fails itself.
func internalError() fault.Action {
	return fault.Reply(http.StatusInternalServerError, http.Header{"Content-Type": {"application/json"}},
		`{"__type":"InternalFailure","statusCode":500,"error":"Internal Server Error","message":"out of order"}`)
}

// rateExceeded answers as a service does whose rate limit is reached: AWS with
// a type, the others by the status alone.
func rateExceeded() fault.Action {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		status := http.StatusTooManyRequests
		if r.Header.Get("X-Amz-Target") != "" {
			status = http.StatusBadRequest
		}
		fault.Reply(status, http.Header{"Content-Type": {"application/json"}},
			`{"__type":"ThrottlingException","message":"Rate exceeded"}`)(w, r, next)
	}
}

// situation is what a run finds, and what is to happen to it.
type situation struct {
	name string
	// make brings the bench there; the events of the run are new by then.
	make      func(*failBench)
	breakages []breakage
}

func situations() []situation {
	return []situation{
		{"first run", firstRun, []breakage{dropped(), replyLost(), outOfOrder(), throttled(), killed(), killedWithTheEffect()}},
		{"run after a killed one", runAfterAKilledOne, []breakage{replyLost(), killed(), killedWithTheEffect()}},
	}
}

func firstRun(b *failBench) { b.happen(120) }

// runAfterAKilledOne has some of the events in the stream already.
func runAfterAKilledOne(b *failBench) {
	b.happen(40)
	b.tick(export.OK)
	b.later(120)
	b.killAtPut(2)
}

// lapse is longer than a claim of a run without a deadline.
const lapse = 7 * time.Minute

// failBench is a bench whose log group is in another account, so that every
// service that the function can speak to is part of a run.
type failBench struct {
	*bench
	place logs.Place
}

func newFailBench(t *testing.T, tenant auth0.Options) *failBench {
	const role = "arn:aws:iam::333333333333:role/logs"
	opt := devstack.Options{STS: sts.Options{Roles: []sts.Role{{ARN: role}}}}
	b := &failBench{
		bench: newBench(t, opt, tenant),
		place: logs.Place{Account: "333333333333", Group: "/auth0/default"},
	}
	b.clock.after(time.Since(b.clock.Now())) // the SDK's, for a role's credentials
	b.clock.start()                          // after a refusal the function waits by it
	b.group(b.place)
	b.set(map[string]string{"CLOUDWATCH_ROLE_ARN": role, "BATCH_SIZE": "40", "SLACK_SEND_SUCCESS": "true"})
	return b
}

// invoke has the function run, whatever comes of it, and returns its report.
func (b *failBench) invoke(ctx context.Context) export.Report {
	b.Helper()
	b.out.Reset()
	_, _ = b.h.Handle(ctx, event(b.T, "scheduled"))
	return b.logged()
}

// calls are the operations that a run calls to which nothing happens, in their
// order.
func (s situation) calls(t *testing.T) []string {
	b := newFailBench(t, auth0.Options{Seed: 1})
	s.make(b)
	var ops []string
	b.stack.Faults.Watch(func(op string, _ int) { ops = append(ops, op) })
	b.tick(export.OK)
	return ops
}

// killAtPut runs the function and kills it at its n-th put, which still takes
// effect.
func (b *failBench) killAtPut(n int) {
	b.Helper()
	ctx, die := context.WithCancel(b.Context())
	defer die()
	puts := len(b.stack.Logs.Puts())
	// Puts are under way at the same time: those before it have theirs first.
	var calls atomic.Int64
	var before sync.WaitGroup
	before.Add(n - 1)
	b.stack.Faults.Add(fault.Rule{Op: "PutLogEvents", Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if calls.Add(1) < int64(n) {
			next.ServeHTTP(w, r)
			before.Done()
			return
		}
		before.Wait()
		effectAndDie(die)(w, r, next)
	}})
	b.invoke(ctx)
	b.stack.Faults.Clear()
	if stored := len(b.stack.Logs.Puts()) - puts; stored < n {
		b.Fatalf("%d puts took effect before the run was killed, want %d:\n%s", stored, n, b.out)
	}
	b.clock.after(lapse)
	b.restart()
}

// later lets five minutes pass, in which n events happen. A function that was
// not started anew has to live on credentials that the SDK believes good for
// fifteen minutes of the system's clock.
func (b *failBench) later(n int) {
	const d = 5 * time.Minute
	b.clock.after(d)
	b.tenant.Generate(n, b.clock.Now().Add(time.Minute-d), b.clock.Now().Add(-time.Minute))
}

// breakRun runs the function with a breakage at its n-th call.
func (b *failBench) breakRun(f breakage, n int) {
	b.Helper()
	ctx, die := context.WithCancel(b.Context())
	defer die()
	f.arm(b.stack.Faults, n, die)
	b.invoke(ctx)
	b.stack.Faults.Clear()
	b.notAhead()
}

// notAhead checks that no position lies beyond an event that is not stored.
func (b *failBench) notAhead() {
	b.Helper()
	var record export.RunRecord
	if text := b.tenant.Get("RUN"); text != "" {
		if err := json.Unmarshal([]byte(text), &record); err != nil {
			b.Fatal(err)
		}
	}
	position := max(record.Position, tenantlog.ID(b.tenant.Get("CHECKPOINT")))
	for _, id := range b.tenant.Compare(b.place, nil).Missing {
		if tenantlog.ID(id) <= position {
			b.Fatalf("%s is not stored, but the position is %s", id, position)
		}
	}
}

// recovers runs the function once undisturbed, and looks at what there is then.
func (b *failBench) recovers(coldStart bool) {
	b.Helper()
	b.clock.after(lapse)
	if coldStart {
		b.restart()
	}
	b.tick(export.OK)
	if c := b.tenant.Compare(b.place, nil); !c.Exact() {
		b.Error(c)
	}
	var last tenantlog.ID
	for id := range b.tenant.Documents() {
		last = id
	}
	if got := b.tenant.Get("CHECKPOINT"); got != string(last) {
		b.Errorf("CHECKPOINT %s, want the last event, %s", got, last)
	}
}
