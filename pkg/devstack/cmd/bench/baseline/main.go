// Command baseline is the export written the plain way, for the benchmark to
// hold the real one against: fetch a page, put it, save CHECKPOINT, and so on,
// one call after the other, with encoding/json. It does what the export does
// when nothing goes wrong, and nothing else.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"auth0-logs-to-cloudwatch/pkg/devstack/cmd/bench/api"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	h := handler{parameters: ssm.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg), http: &http.Client{}}
	lambda.Start(h.handle)
}

type handler struct {
	parameters *ssm.Client
	logs       *cloudwatchlogs.Client
	http       *http.Client
}

// result is the part of the export's report that the benchmark reads.
type result struct {
	Outcome  string `json:"outcome"`
	Exported int    `json:"exported"`
}

func (h handler) handle(ctx context.Context) (*result, error) {
	settings, err := h.settings(ctx)
	if err != nil {
		return nil, err
	}
	tenant := &api.Client{HTTP: h.http, Domain: settings["AUTH0_DOMAIN"]}
	if err := tenant.Login(ctx, settings["AUTH0_CLIENT_ID"], settings["AUTH0_CLIENT_SECRET"]); err != nil {
		return nil, err
	}
	r := &result{Outcome: "ok"}
	for after := settings["CHECKPOINT"]; ; {
		events, err := page(ctx, tenant, after)
		if err != nil || len(events) == 0 {
			return r, err
		}
		after = events[len(events)-1].id
		if err := h.put(ctx, settings, events); err != nil {
			return nil, err
		}
		if err := h.save(ctx, after); err != nil {
			return nil, err
		}
		r.Exported += len(events)
	}
}

const root = "/auth0-logs-to-cloudwatch/default/"

// settings reads the tenant's parameters.
func (h handler) settings(ctx context.Context) (map[string]string, error) {
	settings := make(map[string]string)
	pages := ssm.NewGetParametersByPathPaginator(h.parameters, &ssm.GetParametersByPathInput{
		Path: aws.String(root), WithDecryption: aws.Bool(true),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range out.Parameters {
			settings[(*p.Name)[len(root):]] = *p.Value
		}
	}
	return settings, nil
}

func (h handler) put(ctx context.Context, settings map[string]string, page []event) error {
	events := make([]types.InputLogEvent, len(page))
	for i, e := range byDate(page) {
		events[i] = types.InputLogEvent{Message: aws.String(string(e.document)), Timestamp: aws.Int64(e.date.UnixMilli())}
	}
	_, err := h.logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName:  aws.String(settings["CLOUDWATCH_LOG_GROUP_NAME"]),
		LogStreamName: aws.String(settings["CLOUDWATCH_LOG_STREAM_NAME"]),
		LogEvents:     events,
	})
	return err
}

func (h handler) save(ctx context.Context, checkpoint string) error {
	_, err := h.parameters.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(root + "CHECKPOINT"), Value: aws.String(checkpoint), Type: "String", Overwrite: aws.Bool(true),
	})
	return err
}
