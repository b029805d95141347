package auth0

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// governor paces the requests to the Management API, whose rate limit all of a
// tenant's applications share. Two rules hold at once: no request of ours
// draws the tenant's bucket below (100 - share) % of its limit, and over time
// we draw at most share % of what refills it, with a burst of share % of the
// limit.
//
// Auth0 tells the bucket's size, what is left and the second of the next
// refill in X-RateLimit-Limit, -Remaining and -Reset (Auth0 docs, "Rate Limit
// Policy"). How much a refill brings is in no header; it is learned from what
// is left before and after one. Every answer corrects what was assumed.
type governor struct {
	share float64 // 0 to 1

	mu        sync.Mutex
	limit     int           // the bucket's size; 0 until a header told
	remaining int           // what is left after all our draws, answered or not
	inFlight  int           // draws that are not answered yet
	gained    int           // what remaining holds of refills since the last answer
	reset     time.Time     // of the next refill, on our clock
	told      answer        // the last answer, for learning
	gains     []gain        // the latest refills seen
	ahead     time.Duration // our clock before Auth0's, at most
	compared  bool
	refill    float64       // tokens a second that refill the bucket, as far as seen
	pace      float64       // the same, as far as it is likely
	ours      float64       // tokens of our share, at most share of the limit
	accrued   time.Time     // up to when ours is counted
	latency   time.Duration // of a request, on average; 0 before the first
}

// answer is what the headers of one answer told.
type answer struct {
	remaining int
	reset     int64 // UNIX seconds, Auth0's clock
}

// gain is how many tokens were refilled in how many seconds, before the answers
// with a reset.
type gain struct {
	tokens, seconds, reset int64
}

// maxGains is how many refills are averaged at most.
const maxGains = 10

// assumed is the refill a second that is taken for granted: what was seen, or
// while none was, the least of the rates that Auth0 publishes, in whole tokens.
func (g *governor) assumed() float64 { return max(1, g.refill) }

func newGovernor(sharePercent int) *governor {
	return &governor{share: float64(sharePercent) / 100}
}

// mark is the level that we leave in the bucket. The last token of a bucket
// may be ours even where the mark, rounded up, is the whole bucket: a limit of
// 1 or 2 must slow the export, not stop it.
func (g *governor) mark() int {
	return min(int(math.Ceil((1-g.share)*float64(g.limit))), g.limit-1)
}

// take draws one token. Where there is none to draw it returns how long to
// wait before asking again; 0 means drawn.
func (g *governor) take(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit == 0 {
		g.inFlight++
		return 0
	}
	g.accrue(now)
	for !now.Before(g.reset) {
		// A full bucket gains nothing, and draws in flight may reach it later.
		gained := max(0, min(g.limit-g.inFlight-g.remaining, int(g.assumed())))
		g.remaining += gained
		g.gained += gained
		g.reset = g.reset.Add(time.Second)
	}
	switch {
	case g.remaining <= g.mark():
		return g.reset.Sub(now)
	case g.refill > 0 && g.ours < 1 && !g.full(): // what a refill brings is soon seen, at the mark
		return max(leastWait, min(g.reset.Sub(now), time.Duration((1-g.ours)/g.rate()*float64(time.Second))))
	}
	g.remaining--
	g.ours--
	g.inFlight++
	return 0
}

// ended takes a drawn token's request as over, answered or not.
func (g *governor) ended(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	if g.latency == 0 {
		g.latency = took
	}
	g.latency = (3*g.latency + took) / 4
}

// full reports whether the bucket is full. Nobody misses a token then, and only
// a draw shows what a refill brings. A bucket of which we may draw a single
// token is left to the pace.
func (g *governor) full() bool {
	return g.remaining >= g.limit-g.inFlight && g.limit-g.mark() > 1
}

// leastWait keeps a wait that is rounded to nothing from looking like none.
const leastWait = time.Millisecond

// rate is how many tokens a second are ours.
func (g *governor) rate() float64 { return g.share * max(1, g.pace) }

// accrue counts our share of what has been refilled since it was last counted.
func (g *governor) accrue(now time.Time) {
	if elapsed := now.Sub(g.accrued).Seconds(); elapsed > 0 {
		g.ours = min(float64(g.limit-g.mark()), g.ours+elapsed*g.rate())
		g.accrued = now
	}
	if g.share == 1 {
		g.ours = float64(g.limit)
	}
}

