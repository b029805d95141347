package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go/logging"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/paramstore"
	"auth0-logs-to-cloudwatch/pkg/schedule"
	"auth0-logs-to-cloudwatch/pkg/widget"
)

// handler answers the dashboard's calls.
type handler struct {
	widget *widget.Widget
	log    *slog.Logger
}

// awsTimeout bounds one exchange with AWS, body included.
const awsTimeout = 5 * time.Second

// setup builds the handler. It calls no service.
func setup(ctx context.Context, get func(string) string, log *slog.Logger) (*handler, error) {
	e, err := environment(get)
	if err != nil {
		return nil, err
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(awsTimeout)),
		awsconfig.WithLogger(logging.Nop{})) // what matters comes as an error
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w", err)
	}
	parameters := ssm.NewFromConfig(cfg)
	w := widget.New(widget.Options{
		Rules:  schedule.New(eventbridge.NewFromConfig(cfg), e.function),
		Runs:   widget.NewLog(cloudwatchlogs.NewFromConfig(cfg), e.logGroup, time.Now),
		Runner: widget.NewFunction(lambda.NewFromConfig(cfg), e.function),
		Parameters: func(tenant string) (widget.Parameters, error) {
			// A tenant's name is a part of a path, and a rule's input may hold
			// anything.
			if err := config.ValidTenant(tenant); err != nil {
				return nil, err
			}
			return paramstore.New(parameters, e.root, tenant), nil
		},
		MaySteer:   e.maySteer,
		MaxSilence: e.maxSilence,
		Place: widget.Place{
			Region: e.region, Account: e.arn.AccountID, Partition: e.arn.Partition,
			LogGroup: e.logGroup, Root: e.root,
		},
		Now: time.Now,
		Log: log,
	})
	return &handler{widget: w, log: log}, nil
}

// Handle answers one call with the widget's HTML. Its buttons call the function
// as it was called itself, with the same alias or version.
func (h *handler) Handle(ctx context.Context, event json.RawMessage) (string, error) {
	var self string
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		self = lc.InvokedFunctionArn
	}
	html, err := h.widget.Handle(ctx, event, self)
	if err != nil {
		h.log.ErrorContext(ctx, "bad event", slog.String("error", err.Error()))
	}
	return html, err
}
