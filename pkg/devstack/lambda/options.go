package lambda

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AccessKeyID is the access key id of the role's credentials that every
// process gets; a call signed with it comes from the function's own role.
const AccessKeyID = "ASIADEVSTACKFUNCTION"

// Lambda quotas: timeout, memory, and all environment variables together.
const (
	maxTimeout  = 15 * time.Minute
	minMemory   = 128
	maxMemory   = 10240
	maxEnvBytes = 4096
)

// reserved are the names a function's configuration may not set (Lambda
// developer guide, "Defined runtime environment variables"), beside those that
// begin with AWS_LAMBDA_.
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID",
	"AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// envName is what CreateFunction's Environment accepts as a name.
var envName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]+$`)

// complete fills in the defaults and names everything that is wrong.
func (o Options) complete() (Options, error) {
	o.FunctionName = cmp.Or(o.FunctionName, "function")
	o.Memory = cmp.Or(o.Memory, minMemory)
	o.Timeout = cmp.Or(o.Timeout, 3*time.Second)
	o.InitTimeout = cmp.Or(o.InitTimeout, 10*time.Second)
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.Account = cmp.Or(o.Account, "123456789012")
	o.Concurrency = cmp.Or(o.Concurrency, 10)
	o.Env = maps.Clone(o.Env)
	if o.Now == nil {
		o.Now = time.Now
	}
	// The process starts in the directory of its executable, so that a
	// relative path would be looked for there.
	path, err := filepath.Abs(o.Bootstrap)
	o.Bootstrap = path
	return o, errors.Join(err, o.validate(), validateEnv(o.Env))
}

func (o Options) validate() error {
	var errs []error
	if info, err := os.Stat(o.Bootstrap); err != nil {
		errs = append(errs, fmt.Errorf("find bootstrap: %w", err))
	} else if info.IsDir() {
		errs = append(errs, fmt.Errorf("find bootstrap: %s is a directory", o.Bootstrap))
	}
	if o.Memory < minMemory || o.Memory > maxMemory {
		errs = append(errs, fmt.Errorf("memory: want %d to %d MB, got %d", minMemory, maxMemory, o.Memory))
	}
	if o.Timeout < 0 || o.Timeout > maxTimeout {
		errs = append(errs, fmt.Errorf("timeout: want at most %v, got %v", maxTimeout, o.Timeout))
	}
	if o.InitTimeout < 0 {
		errs = append(errs, fmt.Errorf("init timeout: want a positive time, got %v", o.InitTimeout))
	}
	if o.Concurrency < 0 {
		errs = append(errs, fmt.Errorf("concurrency: want at least 1, got %d", o.Concurrency))
	}
	return errors.Join(errs...)
}

func validateEnv(env map[string]string) error {
	var errs []error
	size := 0
	for _, name := range slices.Sorted(maps.Keys(env)) {
		size += len(name) + len(env[name])
		switch {
		case slices.Contains(reserved, name) || strings.HasPrefix(name, "AWS_LAMBDA_"):
			errs = append(errs, fmt.Errorf("environment: %s is reserved by Lambda", name))
		case !envName.MatchString(name):
			errs = append(errs, fmt.Errorf("environment: %q is no name that Lambda accepts", name))
		}
	}
	if size > maxEnvBytes {
		errs = append(errs, fmt.Errorf("environment: %d bytes, Lambda allows %d", size, maxEnvBytes))
	}
	return errors.Join(errs...)
}

// environ is the whole environment of a process: the function's own variables
// and Lambda's. AWS_EXECUTION_ENV and _X_AMZN_TRACE_ID are absent because
// Lambda does not define them for provided.al2023, the runtime of a bootstrap.
func (o Options) environ(runtimeAPI, logStream string) []string {
	env := map[string]string{
		"LANG": "en_US.UTF-8",
		"PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TZ":   ":UTC",
	}
	maps.Copy(env, o.Env)
	maps.Copy(env, map[string]string{
		"AWS_ACCESS_KEY_ID":               AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           "devstack-secret",
		"AWS_SESSION_TOKEN":               "devstack-session",
		"AWS_REGION":                      o.Region,
		"AWS_DEFAULT_REGION":              o.Region,
		"AWS_LAMBDA_FUNCTION_NAME":        o.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(o.Memory),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_FORMAT":           "JSON",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + o.FunctionName,
		"AWS_LAMBDA_LOG_LEVEL":            "INFO",
		"AWS_LAMBDA_LOG_STREAM_NAME":      logStream,
		"AWS_LAMBDA_RUNTIME_API":          runtimeAPI,
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"LAMBDA_TASK_ROOT":                filepath.Dir(o.Bootstrap),
		"_HANDLER":                        "bootstrap",
	})
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// arn is the name the function is invoked by.
func (o Options) arn() string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", o.Region, o.Account, o.FunctionName)
}
