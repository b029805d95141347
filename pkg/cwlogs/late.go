package cwlogs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// lateStream is where events of a UTC day go that their own stream refused for
// their time.
func lateStream(stream, day string) string { return stream + "-late-" + day }

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
		d.warn("%s may not be made: events that %s refuses for their time are stored there with the time of their export", stream, d.target.Stream)
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
	doubtful := slices.DeleteFunc(slices.Clone(events), func(e export.Rendered) bool { return !e.Doubtful })
	if len(doubtful) == 0 {
		return events, nil
	}
	// A late stream's times are those of its exports: all of it is read.
	found, err := d.read(ctx, export.Target{Group: d.target.Group, Stream: stream}, span{}, ids(doubtful))
	if errors.Is(err, export.ErrCannotRead) {
		d.warn("%s cannot be read back: events that it may hold are stored again", stream)
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(events), func(e export.Rendered) bool {
		if found[e.ID] {
			d.receipt.Present = append(d.receipt.Present, e.ID)
		}
		return found[e.ID]
	}), nil
}
