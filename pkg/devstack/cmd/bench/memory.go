package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/devstack/ssm"
	"auth0-logs-to-cloudwatch/pkg/export"
)

// memory measures the most resident memory that the bootstrap needs for one
// run over a backlog of n events of docBytes each, in bytes.
func memory(bootstrap string, n, docBytes int) (peak int64, err error) {
	stack, err := devstack.Start(devstack.Options{
		SSM:  ssm.Options{PutRate: ssm.Unlimited, GetRate: ssm.Unlimited},
		Logs: logs.Options{Discard: true},
	})
	if err != nil {
		return 0, err
	}
	defer stack.Close()
	tenant, err := stack.AddTenant("default", auth0.Options{Seed: 1, DocBytes: docBytes})
	if err != nil {
		return 0, err
	}
	if err := stack.Logs.CreateGroup(logs.Place{Group: tenant.Get("CLOUDWATCH_LOG_GROUP_NAME")}, logs.Standard, 0); err != nil {
		return 0, err
	}
	tenant.Generate(n, time.Now().Add(-7*24*time.Hour), time.Now().Add(-time.Minute))
	function, err := lambda.New(lambda.Options{Bootstrap: bootstrap, Env: stack.Env(), Memory: 256, Timeout: 5 * time.Minute})
	if err != nil {
		return 0, err
	}
	defer function.Close()
	result, err := function.Invoke(context.Background(), []byte("{}"))
	if err != nil {
		return 0, err
	}
	var report export.Report
	if err := json.Unmarshal(result.Payload, &report); err != nil || report.Exported != n {
		return 0, fmt.Errorf("the run exported %d of %d events: %s", report.Exported, n, result.Payload)
	}
	return result.Usage.PeakRSS, nil
}
