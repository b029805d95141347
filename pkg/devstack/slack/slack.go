// Package slack stands in for Slack's incoming webhooks: it takes a message,
// refuses what Slack refuses, and shows what a person would read in the
// channel.
package slack

import (
	"encoding/json"
	"io"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
)

// Path is the path of the one webhook there is.
const Path = "/services/T00000000/B00000000/devstack"

// op is the operation's name for faults.
const op = "slack"

// Options says how the stand-in behaves. The zero value takes any number of
// messages.
type Options struct {
	// Faults break calls on purpose, their operation is "slack"; nil for none.
	Faults *fault.Set
	// Burst turns Slack's rate limit on: so many messages are taken at once,
	// and one more each second; 0 for no limit.
	Burst int
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// Message is a message in the channel.
type Message struct {
	Time time.Time
	// Text is the payload's text. Beside blocks it only shows in
	// notifications.
	Text string
	// Blocks are the payload's blocks as received, nil if it names none.
	Blocks json.RawMessage
	// Rendered is what is read in the channel, as plain text.
	Rendered string
	// Controls is everything in the text and the blocks that Slack does not
	// show as it was written.
	Controls []Control
}

// Service is the webhook and its channel. It may be used by several
// goroutines.
type Service struct {
	now     func() time.Time
	limit   *rate.Limiter // nil for none
	handler http.Handler

	mu       sync.Mutex
	messages []Message
}

// New returns a webhook whose channel is empty.
func New(o Options) *Service {
	s := &Service{now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	if o.Burst > 0 {
		s.limit = rate.NewLimiter(1, o.Burst)
	}
	if o.Faults == nil {
		o.Faults = &fault.Set{}
	}
	s.handler = o.Faults.Wrap(func(*http.Request) string { return op }, http.HandlerFunc(s.post))
	return s
}

// ServeHTTP takes a message at Path and answers "ok". Anything it refuses is
// answered with the code that Slack gives as the body, and with the reason, as
// Slack does not, in the header Devstack-Reason.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Messages returns the channel's messages, oldest first.
func (s *Service) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

func (s *Service) post(w http.ResponseWriter, r *http.Request) {
	if no := s.admit(r); no != nil {
		no.write(w)
		return
	}
	p, no := receive(r)
	if no != nil {
		no.write(w)
		return
	}
	m := Message{Time: s.now(), Text: p.text, Blocks: p.raw}
	m.Rendered, m.Controls = p.draw()
	s.mu.Lock()
	s.messages = append(s.messages, m)
	s.mu.Unlock()
	_, _ = io.WriteString(w, "ok")
}

// admit looks at everything but the message.
func (s *Service) admit(r *http.Request) *refusal {
	if r.Method != http.MethodPost {
		return &refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed", reason: "a webhook takes POST"}
	}
	if no := find(r.URL.Path); no != nil {
		return no
	}
	if s.limit == nil {
		return nil
	}
	now := s.now()
	turn := s.limit.ReserveN(now, 1)
	wait := turn.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	turn.CancelAt(now)
	return &refusal{
		status:     http.StatusTooManyRequests,
		code:       "rate_limited",
		reason:     "more than one message a second",
		retryAfter: int(math.Ceil(wait.Seconds())),
	}
}

// find tells the webhook's path from others (Slack, "Sending messages using
// incoming webhooks", "Handling errors").
func find(path string) *refusal {
	got, want := strings.Split(path, "/"), strings.Split(Path, "/")
	switch {
	case len(got) != len(want) || got[1] != want[1]:
		return &refusal{status: http.StatusForbidden, code: "invalid_token", reason: "not the path of a webhook"}
	case got[2] != want[2]:
		return &refusal{status: http.StatusNotFound, code: "no_team", reason: "unknown workspace"}
	case got[3] != want[3]:
		return &refusal{status: http.StatusNotFound, code: "no_service", reason: "unknown webhook"}
	case got[4] != want[4]:
		return &refusal{status: http.StatusForbidden, code: "invalid_token", reason: "wrong token"}
	}
	return nil
}

// receive reads a message. A body that is too large to be one is cut, and then
// is no JSON.
func receive(r *http.Request) (*payload, *refusal) {
	const maxBody = 1 << 20
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, refuse("invalid_payload", "the content type is not application/json")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, refuse("invalid_payload", "the body broke off")
	}
	return parse(body)
}

// refusal is an answer other than "ok".
type refusal struct {
	status       int
	code, reason string
	retryAfter   int // seconds, 0 for none
}

// refuse is a refusal of the message itself.
func refuse(code, reason string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: code, reason: reason}
}

func (no *refusal) write(w http.ResponseWriter) {
	w.Header().Set("Devstack-Reason", no.reason)
	if no.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	if no.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(no.retryAfter))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(no.status)
	_, _ = io.WriteString(w, no.code)
}