// observe takes in the headers of an answer that arrived at now, to a request
// that drew a token or was refused one. serverTime is the answer's Date: the
// reset counts on Auth0's clock, not on ours.
func (g *governor) observe(now, serverTime time.Time, h http.Header, drew bool) {
	limit, ok1 := headerInt(h, "X-RateLimit-Limit")
	remaining, ok2 := headerInt(h, "X-RateLimit-Remaining")
	reset, ok3 := headerInt(h, "X-RateLimit-Reset")
	if !ok1 || !ok2 || !ok3 || limit < 1 || limit > math.MaxInt32 {
		return // some answers, such as refusals of a token, carry none
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	latest := answer{remaining: int(min(max(0, remaining), limit)), reset: reset}
	switch {
	case g.limit != int(limit): // the first answer, or another bucket
		g.limit, g.refill, g.pace, g.gains = int(limit), 0, 0, nil
		g.ours, g.accrued = g.share*float64(limit)-1, now
	case latest.isOlderThan(g.told):
		g.add(latest, 0, drew) // was missing when the newer answer was counted
		return
	default:
		g.learn(latest, drew)
	}
	g.correct(latest)
	g.compareClocks(now, serverTime)
	g.reset = time.Unix(reset, 0).Add(g.ahead)
	if latest := now.Add(maxReset); g.reset.After(latest) {
		g.reset = latest
	}
}

// maxReset is how far away a refill is believed to be: limits are refilled every
// second or every minute.
const maxReset = time.Minute + time.Second

// drift is by how much more our clock may be ahead of Auth0's from one answer to
// the next.
const drift = 5 * time.Millisecond

// compareClocks notes how far our clock is ahead of Auth0's. An answer's Date
// has whole seconds and was written a while ago, so that it tells up to a second
// too much: the least counts.
func (g *governor) compareClocks(now, serverTime time.Time) {
	if serverTime.IsZero() {
		serverTime = now
	}
	ahead := now.Sub(serverTime)
	if !g.compared || ahead < g.ahead+drift {
		g.ahead, g.compared = ahead, true
		return
	}
	g.ahead += drift
}

// isOlderThan reports whether an answer was given before one that has arrived
// already: between refills less and less is left.
func (a answer) isOlderThan(b answer) bool {
	return a.reset < b.reset || a.reset == b.reset && a.remaining > b.remaining
}

// correct sets right what is assumed to be left. The draws in flight, but for
// the one just answered, may be counted in the answer or not. After a refill,
// of which only assumptions told so far, they are taken as not.
func (g *governor) correct(latest answer) {
	g.remaining -= g.gained // an answer from before the refill knows nothing of it
	g.gained = 0
	least := latest.remaining - max(0, g.inFlight-1)
	if latest.reset != g.told.reset {
		g.remaining = least
	}
	g.remaining = min(max(g.remaining, least), latest.remaining)
	g.told = latest
}

// learn takes the rate of refilling from answers with refills between them.
func (g *governor) learn(latest answer, drew bool) {
	if seconds := latest.reset - g.told.reset; seconds > 0 {
		g.gains = append(g.gains, gain{seconds: seconds, reset: latest.reset})
		g.gains = g.gains[max(0, len(g.gains)-maxGains):]
	}
	g.add(latest, int64(latest.remaining-g.told.remaining), drew)
}

// add adds to the gain that an answer belongs to, its own draw too where it had
// one. What is seen of refills is the least that they can be, so the greatest
// value counts: other applications draw too, a full bucket is not refilled, and
// of what is left only whole tokens are told. For what is sure to come that is
// one token less than was seen, for the pace three quarters of one.
func (g *governor) add(a answer, tokens int64, drew bool) {
	if drew {
		tokens++
	}
	var sum gain
	for i, one := range slices.Backward(g.gains) {
		if one.reset == a.reset {
			one.tokens += tokens
			g.gains[i] = one
		}
		sum.tokens += one.tokens
		sum.seconds += one.seconds
		g.refill = max(g.refill, float64(sum.tokens-1)/float64(sum.seconds))
		g.pace = max(g.pace, (float64(sum.tokens)-0.75)/float64(sum.seconds))
	}
}

// refused says how long an answer 429 asks to wait: Retry-After in seconds or
// as a date, else until the reset. Where neither is told, or waiting for it
// has not helped, it is a second, doubled with each refusal in a row.
func (g *governor) refused(now, serverTime time.Time, h http.Header, inARow int) time.Duration {
	if wait, ok := retryAfter(h, serverTime, now); ok {
		return wait
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit > 0 && g.reset.After(now) && inARow == 0 {
		return g.reset.Sub(now)
	}
	return time.Second << min(inARow, 5)
}

// retryAfter reads the header of that name, in either of its two forms.
func retryAfter(h http.Header, serverTime, now time.Time) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(v); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, math.MaxInt32)) * time.Second, true
	}
	t, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	if serverTime.IsZero() {
		serverTime = now
	}
	return max(t.Sub(serverTime), 0), true
}

func headerInt(h http.Header, name string) (int64, bool) {
	n, err := strconv.ParseInt(h.Get(name), 10, 64)
	return n, err == nil
}

const (
	// unlimited is how many requests at a time are worth having where no rate
	// limit was told.
	unlimited = 64
	// drawDown is in what time what is left in the bucket is to be used up.
	drawDown = 2 * time.Second
	// spare is by how much more requests than are needed are had under way, so
	// that one is always waiting when the bucket is refilled.
	spare = 2
)

// concurrency is how many requests at a time it takes to draw what may be
// drawn.
func (g *governor) concurrency(now time.Time) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.latency == 0:
		return 1
	case g.limit == 0:
		return unlimited
	}
	g.accrue(now)
	left := min(float64(g.remaining-g.mark()), g.ours)
	perSecond := g.rate() + max(0, left)/drawDown.Seconds()
	return max(1, int(math.Ceil(spare*perSecond*g.latency.Seconds())))
}
