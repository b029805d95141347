package cwlogs

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"auth0-logs-to-cloudwatch/pkg/export"
)

func isNotFound(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}

func isAlreadyThere(err error) bool {
	_, ok := errors.AsType[*types.ResourceAlreadyExistsException](err)
	return ok
}

// code is the service's name for an error, "" where it did not answer. What it
// says beside is not passed on: an answer may repeat the request, keys and all.
func code(err error) string {
	api, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok:
		return ""
	case len(api.ErrorCode()) > maxErrorName || !errorName.MatchString(api.ErrorCode()):
		return "UnknownError"
	}
	return api.ErrorCode()
}

// errorName is the form of the names that AWS gives to errors, which have
// maxErrorName letters at most. A pattern that counted them would be compiled
// at each start of the function for longer than all else of this package.
var errorName = regexp.MustCompile(`^[A-Za-z]+$`)

const maxErrorName = 60

func isNotAllowed(err error) bool { return code(err) == "AccessDeniedException" }

// cannotRead reports whether a log group or stream refuses to be read: for
// lack of a permission, or because its class allows only queries.
func cannotRead(err error) bool {
	switch code(err) {
	case "AccessDeniedException", "InvalidOperationException", "OperationNotPermittedException":
		return true
	}
	return false
}

// explainPut puts a failed PutLogEvents into words.
func explainPut(err error, group, stream string) error {
	if isNotFound(err) {
		return &export.Error{Kind: export.KindDelivery, Err: err, Text: fmt.Sprintf("Log stream %s in log group %s is gone again just after it was made.", stream, group),
			Fix: "check what deletes it."}
	}
	return explain(err, "logs:PutLogEvents", group, stream)
}

// explainCreate puts a failed CreateLogStream into words. It is called only
// for a stream that is missing, by its exact name.
func explainCreate(err error, group, stream string) error {
	switch {
	case isNotFound(err):
		return noGroup(group, err)
	case isNotAllowed(err):
		return &export.Error{Kind: export.KindPermission, Err: err,
			Text: fmt.Sprintf("There is no log stream %s in log group %s, and logs:CreateLogStream to make it is not allowed.", stream, group),
			Fix:  "create the stream, allow logs:CreateLogStream on the log group, or check CLOUDWATCH_LOG_STREAM_NAME: the name must match exactly."}
	}
	return explain(err, "logs:CreateLogStream", group, stream)
}

func noGroup(group string, err error) error {
	return &export.Error{Kind: export.KindDelivery, Err: err, Text: fmt.Sprintf("There is no log group %s.", group),
		Fix: "create it, or check CLOUDWATCH_LOG_GROUP_NAME, AWS_REGION and the account that the keys or the role belong to."}
}

func explainRead(err error, group, stream string) error {
	return explain(err, "logs:GetLogEvents", group, stream)
}

func explain(err error, action, group, stream string) error {
	e := &export.Error{Kind: export.KindDelivery, Err: err}
	if inner, ok := credentialsError(err); ok {
		return inner
	}
	switch c := code(err); c {
	case "":
		e.Text = fmt.Sprintf("CloudWatch Logs did not answer %s for %s: %s.", action, group, cause(err))
		e.Fix = "nothing to do here if it passes: the next run sends again."
	case "AccessDeniedException":
		e.Kind = export.KindPermission
		e.Text = fmt.Sprintf("%s on log stream %s in log group %s is not allowed.", action, stream, group)
		e.Fix = "allow it to the function's role, or to the keys or the role that the settings name."
	case "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "InvalidClientTokenId", "IncompleteSignatureException":
		e.Kind = export.KindPermission
		e.Text = fmt.Sprintf("AWS does not accept the access key for log group %s (%s).", group, c)
		e.Fix = "put AWS_ACCESS_KEY_ID and AWS_SECRET_KEY again, or delete both to use the function's own role."
	case "ThrottlingException":
		e.Text = fmt.Sprintf("CloudWatch Logs throttles %s.", action)
		e.Fix = "nothing to do here if it passes: the next run sends again. If it lasts, raise the account's quota for the call."
	default:
		e.Text = fmt.Sprintf("CloudWatch Logs refused %s for log stream %s in log group %s: %s.", action, stream, group, c)
	}
	return e
}

// credentialsError explains that the role for the log group cannot be assumed.
func credentialsError(err error) (error, bool) {
	op, ok := errors.AsType[*smithy.OperationError](err)
	for ok && op.Service() != "STS" {
		op, ok = errors.AsType[*smithy.OperationError](op.Err)
	}
	if !ok {
		return nil, false
	}
	c := code(op.Err)
	if c == "" || surelyNotStored(op.Err) {
		return &export.Error{Kind: export.KindDelivery, Err: err, Text: fmt.Sprintf("AWS STS did not answer for the role in CLOUDWATCH_ROLE_ARN: %s.", cause(op.Err)),
			Fix: "nothing to do here if it passes: the next run tries again."}, true
	}
	e := &export.Error{Kind: export.KindPermission, Err: err, Text: fmt.Sprintf("The role in CLOUDWATCH_ROLE_ARN cannot be assumed: %s.", c)}
	e.Fix = "check that the role's trust policy names the function's role and the external id in CLOUDWATCH_EXTERNAL_ID, and that the function's role may call sts:AssumeRole on it."
	return e, true
}

// cause is the innermost reason why there was no answer: the SDK's own
// sentence around it is long.
func cause(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
