package awsjson

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
)

type echoRequest struct{ Text string }

func (r *echoRequest) Resources(c Caller) []string {
	return []string{fmt.Sprintf("arn:aws:echo:%s:%s:text/%s", c.Region, c.Account, r.Text)}
}

type echoReply struct{ Text, Account, Region string }

// echo is a service that repeats a text, fails on "broken", and answers
// nothing for Idle.
func echo(throttle *Throttle) Service {
	return Service{
		Target: "Echo_2026", Prefix: "echo", Throttle: throttle,
		Operations: map[string]Handler{
			"Repeat": Handle(func(c Caller, in *echoRequest) (*echoReply, error) {
				if in.Text == "broken" {
					return nil, errors.New("out of order")
				}
				return &echoReply{in.Text, c.Account, c.Region}, nil
			}),
			"Idle": Handle(func(Caller, *struct{}) (*struct{}, error) { return &struct{}{}, nil }),
		},
	}
}

const signature = "AWS4-HMAC-SHA256 Credential=%s/20261123/eu-west-1/echo/aws4_request, SignedHeaders=host, Signature=00"

func request(op, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "Echo_2026."+op)
	r.Header.Set("Authorization", fmt.Sprintf(signature, "AKID"))
	return r
}

// reply is what came back: the body's members, and the parts of an error that
// clients look at.
type reply struct {
	Status         int
	Type, InHeader string
	Body           map[string]any
}

func serve(t *testing.T, h http.Handler, r *http.Request) reply {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	got := reply{Status: w.Code, InHeader: w.Header().Get("X-Amzn-Errortype")}
	if err := json.Unmarshal(w.Body.Bytes(), &got.Body); err != nil {
		t.Fatalf("reply %q: %v", w.Body, err)
	}
	if typ, ok := got.Body["__type"]; ok {
		got.Type = typ.(string)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/x-amz-json-1.1" {
		t.Errorf("content type %q", ct)
	}
	return got
}

func zip(t *testing.T, text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestServeHTTP(t *testing.T) {
	with := func(r *http.Request, header, value string) *http.Request {
		r.Header.Set(header, value)
		return r
	}
	ok := map[string]any{"Text": "<&>", "Account": DefaultAccount, "Region": "eu-west-1"}
	for _, row := range []struct {
		name   string
		in     *http.Request
		status int
		typ    string
		body   map[string]any
	}{
		{name: "answer", in: request("Repeat", `{"Text":"<&>"}`), status: 200, body: ok},
		{name: "gzip", in: with(request("Repeat", zip(t, `{"Text":"<&>"}`)), "Content-Encoding", "gzip"), status: 200, body: ok},
		{name: "empty body", in: request("Idle", ""), status: 200, body: map[string]any{}},
		{name: "unknown operation", in: request("Shout", "{}"), status: 400, typ: "UnknownOperationException"},
		{name: "unknown service", in: with(request("Repeat", "{}"), "X-Amz-Target", "Other.Repeat"), status: 400, typ: "UnknownOperationException"},
		{name: "no target", in: with(request("Repeat", "{}"), "X-Amz-Target", ""), status: 400, typ: "UnknownOperationException"},
		{name: "not signed", in: with(request("Repeat", "{}"), "Authorization", ""), status: 400, typ: "MissingAuthenticationTokenException"},
		{name: "badly signed", in: with(request("Repeat", "{}"), "Authorization", "Basic eA=="), status: 400, typ: "IncompleteSignatureException"},
		{name: "unknown member", in: request("Repeat", `{"Txt":"x"}`), status: 400, typ: "ValidationException"},
		{name: "wrong type", in: request("Repeat", `{"Text":1}`), status: 400, typ: "SerializationException"},
		{name: "no JSON", in: request("Repeat", `{"Text"`), status: 400, typ: "SerializationException"},
		{name: "two values", in: request("Repeat", `{} {}`), status: 400, typ: "SerializationException"},
		{name: "not UTF-8", in: request("Repeat", "{\"Text\":\"\xff\"}"), status: 400, typ: "SerializationException"},
		{name: "not gzip", in: with(request("Repeat", "{}"), "Content-Encoding", "gzip"), status: 400, typ: "SerializationException"},
		{name: "too large", in: request("Repeat", strings.Repeat(" ", maxBody+1)), status: 413, typ: "RequestEntityTooLargeException"},
		{name: "too large once unzipped", in: with(request("Repeat", zip(t, strings.Repeat(" ", maxBody+1))), "Content-Encoding", "gzip"), status: 413, typ: "RequestEntityTooLargeException"},
		{name: "own fault", in: request("Repeat", `{"Text":"broken"}`), status: 500, typ: "InternalFailure"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := serve(t, NewMux(new(Keys), nil, echo(nil)), row.in)
			if got.Status != row.status || got.Type != row.typ || got.InHeader != row.typ {
				t.Errorf("got status %d, type %q, header %q, want %d, %q in both", got.Status, got.Type, got.InHeader, row.status, row.typ)
			}
			if row.body != nil {
				if diff := cmp.Diff(row.body, got.Body); diff != "" {
					t.Errorf("body (-want +got):\n%s", diff)
				}
			} else if got.Body["message"] == "" {
				t.Error("error without a message")
			}
		})
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	mux := NewMux(new(Keys), nil, echo(nil))
	seen := make(map[string]bool)
	for range 3 {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, request("Idle", ""))
		seen[w.Header().Get("X-Amzn-Requestid")] = true
	}
	if len(seen) != 3 || seen[""] {
		t.Errorf("request ids %v, want three", seen)
	}
}

