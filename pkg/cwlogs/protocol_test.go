package cwlogs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

// sent is a request as it goes out.
type sent struct {
	*http.Request
	body []byte
}

// recorder is an HTTP client that keeps what is sent; nothing is wrong with any
// of it but the first refusals requests, which come too fast.
type recorder struct {
	refusals int
	requests []sent
}

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.requests = append(r.requests, sent{req, body})
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: req}
	if len(r.requests) <= r.refusals {
		answer.StatusCode = http.StatusBadRequest
		answer.Body = io.NopCloser(strings.NewReader(`{"__type":"ThrottlingException"}`))
	}
	return answer, nil
}

var testKeys = aws.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}

func (r *recorder) client() *cloudwatchlogs.Client {
	return cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: awsjson.DefaultRegion, BaseEndpoint: aws.String("https://logs.example.com"), HTTPClient: r,
		Credentials: credentials.StaticCredentialsProvider{Value: testKeys},
		RetryMode:   aws.RetryModeStandard, RetryMaxAttempts: 3,
	})
}

// put sends the events and returns the last request.
func (r *recorder) put(t *testing.T, in cloudwatchlogs.PutLogEventsInput, options ...func(*cloudwatchlogs.Options)) sent {
	t.Helper()
	if _, err := r.client().PutLogEvents(t.Context(), &in, options...); err != nil {
		t.Fatal(err)
	}
	return r.requests[len(r.requests)-1]
}

// TestQuickEventsAreTheSDKs: what we send says the same as what the SDK would
// have sent, in the body and in the headers that tell what it is.
func TestQuickEventsAreTheSDKs(t *testing.T) {
	messages := []string{
		"", `{}`, `{"a":"b","c":"\"\\\u005f"}`, "\\", `"`, `a"`, "tab\tlines\r\n", "\x00\x1f\x7f", "é\u2028\u2029\uFFFD\U0001F600", "</script>&", strings.Repeat(`{"x":"\\"}`, 1000),
	}
	for n := range len(messages) + 1 {
		in := cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("a/b\"c"), LogStreamName: aws.String("s\\t"), LogEvents: []types.InputLogEvent{}}
		for i, m := range messages[:n] {
			in.LogEvents = append(in.LogEvents, types.InputLogEvent{Message: aws.String(m), Timestamp: aws.Int64(int64(i) - 1)})
		}
		want, got := new(recorder).put(t, in), new(recorder).put(t, in, withQuickEvents)
		if diff := cmp.Diff(decoded(t, want.body), decoded(t, got.body)); diff != "" {
			t.Errorf("body (-SDK +ours):\n%s", diff)
		}
		for _, name := range []string{"Content-Type", "X-Amz-Target"} {
			if want, got := want.Header.Get(name), got.Header.Get(name); want != got || got == "" {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if got.Method != want.Method || got.URL.String() != want.URL.String() || got.ContentLength != int64(len(got.body)) {
			t.Errorf("%s %s with a length of %d, want %s %s with %d", got.Method, got.URL, got.ContentLength, want.Method, want.URL, len(got.body))
		}
	}
}

// TestQuickEventsAreSigned: the signature covers what is sent, at the first try
// and the next.
func TestQuickEventsAreSigned(t *testing.T) {
	r := &recorder{refusals: 1}
	in := cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"),
		LogEvents: []types.InputLogEvent{{Message: aws.String(`{"a":1}`), Timestamp: aws.Int64(1)}}}
	r.put(t, in, withQuickEvents)
	if len(r.requests) != 2 || !bytes.Equal(r.requests[0].body, r.requests[1].body) {
		t.Fatalf("%d requests, want the same one twice", len(r.requests))
	}
	for _, req := range r.requests {
		if want, got := req.signature(t), req.Header.Get("Authorization"); want != got {
			t.Errorf("signed as %s, want %s", got, want)
		}
	}
}

// signature is what signs the request.
func (s sent) signature(t *testing.T) string {
	t.Helper()
	_, list, _ := strings.Cut(s.Header.Get("Authorization"), "SignedHeaders=")
	list, _, _ = strings.Cut(list, ",")
	signed := s.Clone(t.Context())
	for name := range signed.Header {
		if !slices.Contains(strings.Split(list, ";"), strings.ToLower(name)) {
			signed.Header.Del(name)
		}
	}
	at, err := time.Parse("20060102T150405Z", s.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	hash := fmt.Sprintf("%x", sha256.Sum256(s.body))
	if err := v4.NewSigner().SignHTTP(context.Background(), testKeys, signed, hash, "logs", awsjson.DefaultRegion, at); err != nil {
		t.Fatal(err)
	}
	return signed.Header.Get("Authorization")
}

// TestOtherCallsAreTheSDKs: only a put is written by us.
func TestOtherCallsAreTheSDKs(t *testing.T) {
	in := &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")}
	sdks, ours := new(recorder), new(recorder)
	if _, err := sdks.client().CreateLogStream(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if _, err := ours.client().CreateLogStream(t.Context(), in, withQuickEvents); err != nil {
		t.Fatal(err)
	}
	if want, got := sdks.requests[0].body, ours.requests[0].body; !bytes.Equal(want, got) {
		t.Errorf("body %s, want %s", got, want)
	}
}

// TestQuickEventsFillTheirBuffer: the buffer is never moved, and little of it
// is left over.
func TestQuickEventsFillTheirBuffer(t *testing.T) {
	var events []types.InputLogEvent
	for i := range 100 {
		events = append(events, types.InputLogEvent{Message: aws.String(strings.Repeat(`{"a":"\\é"}`, i)), Timestamp: aws.Int64(now.UnixMilli())})
	}
	allocs := testing.AllocsPerRun(10, func() { addEvents([]byte(`{"a":1}`), events) })
	body := addEvents([]byte(`{"a":1}`), events)
	if allocs != 1 || cap(body)-len(body) > 1024 {
		t.Errorf("%v allocations, %d bytes of %d left over", allocs, cap(body)-len(body), cap(body))
	}
}

// FuzzAddEvents holds our body to the text that goes into it.
func FuzzAddEvents(f *testing.F) {
	f.Add(`{"a":"\"\u2028"}`, int64(1), "\x00\t\\")
	f.Add("", int64(-1<<63), "é\"")
	f.Fuzz(func(t *testing.T, first string, timestamp int64, second string) {
		if !utf8.ValidString(first) || !utf8.ValidString(second) {
			t.Skip("a message is valid UTF-8")
		}
		body := addEvents([]byte(`{"logGroupName":"g"}`), []types.InputLogEvent{
			{Message: &first, Timestamp: &timestamp}, {Message: &second, Timestamp: &timestamp}})
		want := map[string]any{"logGroupName": "g", "logEvents": []any{
			map[string]any{"message": first, "timestamp": json.Number(fmt.Sprint(timestamp))},
			map[string]any{"message": second, "timestamp": json.Number(fmt.Sprint(timestamp))},
		}}
		if got := decoded(t, body); !reflect.DeepEqual(want, got) {
			t.Errorf("%q became %q", first+second, got)
		}
	})
}

func decoded(t *testing.T, body []byte) (v any) {
	t.Helper()
	if !json.Valid(body) {
		t.Fatalf("no JSON: %q", body)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
