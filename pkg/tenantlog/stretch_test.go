package tenantlog

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var stretchNow = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

const (
	anID     = "90020261122100000123456000000000000001223372036854775808"
	laterID  = "90020261122110000123456000000000000001223372036854775809"
	beforeID = "90020261122100000123456000000000000001223372036854775807"
)

func TestParseStretch(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     Stretch
		err      string
	}{
		{from: anID, to: laterID, want: Stretch{After: beforeID, To: laterID}},
		{from: anID, to: anID, want: Stretch{After: beforeID, To: anID}},
		{from: "2026-11-20", to: "2026-11-21T12:00:00Z", want: Stretch{
			After: At(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)), To: At(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))}},
		{from: "-26h", to: "-90m", want: Stretch{After: At(stretchNow.Add(-26 * time.Hour)), To: At(stretchNow.Add(-90 * time.Minute))}},
		{from: "-7d", to: "-0m", want: Stretch{After: At(stretchNow.Add(-168 * time.Hour)), To: At(stretchNow)}},
		{from: string(At(stretchNow.Add(-time.Hour))), to: string(At(stretchNow)), want: Stretch{After: At(stretchNow.Add(-time.Hour)), To: At(stretchNow)}},
		{from: "", to: anID, err: "from is missing"},
		{from: anID, to: "", err: "to is missing"},
		{from: "yesterday", to: anID, err: `from is "yesterday"`},
		{from: anID, to: "-5", err: `to is "-5"`},
		{from: "--5h", to: anID, err: `from is "--5h"`},
		{from: "-99999999999h", to: anID, err: `from is "-99999999999h"`},
		{from: "2026-11-21", to: "2026-11-20", err: "not before"},
		{from: "2026-11-21", to: "2026-11-21", err: "not before"},
	} {
		got, err := ParseStretch(c.from, c.to, stretchNow)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s to %s: error %v, want one with %q", c.from, c.to, err, c.err)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s to %s: %v (-want +got):\n%s", c.from, c.to, err, diff)
		}
	}
}

func TestCheckRetention(t *testing.T) {
	day := 24 * time.Hour
	stretch := func(from, to time.Duration) Stretch {
		return Stretch{After: At(stretchNow.Add(-from)), To: At(stretchNow.Add(-to))}
	}
	for _, c := range []struct {
		stretch   Stretch
		retention time.Duration
		kept      time.Time
		refused   bool
	}{
		{stretch(5*day, day), 10 * day, time.Time{}, false},
		{stretch(12*day, day), 10 * day, stretchNow.Add(-10 * day), false},
		{stretch(12*day, 10*day), 10 * day, time.Time{}, true},
		{stretch(40*day, 31*day), 0, time.Time{}, true},
		{stretch(29*day, 20*day), 0, time.Time{}, false},
		{Stretch{After: "49574419589858254662358307566469418022270857965582942242", To: anID}, day, time.Time{}, false},
	} {
		kept, err := c.stretch.CheckRetention(c.retention, stretchNow)
		if !kept.Equal(c.kept) || (err != nil) != c.refused {
			t.Errorf("%v with %v: kept from %v, %v", c.stretch, c.retention, kept, err)
		}
	}
}

// TestStretchIsAscending: whatever is written, a stretch that is taken can be
// walked.
func TestStretchIsAscending(t *testing.T) {
	end := rapid.OneOf(rapid.SampledFrom([]string{anID, laterID, "2026-11-20", "-26h", "-7d", "-0m", "2026-11-22T10:00:00+14:00"}),
		rapid.StringMatching(`-?[0-9]{1,6}[dhm]?`), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		s, err := ParseStretch(end.Draw(t, "from"), end.Draw(t, "to"), stretchNow)
		if err == nil && s.After >= s.To {
			t.Errorf("%v is no stretch", s)
		}
	})
}
