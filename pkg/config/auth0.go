package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const defaultRateShare = 80

// Auth0 takes no other keys (Auth0 documentation, "Generate RSA Key Pair").
const (
	minKeyBits = 2048
	maxKeyBits = 4096
)

func (r *reader) auth0() Auth0 {
	a := Auth0{
		Domain:    r.domain(),
		ClientID:  r.required(Auth0ClientID, "the client id of a machine-to-machine application"),
		RateShare: r.number(Auth0RateShare, defaultRateShare, between(1, 100), "a whole number from 1 to 100, in percent"),
		RetentionDays: r.number(Auth0LogRetentionDays, 0, func(days int) bool {
			return slices.Contains([]int{1, 5, 10, 30}, days)
		}, "1, 5, 10 or 30, the days for which the tenant's plan keeps logs"),
	}
	a.Audience = r.audience(a.Domain)
	a.ClientSecret, a.PrivateKey = r.credentials()
	return a
}

func (r *reader) domain() string {
	const expected = "the tenant's host, such as acme.eu.auth0.com, with no scheme, path or credentials"
	v := r.required(Auth0Domain, expected)
	if v == "" {
		return ""
	}
	if host, ok := parseHost(v); ok {
		return host
	}
	if host, ok := hostOfURL(v); ok {
		r.reject(Auth0Domain, "more than a host: expected %s alone, with no scheme, path or credentials", host)
	} else {
		r.reject(Auth0Domain, "no host: expected %s", expected)
	}
	return ""
}

// hostPattern is a host in lower case, and after it the port if there is one.
var hostPattern = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?::([0-9]+))?$`)

// parseHost reads a host or host:port and returns it in lower case: the
// default audience is made of it, and an audience is compared as text.
func parseHost(s string) (string, bool) {
	s = strings.ToLower(s)
	parts := hostPattern.FindStringSubmatch(s)
	if parts == nil {
		return "", false
	}
	if port := parts[1]; port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", false
		}
	}
	return s, true
}

// hostOfURL finds the host in a URL, with or without its scheme.
func hostOfURL(s string) (string, bool) {
	if _, rest, found := strings.Cut(s, "://"); found {
		s = rest
	}
	u, err := url.Parse("//" + s)
	if err != nil {
		return "", false
	}
	return parseHost(u.Host)
}

func (r *reader) audience(domain string) string {
	v := r.value(Auth0Audience)
	switch {
	case v == "" && domain == "":
		return ""
	case v == "":
		return "https://" + domain + "/api/v2/"
	case !isHTTPS(v):
		r.reject(Auth0Audience, "no https URL: expected the identifier of the tenant's Management API, such as https://acme.eu.auth0.com/api/v2/")
		return ""
	}
	if !strings.HasSuffix(v, "/") {
		r.warn(Auth0Audience, "does not end in a slash: Auth0 compares the whole text, and its own identifier ends in /api/v2/")
	}
	return v
}

// credentials returns the one that is to be used.
func (r *reader) credentials() (Secret, *rsa.PrivateKey) {
	secret, pemText := r.value(Auth0ClientSecret), r.value(Auth0PrivateKey)
	if pemText == "" {
		if secret == "" {
			r.reject(Auth0ClientSecret, "missing: expected the application's client secret here, or its private key in %s", Auth0PrivateKey)
		}
		return Secret(secret), nil
	}
	if secret != "" {
		r.warn(Auth0ClientSecret, "not used, because %s is set", Auth0PrivateKey)
	}
	key, err := parsePrivateKey(pemText)
	if err != nil {
		r.reject(Auth0PrivateKey, "%v", err)
		return "", nil
	}
	return "", key
}

// parsePrivateKey reads an RSA key in PEM, PKCS #1 or PKCS #8, whose line
// breaks may have become the two characters \n. Its errors hold nothing of the
// text, nor of what other packages say about it.
func parsePrivateKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(strings.ReplaceAll(text, `\n`, "\n")))
	if block == nil {
		return nil, errors.New("no PEM text: expected a whole RSA private key, from its BEGIN line to its END line")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("locked with a passphrase: expected an RSA private key without one")
	}
	key, ok := parseRSA(block.Bytes)
	if !ok {
		return nil, errors.New("no RSA private key: expected one in PKCS #1 or PKCS #8")
	}
	if bits := key.N.BitLen(); bits < minKeyBits || bits > maxKeyBits {
		return nil, fmt.Errorf("an RSA key of %d bits: expected %d to %d, as Auth0 asks for", bits, minKeyBits, maxKeyBits)
	}
	return key, nil
}

func parseRSA(der []byte) (key *rsa.PrivateKey, ok bool) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, true
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, false
	}
	key, ok = parsed.(*rsa.PrivateKey)
	return key, ok
}
