package verify

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
)

const (
	// maxFoundTimes and maxFoundTypes are how many hours or days, and how many types, are
	// told apart. A month has 31 days.
	maxFoundTimes = 40
	maxFoundTypes = 40
	// maxNamed is how many events a result names of each kind.
	maxNamed = 100
	// others is the name that types beyond the first are counted under.
	others = "others"
	// maxTypeName is the longest part of a type code that is shown.
	maxTypeName = 64

	hourLayout = "2006-01-02T15"
	dayLayout  = time.DateOnly
)

// findings counts the missing and the double events of a verification by time and
// by type, in a bounded space.
type findings struct {
	v            *export.Verification
	times, types map[string]export.Tally
	// layout is hourLayout, or dayLayout once there were too many hours.
	layout string
}

// findingsOf goes on from what the verification has counted.
func findingsOf(v *export.Verification) findings {
	f := findings{v: v, times: byName(v.Times), types: byName(v.Types), layout: hourLayout}
	for name := range f.times {
		if len(name) == len(dayLayout) {
			f.layout = dayLayout
		}
	}
	return f
}

func byName(tallies []export.Tally) map[string]export.Tally {
	m := make(map[string]export.Tally, len(tallies))
	for _, t := range tallies {
		m[t.Name] = t
	}
	return m
}

func (f *findings) missing(e export.Rendered, typ string) {
	f.v.Missing++
	f.v.LastMissing = e.ID
	if len(f.v.FirstMissing) < maxNamed {
		f.v.FirstMissing = append(f.v.FirstMissing, e.ID)
	}
	f.count(e.Time, typ, export.Tally{Missing: 1})
}

func (f *findings) double(e export.Rendered, typ string) {
	f.v.Double++
	if len(f.v.FirstDouble) < maxNamed {
		f.v.FirstDouble = append(f.v.FirstDouble, e.ID)
	}
	f.count(e.Time, typ, export.Tally{Double: 1})
}

func (f *findings) count(at time.Time, typ string, one export.Tally) {
	at = at.UTC()
	typ = strings.ToValidUTF8(typ[:min(len(typ), maxTypeName)], "")
	add(f.times, at.Format(f.layout), one)
	if f.layout == hourLayout && len(f.times) > maxFoundTimes {
		f.mergeHours()
	}
	if _, known := f.types[typ]; !known && len(f.types) >= maxFoundTypes {
		typ = others
	}
	add(f.types, typ, one)
}

// mergeHours counts by the day from now on.
func (f *findings) mergeHours() {
	f.layout = dayLayout
	days := make(map[string]export.Tally)
	for name, n := range f.times {
		add(days, name[:min(len(dayLayout), len(name))], n)
	}
	f.times = days
}

func add(to map[string]export.Tally, name string, n export.Tally) {
	sum := to[name]
	sum.Name, sum.Missing, sum.Double = name, sum.Missing+n.Missing, sum.Double+n.Double
	to[name] = sum
}

// write puts the counts into the verification: the times in their order, the
// types with the most first.
func (f *findings) write() {
	f.v.Times = sorted(f.times, func(a, b export.Tally) int { return cmp.Compare(a.Name, b.Name) })
	f.v.Types = sorted(f.types, func(a, b export.Tally) int {
		return cmp.Or(cmp.Compare(b.Missing+b.Double, a.Missing+a.Double), cmp.Compare(a.Name, b.Name))
	})
}

func sorted(tallies map[string]export.Tally, order func(a, b export.Tally) int) []export.Tally {
	all := make([]export.Tally, 0, len(tallies))
	for _, t := range tallies {
		all = append(all, t)
	}
	slices.SortFunc(all, order)
	return all
}

// fewer counts the last under "others", with the one before it if there are none
// yet: for a record that has no room for all.
func fewer(all []export.Tally) []export.Tally {
	last, rest := all[len(all)-1], slices.Clone(all[:len(all)-1])
	i := slices.IndexFunc(rest, func(t export.Tally) bool { return t.Name == others })
	if i < 0 {
		i = len(rest) - 1
		rest[i].Name = others
	}
	rest[i].Missing += last.Missing
	rest[i].Double += last.Double
	return rest
}
