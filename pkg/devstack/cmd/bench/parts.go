package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// part is a set of figures that are measured together.
type part struct {
	name    string
	measure func(context.Context, *bench) ([]figure, error)
	// seconds is about how long it takes beside the others, for the estimate of
	// what is left.
	seconds int
}

// parts are all there is to measure, in the order of the table.
var parts = []part{
	{"one", oneFetcher, 55},
	{"rate", rateLimited, 65},
	{"ahead", severalFetchers, 38},
	{"ids", oddTenants, 30},
	{"cpu", cpuTime, 14},
	{"profile", profile, 8},
	{"speed", speeds, 19},
	{"memory", peakMemory, 18},
	{"verify", verifications, 20},
	{"start", starts, 4},
	{"size", sizes, 3},
	{"idle", idleCalls, 2},
}

func names(parts []part) []string {
	list := make([]string, len(parts))
	for i, p := range parts {
		list[i] = p.name
	}
	return list
}

// seconds is about how long parts take.
func seconds(parts []part) int {
	sum := 0
	for _, p := range parts {
		sum += p.seconds
	}
	return sum
}

// choose picks the parts that a list names, separated by commas; all for an
// empty one.
func choose(all []part, list string) ([]part, error) {
	if list == "" {
		return all, nil
	}
	wanted := strings.Split(list, ",")
	for _, name := range wanted {
		if !slices.Contains(names(all), name) {
			return nil, fmt.Errorf("there is no part %q; there are %s", name, strings.Join(names(all), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(p part) bool { return !slices.Contains(wanted, p.name) }), nil
}
