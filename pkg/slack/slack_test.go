package slack

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/export"
)

const (
	secret  = "T0AAAA/B0BBBB/s3cretS3cretS3cret"
	webhook = "https://example.com/services/" + secret
)

// webhookServer is a webhook over TLS in the test's bubble: requests reach it
// over pipes, and time passes only while nothing else happens.
type webhookServer struct {
	*http.Client
	calls atomic.Int32
}

func serve(t *testing.T, h http.HandlerFunc) *webhookServer {
	t.Helper()
	w := &webhookServer{}
	pipes := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.calls.Add(1)
		h(rw, r)
	}))
	_ = s.Listener.Close()
	s.Listener = pipes
	s.StartTLS()
	t.Cleanup(s.Close)
	w.Client = s.Client()
	w.Transport.(*http.Transport).DialContext = pipes.dial
	return w
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipeListener) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// post posts an ordinary notice through the client and returns how long it took.
func post(ctx context.Context, c *http.Client, to string) (time.Duration, error) {
	start := time.Now()
	err := New(Options{WebhookURL: to, Client: c, Function: here}).Post(ctx, exported(export.NoticeSuccess))
	return time.Since(start), err
}

func TestPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got map[string]any
		w := serve(t, func(rw http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.URL.Path != "/services/"+secret || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("got %s %s of %s", r.Method, r.URL, r.Header.Get("Content-Type"))
			}
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(rw, "ok\n")
		})
		took, err := post(t.Context(), w.Client, webhook)
		if err != nil || took != 0 || w.calls.Load() != 1 {
			t.Fatalf("error %v, took %v, %d calls; want one call and no wait", err, took, w.calls.Load())
		}
		body, err := json.Marshal(Message(exported(export.NoticeSuccess), here))
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("message (-want +got):\n%s", diff)
		}
	})
}

func TestPostNothing(t *testing.T) {
	r := exported(export.NoticeSuccess)
	r.Notice = nil
	n := New(Options{WebhookURL: "https://192.0.2.1/"})
	n.client.Transport = brokenTransport{errors.New("a request was made")}
	if err := n.Post(t.Context(), r); err != nil {
		t.Error(err)
	}
}

// reply answers always the same.
func reply(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// endless answers more than is read, and never ends.
func endless(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, strings.Repeat("x", 10*maxBody))
	_ = http.NewResponseController(w).Flush()
	hang(w, r)
}

func TestPostRefused(t *testing.T) {
	const renew, channel, check = "Create an incoming webhook in Slack", "for another channel", "Check that SLACK_INCOMING_WEBHOOK_URL"
	tests := []struct {
		name   string
		answer http.HandlerFunc
		// text and fix are parts of the error; an empty fix is that there is none.
		text, fix string
		calls     int32
		took      time.Duration
	}{
		{"not ok", reply(200, "<html>Sign in</html>"), "did not take the message (200).", check, 1, 0},
		{"nothing", reply(200, ""), "did not take the message (200).", check, 1, 0},
		{"invalid payload", reply(400, "invalid_payload"), "the message's form (invalid_payload).", "Report this", 1, 0},
		{"too long", reply(400, "msg_blocks_too_long"), "the message's form (msg_blocks_too_long).", "Report this", 1, 0},
		{"user not found", reply(400, "user_not_found"), "does not exist (user_not_found).", channel, 1, 0},
		{"prohibited", reply(403, "action_prohibited"), "does not let the webhook post to its channel (action_prohibited).", "Ask an administrator", 1, 0},
		{"general", reply(403, "posting_to_general_channel_denied"), "(posting_to_general_channel_denied).", "Ask an administrator", 1, 0},
		{"invalid token", reply(403, "invalid_token"), "unknown, disabled or removed (invalid_token).", renew, 1, 0},
		{"no service", reply(404, "no_service"), "unknown, disabled or removed (no_service).", renew, 1, 0},
		{"no active hooks", reply(404, "no_active_hooks"), "unknown, disabled or removed (no_active_hooks).", renew, 1, 0},
		{"no team", reply(404, "no_team"), "workspace is unknown or disabled (no_team).", renew, 1, 0},
		{"no channel", reply(404, "channel_not_found"), "channel does not exist (channel_not_found).", channel, 1, 0},
		{"archived", reply(410, "channel_is_archived"), "channel is archived (channel_is_archived).", channel, 1, 0},
		{"a new word", reply(400, "brand_new"), "did not take the message (400 brand_new).", check, 1, 0},
		{"a page that repeats the path", reply(404, "no /services/"+secret), "did not take the message (404).", check, 1, 0},
		{"a page without end", endless, "did not take the message (404).", check, 1, 0},
		{"redirect", reply(302, "", "Location", "https://example.com/elsewhere"), "leads elsewhere (302)", check, 1, 0},
		{"rate limit", reply(429, "rate_limited", "Retry-After", "2"), "rate limit is reached (429).", "", 3, 4 * time.Second},
		{"rate limit for long", reply(429, "", "Retry-After", "3600"), "rate limit is reached (429).", "", 3, 6 * time.Second},
		{"rate limit without a time", reply(429, "", "Retry-After", "soon"), "rate limit is reached (429).", "", 3, 2 * time.Second},
		{"rate limit below zero", reply(429, "", "Retry-After", "-1"), "rate limit is reached (429).", "", 3, 2 * time.Second},
		{"server error", reply(500, "rollup_error"), "out of order (500 rollup_error).", "", 3, 2 * time.Second},
		{"bad gateway", reply(502, "<html>"), "out of order (502).", "", 3, 2 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := serve(t, test.answer)
				took, err := post(t.Context(), w.Client, webhook)
				checkError(t, err, test.text, test.fix)
				if n := w.calls.Load(); n != test.calls || took != test.took {
					t.Errorf("%d calls in %v, want %d in %v", n, took, test.calls, test.took)
				}
			})
		})
	}
}

