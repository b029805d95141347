package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/devstack/sts"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

func TestScheduledRuns(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.happen(1234)
	r := b.tick(export.OK)
	b.compare()
	if r.Tenant != "default" || r.Fetched != 1234 || r.Exported != 1234 || r.Batches != 13 || r.LagSeconds != 0 || r.Version != export.Version {
		t.Errorf("report %+v", r)
	}
	if n := len(b.stack.Logs.Puts()); n != r.Batches {
		t.Errorf("%d calls of PutLogEvents, the report says %d", n, r.Batches)
	}
	if got := b.tenant.Get("CHECKPOINT"); got != string(r.To) {
		t.Errorf("CHECKPOINT %s, the report says %s", got, r.To)
	}
	b.clock.after(5 * time.Minute)
	b.tenant.Generate(50, b.clock.Now().Add(-4*time.Minute), b.clock.Now().Add(-time.Minute))
	if r := b.tick(export.OK); r.Exported != 50 || r.Batches != 1 {
		t.Errorf("second run: %+v", r)
	}
	b.compare()
	if n := b.stack.Faults.Calls("token"); n != 1 {
		t.Errorf("%d tokens for two runs of a warm function", n)
	}
}

func TestIdleRunCalls(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.happen(10)
	b.tick(export.OK)
	before := b.stack.Faults.Counts()
	b.tick(export.OK)
	got := b.stack.Faults.Counts()
	for op, n := range before {
		got[op] -= n
	}
	maps.DeleteFunc(got, func(_ string, n int) bool { return n == 0 })
	want := map[string]int{"GetParametersByPath": 1, "logs": 1, "PutParameter": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls of an idle run (-want +got):\n%s", diff)
	}
}

func TestTenantOfTheEvent(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	acme := must(b.stack.AddTenant("acme", auth0.Options{Seed: 2}))
	place := logs.Place{Group: acme.Get("CLOUDWATCH_LOG_GROUP_NAME")}
	if err := b.stack.Logs.CreateGroup(place, logs.Standard, 0); err != nil {
		t.Fatal(err)
	}
	acme.Generate(120, b.clock.Now().Add(-time.Hour), b.clock.Now().Add(-time.Minute))
	b.happen(30)
	r, err := invoke[*export.Report](b, string(event(t, "tenant")))
	if err != nil || r.Tenant != "acme" || r.Exported != 120 {
		t.Errorf("report %+v, %v", r, err)
	}
	if c := acme.Compare(place, nil); !c.Exact() {
		t.Error(c)
	}
	r, err = invoke[*export.Report](b, string(event(t, "default")))
	if err != nil || r.Tenant != "default" || r.Exported != 30 {
		t.Errorf("report %+v, %v", r, err)
	}
	result := must(json.Marshal(r))
	var keys map[string]any
	if err := json.Unmarshal(result, &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"tenant", "action", "outcome", "started", "ended", "from", "to", "fetched", "filtered", "exported", "present", "batches", "bytes", "lagSeconds", "version"} {
		if _, ok := keys[key]; !ok {
			t.Errorf("the result has no %s: %s", key, result)
		}
	}
}

func TestBadEvents(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	for _, e := range []string{`{"tenent":"acme"}`, `{"tenant":""}`, `{"tenant":7}`, `{"tenant":"acme","tenant":"default"}`, `{"tenant":"a","tenant":{}}`, `{"tenant":"a/b"}`, `{"tenant":"..%2f"}`, `{"Tenant":"acme"}`, `{"action":"explode"}`, `{"action":""}`, `{"action":null}`, `{"action":7}`, `{"source":"elsewhere"}`, `[]`, `null`, `"x"`, `{`, ``} {
		b.out.Reset()
		if r, err := b.h.Handle(t.Context(), []byte(e)); err == nil {
			t.Errorf("event %s: report %+v, want an error", e, r)
		} else if !strings.Contains(b.out.String(), "bad event") {
			t.Errorf("event %s: nothing of it in the log", e)
		}
	}
	if n := b.stack.Faults.Calls(""); n != 0 {
		t.Errorf("%d calls were made for bad events", n)
	}
}

func TestDocumentsOverSeveralLines(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 4, Pretty: true})
	b.happen(150)
	b.tick(export.OK)
	b.compare()
	for _, e := range b.stack.Logs.Events(logs.Place{Group: "/auth0/default", Stream: "default"}) {
		if strings.ContainsAny(e.Message, "\r\n") {
			t.Fatalf("a message of several lines: %s", e.Message)
		}
	}
}

