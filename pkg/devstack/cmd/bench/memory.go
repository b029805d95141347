package main

import (
	"context"
	"fmt"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
)

const (
	smallBacklog, largeBacklog = 30_000, 300_000
	largeDocBytes              = 5 << 10
	maxPeakMB                  = 64
	maxGrowth                  = 1.1
)

// peakMemory holds the memory of backlogs against each other: it must not grow
// with what there is to export, nor much with the size of an event.
func peakMemory(ctx context.Context, b *bench) ([]figure, error) {
	// The peak of a long run is that of many short ones.
	small, err := b.peaks(ctx, 3, smallBacklog, docBytes)
	if err != nil {
		return nil, err
	}
	large, err := b.peaks(ctx, 1, largeBacklog, docBytes)
	if err != nil {
		return nil, err
	}
	heavy, err := b.peaks(ctx, 1, smallBacklog, largeDocBytes)
	if err != nil {
		return nil, err
	}
	of := func(n, size int, peak float64) figure {
		return info(fmt.Sprintf("peak with %s events of %d KB", number(float64(n)), size>>10), peak, "MB").is(atMost, maxPeakMB)
	}
	return []figure{
		of(smallBacklog, docBytes, small),
		of(largeBacklog, docBytes, large),
		of(smallBacklog, largeDocBytes, heavy),
		ratio("peak with ten times the events / with a tenth", large/small).is(atMost, maxGrowth),
	}, nil
}

// peaks is the greatest of a few peaks.
func (b *bench) peaks(ctx context.Context, times, n, size int) (float64, error) {
	most := 0.0
	for range times {
		peak, err := b.peak(ctx, n, size)
		if err != nil {
			return 0, err
		}
		b.say("%d events of %d bytes: %.1f MB", n, size, peak)
		most = max(most, peak)
	}
	return most, nil
}

// peak is the most resident memory that a run over n events of a size needs,
// in MB.
func (b *bench) peak(ctx context.Context, n, size int) (float64, error) {
	bootstrap, err := b.exporter()
	if err != nil {
		return 0, err
	}
	s, err := b.stage(scene{tenant: auth0.Options{DocBytes: size}})
	if err != nil {
		return 0, err
	}
	defer s.close()
	s.week(n)
	r, err := s.run(ctx, bootstrap)
	return float64(r.Usage.PeakRSS) / (1 << 20), err
}
