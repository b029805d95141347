package chaos

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/devstack/ssm"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const (
	tenantName = "default" // the tenant of an event that names none
	// longest bounds a play, whatever hangs.
	longest = 3 * time.Minute
	// overtime is how long after its deadline a run is cut off: a machine that
	// is busy with other things must not look like a function that is late.
	overtime = 2 * time.Second
)

// stage is where a schedule is played.
type stage struct {
	Schedule
	*Story
	ctx       context.Context
	bootstrap string
	stack     *devstack.Stack
	tenant    *devstack.Tenant
	place     logs.Place
	lambda    *lambda.Function
	kinds     map[string]kind
	acts      map[string]act

	wishes wishes
	stale  staleness
	// underWay are calls that take effect later.
	underWay sync.WaitGroup
	// numbers counts events that were made by hand, moments the times at which
	// events happened.
	numbers atomic.Uint64
	clock   sync.Mutex
	moments int

	mu      sync.Mutex
	runs    []played
	kills   []*span // the end is zero until all are dead
	mends   []func()
	secrets []string
	output  []string
}

// Play plays a schedule on the bootstrap at the given path, and says what came
// of it.
func Play(ctx context.Context, bootstrap string, s Schedule) *Result {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	st := newStage(ctx, s)
	st.bootstrap = bootstrap
	if err := st.begin(); err != nil {
		st.problem("begin: %v", err)
		return st.result()
	}
	defer st.stack.Close()
	defer func() { st.lambda.Close() }() // whichever it is in the end
	st.tell("timeout %s, grace %s, scene %+v", s.Timeout, s.Grace, s.Scene)
	for i, step := range s.Steps {
		st.tell("step %d", i+1)
		st.step(step)
	}
	if st.finale() {
		st.prove()
	}
	return st.judge()
}

func newStage(ctx context.Context, s Schedule) *stage {
	st := &stage{Schedule: s, Story: newStory(), ctx: ctx, kinds: make(map[string]kind), acts: make(map[string]act)}
	for _, k := range kinds() {
		st.kinds[k.name] = k
	}
	for _, a := range acts() {
		st.acts[a.name] = a
	}
	return st
}

// begin starts the stack with one tenant, its log group and its backlog.
func (st *stage) begin() (err error) {
	st.stack, err = devstack.Start(devstack.Options{
		// In runs of seconds the service's three writes a second would be a
		// deadline of their own.
		SSM:  ssm.Options{Stale: st.stale.hides, Odd: st.Scene.OddPages, PutRate: ssm.Unlimited, GetRate: ssm.Unlimited},
		Logs: logs.Options{ReadLag: st.Scene.Lag, Odd: st.Scene.OddPages},
	})
	if err != nil {
		return err
	}
	if st.lambda, err = st.function(st.Timeout); err == nil {
		if err = st.furnish(); err == nil {
			return nil
		}
		st.lambda.Close()
	}
	st.stack.Close()
	return err
}

// function is the bootstrap as a function with the given timeout.
func (st *stage) function(timeout time.Duration) (*lambda.Function, error) {
	env := st.stack.Env()
	env["CLAIM_GRACE"] = st.Grace.String()
	return lambda.New(lambda.Options{
		Bootstrap: st.bootstrap, Env: env, Concurrency: 4,
		// The deadline that a run is told counts on this clock.
		Timeout: timeout + overtime, Now: func() time.Time { return time.Now().Add(-overtime) },
	})
}

func (st *stage) furnish() (err error) {
	secret := st.newSecret()
	st.tenant, err = st.stack.AddTenant(tenantName, auth0.Options{
		Seed: st.Seed, ClientSecret: secret, Rate: st.Scene.Rate, Pretty: st.Scene.Pretty,
	})
	if err != nil {
		return err
	}
	st.place = logs.Place{Group: st.tenant.Get("CLOUDWATCH_LOG_GROUP_NAME")}
	if err := st.stack.Logs.CreateGroup(st.place, logs.Standard, 0); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(st.Scene.Settings)) {
		st.set(name, st.Scene.Settings[name])
	}
	st.watch()
	until := st.began.Add(-past)
	st.tenant.Generate(st.Scene.Backlog, until.Add(-st.Scene.Spread), until)
	for i, name := range st.Scene.Odd {
		st.add(name, until.Add(-st.Scene.Spread*time.Duration(i)/10))
	}
	return nil
}

