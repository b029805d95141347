package widget

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/schedule"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 11, 23, 10, 2, 30, 0, time.UTC)

const self = "arn:aws:lambda:us-east-1:123456789012:function:customWidget-status"

// world is all that the widget sees, in memory.
type world struct {
	rules    []schedule.Rule
	rulesErr error
	history  History
	runsErr  error
	params   map[string]map[string]export.Parameter // by tenant and name
	paramErr error
	nameErr  error // for the tenant's name
	putErr   error
	// did is what was done, in order, and log what the widget told of it.
	did []string
	log bytes.Buffer
}

func (w *world) All(context.Context) ([]schedule.Rule, error) { return w.rules, w.rulesErr }

func (w *world) Enable(_ context.Context, name string) error { return w.turn(name, true) }

func (w *world) Disable(_ context.Context, name string) error { return w.turn(name, false) }

func (w *world) turn(name string, on bool) error {
	w.did = append(w.did, fmt.Sprint("switch ", name, " ", on))
	for i := range w.rules {
		if w.rules[i].Name == name {
			w.rules[i].Enabled = on
		}
	}
	return w.putErr
}

func (w *world) Reschedule(_ context.Context, name, expression string) error {
	w.did = append(w.did, fmt.Sprint("reschedule ", name, " ", expression))
	return w.putErr
}

func (w *world) Start(_ context.Context, tenant string) error {
	w.did = append(w.did, "start "+tenant)
	return w.putErr
}

func (w *world) Read(context.Context, []string, time.Duration) (History, error) {
	return w.history, w.runsErr
}

// parameters are those of one tenant of the world.
type parameters struct {
	*world
	tenant string
}

func (p parameters) Named(_ context.Context, names ...string) (map[string]export.Parameter, error) {
	found := make(map[string]export.Parameter)
	for _, name := range names {
		if v, ok := p.params[p.tenant][name]; ok {
			bare, _, _ := strings.Cut(name, ":")
			found[bare] = v
		}
	}
	return found, p.paramErr
}

func (p parameters) Put(_ context.Context, name, value string) (int64, error) {
	p.did = append(p.did, fmt.Sprint("put ", p.tenant, " ", name, " ", value))
	return 1, p.putErr
}

func (w *world) widget(steer bool) *Widget {
	return New(Options{
		Rules: w, Runs: w, Runner: w, MaySteer: steer, MaxSilence: 15 * time.Minute,
		Parameters: func(tenant string) (Parameters, error) {
			return parameters{w, tenant}, w.nameErr
		},
		Place: Place{Region: "us-east-1", Account: "123456789012", Partition: "aws", LogGroup: "/aws/lambda/export", Root: "/auth0-logs-to-cloudwatch"},
		Now:   func() time.Time { return now },
		Log:   slog.New(slog.NewTextHandler(&w.log, nil)),
	})
}

// id is that of an event indexed at a time.
func id(t time.Time) tenantlog.ID { return tenantlog.At(t)[:55] + "7" }

// past is a tenant's runs, one each five minutes, of which every seventh
// failed.
func past(tenant string, n int) TenantRuns {
	var runs TenantRuns
	for i := range n {
		start := now.Add(-time.Duration(i)*5*time.Minute - 2*time.Minute)
		hours := 118.5
		r := Run{Stream: "2026/11/23/[$LATEST]0a1b", Report: export.Report{
			Tenant: tenant, Action: "export", Outcome: export.OK, Started: start, Ended: start.Add(1500 * time.Millisecond),
			From: id(start.Add(-5 * time.Minute)), To: id(start),
			Fetched: 130 + i, Filtered: 10, Exported: 120 + i, Batches: 2, Bytes: 240_000, RetentionHoursLeft: &hours, Version: "1.2.3",
		}}
		if i%7 == 3 {
			r.Outcome, r.Exported, r.To = export.Failed, 0, r.From
			r.Error = &export.Error{Kind: export.KindAuth, Text: "Auth0 refused the application's credentials.", Fix: "put the application's secret into AUTH0_CLIENT_SECRET."}
			runs.Failed = append(runs.Failed, r)
		}
		runs.All = append(runs.All, r)
	}
	return runs
}

func parameter(value string, version int64) export.Parameter {
	return export.Parameter{Value: value, Version: version, Modified: now.Add(-2 * time.Minute)}
}

