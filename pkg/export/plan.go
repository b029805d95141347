package export

import (
	"errors"
	"time"
)

// reach bounds how far a crew works ahead.
type reach struct {
	fetchers int // the most that work at a time
	pages    int // the least that a piece is planned for
	bytes    int // of documents that are held
}

// defaultReach is that of a run. A piece costs half a page, as a rule: the
// last one that it fetches is in part the next piece's. With 16 pages
// those are 3 % of all.
var defaultReach = reach{fetchers: 12, pages: 16, bytes: 20 << 20}

const (
	// leastPages is the least that a piece is worth making for.
	leastPages = 5
	// buffered is which part of the crew's pieces waits to be passed on: at any
	// time they are at all stages, and the first is passed on as it comes.
	buffered = 0.6
	// maxWasted is which part of the requests may be in vain, and freelyWasted
	// how many beyond it.
	maxWasted    = 0.045
	freelyWasted = 4
	// uselessAfter is how many pieces are looked for where none is found: made
	// ids are not for this tenant.
	uselessAfter = 2
)

// costs is what the crew's requests have come to.
type costs struct {
	requests int
	// wasted counts the requests that gave nothing, and the parts of pages that
	// another gave too.
	wasted  float64
	found   int           // pieces
	tries   int           // pieces that may be looked for beside one more
	refused bool          // Auth0 does not take ids that were made
	bytes   int           // of the last page
	took    time.Duration // by a request, with its wait for the rate limit
}

// asked counts a request.
func (c *costs) asked(got fetched, took time.Duration) {
	c.requests++
	if got.bytes > 0 {
		c.bytes = got.bytes
	}
	if c.took == 0 {
		c.took = took
	}
	c.took = (3*c.took + took) / 4
}

// looked counts a piece that was looked for.
func (c *costs) looked(found bool, err error) {
	if found {
		c.found++
		c.tries += 3
		return
	}
	c.wasted++
	c.tries /= 2
	c.refused = c.refused || errors.Is(err, ErrIDRefused)
}

// plan has pieces looked for as long as that is worth it.
func (c *crew) plan() {
	for c.atWork < c.fetchers() && c.mayLook() {
		at, ok := c.nextPiece()
		if !ok {
			return
		}
		c.seek(at)
	}
}

// mayLook reports whether another piece may be looked for: at first two at a
// time, until it is known how the tenant takes it.
func (c *crew) mayLook() bool {
	useless := c.costs.refused || c.costs.found == 0 && c.costs.wasted >= uselessAfter
	return c.ctx.Err() == nil && !useless && len(c.sought) <= c.costs.tries
}

// fetchers is how many may be at work: no more than the rate limit and the
// memory leave room for.
func (c *crew) fetchers() int {
	n := min(c.reach.fetchers, c.log.Source.Concurrency())
	if c.costs.bytes > 0 {
		n = min(n, int(float64(c.reach.bytes)/buffered)/(c.reach.pages*c.costs.bytes))
	}
	return max(n, 1)
}

// nextPiece gives the time to look for a piece at: in the first stretch of the
// log with enough pages for two.
func (c *crew) nextPiece() (at time.Time, ok bool) {
	left := c.pagesLeft()
	pages := c.piecePages(left)
	if pages < leastPages || !c.worthwhile(left) {
		return at, false
	}
	for _, p := range c.line {
		from, ok := c.free(p)
		if !ok {
			continue
		}
		span := time.Duration(pages * float64(p.perPage))
		at = from.Add(span).Truncate(time.Second) // as an id of it is
		if at.After(from) && p.until.Sub(from) >= 2*span {
			return at, true
		}
	}
	return at, false
}

// free is from when on nobody fetches the piece's events or looks for them.
func (c *crew) free(p *piece) (from time.Time, ok bool) {
	from, ok = p.covered.Time()
	if !ok || p.ended || p.perPage == 0 {
		return from, false
	}
	for _, other := range c.sought {
		if other.at.After(from) && other.at.Before(p.until) {
			from = other.at
		}
	}
	return from, true
}

// pagesLeft estimates how many pages are still to be fetched.
func (c *crew) pagesLeft() (pages float64) {
	for _, p := range c.line {
		if from, ok := p.covered.Time(); ok && !p.ended && p.perPage > 0 {
			pages += max(0, float64(p.until.Sub(from))/float64(p.perPage))
		}
	}
	return pages
}

// worthwhile reports whether one more piece is worth what it may cost, where so
// many pages are left.
func (c *crew) worthwhile(left float64) bool {
	if c.costs.found == 0 && left < 2*float64(c.reach.pages) {
		return false
	}
	requests := float64(c.costs.requests)
	waste := c.costs.wasted + float64(len(c.line)+len(c.sought))/2
	return waste <= maxWasted*(requests+left) && waste <= freelyWasted+maxWasted*requests
}

// piecePages is how many pages a piece is planned for: as many as can be held,
// and no more than can be fetched in the time, or than is a fair part of what
// is left.
func (c *crew) piecePages(left float64) float64 {
	n, least := float64(c.fetchers()), float64(c.reach.pages)
	pages := float64(c.reach.bytes) / buffered / n / float64(max(1, c.costs.bytes))
	pages = min(max(pages, least), 3*least)
	// The first pieces differ, so that from then on the crew's pieces are at
	// all stages.
	if made := float64(c.costs.found + len(c.sought)); made < n {
		pages *= 0.5 + made/n
	}
	pages = min(pages, max(left/n, leastPages))
	if end, ok := c.ctx.Deadline(); ok && c.costs.took > 0 {
		const spare = 0.7
		pages = min(pages, spare*float64(time.Until(end))/float64(c.costs.took))
	}
	return pages
}
