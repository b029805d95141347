package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
)

// logRules are those of CloudWatch Logs (CloudWatch Logs API reference).
func logRules() []rule {
	return []rule{
		{"logs/group and stream names are taken once", namesTaken},
		{"logs/put tells a missing group or stream", putMissing},
		{"logs/get tells a missing group or stream", getMissingPlace},
		{"logs/group and stream names must be well formed", placeNames},
		{"logs/retention is one of the listed days", retentionDays},
		{"logs/describe finds by prefix", describePrefix},
		{"logs/describe groups in order of their names", describeGroupOrder},
		{"logs/describe in pages of fifty", describePages},
		{"logs/put needs an event", putNothing},
		{"logs/put takes 10,000 events", putCount},
		{"logs/put takes 1,048,576 bytes with 26 an event", putBytes},
		{"logs/put takes a message of 1,048,550 bytes", putLargest},
		{"logs/put refuses an empty message", putEmptyMessage},
		{"logs/put wants chronological order", putOrder},
		{"logs/put spans 24 hours", putSpan},
		{"logs/put span is of valid events only", putSpanValid},
		{"logs/put ignores the sequence token", putSequenceToken},
		{"logs/too old ends exclusively", rejectTooOld},
		{"logs/too new starts inclusively", rejectTooNew},
		{"logs/expired ends exclusively", rejectExpired},
		{"logs/all rejected is no error", rejectAll},
		{"logs/messages come back to the byte", messagesExact},
		{"logs/get in order of time over puts", getOrder},
		{"logs/get walks pages until the token repeats", getPages},
		{"logs/get pages hold 1 MB", getPageBytes},
		{"logs/get start is inclusive", getStart},
		{"logs/get end is exclusive", getEnd},
		{"logs/get refuses an invalid token", getToken},
		{"logs/filter finds streams by name", filterNames},
		{"logs/filter finds streams by prefix", filterPrefix},
		{"logs/filter mixes streams in order of time", filterOrder},
		{"logs/filter start and end are inclusive", filterSpan},
		{"logs/infrequent access cannot be read", infrequentAccess},
	}
}

// logPlace is one rule's log group and the stream "main" in it.
type logPlace struct {
	t     *testing.T
	logs  *cloudwatchlogs.Client
	group string
}

const mainStream = "main"

// emptyPlace names a group that does not exist yet.
func emptyPlace(t *testing.T, target Target) *logPlace {
	p := &logPlace{t: t, logs: target.Logs, group: target.unique(t)}
	t.Cleanup(func() {
		_, err := p.logs.DeleteLogGroup(context.Background(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &p.group})
		if code(err) != "" && code(err) != "ResourceNotFoundException" {
			t.Errorf("clean up: %v", err)
		}
	})
	return p
}

func placeOf(t *testing.T, target Target) *logPlace {
	t.Helper()
	p := emptyPlace(t, target)
	noError(t, p.createGroup(""))
	noError(t, p.createStream(mainStream))
	return p
}

func (p *logPlace) createGroup(class types.LogGroupClass) error {
	_, err := p.logs.CreateLogGroup(p.t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &p.group, LogGroupClass: class})
	return err
}

func (p *logPlace) createStream(name string) error {
	_, err := p.logs.CreateLogStream(p.t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &p.group, LogStreamName: &name})
	return err
}

func (p *logPlace) putTo(stream string, events ...types.InputLogEvent) (*types.RejectedLogEventsInfo, error) {
	out, err := p.logs.PutLogEvents(p.t.Context(), &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &p.group, LogStreamName: &stream, LogEvents: events,
	})
	if err != nil {
		return nil, err
	}
	return out.RejectedLogEventsInfo, nil
}

func (p *logPlace) put(events ...types.InputLogEvent) (*types.RejectedLogEventsInfo, error) {
	return p.putTo(mainStream, events...)
}

