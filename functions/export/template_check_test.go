package main

import (
	"slices"
	"strings"
	"testing"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
)

// TestTemplateAllowsWhatCheckCalls compares the calls of a check in which all is
// well with what the role allows.
func TestTemplateAllowsWhatCheckCalls(t *testing.T) {
	b := newCheckBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	b.checks(t.Context(), string(event(t, "check")))
	var allowed []string
	for _, s := range newStack(t, nil).statements(t, "ExportRole") {
		for _, action := range s.Actions {
			_, op, _ := strings.Cut(action, ":")
			allowed = append(allowed, op)
		}
	}
	calls := b.stack.Faults.Counts()
	for _, auth0 := range []string{"other", "token", "search"} {
		delete(calls, auth0)
	}
	for op := range calls {
		if !slices.Contains(allowed, op) {
			t.Errorf("check calls %s, which the role does not allow", op)
		}
	}
}
