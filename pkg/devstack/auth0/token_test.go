package auth0

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

func TestToken(t *testing.T) {
	s := newStage(t, Options{Scopes: []string{"read:logs", "read:users"}, TokenLife: time.Hour})
	body := `{"grant_type":"client_credentials","client_id":"` + clientID + `","client_secret":"` + secret + `","audience":"` + s.audience() + `"}`
	asJSON := s.request(http.MethodPost, "/oauth/token", body)
	asJSON.Header.Set("Content-Type", "application/json; charset=utf-8")
	basic := s.request(http.MethodPost, "/oauth/token",
		url.Values{"grant_type": {"client_credentials"}, "audience": {s.audience()}}.Encode())
	basic.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	basic.SetBasicAuth("%4A"+clientID[1:], url.QueryEscape(secret))
	for _, tc := range []struct {
		name  string
		got   answer
		scope string
	}{
		{"form", s.post(s.form(nil)), "read:logs read:users"},
		{"JSON", s.do(asJSON), "read:logs read:users"},
		{"basic", s.do(basic), "read:logs read:users"},
		{"scope asked for", s.post(s.form(map[string]string{"scope": "read:logs"})), "read:logs"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.got.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s", tc.got.Status, tc.got.body)
			}
			reply := decode[tokenReply](t, tc.got.body)
			s.token, reply.AccessToken = reply.AccessToken, ""
			if diff := cmp.Diff(tokenReply{Scope: tc.scope, ExpiresIn: 3600, TokenType: "Bearer"}, reply); diff != "" {
				t.Errorf("reply (-want +got):\n%s", diff)
			}
			if got := s.get("from="); got.StatusCode != http.StatusOK {
				t.Errorf("with the token: %s: %s", got.Status, got.body)
			}
		})
	}
}

func TestRefusedTokens(t *testing.T) {
	type change = map[string]string
	for _, tc := range []struct {
		name   string
		tenant func(*Tenant)
		form   change
		status int
		code   string
		text   string // a part of the description
	}{
		{"wrong secret", nil, change{"client_secret": "x"}, 401, "access_denied", "Unauthorized"},
		{"no secret", nil, change{"client_secret": ""}, 401, "access_denied", "Unauthorized"},
		{"old secret", func(t *Tenant) { t.SetSecret("other") }, nil, 401, "access_denied", "Unauthorized"},
		{"no secret where none is set", func(t *Tenant) { t.SetSecret("") }, change{"client_secret": ""}, 401, "access_denied", "Unauthorized"},
		{"unknown client", nil, change{"client_id": "x"}, 401, "access_denied", "Unauthorized"},
		{"no client", nil, change{"client_id": ""}, 401, "invalid_client", "client_id"},
		{"assertion without a key", nil, change{"client_assertion": "x"}, 401, "invalid_client", "no public key"},
		{"other grant type", nil, change{"grant_type": "password"}, 403, "unsupported_grant_type", "password"},
		{"grant type not allowed", func(t *Tenant) { t.SetClientCredentials(false) }, nil, 403, "unauthorized_client",
			"Grant type 'client_credentials' not allowed for the client."},
		{"no audience", nil, change{"audience": ""}, 403, "access_denied", "No audience parameter was provided"},
		{"wrong audience", nil, change{"audience": "https://x/api/v2/"}, 403, "access_denied", "Service not enabled within domain: https://x/api/v2/"},
		{"no grant", func(t *Tenant) { t.SetGrant(false) }, nil, 403, "access_denied", "Client is not authorized to access"},
		{"scope not granted", nil, change{"scope": "read:logs read:users"}, 403, "access_denied", "Client has not been granted scopes: read:users"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t, Options{})
			if tc.tenant != nil {
				tc.tenant(s.Tenant)
			}
			got := s.post(s.form(tc.form))
			r := decode[refusal](t, got.body)
			if got.StatusCode != tc.status || r.Code != tc.code || !strings.Contains(r.Description, tc.text) {
				t.Errorf("got %s: %s, want %d %s with %q", got.Status, got.body, tc.status, tc.code, tc.text)
			}
			if got := s.get("from="); got.StatusCode != http.StatusOK {
				t.Errorf("the token issued before: %s: %s", got.Status, got.body)
			}
		})
	}
	t.Run("body is no JSON", func(t *testing.T) {
		s := newStage(t, Options{})
		req := s.request(http.MethodPost, "/oauth/token", "{")
		req.Header.Set("Content-Type", "application/json")
		if got := s.do(req); got.StatusCode != http.StatusBadRequest || decode[refusal](t, got.body).Code != "invalid_request" {
			t.Errorf("got %s: %s", got.Status, got.body)
		}
	})
}

