package auth0

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"auth0-logs-to-cloudwatch/pkg/export"
)

const (
	// renewBefore is how long before its end a token is renewed, at most a
	// tenth of its life: a run of five minutes should not see it end.
	renewBefore = 10 * time.Minute
	// defaultLife is how long a token is kept that does not say how long it
	// is good for.
	defaultLife = time.Hour
	// assertionLife is how long a signed assertion is good for. Auth0 allows
	// five minutes and advises one (docs, "Authenticate with Private Key JWT").
	assertionLife = time.Minute
)

// tokens gets access tokens and keeps the last one until shortly before its
// end. The end is kept as wall-clock time: between two runs a Lambda sandbox
// is frozen, and its monotonic clock with it.
type tokens struct {
	opt  Options
	http *http.Client

	mu       sync.Mutex
	token    string
	renew    time.Time // wall clock
	asserted string    // the last assertion, lest it is quoted
}

// get returns a token that is good for a while. Concurrent callers share one
// request.
func (t *tokens) get(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.opt.Now().Round(0)
	if t.token != "" && now.Before(t.renew) {
		return t.token, nil
	}
	token, err := t.request(ctx, now)
	if err != nil {
		return "", err
	}
	life := defaultLife
	if !token.Expiry.IsZero() {
		life = time.Until(token.Expiry)
	}
	t.token = token.AccessToken
	t.renew = now.Add(life - min(renewBefore, life/10))
	return t.token, nil
}

// drop forgets a token that Auth0 refused, unless it was replaced meanwhile.
func (t *tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}

func (t *tokens) request(ctx context.Context, now time.Time) (*oauth2.Token, error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	grant := clientcredentials.Config{
		ClientID:       t.opt.ClientID,
		ClientSecret:   t.opt.ClientSecret,
		TokenURL:       "https://" + t.opt.Domain + "/oauth/token",
		EndpointParams: url.Values{"audience": {t.opt.Audience}},
		AuthStyle:      oauth2.AuthStyleInParams,
	}
	if t.opt.PrivateKey != nil {
		assertion, err := t.assertion(now)
		if err != nil {
			return nil, err
		}
		grant.ClientSecret, t.asserted = "", assertion
		grant.EndpointParams.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		grant.EndpointParams.Set("client_assertion", assertion)
	}
	token, err := grant.Token(context.WithValue(call, oauth2.HTTPClient, t.http))
	if err != nil && call.Err() != nil && ctx.Err() == nil {
		err = call.Err() // the library does not tell that it ran out of time
	}
	if err != nil {
		return nil, t.refusal(ctx, err)
	}
	return token, nil
}

// quote is what Auth0 said of a token request, without what was in it.
func (t *tokens) quote(said string) string {
	return quote(said, t.opt.ClientSecret, t.asserted)
}

// assertion signs who we are, for private_key_jwt.
func (t *tokens) assertion(now time.Time) (string, error) {
	claims := jwt.RegisteredClaims{
		Issuer:    t.opt.ClientID,
		Subject:   t.opt.ClientID,
		Audience:  jwt.ClaimStrings{"https://" + t.opt.Domain + "/"},
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(assertionLife)),
		ID:        rand.Text(),
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(t.opt.PrivateKey)
	if err != nil {
		return "", &export.Error{Kind: export.KindSettings, Err: err, Text: "AUTH0_PRIVATE_KEY cannot sign.", Fix: "put an RSA key of at least 2,048 bits in PEM form."}
	}
	return signed, nil
}

// refusal puts a failed token request into words.
func (t *tokens) refusal(ctx context.Context, err error) error {
	re, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return t.noToken(ctx, err)
	}
	said := t.quote(re.ErrorDescription)
	status := re.Response.StatusCode
	switch {
	case status == http.StatusTooManyRequests:
		return t.quota(re)
	case status >= 500:
		return &export.Error{Kind: export.KindSource, Err: errors.Join(errPasses, err), Text: fmt.Sprintf("Auth0 answered the token request with status %d.", status),
			Fix: "nothing to do here: the next run tries again. Auth0's state is shown at status.auth0.com."}
	case status >= 300 && status < 400:
		return &export.Error{Kind: export.KindSource, Err: err, Text: fmt.Sprintf("%s redirects the token request to another address, which is not followed: the secret would go there.", t.opt.Domain),
			Fix: "set AUTH0_DOMAIN to the tenant's own domain."}
	case isAudienceRefused(re):
		return &export.Error{Kind: export.KindPermission, Err: err, Text: fmt.Sprintf("The audience %s is no API of the Auth0 tenant.", t.opt.Audience),
			Fix: "set AUTH0_AUDIENCE to https://TENANT.REGION.auth0.com/api/v2/ with the slash at its end; a custom domain has the tenant's own domain there."}
	case status == http.StatusForbidden && strings.Contains(said, "not authorized to access"):
		return &export.Error{Kind: export.KindPermission, Err: err, Text: "The Auth0 application is not authorized for the Auth0 Management API.",
			Fix: "in the Auth0 dashboard open Applications > APIs > Auth0 Management API > Machine to Machine Applications, authorize the application and grant it read:logs."}
	case re.ErrorCode == "unauthorized_client":
		return &export.Error{Kind: export.KindPermission, Err: err, Text: "The Auth0 application may not use the client_credentials grant.",
			Fix: "use an application of the type Machine to Machine, or enable the grant under its Advanced Settings > Grant Types."}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return &export.Error{Kind: export.KindAuth, Err: err, Text: t.badCredentials(said), Fix: t.credentialFix()}
	}
	return &export.Error{Kind: export.KindSource, Err: err, Text: fmt.Sprintf("Auth0 refused the token request with status %d: %s", status, sentence(said)),
		Fix: "check AUTH0_DOMAIN, AUTH0_AUDIENCE and AUTH0_CLIENT_ID."}
}

func (t *tokens) badCredentials(said string) string {
	what := "client id or client secret"
	if t.opt.PrivateKey != nil {
		what = "client id or private key"
	}
	return fmt.Sprintf("Auth0 does not accept the %s: %s", what, sentence(said))
}

func (t *tokens) credentialFix() string {
	if t.opt.PrivateKey != nil {
		return "check that AUTH0_CLIENT_ID is right and that the public key of AUTH0_PRIVATE_KEY is among the application's credentials."
	}
	return "check AUTH0_CLIENT_ID, and put the application's client secret into AUTH0_CLIENT_SECRET again."
}

// quota is a token refused for its number: Auth0's quotas for machine-to-machine
// tokens may ask to wait for hours.
func (t *tokens) quota(re *oauth2.RetrieveError) error {
	now := t.opt.Now()
	e := &export.Error{Kind: export.KindRateLimit, Err: re, Text: "Auth0 refuses another token: " + sentence(t.quote(re.ErrorDescription)),
		Fix: "raise the application's token quota in Auth0, or wait: the next run tries again."}
	if wait, ok := retryAfter(re.Response.Header, time.Time{}, now); ok {
		e.Text += fmt.Sprintf(" It is to be asked again after %s.", now.Add(wait).UTC().Format(time.RFC3339))
	}
	return e
}

// noToken is an exchange that failed, or an answer without a token in it.
func (t *tokens) noToken(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*url.Error](err); ok || ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		return unreachable(ctx, t.opt.Domain, err)
	}
	return &export.Error{Kind: export.KindSource, Err: err, Text: fmt.Sprintf("Auth0 at %s answered the token request with something that is no token.", t.opt.Domain),
		Fix: "check that AUTH0_DOMAIN is an Auth0 tenant's domain."}
}
