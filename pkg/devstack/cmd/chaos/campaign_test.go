package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/chaos"
	"auth0-logs-to-cloudwatch/pkg/devstack/progress"
)

func TestProgress(t *testing.T) {
	sum := newTotal()
	for _, step := range []struct {
		problems []string
		want     progress.State
	}{
		{nil, progress.State{Done: 1, Total: 300, Text: "1 of 300 schedules, 0 went wrong"}},
		{[]string{"lost"}, progress.State{Done: 2, Total: 300, Wrong: true, Text: "2 of 300 schedules, 1 went wrong"}},
		{nil, progress.State{Done: 3, Total: 300, Wrong: true, Text: "3 of 300 schedules, 1 went wrong"}},
	} {
		sum.add(&chaos.Result{Problems: step.problems})
		if diff := cmp.Diff(step.want, sum.progress(300)); diff != "" {
			t.Errorf("progress (-want +got):\n%s", diff)
		}
	}
}
