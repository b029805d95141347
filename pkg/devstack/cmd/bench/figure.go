package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// figure is one thing measured.
type figure struct {
	Part  string  `json:"part"`
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
	// Target is what the value is held to, nil for a figure that only informs.
	Target *target `json:"target,omitempty"`
	// Met says whether it is met, nil without a target.
	Met *bool `json:"met,omitempty"`
}

// target is a bound of a figure.
type target struct {
	Sense sense   `json:"sense"`
	Value float64 `json:"value"`
}

// sense is on which side of a target's value a figure has to be.
type sense string

const (
	atMost  sense = "at most"
	atLeast sense = "at least"
	under   sense = "under"
)

// info is a figure without a target.
func info(name string, value float64, unit string) figure {
	return figure{Name: name, Value: value, Unit: unit}
}

// ratio is a figure without a unit or, so far, a target.
func ratio(name string, value float64) figure { return info(name, value, "") }

// is gives a figure its target.
func (f figure) is(s sense, value float64) figure {
	f.Target = &target{s, value}
	f.Met = new(f.Target.met(f.Value))
	return f
}

func (t target) met(v float64) bool {
	switch t.Sense {
	case atMost:
		return v <= t.Value
	case atLeast:
		return v >= t.Value
	case under:
		return v < t.Value
	}
	return false
}

func (t target) String() string { return fmt.Sprintf("%s %s", t.Sense, number(t.Value)) }

// missed reports whether a figure has a target that is not met.
func (f figure) missed() bool { return f.Met != nil && !*f.Met }

// judgement is the last column of the table.
func (f figure) judgement() string {
	switch {
	case f.Met == nil:
		return ""
	case *f.Met:
		return "met"
	}
	return "MISSED"
}

// number writes a value with its first digits that tell, without zeros at the end.
func number(v float64) string {
	decimals := 3
	for limit := 10.0; decimals > 0 && math.Abs(v) >= limit; limit *= 10 {
		decimals--
	}
	for limit := 0.1; v != 0 && decimals < 9 && math.Abs(v) < limit; limit /= 10 {
		decimals++
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return thousands(text)
}

// thousands parts the digits before the point in threes.
func thousands(s string) string {
	whole, rest, _ := strings.Cut(s, ".")
	for at := len(whole) - 3; at > 0 && whole[at-1] != '-'; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return whole + rest
}

// median is the middle of values, or the mean of the two in the middle; NaN of
// none.
func median[T ~int64 | ~float64](values []T) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	return (float64(sorted[(n-1)/2]) + float64(sorted[n/2])) / 2
}