// mustPut puts events of which none may be rejected.
func (p *logPlace) mustPut(stream string, events ...types.InputLogEvent) {
	p.t.Helper()
	rejected, err := p.putTo(stream, events...)
	noError(p.t, err)
	if rejected != nil {
		p.t.Fatalf("put rejected %s", indexes(rejected))
	}
}

func event(at time.Time, message string) types.InputLogEvent {
	return types.InputLogEvent{Timestamp: aws.Int64(at.UnixMilli()), Message: &message}
}

// hourAgo is a time that no limit is near to, in whole milliseconds.
func hourAgo() time.Time { return time.Now().Add(-time.Hour).Truncate(time.Millisecond) }

// indexes words which events of a call were rejected.
func indexes(r *types.RejectedLogEventsInfo) string {
	if r == nil {
		return "none"
	}
	var parts []string
	for _, i := range []struct {
		name  string
		index *int32
	}{{"old", r.TooOldLogEventEndIndex}, {"expired", r.ExpiredLogEventEndIndex}, {"new", r.TooNewLogEventStartIndex}} {
		if i.index != nil {
			parts = append(parts, fmt.Sprintf("%s %d", i.name, *i.index))
		}
	}
	return strings.Join(parts, ", ")
}

// read walks the stream from its head, over empty pages, until the token
// repeats.
func (p *logPlace) read(ctx context.Context, change func(*cloudwatchlogs.GetLogEventsInput)) ([]types.OutputLogEvent, error) {
	in := &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: &p.group, LogStreamName: aws.String(mainStream), StartFromHead: aws.Bool(true),
	}
	change(in)
	var all []types.OutputLogEvent
	for {
		out, err := p.logs.GetLogEvents(ctx, in)
		if err != nil {
			return nil, err
		}
		if in.Limit != nil && len(out.Events) > int(*in.Limit) {
			return nil, fmt.Errorf("page of %d events, want %d at most", len(out.Events), *in.Limit)
		}
		all = append(all, out.Events...)
		if aws.ToString(in.NextToken) == aws.ToString(out.NextForwardToken) {
			return all, nil
		}
		in.NextToken = out.NextForwardToken
	}
}

// wantRead waits until the stream reads as messages.
func (p *logPlace) wantRead(change func(*cloudwatchlogs.GetLogEventsInput), want ...string) {
	p.t.Helper()
	eventually(p.t, func(ctx context.Context) string {
		events, err := p.read(ctx, change)
		if err != nil {
			return err.Error()
		}
		var got []string
		for _, e := range events {
			got = append(got, *e.Message)
		}
		return cmp.Diff(want, got)
	})
}

func plainly(*cloudwatchlogs.GetLogEventsInput) {}

func namesTaken(t *testing.T, target Target) {
	p := placeOf(t, target)
	wantCode(t, p.createGroup(""), "ResourceAlreadyExistsException")
	wantCode(t, p.createStream(mainStream), "ResourceAlreadyExistsException")
}

// wantNotFound checks that a call fails first for want of the group and then,
// once there is one, of the stream.
func (p *logPlace) wantNotFound(call func() error) {
	p.t.Helper()
	wantMissing := func(what string) {
		p.t.Helper()
		err := call()
		wantCode(p.t, err, "ResourceNotFoundException")
		if text := "The specified log " + what + " does not exist"; err != nil && !strings.Contains(err.Error(), text) {
			p.t.Errorf("got error %q, want text %q", err, text)
		}
	}
	wantMissing("group")
	noError(p.t, p.createGroup(""))
	wantMissing("stream")
}

func putMissing(t *testing.T, target Target) {
	p := emptyPlace(t, target)
	wantCode(t, p.createStream(mainStream), "ResourceNotFoundException")
	p.wantNotFound(func() error {
		_, err := p.put(event(hourAgo(), "x"))
		return err
	})
}