// TestSettings changes one setting after the other and looks at its effect.
func TestSettings(t *testing.T) {
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	keyPEM := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	const n = 250
	tests := map[string]struct {
		stack  devstack.Options
		tenant auth0.Options
		set    map[string]string
		before func(*bench)
		check  func(*bench, export.Report)
	}{
		"BATCH_SIZE": {
			set: map[string]string{"BATCH_SIZE": "33"},
			check: func(b *bench, r export.Report) {
				if want := (n + 32) / 33; r.Batches != want {
					b.Errorf("%d batches, want %d", r.Batches, want)
				}
			},
		},
		"BATCH_SIZE of the extension": {
			set: map[string]string{"BATCH_SIZE": "1000", "LOG_LEVEL": "-", "SLACK_SEND_SUCCESS": "No"},
			check: func(b *bench, r export.Report) {
				if r.Batches != 3 || !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.HasPrefix(w, "BATCH_SIZE") }) {
					b.Errorf("%d batches, warnings %q", r.Batches, r.Warnings)
				}
			},
		},
		"LOG_LEVEL and LOG_TYPES": {
			set: map[string]string{"LOG_LEVEL": "3", "LOG_TYPES": "s, gd_*, !fp"},
			check: func(b *bench, r export.Report) {
				keep := func(e tenantlog.Event) bool {
					known, ok := tenantlog.LookupType(e.Type)
					return (!ok || known.Level >= 3 || e.Type == "s" || strings.HasPrefix(e.Type, "gd_")) && e.Type != "fp"
				}
				c := b.tenant.Compare(logs.Place{Group: "/auth0/default"}, keep)
				if !c.Exact() || c.Expected != r.Exported || r.Filtered != n-r.Exported || r.Filtered == 0 || r.Exported == 0 {
					b.Errorf("%s; report %+v", c, r)
				}
			},
		},
		"CLOUDWATCH_LOG_STREAM_NAME": {
			set: map[string]string{"CLOUDWATCH_LOG_STREAM_NAME": "logs-of-{tenant}/{date}"},
			check: func(b *bench, _ export.Report) {
				b.compare()
				got := b.stack.Logs.Streams(logs.Place{Group: "/auth0/default"})
				if diff := cmp.Diff([]string{"logs-of-default/2026-11-23"}, got); diff != "" {
					b.Errorf("streams (-want +got):\n%s", diff)
				}
			},
		},
		"AWS_REGION": {
			set:    map[string]string{"AWS_REGION": "eu-west-1", "CLOUDWATCH_LOG_GROUP_NAME": "far"},
			before: func(b *bench) { b.group(logs.Place{Region: "eu-west-1"}) },
			check: func(b *bench, _ export.Report) {
				if c := b.tenant.Compare(logs.Place{Region: "eu-west-1", Group: "far"}, nil); !c.Exact() {
					b.Error(c)
				}
			},
		},
		"static keys": {
			set: map[string]string{"AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_SECRET_KEY": "other-key"},
			before: func(b *bench) {
				b.stack.Keys.Add("AKIAOTHER", awsjson.Principal{Account: "222222222222"})
				b.group(logs.Place{Account: "222222222222"})
			},
			check: func(b *bench, _ export.Report) {
				if c := b.tenant.Compare(logs.Place{Account: "222222222222", Group: "/auth0/default"}, nil); !c.Exact() {
					b.Error(c)
				}
			},
		},
		"CLOUDWATCH_ROLE_ARN": {
			stack:  devstack.Options{STS: sts.Options{Roles: []sts.Role{{ARN: "arn:aws:iam::333333333333:role/logs", ExternalID: "ext-1"}}}},
			set:    map[string]string{"CLOUDWATCH_ROLE_ARN": "arn:aws:iam::333333333333:role/logs", "CLOUDWATCH_EXTERNAL_ID": "ext-1"},
			before: func(b *bench) { b.group(logs.Place{Account: "333333333333"}) },
			check: func(b *bench, _ export.Report) {
				if c := b.tenant.Compare(logs.Place{Account: "333333333333", Group: "/auth0/default"}, nil); !c.Exact() {
					b.Error(c)
				}
			},
		},
		"AUTH0_PRIVATE_KEY": {
			tenant: auth0.Options{PublicKey: &key.PublicKey},
			set:    map[string]string{"AUTH0_PRIVATE_KEY": keyPEM},
			check:  func(b *bench, _ export.Report) { b.compare() },
		},
		"AUTH0_AUDIENCE of a custom domain": {
			tenant: auth0.Options{Audience: "https://acme.eu.auth0.com/api/v2/"},
			set:    map[string]string{"AUTH0_AUDIENCE": "https://acme.eu.auth0.com/api/v2/"},
			check:  func(b *bench, _ export.Report) { b.compare() },
		},
		"AUTH0_LOG_RETENTION_DAYS": {
			set: map[string]string{"AUTH0_LOG_RETENTION_DAYS": "5"},
			check: func(b *bench, r export.Report) {
				if r.RetentionHoursLeft == nil || *r.RetentionHoursLeft != 120 || r.Gap != nil {
					b.Errorf("hours left %v, gap %v", r.RetentionHoursLeft, r.Gap)
				}
			},
		},
		"START_FROM oldest": {
			set:   map[string]string{"START_FROM": "Oldest"},
			check: func(b *bench, _ export.Report) { b.compare() },
		},
		"START_FROM now": {
			set: map[string]string{"START_FROM": "now"},
			check: func(b *bench, r export.Report) {
				if r.Fetched != 0 || b.tenant.Get("CHECKPOINT") != "" {
					b.Errorf("report %+v", r)
				}
			},
		},
		"START_FROM a date": {
			set:   map[string]string{"START_FROM": "2026-11-23"},
			check: func(b *bench, _ export.Report) { b.compare() },
		},
		"START_FROM a time": {
			set: map[string]string{"START_FROM": "2026-11-23T10:30:00+01:00"},
			check: func(b *bench, r export.Report) {
				from := tenantlog.At(time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC))
				c := b.tenant.Compare(logs.Place{Group: "/auth0/default"}, func(e tenantlog.Event) bool { return e.ID > from })
				if !c.Exact() || c.Expected != r.Exported || r.Exported == 0 || r.Exported == n {
					b.Errorf("%s; exported %d", c, r.Exported)
				}
			},
		},
		"SLACK_SEND_SUCCESS and the alias": {
			set: map[string]string{"SLACK_SEND_SUCCESS": "Yes"},
			before: func(b *bench) {
				b.set(map[string]string{"SLACK_INCOMING_WEBHOOK": b.stack.Hook})
				b.tenant.Unset("SLACK_INCOMING_WEBHOOK_URL")
			},
			check: func(b *bench, r export.Report) {
				if said := b.said(); len(said) != 1 || !strings.Contains(said[0], "250") {
					b.Errorf("Slack was told %q", said)
				}
			},
		},
		"quiet without SLACK_SEND_SUCCESS": {
			check: func(b *bench, _ export.Report) {
				if said := b.said(); len(said) != 0 {
					b.Errorf("Slack was told %q", said)
				}
			},
		},
		"an unknown setting": {
			set: map[string]string{"SLACK_SEND_SUCESS": "true"},
			check: func(b *bench, r export.Report) {
				if diff := cmp.Diff([]string{"SLACK_SEND_SUCESS: unknown, did you mean SLACK_SEND_SUCCESS?"}, r.Warnings); diff != "" {
					b.Errorf("warnings (-want +got):\n%s", diff)
				}
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.tenant.Seed = 7
			b := newBench(t, tt.stack, tt.tenant)
			b.set(tt.set)
			if tt.before != nil {
				tt.before(b)
			}
			b.happen(n)
			tt.check(b, b.tick(export.OK))
		})
	}
}

