// Command export is the Lambda function that exports the log of an Auth0
// tenant to CloudWatch Logs. This package only wires: it reads the event, puts
// the packages together for the tenant it names, and passes on what they
// return.
package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"auth0-logs-to-cloudwatch/pkg/config"
)

func main() {
	tune(lambdacontext.MemoryLimitInMB)
	log := lambdacontext.NewLogger()
	h, err := setup(context.Background(), environment(os.Getenv), os.Stdout, log)
	if err != nil {
		log.Error("start", slog.String("error", err.Error()))
		os.Exit(1)
	}
	lambda.Start(h.Handle)
}

const (
	// gcPercent is how much the heap may grow between two collections, in
	// percent of what was in use after the first. Twice Go's own: the memory
	// is paid for anyway, the time is not.
	gcPercent = 200
	// memoryLimit is above what a run needs. Beyond it collections come sooner,
	// so that a page of very large documents does not take three times itself.
	memoryLimit = 50 << 20
	// memoryOfACore is the memory in MB at which Lambda gives a whole core, and
	// in proportion below and above (Lambda developer guide, "Configure Lambda
	// function memory").
	memoryOfACore = 1769
)

// tune fits Go's runtime to a function with so many MB of memory, 0 where that
// is not known. A sandbox shows two cores even where Lambda gives it a tenth of
// one: threads would then wait for each other at the cost of the little there is.
func tune(mb int) {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryLimit)
	if mb > 0 {
		runtime.GOMAXPROCS(min(max(1, mb/memoryOfACore), runtime.NumCPU()))
	}
}

// settings of the function itself, which come from its environment.
type env struct {
	// root is the path in Parameter Store that the tenants' parameters live
	// under.
	root string
	// metrics is whether the report's line makes CloudWatch metrics.
	metrics bool
	region  string
	// logGroup and logStream are the function's own, for links.
	logGroup, logStream string
	// claimGrace is how long a claim holds beyond the end of its run: time for
	// what was sent last to arrive and to be readable.
	claimGrace time.Duration
	// readLag is how long an event may not be readable after CloudWatch Logs
	// has accepted it: a tenth of the grace. Seconds were seen, and no figure
	// is documented.
	readLag time.Duration
}

const defaultClaimGrace = time.Minute

// claimGraceName is the one variable that no template sets: tests with runs of
// a few seconds shorten the grace by it.
const claimGraceName = "CLAIM_GRACE"

func environment(get func(string) string) env {
	grace, err := time.ParseDuration(get(claimGraceName))
	if err != nil || grace < 0 {
		grace = defaultClaimGrace
	}
	return env{
		claimGrace: grace,
		readLag:    grace / 10,
		root:       cmp.Or(get("CONFIG_ROOT"), config.DefaultRoot),
		metrics:    get("METRICS") != "off",
		region:     get("AWS_REGION"),
		logGroup:   get("AWS_LAMBDA_LOG_GROUP_NAME"),
		logStream:  get("AWS_LAMBDA_LOG_STREAM_NAME"),
	}
}
