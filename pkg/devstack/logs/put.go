package logs

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

// The limits of PutLogEvents (API reference).
const (
	maxBatchEvents = 10_000
	maxBatchBytes  = 1_048_576
	// maxEventBytes bounds one event; with its overhead it cannot fill a batch
	// further.
	maxEventBytes = 1_048_576
	// eventOverhead is what each event counts beside its message.
	eventOverhead = 26
	maxBatchSpan  = 24 * time.Hour
	// oldest and newest are how far from now an event's time may be.
	oldest = 14 * 24 * time.Hour
	newest = 2 * time.Hour
)

type inputEvent struct {
	Timestamp *int64  `json:"timestamp"`
	Message   *string `json:"message"`
}

type putRequest struct {
	streamNamed
	LogEvents []inputEvent `json:"logEvents"`
	// SequenceToken is ignored, as the service ignores it.
	SequenceToken string `json:"sequenceToken"`
}

// rejected says which events of a call were not stored. Ends are exclusive, the
// start is inclusive; an absent one rejected nothing.
type rejected struct {
	Expired *int `json:"expiredLogEventEndIndex,omitempty"`
	TooNew  *int `json:"tooNewLogEventStartIndex,omitempty"`
	TooOld  *int `json:"tooOldLogEventEndIndex,omitempty"`
}

type putReply struct {
	NextSequenceToken string    `json:"nextSequenceToken"`
	Rejected          *rejected `json:"rejectedLogEventsInfo,omitempty"`
}

func (s *Service) putLogEvents(c awsjson.Caller, in *putRequest) (*putReply, error) {
	if err := checkBoth(in.LogGroupName, in.LogStreamName); err != nil {
		return nil, err
	}
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	k := keyOf(c, in.LogGroupName)
	place := Place{k.account, k.region, k.name, in.LogStreamName}
	reply, stored, err := s.store(k, place, in.LogEvents)
	if err != nil {
		return nil, err
	}
	if s.opts.OnPut != nil && len(stored) > 0 {
		events := make([]Event, len(stored))
		for i, r := range stored {
			events[i] = r.event()
		}
		s.opts.OnPut(place, events)
	}
	return reply, nil
}

// checkBatch refuses a call for what is wrong with it as a whole.
func checkBatch(events []inputEvent) error {
	switch n := len(events); {
	case n == 0:
		return constraint("'[]'", "logEvents", "Member must have length greater than or equal to 1")
	case n > maxBatchEvents:
		return constraint(fmt.Sprintf("'[%d events]'", n), "logEvents",
			fmt.Sprintf("Member must have length less than or equal to %d", maxBatchEvents))
	}
	total := 0
	for i, e := range events {
		if err := checkEvent(i, e); err != nil {
			return err
		}
		total += len(*e.Message) + eventOverhead
	}
	if total > maxBatchBytes {
		return invalidParameter("Upload too large: %d bytes exceeds limit of %d", total, maxBatchBytes)
	}
	if !slices.IsSortedFunc(events, func(a, b inputEvent) int { return cmp.Compare(*a.Timestamp, *b.Timestamp) }) {
		return invalidParameter("Log events in a single PutLogEvents request must be in chronological order.")
	}
	return nil
}

func checkEvent(i int, e inputEvent) error {
	member := func(name string) string { return fmt.Sprintf("logEvents.%d.member.%s", i+1, name) }
	switch {
	case e.Timestamp == nil:
		return constraint("null", member("timestamp"), "Member must not be null")
	case *e.Timestamp < 0:
		return constraint(fmt.Sprintf("'%d'", *e.Timestamp), member("timestamp"), "Member must have value greater than or equal to 0")
	case e.Message == nil:
		return constraint("null", member("message"), "Member must not be null")
	case *e.Message == "":
		return constraint("''", member("message"), "Member must have length greater than or equal to 1")
	}
	if size := len(*e.Message) + eventOverhead; size > maxEventBytes {
		return invalidParameter("Log event too large: %d bytes exceeds limit of %d", size, maxEventBytes)
	}
	return nil
}

// store keeps the events that are neither too old nor too new.
func (s *Service) store(k groupKey, place Place, events []inputEvent) (*putReply, []record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(k, place.Stream)
	if err != nil {
		return nil, nil, err
	}
	now := s.opts.Now()
	rej, valid := reject(events, now, s.groups[k].retention)
	if n := len(valid); n > 0 && *valid[n-1].Timestamp-*valid[0].Timestamp > maxBatchSpan.Milliseconds() {
		return nil, nil, invalidParameter("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	put := Put{Place: place, Time: now, Stored: len(valid), Rejected: len(events) - len(valid)}
	batch := s.records(st, valid, now)
	if len(batch) > 0 {
		st.note(batch)
		if !s.opts.Discard {
			st.insert(batch)
		}
	}
	for _, r := range batch {
		put.Bytes += int64(r.size())
	}
	s.puts = append(s.puts, put)
	return &putReply{NextSequenceToken: fmt.Sprintf("%056d", len(s.puts)), Rejected: rej}, batch, nil
}

// reject finds the events to leave out: those over 14 days old, those past the
// group's retention, and those over two hours ahead.
func reject(events []inputEvent, now time.Time, retentionDays int) (*rejected, []inputEvent) {
	// from is how many events are earlier than t.
	from := func(t int64) int {
		i, _ := slices.BinarySearchFunc(events, t, func(e inputEvent, t int64) int { return cmp.Compare(*e.Timestamp, t) })
		return i
	}
	var rej rejected
	lo, hi := from(now.Add(-oldest).UnixMilli()), from(now.Add(newest).UnixMilli()+1)
	if lo > 0 {
		rej.TooOld = new(lo)
	}
	if retentionDays > 0 {
		if n := from(now.AddDate(0, 0, -retentionDays).UnixMilli()); n > 0 {
			rej.Expired = new(n)
			lo = max(lo, n)
		}
	}
	if hi < len(events) {
		rej.TooNew = new(hi)
	}
	if rej == (rejected{}) {
		return nil, events
	}
	return &rej, events[lo:hi]
}

// records gives events their places in the order of readers. Those of one
// millisecond keep their order, unless they are to be odd: the service promises
// none.
func (s *Service) records(st *stream, events []inputEvent, now time.Time) []record {
	batch := make([]record, len(events))
	for i, e := range events {
		batch[i] = record{in: st, timestamp: *e.Timestamp, ingested: now.UnixMilli(), message: *e.Message}
	}
	if s.opts.Odd {
		slices.Reverse(batch)
		slices.SortStableFunc(batch, func(a, b record) int { return cmp.Compare(a.timestamp, b.timestamp) })
	}
	for i := range batch {
		s.seq++
		batch[i].seq = s.seq
	}
	return batch
}
