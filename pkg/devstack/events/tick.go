package events

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// tickEvery is how often Run looks at the clock.
const tickEvery = time.Second

// Run fires rules by the service's clock until ctx ends.
func (s *Service) Run(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.Tick(s.opts.Now())
		case <-ctx.Done():
			return
		}
	}
}

// Tick fires the rules that have become due by now, in the order of their
// times: each once, for the latest of its times. What a clock that jumps has
// passed by is not made up for.
func (s *Service) Tick(now time.Time) {
	for _, f := range s.collect(now) {
		for _, t := range f.targets {
			s.invoke(t, f.event)
		}
	}
}

func (s *Service) invoke(t Target, event []byte) {
	if t.Input != "" {
		event = []byte(t.Input)
	}
	if s.opts.Invoke != nil {
		s.opts.Invoke(t.ARN, slices.Clone(event))
	}
}

// restart puts a rule on the list anew, as from now: a rate counts from here.
func (s *Service) restart(r *rule) {
	r.due = time.Time{}
	if r.State != Disabled && r.Expression != "" {
		now := s.opts.Now()
		r.due, _ = r.expression.Next(now, now)
	}
}

// advance returns the latest time at which a rule was due, if it was, and moves
// it on to the first one after now.
func (r *rule) advance(now time.Time) (at time.Time, due bool) {
	for !r.due.IsZero() && !r.due.After(now) {
		at, due = r.due, true
		r.due, _ = r.expression.Next(at, at)
	}
	return at, due
}

// firing is a rule that was due.
type firing struct {
	sc      scope
	name    string
	at      time.Time
	targets []Target
	event   []byte
}

// collect moves on the rules that are due, and makes their events.
func (s *Service) collect(now time.Time) []firing {
	s.mu.Lock()
	defer s.mu.Unlock()
	var firings []firing
	for sc, rules := range s.rules {
		for name, r := range rules {
			if at, due := r.advance(now); due {
				firings = append(firings, firing{sc: sc, name: name, at: at, targets: slices.Clone(r.Targets)})
			}
		}
	}
	slices.SortFunc(firings, func(a, b firing) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name), cmp.Compare(a.sc.account+a.sc.region, b.sc.account+b.sc.region))
	})
	for i := range firings {
		s.fired++
		firings[i].event = firings[i].document(s.fired)
	}
	return firings
}

// document is the scheduled event, the n-th of the service.
func (f firing) document(n int) []byte {
	text, _ := json.Marshal(struct { // strings alone: it cannot fail
		Version    string   `json:"version"`
		ID         string   `json:"id"`
		DetailType string   `json:"detail-type"`
		Source     string   `json:"source"`
		Account    string   `json:"account"`
		Time       string   `json:"time"`
		Region     string   `json:"region"`
		Resources  []string `json:"resources"`
		Detail     struct{} `json:"detail"`
	}{
		Version: "0", ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n),
		DetailType: "Scheduled Event", Source: "aws.events",
		Account: f.sc.account, Time: f.at.Format(time.RFC3339), Region: f.sc.region,
		Resources: []string{ruleARN(f.sc, f.name)},
	})
	return text
}
