package export

import "auth0-logs-to-cloudwatch/pkg/tenantlog"

// ledger keeps the order of events between fetching and delivery, to know how
// far the position may move: to the last event before which everything is
// done, in whatever order the deliveries end.
//
// It holds an entry for each event on its way and forgets it once the position
// is past it.
type ledger struct {
	position tenantlog.ID
	entries  []entry
	first    int // the place of entries[0]
}

type entry struct {
	id   tenantlog.ID
	done bool
}

// add takes in the next event of the walk and returns its place.
func (l *ledger) add(id tenantlog.ID) int {
	l.entries = append(l.entries, entry{id: id})
	return l.first + len(l.entries) - 1
}

// skip takes in an event that needs no delivery.
func (l *ledger) skip(id tenantlog.ID) {
	if len(l.entries) == 0 {
		l.position = id
		return
	}
	// What is not waited for needs no entry of its own: the last of a row of
	// skipped events stands for all of them.
	if last := &l.entries[len(l.entries)-1]; last.done {
		last.id = id
		return
	}
	l.entries = append(l.entries, entry{id: id, done: true})
}

// done marks the event at the place as delivered and moves the position over
// all that is done from the start.
func (l *ledger) done(place int) {
	l.entries[place-l.first].done = true
	n := 0
	for n < len(l.entries) && l.entries[n].done {
		l.position = l.entries[n].id
		n++
	}
	l.entries = l.entries[n:]
	l.first += n
}

// waiting is how many entries lie between the position and the end of the
// walk.
func (l *ledger) waiting() int { return len(l.entries) }
