package export

import (
	"slices"
	"time"
)

// Batch is what one delivery sends: events of one log stream, in the order of
// their ids.
type Batch struct {
	Target Target
	Events []Rendered

	bytes       int
	first, last time.Time
}

// fits reports whether the event may join the batch.
func (b *Batch) fits(e Rendered, l Limits) bool {
	first, last := b.spanWith(e)
	return len(b.Events) < l.Events && b.bytes+e.Size <= l.Bytes && last.Sub(first) <= l.Span
}

func (b *Batch) add(e Rendered) {
	b.first, b.last = b.spanWith(e)
	b.bytes += e.Size
	b.Events = append(b.Events, e)
}

func (b *Batch) spanWith(e Rendered) (first, last time.Time) {
	if len(b.Events) == 0 {
		return e.Time, e.Time
	}
	first, last = b.first, b.last
	if e.Time.Before(first) {
		first = e.Time
	}
	if e.Time.After(last) {
		last = e.Time
	}
	return first, last
}

// maxOpen is how many batches are kept open for more. A stream has a second
// one only where an event does not fit the first for its time or size.
const maxOpen = 8

// batcher fills batches across pages, so that only the last of a log stream is
// smaller than it could be.
type batcher struct {
	limits Limits
	open   []*Batch // oldest first
}

// add puts an event into the first open batch that it fits and returns the
// batches to send: one that is now full, or the oldest when too many are open.
func (b *batcher) add(t Target, e Rendered) (ready []*Batch) {
	i := slices.IndexFunc(b.open, func(o *Batch) bool { return o.Target == t && o.fits(e, b.limits) })
	if i < 0 {
		b.open = append(b.open, &Batch{Target: t})
		i = len(b.open) - 1
	}
	b.open[i].add(e)
	if len(b.open[i].Events) == b.limits.Events {
		ready = append(ready, b.open[i])
		b.open = slices.Delete(b.open, i, i+1)
	}
	if len(b.open) > maxOpen {
		ready = append(ready, b.oldest())
	}
	return ready
}

// oldest takes the batch that has been open the longest, nil if there is none.
func (b *batcher) oldest() *Batch {
	if len(b.open) == 0 {
		return nil
	}
	o := b.open[0]
	b.open = slices.Delete(b.open, 0, 1)
	return o
}

// flush takes all open batches.
func (b *batcher) flush() []*Batch {
	all := b.open
	b.open = nil
	return all
}
