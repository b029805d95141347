// Package auth0 reads a tenant's log from Auth0's Management API: it gets a
// token, asks for one page after an id, keeps to the tenant's rate limit and
// puts Auth0's refusals into words.
package auth0

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/words"
)

const (
	// PageSize is how many log events a request asks for: the most that
	// Auth0 gives (Management API reference, GET /api/v2/logs, "take").
	PageSize = 100
	// callTimeout bounds one request, body included.
	callTimeout = 30 * time.Second
	// maxBody bounds what is read of an answer, in bytes. A page holds 100 documents,
	// seldom over 5 KB each.
	maxBody = 24 << 20
	// maxRefusals is how many refusals 429 in a row are waited for.
	maxRefusals = 8
	// maxFailures is how many failures of Auth0 in a row a request is sent
	// again after, firstPause the pause after the first; it doubles.
	maxFailures = 3
	firstPause  = 250 * time.Millisecond
)

// Options say which tenant to read and how.
type Options struct {
	// Domain is the tenant's host or host:port; its own or a custom one. It
	// serves both the token and the log: Auth0 ties a token to the host that
	// issued it.
	Domain string
	// Audience is the Management API's identifier, always on the tenant's own
	// domain.
	Audience string
	ClientID string
	// ClientSecret or PrivateKey proves who asks; the key is used if there is
	// one.
	ClientSecret string
	PrivateKey   *rsa.PrivateKey
	// RateShare is the percentage of the tenant's rate limit to use, 1 to 100.
	RateShare int
	// UserAgent says who asks. Auth0 shows it as user_agent in the events that
	// the requests leave in the tenant's log.
	UserAgent string
	// Transport carries the requests; nil for one of the client's own.
	Transport http.RoundTripper
	// Now is the clock.
	Now func() time.Time
}

// Client reads one tenant's log. It keeps its token and connections between
// runs, and may be used by several goroutines.
type Client struct {
	opt      Options
	http     *http.Client
	tokens   *tokens
	governor *governor

	failurePause time.Duration // the first one
	maxBody      int
	lastSize     atomic.Int64 // of the last answer's body

	mu      sync.Mutex // guards the waits for the rate limit
	waiting int        // requests that wait now
	since   time.Time  // that one or more of them do
	waited  time.Duration
}

// New returns a client. It asks Auth0 for nothing yet.
func New(opt Options) *Client {
	if opt.Transport == nil {
		opt.Transport = newTransport()
	}
	client := &http.Client{
		Transport: named{opt.Transport, opt.UserAgent},
		// A redirect would carry the secret or the token to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Client{
		opt:      opt,
		http:     client,
		tokens:   &tokens{opt: opt, http: client},
		governor: newGovernor(opt.RateShare),

		failurePause: firstPause,
		maxBody:      maxBody,
	}
}

// named sends each request under a name, those of the token's library too.
type named struct {
	http.RoundTripper
	userAgent string
}

func (n named) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context()) // a RoundTripper must not change its request
	req.Header.Set("User-Agent", n.userAgent)
	return n.RoundTripper.RoundTrip(req)
}

// CloseIdleConnections is what http.Client looks for.
func (n named) CloseIdleConnections() {
	if t, ok := n.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: callTimeout,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   16,
		// To inflate a page takes more of the CPU, of which a small function has
		// little, than to decrypt all of it (make bench).
		DisableCompression: true,
	}
}

// Waited is how long, since the client was made, one request or more stood
// still for the rate limit.
func (c *Client) Waited() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting > 0 {
		return c.waited + time.Since(c.since)
	}
	return c.waited
}

// countWait counts a request that begins to wait or, by -1, one that ends.
func (c *Client) countWait(change int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == 0 {
		c.since = time.Now()
	}
	c.waiting += change
	if c.waiting == 0 {
		c.waited += time.Since(c.since)
	}
}

// Concurrency is how many requests at a time are worth having under way: more
// would only wait for the rate limit.
func (c *Client) Concurrency() int { return c.governor.concurrency(c.opt.Now()) }

// Page returns up to PageSize events after the id, oldest first, waiting for
// the rate limit as long as ctx allows. Errors are *export.Error; one that
// wraps export.ErrIDRefused says that Auth0 does not take the id.
func (c *Client) Page(ctx context.Context, after tenantlog.ID) (tenantlog.Page, error) {
	answer, err := c.getPage(ctx, after, PageSize)
	// A page of very large documents must not stop the export for good.
	for take := PageSize / 10; errors.Is(err, errTooLarge) && take > 0; take /= 10 {
		answer, err = c.getPage(ctx, after, take)
	}
	if err != nil {
		return tenantlog.Page{}, err
	}
	page, err := answer.page()
	if err != nil {
		return tenantlog.Page{}, err
	}
	page.Next = answer.next(page, after)
	return page, nil
}

func (c *Client) getPage(ctx context.Context, after tenantlog.ID, take int) (*logsAnswer, error) {
	return c.get(ctx, url.Values{"from": {string(after)}, "take": {strconv.Itoa(take)}})
}

