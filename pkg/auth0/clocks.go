package auth0

import "time"

// clocks compares our clock with Auth0's.
type clocks struct {
	ahead    time.Duration // of ours before Auth0's, at most
	compared bool
}

const (
	// drift is by how much more our clock may be ahead from one answer to the
	// next.
	drift = 5 * time.Millisecond
	// jump is what is no drift: one of the clocks was set.
	jump = callTimeout + time.Second
)

// compare notes how far our clock is ahead of Auth0's. An answer's Date has
// whole seconds and was written a while ago, so that it tells up to a second
// and the answer's way too much: the least counts.
func (c *clocks) compare(now, serverTime time.Time) {
	ahead := now.Sub(serverTime)
	if c.compared && ahead > c.ahead+drift && ahead < c.ahead+jump {
		ahead = c.ahead + drift
	}
	c.ahead, c.compared = ahead, true
}
