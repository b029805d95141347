// Package check tries each link of the chain that an export needs, with the
// real settings, and says in plain words which one is broken and what to do. It
// moves nothing: no position, no event of the export's stream.
package check

import (
	"context"
	"fmt"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// Action is the name of this action in an event.
const Action = "check"

// Auth0 is the tenant at Auth0.
type Auth0 interface {
	// Reach finds out whether the domain answers over TLS, and returns Auth0's
	// clock, the zero time where it is not told.
	Reach(ctx context.Context) (serverTime time.Time, err error)
	// NewToken gets a new token. audienceRefused says that the audience is no
	// API of the tenant.
	NewToken(ctx context.Context) (audienceRefused bool, err error)
	// ReadLogs asks for log events and returns the tenant's rate limit in
	// requests, limit 0 where it is not told. An error of the kind RateLimit
	// says that there was no room for the request.
	ReadLogs(ctx context.Context) (limit, remaining int, err error)
}

// Logs is CloudWatch Logs. An error that wraps export.ErrCannotRead says that
// it cannot be looked at, for lack of a permission or by the group's class.
type Logs interface {
	// Group finds a log group, and says how it is set up and what it lacks that
	// the export uses, "" for nothing. That there is none is an error.
	Group(ctx context.Context, name string) (about, limits string, err error)
	// Stream finds a log stream.
	Stream(ctx context.Context, t export.Target) (ok bool, err error)
	// Write stores a message with a time, in a stream that it makes if need be.
	// mayNotCreate says that it is this which is not allowed.
	Write(ctx context.Context, t export.Target, at time.Time, message []byte) (mayNotCreate bool, err error)
	// Read waits for what was written, as long as ctx allows.
	Read(ctx context.Context, t export.Target, at time.Time, message []byte) (ok bool, err error)
}

// Parameters is the tenant's part of Parameter Store.
type Parameters interface {
	// MayWrite finds out whether a parameter may be written, and writes
	// nothing.
	MayWrite(ctx context.Context, name string) error
	// ServerTime is AWS's clock, the zero time where it is not told.
	ServerTime(ctx context.Context) (time.Time, error)
}

// Slack is the tenant's channel.
type Slack interface {
	// PostTest sends a message that says of itself that it is a test.
	PostTest(ctx context.Context, tenant string, at time.Time) error
}

// Schedule is EventBridge.
type Schedule interface {
	// Ticks names the rules that export the tenant, and the time at which the
	// next one fires, the zero time where it is not known. last is when one is
	// last known to have fired. An error of the kind Permission says that the
	// rules may not be looked at.
	Ticks(ctx context.Context, tenant string, now, last time.Time) (on, off []string, next time.Time, err error)
}

// Problem is one bad setting.
type Problem struct{ Name, Text string }

// Settings are a tenant's, as far as they could be read.
type Settings struct {
	// Path is where they are in Parameter Store, Count how many there are.
	Path  string
	Count int
	// Err says why they could not be read, nil where they were.
	Err error
	// Problems are the settings that are missing or bad; a link that needs one
	// of them is not tried. Warnings are to be known of.
	Problems []Problem
	Warnings []string

	Domain, Audience string
	// RateShare is the percentage of the tenant's rate limit to use.
	RateShare int
	// Retention is how long Auth0 keeps the tenant's events, 0 where it is not
	// known.
	Retention time.Duration
	Start     export.Start
	Target    export.Target
	Run       Run
	// Checkpoint is the parameter of this name.
	Checkpoint export.Parameter
}

// Run is the parameter RUN as the next run reads it.
type Run struct {
	Parameter export.Parameter
	// Record is the newest valid one, an empty one where there is none.
	Record export.RunRecord
	// PassedOver tell of what newer versions hold that are no records.
	PassedOver []string
	// Err says why it could not be read.
	Err error
}

// Check is a check of one tenant. Auth0 and Logs are used only where the
// settings that they are made of are there.
type Check struct {
	Tenant     string
	Settings   Settings
	Auth0      Auth0
	Logs       Logs
	Parameters Parameters
	// Slack is nil where no webhook is set, and Schedule where the function
	// does not know its own name.
	Slack    Slack
	Schedule Schedule
	// PostToSlack has a test message sent.
	PostToSlack bool
	Now         func() time.Time
}

// linkTimeout is how long one link may take.
const linkTimeout = 10 * time.Second

// Run tries every link and returns before ctx's deadline. It starts no
// goroutine that outlives it.
func (c *Check) Run(ctx context.Context) Result {
	r := Result{Tenant: c.Tenant, Action: Action, Started: c.Now().UTC(), Version: export.Version}
	ctx, cancel := inTime(ctx)
	defer cancel()
	auth0Clock := make(chan reading, 1)
	parts := []func(context.Context) []Link{
		c.settings,
		func(ctx context.Context) []Link { return c.auth0(ctx, auth0Clock) },
		func(ctx context.Context) []Link { return c.clock(ctx, auth0Clock) },
		c.position, c.logs, c.state, c.slack, c.schedule,
	}
	links := make([][]Link, len(parts))
	var wg sync.WaitGroup
	for i, part := range parts {
		wg.Go(func() { links[i] = part(ctx) })
	}
	wg.Wait()
	for _, l := range links {
		r.Links = append(r.Links, l...)
	}
	r.Ended = c.Now().UTC()
	r.conclude()
	return r
}

// mostReserve is the most time that is kept for the result: it is lost with an
// invocation that does not end by itself.
const mostReserve = 2 * time.Second

// inTime ends before ctx's deadline does.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(mostReserve, time.Until(deadline)/5)))
}

// lacks says why a link cannot be tried that needs these settings, "" where
// they are all there.
func (c *Check) lacks(names ...string) string {
	if c.Settings.Err != nil {
		return "Not tried: the settings could not be read."
	}
	for _, name := range names {
		for _, p := range c.Settings.Problems {
			if p.Name == name {
				return fmt.Sprintf("Not tried: it needs %s (see the link settings).", name)
			}
		}
	}
	return ""
}

// chain tries links one after the other.
type chain struct {
	ctx   context.Context
	links []Link
	// blocked says why no other link can be tried.
	blocked string
}

// try adds a link: what do finds or, where it cannot be tried, that it was
// skipped. A link that failed blocks those after it.
func (ch *chain) try(name, lacking string, do func(context.Context) Link) {
	var l Link
	switch {
	case ch.blocked != "":
		l = skipped(ch.blocked)
	case lacking != "":
		l = skipped(lacking)
		ch.block(name)
	case ch.ctx.Err() != nil:
		l = skipped("Not tried: there was no time left.")
	default:
		ctx, cancel := context.WithTimeout(ch.ctx, linkTimeout)
		l = do(ctx)
		cancel()
		if l.Status == Failed {
			ch.block(name)
		}
	}
	l.Name = name
	ch.links = append(ch.links, l)
}

func (ch *chain) block(name string) {
	ch.blocked = fmt.Sprintf("Not tried: it needs the link %s.", name)
}

// alone is a link that no other depends on.
func alone(ctx context.Context, name, lacking string, do func(context.Context) Link) []Link {
	ch := chain{ctx: ctx}
	ch.try(name, lacking, do)
	return ch.links
}