func TestQueryCallsGoToTheQueryHandler(t *testing.T) {
	query := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "query") })
	w := httptest.NewRecorder()
	NewMux(new(Keys), query, echo(nil)).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("Action=GetCallerIdentity")))
	if w.Body.String() != "query" {
		t.Errorf("got %q, want the query handler's answer", w.Body)
	}
}

func TestDenyAndRefuse(t *testing.T) {
	const denied = "User: arn:aws:iam::123456789012:user/devstack is not authorized to perform: echo:Repeat on resource: " +
		"arn:aws:echo:eu-west-1:123456789012:text/x because no identity-based policy allows the echo:Repeat action"
	for _, row := range []struct {
		name string
		rule Rule
		hits bool
	}{
		{"all calls", Rule{}, true},
		{"the key", Rule{AccessKey: "AKID"}, true},
		{"another key", Rule{AccessKey: "AKIDOTHER"}, false},
		{"the operation", Rule{Operation: "Repeat"}, true},
		{"another operation", Rule{Operation: "Idle"}, false},
		{"the resource", Rule{Resource: "text/x"}, true},
		{"another resource", Rule{Resource: "text/y"}, false},
		{"all three", Rule{"AKID", "Repeat", "/x"}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			keys := new(Keys)
			mux := NewMux(keys, nil, echo(nil))
			call := func() reply { return serve(t, mux, request("Repeat", `{"Text":"x"}`)) }

			undo := keys.Deny(row.rule)
			if got := call(); (got.Type == "AccessDeniedException") != row.hits || row.hits && got.Body["message"] != denied {
				t.Errorf("denied %+v: got %+v", row.rule, got)
			}
			undo()
			if got := call(); got.Status != 200 {
				t.Errorf("allowed again: got %+v", got)
			}
			undo = keys.Refuse(row.rule, InvalidToken())
			if got := call(); (got.Type == "UnrecognizedClientException") != row.hits {
				t.Errorf("refused %+v: got %+v", row.rule, got)
			}
			undo()
		})
	}
}

func TestPrincipals(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	keys := &Keys{Now: func() time.Time { return now }}
	keys.Add("AKID", Principal{Account: "222222222222", ARN: "arn:x", Expires: now.Add(time.Second)})
	caller, err := keys.Caller(request("Idle", ""))
	if diff := cmp.Diff(Caller{"AKID", "222222222222", "arn:x", "eu-west-1"}, caller); err != nil || diff != "" {
		t.Errorf("caller, error %v (-want +got):\n%s", err, diff)
	}
	now = now.Add(time.Second)
	if _, err := keys.Caller(request("Idle", "")); !errorIs(err, "ExpiredTokenException") {
		t.Errorf("expired key: got error %v, want ExpiredTokenException", err)
	}
}

