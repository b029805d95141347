package cwlogs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	standin "auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

var (
	now    = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	target = export.Target{Group: "auth0", Stream: "acme"}
)

// bench is a sink with the real client, against a stand-in.
type bench struct {
	sink   *Sink
	logs   *standin.Service
	keys   *awsjson.Keys
	faults *fault.Set
}

func newBench(t *testing.T, opt standin.Options) *bench {
	t.Helper()
	b := &bench{keys: &awsjson.Keys{}, faults: &fault.Set{}}
	opt.Now = func() time.Time { return now }
	b.logs = standin.New(opt)
	server := httptest.NewServer(b.faults.Wrap(awsjson.Operation, awsjson.NewMux(b.keys, nil, b.logs.Service())))
	t.Cleanup(server.Close)
	client := cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: awsjson.DefaultRegion, BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""),
	})
	b.sink = New(client, func() time.Time { return now })
	return b
}

func (b *bench) group(t *testing.T, stream string, retentionDays int) {
	t.Helper()
	if err := b.logs.CreateGroup(standin.Place{Group: target.Group, Stream: stream}, standin.Standard, retentionDays); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) stored(stream string) []standin.Event {
	return b.logs.Events(standin.Place{Group: target.Group, Stream: stream})
}

func (b *bench) batch(events ...tenantlog.Event) *export.Batch {
	batch := &export.Batch{Target: target}
	for _, e := range events {
		batch.Events = append(batch.Events, b.sink.Render(e))
	}
	return batch
}

// event is an event so long before now.
func event(age time.Duration) tenantlog.Event {
	date := now.Add(-age)
	id := tenantlog.At(date)
	return tenantlog.Event{ID: id, Type: "s", Date: date, Raw: fmt.Appendf(nil, `{"log_id":%q,"date":%q}`, id, date.Format(time.RFC3339))}
}

