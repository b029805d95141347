package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	diff "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

// The rules that hold at any time are in package conformance; here is what
// needs a clock, the service's own methods, or its options.

// stack is a service with its keys, and a clock that is set by hand.
type stack struct {
	*Service
	keys awsjson.Keys
	url  string
	now  time.Time
}

// home is the stream that newStack makes.
var home = Place{Group: "group", Stream: "stream"}

func newStack(t *testing.T, opts Options) *stack {
	s := &stack{now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	opts.Now = func() time.Time { return s.now }
	s.Service = New(opts)
	if err := s.CreateGroup(home, "", 0); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(awsjson.NewMux(&s.keys, nil, s.Service.Service()))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

// client speaks to the stack as an access key in a region.
func (s *stack) client(accessKey, region string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region:           region,
		BaseEndpoint:     &s.url,
		Credentials:      credentials.NewStaticCredentialsProvider(accessKey, "secret", ""),
		RetryMaxAttempts: 1,
	})
}

func (s *stack) home() *sdk.Client { return s.client("AKID", awsjson.DefaultRegion) }

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

// put puts events at times relative to now, each with its offset for a message.
func (s *stack) put(ctx context.Context, offsets ...time.Duration) (*types.RejectedLogEventsInfo, error) {
	var events []types.InputLogEvent
	for _, o := range offsets {
		events = append(events, types.InputLogEvent{Timestamp: aws.Int64(s.now.Add(o).UnixMilli()), Message: aws.String(o.String())})
	}
	out, err := s.home().PutLogEvents(ctx, &sdk.PutLogEventsInput{LogGroupName: &home.Group, LogStreamName: &home.Stream, LogEvents: events})
	if err != nil {
		return nil, err
	}
	return out.RejectedLogEventsInfo, nil
}

func (s *stack) mustPut(t *testing.T, offsets ...time.Duration) {
	t.Helper()
	if rejected, err := s.put(t.Context(), offsets...); err != nil || rejected != nil {
		t.Fatal(rejected, err)
	}
}

func messages(events []Event) []string {
	var texts []string
	for _, e := range events {
		texts = append(texts, e.Message)
	}
	return texts
}

const day = 24 * time.Hour

// TestRejected has each limit to the millisecond.
func TestRejected(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		name      string
		retention int
		events    []time.Duration
		// the indexes answered, -1 for none
		old, expired, new int
		stored            []time.Duration
	}{
		{"all in time", 0, []time.Duration{-14 * day, -14*day + ms}, -1, -1, -1, []time.Duration{-14 * day, -14*day + ms}},
		{"too old by a millisecond", 0, []time.Duration{-15 * day, -14*day - ms, -14 * day}, 2, -1, -1, []time.Duration{-14 * day}},
		{"ahead", 0, []time.Duration{0, 2 * time.Hour}, -1, -1, -1, []time.Duration{0, 2 * time.Hour}},
		{"too new by a millisecond", 0, []time.Duration{2 * time.Hour, 2*time.Hour + ms, 3 * time.Hour}, -1, -1, 1, []time.Duration{2 * time.Hour}},
		{"not yet expired", 7, []time.Duration{-7 * day}, -1, -1, -1, []time.Duration{-7 * day}},
		{"expired by a millisecond", 7, []time.Duration{-8 * day, -7*day - ms, -7 * day}, -1, 2, -1, []time.Duration{-7 * day}},
		{"too old and expired", 7, []time.Duration{-20 * day, -8 * day, -day}, 1, 2, -1, []time.Duration{-day}},
		{"too old, not expired", 30, []time.Duration{-20 * day, -day}, 1, -1, -1, []time.Duration{-day}},
		{"too old, some of it expired", 30, []time.Duration{-40 * day, -20 * day, -day}, 2, 1, -1, []time.Duration{-day}},
		{"all kinds, nothing left", 1, []time.Duration{-20 * day, -2 * day, 3 * time.Hour}, 1, 2, 2, nil},
		{"all too new", 0, []time.Duration{3 * time.Hour}, -1, -1, 0, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newStack(t, Options{})
			if row.retention > 0 {
				_, err := s.home().PutRetentionPolicy(t.Context(), &sdk.PutRetentionPolicyInput{LogGroupName: &home.Group, RetentionInDays: aws.Int32(int32(row.retention))})
				if err != nil {
					t.Fatal(err)
				}
			}
			rejected, err := s.put(t.Context(), row.events...)
			if err != nil {
				t.Fatal(err)
			}
			want := [3]int{row.old, row.expired, row.new}
			got := [3]int{-1, -1, -1}
			if rejected != nil {
				for i, p := range []*int32{rejected.TooOldLogEventEndIndex, rejected.ExpiredLogEventEndIndex, rejected.TooNewLogEventStartIndex} {
					if p != nil {
						got[i] = int(*p)
					}
				}
			}
			if got != want {
				t.Errorf("rejected old, expired, new = %v, want %v", got, want)
			}
			var stored []string
			for _, o := range row.stored {
				stored = append(stored, o.String())
			}
			if d := diff.Diff(stored, messages(s.Events(home))); d != "" {
				t.Errorf("stored (-want +got):\n%s", d)
			}
			put := Put{Place: Place{awsjson.DefaultAccount, awsjson.DefaultRegion, "group", "stream"}, Time: s.now,
				Stored: len(row.stored), Rejected: len(row.events) - len(row.stored)}
			for _, m := range stored {
				put.Bytes += int64(len(m) + 26)
			}
			if d := diff.Diff([]Put{put}, s.Puts()); d != "" {
				t.Errorf("Puts (-want +got):\n%s", d)
			}
		})
	}
}