// Since returns the oldest events that happened at or after t, by date: the
// search mode of the same endpoint, for a tenant that refuses an id to start
// from. It is a place to begin; Page goes on from there.
func (c *Client) Since(ctx context.Context, t time.Time) (tenantlog.Page, error) {
	answer, err := c.get(ctx, url.Values{
		"q":        {"date:[" + t.UTC().Format(time.RFC3339) + " TO *]"},
		"sort":     {"date:1"},
		"page":     {"0"},
		"per_page": {strconv.Itoa(PageSize)},
	})
	if err != nil {
		return tenantlog.Page{}, err
	}
	return answer.page()
}

// get asks for log events until there is an answer or a reason to give up.
func (c *Client) get(ctx context.Context, query url.Values) (*logsAnswer, error) {
	for t := (tries{}); ; {
		answer, err := c.try(ctx, query)
		if err == nil && answer.status == http.StatusOK {
			return answer, nil
		}
		if err == nil {
			err = answer.refusal(c.opt.Domain)
		}
		again, err := c.again(ctx, &t, answer, err)
		if !again {
			return nil, err
		}
	}
}

// try sends one request, as soon as the rate limit allows.
func (c *Client) try(ctx context.Context, query url.Values) (*logsAnswer, error) {
	token, err := c.tokens.get(ctx)
	if err != nil {
		return nil, err
	}
	drawn, err := c.draw(ctx)
	if err != nil {
		return nil, err
	}
	asked := time.Now()
	defer func() { c.governor.ended(time.Since(asked)) }()
	answer, err := c.ask(ctx, query, token)
	if err != nil {
		return nil, err
	}
	c.governor.observe(drawn, c.opt.Now(), answer.serverTime(), answer.header, answer.status != http.StatusTooManyRequests)
	return answer, nil
}

// tries counts what a request has been through.
type tries struct {
	renewed            bool
	refusals, failures int
}

// again decides whether a request that failed is sent again: with a new token
// after the first 401, after each refusal for the rate, which holds back the
// others too, and after a pause a few times where Auth0 did not answer or
// failed itself.
func (c *Client) again(ctx context.Context, t *tries, answer *logsAnswer, err error) (bool, error) {
	switch {
	case answer != nil && answer.status == http.StatusUnauthorized && !t.renewed:
		c.tokens.drop(answer.token)
		t.renewed = true
	case answer != nil && answer.status == http.StatusTooManyRequests && t.refusals < maxRefusals:
		c.governor.refused(c.opt.Now(), answer.serverTime(), answer.header, t.refusals)
		t.refusals++
	case errors.Is(err, errPasses) && t.failures < maxFailures:
		if !sleep(ctx, c.failurePause<<t.failures) {
			return false, err
		}
		t.failures++
	default:
		if answer != nil && answer.status == http.StatusForbidden {
			c.tokens.drop(answer.token) // a scope that is granted now is in the next one
		}
		return false, err
	}
	return true, nil
}

// draw waits until the rate limit has a token for a request.
func (c *Client) draw(ctx context.Context) (draw, error) {
	for {
		drawn, wait := c.governor.take(c.opt.Now())
		if wait <= 0 {
			return drawn, nil
		}
		if err := c.pause(ctx, wait); err != nil {
			return draw{}, err
		}
	}
}

// pause waits for d; at once with an error of the kind RateLimit where ctx
// ends sooner.
func (c *Client) pause(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return &export.Error{
			Kind: export.KindRateLimit,
			Text: fmt.Sprintf("Auth0's rate limit asks to wait %s, longer than this run has left.", d.Round(time.Second)),
			Err:  export.ErrNoTime,
		}
	}
	c.countWait(1)
	defer c.countWait(-1)
	if !sleep(ctx, d) {
		return ctx.Err()
	}
	return nil
}

// sleep waits for d and reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ask sends one request and reads its answer.
func (c *Client) ask(ctx context.Context, query url.Values, token string) (*logsAnswer, error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	address := url.URL{Scheme: "https", Host: c.opt.Domain, Path: "/api/v2/logs", RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(call, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, unreachable(ctx, c.opt.Domain, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := c.readBody(resp.Body)
	if err != nil {
		return nil, unreachable(ctx, c.opt.Domain, err)
	}
	return &logsAnswer{status: resp.StatusCode, header: resp.Header, body: body, token: token}, nil
}

var errTooLarge = errors.New("the answer is too large")

// readBody reads a body of at most c.maxBody bytes; a larger one is errTooLarge. Pages are much alike in
// size: with room for the last one and an eighth a body is seldom moved while it
// grows.
func (c *Client) readBody(r io.Reader) ([]byte, error) {
	var body bytes.Buffer
	body.Grow(int(c.lastSize.Load())*9/8 + bytes.MinRead)
	_, err := body.ReadFrom(io.LimitReader(r, int64(c.maxBody)+1))
	if body.Len() > c.maxBody {
		return nil, fmt.Errorf("%w: over %s", errTooLarge, words.Volume(int64(c.maxBody)))
	}
	c.lastSize.Store(int64(body.Len()))
	return body.Bytes(), err
}
