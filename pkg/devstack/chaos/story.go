package chaos

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// Story is what happened in a play, in the order in which it did.
type Story struct {
	began time.Time

	mu       sync.Mutex
	lines    []string
	calls    []string // since the last line
	struck   map[string]int
	problems []string
}

func newStory() *Story { return &Story{began: time.Now(), struck: make(map[string]int)} }

func (s *Story) tell(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tellCalls()
	s.add(fmt.Sprintf(format, args...))
}

// add adds a line. The caller holds the lock.
func (s *Story) add(text string) {
	s.lines = append(s.lines, fmt.Sprintf("%7.3f  %s", time.Since(s.began).Seconds(), text))
}

// called takes in a call of the function's. Calls are told together, where
// nothing happens between them.
func (s *Story) called(op string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, op)
	const most = 8
	if len(s.calls) == most {
		s.tellCalls()
	}
}

func (s *Story) tellCalls() {
	if len(s.calls) > 0 {
		s.add("calls: " + strings.Join(s.calls, ", "))
		s.calls = nil
	}
}

// problem tells of what should not have happened.
func (s *Story) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.tell("PROBLEM: %s", text)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, text)
}

// count counts a fault that struck.
func (s *Story) count(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.struck[kind]++
}

// String is all of it, a line for each thing that happened.
func (s *Story) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tellCalls()
	return strings.Join(s.lines, "\n") + "\n"
}

// String is the dose in words.
func (d Dose) String() string {
	calls := "each call"
	if d.Times > 0 {
		calls = fmt.Sprintf("%d calls", d.Times)
	}
	if d.Skip > 0 {
		calls += fmt.Sprintf(" after %d", d.Skip)
	}
	return fmt.Sprintf("%s (%s, %s, %.2f)", d.Kind, calls, d.Delay, d.Part)
}
