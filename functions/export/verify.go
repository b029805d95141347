package main

import (
	"context"

	"auth0-logs-to-cloudwatch/pkg/cwlogs"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/verify"
)

// verifyKeys are the keys of a verification's event.
type verifyKeys struct {
	From string `json:"from"`
	To   string `json:"to"`
	Fill bool   `json:"fill"`
	Stop bool   `json:"stop"`
}

const expectedVerify = `{"action":"verify","from":...,"to":...} with "fill":true if wanted, or {"action":"verify","stop":true}`

// verify compares a part of the log with the log group, or stops that.
func (h *handler) verify(ctx context.Context, r request) (any, error) {
	var keys verifyKeys
	if err := r.decode(&keys, expectedVerify); err != nil {
		return nil, err
	}
	if keys.Stop && keys != (verifyKeys{Stop: true}) {
		return nil, badEventf(`"stop":true goes with no other key: expected %s`, expectedVerify)
	}
	t, err := h.open(ctx, r.tenant)
	v := h.verifier(t)
	if err == nil && !keys.Stop {
		err = v.SettingsErr
	}
	if err != nil {
		return answer(v.Fail(ctx, err))
	}
	if keys.Stop {
		return told(v.Stop(ctx, t.parameters[verify.ParameterName]))
	}
	s, kept, err := h.stretch(t, keys.From, keys.To)
	if err != nil {
		return nil, refusal(err)
	}
	report, err := v.Open(ctx, verify.Want{Stretch: s, Kept: kept, Fill: keys.Fill}, t.parameters[verify.ParameterName])
	if err == nil && report.Verify != nil && report.Verify.Fill != "" {
		h.fill(ctx, t)
	}
	return told(report, err)
}

// verifier verifies the tenant's log with the settings it has.
func (h *handler) verifier(t tenant) *verify.Verifier {
	v := &verify.Verifier{Exporter: *h.exporter(t), Fill: func(ctx context.Context, s tenantlog.Stretch, target export.Target) error {
		return h.replayer(t).Prepare(ctx, export.Replay{Progress: export.Progress{Stretch: s, Target: target}})
	}}
	if clients := h.clients(t); clients != nil {
		v.Stored = cwlogs.New(clients.logs, h.now)
	}
	return v
}

// fill begins at once with the replay that a verification has opened.
func (h *handler) fill(ctx context.Context, t tenant) {
	if p, err := t.store.Get(ctx, export.ReplayName, 0); err == nil && timeLeft(ctx) {
		h.replayer(t).CarryOn(ctx, p)
	}
}
