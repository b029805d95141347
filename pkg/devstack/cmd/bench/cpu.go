package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
)

// warmUp is how many events a process exports before it is measured: its start
// and its connections are no part of the cost of an event.
const warmUp = 1_000

// cpuTime measures the CPU time of an event, user and system, where no service
// makes the process wait.
func cpuTime(ctx context.Context, b *bench) ([]figure, error) {
	const rounds = 3
	exporter, err := b.exporter()
	if err != nil {
		return nil, err
	}
	plainly, err := b.baseline()
	if err != nil {
		return nil, err
	}
	packed, err := b.build("gzip", buildPacked)
	if err != nil {
		return nil, err
	}
	var costs [3][]float64
	var toBase, toGzip []float64
	for range rounds {
		var round [3]float64
		for i, bootstrap := range []string{exporter, plainly, packed} {
			if round[i], err = b.cost(ctx, bootstrap); err != nil {
				return nil, err
			}
			costs[i] = append(costs[i], round[i])
		}
		b.say("ours %.1f ms, baseline %.1f ms, ours with gzip %.1f ms", round[0], round[1], round[2])
		toBase, toGzip = append(toBase, round[0]/round[1]), append(toGzip, round[2]/round[0])
	}
	const unit = "ms"
	return []figure{
		info("CPU per 1,000 events", median(costs[0]), unit),
		info("CPU per 1,000 events, baseline", median(costs[1]), unit),
		ratio("CPU / of the baseline", median(toBase)).is(atMost, 0.45),
		info("CPU per 1,000 events, were pages asked for in gzip", median(costs[2]), unit),
		ratio("CPU with gzip / without", median(toGzip)),
	}, nil
}

// buildPacked builds the export so that it asks for pages in gzip.
func buildPacked(dir string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	const plain = "DisableCompression: true"
	name := filepath.Join("pkg", "auth0", "client.go")
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return "", err
	}
	if !bytes.Contains(text, []byte(plain)) {
		return "", fmt.Errorf("%s does not say %q", name, plain)
	}
	return buildChanged(dir, name, bytes.Replace(text, []byte(plain), []byte("DisableCompression: false"), 1))
}

// cost is the CPU time of a bootstrap per 1,000 events, in milliseconds.
func (b *bench) cost(ctx context.Context, bootstrap string) (float64, error) {
	s, err := b.stage(scene{})
	if err != nil {
		return 0, err
	}
	defer s.close()
	w, err := s.warmRun(ctx, bootstrap, backlog, nil)
	return float64(w.cpu) / float64(time.Millisecond) / (backlog / 1000), err
}

// warmRun is a run of a process that has run before.
type warmRun struct {
	took time.Duration
	cpu  time.Duration
}

// warmRun has a new process export a few events, and measures how it then
// exports n more.
func (s *stage) warmRun(ctx context.Context, bootstrap string, n int, change func(*lambda.Options)) (w warmRun, err error) {
	f, err := s.function(bootstrap, change)
	if err != nil {
		return w, err
	}
	defer f.Close()
	s.happened(warmUp, 8*day, 7*day)
	first, err := invoke(ctx, f, warmUp)
	if err != nil {
		return w, err
	}
	s.week(n)
	second, err := invoke(ctx, f, n)
	return warmRun{second.Duration, second.Usage.CPU - first.Usage.CPU}, err
}
