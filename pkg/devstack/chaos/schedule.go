// Package chaos plays bad days on the real bootstrap: a schedule, decided by a
// seed alone, breaks what the function speaks to, kills it, runs it several
// times at once and has an operator edit its parameters. In the end, after one
// undisturbed run, every log event of the tenant must be in the log group
// exactly once, and every edit acted on.
package chaos

import (
	"math/rand/v2"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
)

// Schedule is everything about a play that is decided beforehand. Equal seeds
// give equal schedules. How the calls of a play meet is up to the machine, so
// two plays of one schedule may differ.
type Schedule struct {
	Seed uint64
	// Timeout is the function's, Grace what its claims hold beyond a run.
	Timeout, Grace time.Duration
	Scene          Scene
	Steps          []Step
}

// Scene is what a play begins with and keeps.
type Scene struct {
	// Backlog is how many log events happened before the first run, Spread the
	// time over which they did, and Odd names others among them that CloudWatch
	// Logs does not take as they are, or that are awkward in another way.
	Backlog int
	Spread  time.Duration
	Odd     []string
	// Fresh events happen in the very moment, and cannot be exported yet.
	Fresh bool
	// Settings are the tenant's parameters, beside those without which nothing
	// runs.
	Settings map[string]string
	// Excluded is the type code that LOG_TYPES leaves out, "" for none.
	Excluded string
	Rate     auth0.Rate
	// Pretty has Auth0 serve documents over several lines. OddPages has the
	// AWS services answer pages that are empty or part-full and not the last.
	Pretty, OddPages bool
	// Lag is how long a stored log event cannot be read. Apart has runs keep a
	// distance of more than that; without it they have to wait for reads.
	Lag   time.Duration
	Apart bool
	// Blind is a function that may not always read the log group back: it may
	// store events twice.
	Blind bool
	// Moves has the export move to other log streams. Nobody has it go back
	// then, which would export everything once more, into the other stream.
	Moves bool
}

// Step is a while of the play: faults and acts, runs that meet them, and a
// pause.
type Step struct {
	Faults []Dose
	Acts   []Act
	// Runs are when runs start, Kill when all that are at work are killed, 0
	// for never; both counted from the step's start.
	Runs []time.Duration
	Kill time.Duration
	// Lasting leaves the step's faults in force for the next one.
	Lasting bool
	Pause   time.Duration
}

// Dose is how much of a fault there is.
type Dose struct {
	Kind string
	// Skip is how many calls go by first, Times how many are then struck, 0
	// for all.
	Skip, Times int
	// Delay is how slow a slow fault is.
	Delay time.Duration
	// Part of something, from 0 to 1.
	Part float64
}

// Act is something that an operator does, or that happens at the tenant.
type Act struct {
	Kind string
	// After is when, counted from the step's start.
	After time.Duration
	// N is a number of whatever the act is about, Where a place among the log
	// events that were exported, from 0 to 1.
	N     int
	Where float64
}

// Decide makes the schedule of a seed.
func Decide(seed uint64) Schedule {
	d := decider{Rand: rand.New(rand.NewPCG(seed, 0))}
	s := Schedule{
		Seed:    seed,
		Timeout: time.Duration(4+d.IntN(4)) * 500 * time.Millisecond,
		Grace:   500 * time.Millisecond,
		Scene:   d.scene(),
	}
	d.kinds = slices.DeleteFunc(kinds(), func(k kind) bool { return k.blind && !s.Scene.Blind || k.edits && s.Scene.Moves })
	d.acts = slices.DeleteFunc(acts(), func(a act) bool {
		return a.moves && !s.Scene.Moves || (a.edits || a.refills) && s.Scene.Moves || a.asks && s.Scene.Apart
	})
	steps := 3 + d.IntN(4)
	switch lag := s.Scene.Lag; {
	case s.Scene.Apart:
		s.Grace += lag
		steps = max(2, steps-int(lag/time.Second))
	case lag > 0: // a run counts on a lag of up to a tenth of the grace
		s.Grace = 10*lag + 200*time.Millisecond
	}
	for range steps {
		s.Steps = append(s.Steps, d.step(s))
	}
	return s
}

// decider makes every decision, from one stream of numbers.
type decider struct {
	*rand.Rand
	// kinds and acts are those that fit the scene.
	kinds []kind
	acts  []act
}

// one reports true once in n times.
func (d decider) one(n int) bool { return d.IntN(n) == 0 }

// upTo is a time from 0 to most.
func (d decider) upTo(most time.Duration) time.Duration {
	return d.between(0, most)
}

