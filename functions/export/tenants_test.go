package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/export"
)

// speed is how many seconds pass for the stack in one of the test: Parameter
// Store's own three puts a second for the account would otherwise take most of
// a minute.
const speed = 20

// crowd is a function and the tenants that it exports at the same time.
type crowd struct {
	*testing.T
	stack   *devstack.Stack
	h       *handler
	tenants []*devstack.Tenant
}

// newCrowd starts a stack with the rates of the services, and n tenants with
// so many events each.
func newCrowd(t *testing.T, n, events int) *crowd {
	t.Helper()
	began, noon := time.Now(), time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return noon.Add(time.Since(began) * speed) }
	c := &crowd{T: t, stack: must(devstack.Start(devstack.Options{CA: authority, Now: now}))}
	t.Cleanup(c.stack.Close)
	// Lambda has each invocation write to a log of its own.
	c.h = build(t, c.stack.AWS.URL, io.Discard, slog.New(slog.DiscardHandler))
	c.h.now = now
	for i := range n {
		tenant := must(c.stack.AddTenant(fmt.Sprintf("tenant-%02d", i), auth0.Options{Seed: uint64(i), Rate: auth0.Rate{Limit: 50, Refill: 16}}))
		if err := c.stack.Logs.CreateGroup(c.place(tenant), logs.Standard, 0); err != nil {
			t.Fatal(err)
		}
		tenant.Generate(events, noon.Add(-time.Hour), noon.Add(-time.Minute))
		c.tenants = append(c.tenants, tenant)
	}
	return c
}

func (c *crowd) place(tenant *devstack.Tenant) logs.Place {
	return logs.Place{Group: tenant.Get("CLOUDWATCH_LOG_GROUP_NAME")}
}

// tick has the rules of some tenants fire at the same moment, and waits for
// their runs.
func (c *crowd) tick(tenants []*devstack.Tenant, ended func(*devstack.Tenant, *export.Report, error)) {
	var runs sync.WaitGroup
	for _, tenant := range tenants {
		runs.Go(func() {
			ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
			defer cancel()
			answer, err := c.h.Handle(ctx, fmt.Appendf(nil, `{"tenant":%q}`, tenant.Name))
			report, _ := answer.(*export.Report)
			ended(tenant, report, err)
		})
	}
	runs.Wait()
}

// exported checks that a run has exported all there is of the tenant, each event
// once, and has written how far it came.
func (c *crowd) exported(tenant *devstack.Tenant, r *export.Report, err error) {
	c.Helper()
	if err != nil || r.Outcome != export.OK {
		c.Errorf("%s: %+v, %v", tenant.Name, r, err)
		return
	}
	if diff := tenant.Compare(c.place(tenant), nil); !diff.Exact() {
		c.Errorf("%s: %s", tenant.Name, diff)
	}
	if got := tenant.Get(export.CheckpointName); got != string(r.To) {
		c.Errorf("%s: CHECKPOINT is %s, the report says %s", tenant.Name, got, r.To)
	}
}

// TestTwentyTenantsAtOnce exports twenty tenants whose rules fire at the same
// moment, under the rate that Parameter Store has for them all together.
func TestTwentyTenantsAtOnce(t *testing.T) {
	const tenants, events = 20, 150
	c := newCrowd(t, tenants, events)
	c.tick(c.tenants, c.exported)
	// What a run must write: its claim, RUN, CHECKPOINT, and RUN with the result.
	stored := 0
	for _, tenant := range c.tenants {
		stored += len(c.stack.SSM.History(tenant.Parameter(export.RunName))) + len(c.stack.SSM.History(tenant.Parameter(export.CheckpointName)))
	}
	if stored > 4*tenants {
		t.Errorf("%d versions of RUN and CHECKPOINT for %d runs", stored, tenants)
	}
	if puts := c.stack.Faults.Calls("PutParameter"); puts == stored {
		t.Errorf("none of %d puts was refused: the rate was not met", puts)
	} else {
		t.Logf("%d puts for %d versions", puts, stored)
	}
}

// TestOneTenantDelaysNoOther: while one tenant's run fails, one meets its rate
// limit, one has no answer from Auth0 and one is amid a large backlog, the runs
// of all others begin and end.
func TestOneTenantDelaysNoOther(t *testing.T) {
	const tenants, events = 9, 150
	c := newCrowd(t, tenants, events)
	failing, limited, silent, behind, others := c.tenants[0], c.tenants[1], c.tenants[2], c.tenants[3], c.tenants[4:]
	failing.SetSecret("another")
	behind.Generate(2000, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))

	var held, runs sync.WaitGroup
	othersEnded := make(chan struct{})
	// hold keeps a tenant's answer, after some pages, until the others' runs are
	// over.
	hold := func(tenant *devstack.Tenant, pages int, answer fault.Action) {
		held.Add(1)
		c.stack.Faults.Add(fault.Rule{
			Op: "logs", Match: func(r *http.Request) bool { return r.Host == tenant.Domain },
			Skip: pages, Times: 1,
			Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				held.Done()
				<-othersEnded
				answer(w, r, next)
			},
		})
	}
	late := func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) }
	hold(limited, 0, fault.Reply(http.StatusTooManyRequests, nil, `{"statusCode":429,"error":"Too Many Requests"}`))
	hold(silent, 0, late)
	hold(behind, 9, late)
	runs.Go(func() {
		c.tick([]*devstack.Tenant{failing, limited, silent, behind}, func(tenant *devstack.Tenant, r *export.Report, err error) {
			if tenant != failing {
				c.exported(tenant, r, err)
			} else if err == nil {
				t.Errorf("%s: %+v, want a failure", tenant.Name, r)
			}
		})
	})
	held.Wait()
	c.tick(others, c.exported)
	close(othersEnded)
	runs.Wait()
}
