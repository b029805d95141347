package events

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

// Bounds of the API reference (PutRule, PutTargets), in characters; targets are
// those of one rule (quotas, "Targets").
const (
	maxID          = 64
	maxDescription = 512
	maxExpression  = 256
	maxInput       = 8192
	maxTargets     = 5
	maxPage        = 100
)

const (
	defaultBus = "default"
	idPattern  = `[\.\-_A-Za-z0-9]+`
)

var wholeID = regexp.MustCompile("^" + idPattern + "$")

func validation(format string, args ...any) *awsjson.Error {
	return awsjson.Errorf("ValidationException", format, args...)
}

// constraint words a refusal as the service does where a request breaks its
// model.
func constraint(value, member, rule string) *awsjson.Error {
	return validation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, member, rule)
}

func checkLength(member, value string, least, most int) error {
	switch {
	case len(value) < least:
		return constraint(value, member, fmt.Sprintf("Member must have length greater than or equal to %d", least))
	case len(value) > most:
		return constraint(value, member, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
	return nil
}

// checkID checks the name of a rule or the id of a target.
func checkID(member, id string) error {
	if err := checkLength(member, id, 1, maxID); err != nil {
		return err
	}
	if !wholeID.MatchString(id) {
		return constraint(id, member, "Member must satisfy regular expression pattern: "+idPattern)
	}
	return nil
}

// checkBus refuses every bus but the default one, given by name or ARN.
func checkBus(bus string) error {
	name := bus[strings.LastIndex(bus, "/")+1:]
	if bus == "" || name == defaultBus {
		return nil
	}
	return awsjson.Errorf("ResourceNotFoundException", "Event bus %s does not exist.", name)
}

func checkRule(r *Rule) error {
	if err := checkID("name", r.Name); err != nil {
		return err
	}
	if err := checkLength("description", r.Description, 0, maxDescription); err != nil {
		return err
	}
	if err := checkLength("scheduleExpression", r.Expression, 0, maxExpression); err != nil {
		return err
	}
	switch {
	case r.State != Enabled && r.State != Disabled && r.State != EnabledForAll:
		return constraint(r.State, "state", fmt.Sprintf("Member must satisfy enum value set: [%s, %s, %s]", Enabled, Disabled, EnabledForAll))
	case r.Expression == "" && r.Pattern == "":
		return validation("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case r.Pattern != "" && json.Unmarshal([]byte(r.Pattern), &map[string]json.RawMessage{}) != nil:
		return awsjson.Errorf("InvalidEventPatternException", "Event pattern is not valid. Reason: Filter is not an object")
	}
	return nil
}

// checkTargets checks the targets of one request.
func checkTargets(targets []Target) error {
	for i, t := range targets {
		member := fmt.Sprintf("targets.%d.member.", i+1)
		if err := checkID(member+"id", t.ID); err != nil {
			return err
		}
		if err := checkLength(member+"arn", t.ARN, 1, 1600); err != nil {
			return err
		}
		if err := checkLength(member+"input", t.Input, 0, maxInput); err != nil {
			return err
		}
		if t.Input != "" && !json.Valid([]byte(t.Input)) {
			return validation("JSON syntax error in input for target %s", t.ID)
		}
	}
	return nil
}

func checkCount(targets []Target) error {
	if len(targets) > maxTargets {
		return awsjson.Errorf("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	}
	return nil
}

func managed(r *rule) *awsjson.Error {
	return awsjson.Errorf("ManagedRuleException", "Rule %s is managed by %s and can be changed only by it.", r.Name, r.ManagedBy)
}
