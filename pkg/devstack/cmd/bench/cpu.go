package main

import (
	"context"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
)

// warmUp is how many events a process exports before it is measured: its start
// and its connections are no part of the cost of an event.
const warmUp = 1_000

// cpuTime measures the CPU time of an event, user and system, where no service
// makes the process wait.
func cpuTime(ctx context.Context, b *bench) ([]figure, error) {
	const rounds = 3
	exporter, err := b.exporter()
	if err != nil {
		return nil, err
	}
	plainly, err := b.baseline()
	if err != nil {
		return nil, err
	}
	var ours, plain, base, toBase, toPlain []float64
	for range rounds {
		gzip, err := b.cost(ctx, exporter, auth0.Options{})
		if err != nil {
			return nil, err
		}
		baseline, err := b.cost(ctx, plainly, auth0.Options{})
		if err != nil {
			return nil, err
		}
		none, err := b.cost(ctx, exporter, auth0.Options{NoGzip: true})
		if err != nil {
			return nil, err
		}
		b.say("ours %.1f ms, baseline %.1f ms, ours without gzip %.1f ms", gzip, baseline, none)
		ours, base, plain = append(ours, gzip), append(base, baseline), append(plain, none)
		toBase, toPlain = append(toBase, gzip/baseline), append(toPlain, gzip/none)
	}
	const unit = "ms"
	return []figure{
		info("CPU per 1,000 events", median(ours), unit),
		info("CPU per 1,000 events, baseline", median(base), unit),
		ratio("CPU / of the baseline", median(toBase)).is(atMost, 0.45),
		info("CPU per 1,000 events, Auth0 without gzip", median(plain), unit),
		ratio("CPU with gzip / without", median(toPlain)),
	}, nil
}

// cost is the CPU time of a bootstrap per 1,000 events, in milliseconds.
func (b *bench) cost(ctx context.Context, bootstrap string, tenant auth0.Options) (float64, error) {
	s, err := b.stage(scene{tenant: tenant})
	if err != nil {
		return 0, err
	}
	defer s.close()
	w, err := s.warmRun(ctx, bootstrap, backlog, nil)
	return float64(w.cpu) / float64(time.Millisecond) / (backlog / 1000), err
}

// warmRun is a run of a process that has run before.
type warmRun struct {
	took time.Duration
	cpu  time.Duration
}

// warmRun has a new process export a few events, and measures how it then
// exports n more.
func (s *stage) warmRun(ctx context.Context, bootstrap string, n int, change func(*lambda.Options)) (w warmRun, err error) {
	f, err := s.function(bootstrap, change)
	if err != nil {
		return w, err
	}
	defer f.Close()
	s.happened(warmUp, 8*day, 7*day)
	first, err := invoke(ctx, f, warmUp)
	if err != nil {
		return w, err
	}
	s.week(n)
	second, err := invoke(ctx, f, n)
	return warmRun{second.Duration, second.Usage.CPU - first.Usage.CPU}, err
}
