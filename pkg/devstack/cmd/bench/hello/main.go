// Command hello is the least that a Lambda function with the export's SDK
// clients does before its first invocation: what its start is held against.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// handler holds the clients, so that they are made.
type handler struct {
	parameters *ssm.Client
	logs       *cloudwatchlogs.Client
}

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	h := handler{ssm.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)}
	lambda.Start(h.handle)
}

func (h handler) handle(context.Context) (string, error) { return "hello", nil }
