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

// Find tells which of the events the stream holds already, by their ids. It
// reads the stretches of the stream around the events' dates. A stream that
// is not there holds nothing.
func (s *Sink) Find(ctx context.Context, t export.Target, events []export.Rendered) (map[tenantlog.ID]bool, error) {
	wanted := ids(events)
	found := make(map[tenantlog.ID]bool)
	for _, stretch := range spans(events) {
		some, err := s.read(ctx, t, stretch, wanted)
		if err != nil {
			return nil, err
		}
		for id := range some {
			found[id] = true
		}
	}
	return found, nil
}

func ids(events []export.Rendered) map[tenantlog.ID]bool {
	wanted := make(map[tenantlog.ID]bool, len(events))
	for _, e := range events {
		wanted[e.ID] = true
	}
	return wanted
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

// read goes through a stretch of a stream and returns which of the wanted ids
// it holds. A page may be empty and not be the last: the end is where the
// token repeats (API reference, GetLogEvents).
func (s *Sink) read(ctx context.Context, t export.Target, stretch span, wanted map[tenantlog.ID]bool) (map[tenantlog.ID]bool, error) {
	in := &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String(t.Group), LogStreamName: aws.String(t.Stream), StartFromHead: aws.Bool(true),
	}
	if stretch != (span{}) {
		in.StartTime = aws.Int64(stretch.first.UnixMilli())
		in.EndTime = aws.Int64(stretch.last.UnixMilli() + 1) // exclusive
	}
	found := make(map[tenantlog.ID]bool)
	for {
		out, err := s.getPage(ctx, in)
		if isNotFound(err) {
			return found, nil
		}
		if cannotRead(err) {
			return nil, fmt.Errorf("%w: %s", export.ErrCannotRead, code(err))
		}
		if err != nil {
			return nil, explainRead(err, t.Group, t.Stream)
		}
		for _, e := range out.Events {
			// What is not of our making has no log_id that is wanted.
			if event, err := tenantlog.Decode([]byte(aws.ToString(e.Message))); err == nil && wanted[event.ID] {
				found[event.ID] = true
			}
		}
		if aws.ToString(out.NextForwardToken) == aws.ToString(in.NextToken) {
			return found, nil
		}
		in.NextToken = out.NextForwardToken
	}
}

func (s *Sink) getPage(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput) (*cloudwatchlogs.GetLogEventsOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return s.client.GetLogEvents(ctx, in)
}
