// Package sts is a stand-in for AWS Security Token Service: AssumeRole and
// GetCallerIdentity in the query protocol that the SDK speaks to it. Rules and
// error texts are those of the STS API reference, and of replies that the
// service is known to give.
package sts

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

// How long the credentials of a role last: by default, at least, at most. The
// maximum is that of a role whose own has not been raised.
const (
	defaultDuration = time.Hour
	minDuration     = 15 * time.Minute
	maxDuration     = time.Hour
)

const namespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// Role is a role that callers of other accounts may assume.
type Role struct {
	// ARN is its name, arn:aws:iam::ACCOUNT:role/NAME.
	ARN string
	// ExternalID is what its trust policy asks for; "" for nothing.
	ExternalID string
}

// Options are what a Service knows.
type Options struct {
	// Now is the service's clock; nil for time.Now. Keys should have the same.
	Now   func() time.Time
	Roles []Role
}

// Service is STS: the handler of calls in the query protocol.
type Service struct {
	opts Options
	keys *awsjson.Keys

	mu     sync.Mutex
	issued []string // access keys; each one's number is in it
}

// New returns a service that adds the access keys it issues to keys.
func New(keys *awsjson.Keys, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Service{opts: opts, keys: keys}
}

// Issued returns the access keys issued so far, in order. They begin with
// "ASIADEVSTACK".
func (s *Service) Issued() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.issued...)
}

// ServeHTTP answers one call. The request id is taken from the reply's
// X-Amzn-Requestid header, which an awsjson.Mux has set.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	requestID := w.Header().Get("X-Amzn-Requestid")
	reply, err := s.answer(r, requestID)
	w.Header().Set("Content-Type", "text/xml")
	if err != nil {
		e := refusal(err)
		w.WriteHeader(e.Status)
		reply = errorResponse{Xmlns: namespace, Type: "Sender", Code: e.Code, Message: e.Message, RequestID: requestID}
	}
	_ = xml.NewEncoder(w).Encode(reply)
}

// refusal words a refusal as this service does: its code for what IAM denies
// is another one, and its status 403.
func refusal(err error) *awsjson.Error {
	e := awsjson.AsError(err)
	switch e.Code {
	case "AccessDeniedException":
		return accessDenied("%s", e.Message)
	case "UnrecognizedClientException":
		return &awsjson.Error{Status: http.StatusForbidden, Code: "InvalidClientTokenId", Message: e.Message}
	case "ExpiredTokenException":
		return &awsjson.Error{Status: http.StatusForbidden, Code: "ExpiredToken", Message: e.Message}
	}
	return e
}

func accessDenied(format string, args ...any) *awsjson.Error {
	return &awsjson.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: fmt.Sprintf(format, args...)}
}

type errorResponse struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Xmlns     string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func (s *Service) answer(r *http.Request, requestID string) (any, error) {
	form, err := awsjson.Form(r)
	if err != nil {
		return nil, err
	}
	caller, err := s.keys.Caller(r)
	if err != nil {
		return nil, err
	}
	switch action := form.Get("Action"); action {
	case "AssumeRole":
		return s.assumeRole(caller, form, requestID)
	case "GetCallerIdentity":
		return s.getCallerIdentity(caller, requestID)
	default:
		return nil, awsjson.Errorf("InvalidAction", "This stand-in has no action %q.", action)
	}
}

type callerIdentityResponse struct {
	XMLName   xml.Name `xml:"GetCallerIdentityResponse"`
	Xmlns     string   `xml:"xmlns,attr"`
	ARN       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

// getCallerIdentity cannot be denied by a policy; a key can be refused.
func (s *Service) getCallerIdentity(c awsjson.Caller, requestID string) (any, error) {
	if err := s.keys.Authorize(c, "sts:GetCallerIdentity", []string{"*"}); err != nil {
		return nil, err
	}
	return callerIdentityResponse{Xmlns: namespace, ARN: c.ARN, UserID: c.AccessKey, Account: c.Account, RequestID: requestID}, nil
}

type assumeRoleResponse struct {
	XMLName         xml.Name `xml:"AssumeRoleResponse"`
	Xmlns           string   `xml:"xmlns,attr"`
	AssumedRoleID   string   `xml:"AssumeRoleResult>AssumedRoleUser>AssumedRoleId"`
	ARN             string   `xml:"AssumeRoleResult>AssumedRoleUser>Arn"`
	AccessKeyID     string   `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
	SecretAccessKey string   `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
	SessionToken    string   `xml:"AssumeRoleResult>Credentials>SessionToken"`
	Expiration      string   `xml:"AssumeRoleResult>Credentials>Expiration"`
	RequestID       string   `xml:"ResponseMetadata>RequestId"`
}

// sessionPattern matches a role session name (API reference, AssumeRole).
var sessionPattern = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

func (s *Service) assumeRole(c awsjson.Caller, form url.Values, requestID string) (any, error) {
	arn, session := form.Get("RoleArn"), form.Get("RoleSessionName")
	if !sessionPattern.MatchString(session) {
		return nil, awsjson.Errorf("ValidationError", "1 validation error detected: Value '%s' at 'roleSessionName' failed to "+
			"satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*", session)
	}
	duration, err := duration(form.Get("DurationSeconds"))
	if err != nil {
		return nil, err
	}
	if err := s.keys.Authorize(c, "sts:AssumeRole", []string{arn}); err != nil {
		return nil, err
	}
	account, name, ok := s.trusted(arn, form.Get("ExternalId"))
	if !ok {
		return nil, accessDenied("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.ARN, arn)
	}
	p := awsjson.Principal{
		Account: account,
		ARN:     fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", account, name, session),
		Expires: s.opts.Now().Add(duration).Truncate(time.Second),
	}
	key := s.issue(p)
	return assumeRoleResponse{
		Xmlns:           namespace,
		AssumedRoleID:   "AROADEVSTACK:" + session,
		ARN:             p.ARN,
		AccessKeyID:     key,
		SecretAccessKey: "secret-of-" + key,
		SessionToken:    "token-of-" + key,
		Expiration:      p.Expires.UTC().Format(time.RFC3339),
		RequestID:       requestID,
	}, nil
}

// duration reads DurationSeconds.
func duration(seconds string) (time.Duration, error) {
	if seconds == "" {
		return defaultDuration, nil
	}
	n, err := strconv.ParseFloat(seconds, 64)
	switch {
	case err != nil || !(n >= minDuration.Seconds()):
		return 0, awsjson.Errorf("ValidationError", "1 validation error detected: Value '%s' at 'durationSeconds' failed to "+
			"satisfy constraint: Member must have value greater than or equal to %.0f", seconds, minDuration.Seconds())
	case n > maxDuration.Seconds():
		return 0, awsjson.Errorf("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return time.Duration(n) * time.Second, nil
}

// trusted finds a role that exists and trusts whoever gives the external id.
// The service does not tell a missing role from one that trusts another.
func (s *Service) trusted(arn, externalID string) (account, name string, ok bool) {
	for _, r := range s.opts.Roles {
		if r.ARN == arn && (r.ExternalID == "" || r.ExternalID == externalID) {
			rest := strings.TrimPrefix(arn, "arn:aws:iam::")
			account, name, ok = strings.Cut(rest, ":role/")
			return account, name, ok
		}
	}
	return "", "", false
}

// issue makes an access key for a principal.
func (s *Service) issue(p awsjson.Principal) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := fmt.Sprintf("ASIADEVSTACK%08d", len(s.issued)+1)
	s.issued = append(s.issued, key)
	s.keys.Add(key, p)
	return key
}
