package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/export"
)

var update = flag.Bool("update", false, "write the golden files")

// TestCalls has the function do all that it can, and compares its calls and what
// each is authorised on with a file. A test of functions/export holds the role of
// template.yaml against the same file.
func TestCalls(t *testing.T) {
	b := newBench(t, nil)
	var mu sync.Mutex
	var calls []string
	b.keys.Watch = func(c awsjson.Caller, action string, resources []string) {
		mu.Lock()
		defer mu.Unlock()
		for _, arn := range resources {
			if c.AccessKey == "AKIASTATUS" {
				calls = append(calls, action+" "+arn)
			}
		}
	}
	b.rule("auth0-logs-acme", `{"tenant":"acme"}`, events.Enabled)
	b.parameter("acme", export.RunName, `{"format":1,"expects":1}`)
	b.parameter("acme", export.RunName, `{"format":1,"expects":1}`) // void: the one before is read
	for _, event := range []string{
		look,
		`{"do":"switch-off","rule":"auth0-logs-acme"}`, `{"do":"switch-on","rule":"auth0-logs-acme"}`,
		`{"do":"reschedule","rule":"auth0-logs-acme","tenant":"acme","widgetContext":{"forms":{"all":{"schedule/auth0-logs-acme/acme":"rate(1 hour)"}}}}`,
		`{"do":"run","tenant":"acme"}`, `{"do":"replay","tenant":"acme","from":"2026-11-01"}`,
	} {
		if html := b.show(event); strings.Contains(html, "Nothing was done") {
			t.Errorf("%s: %s", event, html)
		}
	}
	if len(b.invoked) > 0 {
		calls = append(calls, "lambda:InvokeFunction "+exportARN)
	}
	slices.Sort(calls)
	got := strings.Join(slices.Compact(calls), "\n") + "\n"
	file := filepath.Join("testdata", "calls.txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("calls (-want +got; -update writes them):\n%s", diff)
	}
}