func TestRefusedPutIsNotCounted(t *testing.T) {
	s := newStack(t, Options{})
	if _, err := s.put(t.Context(), 0, -time.Hour); code(err) != "InvalidParameterException" {
		t.Fatalf("got %v, want InvalidParameterException", err)
	}
	if len(s.Puts()) != 0 || len(s.Events(home)) != 0 {
		t.Errorf("a refused call counts: %v, %v", s.Puts(), s.Events(home))
	}
}

// get reads one page; the stream read is home unless in says otherwise.
func (s *stack) get(t *testing.T, in sdk.GetLogEventsInput) ([]string, *sdk.GetLogEventsOutput) {
	t.Helper()
	in.LogGroupName, in.LogStreamName = &home.Group, &home.Stream
	out, err := s.home().GetLogEvents(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range out.Events {
		texts = append(texts, *e.Message)
	}
	return texts, out
}

func TestGetFromTheTail(t *testing.T) {
	s := newStack(t, Options{})
	s.mustPut(t, 0, 1*time.Second, 2*time.Second, 3*time.Second, 4*time.Second)
	var got [][]string
	in := sdk.GetLogEventsInput{Limit: aws.Int32(2)}
	for range 4 {
		page, out := s.get(t, in)
		got = append(got, page)
		in.NextToken = out.NextBackwardToken
	}
	if d := diff.Diff([][]string{{"3s", "4s"}, {"1s", "2s"}, {"0s"}, nil}, got); d != "" {
		t.Errorf("pages backward (-want +got):\n%s", d)
	}
	if _, out := s.get(t, in); *out.NextBackwardToken != *in.NextToken {
		t.Error("at the head the backward token does not repeat")
	}
	_, out := s.get(t, sdk.GetLogEventsInput{Limit: aws.Int32(2)})
	s.mustPut(t, 5*time.Second)
	if page, _ := s.get(t, sdk.GetLogEventsInput{NextToken: out.NextForwardToken}); !slices.Equal(page, []string{"5s"}) {
		t.Errorf("forward from the tail: %v, want what came since", page)
	}
}

func TestTokensOfAnEmptyStream(t *testing.T) {
	s := newStack(t, Options{})
	for _, head := range []bool{true, false} {
		page, out := s.get(t, sdk.GetLogEventsInput{StartFromHead: &head})
		if len(page) > 0 || out.NextForwardToken == nil || out.NextBackwardToken == nil {
			t.Errorf("from head %v: %v with tokens %v, %v, want no events and both", head, page, out.NextForwardToken, out.NextBackwardToken)
		}
		if _, again := s.get(t, sdk.GetLogEventsInput{NextToken: out.NextForwardToken}); *again.NextForwardToken != *out.NextForwardToken {
			t.Errorf("from head %v: the forward token does not repeat", head)
		}
	}
}

func TestOdd(t *testing.T) {
	s := newStack(t, Options{Odd: true})
	s.mustPut(t, 0, 1*time.Second, 1*time.Second+time.Microsecond, 2*time.Second)
	want := []string{"0s", "1.000001s", "1s", "2s"}
	if d := diff.Diff(want, messages(s.Events(home))); d != "" {
		t.Errorf("events of one millisecond keep their order (-want +got):\n%s", d)
	}
	if page, _ := s.get(t, sdk.GetLogEventsInput{}); page != nil {
		t.Errorf("without startFromHead: %v, want nothing", page)
	}
	var pages [][]string
	in := sdk.GetLogEventsInput{StartFromHead: aws.Bool(true)}
	for range 10 {
		page, out := s.get(t, in)
		pages = append(pages, page)
		if aws.ToString(in.NextToken) == *out.NextForwardToken {
			break
		}
		in.NextToken = out.NextForwardToken
	}
	if d := diff.Diff([][]string{nil, {"0s", "1.000001s"}, nil, {"1s"}, nil, {"2s"}, nil}, pages); d != "" {
		t.Errorf("pages (-want +got):\n%s", d)
	}
}

func TestReadLag(t *testing.T) {
	s := newStack(t, Options{ReadLag: 5 * time.Second})
	s.mustPut(t, 0)
	s.now = s.now.Add(3 * time.Second)
	s.mustPut(t, 0)
	read := func() int {
		page, _ := s.get(t, sdk.GetLogEventsInput{StartFromHead: aws.Bool(true)})
		out, err := s.home().FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupName: &home.Group})
		if err != nil || len(out.Events) != len(page) {
			t.Errorf("GetLogEvents finds %d, FilterLogEvents %v, %v", len(page), out, err)
		}
		return len(page)
	}
	for _, row := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {1999 * time.Millisecond, 0}, {time.Millisecond, 1}, {2999 * time.Millisecond, 1}, {time.Millisecond, 2}} {
		s.now = s.now.Add(row.after)
		if got := read(); got != row.want {
			t.Errorf("at %v: %d events to read, want %d", s.now, got, row.want)
		}
	}
}