func TestStartFromALogID(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.happen(30)
	var ids []tenantlog.ID
	for id := range b.tenant.Documents() {
		ids = append(ids, id)
	}
	b.set(map[string]string{"START_FROM": string(ids[10])})
	if r := b.tick(export.OK); r.Exported != 20 {
		t.Errorf("exported %d from the eleventh of 30 on, want 20", r.Exported)
	}
}

func TestRateShare(t *testing.T) {
	const limit, share = 20, 60
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1, Rate: auth0.Rate{Limit: limit, Refill: 10}})
	b.set(map[string]string{"AUTH0_RATE_SHARE": fmt.Sprint(share)})
	b.happen(1000) // 11 pages and a search: what is ours of the full bucket
	b.tick(export.OK)
	b.compare()
	if n := b.stack.Faults.Calls("logs"); n != 11 {
		t.Errorf("%d pages asked for", n)
	}
}

func TestDailyReport(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.set(map[string]string{"SLACK_DAILY_REPORT": "11"})
	b.happen(40)
	for range 14 {
		b.tick(export.OK)
		b.clock.after(5 * time.Minute)
	}
	if said := b.said(); len(said) != 1 || !strings.Contains(said[0], "40") {
		t.Errorf("Slack was told %q, want one digest with 40 events", said)
	}
}