// watch notes every call, and after which ids pages are asked for.
func (st *stage) watch() {
	st.stack.Faults.Watch(func(op string, _ int) { st.called(op) })
	st.stack.Faults.Add(fault.Rule{Op: "logs", Match: func(r *http.Request) bool {
		st.wishes.note(tenantlog.ID(r.URL.Query().Get("from")))
		return false
	}})
}

// step plays a step to its end, when no run is at work.
func (st *stage) step(s Step) {
	for _, d := range s.Faults {
		st.arm(d)
	}
	var work sync.WaitGroup
	for _, a := range s.Acts {
		if !st.acts[a.Kind].quiet {
			work.Go(func() { st.after(a.After, func() { st.acts[a.Kind].do(st, a) }) })
		}
	}
	for _, at := range s.Runs {
		work.Go(func() { st.after(at, func() { st.invoke() }) })
	}
	if s.Kill > 0 {
		work.Go(func() { st.after(s.Kill, st.kill) })
	}
	work.Wait()
	if !s.Lasting {
		st.mend()
	}
	for _, a := range s.Acts {
		if st.acts[a.Kind].quiet {
			st.acts[a.Kind].do(st, a)
		}
	}
	sleep(st.ctx, s.Pause)
}

func (st *stage) after(d time.Duration, do func()) {
	if sleep(st.ctx, d) {
		do()
	}
}

// sleep waits for d and reports whether ctx lasted as long.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// arm has a fault happen from now on.
func (st *stage) arm(d Dose) {
	k := st.kinds[d.Kind]
	if k.dated && st.hasOdd() {
		st.tell("no fault: %s needs events that are dated as Auth0's", d)
		return
	}
	st.tell("fault: %s", d)
	if k.arm != nil {
		st.mendLater(k.arm(st))
	}
	if k.do == nil {
		st.count(d.Kind)
		return
	}
	if k.once {
		d.Times = 1
	}
	st.mendLater(st.strike(d, k))
}

// hasOdd reports whether events of the play can be dated far from the time in
// their ids.
func (st *stage) hasOdd() bool {
	return len(st.Scene.Odd) > 0 || slices.ContainsFunc(st.Steps, func(s Step) bool {
		return slices.ContainsFunc(s.Acts, func(a Act) bool { return a.Kind == oddEvent })
	})
}

// strike has calls of an operation struck.
func (st *stage) strike(d Dose, k kind) (mend func()) {
	do := k.do(st, d)
	return st.stack.Faults.Add(fault.Rule{Op: k.op, Skip: d.Skip, Times: d.Times,
		Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			st.count(d.Kind)
			st.tell("struck: %s", d.Kind)
			do(w, r, next)
		}})
}

func (st *stage) mendLater(mend func()) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.mends = append(st.mends, mend)
}

// mend ends every fault.
func (st *stage) mend() {
	st.mu.Lock()
	mends := st.mends
	st.mends = nil
	st.mu.Unlock()
	for _, mend := range slices.Backward(mends) {
		mend()
	}
}

// set writes a parameter, as an operator does.
func (st *stage) set(name, value string) {
	shown := value
	if name == "AUTH0_CLIENT_SECRET" {
		shown = "(another)"
	}
	st.tell("the operator puts %s = %s", name, shown)
	if err := st.tenant.Set(name, value); err != nil {
		st.problem("put %s: %v", name, err)
	}
}

// newSecret makes a client secret, which must never be seen in any output.
func (st *stage) newSecret() string {
	st.mu.Lock()
	defer st.mu.Unlock()
	secret := fmt.Sprintf("client-secret-%d-%d", st.Seed, len(st.secrets))
	st.secrets = append(st.secrets, secret)
	return secret
}

// number is the first of as many numbers of events as a row has.
func (st *stage) number() uint64 { return st.numbers.Add(rowLength) }
