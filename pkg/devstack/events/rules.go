package events

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/schedule"
)

func ruleARN(sc scope, name string) string {
	return fmt.Sprintf("arn:aws:events:%s:%s:rule/%s", sc.region, sc.account, name)
}

type tag struct{ Key, Value string }

type putRuleRequest struct {
	Name, Description, EventBusName, EventPattern, RoleArn, ScheduleExpression, State string

	Tags []tag
}

func (r *putRuleRequest) Resources(c awsjson.Caller) []string {
	return []string{ruleARN(scopeOf(c), r.Name)}
}

type putRuleReply struct{ RuleArn string }

// putRule replaces what a call can give of a rule, absent members too. Tags of
// a rule that exists stay as they are, and so do its targets.
func (s *Service) putRule(c awsjson.Caller, in *putRuleRequest) (*putRuleReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sc := scopeOf(c)
	if err := checkBus(in.EventBusName); err != nil {
		return nil, err
	}
	old := s.rules[sc][in.Name]
	if old != nil && old.ManagedBy != "" {
		return nil, managed(old)
	}
	r, err := s.place(sc, Rule{
		Name: in.Name, Description: in.Description, Expression: in.ScheduleExpression, Pattern: in.EventPattern,
		State: in.State, RoleARN: in.RoleArn,
	})
	if err != nil {
		return nil, err
	}
	if old == nil {
		r.Tags = make(map[string]string)
		for _, t := range in.Tags {
			r.Tags[t.Key] = t.Value
		}
	}
	return &putRuleReply{ruleARN(sc, in.Name)}, nil
}

// place makes a rule of what PutRule gives, or replaces that much of one.
func (s *Service) place(sc scope, r Rule) (*rule, error) {
	r.State = cmp.Or(r.State, Enabled)
	if err := checkRule(&r); err != nil {
		return nil, err
	}
	placed := &rule{Rule: r}
	if r.Expression != "" {
		var err error
		if placed.expression, err = schedule.Parse(r.Expression); err != nil {
			return nil, validation("Parameter ScheduleExpression is not valid.")
		}
	}
	if s.rules[sc] == nil {
		s.rules[sc] = make(map[string]*rule)
	}
	old := s.rules[sc][r.Name]
	if old != nil {
		placed.Tags, placed.Targets, placed.ManagedBy, placed.due = old.Tags, old.Targets, old.ManagedBy, old.due
	}
	if old == nil || old.Expression != r.Expression || old.State != r.State {
		s.restart(placed)
	}
	s.rules[sc][r.Name] = placed
	return placed, nil
}

// named is a request about one rule.
type named struct{ Name, EventBusName string }

func (r *named) Resources(c awsjson.Caller) []string {
	return []string{ruleARN(scopeOf(c), r.Name)}
}

type describeRuleReply struct {
	Arn, CreatedBy     string
	Description        string `json:",omitempty"`
	EventBusName       string
	EventPattern       string `json:",omitempty"`
	ManagedBy          string `json:",omitempty"`
	Name               string
	RoleArn            string `json:",omitempty"`
	ScheduleExpression string `json:",omitempty"`
	State              string
}

func (s *Service) describeRule(c awsjson.Caller, in *named) (*describeRuleReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(scopeOf(c), in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	return &describeRuleReply{
		Arn: ruleARN(scopeOf(c), r.Name), CreatedBy: c.Account, Description: r.Description, EventBusName: defaultBus,
		EventPattern: r.Pattern, ManagedBy: r.ManagedBy, Name: r.Name, RoleArn: r.RoleARN,
		ScheduleExpression: r.Expression, State: r.State,
	}, nil
}

func (s *Service) enableRule(c awsjson.Caller, in *named) (*struct{}, error) {
	return s.setState(c, in, Enabled)
}

func (s *Service) disableRule(c awsjson.Caller, in *named) (*struct{}, error) {
	return s.setState(c, in, Disabled)
}

func (s *Service) setState(c awsjson.Caller, in *named, state string) (*struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.change(scopeOf(c), in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	if r.State != state {
		r.State = state
		s.restart(r)
	}
	return &struct{}{}, nil
}

type listRuleNamesRequest struct {
	TargetArn, EventBusName, NextToken string
	Limit                              int
}

type listRuleNamesReply struct {
	RuleNames []string
	NextToken string `json:",omitempty"`
}

func (s *Service) listRuleNamesByTarget(c awsjson.Caller, in *listRuleNamesRequest) (*listRuleNamesReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := checkBus(in.EventBusName); err != nil {
		return nil, err
	}
	rules, names := s.rules[scopeOf(c)], []string{}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		if slices.ContainsFunc(rules[name].Targets, func(t Target) bool { return t.ARN == in.TargetArn }) {
			names = append(names, name)
		}
	}
	page, next, err := page(names, s.opts.PageSize, in.Limit, in.NextToken)
	return &listRuleNamesReply{page, next}, err
}
