// Package ssm is a stand-in for AWS Systems Manager Parameter Store: an
// in-memory store that the real SDK client speaks to, with the service's rules
// on names, values, versions, history, labels, pages and rates. Rules and
// error texts are those of the Systems Manager API reference and user guide,
// and of replies that the service is known to give.
//
// Only standard parameters exist, parameters are named and not given by ARN,
// and SecureString values are "encrypted" with text that cannot be decrypted
// from.
package ssm

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
)

// Unlimited is the rate that throttles no call.
const Unlimited = -1

// The rates of an account that has not paid for more, in calls a second.
const (
	defaultPutRate = 3
	defaultGetRate = 40
)

// Options are how a Store behaves. The zero value is the real service's way.
type Options struct {
	// Now is the store's clock; nil for time.Now.
	Now func() time.Time
	// Account and Region are where Put, Value, History, List and Delete act;
	// by default awsjson.DefaultAccount and awsjson.DefaultRegion. Calls act
	// where their caller is.
	Account, Region string
	// PutRate is how many PutParameter calls a second an account may make in a
	// region, and GetRate how many of GetParameter, GetParameters and
	// GetParametersByPath together. 0 means the service's own rates of 3 and
	// 40, Unlimited no limit.
	PutRate, GetRate float64
	// ReadLag is how long after a put reads still answer the version before.
	ReadLag time.Duration
	// Stale, if not nil, may hide a version from one read: it is asked for
	// every version that a read comes upon, the newest first. It must not call
	// the store.
	Stale func(op, name string, version int64) bool
	// Odd has GetParametersByPath answer pages that are part-full or empty and
	// yet not the last, as it is allowed to.
	Odd bool
}

// Store is a Parameter Store. It may be used by several goroutines.
type Store struct {
	opts     Options
	home     scope
	throttle *awsjson.Throttle

	mu         sync.Mutex
	parameters map[scope]map[string]*parameter
}

// scope is what parameter names are unique in.
type scope struct{ account, region string }

func scopeOf(c awsjson.Caller) scope { return scope{c.Account, c.Region} }

// New returns an empty store.
func New(opts Options) *Store {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	home := scope{opts.Account, opts.Region}
	if home.account == "" {
		home.account = awsjson.DefaultAccount
	}
	if home.region == "" {
		home.region = awsjson.DefaultRegion
	}
	return &Store{
		opts: opts,
		home: home,
		throttle: awsjson.NewThrottle(opts.Now,
			awsjson.Quota{Operations: []string{"PutParameter"}, PerSecond: rateOr(opts.PutRate, defaultPutRate)},
			awsjson.Quota{
				Operations: []string{"GetParameter", "GetParameters", "GetParametersByPath"},
				PerSecond:  rateOr(opts.GetRate, defaultGetRate),
			}),
		parameters: make(map[scope]map[string]*parameter),
	}
}

func rateOr(r, otherwise float64) float64 {
	if r == 0 {
		return otherwise
	}
	return r
}

// Service returns the store's operations for an awsjson.Mux.
func (s *Store) Service() awsjson.Service {
	return awsjson.Service{
		Target:   "AmazonSSM",
		Prefix:   "ssm",
		Throttle: s.throttle,
		Operations: map[string]awsjson.Handler{
			"GetParameter":          awsjson.Handle(s.getParameter),
			"GetParameters":         awsjson.Handle(s.getParameters),
			"GetParametersByPath":   awsjson.Handle(s.getParametersByPath),
			"GetParameterHistory":   awsjson.Handle(s.getParameterHistory),
			"PutParameter":          awsjson.Handle(s.putParameter),
			"LabelParameterVersion": awsjson.Handle(s.labelParameterVersion),
			"DeleteParameter":       awsjson.Handle(s.deleteParameter),
			"DeleteParameters":      awsjson.Handle(s.deleteParameters),
		},
	}
}

// TooManyUpdates answers a call as Parameter Store answers a put that meets
// another one of the same parameter: an error that the SDK does not retry.
func TooManyUpdates() fault.Action {
	return awsjson.ErrorReply(http.StatusBadRequest, "TooManyUpdates",
		"There are concurrent updates for a resource that supports one update at a time.")
}

// Version is one version of a parameter.
type Version struct {
	Number   int64
	Type     string
	Value    string
	Modified time.Time
	// By is the ARN of who wrote it.
	By     string
	Labels []string
}

// clone returns a copy that shares nothing.
func (v Version) clone() Version {
	v.Labels = slices.Clone(v.Labels)
	return v
}

// Parameter is a parameter's newest version under its name.
type Parameter struct {
	Name string
	Version
}

// operator is who writes by the store's own methods.
const operator = "arn:aws:iam::123456789012:user/operator"

// Put writes a parameter as an operator does, with Overwrite and out of the
// rate limit, and returns the new version. An empty type keeps the present one.
// It returns the *awsjson.Error that the service would answer.
func (s *Store) Put(name, typ, value string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.put(s.home, operator, &putRequest{Name: name, Type: typ, Value: value, Overwrite: true})
	return v.Number, err
}

// Value returns the newest value of a parameter, decrypted and without lag.
func (s *Store) Value(name string) (value string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.parameters[s.home][name]
	if !ok {
		return "", false
	}
	return p.newest().Value, true
}

// History returns the versions of a parameter that are kept, the oldest first;
// none for one that does not exist.
func (s *Store) History(name string) []Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.parameters[s.home][name]
	if !ok {
		return nil
	}
	versions := make([]Version, len(p.versions))
	for i, v := range p.versions {
		versions[i] = v.clone()
	}
	return versions
}

// List returns the parameters whose names begin with prefix, in the order of
// their names.
func (s *Store) List(prefix string) []Parameter {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Parameter
	all := s.parameters[s.home]
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(name, prefix) {
			list = append(list, Parameter{Name: name, Version: all[name].newest().clone()})
		}
	}
	return list
}

// Delete removes a parameter and reports whether there was one.
func (s *Store) Delete(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove(s.home, name)
}

// lookup returns the parameter of a name as a request gives it.
func (s *Store) lookup(sc scope, name string) (*parameter, error) {
	name, err := cleanName(name)
	if err != nil {
		return nil, err
	}
	p, ok := s.parameters[sc][name]
	if !ok {
		return nil, parameterNotFound()
	}
	return p, nil
}

// parameterNotFound has no text, as the service's has none.
func parameterNotFound() *awsjson.Error { return awsjson.Errorf("ParameterNotFound", "") }

// remove deletes a parameter with its history, so that one made anew under the
// name begins at version 1 again.
func (s *Store) remove(sc scope, name string) bool {
	_, ok := s.parameters[sc][name]
	delete(s.parameters[sc], name)
	return ok
}
