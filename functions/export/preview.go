package main

import (
	"context"
	"errors"
	"math/rand/v2"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/cwlogs"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/verify"
)

const expectedPreview = `{"action":"preview"} with "tenant", "from", "to", "LOG_LEVEL" or "LOG_TYPES"`

// preview counts what the filters keep of a range, and what that costs. It
// writes nothing but its line in the function's log.
func (h *handler) preview(ctx context.Context, r request) (any, error) {
	var q verify.PreviewRequest
	if err := r.decode(&q, expectedPreview); err != nil {
		return nil, err
	}
	t, err := h.open(ctx, r.tenant)
	if err == nil {
		err = options(t.settings, t.warnings, t.err).SettingsErr
	}
	if err != nil {
		return nil, err
	}
	plan, err := q.Plan(previewSettings(t), h.now())
	if err != nil {
		return nil, refusal(err)
	}
	clients := h.clients(t)
	sink := cwlogs.New(clients.logs, h.now)
	plan.Warnings = append(plan.Warnings, t.warnings...)
	p := verify.Preview{
		Tenant: r.tenant, PreviewPlan: plan, Present: t.settings.Filter, Source: clients.source, Now: h.now,
		Size: func(e tenantlog.Event) int { return sink.Render(e).Size },
		Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
	}
	return h.previewed(p.Run(ctx))
}

// previewSettings are the tenant's settings, as far as a preview's event can
// differ from them.
func previewSettings(t tenant) verify.PreviewSettings {
	return verify.PreviewSettings{
		LogLevel:  t.parameters[config.LogLevel].Value,
		LogTypes:  t.parameters[config.LogTypes].Value,
		Retention: retention(t.settings),
	}
}

// previewed writes the result to the function's log, without the table for
// people, and is what the invocation ends with.
func (h *handler) previewed(r verify.PreviewResult) (any, error) {
	logged := r
	logged.Text = nil
	if err := h.logResult(verify.PreviewAction, r.Ended, logged); err != nil {
		return nil, err
	}
	if r.Outcome == export.Failed {
		return nil, errors.New(r.Error.Error())
	}
	return &r, nil
}