func TestDeliverInOrderOfTime(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.group(t, target.Stream, 0)
	events := []tenantlog.Event{event(time.Minute), event(3 * time.Minute), event(2 * time.Minute)}
	receipt, err := b.sink.Deliver(t.Context(), b.batch(events...))
	if err != nil {
		t.Fatal(err)
	}
	if want := (export.Receipt{Puts: 1, Bytes: int64(3 * (len(events[0].Raw) + 26))}); !cmp.Equal(receipt, want) {
		t.Errorf("receipt %+v, want %+v", receipt, want)
	}
	var got []string
	for _, e := range b.stored(target.Stream) {
		got = append(got, e.Message)
		if stored := time.UnixMilli(e.Timestamp); stored.Format(time.RFC3339) != messageDate(e.Message) {
			t.Errorf("time stamp %s of %s", stored, e.Message)
		}
	}
	if diff := cmp.Diff([]string{string(events[1].Raw), string(events[2].Raw), string(events[0].Raw)}, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func messageDate(message string) string {
	e, err := tenantlog.Decode([]byte(message))
	if err != nil {
		return err.Error()
	}
	return e.Date.Local().Format(time.RFC3339)
}

func TestStreamIsMadeOnce(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.group(t, "", 0)
	for range 2 {
		if _, err := b.sink.Deliver(t.Context(), b.batch(event(time.Minute))); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.faults.Calls("CreateLogStream"); n != 1 {
		t.Errorf("%d calls of CreateLogStream, want 1", n)
	}
	if n := len(b.stored(target.Stream)); n != 2 {
		t.Errorf("%d events are stored", n)
	}
}

func TestPutLogEventsAloneIsEnough(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.group(t, target.Stream, 0)
	for _, operation := range []string{"CreateLogStream", "CreateLogGroup", "GetLogEvents", "DescribeLogGroups", "DescribeLogStreams"} {
		b.keys.Deny(awsjson.Rule{Operation: operation})
	}
	if _, err := b.sink.Deliver(t.Context(), b.batch(event(time.Minute))); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]int{"PutLogEvents": 1}, b.faults.Counts()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRefusalsInWords(t *testing.T) {
	tests := map[string]struct {
		prepare func(*testing.T, *bench)
		kind    export.Kind
		text    []string
	}{
		"no group": {
			func(*testing.T, *bench) {}, export.KindDelivery,
			[]string{"no log group auth0", "CLOUDWATCH_LOG_GROUP_NAME"},
		},
		"no stream and no right to make it": {
			func(t *testing.T, b *bench) {
				b.group(t, target.Stream+"-longer", 0)
				b.keys.Deny(awsjson.Rule{Operation: "CreateLogStream"})
			}, export.KindPermission,
			[]string{"no log stream acme in log group auth0", "logs:CreateLogStream"},
		},
		"no right to put": {
			func(t *testing.T, b *bench) {
				b.group(t, target.Stream, 0)
				b.keys.Deny(awsjson.Rule{Operation: "PutLogEvents"})
			}, export.KindPermission,
			[]string{"logs:PutLogEvents", "acme", "auth0"},
		},
		"a bad key": {
			func(t *testing.T, b *bench) {
				b.group(t, target.Stream, 0)
				b.keys.Refuse(awsjson.Rule{}, awsjson.InvalidToken())
			}, export.KindPermission,
			[]string{"AWS_ACCESS_KEY_ID"},
		},
		"a bad request": {
			func(t *testing.T, b *bench) {
				b.faults.Add(fault.Rule{Do: awsjson.ErrorReply(400, "InvalidParameterException", "Log events are odd.")})
			}, export.KindDelivery,
			[]string{"InvalidParameterException"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, standin.Options{})
			tt.prepare(t, b)
			_, err := b.sink.Deliver(t.Context(), b.batch(event(time.Minute)))
			e, ok := errors.AsType[*export.Error](err)
			if !ok || e.Kind != tt.kind {
				t.Fatalf("error %v, want one of the kind %s", err, tt.kind)
			}
			for _, text := range tt.text {
				if !strings.Contains(e.Error(), text) {
					t.Errorf("%q is not in: %s", text, e.Error())
				}
			}
		})
	}
}

func TestRefusedForTheirTime(t *testing.T) {
	const day = 24 * time.Hour
	events := []tenantlog.Event{event(15 * day), event(15*day - time.Minute), event(5 * day), event(time.Hour), event(-3 * time.Hour)}
	b := newBench(t, standin.Options{})
	b.group(t, target.Stream, 3)
	var late []tenantlog.ID
	for _, part := range [][]tenantlog.Event{events[:2], events[2:3], events[3:]} { // spans of less than a day
		receipt, err := b.sink.Deliver(t.Context(), b.batch(part...))
		if err != nil {
			t.Fatal(err)
		}
		late = append(late, receipt.Late...)
	}
	if diff := cmp.Diff([]tenantlog.ID{events[0].ID, events[1].ID, events[2].ID, events[4].ID}, late); diff != "" {
		t.Errorf("late (-want +got):\n%s", diff)
	}
	want := map[string][]string{
		"acme":                 {string(events[3].Raw)},
		"acme-late-2026-11-08": {string(events[0].Raw), string(events[1].Raw)},
		"acme-late-2026-11-18": {string(events[2].Raw)},
		"acme-late-2026-11-23": {string(events[4].Raw)},
	}
	got := make(map[string][]string)
	for _, stream := range b.logs.Streams(standin.Place{Group: target.Group}) {
		for _, e := range b.stored(stream) {
			got[stream] = append(got[stream], e.Message)
			if stream != target.Stream && e.Timestamp != now.UnixMilli() {
				t.Errorf("late event at %d, want the time of now", e.Timestamp)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
}

func TestLateEventsWithoutTheRightToMakeAStream(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.group(t, target.Stream, 0)
	b.keys.Deny(awsjson.Rule{Operation: "CreateLogStream"})
	old := event(20 * 24 * time.Hour)
	receipt, err := b.sink.Deliver(t.Context(), b.batch(old))
	if err != nil {
		t.Fatal(err)
	}
	if len(receipt.Late) != 1 || len(receipt.Warnings) != 1 {
		t.Errorf("receipt %+v", receipt)
	}
	if got := b.stored(target.Stream); len(got) != 1 || got[0].Message != string(old.Raw) {
		t.Errorf("stored %+v", got)
	}
}

// TestStoredRange: the two ends are exclusive and may both be there, the start
// is inclusive, and zero is a value.
func TestStoredRange(t *testing.T) {
	p := aws.Int32
	tests := map[string]struct {
		info     *types.RejectedLogEventsInfo
		from, to int
	}{
		"nothing refused":       {nil, 0, 10},
		"an empty refusal":      {&types.RejectedLogEventsInfo{}, 0, 10},
		"too old":               {&types.RejectedLogEventsInfo{TooOldLogEventEndIndex: p(3)}, 3, 10},
		"expired beyond":        {&types.RejectedLogEventsInfo{TooOldLogEventEndIndex: p(3), ExpiredLogEventEndIndex: p(5)}, 5, 10},
		"expired within":        {&types.RejectedLogEventsInfo{TooOldLogEventEndIndex: p(3), ExpiredLogEventEndIndex: p(2)}, 3, 10},
		"too new":               {&types.RejectedLogEventsInfo{TooNewLogEventStartIndex: p(7)}, 0, 7},
		"all too new":           {&types.RejectedLogEventsInfo{TooNewLogEventStartIndex: p(0)}, 0, 0},
		"both":                  {&types.RejectedLogEventsInfo{TooOldLogEventEndIndex: p(2), TooNewLogEventStartIndex: p(9)}, 2, 9},
		"all":                   {&types.RejectedLogEventsInfo{TooOldLogEventEndIndex: p(4), TooNewLogEventStartIndex: p(4)}, 4, 4},
		"beyond what there was": {&types.RejectedLogEventsInfo{TooOldLogEventEndIndex: p(40), TooNewLogEventStartIndex: p(41)}, 10, 10},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if from, to := storedRange(tt.info, 10); from != tt.from || to != tt.to {
				t.Errorf("stored [%d, %d), want [%d, %d)", from, to, tt.from, tt.to)
			}
		})
	}
}

func TestFind(t *testing.T) {
	b := newBench(t, standin.Options{Odd: true})
	b.group(t, target.Stream, 0)
	var events []tenantlog.Event
	for i := range 300 {
		events = append(events, event(time.Duration(i)*time.Minute))
	}
	var stored []tenantlog.Event
	for i := 0; i < len(events); i += 3 {
		stored = append(stored, events[i])
	}
	if _, err := b.sink.Deliver(t.Context(), b.batch(stored...)); err != nil {
		t.Fatal(err)
	}
	found, err := b.sink.Find(t.Context(), target, b.batch(events...).Events)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(stored) {
		t.Errorf("found %d of %d", len(found), len(stored))
	}
	for _, e := range stored {
		if !found[e.ID] {
			t.Errorf("%s was not found", e.ID)
		}
	}
}

func TestFindWhereNothingIs(t *testing.T) {
	b := newBench(t, standin.Options{})
	found, err := b.sink.Find(t.Context(), target, b.batch(event(time.Minute)).Events)
	if err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestFindWhereReadingIsRefused(t *testing.T) {
	refusals := map[string]func(*testing.T, *bench){
		"no permission": func(t *testing.T, b *bench) {
			b.group(t, target.Stream, 0)
			b.keys.Deny(awsjson.Rule{Operation: "GetLogEvents"})
		},
		"log class": func(t *testing.T, b *bench) {
			if err := b.logs.CreateGroup(standin.Place{Group: target.Group, Stream: target.Stream}, standin.InfrequentAccess, 0); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, prepare := range refusals {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, standin.Options{})
			prepare(t, b)
			_, err := b.sink.Find(t.Context(), target, b.batch(event(time.Minute)).Events)
			if !errors.Is(err, export.ErrCannotRead) {
				t.Errorf("error %v, want %v", err, export.ErrCannotRead)
			}
		})
	}
}

func TestLateEventsAreFoundToo(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.group(t, target.Stream, 0)
	batch := b.batch(event(20 * 24 * time.Hour))
	if _, err := b.sink.Deliver(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	batch = b.batch(event(20 * 24 * time.Hour))
	batch.Events[0].Doubtful = true
	receipt, err := b.sink.Deliver(t.Context(), batch)
	if err != nil || len(receipt.Present) != 1 || receipt.Puts != 0 {
		t.Errorf("receipt %+v, %v; want the event found", receipt, err)
	}
}

func TestSpans(t *testing.T) {
	events := func(minutes ...int) (all []export.Rendered) {
		for _, m := range minutes {
			all = append(all, export.Rendered{Time: now.Add(time.Duration(m) * time.Minute)})
		}
		return all
	}
	got := spans(events(100, 0, 10, 5, 111))
	m := func(i int) time.Time { return now.Add(time.Duration(i) * time.Minute) }
	want := []span{{m(0), m(10)}, {m(100), m(100)}, {m(111), m(111)}}
	if !slices.Equal(got, want) {
		t.Errorf("spans %v, want %v", got, want)
	}
}

func TestDeliverEndsWithItsContext(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.faults.Add(fault.Rule{Op: "PutLogEvents", Do: fault.Hang()})
	ctx, cancel := context.WithCancel(t.Context())
	b.faults.Watch(func(string, int) { cancel() })
	if _, err := b.sink.Deliver(ctx, b.batch(event(time.Minute))); err == nil {
		t.Error("a call that never ended was a success")
	}
}

// TestOneBadEvent: an event that CloudWatch Logs refuses, by a rule not known
// here, does not hold up the others.
func TestOneBadEvent(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.group(t, target.Stream, 0)
	var events []tenantlog.Event
	for i := range 100 {
		events = append(events, event(time.Duration(100-i)*time.Minute))
	}
	bad := events[61]
	b.faults.Add(fault.Rule{
		Op: "PutLogEvents",
		Match: func(r *http.Request) bool {
			body, err := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			quoted, _ := json.Marshal(string(bad.Raw))
			return err == nil && bytes.Contains(body, bytes.Trim(quoted, `"`))
		},
		Do: awsjson.ErrorReply(400, "InvalidParameterException", "Log event is odd."),
	})
	receipt, err := b.sink.Deliver(t.Context(), b.batch(events...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]tenantlog.ID{bad.ID}, receipt.Slimmed); diff != "" {
		t.Errorf("slimmed (-want +got):\n%s", diff)
	}
	found := 0
	for _, e := range b.stored(target.Stream) {
		if strings.Contains(e.Message, string(bad.ID)) && strings.Contains(e.Message, "sha256") {
			found++
		}
	}
	if stored := b.stored(target.Stream); len(stored) != 100 || found != 1 {
		t.Errorf("%d stored, %d of them in short", len(stored), found)
	}
	if n := b.faults.Calls("PutLogEvents"); n > 20 {
		t.Errorf("%d calls to find one bad event among 100", n)
	}
}

// TestEverythingRefused: where it is not the events, that is soon found out.
func TestEverythingRefused(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.group(t, target.Stream, 0)
	b.faults.Add(fault.Rule{Op: "PutLogEvents", Do: awsjson.ErrorReply(400, "InvalidParameterException", "odd")})
	var events []tenantlog.Event
	for i := range 100 {
		events = append(events, event(time.Duration(100-i)*time.Minute))
	}
	if _, err := b.sink.Deliver(t.Context(), b.batch(events...)); err == nil {
		t.Error("a refused batch was a success")
	}
	if n := b.faults.Calls("PutLogEvents"); n > 10 {
		t.Errorf("%d calls", n)
	}
}

// TestErrorNames: only what looks like the name of an error is passed on.
func TestErrorNames(t *testing.T) {
	longest := strings.Repeat("x", maxErrorName)
	for name, want := range map[string]string{
		"AccessDeniedException": "AccessDeniedException", longest: longest,
		longest + "x": "UnknownError", "key=AKIATEST": "UnknownError", "": "UnknownError", "Odd\n": "UnknownError",
	} {
		if got := code(&smithy.GenericAPIError{Code: name}); got != want {
			t.Errorf("%q is told as %q, want %q", name, got, want)
		}
	}
}
