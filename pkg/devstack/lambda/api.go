package lambda

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxAnswer is the largest answer of a function in bytes. The runtime API
// allows 100 bytes over the quota for Lambda's own wrapping.
const maxAnswer = MaxPayload + 100

// runtimeAPI is the HTTP interface between Lambda and one process (Lambda
// developer guide, "Using the Lambda runtime API").
type runtimeAPI struct {
	opts *Options
	// polls holds a token while the process waits for work it may have.
	polls chan struct{}
	// work holds the invocation that the waiting process gets.
	work chan *invocation

	mu      sync.Mutex
	current *invocation // nil before the first
	got     *answer     // to current; before the first: why the start failed
}

type invocation struct {
	id      string
	payload []byte
	began   time.Time
}

// answer is what the process sent for an invocation.
type answer struct {
	payload                 []byte
	failed                  bool
	errorType, errorMessage string
}

// errorDocument is the part of an error's JSON that Lambda reads.
type errorDocument struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func newRuntimeAPI(o *Options) *runtimeAPI {
	return &runtimeAPI{opts: o, polls: make(chan struct{}, 1), work: make(chan *invocation, 1)}
}

func (a *runtimeAPI) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.invocationError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.initError)
	return mux
}

// begin hands an invocation to the process, which waits in next.
func (a *runtimeAPI) begin(inv *invocation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current, a.got = inv, nil
	// A runtime that asked twice has left a token that says nothing now.
	select {
	case <-a.polls:
	default:
	}
	a.work <- inv
}

// answer returns what the process sent, nil if nothing.
func (a *runtimeAPI) answer() *answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.got
}

// ready reports whether the process may ask for work - not before it has
// answered what it was given, nor after it said that it could not start - and
// notes that it does.
func (a *runtimeAPI) ready() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if (a.current == nil) != (a.got == nil) {
		return false
	}
	select {
	case a.polls <- struct{}{}:
	default:
	}
	return true
}

func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	if !a.ready() {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the invocation before has no answer")
		return
	}
	select {
	case inv := <-a.work:
		a.send(w, inv)
	case <-r.Context().Done():
	}
}

func (a *runtimeAPI) send(w http.ResponseWriter, inv *invocation) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.began.Add(a.opts.Timeout).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", a.opts.arn())
	h.Set("Lambda-Runtime-Trace-Id", traceID(inv.began))
	_, _ = w.Write(inv.payload)
}

// traceID is an X-Ray tracing header of a request that is not sampled.
func traceID(now time.Time) string {
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", now.Unix(), randomHex(12), randomHex(8))
}

func (a *runtimeAPI) response(w http.ResponseWriter, r *http.Request) {
	body, ok := readAnswer(w, r)
	if !ok {
		return
	}
	if len(body) > maxAnswer {
		text := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxAnswer)
		if a.settle(w, r, newFailure("Function.ResponseSizeTooLarge", text)) {
			refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
				fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", maxAnswer))
		}
		return
	}
	if a.settle(w, r, &answer{payload: body}) {
		accept(w)
	}
}

func (a *runtimeAPI) invocationError(w http.ResponseWriter, r *http.Request) {
	body, ok := readAnswer(w, r)
	if ok && a.settle(w, r, parseError(body, r.Header)) {
		accept(w)
	}
}

func (a *runtimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	body, ok := readAnswer(w, r)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current != nil {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the runtime has started")
		return
	}
	a.got = parseError(body, r.Header)
	accept(w)
}

// settle records the answer to the current invocation, the first only, and
// refuses one to any other.
func (a *runtimeAPI) settle(w http.ResponseWriter, r *http.Request, got *answer) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil || a.current.id != r.PathValue("id") || a.got != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return false
	}
	a.got = got
	return true
}

// readAnswer reads a body up to one byte over the limit. It is false when the
// body broke off, which leaves the invocation without an answer.
func readAnswer(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if err != nil {
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		return nil, false
	}
	return body, true
}

// parseError reads an error document. One that is no JSON still is an error,
// of the type that the header names.
func parseError(body []byte, h http.Header) *answer {
	var doc errorDocument
	if json.Unmarshal(body, &doc) != nil {
		doc = errorDocument{Message: string(body)}
	}
	kind := cmp.Or(doc.Type, h.Get("Lambda-Runtime-Function-Error-Type"), "Runtime.Unknown")
	return &answer{payload: body, failed: true, errorType: kind, errorMessage: doc.Message}
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, kind, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(errorDocument{Type: kind, Message: text})
}
