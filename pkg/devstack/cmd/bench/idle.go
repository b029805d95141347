package main

import (
	"context"
	"maps"
	"strings"
)

// idleCalls counts the calls of runs that find nothing new: a warm one, and
// one from a cold start.
func idleCalls(ctx context.Context, b *bench) ([]figure, error) {
	bootstrap, err := b.exporter()
	if err != nil {
		return nil, err
	}
	s, err := b.stage(scene{})
	if err != nil {
		return nil, err
	}
	defer s.close()
	f, err := s.function(bootstrap, nil)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s.week(warmUp)
	if _, err := invoke(ctx, f, warmUp); err != nil {
		return nil, err
	}
	var figures []figure
	for _, start := range []string{"warm", "cold"} {
		if start == "cold" {
			f.Cool()
		}
		before := s.stack.Faults.Counts()
		if _, err := invoke(ctx, f, 0); err != nil {
			return figures, err
		}
		calls := difference(s.stack.Faults.Counts(), before)
		b.say("%s: %v", start, calls)
		figures = append(figures, judgeIdle(start, calls, len(s.stack.SSM.List(s.tenant.Parameter(""))))...)
	}
	return figures, nil
}

// difference is how many calls of each operation were made between two counts.
func difference(after, before map[string]int) map[string]int {
	d := maps.Clone(after)
	for op, n := range before {
		if d[op] -= n; d[op] == 0 {
			delete(d, op)
		}
	}
	return d
}

// judgeIdle holds the calls of an idle run against what it needs, with so many
// parameters in the tenant's folder.
func judgeIdle(start string, calls map[string]int, parameters int) []figure {
	tokens := 0
	if start == "cold" {
		tokens = 1
	}
	var reads, cloudwatch int
	for op, n := range calls {
		switch {
		case strings.HasPrefix(op, "GetParameter"):
			reads += n
		case strings.HasSuffix(op, "LogEvents"), strings.Contains(op, "LogStream"), strings.Contains(op, "LogGroup"):
			cloudwatch += n
		}
	}
	of := func(what string, n, most int) figure {
		return ratio(start+": "+what, float64(n)).is(atMost, float64(most))
	}
	return []figure{
		of("tokens", calls["token"], tokens),
		of("pages", calls["logs"]+calls["search"], 1),
		of("reads of Parameter Store", reads, (parameters+9)/10),
		of("writes to Parameter Store", calls["PutParameter"], 1),
		of("calls of CloudWatch Logs", cloudwatch, 0),
	}
}
