package export

import (
	"strings"
	"testing"
	"time"
)

// TestTelling plays runs five minutes apart and looks at what Slack is told.
func TestTelling(t *testing.T) {
	tests := map[string]struct {
		settings SlackSettings
		runs     string // f failed, . ok, g gap, l limited
		want     string // F failure, R recovery, A attention, S success, D digest, - nothing
	}{
		"quiet":                            {SlackSettings{DigestHour: -1}, "..l..", "-----"},
		"first failure and recovery":       {SlackSettings{DigestHour: -1}, ".f.", "-FR"},
		"hourly while it lasts":            {SlackSettings{DigestHour: -1}, "ffffffffffffff.", "F-----------F-R"},
		"limited recovers":                 {SlackSettings{DigestHour: -1}, "fl", "FR"},
		"each success":                     {SlackSettings{Success: true, DigestHour: -1}, ".l.", "SSS"},
		"recovery goes before success":     {SlackSettings{Success: true, DigestHour: -1}, "f..", "FRS"},
		"a gap is told, hourly":            {SlackSettings{DigestHour: -1}, "gg...........g", "A------------A"},
		"digest at the hour":               {SlackSettings{DigestHour: 11}, "..............", "------------D-"},
		"digest after a failure in its go": {SlackSettings{DigestHour: 11}, "............ff..", "------------FDR-"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var telling Telling
			now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
			var got strings.Builder
			for _, run := range tt.runs {
				r := &Report{Outcome: OK, Started: now, Ended: now}
				switch run {
				case 'f':
					r.Outcome = Failed
				case 'l':
					r.Outcome = Limited
				case 'g':
					r.Gap = &Gap{}
				}
				got.WriteString(letter(telling.tell(r, tt.settings)))
				now = now.Add(5 * time.Minute)
			}
			if got.String() != tt.want {
				t.Errorf("told %s, want %s", got.String(), tt.want)
			}
		})
	}
}

func letter(n *Notice) string {
	if n == nil {
		return "-"
	}
	return strings.ToUpper(string(n.Kind[:1]))
}

func TestDigestSumsUp(t *testing.T) {
	var telling Telling
	now := time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC)
	settings := SlackSettings{DigestHour: 9}
	var n *Notice
	for range 12 {
		r := &Report{Outcome: OK, Started: now, Ended: now, Fetched: 3, Exported: 2, Filtered: 1, Batches: 1, Bytes: 100}
		if n = telling.tell(r, settings); n != nil {
			break
		}
		now = now.Add(5 * time.Minute)
	}
	if n == nil {
		t.Fatal("no digest came")
	}
	if want := (Totals{Since: now.Add(-30 * time.Minute), Runs: 7, Fetched: 21, Exported: 14, Filtered: 7, Batches: 7, Bytes: 700}); n.Digest != want {
		t.Errorf("digest %+v, want %+v", n.Digest, want)
	}
	telling.untell(n)
	again := telling.tell(&Report{Outcome: OK, Started: now, Ended: now}, settings)
	if again == nil || again.Digest.Runs != 8 {
		t.Errorf("a digest that did not get through: %+v, want it again with one run more", again)
	}
}
