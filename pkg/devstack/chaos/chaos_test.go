package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// TestSchedules plays a few of the schedules that cmd/chaos plays.
func TestSchedules(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the bootstrap and plays for some seconds: not in -short mode")
	}
	bootstrap, err := devstack.Build(t.TempDir(), "export")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("seed", func(t *testing.T) {
		for _, seed := range []uint64{2, 3, 5, 8, 13, 21} {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				r := Play(t.Context(), bootstrap, Decide(seed))
				if len(r.Problems) > 0 {
					t.Errorf("%s\n%s\n%s", r.Story, strings.Join(r.Problems, "\n"), r.Comparison)
				}
			})
		}
	})
}

// TestPlayFindsWhatIsMissing plays on a function that does nothing.
func TestPlayFindsWhatIsMissing(t *testing.T) {
	if testing.Short() {
		t.Skip("plays for seconds: not in -short mode")
	}
	t.Parallel()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(bootstrap, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := Schedule{
		Seed: 1, Timeout: time.Second, Scene: Scene{Backlog: 25},
		Steps: []Step{{Acts: []Act{{Kind: "CHECKPOINT to a time"}}}},
	}
	r := Play(t.Context(), bootstrap, s)
	if r.Lost != 25 || r.Twice != 0 || r.Altered != 0 || r.Honoured != 0 {
		t.Errorf("%d lost, %d twice, %d altered, %d edits honoured of a function that does nothing", r.Lost, r.Twice, r.Altered, r.Honoured)
	}
	told := strings.Join(r.Problems, "\n")
	for _, want := range []string{"without a report", "25 log events lost", "was not acted on: CHECKPOINT", "CHECKPOINT is"} {
		if !strings.Contains(told, want) {
			t.Errorf("the problems lack %q:\n%s", want, told)
		}
	}
}

func TestDecide(t *testing.T) {
	if diff := cmp.Diff(Decide(17), Decide(17)); diff != "" {
		t.Errorf("two schedules of one seed differ:\n%s", diff)
	}
	if cmp.Equal(Decide(17).Steps, Decide(18).Steps) {
		t.Error("two seeds have one schedule")
	}
	used := make(map[string]int)
	for seed := range uint64(300) {
		for _, step := range Decide(seed + 1).Steps {
			for _, d := range step.Faults {
				used[d.Kind]++
			}
			for _, a := range step.Acts {
				used[a.Kind]++
			}
		}
	}
	for _, k := range kinds() {
		if used[k.name] == 0 {
			t.Errorf("no schedule of 300 has the fault %q", k.name)
		}
	}
	for _, a := range acts() {
		if used[a.name] == 0 {
			t.Errorf("no schedule of 300 has the act %q", a.name)
		}
	}
}

// TestJudgeWishes plays with times in seconds.
func TestJudgeWishes(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	checkpoint := func(s int, from tenantlog.ID) wish { return wish{parameter: checkpointName, at: at(s), from: from} }
	start := func(s int, from tenantlog.ID) wish { return wish{parameter: startName, at: at(s), from: from} }
	type asked map[tenantlog.ID][]time.Time
	tests := map[string]struct {
		wishes   []wish
		asked    asked
		finished []span
		honoured int
		ignored  int
	}{
		"acted on":                      {[]wish{checkpoint(10, "1")}, asked{"1": {at(12)}}, nil, 1, 0},
		"never acted on":                {[]wish{checkpoint(10, "1")}, nil, nil, 0, 1},
		"asked for before only":         {[]wish{checkpoint(10, "1")}, asked{"1": {at(8)}}, nil, 0, 1},
		"superseded in time":            {[]wish{checkpoint(10, "1"), checkpoint(20, "2")}, asked{"2": {at(21)}}, nil, 1, 0},
		"passed over by a run":          {[]wish{checkpoint(10, "1"), checkpoint(20, "2")}, asked{"2": {at(21)}}, []span{{at(11), at(12)}}, 1, 1},
		"a run that had begun before":   {[]wish{checkpoint(10, "1"), checkpoint(20, "2")}, asked{"2": {at(21)}}, []span{{at(9), at(12)}}, 1, 0},
		"nonsense":                      {[]wish{checkpoint(10, "")}, nil, nil, 0, 0},
		"superseded by nonsense":        {[]wish{checkpoint(10, "1"), checkpoint(20, "")}, nil, nil, 0, 0},
		"START_FROM alone":              {[]wish{start(10, "1")}, nil, nil, 0, 1},
		"START_FROM beside CHECKPOINT":  {[]wish{start(10, "1"), checkpoint(11, "2")}, asked{"2": {at(12)}}, nil, 1, 0},
		"START_FROM after CHECKPOINT":   {[]wish{checkpoint(10, "2"), start(20, "1")}, asked{"2": {at(12)}}, nil, 1, 1},
		"CHECKPOINT not yet acted on":   {[]wish{checkpoint(10, "2"), start(20, "1")}, asked{"2": {at(12), at(22)}}, nil, 1, 0},
		"START_FROM where RUN was lost": {[]wish{{parameter: runName, at: at(5)}, start(10, "1")}, nil, nil, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := wishes{all: tt.wishes, asked: tt.asked}
			honoured, ignored := w.judge(tt.finished)
			if honoured != tt.honoured || len(ignored) != tt.ignored {
				t.Errorf("%d honoured, ignored %v; want %d and %d", honoured, ignored, tt.honoured, tt.ignored)
			}
		})
	}
}
