package verify

import (
	"math"
	"slices"

	"auth0-logs-to-cloudwatch/pkg/filter"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// amount is events and their bytes, estimated ones too.
type amount struct{ events, bytes float64 }

func (a amount) plus(b amount, weight float64) amount {
	return amount{a.events + weight*b.events, a.bytes + weight*b.bytes}
}

// tally is the amounts by type code.
type tally map[string]amount

func (t tally) add(code string, a amount, weight float64) { t[code] = t[code].plus(a, weight) }

// total is all that the filter keeps; nil keeps everything.
func (t tally) total(f *filter.Filter) (sum amount) {
	for code, a := range t {
		if keeps(f, code) {
			sum = sum.plus(a, 1)
		}
	}
	return sum
}

func keeps(f *filter.Filter, code string) bool {
	return f == nil || f.Keep(tenantlog.Event{Type: code})
}

// byType is what was counted and the mean of what was estimated.
func (c *count) byType() tally {
	t := make(tally, len(c.exact))
	for code, a := range c.exact {
		t.add(code, a, 1)
	}
	for _, round := range c.rounds {
		for code, a := range round {
			t.add(code, a, 1/float64(len(c.rounds)))
		}
	}
	return t
}

// total is the total of what a filter keeps, with what it costs a month, factor
// times the range, and how sure it is.
func (c *count) total(f *filter.Filter, factor float64) PreviewTotal {
	counted := c.exact.total(f)
	events, bytes := make([]float64, len(c.rounds)), make([]float64, len(c.rounds))
	for i, round := range c.rounds {
		a := round.total(f)
		events[i], bytes[i] = a.events, a.bytes
	}
	e, b := estimate(counted.events, events), estimate(counted.bytes, bytes)
	t := PreviewTotal{
		Events: int64(math.Round(e.mean)), Bytes: int64(math.Round(b.mean)),
		PreviewCost: costOf(b.mean * factor),
	}
	if len(c.rounds) > 0 {
		t.EventsBetween, t.BytesBetween = e.between(), b.between()
	}
	return t
}

func (e estimated) between() *[2]int64 {
	return &[2]int64{int64(math.Floor(e.low)), int64(math.Ceil(e.high))}
}

// estimated is a value with its 95 % interval.
type estimated struct{ mean, low, high float64 }

// estimate is what is known and the mean of the rounds. How far these lie apart
// gives the interval. It is taken of their logarithm: a round that happens to
// meet a burst is further above the mean than the others are below.
func estimate(known float64, rounds []float64) estimated {
	if len(rounds) == 0 {
		return estimated{known, known, known}
	}
	n := float64(len(rounds))
	var mean, squares float64
	for _, x := range rounds {
		mean += x / n
	}
	for _, x := range rounds {
		squares += (x - mean) * (x - mean)
	}
	deviation := math.Sqrt(squares / (n - 1) / n)
	factor := math.Exp(quantile(len(rounds)-1) * deviation / max(mean, 1))
	return estimated{known + mean, known + mean/factor, known + mean*factor}
}

// quantiles are those of Student's distribution for 97.5 %, for 1, 2, ...
// degrees of freedom.
var quantiles = [planRounds - 1]float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201}

func quantile(freedom int) float64 { return quantiles[freedom-1] }

// codes are the type codes in the order of their bytes, the most first.
func (t tally) codes() []string {
	codes := make([]string, 0, len(t))
	for code := range t {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(a, b string) int { return t.order(a, b) })
	return codes
}
