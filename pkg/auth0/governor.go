package auth0

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// governor paces the requests to the Management API, whose rate limit all of a
// tenant's applications share. Two rules hold at once: no request of ours
// draws the tenant's bucket below (100 - share) % of its limit, and over time
// we draw at most share % of what refills it, with a burst of share % of the
// limit. After a refusal nobody asks for as long as Auth0 says.
//
// Auth0 tells the bucket's size, what is left and the second of the next
// refill in X-RateLimit-Limit, -Remaining and -Reset (Auth0 docs, "Rate Limit
// Policy"). When the refills after that come, and how much one brings, is in no
// header; it is learned from the answers before and after them. Every answer
// corrects what was assumed.
type governor struct {
	share float64 // 0 to 1

	mu      sync.Mutex
	bucket  bucket
	refills refills
	answers int           // that told of the bucket; one older than its predecessor is not counted
	clocks  clocks        // ours and Auth0's
	held    time.Time     // until when nobody may ask
	drawn   time.Time     // when the last token was drawn
	ours    float64       // tokens of our share, at most share of the limit
	accrued time.Time     // up to when ours is counted
	latency time.Duration // of a request, on average; 0 before the first
}

// draw is a token drawn for one request.
type draw struct {
	answers int // that had told of the bucket before it
}

func newGovernor(sharePercent int) *governor {
	return &governor{share: float64(sharePercent) / 100}
}

// mark is the level that we leave in the bucket. The last token of a bucket
// may be ours even where the mark, rounded up, is the whole bucket: a limit of
// 1 or 2 must slow the export, not stop it.
func (g *governor) mark() int {
	return min(int(math.Ceil((1-g.share)*float64(g.bucket.limit))), g.bucket.limit-1)
}

// burst is how many tokens may be drawn of a full bucket.
func (g *governor) burst() int { return g.bucket.limit - g.mark() }

// take draws one token. Where there is none to draw it returns how long to
// wait before asking again; 0 means drawn.
func (g *governor) take(now time.Time) (draw, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wait := g.wait(now); wait > 0 {
		return draw{}, wait
	}
	if g.bucket.limit > 0 {
		g.bucket.remaining--
		g.ours--
	}
	g.bucket.inFlight++
	g.drawn = now
	return draw{answers: g.answers}, 0
}

const (
	// leastWait keeps a wait that is rounded to nothing from looking like none.
	leastWait = time.Millisecond
	// mostWait bounds a wait while an answer is due, which may tell of more
	// than is sure.
	mostWait = time.Second
	// patience is how long after a refill one request asks for what is left,
	// where others have drawn more than we may and too little is sure.
	patience = 10 * time.Second
)

// wait is how long it takes until a token may be drawn, as far as is known.
func (g *governor) wait(now time.Time) time.Duration {
	if held := g.held.Sub(now); held > 0 {
		return held
	}
	if g.bucket.limit == 0 {
		return 0
	}
	g.accrue(now)
	g.bucket.pass(now, &g.refills)
	refill := g.refills.next(g.bucket.reset, now).Sub(now)
	var wait time.Duration
	switch {
	case g.bucket.inFlight == 0 && now.Sub(g.drawn) > maxInterval:
		return 0 // whatever was told: a request a minute shows what is the case
	case g.bucket.remaining <= g.mark() && g.bucket.inFlight == 0:
		if wait = min(refill, g.bucket.reset.Add(patience).Sub(now)); wait <= 0 {
			return 0
		}
	case g.bucket.remaining <= g.mark():
		wait = refill
	case g.refills.likely > 0 && g.ours < 1 && !g.free(): // what a refill brings is soon seen, at the mark
		seconds := min((1-g.ours)/g.rate(), maxInterval.Seconds())
		wait = min(refill, time.Duration(seconds*float64(time.Second)))
	default:
		return 0
	}
	if g.bucket.inFlight > 0 {
		wait = min(wait, mostWait)
	}
	return max(wait, leastWait)
}

// free reports whether a token may be drawn ahead of our share, up to a burst:
// of a bucket that is full nobody misses one, and until a refill was seen that
// did not fill it, or one that was large, only draws show what a refill brings.
// They do not where less than half of the bucket is ours, or a single token:
// those are left to the pace.
func (g *governor) free() bool {
	limit, burst := g.bucket.limit, g.burst()
	unseen := !g.refills.part && !g.refills.whole && burst >= limit-limit/2
	return burst > 1 && g.ours >= float64(1-burst) && (g.bucket.full() || unseen)
}

// rate is how many tokens a second are ours.
func (g *governor) rate() float64 { return g.share * g.refills.pace(g.bucket.limit) }

// accrue counts our share of what has been refilled since it was last counted.
func (g *governor) accrue(now time.Time) {
	if elapsed := now.Sub(g.accrued).Seconds(); elapsed > 0 {
		g.ours = min(float64(g.burst()), g.ours+elapsed*g.rate())
		g.accrued = now
	}
	if g.share == 1 {
		g.ours = float64(g.bucket.limit)
	}
}

// ended takes a drawn token's request as over, answered or not.
func (g *governor) ended(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bucket.inFlight--
	if g.latency == 0 {
		g.latency = took
	}
	g.latency = (3*g.latency + took) / 4
}

// observe takes in the headers of the answer to a draw. It arrived at now;
// serverTime is its Date, zero where there was none; drew tells whether Auth0
// gave the token or refused it.
func (g *governor) observe(d draw, now, serverTime time.Time, h http.Header, drew bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if serverTime.IsZero() {
		serverTime = now.Add(-g.clocks.ahead)
	}
	latest, ok := readAnswer(h, serverTime)
	if !ok {
		return
	}
	// What was asked for after the last answer had arrived is newer than that.
	overtaken := d.answers != g.answers && latest.isOlderThan(g.bucket.told)
	switch {
	case latest.limit != g.bucket.limit: // the first answer, or another bucket
		g.refills = refills{}
		g.ours, g.accrued = g.share*float64(latest.limit)-1, now
	case overtaken:
		g.refills.learnLate(latest, drew)
		g.bucket.overtaken()
		return
	default:
		g.refills.learn(g.bucket.told, latest, drew, g.bucket.inFlight-1)
	}
	g.answers++
	g.clocks.compare(now, serverTime)
	g.bucket.correct(latest, time.Unix(latest.reset, 0).Add(g.clocks.ahead))
}

// maxHold bounds how long a refusal holds the requests back: no run lasts
// longer, and the next one may ask again.
const maxHold = 15 * time.Minute

// refused holds all requests back for as long as an answer 429 asks to wait:
// Retry-After in seconds or as a date, else until the reset. Where neither is
// told, or waiting for it has not helped, it is a second, doubled with each
// refusal in a row.
func (g *governor) refused(now, serverTime time.Time, h http.Header, inARow int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refills.distrust()
	wait, told := retryAfter(h, serverTime, now)
	if !told {
		wait = time.Second << min(inARow, 5)
		if reset := g.bucket.reset.Sub(now); reset > 0 && inARow == 0 {
			wait = reset
		}
	}
	// A wall-clock time, as it holds for the next run too: between two runs a
	// sandbox is frozen, and its monotonic clock with it.
	if held := now.Round(0).Add(min(wait, maxHold)); held.After(g.held) {
		g.held = held
	}
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
	case g.bucket.limit == 0:
		return unlimited
	}
	g.accrue(now)
	left := min(float64(g.bucket.remaining-g.mark()), g.ours)
	perSecond := g.rate() + max(0, left)/drawDown.Seconds()
	return max(1, int(math.Ceil(spare*perSecond*g.latency.Seconds())))
}