// acme is a world with one tenant, whose export is well.
func acme() *world {
	runs := past("acme", Kept)
	position := runs.All[0].To
	record := must(json.Marshal(export.RunRecord{
		Claim: export.Claim{Format: 1, Expects: 41}, Position: position, Target: export.Target{Group: "/auth0/acme", Stream: "acme-{date}"},
		Checkpoint: export.WrittenCheckpoint{Value: string(position), Version: 40},
	}))
	return &world{
		rules:   []schedule.Rule{{Name: "acme-export", Expression: "rate(5 minutes)", Enabled: true, Tenants: []string{"acme"}}},
		history: History{Tenants: map[string]TenantRuns{"acme": runs}, Since: now.Add(-2 * time.Hour)},
		params: map[string]map[string]export.Parameter{"acme": {
			"RUN": parameter(string(record), 41), "CHECKPOINT": parameter(string(position), 40),
		}},
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// event is what a dashboard sends: parameters at the root, and the context.
func event(root map[string]any, context map[string]any) []byte {
	e := map[string]any{"widgetContext": map[string]any{
		"dashboardName": "auth0", "widgetId": "widget-16", "accountId": "123456789012", "locale": "en",
		"timezone": map[string]any{"label": "UTC", "offsetISO": "+00:00", "offsetInMinutes": 0},
		"period":   300, "theme": "light", "linkCharts": true, "title": "Export",
		"forms": map[string]any{"all": map[string]any{}}, "params": map[string]any{}, "width": 588, "height": 369,
	}}
	for k, v := range root {
		e[k] = v
	}
	for k, v := range context {
		e["widgetContext"].(map[string]any)[k] = v
	}
	return must(json.Marshal(e))
}

func answer(t *testing.T, w *Widget, e []byte) string {
	t.Helper()
	html, err := w.Handle(t.Context(), e, self)
	if err != nil {
		t.Fatal(err)
	}
	return html
}

func TestPages(t *testing.T) {
	denied := &export.Error{Kind: export.KindPermission, Text: "The function may not do this.", Fix: "allow it."}
	tests := []struct {
		golden string
		world  func() *world
		steer  bool
		event  []byte
	}{
		{"light", acme, true, event(nil, nil)},
		{"dark", acme, true, event(nil, map[string]any{"theme": "dark", "timezone": map[string]any{"offsetISO": "+05:30"}})},
		{"read_only", acme, false, event(nil, nil)},
		{"failed_runs", acme, true, event(map[string]any{"show": "failed", "only": "acme"}, nil)},
		{"failing", func() *world {
			w := acme()
			w.rules[0].Expression = "cron(0 9-17 ? * MON-FRI *)"
			runs := w.history.Tenants["acme"]
			runs.All = runs.All[3:]
			runs.All[0].Gap = &export.Gap{From: now.Add(-48 * time.Hour), To: now.Add(-24 * time.Hour)}
			runs.All[0].RetentionHoursLeft = new(0.0)
			runs.All[0].LagSeconds = 86400
			runs.All[0].Warnings = []string{"SLACK_SEND_SUCESS: unknown, did you mean SLACK_SEND_SUCCESS?"}
			runs.All[0].Late.Count = 3
			w.history.Tenants["acme"] = runs
			w.params["acme"]["CHECKPOINT"] = parameter("2026-11-20", 41)
			return w
		}, true, event(nil, nil)},
		{"empty", func() *world { return &world{} }, true, event(nil, nil)},
		{"before_the_first_run", func() *world {
			return &world{rules: []schedule.Rule{{Name: "acme-export", Expression: "rate(5 minutes)", Tenants: []string{"acme"}}}}
		}, true, event(nil, nil)},
		{"no_permission", func() *world {
			w := acme()
			w.history, w.rulesErr, w.runsErr, w.paramErr = History{Since: now}, denied, denied, denied
			w.rules = nil
			return w
		}, true, event(nil, nil)},
		{"no_permission_but_for_rules", func() *world {
			w := acme()
			w.history, w.runsErr, w.paramErr, w.params = History{Since: now}, denied, denied, nil
			return w
		}, true, event(nil, nil)},
		{"no_permission_for_rules", func() *world {
			w := acme()
			w.rules, w.rulesErr = nil, denied
			return w
		}, true, event(nil, nil)},
		{"many", func() *world {
			w := acme()
			for i := range opened {
				w.rules = append(w.rules, schedule.Rule{Name: fmt.Sprint("rule-", i), Expression: "rate(1 minute)", Enabled: i%2 == 0, Tenants: []string{fmt.Sprint("tenant-", i)}})
			}
			w.rules = append(w.rules, schedule.Rule{Name: "odd", Expression: "rate(1 minute)", Enabled: true, Unread: []string{"Target0", "Target1"}})
			return w
		}, true, event(nil, nil)},
		{"one_of_many", func() *world {
			w := acme()
			w.rules = append(w.rules, schedule.Rule{Name: "other", Expression: "rate(1 minute)", ManagedBy: "elsewhere.amazonaws.com", Tenants: []string{"acme", "other"}})
			return w
		}, true, event(map[string]any{"only": "acme"}, nil)},
		{"done", acme, true, event(map[string]any{"do": "run", "tenant": "acme"}, nil)},
		{"refused", acme, false, event(map[string]any{"do": "run", "tenant": "acme"}, nil)},
	}
	for _, test := range tests {
		t.Run(test.golden, func(t *testing.T) {
			golden(t, test.golden, answer(t, test.world().widget(test.steer), test.event))
		})
	}
}

// golden compares a page with its file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}

// slow is a world in which each call takes as long as it may.
type slow struct{ *world }

func (s slow) All(ctx context.Context) ([]schedule.Rule, error) {
	lastMoment(ctx)
	return s.world.All(ctx)
}

func (s slow) Enable(ctx context.Context, name string) error {
	lastMoment(ctx)
	return s.world.Enable(ctx, name)
}

func (s slow) Read(ctx context.Context, tenants []string, span time.Duration) (History, error) {
	lastMoment(ctx)
	return s.world.Read(ctx, tenants, span)
}

func lastMoment(ctx context.Context) {
	deadline, _ := ctx.Deadline()
	time.Sleep(time.Until(deadline))
}

// TestAnswersInTime: what a click did is told, however slowly AWS answers.
func TestAnswersInTime(t *testing.T) {
	const timeout = 30 * time.Second // of StatusFunction in template.yaml
	synctest.Test(t, func(t *testing.T) {
		w := acme()
		o := w.widget(true).Options
		o.Rules, o.Runs = slow{w}, slow{w}
		start := time.Now()
		html := answer(t, New(o), event(map[string]any{"do": "switch-on", "rule": "acme-export"}, nil))
		if took := time.Since(start); took > timeout-2*time.Second {
			t.Errorf("took %s, of %s", took, timeout)
		}
		if !strings.Contains(html, "The rule acme-export is on.") {
			t.Error("the page does not tell what was done")
		}
	})
}
