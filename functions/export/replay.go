package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/cwlogs"
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

// maxReplayTypes is the longest list of types that the parameter REPLAY has room
// for beside all else.
const maxReplayTypes = 1000

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
		return told(x.Stop(ctx, t.parameters[export.ReplayName]))
	}
	if t.err != nil {
		return answer(x.Fail(ctx, x.SettingsErr))
	}
	want, kept, err := h.wanted(t, keys)
	if err != nil {
		return nil, refusal(err)
	}
	if !kept.IsZero() {
		x.Warnings = append(x.Warnings, fmt.Sprintf("what is older than %s is left out: Auth0 does not keep it any more", kept.Format(time.RFC3339)))
	}
	if keys.DryRun {
		return told(x.Count(ctx, want))
	}
	return told(x.Open(ctx, want, t.parameters[export.ReplayName]))
}

// wanted is the replay that the keys ask for, and from when on Auth0 keeps the
// events, where it does not keep all of them.
func (h *handler) wanted(t tenant, keys replayKeys) (want export.Replay, kept time.Time, err error) {
	want.Target = export.Target{Group: t.settings.Logs.Group, Stream: t.settings.Logs.Stream + "-replay"}
	if want.Stretch, kept, err = h.stretch(t, keys.From, keys.To); err != nil {
		return want, kept, err
	}
	if keys.Stream != "" {
		want.Target.Stream = keys.Stream
	}
	if want.Target.Stream, err = config.StreamName(t.name, want.Target.Stream); err != nil {
		return want, kept, fmt.Errorf("stream: %w", err)
	}
	if cwlogs.IsLateStream(want.Target.Stream) {
		return want, kept, fmt.Errorf("stream: %.80q is a stream of events that came too late for their own, by its name: expected another name", want.Target.Stream)
	}
	if len(keys.Types) > maxReplayTypes {
		return want, kept, fmt.Errorf("types has %d characters: expected %d at most", len(keys.Types), maxReplayTypes)
	}
	if want.Types = strings.TrimSpace(keys.Types); want.Types != "" {
		if _, err := keepTypes(want.Types); err != nil {
			return want, kept, fmt.Errorf("types: %w", err)
		}
	}
	return want, kept, nil
}

// stretch reads the two ends of a part of the tenant's log, and from when on
// Auth0 keeps it, where it does not keep all of it.
func (h *handler) stretch(t tenant, from, to string) (s tenantlog.Stretch, kept time.Time, err error) {
	if s, err = tenantlog.ParseStretch(from, to, h.now()); err == nil {
		kept, err = s.CheckRetention(retention(t.settings), h.now())
	}
	return s, kept, err
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

// told is what the invocation of a long action ends with.
func told(r export.Report, err error) (any, error) {
	if err != nil {
		return nil, refusal(err)
	}
	if _, err := answer(r); err != nil {
		return nil, err
	}
	return &reportWithText{&r, append(r.Replay.Text(), r.Verify.Text()...)}, nil
}