func TestPlacesAreApart(t *testing.T) {
	s := newStack(t, Options{})
	s.keys.Add("AKID2", awsjson.Principal{Account: "222222222222"})
	central := Place{Account: "222222222222", Region: "eu-west-1", Group: "group", Stream: "stream"}
	if err := s.CreateGroup(central, "", 0); err != nil {
		t.Fatal(err)
	}
	put := func(key, region string) string {
		_, err := s.client(key, region).PutLogEvents(t.Context(), &sdk.PutLogEventsInput{
			LogGroupName: &home.Group, LogStreamName: &home.Stream,
			LogEvents: []types.InputLogEvent{{Timestamp: aws.Int64(s.now.UnixMilli()), Message: aws.String(key + " " + region)}},
		})
		return code(err)
	}
	got := []string{put("AKID", "us-east-1"), put("AKID", "eu-west-1"), put("AKID2", "us-east-1"), put("AKID2", "eu-west-1")}
	if d := diff.Diff([]string{"<nil>", "ResourceNotFoundException", "ResourceNotFoundException", "<nil>"}, got); d != "" {
		t.Errorf("puts (-want +got):\n%s", d)
	}
	want := [][]string{{"AKID us-east-1"}, {"AKID2 eu-west-1"}}
	if d := diff.Diff(want, [][]string{messages(s.Events(home)), messages(s.Events(central))}); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
}

func TestOnPutAndDiscard(t *testing.T) {
	var seen []string
	s := newStack(t, Options{Discard: true, OnPut: func(p Place, events []Event) {
		seen = append(seen, fmt.Sprint(p.Region, " ", p.Group, " ", p.Stream, " ", messages(events)))
	}})
	s.mustPut(t, 0, time.Second)
	if rejected, err := s.put(t.Context(), -20*day); err != nil || rejected == nil {
		t.Fatal(rejected, err)
	}
	if d := diff.Diff([]string{"us-east-1 group stream [0s 1s]"}, seen); d != "" {
		t.Errorf("OnPut (-want +got):\n%s", d)
	}
	if got := s.Events(home); len(got) != 0 || len(s.Puts()) != 2 {
		t.Errorf("%d events kept, %d puts, want none of two", len(got), len(s.Puts()))
	}
	out, err := s.home().DescribeLogStreams(t.Context(), &sdk.DescribeLogStreamsInput{LogGroupName: &home.Group})
	if err != nil || *out.LogStreams[0].LastEventTimestamp != s.now.Add(time.Second).UnixMilli() {
		t.Errorf("described as %+v, %v, want the discarded events' times", out, err)
	}
}

