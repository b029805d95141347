package auth0

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	standin "auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/tlsserver"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const (
	clientID = "m2m-client"
	secret   = "s3cr3t-of-the-application"
)

// bench is the client against a stand-in of a tenant.
type bench struct {
	tenant *standin.Tenant
	server *tlsserver.Server
	faults *fault.Set
	client *Client
	opt    Options
	now    time.Time
}

func newBench(t *testing.T, tenant standin.Options, edit func(*Options)) *bench {
	t.Helper()
	b := &bench{faults: &fault.Set{}, now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	ca, err := tlsserver.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	tenant.ClientID, tenant.Faults = clientID, b.faults
	if tenant.PublicKey == nil {
		tenant.ClientSecret = secret
	}
	if tenant.Now == nil {
		tenant.Now = func() time.Time { return b.now }
	}
	b.tenant, b.server, err = standin.Start(ca, tenant)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.server.Close)
	b.opt = Options{
		Domain: b.server.Addr, Audience: "https://" + b.server.Addr + "/api/v2/",
		ClientID: clientID, ClientSecret: secret, RateShare: 100,
		Transport: ca.Client().Transport, Now: func() time.Time { return b.now },
	}
	if edit != nil {
		edit(&b.opt)
	}
	b.client = New(b.opt)
	b.client.failurePause = time.Millisecond
	return b
}

func TestWalk(t *testing.T) {
	b := newBench(t, standin.Options{Seed: 1}, nil)
	b.tenant.Generate(450, b.now.Add(-time.Hour), b.now.Add(-time.Minute))
	var got []string
	for after := tenantlog.Oldest; ; {
		page, err := b.client.Page(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		if !page.ServerTime.Equal(b.now) {
			t.Fatalf("server time %s, want %s", page.ServerTime, b.now)
		}
		if len(page.Events) == 0 {
			break
		}
		for _, e := range page.Events {
			got = append(got, string(e.Raw))
		}
		if last := page.Events[len(page.Events)-1].ID; page.Next != last {
			t.Fatalf("next %s, want %s", page.Next, last)
		}
		after = page.Next
	}
	var want []string
	for _, doc := range b.tenant.Documents() {
		want = append(want, string(doc))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	if n := b.faults.Calls("token"); n != 1 {
		t.Errorf("%d tokens for one walk", n)
	}
	if n := b.faults.Calls("logs"); n != 6 {
		t.Errorf("%d pages, want 5 and an empty one", n)
	}
}

// agents notes who asks, by path.
type agents struct {
	http.RoundTripper
	seen map[string]string
}

func (a agents) RoundTrip(req *http.Request) (*http.Response, error) {
	a.seen[req.URL.Path] = req.Header.Get("User-Agent")
	return a.RoundTripper.RoundTrip(req)
}

// TestEachRequestSaysWhoAsks: the token's too, which a library sends.
func TestEachRequestSaysWhoAsks(t *testing.T) {
	seen := map[string]string{}
	b := newBench(t, standin.Options{}, func(o *Options) { o.UserAgent, o.Transport = "us/1.2.3", agents{o.Transport, seen} })
	if _, err := b.client.Page(t.Context(), tenantlog.Oldest); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"/oauth/token": "us/1.2.3", "/api/v2/logs": "us/1.2.3"}, seen); diff != "" {
		t.Errorf("user agents by path (-want +got):\n%s", diff)
	}
}

func TestSince(t *testing.T) {
	b := newBench(t, standin.Options{Seed: 1}, nil)
	b.tenant.Generate(300, b.now.Add(-time.Hour), b.now.Add(-time.Minute))
	since := b.now.Add(-30 * time.Minute)
	page, err := b.client.Since(t.Context(), since)
	if err != nil || len(page.Events) != PageSize {
		t.Fatalf("%d events, %v", len(page.Events), err)
	}
	for _, e := range page.Events {
		if e.Date.Before(since) {
			t.Errorf("event of %s is before %s", e.Date, since)
		}
	}
}

