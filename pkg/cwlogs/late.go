package cwlogs

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// lateStream is where events of a UTC day go that their own stream refused for
// their time.
func lateStream(stream, day string) string { return stream + lateInfix + day }

const lateInfix = "-late-"

// IsLateStream reports whether a name, in which {date} may stand for a day, is
// that of a late stream: what else is put there would count as the late events
// of another stream.
func IsLateStream(name string) bool {
	i := strings.LastIndex(name, lateInfix)
	if i < 0 {
		return false
	}
	day := name[i+len(lateInfix):]
	_, err := time.Parse(time.DateOnly, day)
	return err == nil || day == "{date}"
}

// late stores refused events with the time of now; their own date is in their
// message. Each goes to the late stream of its day, or, where that may not be
// made, to the main stream.
func (d *delivery) late(ctx context.Context, refused []export.Rendered) error {
	byDay := make(map[string][]export.Rendered)
	for _, e := range refused {
		day := e.Time.UTC().Format(time.DateOnly)
		byDay[day] = append(byDay[day], e)
	}
	for _, day := range slices.Sorted(maps.Keys(byDay)) {
		if err := d.lateDay(ctx, lateStream(d.target.Stream, day), byDay[day]); err != nil {
			return err
		}
	}
	return nil
}

func (d *delivery) lateDay(ctx context.Context, stream string, events []export.Rendered) error {
	events, err := d.notIn(ctx, stream, events)
	if err != nil || len(events) == 0 {
		return err
	}
	now := d.now()
	for i := range events {
		events[i].Time = now
	}
	refused, err := d.putAll(ctx, stream, events)
	if isNotAllowed(err) {
		d.warn("%s may not be made: events that %s refuses for their time are stored there with the time of their export, where a replay does not find them", stream, d.target.Stream)
		refused, err = d.putAll(ctx, d.target.Stream, events)
	}
	if err != nil {
		return err
	}
	if len(refused) > 0 {
		return &export.Error{Kind: export.KindDelivery, Text: fmt.Sprintf("CloudWatch Logs refuses log events dated now for %s.", stream),
			Fix: "check that the function's clock is right."}
	}
	for _, e := range events {
		d.receipt.Late = append(d.receipt.Late, e.ID)
	}
	return nil
}

// notIn leaves out the doubtful events that a late stream holds already.
func (d *delivery) notIn(ctx context.Context, stream string, events []export.Rendered) ([]export.Rendered, error) {
	if !slices.ContainsFunc(events, func(e export.Rendered) bool { return e.Doubtful }) {
		return events, nil
	}
	held, err := d.held(ctx, export.Target{Group: d.target.Group, Stream: stream})
	if errors.Is(err, export.ErrCannotRead) {
		d.warn("%s cannot be read back: events that it may hold are stored again", stream)
		return events, nil
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(events), func(e export.Rendered) bool {
		found := e.Doubtful && held[hash(e.ID)] > 0
		if found {
			d.receipt.Present = append(d.receipt.Present, e.ID)
		}
		return found
	}), nil
}

// maxHeld is how many late streams are remembered: events come in the order of
// their ids, so days follow each other.
const maxHeld = 3

// lateStreams remembers what late streams hold, by the hashes of the ids. The
// times in such a stream are those of exports, so that all of it has to be
// read to find one event: it is read once.
type lateStreams struct {
	mu   sync.Mutex
	held []heldStream
}

type heldStream struct {
	target export.Target
	ids    map[uint64]int // how often, by the ids' hashes
}

var seed = maphash.MakeSeed()

func hash(id tenantlog.ID) uint64 { return maphash.String(seed, string(id)) }

// held is what a late stream held before this sink put anything into it.
func (s *Sink) held(ctx context.Context, t export.Target) (map[uint64]int, error) {
	s.remembered.mu.Lock()
	defer s.remembered.mu.Unlock()
	for _, h := range s.remembered.held {
		if h.target == t {
			return h.ids, nil
		}
	}
	ids := make(map[uint64]int)
	if err := s.read(ctx, t, span{}, func(id tenantlog.ID) { ids[hash(id)]++ }); err != nil {
		return nil, err
	}
	s.remembered.held = append(s.remembered.held, heldStream{t, ids})
	if len(s.remembered.held) > maxHeld {
		s.remembered.held = slices.Delete(s.remembered.held, 0, 1)
	}
	return ids, nil
}
