package events

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

type putTargetsRequest struct {
	Rule, EventBusName string
	Targets            []Target
}

func (r *putTargetsRequest) Resources(c awsjson.Caller) []string {
	return []string{ruleARN(scopeOf(c), r.Rule)}
}

type putTargetsReply struct {
	FailedEntryCount int
	FailedEntries    []struct{}
}

// putTargets adds targets to a rule; one of an id that is there replaces it.
func (s *Service) putTargets(c awsjson.Caller, in *putTargetsRequest) (*putTargetsReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := checkTargets(in.Targets); err != nil {
		return nil, err
	}
	r, err := s.change(scopeOf(c), in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	targets := slices.Clone(r.Targets)
	for _, t := range in.Targets {
		i := slices.IndexFunc(targets, func(old Target) bool { return old.ID == t.ID })
		if i < 0 {
			targets = append(targets, t)
		} else {
			targets[i] = t
		}
	}
	if err := checkCount(targets); err != nil {
		return nil, err
	}
	r.Targets = targets
	return &putTargetsReply{FailedEntries: []struct{}{}}, nil
}

type listTargetsRequest struct {
	Rule, EventBusName, NextToken string
	Limit                         int
}

func (r *listTargetsRequest) Resources(c awsjson.Caller) []string {
	return []string{ruleARN(scopeOf(c), r.Rule)}
}

type listTargetsReply struct {
	Targets   []Target
	NextToken string `json:",omitempty"`
}

func (s *Service) listTargetsByRule(c awsjson.Caller, in *listTargetsRequest) (*listTargetsReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(scopeOf(c), in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	page, next, err := page(slices.Clone(r.Targets), s.opts.PageSize, in.Limit, in.NextToken)
	return &listTargetsReply{page, next}, err
}

// page cuts a page out of a list. The token is where the page begins.
func page[T any](all []T, size, limit int, token string) (items []T, next string, err error) {
	if limit < 0 || limit > maxPage {
		return nil, "", constraint(strconv.Itoa(limit), "limit", fmt.Sprintf("Member must have value less than or equal to %d", maxPage))
	}
	begin, err := strconv.Atoi(cmp.Or(token, "0"))
	if err != nil || begin < 0 || begin > len(all) {
		return nil, "", awsjson.Errorf("InvalidToken", "The specified nextToken is not valid.")
	}
	end := min(len(all), begin+cmp.Or(limit, size, maxPage))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return all[begin:end], next, nil
}
