package awsjson

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultAccount and DefaultRegion are where a stand-in's callers are when
// nothing says otherwise.
const (
	DefaultAccount = "123456789012"
	DefaultRegion  = "us-east-1"
)

// Caller is who makes a call, and to which region.
type Caller struct {
	AccessKey string
	// Account is the twelve digits of the caller's account.
	Account string
	// ARN is the caller's own name in IAM.
	ARN string
	// Region is the one that the request was signed for.
	Region string
}

// Principal is what an access key stands for.
type Principal struct {
	Account string
	ARN     string
	// Expires ends temporary credentials; the zero time never comes.
	Expires time.Time
}

// Keys says what each access key stands for and what it may not do. A key that
// was never added belongs to a user of DefaultAccount, and everything is
// allowed until it is denied. The zero value is ready to use; a Keys may be
// used by several goroutines.
type Keys struct {
	// Now is the clock that temporary credentials expire by; nil for time.Now.
	Now func() time.Time
	// Watch is told what each call is authorised on, before it is: the action as
	// IAM has it, such as "ssm:PutParameter", and the ARNs. nil for nobody. It
	// is set before the first call, and may be called by several goroutines.
	Watch func(c Caller, action string, resources []string)

	mu         sync.Mutex
	principals map[string]Principal
	refusals   []*refusal
}

// Rule selects calls. An empty field selects all.
type Rule struct {
	AccessKey string
	// Operation is the bare name, such as "PutParameter".
	Operation string
	// Resource is a part of an ARN that the call is authorised on, such as
	// ":log-stream:acme-late".
	Resource string
}

type refusal struct {
	Rule
	err *Error // nil for AccessDeniedException
}

// Add says what an access key stands for.
func (k *Keys) Add(accessKey string, p Principal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.principals == nil {
		k.principals = make(map[string]Principal)
	}
	k.principals[accessKey] = p
}

// Deny has the calls that r selects refused as no policy allows them, and
// returns the function that allows them again.
func (k *Keys) Deny(r Rule) (undo func()) { return k.refuse(r, nil) }

// Refuse has the calls that r selects refused with err, and returns the
// function that ends it.
func (k *Keys) Refuse(r Rule, err *Error) (undo func()) { return k.refuse(r, err) }

func (k *Keys) refuse(r Rule, err *Error) (undo func()) {
	entry := &refusal{Rule: r, err: err}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refusals = append(k.refusals, entry)
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.refusals = slices.DeleteFunc(k.refusals, func(e *refusal) bool { return e == entry })
	}
}

// Caller tells who signed a request. It returns an *Error for a request that is
// not signed or whose credentials have expired.
func (k *Keys) Caller(r *http.Request) (Caller, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return Caller{}, Errorf("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	accessKey, region, ok := credential(header)
	if !ok {
		return Caller{}, Errorf("IncompleteSignatureException", "Authorization header requires 'Credential' parameter.")
	}
	k.mu.Lock()
	p, known := k.principals[accessKey]
	k.mu.Unlock()
	if !known {
		p = Principal{Account: DefaultAccount, ARN: fmt.Sprintf("arn:aws:iam::%s:user/devstack", DefaultAccount)}
	}
	if !p.Expires.IsZero() && !k.now().Before(p.Expires) {
		return Caller{}, ExpiredToken()
	}
	return Caller{AccessKey: accessKey, Account: p.Account, ARN: p.ARN, Region: region}, nil
}

func (k *Keys) now() time.Time {
	if k.Now == nil {
		return time.Now()
	}
	return k.Now()
}

// Authorize returns the *Error that an IAM action on some ARNs is refused with,
// nil if it is allowed. The refusal that was made first counts.
func (k *Keys) Authorize(c Caller, action string, resources []string) error {
	if k.Watch != nil {
		k.Watch(c, action, resources)
	}
	_, op, _ := strings.Cut(action, ":")
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.refusals {
		if e.AccessKey != "" && e.AccessKey != c.AccessKey || e.Operation != "" && e.Operation != op {
			continue
		}
		i := slices.IndexFunc(resources, func(arn string) bool { return strings.Contains(arn, e.Resource) })
		if i < 0 {
			continue
		}
		if e.err != nil {
			return e.err
		}
		return Errorf("AccessDeniedException",
			"User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
			c.ARN, action, resources[i], action)
	}
	return nil
}
