// Package lambda stands in for AWS Lambda. It starts a function's bootstrap
// executable as a child process, speaks the Lambda runtime API (2018-06-01)
// with it and invokes it as Lambda would: cold starts, warm starts, a deadline
// that kills without notice, and a process that stands still between
// invocations.
package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// MaxPayload is the largest event of a synchronous invocation, in bytes
// (Lambda quotas, "Invocation payload").
const MaxPayload = 6 << 20

// Errors of Invoke that are no doing of the function.
var (
	// ErrTooManyRequests: as many invocations as Options.Concurrency allows
	// are under way.
	ErrTooManyRequests = errors.New("invoke function: TooManyRequestsException: rate exceeded")
	// ErrClosed: the stand-in has been closed.
	ErrClosed = errors.New("invoke function: it is closed")
)

// Options says what a function looks like. Only Bootstrap is required.
type Options struct {
	// Bootstrap is the path of the executable.
	Bootstrap string
	// Env is the function's own environment. Names that Lambda reserves are
	// refused, and so is more than 4 KB in all.
	Env map[string]string
	// FunctionName defaults to "function".
	FunctionName string
	// Memory is in MB, 128 (the default) to 10240. It is told to the process
	// and not enforced: Usage says what was needed.
	Memory int
	// Timeout ends an invocation; 3 s by default, at most 15 minutes.
	Timeout time.Duration
	// InitTimeout ends the start of a process that does not ask for work; 10 s
	// by default, which is Lambda's.
	InitTimeout time.Duration
	// Region defaults to "us-east-1", Account to "123456789012".
	Region, Account string
	// Concurrency is how many invocations may run at once; 10 by default, the
	// quota of a new account.
	Concurrency int
	// NoFreeze lets the process run on between invocations. Where the
	// operating system has no signal to stop a process it always does.
	NoFreeze bool
	// Started, if not nil, is called with the id of each process as soon as it
	// has started. It must not call the Function.
	Started func(pid int)
	// Stdout gets what the processes write to standard output and standard
	// error, a line at a time; nil for nobody.
	Stdout io.Writer
	// Log gets each of those lines with the name of its process's log stream;
	// nil for nobody. It must not call the Function.
	Log func(stream string, l Line)
	// Now tells the time for deadlines, durations and lines; time.Now by
	// default. The process reads the machine's clock: one that differs from it
	// moves the deadline that the function sees.
	Now func() time.Time
}

// Result is how an invocation ended.
type Result struct {
	// RequestID is the invocation's id, as the function saw it.
	RequestID string
	// Payload is the function's answer, or the JSON document of its error.
	Payload []byte
	// FunctionError says that Payload is an error: one that the function
	// returned, a panic, a time-out or the death of the process.
	FunctionError bool
	// ErrorType and ErrorMessage are what Payload says; empty without an error.
	ErrorType, ErrorMessage string
	// TimedOut says that the process was killed at its deadline. The payload
	// is the answer all the same when the function had given one by then.
	TimedOut bool
	// Cold says that a process was started for this invocation.
	Cold bool
	// InitDuration is the time from the start of the process until it asked
	// for work, 0 when warm; Duration the time it then had the event.
	InitDuration, Duration time.Duration
	// Logs are the lines the process wrote, when cold from its start on.
	Logs []string
	// Usage is what the process has needed since its start.
	Usage Usage
}

// Usage is what a process has needed. It is zero where the operating system
// does not tell; on Linux it does.
type Usage struct {
	// PeakRSS is the most resident memory seen, in bytes. It is read when an
	// invocation ends or the process is killed: of a process that died by
	// itself, at the last occasion before that.
	PeakRSS int64
	// CPU is time spent in user and system mode, in steps of 10 ms while the
	// process lives.
	CPU time.Duration
}

// Line is one line that a process wrote.
type Line struct {
	Time time.Time
	// RequestID is the invocation it belongs to, empty before the first.
	RequestID string
	Text      string
}

// Function is one Lambda function with its pool of sandboxes. A sandbox is a
// process with a runtime API of its own and runs one invocation at a time. A
// Function may be used by several goroutines.
type Function struct {
	opts Options
	logs logbook

	mu      sync.Mutex
	closed  bool
	running int
	invokes sync.WaitGroup // as many as running
	idle    []*sandbox     // the last used at the end
	live    map[*sandbox]struct{}
	past    Usage // of the processes that are gone
}