func TestQuotas(t *testing.T) {
	s := newStack(t, Options{Quotas: ServiceQuotas()})
	for i := range 11 {
		_, err := s.home().GetLogEvents(t.Context(), &sdk.GetLogEventsInput{LogGroupName: &home.Group, LogStreamName: &home.Stream})
		if want := i == 10; want != (code(err) == "ThrottlingException") {
			t.Errorf("get %d: got %v, want it throttled: %v", i, err, want)
		}
	}
	for range 100 {
		s.mustPut(t, 0)
	}
}

func TestDenied(t *testing.T) {
	s := newStack(t, Options{})
	s.keys.Deny(awsjson.Rule{Operation: "CreateLogStream", Resource: ":log-stream:stream-late"})
	create := func(name string) error {
		_, err := s.home().CreateLogStream(t.Context(), &sdk.CreateLogStreamInput{LogGroupName: &home.Group, LogStreamName: &name})
		return err
	}
	const want = "logs:CreateLogStream on resource: arn:aws:logs:us-east-1:123456789012:log-group:group:log-stream:stream-late-1 because"
	if err := create("stream-late-1"); code(err) != "AccessDeniedException" || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want AccessDeniedException with %q", err, want)
	}
	if err := create("stream-2"); err != nil {
		t.Errorf("another stream: %v", err)
	}
	if d := diff.Diff([]string{"stream", "stream-2"}, s.Streams(home)); d != "" {
		t.Errorf("Streams (-want +got):\n%s", d)
	}
}

func TestCreateGroup(t *testing.T) {
	s := New(Options{})
	for _, row := range []struct {
		name      string
		place     Place
		class     string
		retention int
		want      string
	}{
		{"fine", Place{Group: "a", Stream: "s"}, InfrequentAccess, 7, ""},
		{"there already", Place{Group: "a"}, "", 0, "ResourceAlreadyExistsException"},
		{"elsewhere", Place{Group: "a", Region: "eu-west-1"}, "", 0, ""},
		{"no such class", Place{Group: "b"}, "DELIVERY", 0, "InvalidParameterException"},
		{"no such retention", Place{Group: "c"}, "", 8, "InvalidParameterException"},
		{"bad stream", Place{Group: "d", Stream: "a:b"}, "", 0, "InvalidParameterException"},
		{"no group", Place{}, "", 0, "InvalidParameterException"},
		{"reserved", Place{Group: "aws/x"}, "", 0, "InvalidParameterException"},
	} {
		err := s.CreateGroup(row.place, row.class, row.retention)
		if row.want == "" && err != nil || row.want != "" && (err == nil || awsjson.AsError(err).Code != row.want) {
			t.Errorf("%s: got %v, want %q", row.name, err, row.want)
		}
	}
	if s.Streams(Place{Group: "none"}) != nil || s.Events(Place{Group: "a", Stream: "none"}) != nil {
		t.Error("places that do not exist have something")
	}
}