func getMissingPlace(t *testing.T, target Target) {
	p := emptyPlace(t, target)
	p.wantNotFound(func() error {
		_, err := p.read(t.Context(), plainly)
		return err
	})
}

func placeNames(t *testing.T, target Target) {
	p := placeOf(t, target)
	for _, name := range []string{"with:colon", "with*star", strings.Repeat("x", 513)} {
		if err := p.createStream(name); code(err) != "InvalidParameterException" {
			t.Errorf("stream %.20q: got error %v, want InvalidParameterException", name, err)
		}
	}
	noError(t, p.createStream("with space, \u00fc and /"))
	for _, name := range []string{"with space", "with:colon", strings.Repeat("x", 513)} {
		bad := &logPlace{t: t, logs: p.logs, group: name}
		if err := bad.createGroup(""); code(err) != "InvalidParameterException" {
			t.Errorf("group %.20q: got error %v, want InvalidParameterException", name, err)
		}
	}
}

func (p *logPlace) retain(days int32) error {
	_, err := p.logs.PutRetentionPolicy(p.t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &p.group, RetentionInDays: &days})
	return err
}

func retentionDays(t *testing.T, target Target) {
	p := placeOf(t, target)
	wantCode(t, p.retain(8), "InvalidParameterException")
	noError(t, p.retain(7))
	eventually(t, func(ctx context.Context) string {
		out, err := p.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &p.group})
		if err != nil {
			return err.Error()
		}
		if len(out.LogGroups) != 1 {
			return fmt.Sprintf("%d groups, want 1", len(out.LogGroups))
		}
		return cmp.Diff(int32(7), aws.ToInt32(out.LogGroups[0].RetentionInDays))
	})
}

// wantStreams waits until the group's streams with a prefix are those named.
func (p *logPlace) wantStreams(prefix string, want ...string) {
	p.t.Helper()
	eventually(p.t, func(ctx context.Context) string {
		var got []string
		pages := cloudwatchlogs.NewDescribeLogStreamsPaginator(p.logs, &cloudwatchlogs.DescribeLogStreamsInput{
			LogGroupName: &p.group, LogStreamNamePrefix: &prefix,
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err.Error()
			}
			if len(page.LogStreams) > 50 {
				return fmt.Sprintf("page of %d streams, want 50 at most", len(page.LogStreams))
			}
			for _, s := range page.LogStreams {
				got = append(got, *s.LogStreamName)
			}
		}
		return cmp.Diff(want, got)
	})
}

func describePrefix(t *testing.T, target Target) {
	p := placeOf(t, target)
	noError(t, p.createStream("acme-2"))
	noError(t, p.createStream("acme"))
	p.wantStreams("acme", "acme", "acme-2")
	p.wantStreams("acme-", "acme-2")
}

// describeGroupOrder: of the groups that begin with a name, it is the first
// itself.
func describeGroupOrder(t *testing.T, target Target) {
	p := placeOf(t, target)
	for _, end := range []string{"-2", "/x"} {
		name := p.group + end
		_, err := p.logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name})
		noError(t, err)
		t.Cleanup(func() {
			_, err := p.logs.DeleteLogGroup(context.Background(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &name})
			noError(t, err)
		})
	}
	eventually(t, func(ctx context.Context) string {
		out, err := p.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &p.group, Limit: aws.Int32(1)})
		if err != nil {
			return err.Error()
		}
		if len(out.LogGroups) != 1 {
			return fmt.Sprintf("%d groups, want 1", len(out.LogGroups))
		}
		return cmp.Diff(p.group, *out.LogGroups[0].LogGroupName)
	})
}

func describePages(t *testing.T, target Target) {
	p := placeOf(t, target)
	var want []string
	for i := range 52 {
		name := fmt.Sprintf("s%02d", i)
		want = append(want, name)
		noError(t, p.createStream(name))
	}
	p.wantStreams("s", want...)
}

