package main

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"auth0-logs-to-cloudwatch/pkg/auth0"
	"auth0-logs-to-cloudwatch/pkg/check"
	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/cwlogs"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/schedule"
)

// checkKeys are the keys of a check's event.
type checkKeys struct {
	Slack bool `json:"slack"`
}

// check tries the whole chain of a tenant. A link that fails is no error: with
// it the invocation would lose the result.
func (h *handler) check(ctx context.Context, r request) (any, error) {
	var keys checkKeys
	if err := r.decode(&keys, `{"action":"check"}, and beside it "tenant":"NAME" and "slack":true`); err != nil {
		return nil, err
	}
	t, err := h.open(ctx, r.tenant)
	// Made anew, and for this once: what a check needs must not come from a
	// token, a connection or credentials that an earlier run has kept.
	probe := auth0.NewProbe(auth0Options(t.settings.Auth0, h.now))
	defer probe.Close()
	c := check.Check{
		Tenant:      r.tenant,
		Settings:    checkSettings(t, err),
		Auth0:       probe,
		Logs:        cwlogs.NewProbe(h.logsClient(t.settings.Logs), h.now),
		Parameters:  t.store,
		PostToSlack: keys.Slack,
		Now:         h.now,
	}
	if err == nil {
		c.Settings.Run = h.lastRun(ctx, t)
	}
	if n := h.notifier(t); n != nil {
		c.Slack = n
	}
	if arn := ownARN(ctx); arn != "" {
		c.Schedule = schedule.New(eventbridge.NewFromConfig(h.aws), arn)
	}
	result := c.Run(ctx)
	if err := h.logResult(check.Action, result.Ended, result); err != nil {
		return nil, err
	}
	return &result, nil
}

// lastRun reads what the last runs have left in RUN.
func (h *handler) lastRun(ctx context.Context, t tenant) check.Run {
	run := check.Run{Parameter: t.parameters[export.RunName]}
	run.Record, run.PassedOver, run.Err = export.ReadRun(ctx, t.store, h.now, run.Parameter)
	return run
}

// checkSettings translates what was read of a tenant's settings.
func checkSettings(t tenant, err error) check.Settings {
	o := options(t.settings, t.warnings, nil)
	s := check.Settings{
		Path: t.store.Path(), Count: len(t.parameters), Err: err, Warnings: t.warnings,
		Domain: t.settings.Auth0.Domain, Audience: t.settings.Auth0.Audience, RateShare: t.settings.Auth0.RateShare,
		Retention: o.Retention, Start: o.Start, Target: o.Target,
		Checkpoint: t.parameters[export.CheckpointName],
	}
	if bad, ok := errors.AsType[*config.Error](t.err); ok {
		for _, p := range bad.Problems {
			s.Problems = append(s.Problems, check.Problem(p))
		}
	}
	return s
}

// ownARN is the function's name as rules have it for a target: without the
// version or alias that an invocation may name. It is "" outside Lambda.
func ownARN(ctx context.Context) string {
	lc, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return ""
	}
	const parts = 7 // arn:aws:lambda:REGION:ACCOUNT:function:NAME
	arn := strings.SplitN(lc.InvokedFunctionArn, ":", parts+1)
	return strings.Join(arn[:min(parts, len(arn))], ":")
}
