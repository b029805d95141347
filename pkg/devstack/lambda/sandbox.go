package lambda

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// sandbox is an execution environment: a process and the runtime API it
// speaks with. It runs one invocation at a time and lives as long as its
// process.
type sandbox struct {
	opts   *Options
	api    *runtimeAPI
	server *http.Server
	served chan struct{}
	proc   *process
	cold   bool // no invocation has begun
}

func startSandbox(o *Options, logs *logbook) (*sandbox, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start runtime api: %w", err)
	}
	s := &sandbox{opts: o, api: newRuntimeAPI(o), served: make(chan struct{}), cold: true}
	s.server = &http.Server{
		Handler:           s.api.handler(),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	go func() {
		defer close(s.served)
		_ = s.server.Serve(ln)
	}()
	stream := o.Now().UTC().Format("2006/01/02") + "/[$LATEST]" + randomHex(16)
	s.proc, err = startProcess(o.Bootstrap, o.environ(ln.Addr().String(), stream), logs, stream)
	if err != nil {
		s.stopServer()
		return nil, err
	}
	if o.Started != nil {
		o.Started(s.proc.cmd.Process.Pid)
	}
	return s, nil
}

func (s *sandbox) stopServer() {
	_ = s.server.Close()
	<-s.served
}

// end kills the process if need be and frees what the sandbox holds.
func (s *sandbox) end() {
	s.proc.kill()
	s.stopServer()
}

func (s *sandbox) alive() bool {
	select {
	case <-s.proc.exited:
		return false
	default:
		return true
	}
}

// event is what ended a wait for the process.
type event int

const (
	polled    event = iota // it asked for the next invocation
	exited                 // it died
	lateInit               // it did not get ready in time
	late                   // it did not finish in time
	cancelled              // the caller went away
)

// await waits until the process asks for work.
func (s *sandbox) await(ctx context.Context, limit time.Duration) event {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-s.api.polls:
		return polled
	case <-s.proc.exited:
		return exited
	case <-timer.C:
		return late
	case <-ctx.Done():
		return cancelled
	}
}

// invoke runs one invocation and leaves the process frozen, or dead.
func (s *sandbox) invoke(ctx context.Context, payload []byte) (Result, error) {
	res := Result{RequestID: newRequestID(), Cold: s.cold}
	end := polled
	if s.cold {
		end = s.init(ctx, &res)
	}
	if end == polled {
		end = s.work(ctx, payload, &res)
	}
	if end == polled {
		s.freeze()
	} else {
		s.proc.kill()
	}
	res.Logs = s.proc.out.take()
	res.Usage = s.proc.usage()
	if end == cancelled {
		return res, fmt.Errorf("invoke function: %w", context.Cause(ctx))
	}
	s.conclude(&res, end)
	return res, nil
}

// init waits for a new process to ask for work for the first time.
func (s *sandbox) init(ctx context.Context, res *Result) event {
	s.cold = false
	end := s.await(ctx, s.opts.InitTimeout)
	res.InitDuration = s.opts.Now().Sub(s.proc.started)
	s.proc.out.flush()
	if end == late {
		return lateInit
	}
	return end
}

// work hands the event over and waits for the process to ask for more: only
// then is an invocation over, as a runtime may go on after its answer.
func (s *sandbox) work(ctx context.Context, payload []byte, res *Result) event {
	began := s.opts.Now()
	s.proc.out.begin(res.RequestID)
	s.api.begin(&invocation{id: res.RequestID, payload: payload, began: began})
	s.proc.thaw()
	end := s.await(ctx, s.opts.Timeout)
	res.Duration = s.opts.Now().Sub(began)
	return end
}

// freeze stops the process and takes in what it had written before.
func (s *sandbox) freeze() {
	if !s.opts.NoFreeze {
		s.proc.freeze()
	}
	s.proc.sample()
	s.proc.out.flush()
}

// conclude fills in the answer: what the function sent, or else what Lambda
// says in its place.
func (s *sandbox) conclude(res *Result, end event) {
	res.TimedOut = end == late || end == lateInit
	a := s.api.answer()
	if a == nil {
		a = s.failure(res, end)
	}
	res.Payload, res.FunctionError = a.payload, a.failed
	res.ErrorType, res.ErrorMessage = a.errorType, a.errorMessage
}

// failure words the end of an invocation without an answer.
func (s *sandbox) failure(res *Result, end event) *answer {
	kind, text := "Sandbox.Timedout", ""
	switch end {
	case lateInit:
		text = fmt.Sprintf("Init timed out after %.2f seconds", s.opts.InitTimeout.Seconds())
	case late:
		text = fmt.Sprintf("Task timed out after %.2f seconds", s.opts.Timeout.Seconds())
	default:
		kind, text = "Runtime.ExitError", s.proc.exitText()
	}
	return newFailure(kind, fmt.Sprintf("RequestId: %s Error: %s", res.RequestID, text))
}

// newFailure is an error as Lambda itself words it.
func newFailure(kind, text string) *answer {
	// Two strings cannot fail to marshal.
	payload, _ := json.Marshal(errorDocument{Type: kind, Message: text})
	return &answer{payload: payload, failed: true, errorType: kind, errorMessage: text}
}

// newRequestID is a random UUID, version 4.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
