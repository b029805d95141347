package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
)

// oneFetcher holds whole runs against a loop that does nothing but walk the
// pages. A tenant that refuses made ids leaves the export one fetcher.
func oneFetcher(ctx context.Context, b *bench) ([]figure, error) {
	const pairs = 3
	bootstrap, err := b.exporter()
	if err != nil {
		return nil, err
	}
	var ratios []float64
	for range pairs {
		loop, run, err := b.pair(ctx, bootstrap)
		if err != nil {
			return nil, err
		}
		b.say("loop %.2fs, run %.2fs", loop.Seconds(), run.Seconds())
		b.oneTook = append(b.oneTook, run)
		ratios = append(ratios, run.Seconds()/loop.Seconds())
	}
	return []figure{
		info("events a second", backlog/(median(b.oneTook)/float64(time.Second)), "events/s"),
		ratio("time of a run / of a loop over its pages", median(ratios)).is(atMost, 1.05),
	}, nil
}

// pair times the loop and a run at the same time, each on a stage of its own:
// both mostly wait, and whatever else the machine does slows both.
func (b *bench) pair(ctx context.Context, bootstrap string) (loop, run time.Duration, err error) {
	var errs [2]error
	var both sync.WaitGroup
	both.Go(func() {
		errs[0] = b.onRefusing(func(s *stage) (err error) { loop, err = s.walk(ctx); return err })
	})
	both.Go(func() {
		errs[1] = b.onRefusing(func(s *stage) error {
			r, err := s.run(ctx, bootstrap)
			run = r.Took
			return err
		})
	})
	both.Wait()
	return loop, run, errors.Join(errs[:]...)
}

// onRefusing works on a stage with the standard backlog and one fetcher.
func (b *bench) onRefusing(work func(*stage) error) error {
	s, err := b.stage(scene{tenant: auth0.Options{MadeIDs: auth0.RefuseMade}, latency: usual})
	if err != nil {
		return err
	}
	defer s.close()
	s.week(backlog)
	return work(s)
}
