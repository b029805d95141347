package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/filter"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// PreviewAction is the name of this action in an event.
const PreviewAction = "preview"

// PreviewSource is what a preview needs of the tenant's log at Auth0.
type PreviewSource interface {
	// Page returns events after the id, oldest first. It waits for the rate
	// limit as long as ctx allows.
	Page(ctx context.Context, after tenantlog.ID) (tenantlog.Page, error)
	// Since returns the oldest events dated at or after t, in no order of ids.
	Since(ctx context.Context, t time.Time) (tenantlog.Page, error)
}

// Preview counts the events of a stretch of the log, and what the filters keep
// of them.
type Preview struct {
	Tenant string
	PreviewPlan
	// Present is the filter of the settings.
	Present filter.Filter
	Source  PreviewSource
	// Size is what an event takes in CloudWatch Logs, in bytes as it bills them.
	Size func(tenantlog.Event) int
	// Now is the clock for what is recorded.
	Now func() time.Time
	// Rand draws the sample.
	Rand *rand.Rand

	most int // pages, other than maxPages in tests
}

// Run counts. It ends before ctx's deadline: with what it has read by then,
// if need be.
func (p *Preview) Run(ctx context.Context) PreviewResult {
	r := PreviewResult{
		Tenant: p.Tenant, Action: PreviewAction, Outcome: export.OK, Started: p.Now().UTC(), From: p.From, To: p.To,
		Prices: Prices, Warnings: slices.Clone(p.Warnings), Version: export.Version,
	}
	c := newCount(ctx, p)
	err := c.run(ctx)
	if failure := c.failure(err); failure != nil {
		r.Outcome, r.Error = export.Failed, failure
	} else {
		c.conclude(&r, err)
	}
	r.Ended = p.Now().UTC()
	return r
}

// failure is an error with which there is nothing to tell, as it is reported:
// nil for one that only ended the reading early.
func (c *count) failure(err error) *export.Error {
	switch {
	case err == nil, isSpent(err) && c.log.pages > 0:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return &export.Error{Kind: export.KindSource, Err: err, Text: "Auth0 did not answer in the time that the preview had.",
			Fix: "try again later. Auth0's state is shown at status.auth0.com."}
	}
	return export.AsError(export.KindSource, err)
}

// conclude fills in what was counted; spent says why that is not all that was
// planned, nil where it is.
func (c *count) conclude(r *PreviewResult, spent error) {
	r.Pages, r.Read = c.log.pages, c.log.read
	if spent != nil && !errors.Is(spent, errPages) {
		r.Outcome = export.Limited
		r.warn("the preview ended early: %v", spent)
	}
	if len(c.rounds) < leastRounds {
		c.rounds, r.Read = nil, int64(c.exact.total(nil).events)
	}
	if !c.complete && c.rounds == nil {
		r.Outcome, r.ReadTo = export.Limited, c.rest.from
		r.warn("only the range's beginning was read, up to %s: all figures are of that part", c.rest.from.Format(time.RFC3339))
		if c.log.byDate {
			r.warn("Auth0 does not start after an id made of a time, so nothing could be estimated")
		}
	}
	c.warnMissing(r)
	c.fill(r)
}

// missingAfter is how much later than the range the first event may be until
// the events before it are taken for deleted at Auth0.
const missingAfter = time.Hour

// warnMissing tells where events that Auth0 may have deleted are counted as
// none.
func (c *count) warnMissing(r *PreviewResult) {
	first, ok := c.first.Time()
	if !c.p.RetentionUnknown || !ok || first.Sub(c.p.From) < missingAfter || c.p.Now().Sub(c.p.From) <= shortestRetention {
		return
	}
	r.warn("the first event in the range is of %s: AUTH0_LOG_RETENTION_DAYS is not set, so Auth0 may have deleted earlier ones, which then count as none",
		first.Format(time.RFC3339))
}

// count is one preview at work.
type count struct {
	p   *Preview
	log reader

	first tenantlog.ID // the first event of the range
	// exact is what was counted event by event, from the range's beginning on;
	// rest is what lies behind it.
	exact    tally
	rest     stretch
	complete bool    // there is no rest
	rate     float64 // events a second on the last page of the walk
	// rounds are independent estimates of the rest.
	rounds []tally
}

func newCount(ctx context.Context, p *Preview) *count {
	most := maxPages
	if p.most > 0 {
		most = p.most
	}
	return &count{
		p:     p,
		log:   newReader(ctx, p.Source, p.Size, most),
		exact: make(tally),
		rest:  stretch{after: p.Range.After, to: p.Range.To, from: p.From.Truncate(time.Second), until: p.To},
	}
}

// run counts event by event as long as it looks as if all of the range can be
// counted so, and estimates the rest otherwise.
func (c *count) run(ctx context.Context) error {
	ctx, cancel := context.WithDeadline(ctx, c.log.until)
	defer cancel()
	if err := c.begin(ctx); err != nil {
		return err
	}
	if err := c.walk(ctx, headShare); c.complete || err != nil {
		return err
	}
	if c.log.byDate {
		return c.walk(ctx, 1)
	}
	for {
		s := newSampler(c)
		if err := s.findPace(ctx); err != nil {
			return err
		}
		if !s.fits() {
			return s.sample(ctx)
		}
		used := c.log.used()
		if err := c.walk(ctx, used+exactShare*(1-used)); c.complete || err != nil {
			return err
		}
	}
}

// begin reads the first page, by date where Auth0 does not start after the id
// as it should.
func (c *count) begin(ctx context.Context) error {
	events, err := c.log.start(ctx, c.rest)
	if err != nil {
		return err
	}
	if len(events) > 0 && events[0].ID <= c.rest.to {
		c.first = events[0].ID
	}
	c.take(events)
	return nil
}

// walk counts page by page up to the end of the range, or until a share of the
// pages or of the time, 0 to 1, is used up.
func (c *count) walk(ctx context.Context, share float64) error {
	for !c.complete {
		if share < 1 && c.log.used() >= share {
			return nil
		}
		events, err := c.log.page(ctx, c.rest.after)
		if err != nil {
			return err
		}
		c.take(events)
	}
	return nil
}

// take counts a page of the walk. An empty one is the end of the log.
func (c *count) take(events []tenantlog.Event) {
	inside, ended := c.rest.cut(events)
	c.log.count(c.exact, inside, 1)
	c.complete = ended
	if len(inside) > 0 {
		c.rest, c.rate = c.rest.behind(inside[len(inside)-1]), rate(inside)
	}
}

// warn adds a warning.
func (r *PreviewResult) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}
