package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/export"
)

// deployed is a function on AWS.
type deployed struct {
	lambda *lambda.Client
	ssm    *ssm.Client
	logs   *cloudwatchlogs.Client

	function string
	logGroup string
	root     string // CONFIG_ROOT
	timeout  time.Duration
}

// awsTimeout bounds one exchange with AWS but for the one that waits for the
// function.
const awsTimeout = 20 * time.Second

// connect finds the function that is wished for.
func connect(ctx context.Context, w wish) (*deployed, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(awsTimeout)))
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("no AWS region is set: expected AWS_REGION or a profile with one")
	}
	d := &deployed{lambda: lambda.NewFromConfig(cfg), ssm: ssm.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg), function: w.function}
	if w.stack != "" {
		if d.function, err = d.ofStack(ctx, w.stack, cfg.Region); err != nil {
			return nil, err
		}
	}
	return d, d.describe(ctx, cfg.Region)
}

// ofStack finds the function of a stack by its log group: CloudFormation makes
// the function's name up, the template that of the group.
func (d *deployed) ofStack(ctx context.Context, stack, region string) (string, error) {
	group := "/aws/lambda/" + stack + "-export"
	pages := lambda.NewListFunctionsPaginator(d.lambda, &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", explain(err, "lambda:ListFunctions", "any function; or give FUNCTION instead of STACK")
		}
		for _, f := range page.Functions {
			if f.LoggingConfig != nil && aws.ToString(f.LoggingConfig.LogGroup) == group {
				return aws.ToString(f.FunctionName), nil
			}
		}
	}
	return "", fmt.Errorf("there is no function of a stack %s in %s: none logs to %s", stack, region, group)
}

// describe reads where the function has its settings and its log.
func (d *deployed) describe(ctx context.Context, region string) error {
	f, err := d.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &d.function})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return fmt.Errorf("there is no function %s in %s", d.function, region)
	}
	if err != nil {
		return explain(err, "lambda:GetFunctionConfiguration", d.function)
	}
	d.root = config.DefaultRoot
	if f.Environment != nil {
		if f.Environment.Error != nil {
			return fmt.Errorf("the environment of %s cannot be read: %s", d.function, aws.ToString(f.Environment.Error.Message))
		}
		d.root = cmp.Or(f.Environment.Variables["CONFIG_ROOT"], d.root)
	}
	d.logGroup = "/aws/lambda/" + aws.ToString(f.FunctionName)
	if f.LoggingConfig != nil {
		d.logGroup = cmp.Or(aws.ToString(f.LoggingConfig.LogGroup), d.logGroup)
	}
	d.timeout = time.Duration(aws.ToInt32(f.Timeout)) * time.Second
	return nil
}

func (d *deployed) group() string { return d.logGroup }

// answerTime is how long the answer may take beyond the function's own time-out.
const answerTime = 10 * time.Second

// once has a call of Invoke sent a single time: the client's own second try
// would have the function do it twice.
func once(o *lambda.Options) { o.Retryer = aws.NopRetryer{} }

func (d *deployed) call(ctx context.Context, event []byte) ([]byte, error) {
	patient := awshttp.NewBuildableClient().WithTimeout(d.timeout + answerTime)
	out, err := d.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &d.function, Payload: event},
		once, func(o *lambda.Options) { o.HTTPClient = patient })
	switch {
	case err != nil:
		return nil, explain(err, "lambda:InvokeFunction", d.function)
	case out.FunctionError != nil:
		return nil, answered(out.Payload)
	}
	return out.Payload, nil
}

func (d *deployed) send(ctx context.Context, event []byte) (sent, error) {
	out, err := d.lambda.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: &d.function, Payload: event, InvocationType: types.InvocationTypeEvent,
	}, once)
	if err != nil {
		return sent{}, explain(err, "lambda:InvokeFunction", d.function)
	}
	s := sent{at: time.Now()}
	s.id, _ = awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
	if at, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok {
		s.at = at
	}
	return s, nil
}

func (d *deployed) parameter(ctx context.Context, tenant, name string) (string, error) {
	full := d.root + "/" + tenant + "/" + name
	out, err := d.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: &full})
	if code(err) == "ParameterNotFound" {
		return "", nil
	}
	if err != nil {
		return "", explain(err, "ssm:GetParameter", full)
	}
	return aws.ToString(out.Parameter.Value), nil
}

func (d *deployed) log(ctx context.Context, since time.Time) (lines []string, err error) {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(d.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &d.logGroup, StartTime: aws.Int64(since.UnixMilli()),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if code(err) == "ResourceNotFoundException" {
			return nil, nil // the function has never run
		}
		if err != nil {
			return nil, explain(err, "logs:FilterLogEvents", d.logGroup)
		}
		for _, e := range page.Events {
			lines = append(lines, aws.ToString(e.Message))
		}
	}
	return lines, nil
}

func (d *deployed) wait(ctx context.Context, t time.Duration) error {
	return export.Pause(ctx, t)
}

// forbidden is the error of a call that whoever runs this may not make.
type forbidden struct{ action, on string }

func (e *forbidden) Error() string {
	return fmt.Sprintf("your AWS credentials do not allow %s on %s", e.action, e.on)
}

// code is the code of an error that AWS answered with, "" of any other.
func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

func explain(err error, action, on string) error {
	if c := code(err); c == "AccessDeniedException" || c == "AccessDenied" {
		return &forbidden{action, on}
	}
	return fmt.Errorf("%s on %s: %w", action, on, err)
}