func TestTokenIsRenewedByTheWallClock(t *testing.T) {
	b := newBench(t, standin.Options{TokenLife: time.Hour}, nil)
	ask := func() {
		t.Helper()
		if _, err := b.client.Page(t.Context(), tenantlog.Oldest); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	b.now = b.now.Add(50 * time.Minute)
	ask()
	if n := b.faults.Calls("token"); n != 1 {
		t.Errorf("%d tokens in the life of one", n)
	}
	b.now = b.now.Add(5 * time.Minute) // less than a tenth of its life is left
	ask()
	if n := b.faults.Calls("token"); n != 2 {
		t.Errorf("%d tokens after the first one's end, want 2", n)
	}
	if n := b.faults.Calls("logs"); n != 3 {
		t.Errorf("%d pages asked for, want 3: no request should meet an ended token", n)
	}
}

func TestOneNewTokenAfter401(t *testing.T) {
	b := newBench(t, standin.Options{}, nil)
	if _, err := b.client.Page(t.Context(), tenantlog.Oldest); err != nil {
		t.Fatal(err)
	}
	b.tenant.RevokeTokens()
	if _, err := b.client.Page(t.Context(), tenantlog.Oldest); err != nil {
		t.Errorf("after the token was revoked: %v", err)
	}
	b.faults.Add(fault.Rule{Op: "logs", Do: fault.Reply(401, nil, `{"statusCode":401,"error":"Unauthorized","message":"Invalid token"}`)})
	before := b.faults.Calls("logs")
	_, err := b.client.Page(t.Context(), tenantlog.Oldest)
	if e := asError(t, err); e.Kind != export.KindAuth {
		t.Errorf("error %v", err)
	}
	if n := b.faults.Calls("logs") - before; n != 2 {
		t.Errorf("%d requests, want one and one more with a new token", n)
	}
}

func TestPrivateKeyJWT(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, standin.Options{PublicKey: &key.PublicKey}, func(o *Options) { o.PrivateKey, o.ClientSecret = key, "" })
	if _, err := b.client.Page(t.Context(), tenantlog.Oldest); err != nil {
		t.Error(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	b.opt.PrivateKey = other
	_, err = New(b.opt).Page(t.Context(), tenantlog.Oldest)
	if e := asError(t, err); e.Kind != export.KindAuth || !strings.Contains(e.Fix, "AUTH0_PRIVATE_KEY") {
		t.Errorf("with another key: %v", err)
	}
}

func TestCustomDomain(t *testing.T) {
	const canonical = "https://acme.eu.auth0.com/api/v2/"
	b := newBench(t, standin.Options{Audience: canonical}, func(o *Options) { o.Audience = canonical })
	if _, err := b.client.Page(t.Context(), tenantlog.Oldest); err != nil {
		t.Error(err)
	}
}

// TestRefusals: each refusal becomes one sentence of the right kind, with a
// fix and without the secret.
func TestRefusals(t *testing.T) {
	html := http.Header{"Content-Type": {"text/html"}}
	tests := map[string]struct {
		tenant func(*standin.Tenant)
		opt    func(*Options)
		fault  fault.Rule
		kind   export.Kind
		text   string // in the error, fix included
	}{
		"wrong secret":         {tenant: func(s *standin.Tenant) { s.SetSecret("other") }, kind: export.KindAuth, text: "AUTH0_CLIENT_SECRET"},
		"unknown client":       {opt: func(o *Options) { o.ClientID = "nobody" }, kind: export.KindAuth, text: "AUTH0_CLIENT_ID"},
		"no grant":             {tenant: func(s *standin.Tenant) { s.SetGrant(false) }, kind: export.KindPermission, text: "not authorized for the Auth0 Management API"},
		"missing scope":        {tenant: func(s *standin.Tenant) { s.SetScopes("read:users") }, kind: export.KindPermission, text: "read:logs"},
		"wrong audience":       {opt: func(o *Options) { o.Audience = "https://other/api/v2/" }, kind: export.KindPermission, text: "AUTH0_AUDIENCE"},
		"grant type not on":    {tenant: func(s *standin.Tenant) { s.SetClientCredentials(false) }, kind: export.KindPermission, text: "client_credentials"},
		"unknown domain":       {opt: func(o *Options) { o.Domain = "no-such-tenant.invalid" }, kind: export.KindSource, text: "AUTH0_DOMAIN"},
		"token: server error":  {fault: fault.Rule{Op: "token", Do: fault.Reply(503, nil, "")}, kind: export.KindSource, text: "503"},
		"token: HTML":          {fault: fault.Rule{Op: "token", Do: fault.Reply(200, html, "<html>hello</html>")}, kind: export.KindSource, text: "no token"},
		"token: redirect":      {fault: fault.Rule{Op: "token", Do: fault.Reply(302, http.Header{"Location": {"https://elsewhere.invalid/"}}, "")}, kind: export.KindSource, text: "redirects"},
		"token: quota":         {fault: fault.Rule{Op: "token", Do: fault.Reply(429, http.Header{"Retry-After": {"7200"}, "Content-Type": {"application/json"}}, `{"error":"too_many_requests","error_description":"Client quota exceeded"}`)}, kind: export.KindRateLimit, text: "2026-11-23T12:00:00Z"},
		"token: dropped":       {fault: fault.Rule{Op: "token", Do: fault.Drop()}, kind: export.KindSource, text: "did not answer"},
		"logs: dropped":        {fault: fault.Rule{Op: "logs", Do: fault.Drop()}, kind: export.KindSource, text: "did not answer"},
		"logs: cut":            {fault: fault.Rule{Op: "logs", Do: fault.Cut(100)}, kind: export.KindSource, text: "did not answer"},
		"logs: server error":   {fault: fault.Rule{Op: "logs", Do: fault.Reply(500, html, "<html>oops</html>")}, kind: export.KindSource, text: "500"},
		"logs: HTML":           {fault: fault.Rule{Op: "logs", Do: fault.Reply(200, html, "<html>a proxy</html>")}, kind: export.KindSource, text: "AUTH0_DOMAIN"},
		"logs: no array":       {fault: fault.Rule{Op: "logs", Do: fault.Reply(200, http.Header{"Content-Type": {"application/json"}}, `{"logs":[]}`)}, kind: export.KindSource, text: "array"},
		"logs: truncated JSON": {fault: fault.Rule{Op: "logs", Do: fault.Body(func(b []byte) []byte { return b[:len(b)-10] })}, kind: export.KindSource, text: "not valid JSON"},
		"logs: no log_id":      {fault: fault.Rule{Op: "logs", Do: fault.Reply(200, http.Header{"Content-Type": {"application/json"}}, `[{"type":"s"}]`)}, kind: export.KindSource, text: "log_id"},
		"logs: redirect":       {fault: fault.Rule{Op: "logs", Do: fault.Reply(302, http.Header{"Location": {"https://elsewhere.invalid/"}}, "")}, kind: export.KindSource, text: "redirects"},
		"logs: not found":      {fault: fault.Rule{Op: "logs", Do: fault.Reply(404, nil, "")}, kind: export.KindSource, text: "AUTH0_DOMAIN"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, standin.Options{Seed: 3}, tt.opt)
			b.tenant.Generate(20, b.now.Add(-time.Hour), b.now.Add(-time.Minute))
			if tt.tenant != nil {
				tt.tenant(b.tenant)
			}
			if tt.fault.Do != nil {
				b.faults.Add(tt.fault)
			}
			_, err := b.client.Page(t.Context(), tenantlog.Oldest)
			e := asError(t, err)
			if e.Kind != tt.kind || !strings.Contains(e.Error(), tt.text) {
				t.Errorf("error of kind %s: %v\nwant kind %s and %q", e.Kind, err, tt.kind, tt.text)
			}
			if all := fmt.Sprintf("%v %+v", err, e); strings.Contains(all, secret) || strings.Contains(e.Text, "?from=") {
				t.Errorf("the error shows too much: %s", all)
			}
		})
	}
}