func TestEverySettingsErrorAtOnce(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	bad := map[string]string{
		"AUTH0_DOMAIN":               "https://acme.auth0.com/",
		"AUTH0_AUDIENCE":             "acme",
		"AUTH0_RATE_SHARE":           "0",
		"AUTH0_LOG_RETENTION_DAYS":   "7",
		"AUTH0_PRIVATE_KEY":          "not a key but a secret",
		"BATCH_SIZE":                 "many",
		"START_FROM":                 "yesterday",
		"LOG_LEVEL":                  "loud",
		"LOG_TYPES":                  "[",
		"SLACK_SEND_SUCCESS":         "perhaps",
		"SLACK_DAILY_REPORT":         "24",
		"CLOUDWATCH_LOG_GROUP_NAME":  "a b",
		"CLOUDWATCH_LOG_STREAM_NAME": "a:b",
		"AWS_REGION":                 "moon",
		"AWS_ACCESS_KEY_ID":          "AKIA-a-secret",
		"CLOUDWATCH_ROLE_ARN":        "role",
	}
	b.set(bad)
	b.tenant.Unset("AUTH0_CLIENT_ID")
	r := b.tick(export.Failed)
	if r.Error.Kind != export.KindSettings {
		t.Errorf("error %+v", r.Error)
	}
	missing := "AWS_SECRET_KEY"
	for _, name := range append(slices.Sorted(maps.Keys(bad)), "AUTH0_CLIENT_ID", missing) {
		if name == "AWS_ACCESS_KEY_ID" {
			continue // it is its other half that is missing
		}
		if !strings.Contains(r.Error.Text, name) {
			t.Errorf("%s is not named in: %s", name, r.Error.Text)
		}
	}
	all := b.out.String() + strings.Join(b.said(), "\n") + b.tenant.Get("RUN")
	for _, secret := range []string{"not a key but a secret", "AKIA-a-secret", "devstack-secret", b.stack.Hook} {
		if strings.Contains(all, secret) {
			t.Errorf("%q was shown:\n%s", secret, all)
		}
	}
	if n := len(b.said()); n != 1 {
		t.Errorf("Slack was told %d times, want once: its own setting is good", n)
	}
}

func TestFailureAndRecoveryInSlack(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.happen(20)
	b.tick(export.OK)
	checkpoint := b.tenant.Get("CHECKPOINT")
	b.tenant.SetSecret("rotated")
	b.restart()
	for range 13 {
		b.clock.after(5 * time.Minute)
		if r := b.tick(export.Failed); r.Error.Kind != export.KindAuth || r.Error.Fix == "" {
			t.Errorf("error %+v", r.Error)
		}
	}
	said := b.said()
	if len(said) != 2 {
		t.Fatalf("Slack was told %d times of an hour's failures, want at once and an hour later: %q", len(said), said)
	}
	if !strings.Contains(said[0], checkpoint) || !strings.Contains(said[0], "AUTH0_CLIENT_SECRET") {
		t.Errorf("neither checkpoint %s nor fix in: %s", checkpoint, said[0])
	}
	if command := "--overwrite --name " + b.tenant.Parameter("CHECKPOINT") + " --value " + checkpoint; !strings.Contains(said[0], command) {
		t.Errorf("no command with %q in: %s", command, said[0])
	}
	b.set(map[string]string{"AUTH0_CLIENT_SECRET": "rotated\n"}) // a file's newline
	b.clock.after(5 * time.Minute)
	b.tick(export.OK)
	if said := b.said(); len(said) != 3 || !strings.Contains(said[2], "13") {
		t.Errorf("the recovery from 13 failures: %q", said[len(said)-1])
	}
	b.compare()
}

