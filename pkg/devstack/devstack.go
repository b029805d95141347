// Package devstack puts the stand-ins together: everything the product speaks
// to, in one process on loopback, over TLS under an authority of its own. The
// product finds it by AWS_ENDPOINT_URL and SSL_CERT_FILE alone; nothing in it
// knows that it is not in the cloud.
package devstack

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/devstack/slack"
	"auth0-logs-to-cloudwatch/pkg/devstack/ssm"
	"auth0-logs-to-cloudwatch/pkg/devstack/sts"
	"auth0-logs-to-cloudwatch/pkg/devstack/tlsserver"
)

// Options are how the stack behaves. The zero value is a stack with the
// services' own limits.
type Options struct {
	// CA signs the stack's certificates; nil for one of its own.
	CA *tlsserver.CA
	// Now is the clock of every service; nil for time.Now.
	Now  func() time.Time
	SSM  ssm.Options
	Logs logs.Options
	STS  sts.Options
	// Events' Invoke, if nil, starts the functions of the stack.
	Events events.Options
	// Ended is called with each invocation of one of the stack's functions
	// when it is over; nil for nobody.
	Ended func(lambda.Invocation)
}

// Stack is a running stack: one AWS, one Slack, and the Auth0 tenants that are
// added to it.
type Stack struct {
	// CAFile is the authority's certificate, for SSL_CERT_FILE.
	CAFile string
	// AWS serves every AWS service, for AWS_ENDPOINT_URL.
	AWS  *tlsserver.Server
	Keys *awsjson.Keys
	SSM  *ssm.Store
	Logs *logs.Service
	STS  *sts.Service
	// Events has the rules that start functions; they fire while its Run runs.
	Events *events.Service
	// Lambda starts the functions that are added to it.
	Lambda *lambda.Service
	// Slack is the webhook service, and Hook the URL of a channel's webhook.
	Slack *slack.Service
	Hook  string
	// Faults sees every call to every service.
	Faults *fault.Set

	ca      *tlsserver.CA
	dir     string
	now     func() time.Time
	servers []*tlsserver.Server
}

// Start starts a stack without tenants. Close ends it.
func Start(opt Options) (s *Stack, err error) {
	s = &Stack{ca: opt.CA, now: opt.Now, Faults: &fault.Set{}}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.now == nil {
		s.now = time.Now
	}
	if s.ca == nil {
		if s.ca, err = tlsserver.NewCA(); err != nil {
			return nil, err
		}
	}
	if s.dir, err = os.MkdirTemp("", "devstack-"); err != nil {
		return nil, err
	}
	s.CAFile = filepath.Join(s.dir, "ca.pem")
	if err := s.ca.WriteFile(s.CAFile); err != nil {
		return nil, err
	}
	if err := s.startAWS(opt); err != nil {
		return nil, err
	}
	return s, s.startSlack()
}

func (s *Stack) startAWS(opt Options) (err error) {
	opt.SSM.Now, opt.Logs.Now, opt.STS.Now, opt.Events.Now = s.now, s.now, s.now, s.now
	s.Keys = &awsjson.Keys{Now: s.now}
	s.Lambda = lambda.NewService(s.Keys, s.now, opt.Ended)
	if opt.Events.Invoke == nil {
		opt.Events.Invoke = s.Lambda.Event
	}
	s.SSM, s.Logs, s.STS, s.Events = ssm.New(opt.SSM), logs.New(opt.Logs), sts.New(s.Keys, opt.STS), events.New(opt.Events)
	mux := awsjson.NewMux(s.Keys, s.STS, s.SSM.Service(), s.Logs.Service(), s.Events.Service())
	if s.AWS, err = tlsserver.Start(s.ca, s.Faults.Wrap(operation, s.withLambda(mux))); err != nil {
		return fmt.Errorf("start AWS: %w", err)
	}
	s.servers = append(s.servers, s.AWS)
	return nil
}

