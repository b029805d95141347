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
}

// parts are all there is to measure, in the order of the table.
var parts = []part{
	{"one", oneFetcher},
	{"rate", rateLimited},
	{"ahead", severalFetchers},
	{"ids", oddTenants},
	{"cpu", cpuTime},
	{"profile", profile},
	{"speed", speeds},
	{"memory", peakMemory},
	{"start", starts},
	{"size", sizes},
	{"idle", idleCalls},
}

func names(parts []part) []string {
	list := make([]string, len(parts))
	for i, p := range parts {
		list[i] = p.name
	}
	return list
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
