package auth0

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// answer is what the headers of one answer told of the bucket.
type answer struct {
	limit     int   // at least 1
	remaining int   // 0 to limit
	reset     int64 // UNIX seconds, Auth0's clock
	ahead     int64 // by how many seconds the reset was after the answer's Date
}

// maxInterval is the longest time between two refills: limits are refilled
// every second or every minute (Auth0 docs, "Rate Limit Policy").
const maxInterval = time.Minute

// readAnswer takes what the headers of an answer from that time, by Auth0's
// clock, tell. It reports false where they tell nothing, as some refusals of a
// token do, or nothing to believe: a reset that is no refill's time would make
// every later answer look old.
func readAnswer(h http.Header, at time.Time) (answer, bool) {
	limit, ok1 := headerInt(h, "X-RateLimit-Limit")
	remaining, ok2 := headerInt(h, "X-RateLimit-Remaining")
	reset, ok3 := headerInt(h, "X-RateLimit-Reset")
	if !ok1 || !ok2 || !ok3 || limit < 1 || limit > math.MaxInt32 {
		return answer{}, false
	}
	// An answer may have been under way for a while when it was dated.
	earliest, latest := at.Add(-callTimeout), at.Add(maxInterval+time.Second)
	if reset < earliest.Unix() || reset > latest.Unix() {
		return answer{}, false
	}
	return answer{
		limit:     int(limit),
		remaining: int(min(max(0, remaining), limit)),
		reset:     reset,
		ahead:     reset - at.Unix(),
	}, true
}

func headerInt(h http.Header, name string) (int64, bool) {
	n, err := strconv.ParseInt(h.Get(name), 10, 64)
	return n, err == nil
}

// isOlderThan reports whether an answer was given before one that has arrived
// already: between refills less and less is left.
func (a answer) isOlderThan(b answer) bool {
	return a.reset < b.reset || a.reset == b.reset && a.remaining > b.remaining
}

// bucket is what is believed to be left of the limit: what the last answer
// told, less our draws and with the refills since then.
type bucket struct {
	limit     int       // its size; 0 until an answer told
	remaining int       // what is left after all our draws, answered or not
	inFlight  int       // draws that are not answered yet
	told      answer    // the last answer
	reset     time.Time // the refill that it told, on our clock
	refilled  int       // refills since the last answer
	gained    int       // what remaining holds of them
}

// pass takes in the refills up to now.
func (b *bucket) pass(now time.Time, r *refills) {
	refilled := r.since(b.reset, now)
	// A full bucket gains nothing, and draws in flight may reach it later.
	gained := min(refilled-b.refilled, b.limit-b.inFlight-b.remaining)
	b.refilled = max(b.refilled, refilled)
	if gained > 0 {
		b.remaining += gained
		b.gained += gained
	}
}

// correct sets right what is believed to be left. The draws in flight, but for
// the one just answered, may be counted in the answer or not. After a refill,
// of which only assumptions told so far, they are taken as not.
func (b *bucket) correct(latest answer, reset time.Time) {
	b.remaining -= b.gained // an answer from before the refill knows nothing of it
	b.gained, b.refilled = 0, 0
	least := latest.remaining - max(0, b.inFlight-1)
	if latest.reset != b.told.reset || latest.limit != b.limit {
		b.remaining = least
	}
	b.remaining = min(max(b.remaining, least), latest.remaining)
	b.limit, b.told, b.reset = latest.limit, latest, reset
}

// overtaken takes in an answer that arrived after a newer one, in which its
// draw is counted.
func (b *bucket) overtaken() {
	b.remaining = max(b.remaining, b.told.remaining+b.gained-max(0, b.inFlight-1))
}

// full reports whether nothing that is refilled now would fit.
func (b *bucket) full() bool { return b.remaining >= b.limit-b.inFlight }
