package auth0

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// refills is what is learned of a bucket's refills: when they come, and how
// much one brings, which no header tells. The zero value knows nothing.
type refills struct {
	recent   []gain  // the last ones seen, at most maxGains
	shortest int64   // the shortest of them ever, in seconds; 0 before the first
	sure     float64 // tokens a second that refill the bucket, as far as seen
	likely   float64 // the same, as far as it is likely
	// One of the two is set once a refill was seen to fill the bucket up from
	// its half or below, or not to fill it up.
	whole, part bool
}

// gain is what was seen of the refills between two resets that were told, one
// after the other.
type gain struct {
	reset   int64 // the later of them, UNIX seconds
	seconds int64 // from the one to the other
	tokens  int   // that were refilled
	draws   int   // of ours since then, as far as answered
	left    int   // the least that an answer told since then
	ahead   int64 // the longest time, in seconds, that an answer told until the reset
}

// maxGains is how many refills are kept.
const maxGains = 10

// learn takes in an answer with refills, or none, between it and the one told
// before. So many other draws of ours are not answered yet.
func (r *refills) learn(told, latest answer, drew bool, inFlight int) {
	switch seconds := latest.reset - told.reset; {
	case seconds < 0: // one of the two told nonsense
		r.recent, r.shortest = nil, 0
	case seconds > 0:
		r.recent = append(r.recent, gain{reset: latest.reset, seconds: seconds, left: latest.remaining})
		r.recent = r.recent[max(0, len(r.recent)-maxGains):]
		if r.shortest == 0 || seconds < r.shortest {
			r.shortest, r.whole = seconds, false
		}
	}
	r.add(latest, latest.remaining-told.remaining, drew)
	if i := len(r.recent) - 1; i >= 0 {
		r.compare(r.recent[i], latest.limit, inFlight)
	}
}

// learnLate takes in an answer that arrived after a newer one: its draw was
// missing when that was counted.
func (r *refills) learnLate(late answer, drew bool) { r.add(late, 0, drew) }

// add adds to the gain that an answer belongs to, its own draw too where it had
// one. What is seen of refills is the least that they can be, so the greatest
// value counts: other applications draw too, a full bucket is not refilled, and
// of what is left only whole tokens are told. For what is sure to come that is
// one token less than was seen, for the pace three quarters of one.
func (r *refills) add(a answer, tokens int, drew bool) {
	var draws int
	if drew {
		draws = 1
	}
	var seen gain
	for i := range slices.Backward(r.recent) {
		one := &r.recent[i]
		if one.reset == a.reset {
			one.tokens += tokens + draws
			one.draws += draws
			one.left = min(one.left, a.remaining)
			one.ahead = max(one.ahead, a.ahead)
		}
		seen.tokens += one.tokens
		seen.seconds += one.seconds
		r.sure = max(r.sure, float64(seen.tokens-1)/float64(seen.seconds))
		r.likely = max(r.likely, (float64(seen.tokens)-0.75)/float64(seen.seconds))
	}
}

// compare notes whether the last refill filled the bucket up.
func (r *refills) compare(last gain, limit, inFlight int) {
	level := last.left + last.draws // after the refill
	switch {
	case level+inFlight < limit:
		r.whole, r.part = false, true
	case level >= limit && last.tokens >= limit-limit/2 && last.seconds == r.shortest:
		r.whole, r.part = true, false
	}
}

// distrust takes less for sure: a request was refused.
func (r *refills) distrust() { r.sure /= 2 }

// interval is the time from one refill to the next, or a multiple of it. Each
// time between two resets is a multiple; a reset is never further away than one
// interval, which shows those of a bucket that gains a token only now and then.
func (r *refills) interval() time.Duration {
	longest := int64(maxInterval / time.Second)
	seconds := cmp.Or(r.shortest, longest)
	for _, one := range r.recent {
		seconds = max(seconds, one.ahead)
	}
	return time.Duration(min(seconds, longest)) * time.Second
}

// since is how many tokens are sure to have been refilled by now: at the reset
// at least one, or what a second brings, and after each further interval what
// that brings, as far as is known.
func (r *refills) since(reset, now time.Time) int {
	if now.Before(reset) {
		return 0
	}
	interval := r.interval()
	more := float64(now.Sub(reset)/interval) * r.sure * interval.Seconds()
	return int(min(math.Floor(max(1, r.sure))+math.Floor(more), math.MaxInt32))
}

// next is when, after now, the next refill is sure.
func (r *refills) next(reset, now time.Time) time.Time {
	if now.Before(reset) {
		return reset
	}
	interval := r.interval()
	return reset.Add(now.Sub(reset).Truncate(interval) + interval)
}

// leastPart is the least part of a bucket that a refill brings, one in so many,
// of the limits that Auth0 publishes.
const leastPart = 6

// pace is how many tokens a second are likely to be refilled. What a refill
// brings on top of a full bucket is not to be seen: one that fills more than
// half of the bucket up is taken for a whole one. Auth0's limits are refilled
// wholly, or by a third at most (its page "Rate Limit Configurations").
func (r *refills) pace(limit int) float64 {
	if r.whole {
		return float64(limit) / float64(r.shortest)
	}
	pace := max(1/r.interval().Seconds(), r.likely)
	if !r.part && r.shortest > 0 {
		pace = max(pace, float64(limit)/leastPart/r.interval().Seconds())
	}
	return pace
}