func TestRefusedBearers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		do     func(*stage)
		status int
		code   string
		text   string
	}{
		{"none", func(s *stage) { s.token = "" }, 401, "", "Missing authentication"},
		{"not issued here", func(s *stage) { s.token = "x" }, 401, "", "Invalid token"},
		{"revoked", func(s *stage) { s.RevokeTokens() }, 401, "", "Invalid token"},
		{"expired", func(s *stage) { s.clock.advance(24 * time.Hour) }, 401, "", "Expired token received for JSON Web Token validation"},
		{"without read:logs", func(s *stage) { s.SetScopes("read:users"); s.token = s.fetchToken() }, 403, "insufficient_scope", "Insufficient scope"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t, Options{Rate: Rate{Limit: 10}})
			if got := s.get("from="); got.StatusCode != http.StatusOK {
				t.Fatalf("before: %s: %s", got.Status, got.body)
			}
			tc.do(s)
			got := s.get("from=")
			p := decode[problem](t, got.body)
			if got.StatusCode != tc.status || p.ErrorCode != tc.code || !strings.Contains(p.Message, tc.text) {
				t.Errorf("got %s: %s, want %d %q with %q", got.Status, got.body, tc.status, tc.code, tc.text)
			}
		})
	}
	t.Run("just before it expires", func(t *testing.T) {
		s := newStage(t, Options{})
		s.clock.advance(24*time.Hour - time.Second)
		if got := s.get("from="); got.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", got.Status, got.body)
		}
	})
	t.Run("read:logs_users will do", func(t *testing.T) {
		s := newStage(t, Options{Scopes: []string{"read:logs_users"}})
		if got := s.get("from="); got.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", got.Status, got.body)
		}
	})
}

// A custom domain and the canonical one lead to the same tenant, but a token
// is good at the host that issued it alone.
func TestCustomDomain(t *testing.T) {
	const canonical = "https://acme.eu.auth0.com/api/v2/"
	tenant := New(Options{ClientID: clientID, ClientSecret: secret, Audience: canonical})
	call := func(host, method, target, body, token string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(method, target, strings.NewReader(body))
		req.Host = host
		req.Header.Set("Content-Type", "application/json")
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		rec := httptest.NewRecorder()
		tenant.ServeHTTP(rec, req)
		return rec
	}
	ask := func(audience string) *httptest.ResponseRecorder {
		body := fmt.Sprintf(`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q,"audience":%q}`, clientID, secret, audience)
		return call("login.example.com", http.MethodPost, "/oauth/token", body, "")
	}
	if got := ask("https://login.example.com/api/v2/"); got.Code != http.StatusForbidden {
		t.Errorf("the custom domain as audience: %d, want 403", got.Code)
	}
	got := ask(canonical)
	if got.Code != http.StatusOK {
		t.Fatalf("token: %d: %s", got.Code, got.Body)
	}
	token := decode[tokenReply](t, got.Body.String()).AccessToken
	for host, want := range map[string]int{"login.example.com": http.StatusOK, "acme.eu.auth0.com": http.StatusUnauthorized} {
		if got := call(host, http.MethodGet, "/api/v2/logs?from=", "", token); got.Code != want {
			t.Errorf("token of login.example.com at %s: %d, want %d", host, got.Code, want)
		}
	}
}

