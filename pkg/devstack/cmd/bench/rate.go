package main

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
)

// The rate limit of the targets: that of Auth0's Enterprise plan.
var limited = auth0.Rate{Limit: 50, Refill: 16}

const (
	limitedLatency = 300 * time.Millisecond
	// limitedBacklog is more than the limit allows in limitedTime, of which a
	// fifth is kept in reserve at the end.
	limitedBacklog = 120_000
	limitedTime    = 80 * time.Second
)

// rateLimited measures how much of the rate limit a run makes use of, and what
// is left of it for others. Both runs go on at the same time, each with a
// tenant of its own: they wait more than they work.
func rateLimited(ctx context.Context, b *bench) ([]figure, error) {
	bootstrap, err := b.exporter()
	if err != nil {
		return nil, err
	}
	var alone, shared tally
	var errs [2]error
	var runs sync.WaitGroup
	runs.Go(func() { errs[0] = b.limitedRun(ctx, bootstrap, 100, &alone) })
	runs.Go(func() { errs[1] = b.limitedRun(ctx, bootstrap, 50, &shared) })
	runs.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return []figure{
		info("share 100: pages of those the limit allows", alone.used(100), "%").is(atLeast, 95),
		ratio("share 100: answers of 429", float64(alone.ours.refused)).is(atMost, 0),
		info("share 50: pages of those the share allows", shared.used(50), "%"),
		ratio("share 50: answers of 429", float64(shared.ours.refused)),
		info("second client: requests sent", float64(shared.other.sent), ""),
		ratio("second client: answers of 429", float64(shared.other.refused)).is(atMost, 0),
	}, nil
}

// limitedRun runs the export against a limited tenant, with a second client
// beside it where that is left a share.
func (b *bench) limitedRun(ctx context.Context, bootstrap string, share int, t *tally) error {
	s, err := b.stage(scene{
		tenant:   auth0.Options{Rate: limited},
		settings: map[string]string{"AUTH0_RATE_SHARE": strconv.Itoa(share)},
		latency:  latency{put: usual.put, ssm: usual.ssm},
	})
	if err != nil {
		return err
	}
	defer s.close()
	s.stack.Faults.Add(fault.Rule{Op: "logs", Do: t.counted(limitedLatency)})
	s.week(limitedBacklog)
	f, err := s.function(bootstrap, func(o *lambda.Options) { o.Timeout = limitedTime })
	if err != nil {
		return err
	}
	defer f.Close()
	if share < 100 {
		stop, err := s.secondClient(ctx)
		if err != nil {
			return err
		}
		defer stop()
	}
	r, err := invokeAny(ctx, f)
	t.end(time.Now())
	b.say("share %d: %s after %.1fs, %d pages", share, r.Outcome, r.Took.Seconds(), t.ours.sent-t.ours.refused)
	return err
}

// secondName is what the second client calls itself.
const secondName = "second-client"

// secondClient draws 40 % of what refills the tenant's bucket, five requests
// at once, until stop is called.
func (s *stage) secondClient(ctx context.Context) (stop func(), err error) {
	const share, burst = 0.4, 5
	second, err := s.login(ctx, secondName)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	every := time.NewTicker(time.Duration(burst / (share * limited.Refill) * float64(time.Second)))
	var requests sync.WaitGroup
	requests.Go(func() {
		for ctx.Err() == nil {
			for range burst {
				// What it is answered is counted by the tenant.
				requests.Go(func() { _, _ = second.After(ctx, "", 1) })
			}
			select {
			case <-every.C:
			case <-ctx.Done():
			}
		}
	})
	return func() { cancel(); every.Stop(); requests.Wait() }, nil
}

// tally counts a tenant's answers to the export and to the second client. The
// zero value is ready to use.
type tally struct {
	mu           sync.Mutex
	ours, other  answers
	first, ended time.Time
}

// answers counts requests, and those that were answered with 429.
type answers struct{ sent, refused int }

// counted takes d over each call, half of it before the bucket is drawn from,
// and counts the answers.
func (t *tally) counted(d time.Duration) fault.Action {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		second := r.UserAgent() == secondName
		t.begin(second, time.Now())
		time.Sleep(d / 2)
		late := &lateWriter{ResponseWriter: w, delay: d / 2}
		next.ServeHTTP(late, r)
		t.count(second, late.status)
	}
}

// begin notes when the export asked for its first page.
func (t *tally) begin(second bool, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !second && t.first.IsZero() {
		t.first = now
	}
}

// end notes when the run was over.
func (t *tally) end(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = now
}

func (t *tally) count(second bool, status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	whose := &t.ours
	if second {
		whose = &t.other
	}
	whose.sent++
	if status == http.StatusTooManyRequests {
		whose.refused++
	}
}

// used is our pages in percent of what our share of the limit allows: what is
// in the bucket at first, and each refill between the first page and the end
// of the run.
func (t *tally) used(share int) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	refills := float64(t.ended.Unix() - t.first.Unix())
	allowed := (float64(limited.Limit) + refills*limited.Refill) * float64(share) / 100
	return 100 * float64(t.ours.sent-t.ours.refused) / allowed
}
