package schedule

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// KindSchedule is the kind of error where EventBridge does not give or change a
// rule.
const KindSchedule export.Kind = "schedule"

func isNotFound(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}

// code is EventBridge's name for an error, "" where it did not answer.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// unreadable puts an error of Parse into words for the operator.
func unreadable(err error) error {
	return &export.Error{Kind: export.KindSettings, Err: err,
		Text: fmt.Sprintf("The schedule cannot be read: %v.", err),
		Fix:  "write rate(5 minutes), or cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR) in UTC, such as cron(15 3 * * ? *)."}
}

// foreign is the refusal to touch a rule of something else.
func foreign(name string) error {
	return &export.Error{Kind: KindSchedule,
		Text: fmt.Sprintf("Rule %s does not start the export function.", name),
		Fix:  "look at the rules again: its target has been changed."}
}

// explainPut puts a failed PutRule into words for the operator, nil as it is.
func explainPut(err error, name, expression string) error {
	switch code(err) {
	case "ValidationException":
		return &export.Error{Kind: export.KindSettings, Err: err,
			Text: fmt.Sprintf("EventBridge does not accept %s as the schedule of rule %s.", expression, name),
			Fix:  "write it in a simpler way; the rule keeps the schedule that it had."}
	case "AccessDeniedException":
		return &export.Error{Kind: export.KindPermission, Err: err,
			Text: fmt.Sprintf("The function may not call events:PutRule on rule %s.", name),
			Fix:  "allow it in the function's role on every rule that starts the export; a rule with a role of its own also needs iam:PassRole on that role."}
	}
	return explain(err, "events:PutRule", name)
}

// explain puts an error of EventBridge into words for the operator, nil as it
// is. Name is the rule's; "" for a call about all rules.
func explain(err error, action, name string) error {
	if err == nil {
		return nil
	}
	rule := "rule " + name
	if name == "" {
		rule = "the rules that start the export"
	}
	e := &export.Error{Kind: KindSchedule, Err: err}
	switch c := code(err); c {
	case "":
		e.Text = fmt.Sprintf("EventBridge does not answer %s for %s.", action, rule)
		e.Fix = "try again in a minute."
	case "AccessDeniedException":
		e.Kind = export.KindPermission
		e.Text = fmt.Sprintf("The function may not call %s on %s.", action, rule)
		e.Fix = "allow it in the function's role on every rule that starts the export."
	case "ResourceNotFoundException":
		e.Text = fmt.Sprintf("There is no %s on the default event bus.", rule)
		e.Fix = "look at the rules again: it has been deleted, or its stack has given it another name."
	case "ManagedRuleException":
		e.Text = fmt.Sprintf("An AWS service manages %s and alone may change it.", rule)
		e.Fix = "change it in that service, or start the export by a rule of your own."
	case "ConcurrentModificationException":
		e.Text = fmt.Sprintf("Somebody else was changing %s at the same moment.", rule)
		e.Fix = "look at it again, then try again."
	case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded":
		e.Text = fmt.Sprintf("EventBridge throttles %s.", action)
		e.Fix = "try again in a minute."
	default:
		e.Text = fmt.Sprintf("EventBridge refused %s for %s: %s.", action, rule, c)
	}
	return e
}
