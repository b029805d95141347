// Package cwlogs delivers log events to CloudWatch Logs with PutLogEvents: it
// knows the service's limits, order and refusals, makes streams that are
// missing, and reads a stream back to find what it holds already.
package cwlogs

import (
	"context"
	"slices"
	"time"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// The limits of PutLogEvents (CloudWatch Logs API reference and quotas).
const (
	// maxEvents is the most events of one call.
	maxEvents = 10_000
	// maxBytes is the most that a call's events take, each counted as its
	// UTF-8 bytes and eventOverhead.
	maxBytes      = 1_048_576
	eventOverhead = 26
	// maxMessage is the largest message that fits a call.
	maxMessage = maxBytes - eventOverhead
	// maxSpan is the longest time between the first and the last event.
	maxSpan = 24 * time.Hour
)

// callTimeout bounds one call: the SDK itself sets no limit to how long it
// waits for an answer.
const callTimeout = 15 * time.Second

// client is what is called of CloudWatch Logs.
type client interface {
	PutLogEvents(context.Context, *cloudwatchlogs.PutLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutLogEventsOutput, error)
	CreateLogStream(context.Context, *cloudwatchlogs.CreateLogStreamInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogStreamOutput, error)
	GetLogEvents(context.Context, *cloudwatchlogs.GetLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.GetLogEventsOutput, error)
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
}

// Sink is the log streams of one region and account during one run, an
// export.Sink. It may be used by several goroutines.
type Sink struct {
	client client
	now    func() time.Time

	remembered lateStreams
}

// New returns a sink that delivers with c.
func New(c *cloudwatchlogs.Client, now func() time.Time) *Sink { return &Sink{client: c, now: now} }

var _ export.Sink = (*Sink)(nil)

// Limits are those of one PutLogEvents call.
func (s *Sink) Limits() export.Limits {
	return export.Limits{Events: maxEvents, Bytes: maxBytes, Span: maxSpan}
}

// Render gives the form in which an event is stored.
func (s *Sink) Render(e tenantlog.Event) export.Rendered { return render(e, s.now()) }

// Deliver stores a batch that keeps to the limits, in the order of its times.
// What is refused for its time is stored in a late stream. It returns without
// error only once everything is accepted.
func (s *Sink) Deliver(ctx context.Context, b *export.Batch) (export.Receipt, error) {
	d := delivery{Sink: s, target: b.Target}
	refused, err := d.putAll(ctx, b.Target.Stream, b.Events)
	if err == nil && len(refused) > 0 {
		err = d.late(ctx, refused)
	}
	return d.receipt, err
}

// delivery is the work on one batch.
type delivery struct {
	*Sink
	target  export.Target
	receipt export.Receipt
}

// put sends events to a stream, which it makes if need be, and returns those
// that were refused for their time; the others are stored.
func (d *delivery) put(ctx context.Context, stream string, events []export.Rendered) (refused []export.Rendered, err error) {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b export.Rendered) int { return a.Time.Compare(b.Time) })
	in := &cloudwatchlogs.PutLogEventsInput{
		LogGroupName:  aws.String(d.target.Group),
		LogStreamName: aws.String(stream),
		LogEvents:     inputEvents(events),
	}
	out, err := d.call(ctx, in)
	if isNotFound(err) {
		if err := d.createStream(ctx, stream); err != nil {
			return nil, err
		}
		out, err = d.call(ctx, in)
	}
	if err != nil {
		return nil, explainPut(err, d.target.Group, stream)
	}
	from, to := storedRange(out.RejectedLogEventsInfo, len(events))
	d.count(events[from:to])
	return append(events[:from:from], events[to:]...), nil
}

func (d *delivery) call(ctx context.Context, in *cloudwatchlogs.PutLogEventsInput) (*cloudwatchlogs.PutLogEventsOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return d.client.PutLogEvents(ctx, in, withoutRepeats, withQuickEvents)
}

func (d *delivery) count(stored []export.Rendered) {
	if len(stored) == 0 {
		return
	}
	d.receipt.Puts++
	for _, e := range stored {
		d.receipt.Bytes += int64(len(e.Message) + eventOverhead)
	}
}

func inputEvents(events []export.Rendered) []types.InputLogEvent {
	in := make([]types.InputLogEvent, len(events))
	for i, e := range events {
		in[i] = types.InputLogEvent{Message: aws.String(stringOf(e.Message)), Timestamp: aws.Int64(e.Time.UnixMilli())}
	}
	return in
}

// stringOf is b as a string without a copy. A message is not changed once it
// is rendered.
func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// storedRange is the part of a call's n events that was stored: those before
// it were too old or past the group's retention, those after it too new. The
// two ends are exclusive, the start is inclusive (API reference,
// RejectedLogEventsInfo).
func storedRange(info *types.RejectedLogEventsInfo, n int) (from, to int) {
	to = n
	if info == nil {
		return 0, n
	}
	for _, end := range []*int32{info.TooOldLogEventEndIndex, info.ExpiredLogEventEndIndex} {
		if end != nil {
			from = max(from, int(*end))
		}
	}
	if start := info.TooNewLogEventStartIndex; start != nil {
		to = int(*start)
	}
	from = min(max(from, 0), n)
	return from, min(max(to, from), n)
}

// createStream makes a log stream. One that is there already, or that somebody
// else makes at the same moment, is as good.
func (d *delivery) createStream(ctx context.Context, stream string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := d.client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{
		LogGroupName: aws.String(d.target.Group), LogStreamName: aws.String(stream),
	})
	if err == nil || isAlreadyThere(err) {
		return nil
	}
	return explainCreate(err, d.target.Group, stream)
}
