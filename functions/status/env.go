package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"auth0-logs-to-cloudwatch/pkg/config"
)

// env is what the function's environment says.
type env struct {
	// root is the path in Parameter Store that the tenants' parameters live
	// under.
	root string
	// function is the export function's ARN, and arn its parts.
	function string
	arn      arn.ARN
	// logGroup is the export function's own.
	logGroup string
	maySteer bool
	// maxSilence is how long a tenant may go without a successful run before
	// the stack's alarm goes off; 0 where it has none.
	maxSilence time.Duration
	region     string
}

// maxMinutes is the longest time that an alarm can look at, a day.
const maxMinutes = 1440

// environment reads the variables. The error names each that is missing or
// malformed.
func environment(get func(string) string) (env, error) {
	e := env{
		root:     cmp.Or(get("CONFIG_ROOT"), config.DefaultRoot),
		function: get("EXPORT_FUNCTION_ARN"),
		logGroup: get("EXPORT_LOG_GROUP"),
		maySteer: get("MAY_STEER") == "true",
		region:   get("AWS_REGION"),
	}
	var errs []error
	parts, err := arn.Parse(e.function)
	if err != nil || parts.Service != "lambda" {
		errs = append(errs, fmt.Errorf("EXPORT_FUNCTION_ARN is %q: expected the ARN of a function", e.function))
	}
	e.arn = parts
	if e.logGroup == "" {
		errs = append(errs, errors.New("EXPORT_LOG_GROUP is missing: expected the export function's log group"))
	}
	if steer := get("MAY_STEER"); steer != "" && steer != "true" && steer != "false" {
		errs = append(errs, fmt.Errorf("MAY_STEER is %q: expected true or false", steer))
	}
	if text := get("MAX_MINUTES_WITHOUT_SUCCESS"); text != "" {
		minutes, err := strconv.Atoi(text)
		if err != nil || minutes < 0 || minutes > maxMinutes {
			errs = append(errs, fmt.Errorf("MAX_MINUTES_WITHOUT_SUCCESS is %q: expected 0 to %d", text, maxMinutes))
		}
		e.maxSilence = time.Duration(minutes) * time.Minute
	}
	return e, errors.Join(errs...)
}
