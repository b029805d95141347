// Package auth0 is the local stand-in of one Auth0 tenant: the token endpoint
// and the log events of the Management API (GET /api/v2/logs), with the
// service's own rules, limits and error bodies. Log events are written by hand
// (Add) or made in any number from a seed (Generate, Live).
//
// Where Auth0's documentation is silent the stand-in follows recorded traffic;
// what neither tells (how ids that do not exist are treated) is an option.
package auth0

import (
	"cmp"
	"crypto/rsa"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/tlsserver"
)

// Options describe a tenant. The zero value is a tenant without a rate limit
// and with no way to log in.
type Options struct {
	// Name is the tenant's name as its documents carry it: letters, digits and
	// hyphens. Default "acme".
	Name string
	// Now is the tenant's clock, of its Date header too. Default time.Now.
	Now func() time.Time
	// Seed decides every generated document.
	Seed uint64

	// ClientID is the one application that may ask for tokens. It shows
	// ClientSecret (unless empty) or an assertion signed for PublicKey (unless
	// nil).
	ClientID     string
	ClientSecret string
	PublicKey    *rsa.PublicKey
	// Scopes are what the application is granted. Default read:logs.
	Scopes []string
	// Audience is the Management API's identifier. Default
	// https://HOST/api/v2/ with the host that the request came to. For a
	// custom domain set the canonical domain's: tokens are still bound to the
	// host that issued them.
	Audience string
	// TokenLife is how long a token is good, in whole seconds. Default a day.
	TokenLife time.Duration
	// TokenEvents has each token request write the log event that it writes at
	// Auth0: seccft for a token, feccft for a client that did not prove itself.
	TokenEvents bool

	// Rate limits GET /api/v2/logs.
	Rate Rate
	// Retention is how long events are served, by the time in their id. Zero
	// is forever.
	Retention time.Duration
	// MadeIDs is how a from that is no event's id is treated.
	MadeIDs MadeIDs
	// Pretty serves documents over several lines, indented.
	Pretty bool
	// DocBytes pads generated documents to at least about this size.
	DocBytes int

	// Faults sees each call before the tenant does, as operation "token",
	// "logs" (a page by checkpoint), "search" (a page without from) or
	// "other".
	Faults *fault.Set
}

// Tenant is a running stand-in, an http.Handler. All its methods may be called
// at any time, by several goroutines.
type Tenant struct {
	opt     Options
	handler http.Handler
	auth    *authority
	bucket  *bucket
	journal *journal
	gen     generator
	madeIDs atomic.Int32

	mu   sync.Mutex // guards the two below
	seq  uint64     // the next number of a generated event
	live production
}

// New makes a tenant without events.
func New(opt Options) *Tenant {
	opt.Name = cmp.Or(opt.Name, "acme")
	opt.TokenLife = cmp.Or(opt.TokenLife, 24*time.Hour)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Scopes == nil {
		opt.Scopes = []string{scopeLogs}
	}
	if opt.Faults == nil {
		opt.Faults = new(fault.Set)
	}
	t := &Tenant{
		opt:     opt,
		auth:    newAuthority(opt),
		bucket:  &bucket{},
		journal: &journal{},
		seq:     firstGenerated,
		gen:     generator{seed: opt.Seed, tenant: opt.Name, size: opt.DocBytes, catalogue: shapes()},
	}
	t.SetRate(opt.Rate)
	t.SetMadeIDs(opt.MadeIDs)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", t.serveToken)
	mux.HandleFunc("GET /api/v2/logs", t.serveLogs)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		newProblem(http.StatusNotFound, "", "Not Found").write(w)
	})
	// Compression lies outside the faults, so that those see plain bodies.
	t.handler = compress(opt.Faults.Wrap(operation, mux))
	return t
}

// Start makes a tenant and serves it over TLS on a free port of loopback. Its
// domain, in Auth0's sense, is the server's Addr.
func Start(ca *tlsserver.CA, opt Options) (*Tenant, *tlsserver.Server, error) {
	t := New(opt)
	server, err := tlsserver.Start(ca, t)
	if err != nil {
		return nil, nil, err
	}
	return t, server, nil
}

// ServeHTTP answers one call, after the faults had their say.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", t.opt.Now().UTC().Format(http.TimeFormat))
	t.handler.ServeHTTP(w, r)
}

func operation(r *http.Request) string {
	switch {
	case r.URL.Path == "/oauth/token":
		return "token"
	case r.URL.Path != "/api/v2/logs":
		return "other"
	case r.URL.Query().Has("from"):
		return "logs"
	}
	return "search"
}

// SetSecret rotates the client secret; the old one is refused from now on.
// Tokens stay good, as at Auth0.
func (t *Tenant) SetSecret(secret string) {
	t.auth.change(func(a *application) { a.secret = secret })
}

// SetGrant gives or takes the application's grant for the Management API.
// Tokens already issued stay good.
func (t *Tenant) SetGrant(granted bool) {
	t.auth.change(func(a *application) { a.granted = granted })
}

// SetClientCredentials says whether the application may use the grant type
// client_credentials at all, as a machine-to-machine application does.
func (t *Tenant) SetClientCredentials(allowed bool) {
	t.auth.change(func(a *application) { a.clientCredentials = allowed })
}

// SetScopes sets what is granted to tokens issued from now on.
func (t *Tenant) SetScopes(scopes ...string) {
	scopes = slices.Clone(scopes)
	t.auth.change(func(a *application) { a.scopes = scopes })
}

// RevokeTokens makes every token issued so far invalid: a signing key that was
// rotated and revoked does that.
func (t *Tenant) RevokeTokens() { t.auth.forget() }

// SetRate changes the rate limit and fills its bucket.
func (t *Tenant) SetRate(r Rate) { t.bucket.set(r, t.opt.Now()) }

// SetMadeIDs changes how a from that is no event's id is treated.
func (t *Tenant) SetMadeIDs(m MadeIDs) { t.madeIDs.Store(int32(m)) }
