package auth0

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/tlsserver"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const (
	clientID = "Jt5xWq8nRb2LkVz7YcMd4HgPs9FaUe3T"
	secret   = "s3cret & more"
)

// start is where the tests' clock begins.
var start = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// stage is a tenant that serves over TLS, with a client that trusts it.
type stage struct {
	*Tenant
	t      *testing.T
	clock  *clock
	client *http.Client
	url    string
	token  string
}

// newStage fills in clock and credentials, and fetches a token.
func newStage(t *testing.T, opt Options) *stage {
	t.Helper()
	ca, err := tlsserver.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{now: start}
	opt.Now, opt.ClientID, opt.ClientSecret = c.Now, clientID, secret
	tenant, server, err := Start(ca, opt)
	if err != nil {
		t.Fatal(err)
	}
	client := ca.Client()
	t.Cleanup(func() {
		client.CloseIdleConnections()
		server.Close()
	})
	s := &stage{Tenant: tenant, t: t, clock: c, client: client, url: server.URL}
	s.token = s.fetchToken()
	return s
}

// answer is a response, read.
type answer struct {
	*http.Response
	body string
}

func (s *stage) do(req *http.Request) answer {
	s.t.Helper()
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp, string(body)}
}

func (s *stage) request(method, target, body string) *http.Request {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	return req
}

// get asks for log events with the stage's token.
func (s *stage) get(query string) answer {
	s.t.Helper()
	req := s.request(http.MethodGet, "/api/v2/logs?"+query, "")
	req.Header.Set("Authorization", "Bearer "+s.token)
	return s.do(req)
}

func (s *stage) audience() string { return s.url + "/api/v2/" }

func (s *stage) form(changes map[string]string) url.Values {
	form := url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {clientID},
		"client_secret": {secret},
		"audience":      {s.audience()},
	}
	for name, value := range changes {
		form.Set(name, value)
	}
	return form
}

func (s *stage) post(form url.Values) answer {
	s.t.Helper()
	req := s.request(http.MethodPost, "/oauth/token", form.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(req)
}

func (s *stage) fetchToken() string {
	s.t.Helper()
	got := s.post(s.form(nil))
	if got.StatusCode != http.StatusOK {
		s.t.Fatalf("token: %s: %s", got.Status, got.body)
	}
	return decode[tokenReply](s.t, got.body).AccessToken
}

func decode[T any](t *testing.T, body string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

// at is the id of the n-th hand-made event: one a second from start on.
func at(n int) tenantlog.ID { return MakeID(start.Add(time.Duration(n)*time.Second), uint64(n)) }

// document is a hand-made event with the n-th id.
func document(n int) string {
	return `{"log_id":"` + string(at(n)) + `","type":"s","date":"` +
		start.Add(time.Duration(n)*time.Second).Format(time.RFC3339) + `"}`
}

// numbers names the events of a page by the n they were made with.
func numbers(t *testing.T, body string) []int {
	t.Helper()
	numbers := []int{}
	for _, e := range decode[[]struct {
		ID tenantlog.ID `json:"log_id"`
	}](t, body) {
		indexed, _ := e.ID.Time()
		numbers = append(numbers, int(indexed.Sub(start)/time.Second))
	}
	return numbers
}