func (d decider) between(least, most time.Duration) time.Duration {
	return least + time.Duration(d.Int64N(int64(most-least)+1)).Round(time.Millisecond)
}

func pick[T any](d decider, of []T) T { return of[d.IntN(len(of))] }

// weighted picks one as often as its weight says, beside the others.
func weighted[T any](d decider, of []T, weight func(T) int) T {
	total := 0
	for _, v := range of {
		total += weight(v)
	}
	n := d.IntN(total)
	i := slices.IndexFunc(of, func(v T) bool { n -= weight(v); return n < 0 })
	return of[i]
}

func (d decider) scene() Scene {
	s := Scene{
		Backlog:  pick(d, []int{0, 30, 120, 250, 400, 700, 2000}),
		Spread:   pick(d, []time.Duration{time.Minute, 2 * time.Hour, 26 * time.Hour}),
		Settings: make(map[string]string),
		Rate:     auth0.Rate{Limit: 100, Refill: 100},
		Fresh:    d.one(3),
		Pretty:   d.one(6),
		OddPages: d.one(4),
		Blind:    d.one(15),
		Moves:    d.one(8),
	}
	for range d.IntN(8) {
		s.Odd = append(s.Odd, pick(d, oddNames()))
	}
	if d.one(6) {
		s.Rate = auth0.Rate{Limit: 3 + d.IntN(8), Refill: float64(3 + d.IntN(4)), RetryAfter: d.one(2)}
		s.Backlog = min(s.Backlog, 400)
	}
	if d.one(6) { // enough for several fetchers, and no limit to them
		s.Rate, s.Backlog = auth0.Rate{}, 4000+d.IntN(4000)
	}
	switch d.IntN(8) {
	case 0:
		s.Lag, s.Apart = pick(d, []time.Duration{300 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second}), true
	case 1:
		s.Lag = d.between(20*time.Millisecond, 200*time.Millisecond)
	}
	if d.one(3) {
		s.Settings["CLOUDWATCH_LOG_STREAM_NAME"] = "{tenant}-{date}"
	}
	if d.one(4) {
		s.Settings["BATCH_SIZE"] = pick(d, []string{"1000", "37", "10"})
	}
	if d.one(4) {
		s.Settings["START_FROM"] = pick(d, []string{"oldest", "2020-01-01", "2021-06-05T07:08:09Z"})
	}
	if d.one(4) {
		s.Excluded = pick(d, []string{"s", "seacft", "ssa"})
		s.Settings["LOG_TYPES"] = "!" + s.Excluded
	}
	return s
}

func (d decider) step(s Schedule) Step {
	step := Step{
		Runs:    []time.Duration{0},
		Lasting: d.one(4),
		Pause:   d.upTo(400 * time.Millisecond),
	}
	if !d.one(3) {
		step.Acts = append(step.Acts, Act{Kind: "log events", After: d.upTo(200 * time.Millisecond), N: 1 + d.IntN(200)})
	}
	for range d.IntN(4) {
		step.Faults = append(step.Faults, d.dose())
	}
	for range d.IntN(3) {
		step.Acts = append(step.Acts, d.act())
	}
	for !s.Scene.Apart && len(step.Runs) < 3 && d.one(3) {
		step.Runs = append(step.Runs, d.upTo(pick(d, []time.Duration{50 * time.Millisecond, s.Timeout / 3})))
	}
	if len(step.Runs) > 1 && d.one(2) { // so that the runs meet
		kind := pick(d, []string{"delivery is slow", "page is slow"})
		step.Faults = append(step.Faults, Dose{Kind: kind, Delay: d.between(50*time.Millisecond, 400*time.Millisecond)})
	}
	if d.one(3) {
		// Most runs are short, so most kills come early.
		step.Kill = time.Millisecond + min(d.upTo(s.Timeout), d.upTo(time.Second))
	}
	if d.one(3) { // long enough for the claims of the dead to lapse
		step.Pause += s.Timeout + s.Grace
	}
	if lag := s.Scene.Lag; s.Scene.Apart {
		step.Pause += lag + 200*time.Millisecond
	}
	return step
}

func (d decider) dose() Dose {
	return Dose{
		Kind: weighted(d, d.kinds, func(k kind) int { return k.weight }).name,
		Skip: d.IntN(3) * d.IntN(3), Times: d.IntN(5),
		Delay: d.between(20*time.Millisecond, 400*time.Millisecond),
		Part:  d.Float64(),
	}
}

func (d decider) act() Act {
	return Act{
		Kind:  weighted(d, d.acts, func(a act) int { return a.weight }).name,
		After: d.upTo(700 * time.Millisecond),
		N:     1 + d.IntN(120),
		Where: d.Float64(),
	}
}
