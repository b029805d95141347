package verify

import (
	"context"
	"errors"
	"math"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// How a rest that is too large to be read is estimated.
//
// A round cuts it in equal blocks of time, cuts each block in n cells, reads
// one of these from end to end, and counts each of its events for n. Which one
// is left to chance, each being as likely as any other; so whatever the log
// looks like, and however n was chosen beforehand, the expected value is what
// the block holds. (A page that begins at a moment chosen by chance would not
// do: moments between bursts are more likely to be met than moments in them.)
//
// A cell that turns out to be much fuller than expected is not read to its end.
// What is left of it is estimated in the same way, in smaller blocks and for
// the cell's weight: what was read has no influence on what is drawn next, so
// the expected value stays the same.
//
// Rounds are independent but for the place of the cells, which is spread evenly
// over the blocks from round to round. Their mean is the estimate, and how they
// differ tells how sure it is.
const (
	// headShare is what share of the pages and of the time may go into the
	// beginning before anything is estimated.
	headShare = 0.1
	// exactShare is what share of those that are left may go into counting event
	// by event where it was estimated that all of the rest can be counted so, and
	// fitShare what share of these may be needed for it.
	exactShare = 0.7
	fitShare   = 0.8
	// paceRounds are the first rounds, which only find out how many events to
	// expect, and paceBlocks their blocks.
	paceRounds = 2
	paceBlocks = 16
	// planRounds is how many rounds there are to be, leastRounds how many it
	// takes to say how sure they are.
	planRounds  = 12
	leastRounds = 3
	// planShare is what share of what can still be read is planned for: what a
	// round takes differs.
	planShare = 0.8
	// cellEvents is how many events a cell is to have: not many more than a page.
	cellEvents = 80
	// cellPages is how many pages of a cell are read before it counts as full,
	// restBlocks in how many blocks the rest of it is estimated.
	cellPages  = 3
	restBlocks = 3
	// pageEvents is how many events a page has.
	pageEvents = 100
)

// golden spreads the numbers frac(u + n*golden) evenly, for n = 0, 1, 2, ...
const golden = math.Phi - 1

// sampler estimates the rest of a count.
type sampler struct {
	c      *count
	region stretch
	rate   float64 // events a second to expect
	cost   float64 // pages that a block takes
	events float64 // that the region is to have, roughly
	starts []float64
}

// newSampler expects as many events a second as the walk has met last, or on
// average: too many cost accuracy, too few cost pages.
func newSampler(c *count) *sampler {
	seconds := max(c.rest.from.Sub(c.p.From).Seconds(), 1)
	return &sampler{c: c, region: c.rest, rate: max(c.rate, c.exact.total(nil).events/seconds)}
}

// findPace finds by first rounds how many events to expect. What the walk has met
// is a poor guide: it may have been night. So a first round may
// go far wrong, and only the last one tells what a round takes.
func (s *sampler) findPace(ctx context.Context) error {
	blocks := min(paceBlocks, s.region.seconds())
	for range paceRounds {
		t, before, read := make(tally), s.c.log.pages, s.c.log.read
		if err := s.round(ctx, t, blocks, 0); err != nil {
			return err
		}
		s.c.log.read = read // those of these rounds are only looked at
		s.events = t.total(nil).events
		s.rate = s.events / float64(s.region.seconds())
		s.cost = float64(s.c.log.pages-before) / float64(blocks)
	}
	return nil
}

// fits reports whether the region can be expected to be read as a whole.
func (s *sampler) fits() bool {
	return s.events/pageEvents < fitShare*exactShare*float64(s.c.log.left())
}

// sample makes the rounds.
func (s *sampler) sample(ctx context.Context) error {
	pages := planShare * float64(s.c.log.left())
	blocks := min(max(1, int(pages/planRounds/max(s.cost, 1))), s.region.seconds())
	for n := range planRounds {
		t := make(tally)
		if err := s.round(ctx, t, blocks, n); err != nil {
			if errors.Is(err, errPages) && len(s.c.rounds) >= leastRounds {
				return nil
			}
			return err
		}
		s.c.rounds = append(s.c.rounds, t)
	}
	return nil
}

// round estimates the region; n is the round's number among those with the same
// blocks.
func (s *sampler) round(ctx context.Context, t tally, blocks, n int) error {
	if n == 0 {
		s.starts = make([]float64, blocks)
		for i := range s.starts {
			s.starts[i] = s.c.p.Rand.Float64()
		}
	}
	draw := func(block int) float64 {
		_, place := math.Modf(s.starts[block] + float64(n)*golden)
		return place
	}
	return s.estimate(ctx, t, layer{s.region, blocks, 1, s.rate, draw})
}

// layer is a stretch that is estimated in blocks.
type layer struct {
	stretch
	blocks int
	// weight is for how many events one of the stretch counts.
	weight float64
	rate   float64           // events a second to expect
	draw   func(int) float64 // 0 to 1, for each block
}

func (s *sampler) estimate(ctx context.Context, t tally, l layer) error {
	blocks := min(l.blocks, l.seconds())
	for i := range blocks {
		block := l.part(i, blocks)
		n := int(math.Round(l.rate * float64(block.seconds()) / cellEvents))
		n = min(max(1, n), block.seconds())
		cell := block.part(min(n-1, int(l.draw(i)*float64(n))), n)
		if err := s.readCell(ctx, t, cell, l.weight*float64(n)); err != nil {
			return err
		}
	}
	return nil
}

// readCell counts a cell, and estimates what is left of one that is full. A
// second is not divided any further.
func (s *sampler) readCell(ctx context.Context, t tally, cell stretch, weight float64) error {
	for pages := 1; ; pages++ {
		events, err := s.c.log.page(ctx, cell.after)
		if err != nil {
			return err
		}
		inside, ended := cell.cut(events)
		s.c.log.count(t, inside, weight)
		if ended {
			return nil
		}
		cell = cell.behind(inside[len(inside)-1])
		if pages >= cellPages && cell.seconds() > 1 {
			return s.estimate(ctx, t, layer{cell, restBlocks, weight, rate(inside), func(int) float64 { return s.c.p.Rand.Float64() }})
		}
	}
}

// rate is how many events a second there are on a page, one that is not empty.
func rate(events []tenantlog.Event) float64 {
	first, _ := events[0].ID.Time()
	last, _ := events[len(events)-1].ID.Time()
	return float64(len(events)) / max(last.Sub(first), time.Millisecond).Seconds()
}