func asError(t *testing.T, err error) *export.Error {
	t.Helper()
	e, ok := errors.AsType[*export.Error](err)
	if !ok {
		t.Fatalf("error %v, want an *export.Error", err)
	}
	return e
}

func TestRefusedID(t *testing.T) {
	b := newBench(t, standin.Options{MadeIDs: standin.RefuseMade}, nil)
	b.tenant.Generate(5, b.now.Add(-time.Hour), b.now.Add(-time.Minute))
	if _, err := b.client.Page(t.Context(), tenantlog.At(b.now)); !errors.Is(err, export.ErrIDRefused) {
		t.Errorf("error %v, want %v", err, export.ErrIDRefused)
	}
}

func TestNextNeverLeavesOurHost(t *testing.T) {
	page := tenantlog.Page{Events: []tenantlog.Event{{ID: "1"}, {ID: "2"}}}
	tests := map[string]struct {
		link []string
		want tenantlog.ID
	}{
		"the link":           {[]string{`<https://acme.auth0.com/api/v2/logs?from=3&take=1>; rel="next"`}, "3"},
		"another host":       {[]string{`<https://evil.invalid/api/v2/logs?from=4&take=1>; rel="next"`}, "4"},
		"one of several":     {[]string{`<https://a/b?from=8>; rel="prev", <https://a/b?from=9>; rel=next`}, "9"},
		"no link":            {nil, "2"},
		"another relation":   {[]string{`<https://a/b?from=8>; rel="prev"`}, "2"},
		"an opaque from":     {[]string{`<https://a/b?from=abc>; rel="next"`}, "2"},
		"not even an URL":    {[]string{`<%zz>; rel="next"`}, "2"},
		"nothing of a link":  {[]string{`garbage`}, "2"},
		"no from in it":      {[]string{`<https://a/b?take=1>; rel="next"`}, "2"},
		"in a second header": {[]string{`<https://a>; rel="self"`, `<https://a/b?from=7>; rel="next"`}, "7"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := logsAnswer{header: http.Header{"Link": tt.link}}
			if got := a.next(page, "0"); got != tt.want {
				t.Errorf("next %s, want %s", got, tt.want)
			}
		})
	}
	if got := (&logsAnswer{}).next(tenantlog.Page{}, "0"); got != "0" {
		t.Errorf("next of an empty page %s, want what was asked", got)
	}
}

