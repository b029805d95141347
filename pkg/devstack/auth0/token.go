package auth0

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The scopes that open GET /api/v2/logs (Management API reference).
const (
	scopeLogs      = "read:logs"
	scopeLogsUsers = "read:logs_users"
)

// application is the machine-to-machine application as its owner can change
// it.
type application struct {
	secret            string
	granted           bool
	clientCredentials bool
	scopes            []string
}

// token is what the tenant knows of an access token it issued.
type token struct {
	host    string // the host it was asked of: its iss
	expires time.Time
	scopes  []string
}

// authority issues tokens and judges them.
type authority struct {
	opt Options // read only

	mu     sync.Mutex
	app    application
	tokens map[string]token
	jtis   map[string]bool
}

func newAuthority(opt Options) *authority {
	return &authority{
		opt:    opt,
		app:    application{secret: opt.ClientSecret, granted: true, clientCredentials: true, scopes: opt.Scopes},
		tokens: make(map[string]token),
		jtis:   make(map[string]bool),
	}
}

func (a *authority) change(f func(*application)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(&a.app)
}

func (a *authority) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.tokens)
}

// refusal is an error of the Authentication API.
type refusal struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// tokenRequest is the body of POST /oauth/token.
type tokenRequest struct {
	GrantType     string `json:"grant_type"`
	ClientID      string `json:"client_id"`
	ClientSecret  string `json:"client_secret"`
	AssertionType string `json:"client_assertion_type"`
	Assertion     string `json:"client_assertion"`
	Audience      string `json:"audience"`
	Scope         string `json:"scope"`
}

// tokenReply is the answer to POST /oauth/token.
type tokenReply struct {
	AccessToken string `json:"access_token"`
	Scope       string `json:"scope,omitempty"`
	ExpiresIn   int    `json:"expires_in"`
	TokenType   string `json:"token_type"`
}

func (t *Tenant) serveToken(w http.ResponseWriter, r *http.Request) {
	req, refused := readTokenRequest(r)
	var reply tokenReply
	if refused == nil {
		reply, refused = t.auth.issue(req, r.Host)
	}
	if refused == nil {
		t.tokenEvent("seccft")
		writeJSON(w, http.StatusOK, reply)
		return
	}
	if refused.status == http.StatusUnauthorized {
		t.tokenEvent("feccft")
	}
	writeJSON(w, refused.status, refused)
}

func (t *Tenant) tokenEvent(code string) {
	if t.opt.TokenEvents {
		t.emit(code, t.opt.Now())
	}
}

// readTokenRequest takes a form or JSON, and the client's credentials from an
// Authorization header where they are not in the body (RFC 6749, 2.3.1).
func readTokenRequest(r *http.Request) (tokenRequest, *refusal) {
	const most = 64 << 10
	r.Body = http.MaxBytesReader(nil, r.Body, most)
	var req tokenRequest
	var err error
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == "application/json" {
		err = json.NewDecoder(r.Body).Decode(&req)
	} else if err = r.ParseForm(); err == nil {
		req = formRequest(r.PostForm)
	}
	if err != nil {
		return req, &refusal{http.StatusBadRequest, "invalid_request", "Malformed body: " + err.Error()}
	}
	if user, password, ok := r.BasicAuth(); ok && req.ClientID == "" {
		// A broken escape leaves an empty value, which is refused below.
		req.ClientID, _ = url.QueryUnescape(user)
		req.ClientSecret, _ = url.QueryUnescape(password)
	}
	return req, nil
}

func formRequest(form url.Values) tokenRequest {
	return tokenRequest{
		GrantType:     form.Get("grant_type"),
		ClientID:      form.Get("client_id"),
		ClientSecret:  form.Get("client_secret"),
		AssertionType: form.Get("client_assertion_type"),
		Assertion:     form.Get("client_assertion"),
		Audience:      form.Get("audience"),
		Scope:         form.Get("scope"),
	}
}

// issue answers a token request that came to host.
func (a *authority) issue(req tokenRequest, host string) (tokenReply, *refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if refused := a.authenticate(req, host); refused != nil {
		return tokenReply{}, refused
	}
	scopes, refused := a.authorize(req, host)
	if refused != nil {
		return tokenReply{}, refused
	}
	text := "standin." + rand.Text()
	a.tokens[text] = token{host: host, expires: a.opt.Now().Add(a.opt.TokenLife), scopes: scopes}
	return tokenReply{
		AccessToken: text,
		Scope:       strings.Join(scopes, " "),
		ExpiresIn:   int(a.opt.TokenLife / time.Second),
		TokenType:   "Bearer",
	}, nil
}

// authenticate finds out whether the client is who it says it is.
func (a *authority) authenticate(req tokenRequest, host string) *refusal {
	switch {
	case req.GrantType != "client_credentials":
		return &refusal{http.StatusForbidden, "unsupported_grant_type", "Unsupported grant type: " + req.GrantType}
	case req.Assertion != "":
		if err := a.verifyAssertion(req, host); err != nil {
			return &refusal{http.StatusUnauthorized, "invalid_client", "Client assertion is not valid: " + err.Error()}
		}
		return nil
	case req.ClientID == "":
		return &refusal{http.StatusUnauthorized, "invalid_client", "Missing required parameter: client_id"}
	}
	same := subtle.ConstantTimeCompare([]byte(req.ClientSecret), []byte(a.app.secret)) == 1
	if req.ClientID != a.opt.ClientID || a.app.secret == "" || !same {
		return &refusal{http.StatusUnauthorized, "access_denied", "Unauthorized"}
	}
	return nil
}

// authorize finds out which scopes a client that is who it says it is gets.
func (a *authority) authorize(req tokenRequest, host string) ([]string, *refusal) {
	if !a.app.clientCredentials {
		return nil, &refusal{http.StatusForbidden, "unauthorized_client",
			"Grant type 'client_credentials' not allowed for the client."}
	}
	denied := func(format string, args ...any) *refusal {
		return &refusal{http.StatusForbidden, "access_denied", fmt.Sprintf(format, args...)}
	}
	switch {
	case req.Audience == "":
		return nil, denied("No audience parameter was provided, and no default audience has been configured")
	case req.Audience != cmp.Or(a.opt.Audience, "https://"+host+"/api/v2/"):
		return nil, denied("Service not enabled within domain: %s", req.Audience)
	case !a.app.granted:
		return nil, denied("Client is not authorized to access %q. You need to create a \"client-grant\" associated to this API.", req.Audience)
	}
	asked := strings.Fields(req.Scope)
	missing := slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return slices.Contains(a.app.scopes, s) })
	if len(missing) > 0 {
		return nil, denied("Client has not been granted scopes: %s", strings.Join(missing, " "))
	}
	if len(asked) == 0 {
		return a.app.scopes, nil
	}
	return asked, nil
}

// check judges the token that a request to host for log events carries.
func (a *authority) check(r *http.Request) *problem {
	text, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || text == "" {
		return newProblem(http.StatusUnauthorized, "", "Missing authentication")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	tok, known := a.tokens[text]
	switch {
	case !known || tok.host != r.Host:
		return newProblem(http.StatusUnauthorized, "", "Invalid token")
	case !a.opt.Now().Before(tok.expires):
		return newProblem(http.StatusUnauthorized, "", "Expired token received for JSON Web Token validation")
	case !slices.Contains(tok.scopes, scopeLogs) && !slices.Contains(tok.scopes, scopeLogsUsers):
		return newProblem(http.StatusForbidden, "insufficient_scope",
			"Insufficient scope, expected any of: "+scopeLogs+","+scopeLogsUsers)
	}
	return nil
}
