package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
)

// oddBacklog is smaller than the standard one: every event is compared.
const oddBacklog = 6_000

// oddTenant is one that the search for places to fetch from must not be misled
// by.
type oddTenant struct {
	name string
	made auth0.MadeIDs
	// since is how long ago the events were that were exported before: the
	// walk begins there.
	since time.Duration
	fill  func(*stage)
}

func fillWeek(s *stage) { s.week(oddBacklog) }

// refusing is the reference: a tenant that leaves the export one fetcher.
var refusing = oddTenant{name: "made ids refused", made: auth0.RefuseMade, since: 7 * day, fill: fillWeek}

var others = []oddTenant{
	{name: "made ids answered from the oldest", made: auth0.MadeFromOldest, since: 7 * day, fill: fillWeek},
	{name: "made ids answered with nothing", made: auth0.MadeAnswersNothing, since: 7 * day, fill: fillWeek},
	{name: "made ids skip an event", made: auth0.MadeSkipsOne, since: 7 * day, fill: fillWeek},
	{name: "all in one hour of a month", since: 30 * day, fill: func(s *stage) { s.happened(oddBacklog, 49*time.Hour, 48*time.Hour) }},
	{name: "none for days", since: 12 * day, fill: func(s *stage) {
		s.happened(oddBacklog/2, 12*day, 11*day)
		s.happened(oddBacklog/2, time.Hour, time.Minute)
	}},
}

// oddTenants holds runs over tenants that made ids do not suit against runs
// with one fetcher, and what they stored against what there was. Both runs of
// a pair go on at the same time: they mostly wait, and whatever else the
// machine does slows both.
func oddTenants(ctx context.Context, b *bench) ([]figure, error) {
	bootstrap, err := b.exporter()
	if err != nil {
		return nil, err
	}
	var figures []figure
	refusals := 0
	for _, o := range others {
		var one, odd oddResult
		var pair sync.WaitGroup
		pair.Go(func() { one = b.oddRun(ctx, bootstrap, refusing) })
		pair.Go(func() { odd = b.oddRun(ctx, bootstrap, o) })
		pair.Wait()
		if err := errors.Join(one.err, odd.err); err != nil {
			return figures, fmt.Errorf("%s: %w", o.name, err)
		}
		b.say("%s: %.2fs, one fetcher %.2fs", o.name, odd.took.Seconds(), one.took.Seconds())
		refusals += one.wrong
		figures = append(figures,
			ratio(o.name+": time / of one fetcher", odd.took.Seconds()/one.took.Seconds()).is(atMost, 1.05),
			exactness(o, odd.wrong))
	}
	return append(figures, exactness(refusing, refusals)), nil
}

func exactness(o oddTenant, wrong int) figure {
	return ratio(o.name+": events lost, twice or altered", float64(wrong)).is(atMost, 0)
}

// oddResult is how long a run took, and how many events were not stored as they
// were.
type oddResult struct {
	took  time.Duration
	wrong int
	err   error
}

// oddRun measures one run.
func (b *bench) oddRun(ctx context.Context, bootstrap string, o oddTenant) (r oddResult) {
	s, err := b.stage(scene{latency: usual, keep: true})
	if err != nil {
		return oddResult{err: err}
	}
	defer s.close()
	if r.took, r.err = s.oddRun(ctx, bootstrap, o); r.err == nil {
		c := s.tenant.Compare(s.place, nil)
		r.wrong = len(c.Missing) + len(c.Double) + len(c.Altered) + len(c.Mistimed) + len(c.Foreign)
	}
	return r
}

// oddRun times a run after one with a few events, which starts the process and
// the walk.
func (s *stage) oddRun(ctx context.Context, bootstrap string, o oddTenant) (time.Duration, error) {
	f, err := s.function(bootstrap, nil)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	const before = 10
	s.happened(before, o.since+time.Hour, o.since)
	if _, err := invoke(ctx, f, before); err != nil {
		return 0, err
	}
	s.tenant.SetMadeIDs(o.made)
	o.fill(s)
	r, err := invoke(ctx, f, oddBacklog)
	return r.Took, err
}
