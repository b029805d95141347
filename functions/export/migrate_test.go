package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// extensionSettings are what the extension's form asked for (webtask-templates
// of auth0-extensions/auth0-logs-to-provider).
var extensionSettings = []string{
	"AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_SECRET_KEY", "BATCH_SIZE", "CLOUDWATCH_LOG_GROUP_NAME", "CLOUDWATCH_LOG_STREAM_NAME",
	"LOG_LEVEL", "LOG_TYPES", "SLACK_INCOMING_WEBHOOK_URL", "SLACK_SEND_SUCCESS", "START_FROM",
}

// TestMigratePage: the page has a row for each of the extension's settings, and
// each is one of ours.
func TestMigratePage(t *testing.T) {
	rows := strings.Join(firstColumn(t, page(t, "migrate.md"), "Settings"), " ")
	for _, name := range extensionSettings {
		if !strings.Contains(rows, "`"+name+"`") {
			t.Errorf("the page lacks %s", name)
		}
		if !slices.ContainsFunc(config.Parameters(), func(p config.Parameter) bool { return p.Name == name }) {
			t.Errorf("%s is no setting", name)
		}
	}
}

// stored are the documents of a stream by the ids of their events, each as
// often as it is there.
func (b *bench) stored(stream string) map[tenantlog.ID]int {
	b.Helper()
	copies := make(map[tenantlog.ID]int)
	for _, e := range b.stream(stream) {
		event, err := tenantlog.Decode([]byte(e.Message))
		if err != nil {
			b.Fatal(err)
		}
		copies[event.ID]++
	}
	return copies
}

// TestMovingFromTheExtension goes the way of docs/migrate.md: the extension has
// stored events at the time of their export, the greatest id among them becomes
// CHECKPOINT, and the first run goes on after it, in the same stream.
func TestMovingFromTheExtension(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 7})
	b.tenant.Generate(400, b.clock.Now().Add(-4*time.Hour), b.clock.Now().Add(-5*time.Minute))
	const had = 150
	var last tenantlog.ID
	n := 0
	for id, doc := range b.tenant.Documents() {
		if n++; n > had {
			break
		}
		last = id
		if err := b.stack.Logs.Write(b.place("default"), b.clock.Now().Add(-time.Minute), string(doc)); err != nil {
			t.Fatal(err)
		}
	}
	b.set(map[string]string{"CHECKPOINT": string(last), "START_FROM": "90020100101000000000000000000000000000000000000000000000"})
	r := b.tick(export.OK)
	if r.From != last || r.Exported != 400-had {
		t.Errorf("the first run: from %s, exported %d, want %s and %d", r.From, r.Exported, last, 400-had)
	}
	if len(r.Warnings) != 1 || !strings.HasPrefix(r.Warnings[0], "RUN was lost") {
		t.Errorf("warnings %q, want that RUN was lost", r.Warnings)
	}
	want := make(map[tenantlog.ID]int)
	for id := range b.tenant.Documents() {
		want[id] = 1
	}
	if diff := cmp.Diff(want, b.stored("default")); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}

	// The proof: of all that follows the checkpoint nothing is missing; the
	// event of the checkpoint itself stands where the extension put it.
	b.clock.after(time.Hour)
	b.tick(export.OK)
	v := b.ask(fmt.Sprintf(`{"action":"verify","from":"%s","to":"-1h"}`, last)).Verify
	if v.Missing != 1 || v.Double != 0 || v.FirstMissing[0] != last {
		t.Errorf("missing %d, double %d, first %v: want the checkpoint's event alone", v.Missing, v.Double, v.FirstMissing)
	}
}

// TestFirstRunFromOldest: of a month's events, those over 14 days old go to late
// streams by day, and the report counts them.
func TestFirstRunFromOldest(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 7})
	now := b.clock.Now()
	b.tenant.Generate(40, now.AddDate(0, 0, -20), now.AddDate(0, 0, -16))
	b.tenant.Generate(30, now.AddDate(0, 0, -10), now.Add(-time.Hour))
	r := b.tick(export.OK)
	if r.Exported != 70 || r.Late.Count != 40 || r.Gap != nil {
		t.Errorf("exported %d, late %d, gap %v: want 70, 40 and none", r.Exported, r.Late.Count, r.Gap)
	}
	if got := len(b.stream("default")); got != 30 {
		t.Errorf("%d events in the stream, want 30", got)
	}
	late := 0
	for _, stream := range b.stack.Logs.Streams(logs.Place{Group: b.tenant.Get("CLOUDWATCH_LOG_GROUP_NAME")}) {
		if !strings.HasPrefix(stream, "default-late-2026-11-0") {
			continue
		}
		for _, e := range b.stream(stream) {
			late++
			if at := time.UnixMilli(e.Timestamp); at.Before(now) {
				t.Errorf("%s has an event of %s, want the time of storing", stream, at)
			}
		}
	}
	if late != 40 {
		t.Errorf("%d events in late streams, want 40", late)
	}
	b.clock.after(time.Minute)
	if v := b.ask(`{"action":"verify","from":"-29d","to":"-1h"}`).Verify; !v.Complete || v.Expected != 70 || v.Double != 0 {
		t.Errorf("verified: %+v", v)
	}
}