func putNothing(t *testing.T, target Target) {
	p := placeOf(t, target)
	_, err := p.logs.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &p.group, LogStreamName: aws.String(mainStream), LogEvents: []types.InputLogEvent{},
	})
	wantCode(t, err, "InvalidParameterException")
}

func putCount(t *testing.T, target Target) {
	p := placeOf(t, target)
	most := slices.Repeat([]types.InputLogEvent{event(hourAgo(), "x")}, 10_000)
	p.mustPut(mainStream, most...)
	_, err := p.put(append(most, most[0])...)
	wantCode(t, err, "InvalidParameterException")
}

func putBytes(t *testing.T, target Target) {
	p := placeOf(t, target)
	// Two bytes a character: it is bytes that count.
	full := slices.Repeat([]types.InputLogEvent{event(hourAgo(), strings.Repeat("\u00fc", 499))}, 1024)
	p.mustPut(mainStream, full...)
	full[0] = event(hourAgo(), *full[0].Message+"x")
	full[0].Timestamp = full[1].Timestamp
	_, err := p.put(full...)
	wantCode(t, err, "InvalidParameterException")
}

func putLargest(t *testing.T, target Target) {
	p := placeOf(t, target)
	largest := strings.Repeat("x", 1_048_550)
	p.mustPut(mainStream, event(hourAgo(), largest))
	_, err := p.put(event(hourAgo(), largest+"x"))
	wantCode(t, err, "InvalidParameterException")
}

func putEmptyMessage(t *testing.T, target Target) {
	p := placeOf(t, target)
	_, err := p.put(event(hourAgo(), "x"), event(hourAgo().Add(time.Minute), ""))
	wantCode(t, err, "InvalidParameterException")
	p.wantRead(plainly)
}

func putOrder(t *testing.T, target Target) {
	p := placeOf(t, target)
	at := hourAgo()
	p.mustPut(mainStream, event(at, "x"), event(at, "y"))
	_, err := p.put(event(at, "x"), event(at.Add(-time.Millisecond), "y"))
	wantCode(t, err, "InvalidParameterException")
}

func putSpan(t *testing.T, target Target) {
	p := placeOf(t, target)
	at := hourAgo()
	dayBefore := at.Add(-24 * time.Hour)
	p.mustPut(mainStream, event(dayBefore, "x"), event(at, "y"))
	_, err := p.put(event(dayBefore, "x"), event(at.Add(time.Millisecond), "y"))
	wantCode(t, err, "InvalidParameterException")
}

func putSpanValid(t *testing.T, target Target) {
	p := placeOf(t, target)
	at := hourAgo()
	rejected, err := p.put(event(at.AddDate(0, 0, -20), "old"), event(at, "x"), event(at.AddDate(0, 0, 1), "new"))
	noError(t, err)
	if diff := cmp.Diff("old 1, new 2", indexes(rejected)); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	p.wantRead(plainly, "x")
}

func putSequenceToken(t *testing.T, target Target) {
	p := placeOf(t, target)
	_, err := p.logs.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &p.group, LogStreamName: aws.String(mainStream), SequenceToken: aws.String("of no use"),
		LogEvents: []types.InputLogEvent{event(hourAgo(), "x")},
	})
	noError(t, err)
}

// limitMargin keeps events clear of a limit that moves with the clock.
const limitMargin = 10 * time.Minute

func rejectTooOld(t *testing.T, target Target) {
	p := placeOf(t, target)
	limit := time.Now().AddDate(0, 0, -14)
	rejected, err := p.put(
		event(limit.Add(-2*limitMargin), "a"), event(limit.Add(-limitMargin), "b"), event(limit.Add(limitMargin), "c"))
	noError(t, err)
	if diff := cmp.Diff("old 2", indexes(rejected)); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	p.wantRead(plainly, "c")
}

