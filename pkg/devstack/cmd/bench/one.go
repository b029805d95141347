package main

import (
	"context"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
)

// oneFetcher holds whole runs against a loop that does nothing but walk the
// pages. A tenant that refuses made ids leaves the export one fetcher.
func oneFetcher(ctx context.Context, b *bench) ([]figure, error) {
	const pairs = 2
	var ratios []float64
	for range pairs {
		loop, run, err := b.pair(ctx)
		if err != nil {
			return nil, err
		}
		b.say("loop %.2fs, run %.2fs", loop.Seconds(), run.Seconds())
		ratios = append(ratios, run.Seconds()/loop.Seconds())
	}
	return []figure{
		info("events a second", backlog/(median(b.oneTook)/float64(time.Second)), "events/s"),
		ratio("time of a run / of a loop over its pages", median(ratios)).is(atMost, 1.05),
	}, nil
}

// pair times the loop and a run over the same backlog.
func (b *bench) pair(ctx context.Context) (loop, run time.Duration, err error) {
	s, err := b.stage(scene{tenant: auth0.Options{MadeIDs: auth0.RefuseMade}, latency: usual})
	if err != nil {
		return 0, 0, err
	}
	defer s.close()
	s.week(backlog)
	if loop, err = s.walk(ctx); err != nil {
		return 0, 0, err
	}
	run, err = b.timeRun(ctx, s, b.exporter)
	b.oneTook = append(b.oneTook, run)
	return loop, run, err
}

// timeRun times one run of a program over all the events of a stage.
func (b *bench) timeRun(ctx context.Context, s *stage, program func() (string, error)) (time.Duration, error) {
	bootstrap, err := program()
	if err != nil {
		return 0, err
	}
	r, err := s.run(ctx, bootstrap, nil)
	return r.Took, err
}
