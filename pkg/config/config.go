// Package config turns the parameters of one tenant, as they stand in
// Parameter Store, into a validated Config. It is pure: no clock, no network.
package config

import (
	"cmp"
	"crypto/rsa"
	"slices"
	"strings"

	"auth0-logs-to-cloudwatch/pkg/filter"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// Config is what an operator has set for one tenant. Printing it in any way
// shows no secret.
type Config struct {
	Tenant string
	Auth0  Auth0
	// BatchSize is how many log events one PutLogEvents call carries, 1 to 100.
	BatchSize int
	StartFrom Start
	Filter    filter.Filter
	Slack     Slack
	Logs      Logs
}

// Auth0 says where the tenant is and how to get in: with PrivateKey where it
// is set, otherwise with ClientSecret. Only one of the two is ever set.
type Auth0 struct {
	// Domain is a host or host:port, in lower case.
	Domain string
	// Audience identifies the tenant's Management API. Auth0 compares it as
	// text.
	Audience     string
	ClientID     string
	ClientSecret Secret
	// PrivateKey stays out of JSON, which would spell it out.
	PrivateKey *rsa.PrivateKey `json:"-"`
	// RateShare is the part of the tenant's rate limit that is ours, 1 to 100
	// percent.
	RateShare int
	// RetentionDays is for how many days Auth0 keeps a log event: 1, 5, 10 or
	// 30, and 0 where the operator did not say.
	RetentionDays int
}

// Start is where an export is to begin, inclusive.
type Start struct {
	// Text is the setting as written, without the space around it: a start
	// acts when its text is another than the one last acted on.
	Text string
	Kind StartKind
	// Point is set for At alone.
	Point tenantlog.Point
}

// StartKind tells the forms of START_FROM apart.
type StartKind int

const (
	// Absent is for where the operator said nothing.
	Absent StartKind = iota
	// Oldest is the oldest event that Auth0 still has.
	Oldest
	// Now is the moment of the run that acts on it.
	Now
	// At is the Start's Point.
	At
)

// Slack says what is told there, and where.
type Slack struct {
	// WebhookURL is empty where nothing is to be told.
	WebhookURL  Secret
	SendSuccess bool
	// DailyHour is the hour of the daily digest in UTC, 0 to 23, and -1 for
	// no digest.
	DailyHour int
}

// Logs says where the log events go and who may put them there: the static
// keys where they are set, the role where that is set, otherwise the
// function's own role.
type Logs struct {
	// Group and Stream are names in which {date} still stands for the day of
	// an event.
	Group, Stream          string
	Region                 string
	AccessKeyID, SecretKey Secret
	RoleARN, ExternalID    string
}

// Env is what the function knows of itself.
type Env struct {
	// Region is the one the function runs in.
	Region string
}

// Problem is one thing wrong with one parameter.
type Problem struct {
	// Name is the parameter's.
	Name string
	// Text says what is wrong and what was expected. It holds nothing of the
	// value of a parameter that may hold a secret.
	Text string
}

// Error is everything that is wrong with a tenant's settings.
type Error struct {
	// Problems are in the order of their names.
	Problems []Problem
}

func (e *Error) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.Name + ": " + p.Text
	}
	return strings.Join(texts, "; ")
}

// Parse reads the settings of a tenant, whose name is one that ValidTenant
// accepts, from its parameters by bare name. White space around a value does
// not count, and a blank value is an absent one. The parameters that the
// product itself writes may be among them and are left alone.
//
// The warnings are in the order of the names they begin with. The error, if
// any, is an *Error with all problems at once; the Config then still holds
// everything that could be read, so that the failure can be told in Slack.
func Parse(tenant string, params map[string]string, env Env) (Config, []string, error) {
	r := &reader{params: params}
	c := Config{
		Tenant:    tenant,
		Auth0:     r.auth0(),
		BatchSize: r.batchSize(),
		StartFrom: r.startFrom(),
		Filter:    r.filter(),
		Slack:     r.slack(),
		Logs:      r.logs(tenant, env),
	}
	r.warnUnknown()
	slices.Sort(r.warnings)
	if len(r.problems) == 0 {
		return c, r.warnings, nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return cmp.Compare(a.Name, b.Name) })
	return c, r.warnings, &Error{Problems: r.problems}
}
