package tenantlog

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParsePoint(t *testing.T) {
	const id = "90020251001053916537654000000000000001223372122475524001"
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name        string
		text        string
		want        Point
		after, from ID
		when        time.Time
	}{
		{"log_id", id, Point{ID: id}, id, "90020251001053916537654000000000000001223372122475524000",
			time.Date(2025, 10, 1, 5, 39, 16, 537_000_000, time.UTC)},
		{"log_id of an old layout", "49574419589858254662358307566469418022270857965582942242",
			Point{ID: "49574419589858254662358307566469418022270857965582942242"},
			"49574419589858254662358307566469418022270857965582942242", "49574419589858254662358307566469418022270857965582942241", time.Time{}},
		{"shortest log_id", strings.Repeat("1", 40), Point{ID: ID(strings.Repeat("1", 40))},
			ID(strings.Repeat("1", 40)), ID(strings.Repeat("1", 39) + "0"), time.Time{}},
		{"time", "2026-11-23T12:00:00Z", Point{Time: noon}, At(noon), At(noon), noon},
		{"time of another zone", "2026-11-23T13:30:00+01:30", Point{Time: noon}, At(noon), At(noon), noon},
		{"time with a fraction", "2026-11-23T12:00:00.25Z", Point{Time: noon.Add(250 * time.Millisecond)}, At(noon), At(noon), noon.Add(250 * time.Millisecond)},
		{"date", "2026-11-23", Point{Time: noon.Add(-12 * time.Hour)}, At(noon.Add(-12 * time.Hour)), At(noon.Add(-12 * time.Hour)), noon.Add(-12 * time.Hour)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParsePoint(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, p); diff != "" {
				t.Errorf("Point (-want +got):\n%s", diff)
			}
			if p.Time.Location() != time.UTC {
				t.Errorf("Time is in zone %s, want UTC", p.Time.Location())
			}
			if p.After() != tt.after || p.From() != tt.from {
				t.Errorf("After %s, From %s, want %s, %s", p.After(), p.From(), tt.after, tt.from)
			}
			if when, ok := p.When(); ok == tt.when.IsZero() || !when.Equal(tt.when) {
				t.Errorf("When %s, %t, want %s", when, ok, tt.when)
			}
		})
	}
}

func TestParsePointErrors(t *testing.T) {
	tests := []struct{ name, text string }{
		{"nothing", ""},
		{"word", "yesterday"},
		{"date without hyphens", "20261123"},
		{"log_id cut short", strings.Repeat("1", 39)},
		{"log_id with a space", "90020251001053916537654000000000000001223372122475524001 "},
		{"time without zone", "2026-11-23T12:00:00"},
		{"time with a space", "2026-11-23 12:00:00Z"},
		{"day that is none", "2026-02-30"},
		{"month that is none", "2026-13-01"},
		{"UNIX time", "1795435200"},
		{"before the year 0 in UTC", "0000-01-01T00:00:00+01:00"},
		{"after the year 9999 in UTC", "9999-12-31T23:59:59-01:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParsePoint(tt.text)
			if err == nil || !strings.Contains(err.Error(), "expected a log_id (56 digits), an RFC 3339 time") {
				t.Errorf("got %+v, error %v", p, err)
			}
			if p != (Point{}) {
				t.Errorf("got %+v beside the error", p)
			}
		})
	}
}

func TestParsePointOfTooManyDigits(t *testing.T) {
	p, err := ParsePoint(strings.Repeat("1", 129))
	if err == nil || !strings.Contains(err.Error(), "expected 1 to 128 decimal digits") || p != (Point{}) {
		t.Errorf("got %+v, error %v", p, err)
	}
}

func FuzzParsePoint(f *testing.F) {
	for _, s := range []string{"90020251001053916537654000000000000001223372122475524001", "2026-11-23T10:00:00Z", "2026-11-23",
		"2026-11-23T10:00:00.123456789+23:59", "oldest", "", "0000-01-01", "9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePoint(s)
		if err != nil {
			if len(err.Error()) > 600 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		after, from := p.After(), p.From()
		if !digitsOnly(string(after)) || !digitsOnly(string(from)) || len(after) != len(from) || from > after {
			t.Fatalf("%q: After %q, From %q", s, after, from)
		}
		if p.ID != "" {
			return
		}
		if got, ok := after.Time(); len(after) != idDigits || !ok || !got.Equal(p.Time.Truncate(time.Second)) {
			t.Errorf("%q: After is %q of %s, want the id of %s", s, after, got, p.Time)
		}
	})
}