func rejectTooNew(t *testing.T, target Target) {
	p := placeOf(t, target)
	limit := time.Now().Add(2 * time.Hour)
	rejected, err := p.put(
		event(limit.Add(-limitMargin), "a"), event(limit.Add(limitMargin), "b"), event(limit.Add(2*limitMargin), "c"))
	noError(t, err)
	if diff := cmp.Diff("new 1", indexes(rejected)); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	p.wantRead(plainly, "a")
}

func rejectExpired(t *testing.T, target Target) {
	p := placeOf(t, target)
	noError(t, p.retain(7))
	limit := time.Now().AddDate(0, 0, -7)
	rejected, err := p.put(
		event(limit.Add(-2*limitMargin), "a"), event(limit.Add(-limitMargin), "b"), event(limit.Add(limitMargin), "c"))
	noError(t, err)
	if diff := cmp.Diff("expired 2", indexes(rejected)); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	p.wantRead(plainly, "c")
}

func rejectAll(t *testing.T, target Target) {
	p := placeOf(t, target)
	rejected, err := p.put(event(time.Now().AddDate(0, 0, -20), "a"))
	noError(t, err)
	if diff := cmp.Diff("old 1", indexes(rejected)); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
}

func messagesExact(t *testing.T, target Target) {
	p := placeOf(t, target)
	at := hourAgo()
	messages := []string{`{"a":1.0,"b":"\u003c<&>"}`, "two\nlines\r\n", "quotes \" and \\", "\u00fc \u65e5\u672c \U0001f642", "\u2028 \x01 \x7f", " "}
	var events []types.InputLogEvent
	for i, m := range messages {
		events = append(events, event(at.Add(time.Duration(i)*time.Second), m))
	}
	p.mustPut(mainStream, events...)
	p.wantRead(plainly, messages...)
}

func getOrder(t *testing.T, target Target) {
	p := placeOf(t, target)
	at := hourAgo()
	p.mustPut(mainStream, event(at.Add(2*time.Second), "c"), event(at.Add(4*time.Second), "e"))
	p.mustPut(mainStream, event(at.Add(time.Second), "b"), event(at.Add(3*time.Second), "d"), event(at.Add(5*time.Second), "f"))
	p.mustPut(mainStream, event(at, "a"))
	p.wantRead(plainly, "a", "b", "c", "d", "e", "f")
}

func getPages(t *testing.T, target Target) {
	p := placeOf(t, target)
	at := hourAgo()
	var events []types.InputLogEvent
	var want []string
	for i := range 25 {
		want = append(want, fmt.Sprint("event ", i))
		events = append(events, event(at.Add(time.Duration(i)*time.Second), want[i]))
	}
	p.mustPut(mainStream, events...)
	p.wantRead(func(in *cloudwatchlogs.GetLogEventsInput) { in.Limit = aws.Int32(10) }, want...)
}

func getPageBytes(t *testing.T, target Target) {
	p := placeOf(t, target)
	at := hourAgo()
	const each = 400_000
	for i := range 4 {
		p.mustPut(mainStream, event(at.Add(time.Duration(i)*time.Second), strings.Repeat(fmt.Sprint(i), each)))
	}
	eventually(t, func(ctx context.Context) string {
		in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: &p.group, LogStreamName: aws.String(mainStream), StartFromHead: aws.Bool(true)}
		pages := cloudwatchlogs.NewGetLogEventsPaginator(p.logs, in, func(o *cloudwatchlogs.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true })
		got := 0
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err.Error()
			}
			if len(page.Events)*each > 1<<20 {
				return fmt.Sprintf("page of %d bytes of messages, want 1 MB at most", len(page.Events)*each)
			}
			got += len(page.Events)
		}
		return cmp.Diff(4, got)
	})
}

// putRow puts events one millisecond apart, with these messages.
func (p *logPlace) putRow(at time.Time, messages ...string) {
	p.t.Helper()
	var events []types.InputLogEvent
	for i, m := range messages {
		events = append(events, event(at.Add(time.Duration(i)*time.Millisecond), m))
	}
	p.mustPut(mainStream, events...)
}

