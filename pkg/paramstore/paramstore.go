// Package paramstore reads and writes a tenant's parameters in Systems Manager
// Parameter Store: settings, CHECKPOINT and the versioned records. It is the
// only code that speaks to SSM.
package paramstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"auth0-logs-to-cloudwatch/pkg/export"
)

const (
	// callTimeout bounds one call: the SDK itself sets no limit to how long it
	// waits for an answer.
	callTimeout = 10 * time.Second
	// firstPause and maxPause bound the pause before a put is tried again.
	// PutParameter may be held to 3 a second for the whole account.
	firstPause = 200 * time.Millisecond
	maxPause   = 5 * time.Second
)

// client is what is called of SSM.
type client interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	GetParameters(context.Context, *ssm.GetParametersInput, ...func(*ssm.Options)) (*ssm.GetParametersOutput, error)
	GetParametersByPath(context.Context, *ssm.GetParametersByPathInput, ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error)
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
	DeleteParameter(context.Context, *ssm.DeleteParameterInput, ...func(*ssm.Options)) (*ssm.DeleteParameterOutput, error)
}

// Store holds the parameters of one tenant, which live directly under its
// path. It may be used by several goroutines.
type Store struct {
	client client
	path   string
}

// New returns the store of the parameters under root/tenant.
func New(c *ssm.Client, root, tenant string) *Store { return newStore(c, root, tenant) }

func newStore(c client, root, tenant string) *Store {
	return &Store{client: c, path: strings.TrimRight(root, "/") + "/" + tenant}
}

// Path is the path that the tenant's parameters live under.
func (s *Store) Path() string { return s.path }

// All returns the tenant's parameters by their bare names, decrypted. The
// errors are *export.Error.
func (s *Store) All(ctx context.Context) (map[string]export.Parameter, error) {
	all := make(map[string]export.Parameter)
	pages := ssm.NewGetParametersByPathPaginator(s.client, &ssm.GetParametersByPathInput{
		Path:           aws.String(s.path),
		WithDecryption: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := read(ctx, func(ctx context.Context) (*ssm.GetParametersByPathOutput, error) { return pages.NextPage(ctx) })
		if err != nil {
			return nil, s.explain(err, "ssm:GetParametersByPath", s.path)
		}
		for _, p := range page.Parameters {
			all[strings.TrimPrefix(aws.ToString(p.Name), s.path+"/")] = parameter(p)
		}
	}
	return all, nil
}

// Named returns those of the named parameters, at most ten, that there are, by
// their bare names. Nothing is decrypted, and nothing but these names need be
// allowed. The errors are *export.Error.
func (s *Store) Named(ctx context.Context, names ...string) (map[string]export.Parameter, error) {
	full := make([]string, len(names))
	for i, name := range names {
		full[i] = s.path + "/" + name
	}
	out, err := read(ctx, func(ctx context.Context) (*ssm.GetParametersOutput, error) {
		return s.client.GetParameters(ctx, &ssm.GetParametersInput{Names: full})
	})
	if err != nil {
		return nil, s.explain(err, "ssm:GetParameters", strings.Join(full, " and "))
	}
	found := make(map[string]export.Parameter)
	for _, p := range out.Parameters {
		found[strings.TrimPrefix(aws.ToString(p.Name), s.path+"/")] = parameter(p)
	}
	return found, nil
}

// Get returns one version of a parameter, the newest for version 0. The error
// wraps export.ErrNoParameter where there is none.
func (s *Store) Get(ctx context.Context, name string, version int64) (export.Parameter, error) {
	full := s.path + "/" + name
	selector := full
	if version > 0 {
		selector = fmt.Sprintf("%s:%d", full, version)
	}
	out, err := read(ctx, func(ctx context.Context) (*ssm.GetParameterOutput, error) {
		return s.client.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(selector)})
	})
	if isNotFound(err) {
		return export.Parameter{}, fmt.Errorf("%s: %w", selector, export.ErrNoParameter)
	}
	if err != nil {
		return export.Parameter{}, s.explain(err, "ssm:GetParameter", full)
	}
	if out.Parameter == nil {
		return export.Parameter{}, s.explain(errors.New("an answer without a parameter"), "ssm:GetParameter", full)
	}
	return parameter(*out.Parameter), nil
}

