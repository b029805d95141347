package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestOnThisMachine: the whole of it, from the build to the end, and nothing is
// left behind.
func TestOnThisMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the function: not in -short mode")
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	out, text := printed()
	if err := run(t.Context(), out, []string{"verify", "-tenant=acme", "-fill=true"}); err != nil {
		t.Errorf("%v; printed:\n%s", err, text)
	}
	for _, want := range []string{"7 events of the range taken out", "missing   7", "double    1", "added     7 events"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("printed, without %q:\n%s", want, text)
		}
	}
	for _, pattern := range []string{"invoke-*", "devstack-*"} {
		if left, _ := filepath.Glob(filepath.Join(tmp, pattern)); left != nil {
			t.Errorf("left behind: %v", left)
		}
	}
}

// TestHarmIsSeen: a verification that finds other than what was done is wrong.
func TestHarmIsSeen(t *testing.T) {
	h := harm{missing: 7, double: 1}
	if err := h.seen(&incomplete{missing: 7, double: 1}); err != nil {
		t.Error(err)
	}
	for _, other := range []incomplete{{missing: 6, double: 1}, {missing: 7}} {
		if h.seen(&other) == nil {
			t.Errorf("%+v passes for %+v", other, h)
		}
	}
}
