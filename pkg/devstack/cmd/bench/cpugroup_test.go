package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestHierarchies checks what each version of the kernel's groups is told for
// a tenth of a core.
func TestHierarchies(t *testing.T) {
	want := [][][2]string{
		{{"cpu.max", "2000 20000"}},
		{{"cpu.cfs_period_us", "20000"}, {"cpu.cfs_quota_us", "2000"}},
	}
	for i, h := range hierarchies {
		if diff := cmp.Diff(want[i], h.limits(quotaOf(0.1), period.Microseconds())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", h.dir, diff)
		}
	}
}

// TestNoControlGroups has a folder without the kernel's files refuse, and stay
// as it was.
func TestNoControlGroups(t *testing.T) {
	h := hierarchy{dir: t.TempDir(), sign: "sign", limits: hierarchies[0].limits}
	if _, err := h.group(0.5); err == nil {
		t.Error("a group in a folder without its sign")
	}
	if err := os.WriteFile(filepath.Join(h.dir, h.sign), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.group(0.5); err == nil {
		t.Error("a group whose limit cannot be written")
	}
	if entries, err := os.ReadDir(h.dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestPeriod keeps the smallest quota at what the kernel takes, a millisecond.
func TestPeriod(t *testing.T) {
	if q := quotaOf(share(memories[0].mb)); q < time.Millisecond.Microseconds() {
		t.Errorf("quota of %d µs", q)
	}
}