// checkError wants an *Error with the parts, and the secret nowhere in it.
func checkError(t *testing.T, err error, text, fix string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got error %v, want an *Error", err)
	}
	if !strings.Contains(e.Text, text) || !strings.Contains(e.Fix, fix) || (fix == "") != (e.Fix == "") {
		t.Errorf("got %q, fix %q; want %q, fix %q", e.Text, e.Fix, text, fix)
	}
	for err := error(e); err != nil; err = errors.Unwrap(err) {
		for part := range strings.SplitSeq(secret, "/") {
			if strings.Contains(err.Error(), part) {
				t.Errorf("error tells the secret: %v", err)
			}
		}
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		t.Errorf("error holds the URL: %v", u)
	}
}

func TestPostTriesAgain(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var bodies []string
				w := serve(t, func(rw http.ResponseWriter, r *http.Request) {
					b, _ := io.ReadAll(r.Body)
					bodies = append(bodies, string(b))
					if len(bodies) < maxTries {
						rw.WriteHeader(status)
						return
					}
					_, _ = io.WriteString(rw, "ok")
				})
				if _, err := post(t.Context(), w.Client, webhook); err != nil {
					t.Fatal(err)
				}
				if len(bodies) != maxTries || bodies[0] == "" || bodies[0] != bodies[maxTries-1] {
					t.Errorf("got messages %q, want the same each time", bodies)
				}
			})
		})
	}
}

func TestPostDoesNotFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, reply(307, "", "Location", "https://example.com/elsewhere"))
		// The caller's client would follow.
		w.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
		_, err := post(t.Context(), w.Client, webhook)
		checkError(t, err, "leads elsewhere (307)", fixURL)
		if n := w.calls.Load(); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	})
}

// hang never answers.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// hangMidway stops in the middle of an answer, and leaves it so at the end.
func hangMidway(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "o")
	_ = http.NewResponseController(w).Flush()
	hang(w, r)
	panic(http.ErrAbortHandler)
}

func TestPostUnanswered(t *testing.T) {
	tests := []struct {
		name   string
		answer http.HandlerFunc
		// deadline is the caller's, 0 for none.
		deadline time.Duration
		text     string
		fix      string
		calls    int32
		took     time.Duration
		// is is what the error wraps, nil for nothing.
		is error
	}{
		{"hanging", hang, 0, "did not answer in time", fixNetwork, 1, 10 * time.Second, context.DeadlineExceeded},
		{"hanging midway", hangMidway, 0, "did not answer in time", fixNetwork, 1, 10 * time.Second, context.DeadlineExceeded},
		{"hanging, less time left", hang, 3 * time.Second, "did not answer in time", fixNetwork, 1, 3 * time.Second, context.DeadlineExceeded},
		{
			"connection lost", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			0, "could not be reached: EOF", fixNetwork, 1, 0, io.EOF,
		},
		{"no time for another try", reply(503, ""), 500 * time.Millisecond, "out of order (503)", "", 1, 500 * time.Millisecond, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				w := serve(t, test.answer)
				took, err := post(ctx, w.Client, webhook)
				checkError(t, err, test.text, test.fix)
				if test.is != nil && !errors.Is(err, test.is) {
					t.Errorf("error %v does not wrap %v", err, test.is)
				}
				if n := w.calls.Load(); n != test.calls || took != test.took {
					t.Errorf("%d calls in %v, want %d in %v", n, took, test.calls, test.took)
				}
			})
		})
	}
}

type brokenTransport struct{ err error }

func (b brokenTransport) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.err }

func TestPostUnreachable(t *testing.T) {
	lost := errors.New("no route to host")
	_, err := post(t.Context(), &http.Client{Transport: brokenTransport{lost}}, webhook)
	checkError(t, err, "Slack could not be reached: no route to host.", fixNetwork)
	if !errors.Is(err, lost) {
		t.Errorf("error %v does not wrap its cause", err)
	}
}

func TestPostBadURL(t *testing.T) {
	tests := []struct{ name, url string }{
		{"control character", webhook + "\n"},
		{"bad escape", "https://example.com/%zz/" + secret},
		{"bad port", "https://example.com:" + secret},
		{"no scheme", "example.com/services/" + secret},
		{"not encrypted", "http://example.com/services/" + secret},
		{"no host", "https:///services/" + secret},
		{"empty", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := post(t.Context(), nil, test.url)
			checkError(t, err, "no https:// URL", fixURL)
		})
	}
}