// withLambda gives Lambda its calls, which have paths of their own. Every answer
// tells the stack's time.
func (s *Stack) withLambda(others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
		if lambda.IsInvoke(r) {
			s.Lambda.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

func operation(r *http.Request) string {
	if lambda.IsInvoke(r) {
		return lambda.InvokeOperation
	}
	return awsjson.Operation(r)
}

func (s *Stack) startSlack() error {
	s.Slack = slack.New(slack.Options{Now: s.now, Faults: s.Faults})
	server, err := tlsserver.Start(s.ca, s.Slack)
	if err != nil {
		return fmt.Errorf("start Slack: %w", err)
	}
	s.servers = append(s.servers, server)
	s.Hook = server.URL + slack.Path
	return nil
}

// Close ends the stack and removes what it wrote to disk.
func (s *Stack) Close() {
	if s.Lambda != nil {
		s.Lambda.Close()
	}
	for _, server := range s.servers {
		server.Close()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// Env is what a process needs in its environment to find the stack.
func (s *Stack) Env() map[string]string {
	return map[string]string{"AWS_ENDPOINT_URL": s.AWS.URL, "SSL_CERT_FILE": s.CAFile}
}

// Tenant is an Auth0 tenant of the stack and its parameters.
type Tenant struct {
	*auth0.Tenant
	// Name is the tenant's level in the parameters' path.
	Name string
	// Domain is its host and port, for AUTH0_DOMAIN.
	Domain string

	stack *Stack
}

// Root is the path that the stack's tenants have their parameters under: the
// product's default.
const Root = "/auth0-logs-to-cloudwatch"

// AddTenant starts a tenant. Its options' clock, faults and credentials are
// the stack's.
func (s *Stack) AddTenant(name string, opt auth0.Options) (*Tenant, error) {
	opt.Now, opt.Faults = s.now, s.Faults
	if opt.ClientID == "" {
		opt.ClientID = "devstack-" + name
	}
	if opt.ClientSecret == "" && opt.PublicKey == nil {
		opt.ClientSecret = "devstack-secret-of-" + name
	}
	tenant, server, err := auth0.Start(s.ca, opt)
	if err != nil {
		return nil, fmt.Errorf("start Auth0 tenant %s: %w", name, err)
	}
	s.servers = append(s.servers, server)
	t := &Tenant{Tenant: tenant, Name: name, Domain: server.Addr, stack: s}
	return t, t.setAll(map[string]string{
		"AUTH0_DOMAIN":               t.Domain,
		"AUTH0_CLIENT_ID":            opt.ClientID,
		"AUTH0_CLIENT_SECRET":        opt.ClientSecret,
		"CLOUDWATCH_LOG_GROUP_NAME":  "/auth0/" + name,
		"CLOUDWATCH_LOG_STREAM_NAME": name,
		"SLACK_INCOMING_WEBHOOK_URL": s.Hook,
	})
}

func (t *Tenant) setAll(settings map[string]string) error {
	for name, value := range settings {
		if value == "" {
			continue
		}
		if err := t.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// secure are the parameters that an operator puts as SecureString.
var secure = map[string]bool{
	"AUTH0_CLIENT_SECRET": true, "AUTH0_PRIVATE_KEY": true,
	"SLACK_INCOMING_WEBHOOK_URL": true, "SLACK_INCOMING_WEBHOOK": true,
	"AWS_ACCESS_KEY_ID": true, "AWS_SECRET_KEY": true,
}

// Set writes one of the tenant's parameters, as an operator does.
func (t *Tenant) Set(name, value string) error {
	typ := "String"
	if secure[name] {
		typ = "SecureString"
	}
	if _, err := t.stack.SSM.Put(t.Parameter(name), typ, value); err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	return nil
}

// Unset deletes one of the tenant's parameters.
func (t *Tenant) Unset(name string) { t.stack.SSM.Delete(t.Parameter(name)) }

// Get reads one of the tenant's parameters, "" where there is none.
func (t *Tenant) Get(name string) string {
	value, _ := t.stack.SSM.Value(t.Parameter(name))
	return value
}

// Parameter is the full name of one of the tenant's parameters.
func (t *Tenant) Parameter(name string) string { return Root + "/" + t.Name + "/" + name }
