package cwlogs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// jump is how far apart two dates must be for what lies between not to be
// read.
const jump = 10 * time.Minute

// span is a stretch of a log stream; the zero span is all of it.
type span struct{ first, last time.Time }

// Find tells which of the events the stream, or the late stream of their day,
// holds already, by their ids. It reads the stretches of the stream around the
// events' dates. A stream that is not there holds nothing.
func (s *Sink) Find(ctx context.Context, t export.Target, events []export.Rendered) (map[tenantlog.ID]bool, error) {
	wanted := make(map[tenantlog.ID]bool, len(events))
	for _, e := range events {
		wanted[e.ID] = true
	}
	found := make(map[tenantlog.ID]bool)
	note := func(id tenantlog.ID) {
		if wanted[id] {
			found[id] = true
		}
	}
	for _, stretch := range spans(events) {
		if err := s.read(ctx, t, stretch, note); err != nil {
			return nil, err
		}
	}
	return found, s.findLate(ctx, t, events, found)
}

// findLate adds to what was found the events that their late streams hold.
func (s *Sink) findLate(ctx context.Context, t export.Target, events []export.Rendered, found map[tenantlog.ID]bool) error {
	for _, e := range events {
		if found[e.ID] {
			continue
		}
		held, err := s.heldLate(ctx, t, e)
		if err != nil {
			return err
		}
		if held > 0 {
			found[e.ID] = true
		}
	}
	return nil
}

// spans covers the events' times, split where they jump.
func spans(events []export.Rendered) []span {
	times := make([]time.Time, len(events))
	for i, e := range events {
		times[i] = e.Time
	}
	slices.SortFunc(times, time.Time.Compare)
	var all []span
	for _, t := range times {
		if n := len(all); n > 0 && t.Sub(all[n-1].last) <= jump {
			all[n-1].last = t
			continue
		}
		all = append(all, span{t, t})
	}
	return all
}

// read goes through a stretch of a stream and notes the ids that it holds. A
// page may be empty and not be the last: the end is where the token repeats
// (API reference, GetLogEvents).
func (s *Sink) read(ctx context.Context, t export.Target, stretch span, note func(tenantlog.ID)) error {
	in := &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String(t.Group), LogStreamName: aws.String(t.Stream), StartFromHead: aws.Bool(true),
	}
	if stretch != (span{}) {
		in.StartTime = aws.Int64(stretch.first.UnixMilli())
		in.EndTime = aws.Int64(stretch.last.UnixMilli() + 1) // exclusive
	}
	for {
		out, err := s.getPage(ctx, in)
		if isNotFound(err) {
			return nil
		}
		if cannotRead(err) {
			return fmt.Errorf("%w: %s", export.ErrCannotRead, code(err))
		}
		if err != nil {
			return explainRead(err, t.Group, t.Stream)
		}
		for _, e := range out.Events {
			// What is not of our making may have no id.
			if event, err := tenantlog.Decode([]byte(aws.ToString(e.Message))); err == nil {
				note(event.ID)
			}
		}
		if aws.ToString(out.NextForwardToken) == aws.ToString(in.NextToken) {
			return nil
		}
		in.NextToken = out.NextForwardToken
	}
}

func (s *Sink) getPage(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput) (*cloudwatchlogs.GetLogEventsOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return s.client.GetLogEvents(ctx, in)
}
