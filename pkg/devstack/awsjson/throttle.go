package awsjson

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Quota is how often one account may call some operations, counted together,
// in one region.
type Quota struct {
	Operations []string
	// PerSecond is the rate; 0 or less for no limit. As many calls may come at
	// once after a quiet second, and one at least.
	PerSecond float64
}

// Throttle holds calls to their quotas. A nil *Throttle lets all calls pass.
type Throttle struct {
	now    func() time.Time
	quotas map[string]*Quota

	mu       sync.Mutex
	limiters map[limited]*rate.Limiter
}

// limited is what one limiter counts.
type limited struct {
	account, region string
	quota           *Quota
}

// NewThrottle returns a throttle with the given quotas, no two of which may
// name the same operation.
func NewThrottle(now func() time.Time, quotas ...Quota) *Throttle {
	t := &Throttle{now: now, quotas: make(map[string]*Quota), limiters: make(map[limited]*rate.Limiter)}
	for _, q := range quotas {
		for _, op := range q.Operations {
			t.quotas[op] = &q
		}
	}
	return t
}

// Take counts a call, and returns an *Error if it is over its quota.
func (t *Throttle) Take(c Caller, op string) error {
	if t == nil {
		return nil
	}
	q, ok := t.quotas[op]
	if !ok || q.PerSecond <= 0 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := limited{c.Account, c.Region, q}
	l, ok := t.limiters[key]
	if !ok {
		l = rate.NewLimiter(rate.Limit(q.PerSecond), max(1, int(q.PerSecond)))
		t.limiters[key] = l
	}
	if !l.AllowN(t.now(), 1) {
		return Throttled()
	}
	return nil
}