// New returns a function; no process is started until the first invocation.
// It fails on options that Lambda would refuse.
func New(o Options) (*Function, error) {
	o, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("lambda options: %w", err)
	}
	return &Function{
		opts: o,
		logs: logbook{now: o.Now, out: o.Stdout, log: o.Log},
		live: make(map[*sandbox]struct{}),
	}, nil
}

// Invoke runs the function with an event, a JSON document ({} when payload is
// empty), on an idle sandbox or else on a new one. What the function does
// wrong is in the result; an error means that it was not invoked, or that ctx
// ended. Then the process is killed - Lambda itself lets an invocation go on
// when its caller goes away.
func (f *Function) Invoke(ctx context.Context, payload []byte) (Result, error) {
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if err := checkPayload(payload); err != nil {
		return Result{}, err
	}
	s, err := f.acquire()
	if err != nil {
		return Result{}, err
	}
	defer f.release(s)
	return s.invoke(ctx, payload)
}

func checkPayload(payload []byte) error {
	if len(payload) > MaxPayload {
		return fmt.Errorf("invoke function: RequestTooLargeException: %d bytes, at most %d allowed", len(payload), MaxPayload)
	}
	if len(payload) > 0 && !json.Valid(payload) {
		return errors.New("invoke function: InvalidRequestContentException: the event is not JSON")
	}
	return nil
}

// acquire gets a sandbox for an invocation. The lock is held over the start of
// a process, so that Kill and Close see every process there is.
func (f *Function) acquire() (*sandbox, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, ErrClosed
	}
	if f.running >= f.opts.Concurrency {
		return nil, ErrTooManyRequests
	}
	s := f.warm()
	if s == nil {
		var err error
		if s, err = startSandbox(&f.opts, &f.logs); err != nil {
			return nil, err
		}
		f.live[s] = struct{}{}
	}
	f.running++
	f.invokes.Add(1)
	return s, nil
}

// warm takes the idle sandbox that was used last, nil if there is none. The
// caller holds the lock.
func (f *Function) warm() *sandbox {
	for len(f.idle) > 0 {
		last := len(f.idle) - 1
		s := f.idle[last]
		f.idle = f.idle[:last]
		if s.alive() {
			return s
		}
		f.discard(s)
	}
	return nil
}

// release gives a sandbox back after its invocation.
func (f *Function) release(s *sandbox) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running--
	f.invokes.Done()
	if !s.alive() {
		f.discard(s)
		return
	}
	f.idle = append(f.idle, s)
}

// discard ends a sandbox and keeps its usage. The caller holds the lock.
func (f *Function) discard(s *sandbox) {
	s.end()
	f.past = f.past.plus(s.proc.usage())
	delete(f.live, s)
}

// Kill ends every process at once with SIGKILL and returns when they are gone.
// An invocation under way ends as one whose process died.
func (f *Function) Kill() {
	f.mu.Lock()
	processes := slices.Collect(maps.Keys(f.live))
	f.mu.Unlock()
	for _, s := range processes {
		s.proc.kill()
	}
}

// Cool ends the idle sandboxes, as Lambda does after some minutes without
// work, so that an invocation that finds none has a cold start.
func (f *Function) Cool() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.idle {
		f.discard(s)
	}
	f.idle = nil
}

// Close kills every process, waits for the invocations under way to return and
// refuses further ones.
func (f *Function) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.Kill()
	f.invokes.Wait()
	f.Cool()
}

// Logs returns the latest lines of all processes, oldest first, at most
// 10,000.
func (f *Function) Logs() []Line { return f.logs.all() }

// Usage sums up all processes there were: CPU time in all, and the memory of
// the one that needed most.
func (f *Function) Usage() Usage {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := f.past
	for s := range f.live {
		sum = sum.plus(s.proc.usage())
	}
	return sum
}

func (u Usage) plus(v Usage) Usage {
	return Usage{PeakRSS: max(u.PeakRSS, v.PeakRSS), CPU: u.CPU + v.CPU}
}
