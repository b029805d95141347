package main

import (
	"context"
	"fmt"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/filter"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// replayKeys are the keys of a replay's event.
type replayKeys struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Types  string `json:"types"`
	Stream string `json:"stream"`
	DryRun bool   `json:"dryRun"`
	Stop   bool   `json:"stop"`
}

const expectedReplay = `{"action":"replay","from":...,"to":...} with "types", "stream" or "dryRun":true if wanted, or {"action":"replay","stop":true}`

// reportWithText is a report and how a person reads it.
type reportWithText struct {
	*export.Report
	Text []string `json:"text"`
}

// replay opens, counts or stops a replay.
func (h *handler) replay(ctx context.Context, r request) (any, error) {
	var keys replayKeys
	if err := r.decode(&keys, expectedReplay); err != nil {
		return nil, err
	}
	if keys.Stop && keys != (replayKeys{Stop: true}) {
		return nil, badEventf(`"stop":true goes with no other key: expected %s`, expectedReplay)
	}
	t, err := h.open(ctx, r.tenant)
	x := h.replayer(t)
	if err != nil {
		return answer(x.Fail(ctx, err))
	}
	if keys.Stop {
		return replayed(x.Stop(ctx, t.parameters[export.ReplayName]))
	}
	if t.err != nil {
		return answer(x.Fail(ctx, x.SettingsErr))
	}
	want, warning, err := h.wanted(t, keys)
	if err != nil {
		return nil, badEvent(err.Error())
	}
	if warning != "" {
		x.Warnings = append(x.Warnings, warning)
	}
	if keys.DryRun {
		return replayed(x.Count(ctx, want))
	}
	return replayed(x.Open(ctx, want, t.parameters[export.ReplayName]))
}

// wanted is the replay that the keys ask for. The warning tells of what cannot
// be in it.
func (h *handler) wanted(t tenant, keys replayKeys) (want export.Replay, warning string, err error) {
	want.Target = export.Target{Group: t.settings.Logs.Group, Stream: t.settings.Logs.Stream + "-replay"}
	if want.Stretch, warning, err = h.stretch(t, keys.From, keys.To); err != nil {
		return want, "", err
	}
	if keys.Stream != "" {
		want.Target.Stream = keys.Stream
	}
	if want.Target.Stream, err = config.StreamName(t.name, want.Target.Stream); err != nil {
		return want, "", fmt.Errorf("stream: %w", err)
	}
	if want.Types = keys.Types; want.Types != "" {
		if _, err := keepTypes(want.Types); err != nil {
			return want, "", fmt.Errorf("types: %w", err)
		}
	}
	return want, warning, nil
}

// stretch reads the two ends of a part of the tenant's log. The warning tells
// what of it Auth0 does not keep any more.
func (h *handler) stretch(t tenant, from, to string) (s tenantlog.Stretch, warning string, err error) {
	if s, err = tenantlog.ParseStretch(from, to, h.now()); err != nil {
		return s, "", err
	}
	kept, err := s.CheckRetention(retention(t.settings), h.now())
	if err == nil && !kept.IsZero() {
		warning = fmt.Sprintf("what is older than %s is left out: Auth0 does not keep it any more", kept.Format("2006-01-02T15:04:05Z07:00"))
	}
	return s, warning, err
}

// replayer replays the tenant's log with the settings it has.
func (h *handler) replayer(t tenant) *export.Replayer {
	return &export.Replayer{Exporter: *h.exporter(t), Types: keepTypes}
}

// keepTypes is the filter of a list of types alone.
func keepTypes(list string) (func(tenantlog.Event) bool, error) {
	f, err := filter.Parse("", list)
	if err != nil {
		return nil, err
	}
	return f.Keep, nil
}

// replayed is what the invocation of a replay ends with.
func replayed(r export.Report, err error) (any, error) {
	if err != nil {
		return nil, badEvent(err.Error())
	}
	if _, err := answer(r); err != nil {
		return nil, err
	}
	return &reportWithText{&r, r.Replay.Text()}, nil
}
