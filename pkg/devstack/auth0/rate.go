package auth0

import (
	"cmp"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Rate is a token bucket, as Auth0's rate limit policy describes it.
//
// Its published limits, for example: Free {Limit: 2, Refill: 2}, Enterprise
// {Limit: 50, Refill: 16}, and for reading logs on Essentials and Professional
// {Limit: 10, Refill: 100.0 / 60}.
type Rate struct {
	// Limit is the bucket's size in requests. Zero is no limit.
	Limit int
	// Refill is how many requests each interval adds. Zero fills the bucket.
	Refill float64
	// Every is the interval, in whole seconds of UNIX time. Default a second;
	// a minute for limits that are refilled on the minute.
	Every time.Duration
	// RetryAfter adds a Retry-After header, in seconds, to a refusal. The
	// Management API is not documented to send one.
	RetryAfter bool
}

// bucket counts requests against a Rate.
type bucket struct {
	mu       sync.Mutex
	rate     Rate
	tokens   float64
	interval int64 // the last one whose refill was added
}

func (b *bucket) set(r Rate, now time.Time) {
	if r.Refill == 0 {
		r.Refill = float64(r.Limit)
	}
	r.Every = cmp.Or(r.Every, time.Second)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rate, b.tokens, b.interval = r, float64(r.Limit), r.intervalAt(now)
}

// intervalAt is the number of the interval that now lies in.
func (r Rate) intervalAt(now time.Time) int64 {
	return now.Unix() / int64(r.Every/time.Second)
}

// take draws one request from the bucket, writes the rate headers, and reports
// whether the request may go on.
func (b *bucket) take(now time.Time, h http.Header) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rate.Limit == 0 {
		return true
	}
	b.refill(now)
	allowed := b.whole() >= 1
	if allowed {
		b.tokens--
	}
	reset := b.reset()
	h.Set("X-RateLimit-Limit", strconv.Itoa(b.rate.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(int(b.whole())))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset, 10))
	if !allowed && b.rate.RetryAfter {
		h.Set("Retry-After", strconv.FormatInt(max(1, reset-now.Unix()), 10))
	}
	return allowed
}

func (b *bucket) refill(now time.Time) {
	at := b.rate.intervalAt(now)
	if at > b.interval {
		b.tokens = min(float64(b.rate.Limit), b.tokens+float64(at-b.interval)*b.rate.Refill)
		b.interval = at
	}
}

// rounding forgives floating point: sixtieths of a request that add up to one
// must count as one.
const rounding = 1e-9

// whole is the number of requests the bucket holds.
func (b *bucket) whole() float64 {
	return math.Floor(b.tokens + rounding)
}

// reset is the UNIX time, in seconds, at which the bucket next holds one
// request more.
func (b *bucket) reset() int64 {
	missing := b.whole() + 1 - b.tokens
	intervals := max(1, int64(math.Ceil(missing/b.rate.Refill-rounding)))
	return (b.interval + intervals) * int64(b.rate.Every/time.Second)
}