// scripted answers requests by a function, under a synthetic clock.
type scripted func(*http.Request) *http.Response

func (s scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return s(r), nil
}

func TestWaitsForTheRateLimit(t *testing.T) {
	tests := map[string]struct {
		header http.Header
		first  time.Duration // the wait after the first refusal
	}{
		"Retry-After in seconds": {http.Header{"Retry-After": {"7"}}, 7 * time.Second},
		"Retry-After as a date":  {http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:00:09 GMT"}}, 9 * time.Second},
		"the reset":              {http.Header{"X-Ratelimit-Limit": {"10"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"946684803"}}, 3 * time.Second},
		"nothing said":           {nil, time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // begins at midnight of 2000-01-01
				var times []time.Time
				transport := scripted(func(r *http.Request) *http.Response {
					if r.URL.Path == "/oauth/token" {
						return reply(200, nil, `{"access_token":"t","expires_in":86400}`)
					}
					times = append(times, time.Now())
					if len(times) == 1 {
						return reply(429, tt.header, `{"statusCode":429}`)
					}
					return reply(200, nil, `[]`)
				})
				c := New(Options{Domain: "acme.auth0.com", RateShare: 100, Transport: transport, Now: time.Now})
				if _, err := c.Page(t.Context(), "1"); err != nil {
					t.Fatal(err)
				}
				if got := times[1].Sub(times[0]); got != tt.first {
					t.Errorf("waited %s, want %s", got, tt.first)
				}
				if c.Waited() != tt.first {
					t.Errorf("told %s, want %s", c.Waited(), tt.first)
				}
			})
		})
	}
}

func TestNoWaitBeyondTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := scripted(func(r *http.Request) *http.Response {
			if r.URL.Path == "/oauth/token" {
				return reply(200, nil, `{"access_token":"t"}`)
			}
			return reply(429, http.Header{"Retry-After": {"100"}}, `{}`)
		})
		c := New(Options{Domain: "acme.auth0.com", RateShare: 100, Transport: transport, Now: time.Now})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		started := time.Now()
		_, err := c.Page(ctx, "1")
		if e := asError(t, err); e.Kind != export.KindRateLimit || !errors.Is(err, export.ErrNoTime) {
			t.Errorf("error %v", err)
		}
		if time.Since(started) != 0 {
			t.Errorf("it waited %s for nothing", time.Since(started))
		}
	})
}

func reply(status int, h http.Header, body string) *http.Response {
	if h == nil {
		h = make(http.Header)
	}
	h.Set("Content-Type", "application/json")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	return &http.Response{StatusCode: status, Header: h, Body: body1(body)}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func body1(s string) readCloser { return readCloser{strings.NewReader(s)} }

// TestErrorsHideTheAddress: an error of Go's HTTP client holds the whole
// address; ours must not.
func TestErrorsHideTheAddress(t *testing.T) {
	err := unreachable(t.Context(), "acme.auth0.com", &url.Error{Op: "Get", URL: "https://acme.auth0.com/?token=" + secret, Err: errors.New("reset")})
	if strings.Contains(err.Error(), secret) {
		t.Error(err)
	}
}

// TestLargePages: a page that is too large to be read at once is asked for in
// smaller parts, and a single document that is too large is an error.
func TestLargePages(t *testing.T) {
	b := newBench(t, standin.Options{}, nil)
	b.client.maxBody >>= 6
	for i := range 30 {
		id := standin.MakeID(b.now.Add(-time.Hour), uint64(i))
		doc := fmt.Sprintf(`{"log_id":%q,"type":"sapi","date":"2026-11-23T09:00:00.000Z","details":%q}`, id, strings.Repeat("x", 16<<10))
		if err := b.tenant.Add(doc); err != nil {
			t.Fatal(err)
		}
	}
	page, err := b.client.Page(t.Context(), tenantlog.Oldest)
	if err != nil || len(page.Events) != PageSize/10 {
		t.Errorf("%d events, %v; want the first %d", len(page.Events), err, PageSize/10)
	}
	b.faults.Add(fault.Rule{Op: "logs", Do: func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		for range 200 {
			if _, err := w.Write(make([]byte, 16<<10)); err != nil {
				return
			}
		}
	}})
	_, err = b.client.Page(t.Context(), tenantlog.Oldest)
	if e := asError(t, err); e.Kind != export.KindSource || !strings.Contains(e.Text, "too large: over 393.2 KB") {
		t.Errorf("error %v", err)
	}
}

// TestFailuresThatPass: a failure of Auth0 that is gone a moment later is no
// failure of the run.
func TestFailuresThatPass(t *testing.T) {
	for name, rule := range map[string]fault.Rule{
		"logs: bad gateway":   {Op: "logs", Times: maxFailures, Do: fault.Reply(502, nil, "")},
		"logs: dropped":       {Op: "logs", Times: maxFailures, Do: fault.Drop()},
		"logs: cut":           {Op: "logs", Times: maxFailures, Do: fault.Cut(10)},
		"token: server error": {Op: "token", Times: maxFailures, Do: fault.Reply(500, nil, "")},
		"token: dropped":      {Op: "token", Times: maxFailures, Do: fault.Drop()},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, standin.Options{Seed: 3}, nil)
			b.tenant.Generate(20, b.now.Add(-time.Hour), b.now.Add(-time.Minute))
			b.faults.Add(rule)
			if page, err := b.client.Page(t.Context(), tenantlog.Oldest); err != nil || len(page.Events) != 20 {
				t.Errorf("%d events, %v", len(page.Events), err)
			}
		})
	}
}
