// Package events is a stand-in for the scheduled rules of Amazon EventBridge:
// rules and their targets on the default event bus, which the real SDK client
// speaks to, and the scheduler that fires them. Rules and error texts are those
// of the EventBridge API reference and user guide, and of replies that the
// service is known to give. What a schedule expression means is read by
// pkg/schedule, which has its own tests against what the guide says.
//
// Events match no pattern here, and a target is given its constant input or the
// scheduled event: input paths and transformers are refused.
package events

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/schedule"
)

// The states of a rule.
const (
	Enabled  = "ENABLED"
	Disabled = "DISABLED"
	// EnabledForAll is of rules with an event pattern.
	EnabledForAll = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
)

// Options are how a Service behaves.
type Options struct {
	// Now is the service's clock; nil for time.Now.
	Now func() time.Time
	// Account and Region are where Put and Rule act; by default
	// awsjson.DefaultAccount and awsjson.DefaultRegion. Calls act where their
	// caller is.
	Account, Region string
	// PageSize is how many rules or targets a page has where the call does not
	// say; 0 for the service's 100.
	PageSize int
	// Invoke is called for each target of a rule that fires, one after the
	// other, with the target's ARN and what it is sent. EventBridge does not
	// wait for what it starts, so Invoke should return at once. It may call the
	// service. nil for a scheduler that starts nothing.
	Invoke func(arn string, event []byte)
}

// Service is EventBridge. It may be used by several goroutines.
type Service struct {
	opts Options
	home scope

	mu    sync.Mutex
	rules map[scope]map[string]*rule
	fired int // events sent
}

// scope is what rule names are unique in.
type scope struct{ account, region string }

func scopeOf(c awsjson.Caller) scope { return scope{c.Account, c.Region} }

// Rule is a rule with its targets.
type Rule struct {
	Name, Description string
	// Expression is the schedule expression, Pattern the event pattern; one of
	// them at least is there.
	Expression, Pattern string
	// State is Enabled, Disabled or EnabledForAll; Put takes "" for Enabled.
	State   string
	RoleARN string
	// ManagedBy is the principal of the AWS service that made the rule and
	// alone may change it; "" for a rule of the account's own.
	ManagedBy string
	Tags      map[string]string
	Targets   []Target
}

// Target is what a rule starts when it fires.
type Target struct {
	ID  string `json:"Id"`
	ARN string `json:"Arn"`
	// Input is JSON that is sent instead of the event; "" for the event.
	Input string `json:",omitempty"`
}

// rule is a Rule on the scheduler's list.
type rule struct {
	Rule
	expression schedule.Expression
	// due is when it fires next; the zero time for never.
	due time.Time
}

// New returns a service without rules.
func New(opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Service{
		opts: opts,
		home: scope{
			account: cmp.Or(opts.Account, awsjson.DefaultAccount),
			region:  cmp.Or(opts.Region, awsjson.DefaultRegion),
		},
		rules: make(map[scope]map[string]*rule),
	}
}

// Service returns the operations for an awsjson.Mux.
func (s *Service) Service() awsjson.Service {
	return awsjson.Service{
		Target: "AWSEvents",
		Prefix: "events",
		Operations: map[string]awsjson.Handler{
			"PutRule":               awsjson.Handle(s.putRule),
			"DescribeRule":          awsjson.Handle(s.describeRule),
			"EnableRule":            awsjson.Handle(s.enableRule),
			"DisableRule":           awsjson.Handle(s.disableRule),
			"PutTargets":            awsjson.Handle(s.putTargets),
			"ListTargetsByRule":     awsjson.Handle(s.listTargetsByRule),
			"ListRuleNamesByTarget": awsjson.Handle(s.listRuleNamesByTarget),
		},
	}
}

// Put makes a rule with its targets, or replaces one whole, as nobody can by a
// call: a managed rule too, and tags. It returns the *awsjson.Error that the
// service would answer.
func (s *Service) Put(r Rule) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := cmp.Or(checkTargets(r.Targets), checkCount(r.Targets)); err != nil {
		return err
	}
	placed, err := s.place(s.home, r)
	if err != nil {
		return err
	}
	placed.ManagedBy, placed.Tags, placed.Targets = r.ManagedBy, maps.Clone(r.Tags), slices.Clone(r.Targets)
	return nil
}

// Rule returns a rule as it is now.
func (s *Service) Rule(name string) (Rule, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rules[s.home][name]
	if !ok {
		return Rule{}, false
	}
	got := r.Rule
	got.Tags, got.Targets = maps.Clone(got.Tags), slices.Clone(got.Targets)
	return got, true
}

// find returns a rule by the name that a request gives.
func (s *Service) find(sc scope, bus, name string) (*rule, error) {
	if err := checkBus(bus); err != nil {
		return nil, err
	}
	if err := checkID("name", name); err != nil {
		return nil, err
	}
	r, ok := s.rules[sc][name]
	if !ok {
		return nil, awsjson.Errorf("ResourceNotFoundException", "Rule %s does not exist on EventBus %s.", name, defaultBus)
	}
	return r, nil
}

// change returns a rule that the caller may change.
func (s *Service) change(sc scope, bus, name string) (*rule, error) {
	r, err := s.find(sc, bus, name)
	if err == nil && r.ManagedBy != "" {
		return nil, managed(r)
	}
	return r, err
}
