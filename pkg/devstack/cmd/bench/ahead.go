package main

import (
	"context"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/cmd/bench/api"
)

// severalFetchers measures what fetching ahead gains where no rate limit holds
// it back: over one fetcher, and over the baseline.
func severalFetchers(ctx context.Context, b *bench) ([]figure, error) {
	ours, err := b.exporter()
	if err != nil {
		return nil, err
	}
	plain, err := b.baseline()
	if err != nil {
		return nil, err
	}
	if err := b.needOne(ctx, ours); err != nil {
		return nil, err
	}
	var took []time.Duration
	var wasted []float64
	for range 3 {
		t, requests, err := b.unlimited(ctx, ours)
		if err != nil {
			return nil, err
		}
		b.say("run %.2fs, %d pages asked for", t.Seconds(), requests)
		took = append(took, t)
		wasted = append(wasted, wastedShare(requests, backlog))
	}
	baseline, _, err := b.unlimited(ctx, plain)
	if err != nil {
		return nil, err
	}
	b.say("baseline %.2fs", baseline.Seconds())
	run := median(took)
	return []figure{
		info("events a second", backlog/(run/float64(time.Second)), "events/s"),
		ratio("time of one fetcher / of several", median(b.oneTook)/run).is(atLeast, 6),
		ratio("time of the baseline / of a run", float64(baseline)/run).is(atLeast, 8),
		info("requests beyond one a page", 100*median(wasted), "%").is(under, 5),
	}, nil
}

// needOne times one fetcher, where that was not done before.
func (b *bench) needOne(ctx context.Context, bootstrap string) error {
	if len(b.oneTook) > 0 {
		return nil
	}
	return b.onRefusing(func(s *stage) error {
		r, err := s.run(ctx, bootstrap)
		b.say("one fetcher %.2fs", r.Took.Seconds())
		b.oneTook = append(b.oneTook, r.Took)
		return err
	})
}

// unlimited times a run over the standard backlog of a tenant without a rate
// limit, and counts the pages it asked for.
func (b *bench) unlimited(ctx context.Context, bootstrap string) (took time.Duration, requests int, err error) {
	s, err := b.stage(scene{latency: usual})
	if err != nil {
		return 0, 0, err
	}
	defer s.close()
	s.week(backlog)
	r, err := s.run(ctx, bootstrap)
	return r.Took, s.stack.Faults.Calls("logs") + s.stack.Faults.Calls("search"), err
}

// wastedShare is the part of the requests that were needless: all events come
// on full pages, and one more tells that there are no others.
func wastedShare(requests, events int) float64 {
	needed := (events+api.PageSize-1)/api.PageSize + 1
	return float64(requests-needed) / float64(needed)
}
