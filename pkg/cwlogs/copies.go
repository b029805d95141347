package cwlogs

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// Copies counts how often the stream, together with the late stream of their
// day, holds each of the events; those that it does not hold are left out. An
// error that wraps export.ErrCannotRead says that it cannot be known.
func (s *Sink) Copies(ctx context.Context, t export.Target, events []export.Rendered) (map[tenantlog.ID]int, error) {
	copies := make(map[tenantlog.ID]int, len(events))
	for _, e := range events {
		copies[e.ID] = 0
	}
	count := func(id tenantlog.ID) {
		if _, wanted := copies[id]; wanted {
			copies[id]++
		}
	}
	for _, stretch := range spans(events) {
		if err := s.read(ctx, t, stretch, count); err != nil {
			return nil, err
		}
	}
	for _, e := range events {
		held, err := s.heldLate(ctx, t, e)
		if err != nil {
			return nil, err
		}
		if copies[e.ID] += held; copies[e.ID] == 0 {
			delete(copies, e.ID)
		}
	}
	return copies, nil
}

// heldLate is how often the late stream of its day holds an event.
func (s *Sink) heldLate(ctx context.Context, t export.Target, e export.Rendered) (int, error) {
	day := e.Time.UTC().Format(time.DateOnly)
	held, err := s.held(ctx, export.Target{Group: t.Group, Stream: lateStream(t.Stream, day)})
	return held[hash(e.ID)], err
}

// Elsewhere finds events that the target does not hold in the other streams of
// the log group, around their dates, and names a stream for each that it finds.
// An error that wraps export.ErrNoGroup says that there is no such group.
func (s *Sink) Elsewhere(ctx context.Context, t export.Target, events []export.Rendered) (map[tenantlog.ID]string, error) {
	wanted := make(map[tenantlog.ID]bool, len(events))
	for _, e := range events {
		wanted[e.ID] = true
	}
	found := make(map[tenantlog.ID]string)
	for _, stretch := range spans(events) {
		err := s.filter(ctx, t.Group, stretch, func(stream string, id tenantlog.ID) {
			if wanted[id] {
				found[id] = stream
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// filter goes through a stretch of all streams of a group and notes the ids that
// they hold. The last page is the one without a token (API reference,
// FilterLogEvents).
func (s *Sink) filter(ctx context.Context, group string, stretch span, note func(stream string, id tenantlog.ID)) error {
	in := &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String(group),
		StartTime:    aws.Int64(stretch.first.UnixMilli()),
		EndTime:      aws.Int64(stretch.last.UnixMilli() + 1), // later than the last, whether the end counts or not
	}
	for {
		out, err := s.filterPage(ctx, in)
		if isNotFound(err) {
			return fmt.Errorf("%w: %s", export.ErrNoGroup, group)
		}
		if cannotRead(err) {
			return fmt.Errorf("%w: %s", export.ErrCannotRead, code(err))
		}
		if err != nil {
			return explain(err, "logs:FilterLogEvents", group, "(all)")
		}
		for _, e := range out.Events {
			if event, err := tenantlog.Decode([]byte(aws.ToString(e.Message))); err == nil {
				note(aws.ToString(e.LogStreamName), event.ID)
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return nil
		}
		in.NextToken = out.NextToken
	}
}

func (s *Sink) filterPage(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return s.client.FilterLogEvents(ctx, in)
}
