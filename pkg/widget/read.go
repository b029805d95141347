package widget

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/schedule"
)

// tenant is what is known of one tenant's export.
type tenant struct {
	name  string
	rules []schedule.Rule
	state state
	runs  TenantRuns
}

// state is a tenant's RUN and CHECKPOINT.
type state struct {
	// record is nil where there is no valid one, as before the first run.
	record     *export.RunRecord
	modified   time.Time // when the record was written
	checkpoint export.Parameter
	err        error
}

// readers is how many tenants' parameters are read at a time: all reading
// calls to Parameter Store share 40 a second (quotas page).
const readers = 8

// findings are what was read for a page. What could not be read has left an
// error in its place.
type findings struct {
	rules      []schedule.Rule
	rulesErr   error
	tenants    []tenant
	historyErr error
	// since is from when on no run is missing.
	since time.Time
}

// gather reads what is to be shown of the tenants of the rules. Where there are
// no rules, the runs say which tenants there are.
func (w *Widget) gather(ctx context.Context, v view, rules []schedule.Rule) findings {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	names := tenantsOf(rules)
	f := findings{rules: rules}
	var history History
	var wg sync.WaitGroup
	wg.Go(func() { history, f.historyErr = w.Runs.Read(ctx, names, w.firstLook(rules)) })
	states := w.states(ctx, names)
	wg.Wait()
	f.since = history.Since
	if len(rules) == 0 {
		names = slices.Sorted(maps.Keys(history.Tenants))
		states = w.states(ctx, names)
	}
	for _, name := range names {
		if v.Only == "" || v.Only == name {
			f.tenants = append(f.tenants, tenant{name: name, rules: rulesOf(rules, name), state: states[name], runs: history.Tenants[name]})
		}
	}
	return f
}

// tenantsOf are the tenants of the rules, in order.
func tenantsOf(rules []schedule.Rule) []string {
	var names []string
	for _, rule := range rules {
		names = append(names, rule.Tenants...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// rulesOf are the rules of a tenant.
func rulesOf(rules []schedule.Rule, tenant string) []schedule.Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r schedule.Rule) bool { return !slices.Contains(r.Tenants, tenant) })
}

func (w *Widget) states(ctx context.Context, tenants []string) map[string]state {
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		all  = make(map[string]state)
		free = make(chan struct{}, readers)
	)
	for _, name := range tenants {
		wg.Go(func() {
			free <- struct{}{}
			s := w.state(ctx, name)
			<-free
			mu.Lock()
			defer mu.Unlock()
			all[name] = s
		})
	}
	wg.Wait()
	return all
}

// maxVoid bounds how many void versions of RUN are stepped over.
const maxVoid = 5

// state reads RUN and CHECKPOINT. Where a record of RUN does not count, the one
// before is looked at, and where that cannot be read there is none.
func (w *Widget) state(ctx context.Context, tenant string) state {
	p, err := w.Parameters(tenant)
	if err != nil {
		return state{err: err}
	}
	named, err := p.Named(ctx, export.RunName, export.CheckpointName)
	s := state{checkpoint: named[export.CheckpointName], err: err}
	run := named[export.RunName]
	for range maxVoid {
		if err != nil || run.Version == 0 {
			break
		}
		if record, valid, _ := export.DecodeRun(run); valid {
			s.record, s.modified = record, run.Modified
			break
		}
		if run.Version == 1 {
			break
		}
		// By GetParameters again: the role allows no other call.
		named, err = p.Named(ctx, fmt.Sprintf("%s:%d", export.RunName, run.Version-1))
		run = named[export.RunName]
	}
	return s
}

// busy is until when a run is at work; zero where none is.
func (s state) busy(now time.Time) time.Time {
	if r := s.record; r != nil && r.Busy(s.modified, now) {
		return r.Until
	}
	return time.Time{}
}

// edited reports whether CHECKPOINT holds an operator's wish that no run has
// acted on.
func (s state) edited() bool {
	if s.record == nil || s.checkpoint.Version == 0 {
		return false
	}
	ours := s.record.Checkpoint
	return s.checkpoint.Version > ours.Version && s.checkpoint.Value != ours.Value
}

// last is the tenant's last run: of the log's newest report and what RUN says,
// the newer, and of the same run the report, which says more.
func (t tenant) last() (Run, bool) {
	var last Run
	if len(t.runs.All) > 0 {
		last = t.runs.All[0]
	}
	if r := t.state.record; r != nil && r.Last != nil && r.Last.Ended.After(last.Ended) {
		l := r.Last
		last = Run{Report: export.Report{
			Tenant: t.name, Outcome: l.Outcome, Error: l.Error, Started: l.Started, Ended: l.Ended,
			Fetched: l.Fetched, Filtered: l.Filtered, Exported: l.Exported, Present: l.Present, Batches: l.Batches,
			LagSeconds: l.LagSeconds, Gap: l.Gap, Version: l.Version,
		}}
	}
	return last, !last.Ended.IsZero()
}

// The first look into the log covers as many ticks of the busiest schedule as
// runs are kept, within these bounds.
const (
	leastLook = 30 * time.Minute
	mostLook  = 24 * time.Hour
	usualLook = 2 * time.Hour
)

// firstLook is the span of time in which the busiest rule has as many runs as
// are kept.
func (w *Widget) firstLook(rules []schedule.Rule) time.Duration {
	look := time.Duration(0)
	for _, rule := range rules {
		e, err := schedule.Parse(rule.Expression)
		if err != nil {
			continue
		}
		now := w.Now()
		first, _ := e.Next(now, now)
		second, ok := e.Next(first, now)
		if span := (Kept + 1) * second.Sub(first); ok && (look == 0 || span < look) {
			look = span
		}
	}
	if look == 0 {
		return usualLook
	}
	return min(max(look, leastLook), mostLook)
}