func TestDescribeByTime(t *testing.T) {
	s := newStack(t, Options{})
	c := s.home()
	for i, name := range []string{"b", "a"} {
		if _, err := c.CreateLogStream(t.Context(), &sdk.CreateLogStreamInput{LogGroupName: &home.Group, LogStreamName: &name}); err != nil {
			t.Fatal(err)
		}
		_, err := c.PutLogEvents(t.Context(), &sdk.PutLogEventsInput{LogGroupName: &home.Group, LogStreamName: &name,
			LogEvents: []types.InputLogEvent{{Timestamp: aws.Int64(s.now.UnixMilli() + int64(i)), Message: aws.String("x")}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	out, err := c.DescribeLogStreams(t.Context(), &sdk.DescribeLogStreamsInput{LogGroupName: &home.Group, OrderBy: types.OrderByLastEventTime, Descending: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, st := range out.LogStreams {
		got = append(got, *st.LogStreamName)
	}
	if d := diff.Diff([]string{"a", "b", "stream"}, got); d != "" {
		t.Errorf("streams, the latest first (-want +got):\n%s", d)
	}
	_, err = c.DescribeLogStreams(t.Context(), &sdk.DescribeLogStreamsInput{LogGroupName: &home.Group, OrderBy: types.OrderByLastEventTime, LogStreamNamePrefix: aws.String("a")})
	if code(err) != "InvalidParameterException" {
		t.Errorf("by time and prefix: got %v, want InvalidParameterException", err)
	}
}

func TestUnsupportedIsRefused(t *testing.T) {
	s := newStack(t, Options{})
	_, err := s.home().FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupName: &home.Group, FilterPattern: aws.String("{ $.a = 1 }")})
	if code(err) != "InvalidParameterException" {
		t.Errorf("filter pattern: got %v, want InvalidParameterException", err)
	}
	_, err = s.home().FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupName: &home.Group, LogStreamNames: []string{"none"}})
	if code(err) != "ResourceNotFoundException" {
		t.Errorf("unknown stream: got %v, want ResourceNotFoundException", err)
	}
	_, err = s.home().GetLogEvents(t.Context(), &sdk.GetLogEventsInput{LogGroupIdentifier: &home.Group, LogStreamName: &home.Stream})
	if code(err) != "ValidationException" {
		t.Errorf("group identifier: got %v, want ValidationException", err)
	}
}

// draw puts random events into two streams and returns them in the order that
// readers are to see them in.
func draw(rt *rapid.T, s *Service, c awsjson.Caller, now time.Time) []Event {
	var all []Event
	for range rapid.IntRange(0, 6).Draw(rt, "puts") {
		offsets := rapid.SliceOfN(rapid.IntRange(0, 20), 1, 12).Draw(rt, "offsets")
		slices.Sort(offsets)
		in := &putRequest{streamNamed: streamNamed{"group", rapid.SampledFrom([]string{"stream", "other"}).Draw(rt, "stream")}}
		for _, o := range offsets {
			e := Event{now.UnixMilli() + int64(o), now.UnixMilli(), fmt.Sprint(in.LogStreamName, " ", len(all))}
			all = append(all, e)
			in.LogEvents = append(in.LogEvents, inputEvent{&e.Timestamp, &e.Message})
		}
		if _, err := s.putLogEvents(c, in); err != nil {
			rt.Fatal(err)
		}
	}
	slices.SortStableFunc(all, func(a, b Event) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return all
}

// TestReadingIsComplete shows that whatever was put in whatever order, and
// however it is cut into pages, a reader in any direction finds each event once
// and in order.
func TestReadingIsComplete(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	caller := awsjson.Caller{Account: awsjson.DefaultAccount, Region: awsjson.DefaultRegion}
	rapid.Check(t, func(rt *rapid.T) {
		odd := rapid.Bool().Draw(rt, "odd")
		s := New(Options{Now: func() time.Time { return now }, Odd: odd})
		for _, err := range []error{s.CreateGroup(home, "", 0), s.addStream(s.key(home), "other")} {
			if err != nil {
				rt.Fatal(err)
			}
		}
		all := draw(rt, s, caller, now)
		w := window{
			StartTime: aws.Int64(now.UnixMilli() + rapid.Int64Range(-1, 21).Draw(rt, "start")),
			EndTime:   aws.Int64(now.UnixMilli() + rapid.Int64Range(-1, 21).Draw(rt, "end")),
			Limit:     aws.Int(rapid.IntRange(1, 10).Draw(rt, "limit")),
		}
		within := func(end int64, stream string) (want []Event) {
			for _, e := range all {
				if *w.StartTime <= e.Timestamp && e.Timestamp < end && strings.HasPrefix(e.Message, stream) {
					want = append(want, e)
				}
			}
			return want
		}
		options := diff.Options{cmpopts.EquateEmpty()}
		if odd { // then only times are in order
			options = append(options, cmpopts.SortSlices(func(a, b Event) bool { return a.Message < b.Message }))
		}
		check := func(name string, want, got []Event) {
			if d := diff.Diff(want, got, options); d != "" {
				rt.Errorf("%s (-want +got):\n%s", name, d)
			}
			if !slices.IsSortedFunc(got, func(a, b Event) int { return cmp.Compare(a.Timestamp, b.Timestamp) }) {
				rt.Errorf("%s: not in order of time: %v", name, got)
			}
		}
		check("forward", within(*w.EndTime, "stream"), walk(rt, s, caller, w, true))
		if !odd { // else nothing is answered without startFromHead
			check("backward", within(*w.EndTime, "stream"), walk(rt, s, caller, w, false))
		}
		check("filter", within(*w.EndTime+1, ""), walkFilter(rt, s, caller, w))
	})
}

// maxPages is more pages than what draw makes can take.
const maxPages = 1000

// walk reads the stream from one end to the other.
func walk(rt *rapid.T, s *Service, c awsjson.Caller, w window, forward bool) (all []Event) {
	in := &getRequest{streamNamed: streamNamed{"group", "stream"}, window: w, StartFromHead: forward}
	for range maxPages {
		out, err := s.getLogEvents(c, in)
		if err != nil || len(out.Events) > *w.Limit {
			rt.Fatalf("page of %d, error %v", len(out.Events), err)
		}
		var page []Event
		for _, e := range out.Events {
			page = append(page, Event{e.Timestamp, e.IngestionTime, e.Message})
		}
		next := out.NextForwardToken
		if forward {
			all = append(all, page...)
		} else {
			all = append(page, all...)
			next = out.NextBackwardToken
		}
		if next == in.NextToken {
			return all
		}
		in.NextToken = next
	}
	rt.Fatal("the token never repeats")
	return nil
}

func walkFilter(rt *rapid.T, s *Service, c awsjson.Caller, w window) (all []Event) {
	in := &filterRequest{named: named{"group"}, window: w}
	for range maxPages {
		out, err := s.filterLogEvents(c, in)
		if err != nil || len(out.Events) > *w.Limit {
			rt.Fatalf("page of %d, error %v", len(out.Events), err)
		}
		for _, e := range out.Events {
			all = append(all, Event{e.Timestamp, e.IngestionTime, e.Message})
		}
		if out.NextToken == "" {
			return all
		}
		in.NextToken = out.NextToken
	}
	rt.Fatal("tokens never end")
	return nil
}

func FuzzParseToken(f *testing.F) {
	f.Add(token{gap: gap{1, 2}}.String())
	f.Add(token{gap: gap{1764000000000, 1 << 60}, backward: true, paused: true}.String())
	f.Add("f/1/s")
	f.Fuzz(func(t *testing.T, text string) {
		if tok, err := parseToken(text); err == nil && tok.String() != text {
			t.Errorf("parseToken(%q) = %+v, which is %q", text, tok, tok)
		}
	})
}

// TestWrite: what a service of AWS writes is read like what a call stored, in
// the order of its times, and makes its stream.
func TestWrite(t *testing.T) {
	at := time.UnixMilli(1_795_000_000_000)
	s := New(Options{Now: func() time.Time { return at.Add(time.Minute) }})
	p := Place{Group: "/aws/lambda/export", Stream: "2026/11/18/[$LATEST]0a1b"}
	if err := s.Write(p, at, "no group"); err == nil {
		t.Error("wrote into a group that is not there")
	}
	if err := s.CreateGroup(Place{Group: p.Group}, Standard, 0); err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"second", "third", "first"} {
		offset := []time.Duration{1, 2, 0}[i] * time.Second
		if err := s.Write(p, at.Add(offset), text); err != nil {
			t.Fatal(err)
		}
	}
	for name, row := range map[string]struct {
		place Place
		text  string
	}{
		"empty":       {p, ""},
		"too large":   {p, strings.Repeat("x", maxEventBytes)},
		"stream name": {Place{Group: p.Group, Stream: "a:b"}, "text"},
	} {
		if err := s.Write(row.place, at, row.text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ingested := at.Add(time.Minute).UnixMilli()
	want := []Event{
		{at.UnixMilli(), ingested, "first"},
		{at.UnixMilli() + 1000, ingested, "second"},
		{at.UnixMilli() + 2000, ingested, "third"},
	}
	if got := s.Events(p); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	if len(s.Puts()) != 0 {
		t.Error("counted as calls")
	}
}
