package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// group is a kind of work, known by the functions that do it.
type group struct {
	name     string
	prefixes []string
}

// groups are what the samples of a profile are told apart by. A sample belongs
// to the innermost of its functions that is in a group: what a hash costs is
// TLS under crypto/tls, and the SDK's where it signs a request.
var groups = []group{
	{"garbage collection", []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcStart"}},
	{"system calls of the network", []string{"internal/poll.", "internal/runtime/syscall.", "syscall."}},
	{"TLS", []string{"crypto/tls.", "crypto/x509."}},
	{"gzip", []string{"compress/"}},
	{"JSON and other work of our own", []string{"encoding/json.", module + "/", "main."}},
	{"SDK, signatures included", []string{"github.com/aws/"}},
	{"HTTP", []string{"net/http."}},
}

// restName is the group of all other samples: the scheduler, mostly.
const restName = "Go runtime, the rest"

// groupOf finds a sample's group. Its functions begin with the innermost.
func groupOf(functions []string) string {
	for _, f := range functions {
		for _, g := range groups {
			for _, prefix := range g.prefixes {
				if strings.HasPrefix(f, prefix) {
					return g.name
				}
			}
		}
	}
	return restName
}

// shareByGroup adds up the samples that "go tool pprof -traces -unit=ms"
// prints, by group: for each the part of all, 0 to 1.
func shareByGroup(traces string) (map[string]float64, error) {
	_, samples, found := strings.Cut(traces, "-----------+")
	if !found {
		return nil, errors.New("read profile: it has no samples")
	}
	sums := make(map[string]time.Duration)
	var total time.Duration
	for sample := range strings.SplitSeq(samples, "-----------+") {
		cost, functions, err := parseSample(sample)
		if err != nil {
			return nil, err
		}
		sums[groupOf(functions)] += cost
		total += cost
	}
	shares := make(map[string]float64)
	for name, cost := range sums {
		shares[name] = float64(cost) / float64(total)
	}
	return shares, nil
}

// parseSample reads one sample: a line of dashes, then the functions from the
// innermost out, the first one after the time that was spent.
func parseSample(text string) (cost time.Duration, functions []string, err error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "---") {
			continue
		}
		if len(functions) == 0 {
			if len(fields) < 2 {
				return 0, nil, fmt.Errorf("read profile: a sample begins with %q", line)
			}
			if cost, err = time.ParseDuration(fields[0]); err != nil {
				return 0, nil, fmt.Errorf("read profile: %w", err)
			}
			fields = fields[1:]
		}
		functions = append(functions, strings.Join(fields, " "))
	}
	return cost, functions, nil
}
