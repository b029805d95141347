// Package fault makes a stand-in slow or broken on purpose: a Set of rules
// sits in front of its handler and decides, call by call, what happens. One
// Set shared by several stand-ins counts their calls together, so that a test
// can break "the n-th call, whichever it is".
package fault

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"
)

// Action handles a call in place of the stand-in, whose own handler is next.
type Action func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Rule says what happens to the calls it matches.
type Rule struct {
	// Op is the operation it matches, such as "PutLogEvents"; "" matches all.
	Op string
	// Match further narrows the calls, nil for no narrowing.
	Match func(*http.Request) bool
	// Skip is how many matching calls go by untouched first, and Times how
	// many it then acts on, 0 for all.
	Skip, Times int
	// Delay passes before anything else, less if the client goes away.
	Delay time.Duration
	// Do acts on the call; nil passes it on (for a rule that only delays).
	Do Action
}

// Set holds rules and counts calls. The zero value has no rules and is ready
// to use; a Set may be used by several goroutines.
type Set struct {
	mu    sync.Mutex
	rules []*armed
	calls map[string]int
	total int
	watch func(op string, n int)
}

type armed struct {
	Rule
	seen int
}

// Add arms a rule and returns the function that removes it. Of several rules
// that match a call, all delays pass and the first that acts, acts.
func (s *Set) Add(r Rule) (remove func()) {
	a := &armed{Rule: r}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, a)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.rules = slices.DeleteFunc(s.rules, func(b *armed) bool { return a == b })
	}
}

// Clear removes every rule. Counts stay.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}

// Calls returns how many calls of op came in since the start; "" for all.
func (s *Set) Calls(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if op == "" {
		return s.total
	}
	return s.calls[op]
}

// Counts returns the number of calls of each operation since the start.
func (s *Set) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// Watch has f called with each call's operation and its number over all
// operations, from 1, before the call is handled. nil ends it.
func (s *Set) Watch(f func(op string, n int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = f
}

// Wrap puts the set before a stand-in's handler; op names a request's
// operation.
func (s *Set) Wrap(op func(*http.Request) string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		delay, act := s.decide(op(r), r)
		if delay > 0 || act != nil {
			readAhead(r)
		}
		if !pause(r, delay) {
			return
		}
		if act == nil {
			next.ServeHTTP(w, r)
			return
		}
		act(w, r, next)
	})
}

// readAhead takes in the request's body: only then does a server see that the
// client has gone away.
func readAhead(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // it is gone already
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
}

func (s *Set) decide(op string, r *http.Request) (delay time.Duration, act Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == nil {
		s.calls = make(map[string]int)
	}
	s.calls[op]++
	s.total++
	if s.watch != nil {
		s.watch(op, s.total)
	}
	for _, a := range s.rules {
		if a.Op != "" && a.Op != op || a.Match != nil && !a.Match(r) {
			continue
		}
		a.seen++
		if a.seen <= a.Skip || a.Times > 0 && a.seen > a.Skip+a.Times {
			continue
		}
		delay += a.Delay
		if act == nil {
			act = a.Do
		}
	}
	return delay, act
}

// pause waits for d and reports whether the client is still there.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// Reply answers with a status, headers and a body of its own, without effect.
func Reply(status int, header http.Header, body string) Action {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Drop cuts the connection before the call has any effect.
func Drop() Action {
	return func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }
}

// LoseReply lets the call take effect and cuts the connection before the reply.
func LoseReply() Action {
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
}

// Hang never answers: it waits for the client to go away. The call has no
// effect.
func Hang() Action {
	return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		<-r.Context().Done()
	}
}

// HangAfter lets the call take effect and then never answers.
func HangAfter() Action {
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		<-r.Context().Done()
	}
}

// Cut sends the true reply's headers and the first n bytes of its body, then
// cuts the connection.
func Cut(n int) Action {
	return rewrite(func(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
		body := rec.Body.Bytes()
		_, _ = w.Write(body[:min(n, len(body))])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
}

// Drip sends the true reply's body a byte at a time, one per interval.
func Drip(interval time.Duration) Action {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		rewrite(func(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
			for _, b := range rec.Body.Bytes() {
				if !pause(r, interval) {
					return
				}
				if _, err := w.Write([]byte{b}); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
			}
		})(w, r, next)
	}
}

// Body sends the true reply with its body changed by f.
func Body(f func([]byte) []byte) Action {
	return rewrite(func(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
		_, _ = io.Copy(w, bytes.NewReader(f(rec.Body.Bytes())))
	})
}

// rewrite runs the stand-in on a recorder, passes its status and headers on
// (but for the length) and leaves the body to send.
func rewrite(send func(http.ResponseWriter, *httptest.ResponseRecorder)) Action {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		maps.Copy(w.Header(), rec.Header())
		w.Header().Del("Content-Length")
		w.WriteHeader(rec.Code)
		send(w, rec)
	}
}
