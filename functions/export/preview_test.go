package main

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/verify"
)

// TestPreview counts the tenant's events in two ways, and holds the proposed
// filter against an export with these settings.
func TestPreview(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 11, Pretty: true})
	b.set(map[string]string{"LOG_TYPES": "!s"})
	b.happen(1500)
	// Of the week, but not of the last 24 hours.
	b.tenant.Generate(300, b.clock.Now().Add(-100*time.Hour), b.clock.Now().Add(-50*time.Hour))

	want := make(map[string]int64)
	for _, doc := range b.tenant.Documents() {
		e := must(tenantlog.Decode(doc))
		if e.Date.After(b.clock.Now().Add(-24 * time.Hour)) {
			want[e.Type]++
		}
	}
	r := must(invoke[*verify.PreviewResult](b, string(event(t, "preview"))))
	got := make(map[string]int64)
	for _, row := range r.Types {
		got[row.Type] = row.Events
	}
	if diff := cmp.Diff(want, got); diff != "" || r.All.Events != 1500 || r.Sampled != nil || r.Proposed != nil || r.Outcome != export.OK {
		t.Errorf("outcome %s, %d events, sampled %v; by type (-want +got):\n%s", r.Outcome, r.All.Events, r.Sampled, diff)
	}

	r = must(invoke[*verify.PreviewResult](b, `{"action":"preview","LOG_LEVEL":"debug"}`))
	if text := strings.Join(r.Text, "\n"); !strings.Contains(text, "level debug and above but s\n") {
		t.Errorf("a proposed level alone leaves the present types out:\n%s", text)
	}
	b.out.Reset()
	r = must(invoke[*verify.PreviewResult](b, string(event(t, "preview-filter"))))
	b.set(map[string]string{"LOG_LEVEL": "warning", "LOG_TYPES": "s,gd_*,!fp"})
	x := b.tick(export.OK)
	if r.All.Events != 1800 || r.Proposed.Events != int64(x.Exported) || r.Proposed.Bytes != x.Bytes || x.Exported == 0 {
		t.Errorf("%d events; the proposed filter keeps %d events and %d bytes, an export %d and %d", r.All.Events, r.Proposed.Events, r.Proposed.Bytes, x.Exported, x.Bytes)
	}
	if dropped := r.All.Events - r.Present.Events; dropped != typeRow(t, r, "s").Events || typeRow(t, r, "s").Present || !*typeRow(t, r, "s").Proposed {
		t.Errorf("the present filter drops %d events of %d", dropped, r.All.Events)
	}
}

func typeRow(t *testing.T, r *verify.PreviewResult, code string) verify.PreviewType {
	t.Helper()
	for _, row := range r.Types {
		if row.Type == code {
			return row
		}
	}
	t.Fatalf("no type %s", code)
	return verify.PreviewType{}
}

// TestPreviewWritesNothing counts the calls and what is there afterwards.
func TestPreviewWritesNothing(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 12})
	b.happen(950)
	before := b.stack.SSM.List("/")
	r := must(invoke[*verify.PreviewResult](b, `{"action":"preview","LOG_LEVEL":"error"}`))
	want := map[string]int{"GetParametersByPath": 1, "token": 1, "logs": r.Pages - 1, "search": 1}
	calls := maps.Clone(b.stack.Faults.Counts())
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, b.stack.SSM.List("/")); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if streams := b.stack.Logs.Streams(logs.Place{Group: "/auth0/default"}); len(streams) != 0 {
		t.Errorf("log streams %q", streams)
	}
	var logged struct {
		Preview map[string]json.RawMessage `json:"preview"`
	}
	if err := json.Unmarshal(b.out.Bytes(), &logged); err != nil || len(logged.Preview["types"]) == 0 || logged.Preview["text"] != nil {
		t.Errorf("%v; the log:\n%s", err, b.out)
	}
	if len(r.Text) == 0 {
		t.Error("the result has no text")
	}
}

// TestPreviewOfMadeIDs counts right however Auth0 treats an id that it has not
// given out.
func TestPreviewOfMadeIDs(t *testing.T) {
	for _, m := range []auth0.MadeIDs{auth0.AcceptMade, auth0.RefuseMade, auth0.MadeFromOldest, auth0.MadeAnswersNothing, auth0.MadeSkipsOne} {
		b := newBench(t, devstack.Options{}, auth0.Options{Seed: 13, MadeIDs: m})
		b.tenant.Generate(100, b.clock.Now().Add(-60*time.Hour), b.clock.Now().Add(-30*time.Hour))
		b.happen(250)
		if r := must(invoke[*verify.PreviewResult](b, `{"action":"preview"}`)); r.All.Events != 250 {
			t.Errorf("made ids %d: %d events of 250", m, r.All.Events)
		}
	}
}

func TestPreviewRefused(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 14})
	for _, e := range []string{
		`{"action":"preview","form":"-2h"}`, `{"action":"preview","from":7}`, `{"action":"preview","from":null}`, `{"action":"preview","from":"soon"}`,
		`{"action":"preview","from":"-1h","to":"-2h"}`, `{"action":"preview","from":"123"}`, `{"action":"preview","from":"2026-01-01","to":"2026-02-01"}`,
		`{"action":"preview","LOG_LEVEL":"loud"}`, `{"action":"preview","LOG_LEVEL":3}`, `{"action":"preview","LOG_TYPES":"["}`, `{"action":"preview","log_level":"error"}`,
	} {
		b.out.Reset()
		if r, err := b.h.Handle(t.Context(), []byte(e)); err == nil || !strings.Contains(b.out.String(), "bad event") {
			t.Errorf("%s: result %v, error %v, log %s", e, r, err, b.out)
		}
	}
	for op := range b.stack.Faults.Counts() {
		if op != "GetParametersByPath" {
			t.Errorf("%s was called for a bad event", op)
		}
	}
	b.set(map[string]string{"AUTH0_RATE_SHARE": "all"})
	if _, err := invoke[*verify.PreviewResult](b, `{"action":"preview"}`); err == nil || !strings.Contains(err.Error(), "AUTH0_RATE_SHARE") {
		t.Errorf("with a bad setting: %v", err)
	}
}

func TestPreviewFails(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 15})
	b.stack.Faults.Add(fault.Rule{Op: "logs", Do: fault.Reply(403, nil, `{"message":"Insufficient scope","errorCode":"insufficient_scope"}`)})
	_, err := invoke[*verify.PreviewResult](b, `{"action":"preview"}`)
	if err == nil || !strings.Contains(err.Error(), "read:logs") || !strings.Contains(b.out.String(), `"outcome":"failed"`) {
		t.Errorf("error %v; the log:\n%s", err, b.out)
	}
}
