package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

// InvokeOperation is the name of the Service's one operation, for faults.
const InvokeOperation = "Invoke"

// invokePath is what the path of a call begins with, and invokeEnd what it ends
// with (Lambda API reference, Invoke).
const (
	invokePath = "/2015-03-31/functions/"
	invokeEnd  = "/invocations"
)

// maxAsync is the largest event of an asynchronous invocation, in bytes (Lambda
// quotas, "Invocation payload").
const maxAsync = 1 << 20

// throttledPause is how long an asynchronous invocation waits in its queue when
// the function has no room. Lambda waits from a second on, and up to five
// minutes.
const throttledPause = time.Second

// Invocation is an invocation that has ended.
type Invocation struct {
	ARN     string
	Payload []byte
	Async   bool
	Started time.Time
	Result  Result
	// Err is as Invoke returns it.
	Err error
}

// Service is Lambda's API with one operation, Invoke of the type Event, for
// functions that are called by their ARN. What is invoked asynchronously runs once: functions have
// no retries, as those of the template have none. It may be used by several
// goroutines.
type Service struct {
	keys  *awsjson.Keys
	now   func() time.Time
	ended func(Invocation)
	pause time.Duration
	ctx   context.Context // ends with the service
	stop  context.CancelFunc

	mu        sync.Mutex
	functions map[string]*Function
	async     sync.WaitGroup
}

// NewService returns a service without functions. ended is called with each
// invocation when it is over; nil for nobody. now is the clock of
// Invocation.Started, nil for time.Now. Close ends the service.
func NewService(keys *awsjson.Keys, now func() time.Time, ended func(Invocation)) *Service {
	if now == nil {
		now = time.Now
	}
	if ended == nil {
		ended = func(Invocation) {}
	}
	s := &Service{keys: keys, now: now, ended: ended, pause: throttledPause, functions: make(map[string]*Function)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Add has the function answer calls by its ARN, which it returns.
func (s *Service) Add(f *Function) (arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn = f.opts.arn()
	s.functions[arn] = f
	return arn
}

func (s *Service) find(arn string) *Function {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.functions[arn]
}

// IsInvoke reports whether a request is one for the Service.
func IsInvoke(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, invokePath) && strings.HasSuffix(r.URL.Path, invokeEnd)
}

// ServeHTTP answers a call of Invoke.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !IsInvoke(r) {
		refuseCall(w, http.StatusNotFound, awsjson.Errorf("UnknownOperationException", "This stand-in has no such operation."))
		return
	}
	arn := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, invokePath), invokeEnd)
	if err := s.authorize(r, arn); err != nil {
		refuseCall(w, http.StatusForbidden, awsjson.AsError(err))
		return
	}
	if s.find(arn) == nil {
		refuseCall(w, http.StatusNotFound, awsjson.Errorf("ResourceNotFoundException", "Function not found: %s", arn))
		return
	}
	if kind := r.Header.Get("X-Amz-Invocation-Type"); kind != "Event" {
		refuseCall(w, http.StatusBadRequest, awsjson.Errorf("InvalidParameterValueException", "This stand-in has no invocation type %q.", kind))
		return
	}
	s.take(w, r, arn)
}

func (s *Service) authorize(r *http.Request, arn string) error {
	caller, err := s.keys.Caller(r)
	if err != nil {
		return err
	}
	return s.keys.Authorize(caller, "lambda:InvokeFunction", []string{arn})
}

// take accepts an event.
func (s *Service) take(w http.ResponseWriter, r *http.Request, arn string) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxAsync+1))
	switch {
	case err != nil:
		refuseCall(w, http.StatusBadRequest, awsjson.Errorf("InvalidRequestContentException", "The request body cannot be read: %v", err))
	case len(payload) > maxAsync:
		refuseCall(w, http.StatusRequestEntityTooLarge, awsjson.Errorf("RequestTooLargeException", "The event has more than %d bytes.", maxAsync))
	case checkPayload(payload) != nil:
		refuseCall(w, http.StatusBadRequest, awsjson.Errorf("InvalidRequestContentException", "Could not parse request body into json"))
	default:
		s.Event(arn, payload)
		w.WriteHeader(http.StatusAccepted)
	}
}

// Event invokes a function asynchronously, as a rule of EventBridge or a call
// of type Event does, and returns at once. Nothing happens where there is no
// such function.
func (s *Service) Event(arn string, payload []byte) {
	f := s.find(arn)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f == nil || s.ctx.Err() != nil {
		return
	}
	s.async.Go(func() { s.queued(arn, f, payload) })
}

// queued runs an invocation as soon as the function has room for it.
func (s *Service) queued(arn string, f *Function, payload []byte) {
	for {
		if _, err := s.invoke(s.ctx, arn, f, payload, true); !errors.Is(err, ErrTooManyRequests) {
			return
		}
		timer := time.NewTimer(s.pause)
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
			return
		}
	}
}

// Call invokes a function and waits for its end; the error is as Invoke of
// Function returns it, or says that there is no such function.
func (s *Service) Call(ctx context.Context, arn string, payload []byte) (Result, error) {
	f := s.find(arn)
	if f == nil {
		return Result{}, errors.New("invoke function: ResourceNotFoundException: " + arn)
	}
	return s.invoke(ctx, arn, f, payload, false)
}

func (s *Service) invoke(ctx context.Context, arn string, f *Function, payload []byte, async bool) (Result, error) {
	started := s.now()
	result, err := f.Invoke(ctx, payload)
	if !errors.Is(err, ErrTooManyRequests) {
		s.ended(Invocation{ARN: arn, Payload: payload, Async: async, Started: started, Result: result, Err: err})
	}
	return result, err
}

// Wait returns when no asynchronous invocation is under way or waits.
func (s *Service) Wait() { s.async.Wait() }

// Close ends what was invoked asynchronously, and takes no more. The functions
// are left to whoever made them.
func (s *Service) Close() {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.async.Wait()
}

// refuseCall answers with an error as the API does: its type is in a header.
func refuseCall(w http.ResponseWriter, status int, e *awsjson.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", e.Code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Type": "User", "Message": e.Message})
}
