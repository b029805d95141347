package verify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// TestFindings: whatever is found, its counts by time and by type add up, they
// stay few, a record holds them, and who goes on from the record counts on.
func TestFindings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		began := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		rec := &Record{}
		rec.Claim = export.Claim{Format: 1, Expects: 1}
		if rapid.Bool().Draw(t, "failed") {
			rec.Error = &export.Error{Kind: export.KindPermission, Text: strings.Repeat("e", 500), Fix: strings.Repeat("f", 300)}
		}
		rec.Target = export.Target{Group: strings.Repeat("g", rapid.IntRange(1, 512).Draw(t, "group")), Stream: strings.Repeat("s", 496)}
		f := findingsOf(&rec.Verification)
		missing, double := 0, 0
		hours := rapid.SampledFrom([]int{3, 60, 24 * 31}).Draw(t, "hours")
		types := rapid.SampledFrom([]int{2, 45, 300}).Draw(t, "types")
		for n := range rapid.IntRange(0, 600).Draw(t, "found") {
			at := began.Add(time.Duration(rapid.IntRange(0, hours-1).Draw(t, "hour")) * time.Hour)
			e := export.Rendered{ID: tenantlog.At(at)[:50] + tenantlog.ID(fmt.Sprintf("%06d", n)), Time: at}
			typ := fmt.Sprintf("t%d", rapid.IntRange(0, types-1).Draw(t, "type"))
			if rapid.Bool().Draw(t, "is missing") {
				f.missing(e, typ)
				missing++
			} else {
				f.double(e, typ)
				double++
			}
			if rapid.IntRange(0, 40).Draw(t, "a new run") > 0 {
				continue
			}
			f.write()
			if f = findingsOf(&read(t, rec).Verification); f.v.Missing != missing {
				t.Fatalf("%d missing are read back, want %d", f.v.Missing, missing)
			}
			rec.Verification = *f.v
			f.v = &rec.Verification
		}
		f.write()
		for name, tallies := range map[string][]export.Tally{"times": rec.Times, "types": rec.Types} {
			m, d := 0, 0
			for _, one := range tallies {
				m, d = m+one.Missing, d+one.Double
			}
			if m != missing || d != double || len(tallies) > maxFoundTypes+1 {
				t.Fatalf("%d %s with %d missing and %d double, want %d and %d", len(tallies), name, m, d, missing, double)
			}
		}
		if rec.Missing != missing || rec.Double != double || len(rec.FirstMissing) > maxNamed || missing > 0 && len(read(t, rec).FirstMissing) == 0 {
			t.Fatalf("found %+v", rec.Verification)
		}
	})
}

// read is the record as the next run reads it.
func read(t *rapid.T, rec *Record) *Record {
	value, err := rec.Encode()
	if err != nil || len(value) > 4096 || strings.Contains(value, "{{") {
		t.Fatalf("%v: %d bytes", err, len(value))
	}
	register := export.Register[*Record]{Name: ParameterName, New: func() *Record { return &Record{} }}
	found, err := register.Read(t.Context(), export.Parameter{Value: value, Version: 1})
	if err != nil || !found {
		t.Fatalf("not read back: %v, %v", err, register.Warnings)
	}
	return register.Record
}