func errorIs(err error, code string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

func TestThrottle(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	throttle := NewThrottle(func() time.Time { return now },
		Quota{Operations: []string{"Put"}, PerSecond: 2},
		Quota{Operations: []string{"Get", "List"}, PerSecond: 0.5},
		Quota{Operations: []string{"Free"}, PerSecond: -1})
	home := Caller{Account: "1", Region: "a"}
	for i, row := range []struct {
		after  time.Duration
		caller Caller
		op     string
		pass   bool
	}{
		{0, home, "Put", true},
		{0, home, "Put", true},
		{0, home, "Put", false},
		{0, Caller{Account: "2", Region: "a"}, "Put", true},
		{0, Caller{Account: "1", Region: "b"}, "Put", true},
		{499 * time.Millisecond, home, "Put", false},
		{time.Millisecond, home, "Put", true},
		{0, home, "Put", false},
		{0, home, "Get", true},
		{0, home, "List", false}, // counted with Get
		{0, home, "Free", true},
		{0, home, "Free", true},
		{0, home, "Other", true},
		{time.Hour, home, "Put", true},
		{0, home, "Put", true},
		{0, home, "Put", false}, // no more than a second's worth at once
	} {
		now = now.Add(row.after)
		err := throttle.Take(row.caller, row.op)
		if row.pass && err != nil || !row.pass && !errorIs(err, "ThrottlingException") {
			t.Errorf("call %d, %s: got error %v, want it to pass: %v", i, row.op, err, row.pass)
		}
	}
	mux := NewMux(new(Keys), nil, echo(NewThrottle(time.Now, Quota{Operations: []string{"Idle"}, PerSecond: 1e-9})))
	serve(t, mux, request("Idle", ""))
	if got := serve(t, mux, request("Idle", "")); got.Type != "ThrottlingException" || got.Body["message"] != "Rate exceeded" {
		t.Errorf("over the rate: got %+v", got)
	}
}

func TestOperation(t *testing.T) {
	form := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("Action=AssumeRole&Version=2011-06-15"))
	for want, r := range map[string]*http.Request{
		"Repeat":     request("Repeat", `{"Text":"x"}`),
		"AssumeRole": form,
		"":           httptest.NewRequest(http.MethodPost, "/", strings.NewReader("%zz")),
	} {
		if got := Operation(r); got != want {
			t.Errorf("got operation %q, want %q", got, want)
		}
	}
	if body, err := io.ReadAll(form.Body); err != nil || string(body) != "Action=AssumeRole&Version=2011-06-15" {
		t.Errorf("the body left to read is %q, %v", body, err)
	}
}

func TestErrorReply(t *testing.T) {
	var faults fault.Set
	faults.Add(fault.Rule{Op: "Repeat", Times: 1, Do: ErrorReply(503, "ServiceUnavailableException", "Come back later.")})
	h := faults.Wrap(Operation, NewMux(new(Keys), nil, echo(nil)))
	want := reply{503, "ServiceUnavailableException", "ServiceUnavailableException",
		map[string]any{"__type": "ServiceUnavailableException", "message": "Come back later."}}
	if diff := cmp.Diff(want, serve(t, h, request("Repeat", `{"Text":"x"}`))); diff != "" {
		t.Errorf("fault (-want +got):\n%s", diff)
	}
	if got := serve(t, h, request("Repeat", `{"Text":"x"}`)); got.Status != 200 {
		t.Errorf("after the fault: got %+v", got)
	}
}

func FuzzServeHTTP(f *testing.F) {
	f.Add("Echo_2026.Repeat", fmt.Sprintf(signature, "AKID"), "", []byte(`{"Text":"x"}`))
	f.Add("Echo_2026.Idle", "", "gzip", []byte("\x1f\x8b"))
	f.Add("", "Credential=////aws4_request", "", []byte("Action=x"))
	f.Fuzz(func(t *testing.T, target, authorization, encoding string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header = http.Header{"X-Amz-Target": {target}, "Authorization": {authorization}, "Content-Encoding": {encoding}}
		got := serve(t, NewMux(new(Keys), nil, echo(nil)), r)
		if fine := got.Status == 200; fine != (got.Type == "") || got.Status >= 500 && !bytes.Contains(body, []byte("broken")) {
			t.Errorf("got %+v", got)
		}
	})
}

func FuzzForm(f *testing.F) {
	f.Add([]byte("Action=AssumeRole&RoleArn=arn%3Aaws"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		form, err := Form(r)
		want, wantErr := url.ParseQuery(string(body))
		if (err == nil) != (wantErr == nil) || err == nil && !cmp.Equal(want, form) {
			t.Errorf("form %v, %v, want %v, %v", form, err, want, wantErr)
		}
		if left, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(left, body) {
			t.Errorf("body left to read is %q, %v", left, err)
		}
	})
}

func FuzzCredential(f *testing.F) {
	f.Add(fmt.Sprintf(signature, "AKID"))
	f.Add("Credential=")
	f.Fuzz(func(t *testing.T, header string) {
		key, region, ok := credential(header)
		if ok != (key != "" && region != "") {
			t.Errorf("credential(%q) = %q, %q, %v", header, key, region, ok)
		}
		if ok && !strings.Contains(header, "Credential=") {
			t.Errorf("found a credential in %q", header)
		}
	})
}
