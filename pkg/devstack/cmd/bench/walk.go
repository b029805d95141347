package main

import (
	"context"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/cmd/bench/api"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// walk asks for all of the tenant's pages, one after the other, parses them
// and throws them away: the least that one fetcher can do. It returns how long
// that took.
func (s *stage) walk(ctx context.Context) (time.Duration, error) {
	c, err := s.login(ctx, "")
	if err != nil {
		return 0, err
	}
	began := time.Now()
	for after := tenantlog.ID(""); ; {
		body, err := c.After(ctx, string(after), api.PageSize)
		if err != nil {
			return 0, err
		}
		events, err := tenantlog.DecodePage(body)
		if err != nil {
			return 0, err
		}
		if len(events) == 0 {
			return time.Since(began), nil
		}
		after = events[len(events)-1].ID
	}
}

// login makes a client of the tenant, of the given name.
func (s *stage) login(ctx context.Context, agent string) (*api.Client, error) {
	c := &api.Client{HTTP: s.client, Domain: s.tenant.Domain, Agent: agent}
	return c, c.Login(ctx, s.tenant.Get("AUTH0_CLIENT_ID"), s.tenant.Get("AUTH0_CLIENT_SECRET"))
}
