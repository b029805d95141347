package auth0

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Limits of an assertion (Auth0 docs, "Authenticate with Private Key JWT").
const (
	assertionLife = 5 * time.Minute
	assertionSkew = 10 * time.Second
)

// verifyAssertion checks a client assertion by the rules of Auth0's
// documentation, "Authenticate with Private Key JWT": signed by RS256, RS384
// or PS256, iss and sub the client id, aud the tenant, exp at most five
// minutes ahead, and jti never seen before.
func (a *authority) verifyAssertion(req tokenRequest, host string) error {
	switch {
	case a.opt.PublicKey == nil:
		return errors.New("the client has no public key")
	case req.AssertionType != assertionType:
		return fmt.Errorf("client_assertion_type must be %s", assertionType)
	case req.ClientID != "" && req.ClientID != a.opt.ClientID:
		return errors.New("client_id is not the client's")
	}
	now := a.opt.Now()
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(req.Assertion, &claims,
		func(*jwt.Token) (any, error) { return a.opt.PublicKey, nil },
		jwt.WithValidMethods([]string{"RS256", "RS384", "PS256"}),
		jwt.WithTimeFunc(func() time.Time { return now }),
		jwt.WithLeeway(assertionSkew),
		jwt.WithIssuer(a.opt.ClientID),
		jwt.WithSubject(a.opt.ClientID),
		jwt.WithAudience("https://"+host+"/"),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
	)
	switch {
	case err != nil:
		return err
	case claims.ExpiresAt.After(now.Add(assertionLife + assertionSkew)):
		return errors.New("exp is more than 5 minutes ahead")
	case claims.ID == "":
		return errors.New("jti is missing")
	case a.jtis[claims.ID]:
		return errors.New("jti was used before")
	}
	a.jtis[claims.ID] = true
	return nil
}
