package auth0

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// Probe tries one thing after the other that the export needs of a tenant. It
// keeps no token from before, so that a secret or a grant that has changed
// shows, and it waits for nothing: each call is one request, which is not sent
// again. Its errors are *export.Error, or that of ctx where its time was over.
type Probe struct{ client *Client }

// NewProbe returns a probe of the tenant that the options name. It asks Auth0
// for nothing yet.
func NewProbe(opt Options) *Probe { return &Probe{client: New(opt)} }

// Close ends the probe's connections.
func (p *Probe) Close() { p.client.http.CloseIdleConnections() }

// reachPath is a document that each domain of a tenant serves to everyone.
const reachPath = "/.well-known/openid-configuration"

// Reach finds out whether the domain is one that answers over TLS, whatever it
// answers. It returns the answer's Date, in whole seconds: zero for none.
func (p *Probe) Reach(ctx context.Context) (serverTime time.Time, err error) {
	domain := p.client.opt.Domain
	address := url.URL{Scheme: "https", Host: domain, Path: reachPath}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("make request: %w", err)
	}
	resp, err := p.client.http.Do(req)
	if err != nil {
		return time.Time{}, unreached(ctx, domain, err)
	}
	defer func() { _ = resp.Body.Close() }()
	// A body that was read leaves the connection to the next request.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	serverTime, _ = http.ParseTime(resp.Header.Get("Date"))
	return serverTime, nil
}

// unreached is unreachable with what to do about it.
func unreached(ctx context.Context, domain string, err error) error {
	err = unreachable(ctx, domain, err)
	e, ok := errors.AsType[*export.Error](err)
	if !ok {
		return err
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		e.Text = fmt.Sprintf("%s shows a certificate that is not trusted for this name.", domain)
		e.Fix = "check AUTH0_DOMAIN; with a custom domain, see in the Auth0 dashboard under Branding > Custom Domains that it is ready."
	}
	if e.Fix == "" {
		e.Fix = "check AUTH0_DOMAIN, and that the function can reach the internet: in a VPC it needs a NAT gateway."
	}
	return e
}

// NewToken gets a token, which the following calls show. audienceRefused says
// that Auth0 knows the application, and that it is the audience which is no API
// of the tenant.
func (p *Probe) NewToken(ctx context.Context) (audienceRefused bool, err error) {
	_, err = p.client.tokens.get(ctx)
	if re, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return isAudienceRefused(re), err
	}
	return false, err
}

// isAudienceRefused recognises Auth0's two ways of saying that a token was
// asked for an API that the tenant does not have.
func isAudienceRefused(re *oauth2.RetrieveError) bool {
	said := re.ErrorDescription
	return re.Response.StatusCode == http.StatusForbidden &&
		(strings.Contains(said, "Service not enabled") || strings.Contains(said, "Service not found"))
}

// ReadLogs asks for one log event, as a search: that needs no id to start from.
// limit and remaining are what Auth0 told of the tenant's rate limit with the
// answer, in requests; limit is 0 where it told nothing. An error of the kind
// RateLimit says that the limit left no room for the request.
func (p *Probe) ReadLogs(ctx context.Context) (limit, remaining int, err error) {
	token, err := p.client.tokens.get(ctx)
	if err != nil {
		return 0, 0, err
	}
	answer, err := p.client.ask(ctx, url.Values{"per_page": {"1"}, "page": {"0"}}, token)
	if err != nil {
		return 0, 0, err
	}
	limit, remaining = rateTold(answer.header)
	if answer.status != http.StatusOK {
		return limit, remaining, answer.refusal(p.client.opt.Domain)
	}
	_, err = answer.page()
	return limit, remaining, err
}

// rateTold reads the rate limit's headers, and returns zeros where they do not
// tell it.
func rateTold(h http.Header) (limit, remaining int) {
	l, ok1 := headerInt(h, "X-RateLimit-Limit")
	r, ok2 := headerInt(h, "X-RateLimit-Remaining")
	if !ok1 || !ok2 || l < 1 {
		return 0, 0
	}
	return int(l), int(min(max(0, r), l))
}