func getStart(t *testing.T, target Target) {
	p := placeOf(t, target)
	at := hourAgo()
	p.putRow(at, "a", "b", "c")
	p.wantRead(func(in *cloudwatchlogs.GetLogEventsInput) { in.StartTime = aws.Int64(at.UnixMilli() + 1) }, "b", "c")
}

func getEnd(t *testing.T, target Target) {
	p := placeOf(t, target)
	at := hourAgo()
	p.putRow(at, "a", "b", "c")
	p.wantRead(func(in *cloudwatchlogs.GetLogEventsInput) { in.EndTime = aws.Int64(at.UnixMilli() + 2) }, "a", "b")
}

func getToken(t *testing.T, target Target) {
	p := placeOf(t, target)
	_, err := p.read(t.Context(), func(in *cloudwatchlogs.GetLogEventsInput) { in.NextToken = aws.String("no token") })
	wantCode(t, err, "InvalidParameterException")
}

// wantFiltered waits until all pages of FilterLogEvents are of these events,
// each as STREAM/MESSAGE.
func (p *logPlace) wantFiltered(in cloudwatchlogs.FilterLogEventsInput, want ...string) {
	p.t.Helper()
	eventually(p.t, func(ctx context.Context) string {
		in.LogGroupName, in.NextToken = &p.group, nil
		var got []string
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(p.logs, &in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err.Error()
			}
			for _, e := range page.Events {
				got = append(got, *e.LogStreamName+"/"+*e.Message)
			}
		}
		return cmp.Diff(want, got)
	})
}

// putStreams puts events a to f, a second apart, to three streams.
func (p *logPlace) putStreams() {
	p.t.Helper()
	at := hourAgo()
	noError(p.t, p.createStream("other"))
	noError(p.t, p.createStream("third"))
	p.mustPut(mainStream, event(at, "a"), event(at.Add(2*time.Second), "c"), event(at.Add(4*time.Second), "e"))
	p.mustPut("other", event(at.Add(time.Second), "b"), event(at.Add(3*time.Second), "d"))
	p.mustPut("third", event(at.Add(5*time.Second), "f"))
}

func filterNames(t *testing.T, target Target) {
	p := placeOf(t, target)
	p.putStreams()
	p.wantFiltered(cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"other", "third"}}, "other/b", "other/d", "third/f")
}

func filterPrefix(t *testing.T, target Target) {
	p := placeOf(t, target)
	p.putStreams()
	p.wantFiltered(cloudwatchlogs.FilterLogEventsInput{LogStreamNamePrefix: aws.String("ma")}, "main/a", "main/c", "main/e")
}

func filterOrder(t *testing.T, target Target) {
	p := placeOf(t, target)
	p.putStreams()
	p.wantFiltered(cloudwatchlogs.FilterLogEventsInput{Limit: aws.Int32(2)}, "main/a", "other/b", "main/c", "other/d", "main/e", "third/f")
}

func filterSpan(t *testing.T, target Target) {
	p := placeOf(t, target)
	at := hourAgo()
	p.putRow(at, "a", "b", "c", "d")
	p.wantFiltered(cloudwatchlogs.FilterLogEventsInput{
		StartTime: aws.Int64(at.UnixMilli() + 1), EndTime: aws.Int64(at.UnixMilli() + 2),
	}, "main/b", "main/c")
}

func infrequentAccess(t *testing.T, target Target) {
	p := emptyPlace(t, target)
	noError(t, p.createGroup(types.LogGroupClassInfrequentAccess))
	noError(t, p.createStream(mainStream))
	p.mustPut(mainStream, event(hourAgo(), "x"))
	_, err := p.read(t.Context(), plainly)
	wantCode(t, err, "InvalidOperationException")
	_, err = p.logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &p.group})
	wantCode(t, err, "InvalidOperationException")
}
