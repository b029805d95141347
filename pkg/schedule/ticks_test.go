package schedule_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/export"
)

func TestTicks(t *testing.T) {
	b := newBench(t, acme,
		events.Rule{Name: "nightly", Expression: "cron(15 3 * * ? *)", State: events.Enabled, Targets: []events.Target{on("1", function, `{"tenant":"acme"}`)}},
		events.Rule{Name: "off", Expression: "rate(1 minute)", State: events.Disabled, Targets: []events.Target{on("1", function, `{"tenant":"acme"}`)}},
		events.Rule{Name: "others", Expression: "rate(1 minute)", State: events.Enabled, Targets: []events.Target{on("1", function, `{"tenant":"beta"}`)}},
	)
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		tenant  string
		last    time.Time
		on, off []string
		next    time.Time
	}{
		"a rate counts from the last run": {"acme", now.Add(-3 * time.Minute), []string{"acme, rate(5 minutes)", "nightly, cron(15 3 * * ? *)"}, []string{"off, rate(1 minute)"}, now.Add(2 * time.Minute)},
		"without one, a cron is known":    {"acme", time.Time{}, []string{"acme, rate(5 minutes)", "nightly, cron(15 3 * * ? *)"}, []string{"off, rate(1 minute)"}, now.Add(17*time.Hour + 15*time.Minute)},
		"nothing is known":                {"beta", time.Time{}, []string{"others, rate(1 minute)"}, nil, time.Time{}},
		"no rule":                         {"gamma", now, nil, nil, time.Time{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			on, off, next, err := b.Ticks(t.Context(), test.tenant, now, test.last)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]string{test.on, test.off}, [][]string{on, off}); diff != "" || !next.Equal(test.next) {
				t.Errorf("next %s, want %s; rules (-want +got):\n%s", next, test.next, diff)
			}
		})
	}
	b.keys.Deny(awsjson.Rule{Operation: "DescribeRule"})
	if _, _, _, err := b.Ticks(t.Context(), "acme", now, now); export.AsError("", err).Kind != export.KindPermission {
		t.Errorf("without the permission: %v", err)
	}
}
