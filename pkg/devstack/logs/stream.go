package logs

import (
	"cmp"
	"slices"
)

// record is a stored event. seq counts up over all events of the service in
// the order of their ingestion.
type record struct {
	in        *stream
	timestamp int64
	seq       uint64
	ingested  int64
	message   string
}

func (r record) event() Event { return Event{r.timestamp, r.ingested, r.message} }

// size is what the service counts an event as.
func (r record) size() int { return len(r.message) + eventOverhead }

// gap is a place between events in the order that readers see: by timestamp,
// then by ingestion (API reference, FilterLogEvents). It comes right after the
// event with its numbers, whether there is one or not.
type gap struct {
	timestamp int64
	seq       uint64
}

func (r record) gap() gap { return gap{r.timestamp, r.seq} }

// before is the gap that r is the first event after. Numbers of events begin
// at 1.
func (r record) before() gap { return gap{r.timestamp, r.seq - 1} }

func compareGaps(a, b gap) int {
	return cmp.Or(cmp.Compare(a.timestamp, b.timestamp), cmp.Compare(a.seq, b.seq))
}

// stream is a log stream. Its records are in the order of their gaps.
type stream struct {
	name        string
	created     int64
	records     []record
	first, last int64 // timestamps, of discarded events too
	ingested    int64 // when the last event came in, 0 for never
	bytes       int64
}

// note counts events that are stored, or would be if they were not discarded.
// They are in order, and there is one at least.
func (st *stream) note(batch []record) {
	first, last := batch[0].timestamp, batch[len(batch)-1].timestamp
	if st.ingested == 0 {
		st.first = first
	}
	st.first, st.last = min(st.first, first), max(st.last, last)
	st.ingested = batch[0].ingested
	for _, r := range batch {
		st.bytes += int64(r.size())
	}
}

// insert stores events that are in order. Where they come after all others,
// as they mostly do, nothing has to move.
func (st *stream) insert(batch []record) {
	end := len(st.records)
	st.records = append(st.records, batch...)
	for n := len(batch); n > 0; n-- {
		r := batch[n-1]
		i := index(st.records[:end], r.gap())
		copy(st.records[i+n:], st.records[i:end])
		st.records[i+n-1] = r
		end = i
	}
}

// index is how many records come before a gap.
func index(records []record, g gap) int {
	i, found := slices.BinarySearchFunc(records, g, func(r record, g gap) int { return compareGaps(r.gap(), g) })
	if found {
		return i + 1
	}
	return i
}

// span returns the records with timestamps in [from, to).
func (st *stream) span(from, to int64) []record {
	lo := index(st.records, gap{from, 0})
	hi := max(lo, index(st.records, gap{to, 0}))
	return st.records[lo:hi]
}

func (st *stream) wire(k groupKey) wireStream {
	w := wireStream{ARN: streamARN(k, st.name), CreationTime: st.created, LogStreamName: st.name}
	if st.ingested != 0 {
		w.FirstEventTimestamp, w.LastEventTimestamp, w.LastIngestionTime = &st.first, &st.last, &st.ingested
	}
	return w
}
