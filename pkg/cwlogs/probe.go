package cwlogs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// describer is what a Probe calls of CloudWatch Logs beside what a Sink does.
type describer interface {
	client
	DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
	DescribeLogStreams(context.Context, *cloudwatchlogs.DescribeLogStreamsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogStreamsOutput, error)
}

// Probe looks at a log group and its streams, and tries to write to one. Its
// errors are *export.Error; one that wraps export.ErrCannotRead says that a look
// is not permitted.
type Probe struct {
	client describer
	sink   *Sink
}

// NewProbe returns a probe that calls by c.
func NewProbe(c *cloudwatchlogs.Client, now func() time.Time) *Probe {
	return &Probe{client: c, sink: New(c, now)}
}

// Group finds the log group with exactly this name; that there is none is an
// error. about says how it is set up, and limits what a group of its class lacks
// that the export uses: "" for nothing.
func (p *Probe) Group(ctx context.Context, name string) (about, limits string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	// Groups come in the order of their names: of those that begin with this
	// name, it is the first itself.
	out, err := p.client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String(name), Limit: aws.Int32(1)})
	switch {
	case err != nil:
		return "", "", unseen(err, "logs:DescribeLogGroups", name, "*")
	case len(out.LogGroups) == 0 || aws.ToString(out.LogGroups[0].LogGroupName) != name:
		return "", "", noGroup(name, nil)
	}
	g := out.LogGroups[0]
	class := cmp.Or(g.LogGroupClass, types.LogGroupClassStandard)
	about = fmt.Sprintf("class %s, keeps events for ever", class)
	if days := aws.ToInt32(g.RetentionInDays); days > 0 {
		about = fmt.Sprintf("class %s, keeps events for %s", class, words.Count(int(days), "day"))
	}
	if class != types.LogGroupClassStandard {
		limits = fmt.Sprintf("In a group of class %s nothing can be looked up, so that after a run that did not end well events may be stored twice; "+
			"it has no metric filters and no field indexes, and its class cannot be changed.", class)
	}
	return about, limits, nil
}

// Stream finds the log stream with exactly this name. A log group that is not
// there is an error.
func (p *Probe) Stream(ctx context.Context, t export.Target) (ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := p.client.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{
		LogGroupName: aws.String(t.Group), LogStreamNamePrefix: aws.String(t.Stream), Limit: aws.Int32(1),
	})
	switch {
	case isNotFound(err):
		return false, noGroup(t.Group, err)
	case err != nil:
		return false, unseen(err, "logs:DescribeLogStreams", t.Group, t.Stream)
	}
	for _, s := range out.LogStreams {
		if aws.ToString(s.LogStreamName) == t.Stream {
			return true, nil
		}
	}
	return false, nil
}

// unseen puts a failed look into words.
func unseen(err error, action, group, stream string) error {
	if !isNotAllowed(err) {
		return explain(err, action, group, stream)
	}
	return &export.Error{Kind: export.KindPermission, Err: export.ErrCannotRead, Text: fmt.Sprintf("%s is not allowed, so that it cannot be looked at.", action),
		Fix: "none is needed for the export; to see it here, allow the call to the function's role, or to the keys or the role that the settings name."}
}

// Write stores a message with a time, in a stream that it makes if need be.
// mayNotCreate says that it is this which is not allowed.
func (p *Probe) Write(ctx context.Context, t export.Target, at time.Time, message []byte) (mayNotCreate bool, err error) {
	d := delivery{Sink: p.sink, target: t}
	refused, err := d.put(ctx, t.Stream, []export.Rendered{{Time: at, Message: message}})
	if err != nil {
		op, ok := errors.AsType[*smithy.OperationError](err)
		return ok && op.Operation() == "CreateLogStream" && isNotAllowed(err), err
	}
	if len(refused) > 0 {
		return false, &export.Error{Kind: export.KindDelivery, Text: fmt.Sprintf("CloudWatch Logs does not take an event of the present time for log group %s.", t.Group),
			Fix: "look at the log group's retention, and at the link clock."}
	}
	return false, nil
}

// rereadEvery is the pause before a stream is read again for what is not
// readable yet.
const rereadEvery = 500 * time.Millisecond

// Read waits for a message that was stored with a time, as long as ctx allows;
// ok is false where it does not show. The error wraps export.ErrCannotRead where
// the stream may not or cannot be read.
func (p *Probe) Read(ctx context.Context, t export.Target, at time.Time, message []byte) (ok bool, err error) {
	for {
		ok, err := p.look(ctx, t, at, string(message))
		if ok || err != nil && ctx.Err() == nil {
			return ok, err
		}
		timer := time.NewTimer(rereadEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false, nil
		}
	}
}

// look reads the stream once.
func (p *Probe) look(ctx context.Context, t export.Target, at time.Time, message string) (ok bool, err error) {
	in := &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String(t.Group), LogStreamName: aws.String(t.Stream), StartFromHead: aws.Bool(true),
		StartTime: aws.Int64(at.UnixMilli()), EndTime: aws.Int64(at.UnixMilli() + 1), // exclusive
	}
	for {
		out, err := p.sink.getPage(ctx, in)
		switch {
		case cannotRead(err):
			return false, fmt.Errorf("%w: %s", export.ErrCannotRead, code(err))
		case isNotFound(err): // a stream just made may not be seen yet
			return false, nil
		case err != nil:
			return false, explainRead(err, t.Group, t.Stream)
		}
		for _, e := range out.Events {
			if aws.ToString(e.Message) == message {
				return true, nil
			}
		}
		if aws.ToString(out.NextForwardToken) == aws.ToString(in.NextToken) {
			return false, nil
		}
		in.NextToken = out.NextForwardToken
	}
}
