// Package conformance states the rules of Parameter Store and CloudWatch Logs
// that the product relies on, as tests in the words of the real SDK clients. It
// keeps the stand-ins true: what holds for them holds for the services, as far
// as another implementation or the services themselves can be asked.
package conformance

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
)

// Target is what a suite runs against.
type Target struct {
	SSM  *ssm.Client
	Logs *cloudwatchlogs.Client
	// Prefix begins the name of everything that the suite makes, and deletes at
	// its end: letters, digits and hyphens, new for each run.
	Prefix string
	// NotKept names the rules that the target is known not to keep, each with
	// the reason. They are skipped.
	NotKept map[string]string
}

// rule is one rule of a service; check fails the test if it is not kept.
type rule struct {
	name  string
	check func(*testing.T, Target)
}

// Run checks each rule of both services in a subtest of its name.
func Run(t *testing.T, target Target) {
	rules := append(parameterRules(), logRules()...)
	known := make(map[string]bool)
	for _, r := range rules {
		known[r.name] = true
		t.Run(r.name, func(t *testing.T) {
			if reason, skip := target.NotKept[r.name]; skip {
				t.Skip("not kept by this target: " + reason)
			}
			r.check(t, target)
		})
	}
	for name := range target.NotKept {
		if !known[name] {
			t.Errorf("NotKept names %q, which is no rule", name)
		}
	}
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

// unique is the prefix and the rule's own name, for names in the target.
func (target Target) unique(t *testing.T) string {
	_, name, _ := strings.Cut(t.Name(), "/")
	return target.Prefix + "-" + notInNames.ReplaceAllString(name, "-")
}

// code is an error's type, such as "ParameterNotFound"; "" for no error.
func code(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return err.Error()
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("got error %v, want %q", err, want)
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// patience is how long data may take to become readable, and pollEvery how
// often it is looked for.
const (
	patience  = 15 * time.Second
	pollEvery = 20 * time.Millisecond
)

// eventually waits until a read answers what it should: neither service
// promises that it does at once. look returns "" when it does, and otherwise
// what is wrong.
func eventually(t *testing.T, look func(context.Context) string) {
	t.Helper()
	within(t, patience, look)
}

func within(t *testing.T, limit time.Duration, look func(context.Context) string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	wrong := ""
	for {
		now := look(ctx)
		if now == "" {
			return
		}
		if ctx.Err() == nil || wrong == "" {
			wrong = now // and not that time ran out while looking
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("after %v: %s", limit, wrong)
		}
	}
}
