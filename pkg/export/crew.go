package export

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// crew fetches the log after an id, in order. While there is little to fetch,
// one fetcher walks from page to page. Where a backlog is large and the rate
// limit leaves room for more requests at a time, others work ahead of it, each
// on a piece of the log.
//
// A piece is looked for with an id made of a time: the first event on the page
// that answers it begins the piece, and the walk before it ends where it meets
// that event or a later one. Whatever Auth0 does with an id that no event has,
// it finds the beginning of a piece or nothing. What lies before comes from a
// walk from event to event. So a made id can cost a request, never an event.
type crew struct {
	log   *Reader
	ctx   context.Context // ends with the time for fetching
	to    tenantlog.ID    // the last id wanted, "" where there is none
	reach reach
	group sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond
	line    []*piece // the pieces that were found, in the log's order; pages are passed on from the first
	sought  []*piece // those that are being looked for, in the order of their times
	atWork  int      // goroutines that fetch
	held    int      // bytes of documents that wait to be passed on or are asked for
	costs   costs
}

// start fetches the log after the id, up to the other one, until it ends or the
// time is up; "" stands for no last id. The channel gives its pages in order and
// is closed after the last page or an error. stop ends the fetching and returns
// once nothing is at work any more.
func (l *Reader) start(ctx context.Context, after, to tenantlog.ID, until time.Time) (pages <-chan fetched, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	timed, release := context.WithDeadline(ctx, until)
	c := &crew{log: l, ctx: timed, to: to, reach: l.reach, costs: costs{tries: 1}}
	if c.reach == (reach{}) {
		c.reach = defaultReach
	}
	c.changed = sync.NewCond(&c.mu)
	unhook := context.AfterFunc(timed, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})
	out := make(chan fetched)
	head := &piece{fetcher: fetcher{log: l, after: after, floor: after, to: to}, begin: after, covered: after, until: l.Now()}
	if end, ok := to.Time(); ok && end.Before(head.until) {
		head.until = end
	}
	c.line = []*piece{head}
	c.start(head, head.first)
	c.group.Go(func() { c.pass(ctx, after, out) })
	return out, func() {
		cancel()
		c.group.Wait()
		release()
		unhook()
	}
}

// seek has a piece looked for that begins at a time or after it.
func (c *crew) seek(at time.Time) {
	p := &piece{fetcher: fetcher{log: c.log, after: tenantlog.At(at), to: c.to}, at: at}
	c.sought = append(c.sought, p)
	slices.SortFunc(c.sought, func(a, b *piece) int { return a.at.Compare(b.at) })
	c.start(p, p.next)
}

// start has a goroutine fetch a piece; ask gives the first of its pages.
func (c *crew) start(p *piece, ask func(context.Context) fetched) {
	c.atWork++
	c.group.Go(func() {
		for c.mayAsk(p) {
			began := time.Now()
			got := ask(c.ctx)
			if !c.take(p, got, time.Since(began)) {
				return
			}
			ask = p.next
		}
	})
}

// mayAsk waits until there is room for one more page. For the page that is
// passed on next there always is. It reports false where the piece was given
// up.
func (c *crew) mayAsk(p *piece) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !p.ended && c.held+c.costs.bytes > c.reach.bytes && !c.awaited(p) && c.ctx.Err() == nil {
		c.changed.Wait()
	}
	if p.ended {
		c.atWork--
		return false
	}
	p.reserved = c.costs.bytes
	c.held += p.reserved
	return true
}

func (c *crew) awaited(p *piece) bool { return c.line[0] == p && len(p.pages) == 0 }

// take takes in what was fetched of a piece, in the given time, and reports
// whether there is more of it.
func (c *crew) take(p *piece, got fetched, in time.Duration) (more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.changed.Broadcast()
	c.held -= p.reserved
	p.reserved = 0
	c.costs.asked(got, in)
	if more = c.accept(p, got); !more {
		c.atWork--
	}
	c.plan()
	return more
}

func (c *crew) accept(p *piece, got fetched) (more bool) {
	if p.ended {
		return false // given up meanwhile
	}
	if i := slices.Index(c.sought, p); i >= 0 {
		c.sought = slices.Delete(c.sought, i, i+1)
		found := c.place(p, got)
		c.costs.looked(found, got.err)
		if !found {
			return false
		}
	}
	c.costs.wasted += p.add(got)
	c.held += got.bytes
	if p.ended && p.pages[len(p.pages)-1].last() {
		c.giveUpAfter(p)
	}
	return !p.ended
}

// place puts a piece that was looked for into the line: behind the one that it
// takes the rest of. It reports false where the page has no event that is not
// fetched already.
func (c *crew) place(p *piece, got fetched) bool {
	if got.err != nil {
		return false
	}
	if len(got.events) == 0 {
		c.line[len(c.line)-1].emptyFrom(p.at)
		return false
	}
	first := got.events[0].ID
	i, found := slices.BinarySearchFunc(c.line, first, func(p *piece, id tenantlog.ID) int {
		return cmp.Compare(p.begin, id)
	})
	if i == 0 {
		return false
	}
	before := c.line[i-1]
	if found {
		before.emptyFrom(p.at)
		return false
	}
	if before.ended || first <= before.covered {
		return false
	}
	p.begin, p.end, p.until = first, before.end, before.until
	before.end = first
	before.emptyFrom(p.at)
	c.line = slices.Insert(c.line, i, p)
	return true
}

// giveUpAfter gives up what lies after a piece: the walk ends with it.
func (c *crew) giveUpAfter(p *piece) {
	i := slices.Index(c.line, p)
	for _, later := range c.line[i+1:] {
		c.held -= later.giveUp()
	}
	c.line = slices.Delete(c.line, i+1, len(c.line))
}

// pass passes the pages on in order. Each is said to follow the last event
// before it, however it was found.
func (c *crew) pass(ctx context.Context, after tenantlog.ID, out chan<- fetched) {
	defer close(out)
	for {
		p, ok := c.next()
		if !ok {
			return
		}
		p.after = after
		if n := len(p.events); n > 0 {
			after = p.events[n-1].ID
		}
		select {
		case out <- p:
		case <-ctx.Done():
			return
		}
	}
}

// next waits for the page that comes next in the log; false where the walk has
// ended.
func (c *crew) next() (fetched, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		head := c.line[0]
		switch {
		case len(head.pages) > 0:
			p := head.pages[0]
			head.pages = slices.Delete(head.pages, 0, 1) // clears the place it leaves
			c.held -= p.bytes
			c.plan()
			c.changed.Broadcast()
			return p, true
		case !head.ended:
			c.changed.Wait()
		case len(c.line) == 1:
			return fetched{}, false
		default:
			c.line = c.line[1:]
			c.changed.Broadcast() // the new first piece is awaited
		}
	}
}
