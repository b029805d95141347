package export

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// TestRecordFits: whatever a run had to say, its record is stored by Parameter
// Store and read back as it was.
func TestRecordFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Just(strings.Repeat("{", 3000)), rapid.Just(strings.Repeat("\x00\u2028<\"\\", 900)), rapid.Just(strings.Repeat("é", 2000)))
		now := time.Date(2026, 11, 23, 10, 0, 0, 123456789, time.UTC)
		id := tenantlog.ID(strings.Repeat("9", 128))
		report := Report{
			Outcome: Failed, Started: now, Ended: now, Fetched: 1 << 40, Exported: 1 << 40, Batches: 1 << 40, LagSeconds: 1 << 40, Gap: &Gap{From: now, To: now},
			Error: &Error{Kind: KindRateLimit, Text: text.Draw(t, "text"), Fix: text.Draw(t, "fix")}, Version: Version,
		}
		totals := Totals{Since: now, Runs: 1 << 40, Failed: 1 << 40, Fetched: 1 << 50, Filtered: 1 << 50, Exported: 1 << 50, Batches: 1 << 50, Bytes: 1 << 50, Rescued: 1 << 50, Gaps: 1 << 40}
		want := &RunRecord{
			Claim: Claim{Format: recordFormat, Owner: "0123456789AB", Until: now, Expects: 7}, Position: id, High: id, CaughtUp: now,
			Target: Target{Group: strings.Repeat("g", 512), Stream: "{date}"}, Former: []Target{{Group: strings.Repeat("o", 3000)}, {Stream: "former"}},
			StartFrom: string(id), Checkpoint: WrittenCheckpoint{Value: string(id), Version: 1 << 40}, Last: report.summary(),
			Verified: &Verified{After: id, To: id, Expected: 1 << 40, Missing: 1 << 40, Double: 1 << 40, Ended: now},
			Slack:    Telling{FailingSince: now, Failures: 1 << 40, Told: now, Warned: now, Digest: now, Totals: totals},
		}
		value, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(value, "{{") || len(value) > maxRecord {
			t.Fatalf("%d bytes: %s", len(value), value)
		}
		got, valid, err := DecodeRun(Parameter{Value: value, Version: 7})
		if err != nil || !valid {
			t.Fatalf("valid %v, %v", valid, err)
		}
		want.Former = want.Former[1:]
		want.Last.Error.Text = strings.ToValidUTF8(want.Last.Error.Text, "\uFFFD")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("read back (-want +got):\n%s", diff)
		}
	})
}

func TestRecordCountsOnlyAtItsVersion(t *testing.T) {
	value, err := (&RunRecord{Claim: Claim{Format: recordFormat, Expects: 3}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[int64]bool{2: false, 3: true, 4: false} {
		if _, valid, err := DecodeRun(Parameter{Value: value, Version: version}); valid != want || err != nil {
			t.Errorf("version %d: valid %v (%v), want %v", version, valid, err, want)
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	value, _ := (&RunRecord{Claim: Claim{Format: recordFormat, Expects: 1}, Position: "1"}).Encode()
	f.Add(value)
	f.Add(`{"format":1,"expects":1,"position":"x"}`)
	f.Add(`{"format":2}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, value string) {
		r, valid, err := DecodeRun(Parameter{Value: value, Version: 1})
		if !valid || err != nil {
			return
		}
		if !json.Valid([]byte(value)) {
			t.Errorf("%q was taken", value)
		}
		if r.Position != "" {
			if _, err := tenantlog.ParseID(string(r.Position)); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestCut(t *testing.T) {
	for name, tt := range map[string]struct {
		s    string
		n    int
		want string
	}{
		"fits":            {"abc", 3, "abc"},
		"cut":             {"abcdefgh", 6, "abc..."},
		"braces":          {"{{{{", 15, "{{..."},
		"not in a letter": {"ééé", 5, "é..."},
		"no room":         {"abcdef", 3, "..."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cut(tt.s, tt.n); got != tt.want {
				t.Errorf("cut(%q, %d) = %q, want %q", tt.s, tt.n, got, tt.want)
			}
		})
	}
}
