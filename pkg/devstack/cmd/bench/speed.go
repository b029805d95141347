package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
)

// What Lambda charges in us-east-1 for arm64, list prices of November 2026.
const (
	dollarsPerGBSecond = 0.0000133334
	dollarsPerRequest  = 0.20 / 1e6
)

const (
	// fullCore is the memory in MB at which Lambda gives a function one whole
	// core; below, in proportion (Lambda developer guide, "Configure Lambda
	// function memory").
	fullCore = 1769
	// runSeconds is how long a run fetches at the template's time-out of 300 s,
	// less the reserve at its end.
	runSeconds = 285
)

// memories are the sizes to compare, in MB, each with events for some seconds.
var memories = []struct{ mb, events int }{{128, 6_000}, {256, 10_000}, {512, 20_000}, {1024, 20_000}}

// speeds measures what each size of the function does in a second and costs.
// The process is held to its share of a core where the machine allows it.
func speeds(ctx context.Context, b *bench) ([]figure, error) {
	bootstrap, err := b.exporter()
	if err != nil {
		return nil, err
	}
	how, measure := "held by cgroup", b.heldRun
	if err := cpuGroupsWork(); err != nil {
		b.say("computed from CPU time, as this machine does not hold a process to a share of a core: %v", err)
		how = "computed"
		if measure, err = b.computedRun(ctx, bootstrap); err != nil {
			return nil, err
		}
	}
	var figures []figure
	for _, m := range memories {
		w, err := measure(ctx, bootstrap, m.mb, m.events)
		if err != nil {
			return figures, err
		}
		b.say("%d MB: %d events in %.1fs with %.1fs of CPU (%s)", m.mb, m.events, w.took.Seconds(), w.cpu.Seconds(), how)
		name := fmt.Sprintf("%d MB (%s)", m.mb, how)
		figures = append(figures, priced(name, m.mb, float64(m.events)/w.took.Seconds())...)
		figures = append(figures, info(name+": CPU used of its share", 100*w.cpu.Seconds()/(w.took.Seconds()*share(m.mb)), "%"))
	}
	return figures, nil
}

// share is the part of a core that Lambda gives a function with a memory.
func share(mb int) float64 { return float64(mb) / fullCore }

// heldRun measures a warm run that gets a size's share of a core and no more.
func (b *bench) heldRun(ctx context.Context, bootstrap string, mb, events int) (w warmRun, err error) {
	group, err := newCPUGroup(share(mb))
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, group.close()) }()
	var added error
	w, err = b.usualRun(ctx, bootstrap, events, func(o *lambda.Options) {
		o.Memory = mb
		o.Started = func(pid int) { added = group.add(pid) }
	})
	if err == nil && w.cpu.Seconds() > 1.2*share(mb)*w.took.Seconds() {
		err = fmt.Errorf("the machine gave %s of CPU in %s to a process held to %.2f of a core", w.cpu, w.took, share(mb))
	}
	return w, errors.Join(err, added)
}

// computedRun takes one run that is not held and computes others from it.
func (b *bench) computedRun(ctx context.Context, bootstrap string) (func(context.Context, string, int, int) (warmRun, error), error) {
	w, err := b.usualRun(ctx, bootstrap, backlog, nil)
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, _ string, mb, events int) (warmRun, error) {
		return computed(w, share(mb), float64(events)/backlog), nil
	}, nil
}

// computed is a run of so many times the events with a share of a core: as long
// as its CPU time takes there, and no shorter than it was.
func computed(w warmRun, share, times float64) warmRun {
	scale := func(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }
	return warmRun{took: scale(max(w.took, scale(w.cpu, 1/share)), times), cpu: scale(w.cpu, times)}
}

// usualRun is a warm run at the usual latencies.
func (b *bench) usualRun(ctx context.Context, bootstrap string, events int, change func(*lambda.Options)) (warmRun, error) {
	s, err := b.stage(scene{latency: usual})
	if err != nil {
		return warmRun{}, err
	}
	defer s.close()
	return s.warmRun(ctx, bootstrap, events, change)
}

// priced is what a rate of events a second comes to.
func priced(name string, mb int, rate float64) []figure {
	seconds := 1e6 / rate
	gbSeconds := seconds * float64(mb) / 1024
	dollars := gbSeconds*dollarsPerGBSecond + math.Ceil(seconds/runSeconds)*dollarsPerRequest
	return []figure{
		info(name+": speed", rate, "events/s"),
		info(name+": per million events", gbSeconds, "GB-s"),
		info(name+": per million events", dollars, "$"),
	}
}
