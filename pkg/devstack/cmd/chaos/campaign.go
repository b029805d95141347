package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/chaos"
	"auth0-logs-to-cloudwatch/pkg/devstack/progress"
)

// campaign plays the schedules of many seeds.
type campaign struct {
	out       *progress.Line
	bootstrap string
	first     uint64
	seeds     int
	atOnce    int
	only      uint64
}

// one plays one seed and tells all of it.
func (c campaign) one(ctx context.Context) error {
	c.out.Show(progress.State{Text: fmt.Sprintf("playing seed %d", c.only)})
	r := chaos.Play(ctx, c.bootstrap, chaos.Decide(c.only))
	fmt.Fprintf(c.out, "%s%s\n", r.Story, r.Comparison)
	fmt.Fprintln(c.out, line(r))
	if len(r.Problems) > 0 {
		return errors.New("the play did not end well")
	}
	return nil
}

// all plays all seeds, a few at once, and tells of each as it ends.
func (c campaign) all(ctx context.Context) error {
	started := time.Now()
	results := c.play(ctx)
	sum := newTotal()
	c.out.Show(sum.progress(c.seeds))
	for r := range results {
		sum.add(r)
		fmt.Fprintln(c.out, line(r))
		if len(r.Problems) > 0 {
			fmt.Fprintln(c.out, story(r))
		}
		c.out.Show(sum.progress(c.seeds))
	}
	took := time.Since(started).Round(time.Second)
	fmt.Fprintf(c.out, "faults: %s\n%s, in %s\n", counts(sum.struck), sum, took)
	if len(sum.failed) > 0 {
		return fmt.Errorf("these seeds went wrong: %s", strings.Trim(fmt.Sprint(sum.failed), "[]"))
	}
	return ctx.Err()
}

// play plays the seeds until all are played or ctx ends.
func (c campaign) play(ctx context.Context) <-chan *chaos.Result {
	seeds := make(chan uint64)
	results := make(chan *chaos.Result)
	var workers sync.WaitGroup
	for range c.atOnce {
		workers.Go(func() {
			for seed := range seeds {
				results <- chaos.Play(ctx, c.bootstrap, chaos.Decide(seed))
			}
		})
	}
	go func() {
		defer close(results)
		defer workers.Wait()
		defer close(seeds)
		for i := range c.seeds {
			select {
			case seeds <- c.first + uint64(i):
			case <-ctx.Done():
				return
			}
		}
	}()
	return results
}

// total sums up the plays.
type total struct {
	played                                           int
	lost, twice, altered, repeated, honoured, events int
	runs, kills                                      int
	struck                                           map[string]int
	failed                                           []uint64
}

func newTotal() *total { return &total{struck: make(map[string]int)} }

func (t *total) add(r *chaos.Result) {
	t.played++
	t.lost += r.Lost
	t.twice += r.Twice
	t.altered += r.Altered
	t.repeated += r.Repeated
	t.honoured += r.Honoured
	t.events += r.Comparison.Expected
	t.kills += r.Kills
	for _, n := range r.Runs {
		t.runs += n
	}
	for kind, n := range r.Struck {
		t.struck[kind] += n
	}
	if len(r.Problems) > 0 {
		t.failed = append(t.failed, r.Schedule.Seed)
		slices.Sort(t.failed)
	}
}

// progress tells how many of the seeds are played.
func (t *total) progress(seeds int) progress.State {
	return progress.State{
		Done: t.played, Total: seeds, Wrong: len(t.failed) > 0,
		Text: fmt.Sprintf("%d of %d schedules, %d went wrong", t.played, seeds, len(t.failed)),
	}
}

func (t *total) String() string {
	struck := 0
	for _, n := range t.struck {
		struck += n
	}
	return fmt.Sprintf("%d schedules: %d lost, %d twice, %d altered, %d edits honoured, %d went wrong; "+
		"%d log events, %d runs, %d kills, %d faults; stored again where that may be: %d",
		t.played, t.lost, t.twice, t.altered, t.honoured, len(t.failed), t.events, t.runs, t.kills, struck, t.repeated)
}

// line tells of a play in one line.
func line(r *chaos.Result) string {
	verdict := "ok   "
	if len(r.Problems) > 0 {
		verdict = "WRONG"
	}
	return fmt.Sprintf("%4d  %s  %4.1f s  %5d events  runs: %s  kills: %d  edits: %d  faults: %s",
		r.Schedule.Seed, verdict, r.Took.Seconds(), r.Comparison.Expected, counts(r.Runs), r.Kills, r.Honoured, counts(r.Struck))
}

// story tells of a play that went wrong, and how to play it again.
func story(r *chaos.Result) string {
	var text strings.Builder
	text.WriteString(r.String())
	for _, p := range r.Problems {
		fmt.Fprintf(&text, "seed %d: %s\n", r.Schedule.Seed, p)
	}
	fmt.Fprintf(&text, "%s\nagain: make chaos SEED=%d", r.Comparison, r.Schedule.Seed)
	return text.String()
}

func counts(of map[string]int) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		list = append(list, fmt.Sprintf("%d %s", of[name], name))
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