func TestTokenEvents(t *testing.T) {
	s := newStage(t, Options{TokenEvents: true})
	s.post(s.form(map[string]string{"client_secret": "x"}))
	s.post(s.form(map[string]string{"audience": "x"})) // proved who it is: no event
	type event struct{ Type string }
	got := decode[[]event](t, s.get("from=").body)
	if diff := cmp.Diff([]event{{"seccft"}, {"feccft"}}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func TestAssertion(t *testing.T) {
	s := newStage(t, Options{PublicKey: &testKey().PublicKey})
	otherKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	type claims = jwt.MapClaims
	ahead := func(d time.Duration) int64 { return start.Add(d).Unix() }
	for _, tc := range []struct {
		name   string
		method jwt.SigningMethod
		key    any
		claims claims // changes
		form   map[string]string
		reason string // "" for a token
	}{
		{name: "RS256"},
		{name: "RS384", method: jwt.SigningMethodRS384},
		{name: "PS256", method: jwt.SigningMethodPS256},
		{name: "with client_id", form: map[string]string{"client_id": clientID}},
		{name: "five minutes ahead", claims: claims{"exp": ahead(5 * time.Minute)}},
		{name: "expired within the skew", claims: claims{"exp": ahead(-9 * time.Second)}},
		{name: "issued ahead within the skew", claims: claims{"iat": ahead(9 * time.Second)}},
		{name: "RS512", method: jwt.SigningMethodRS512, reason: "signing method RS512 is invalid"},
		{name: "HS256", method: jwt.SigningMethodHS256, key: []byte("k"), reason: "signing method HS256 is invalid"},
		{name: "other key", key: otherKey, reason: "verification error"},
		{name: "expired", claims: claims{"exp": ahead(-11 * time.Second)}, reason: "expired"},
		{name: "too far ahead", claims: claims{"exp": ahead(5*time.Minute + 11*time.Second)}, reason: "more than 5 minutes ahead"},
		{name: "no exp", claims: claims{"exp": nil}, reason: "exp claim is required"},
		{name: "issued ahead", claims: claims{"iat": ahead(11 * time.Second)}, reason: "used before issued"},
		{name: "other iss", claims: claims{"iss": "x"}, reason: "invalid issuer"},
		{name: "other sub", claims: claims{"sub": "x"}, reason: "invalid subject"},
		{name: "aud without slash", claims: claims{"aud": s.url}, reason: "invalid audience"},
		{name: "no jti", claims: claims{"jti": ""}, reason: "jti is missing"},
		{name: "jti used before", claims: claims{"jti": "RS256"}, reason: "jti was used before"},
		{name: "other client_id", form: map[string]string{"client_id": "x"}, reason: "client_id"},
		{name: "other type", form: map[string]string{"client_assertion_type": "x"}, reason: "client_assertion_type"},
		{name: "no JWT", form: map[string]string{"client_assertion": "x"}, reason: "malformed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := claims{"iss": clientID, "sub": clientID, "aud": s.url + "/", "jti": tc.name, "exp": ahead(time.Minute), "iat": ahead(0)}
			for name, value := range tc.claims {
				c[name] = value
				if value == nil {
					delete(c, name)
				}
			}
			method, key := tc.method, tc.key
			if method == nil {
				method = jwt.SigningMethodRS256
			}
			if key == nil {
				key = testKey()
			}
			signed, err := jwt.NewWithClaims(method, c).SignedString(key)
			if err != nil {
				t.Fatal(err)
			}
			form := url.Values{
				"grant_type": {"client_credentials"}, "audience": {s.audience()},
				"client_assertion_type": {assertionType}, "client_assertion": {signed},
			}
			for name, value := range tc.form {
				form.Set(name, value)
			}
			got := s.post(form)
			if tc.reason == "" {
				if got.StatusCode != http.StatusOK {
					t.Errorf("got %s: %s, want a token", got.Status, got.body)
				}
				return
			}
			r := decode[refusal](t, got.body)
			if got.StatusCode != http.StatusUnauthorized || r.Code != "invalid_client" || !strings.Contains(r.Description, tc.reason) {
				t.Errorf("got %s: %s, want 401 invalid_client with %q", got.Status, got.body, tc.reason)
			}
		})
	}
}

func FuzzTokenRequest(f *testing.F) {
	f.Add("application/json", `{"grant_type":"client_credentials","client_id":"a","client_secret":"b","audience":"c"}`, "")
	f.Add("application/x-www-form-urlencoded", "grant_type=client_credentials&client_assertion=a.b.c&client_assertion_type="+url.QueryEscape(assertionType), "")
	f.Add("application/x-www-form-urlencoded", "grant_type=client_credentials", "Basic YSU6Yg==")
	tenant := New(Options{ClientID: clientID, ClientSecret: secret, PublicKey: &testKey().PublicKey})
	f.Fuzz(func(t *testing.T, media, body, authorization string) {
		req := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader(body))
		req.Header.Set("Content-Type", media)
		req.Header.Set("Authorization", authorization)
		rec := httptest.NewRecorder()
		tenant.ServeHTTP(rec, req)
		if rec.Code == http.StatusOK && !strings.Contains(body+authorization, url.QueryEscape(secret)) {
			t.Errorf("a token for %q", body)
		}
		decode[map[string]any](t, rec.Body.String())
	})
}