func TestSlackTroubleFailsNothing(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.set(map[string]string{"SLACK_SEND_SUCCESS": "true"})
	b.happen(20)
	b.stack.Faults.Add(fault.Rule{Op: "slack", Do: fault.Reply(404, nil, "no_service")})
	b.tick(export.OK)
	b.compare()
	if log := b.out.String(); !strings.Contains(log, "no_service") || strings.Contains(log, b.stack.Hook) {
		t.Errorf("log %s", log)
	}
}

func TestSettingsChangedBetweenRuns(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.happen(20)
	b.tick(export.OK)
	b.set(map[string]string{"CLOUDWATCH_LOG_STREAM_NAME": "another"})
	b.clock.after(5 * time.Minute)
	b.tenant.Generate(20, b.clock.Now().Add(-4*time.Minute), b.clock.Now().Add(-time.Minute))
	b.tick(export.OK)
	if n := len(b.stack.Logs.Events(logs.Place{Group: "/auth0/default", Stream: "another"})); n != 20 {
		t.Errorf("%d events in the new stream, want 20", n)
	}
	if n := b.stack.Faults.Calls("token"); n != 1 {
		t.Errorf("%d tokens, want the one kept: Auth0's settings did not change", n)
	}
}

func TestMissingStreamAndPermission(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.happen(20)
	b.stack.Keys.Deny(awsjson.Rule{Operation: "CreateLogStream"})
	r := b.tick(export.Failed)
	if r.Error.Kind != export.KindPermission || !strings.Contains(r.Error.Text, "logs:CreateLogStream") || r.Exported != 0 {
		t.Errorf("report %+v", r)
	}
}

func TestUnreadableParameterStore(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.stack.Keys.Deny(awsjson.Rule{Operation: "GetParametersByPath"})
	r := b.tick(export.Failed)
	if r.Error.Kind != export.KindPermission || len(b.said()) != 0 {
		t.Errorf("report %+v, Slack %q", r, b.said())
	}
}

func TestMetricsOff(t *testing.T) {
	t.Setenv("METRICS", "off")
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.tick(export.OK)
	if strings.Contains(b.out.String(), `"_aws"`) {
		t.Errorf("metrics although they are off: %s", b.out)
	}
}

func FuzzParseRequest(f *testing.F) {
	for _, e := range []string{`{}`, `{"tenant":"acme"}`, `{"source":"aws.events","detail":{}}`, `{"tenent":"a"}`, `[]`, `{"tenant":null}`} {
		f.Add([]byte(e))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		r, err := parseRequest(event)
		if err != nil {
			return
		}
		var keys map[string]json.RawMessage
		if json.Unmarshal(event, &keys) != nil {
			t.Fatalf("%q was taken", event)
		}
		if string(keys["source"]) != `"aws.events"` {
			delete(keys, "tenant")
			if r.action == "" && len(keys) > 0 {
				t.Fatalf("%q was taken for %+v", event, r)
			}
		}
	})
}

func TestUnknownTenantWritesNothing(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	_, err := b.h.Handle(t.Context(), []byte(`{"tenant":"typo"}`))
	if err == nil || !strings.Contains(err.Error(), "/auth0-logs-to-cloudwatch/typo") {
		t.Errorf("error %v", err)
	}
	if n := len(b.stack.SSM.List("/auth0-logs-to-cloudwatch/typo")); n != 0 {
		t.Errorf("%d parameters were made for a tenant that is not there", n)
	}
}

// TestRecordThatCannotBeWritten: then only the warm function knows that Slack
// was told.
func TestRecordThatCannotBeWritten(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.happen(20)
	b.stack.Keys.Deny(awsjson.Rule{Operation: "PutParameter"})
	for range 13 {
		if r := b.tick(export.Failed); r.Error.Kind != export.KindPermission || r.Exported != 0 {
			t.Errorf("report %+v", r)
		}
		b.clock.after(5 * time.Minute)
	}
	if n := len(b.said()); n != 2 {
		t.Errorf("Slack was told %d times in an hour, want at once and an hour later", n)
	}
}

// TestScopeGrantedLater: the token that lacked it is not shown again.
func TestScopeGrantedLater(t *testing.T) {
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.happen(20)
	b.tenant.SetScopes("read:users")
	if r := b.tick(export.Failed); r.Error.Kind != export.KindPermission {
		t.Errorf("error %+v", r.Error)
	}
	b.tenant.SetScopes("read:logs")
	b.clock.after(5 * time.Minute)
	b.tick(export.OK)
	b.compare()
}