// Put writes a parameter of the type String, making it if need be, and returns
// its new version. What may pass - throttling, another write at the same
// moment, a service that does not answer - is tried again as long as ctx
// allows; a put whose answer was lost may so be stored twice.
func (s *Store) Put(ctx context.Context, name, value string) (int64, error) {
	full := s.path + "/" + name
	out, err := write(ctx, func(ctx context.Context) (*ssm.PutParameterOutput, error) {
		return s.client.PutParameter(ctx, &ssm.PutParameterInput{
			Name: aws.String(full), Value: aws.String(value), Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
		})
	})
	if err != nil {
		return 0, s.explain(err, "ssm:PutParameter", full)
	}
	return out.Version, nil
}

// Delete deletes a parameter; one that is not there is as good. It is tried
// again as Put is.
func (s *Store) Delete(ctx context.Context, name string) error {
	full := s.path + "/" + name
	_, err := write(ctx, func(ctx context.Context) (*ssm.DeleteParameterOutput, error) {
		return s.client.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String(full)})
	})
	if err != nil && !isNotFound(err) {
		return s.explain(err, "ssm:DeleteParameter", full)
	}
	return nil
}

func parameter(p types.Parameter) export.Parameter {
	return export.Parameter{Value: aws.ToString(p.Value), Version: p.Version, Modified: aws.ToTime(p.LastModifiedDate)}
}

// readTries is how often a read is sent that gets no answer, or half of one.
const readTries = 3

// read makes a call that may be repeated.
func read[T any](ctx context.Context, call func(context.Context) (T, error)) (out T, err error) {
	for try := range readTries {
		out, err = withTimeout(ctx, call)
		if _, answered := errors.AsType[smithy.APIError](err); err == nil || answered || !pause(ctx, try) {
			break
		}
	}
	return out, err
}

// write makes a call that changes a parameter, and makes it again while what
// stops it may pass and ctx allows.
func write[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	for try := 0; ; try++ {
		out, err := withTimeout(ctx, call)
		if err == nil || !passes(err) || !pause(ctx, try) {
			return out, err
		}
	}
}

func withTimeout[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return call(ctx)
}

// pause waits before try number try+1, with jitter so that many tenants do not
// try in step. It reports false when ctx ends before the pause would.
func pause(ctx context.Context, try int) bool {
	most := min(maxPause, firstPause<<min(try, 10))
	d := most/2 + rand.N(most/2)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func isNotFound(err error) bool {
	if _, ok := errors.AsType[*types.ParameterNotFound](err); ok {
		return true
	}
	_, ok := errors.AsType[*types.ParameterVersionNotFound](err)
	return ok
}

// passes reports whether an error of a put may be gone at the next try: an
// answer of the service that refuses the request for good does not.
func passes(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return true // no answer
	}
	switch api.ErrorCode() {
	case "TooManyUpdates", "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded":
		return true
	}
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && answer.HTTPStatusCode() >= http.StatusInternalServerError
}

// explain puts an error of SSM into words for the operator.
func (s *Store) explain(err error, action, name string) error {
	e := &export.Error{Kind: export.KindState, Err: err, Text: fmt.Sprintf("Parameter Store does not answer for %s: %v.", name, err)}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return e
	}
	switch code := api.ErrorCode(); code {
	case "AccessDeniedException":
		e.Kind = export.KindPermission
		e.Text = fmt.Sprintf("The function may not call %s on %s.", action, name)
		e.Fix = "allow it in the function's role; a parameter encrypted with a key of your own also needs kms:Decrypt on that key."
	case "ParameterMaxVersionLimitExceeded":
		e.Text = fmt.Sprintf("%s has 100 versions and the oldest carries a label, so that no other can be written.", name)
		e.Fix = "move or remove the label: aws ssm unlabel-parameter-version."
	case "InvalidKeyId", "KMSInvalidStateException":
		e.Kind = export.KindPermission
		e.Text = fmt.Sprintf("A parameter under %s cannot be decrypted: %s.", s.path, code)
		e.Fix = "check that its KMS key is enabled and that the function's role may use kms:Decrypt on it."
	default:
		e.Text = fmt.Sprintf("Parameter Store refused %s on %s: %s.", action, name, code)
	}
	return e
}
