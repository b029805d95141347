package widget

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// Function is the export function. It is invoked asynchronously: a run may take
// minutes, and a viewer waits seconds.
type Function struct {
	client *lambda.Client
	arn    string
}

// NewFunction returns the function of that name or ARN.
func NewFunction(c *lambda.Client, arn string) *Function { return &Function{client: c, arn: arn} }

// Start asks Lambda to run the export of a tenant soon. The error is an
// *export.Error.
func (f *Function) Start(ctx context.Context, tenant string) error {
	event, err := json.Marshal(map[string]string{"tenant": tenant})
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	_, err = f.client.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(f.arn), InvocationType: types.InvocationTypeEvent, Payload: event,
	})
	if err == nil {
		return nil
	}
	e := &export.Error{Kind: export.KindState, Err: err, Text: "Lambda does not answer in time."}
	api, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok:
	case api.ErrorCode() == "AccessDeniedException":
		e.Kind = export.KindPermission
		e.Text = "The widget may not call lambda:InvokeFunction on the export function."
		e.Fix = "allow it in the role of the widget's function."
	default:
		e.Text = fmt.Sprintf("Lambda refused lambda:InvokeFunction on the export function: %s.", api.ErrorCode())
	}
	return e
}
