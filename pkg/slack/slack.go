// Package slack tells a run's notice in Slack: it renders a report as one
// Block Kit message and posts it to an incoming webhook.
package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
)

const (
	// timeout bounds a Post with all its tries and pauses, so that Slack never
	// takes the time that a run keeps for its state.
	timeout  = 10 * time.Second
	maxTries = 3
	// usualPause is the wait before the next try where Slack names none, and
	// maxPause the longest one, whatever it names.
	usualPause = time.Second
	maxPause   = 3 * time.Second
	// maxBody is how much of an answer is read. Slack's own are one word.
	maxBody = 1 << 10
)

// Options is what a Notifier is made of.
type Options struct {
	// WebhookURL is the incoming webhook's URL. Its path is a secret.
	WebhookURL string
	// Client sends the requests, nil for one with Go's default transport. It
	// is copied; redirects are refused whatever it says about them.
	Client *http.Client
	// Function is linked in each message, and its parameter is named.
	Function Function
}

// Function says where this function's own log is, and where the tenant's
// position. Without a LogGroup no link is made.
type Function struct {
	Region, LogGroup, LogStream string
	// Checkpoint is the full name of the tenant's parameter CHECKPOINT. Without
	// it no command is made that writes it.
	Checkpoint string
}

// Notifier posts to one webhook. It may be used by several goroutines.
type Notifier struct {
	url      string
	client   http.Client
	function Function
}

// New returns a Notifier. A bad webhook URL shows when posting.
func New(o Options) *Notifier {
	n := &Notifier{url: o.WebhookURL, function: o.Function}
	if o.Client != nil {
		n.client = *o.Client
	}
	// Whoever a redirect leads to would learn the message, and by the Referer
	// header the secret path.
	n.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return n
}

// Post sends the report's notice; a report without one sends nothing. It
// returns within 10 seconds. Only an answer that says that the message was not
// taken for now (429, 5xx) is tried again, three times in all: after a lost
// answer the message may already stand in the channel. The error is an *Error,
// and nothing in it holds the webhook's URL.
func (n *Notifier) Post(ctx context.Context, r export.Report) error {
	if r.Notice == nil {
		return nil
	}
	body, err := json.Marshal(Message(r, n.function))
	if err != nil {
		return &Error{Text: "The Slack message cannot be encoded.", Fix: fixReport, Err: err}
	}
	return n.deliver(ctx, body)
}

// deliver posts a message within the time that Post has.
func (n *Notifier) deliver(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for try := 1; ; try++ {
		a, err := n.send(ctx, body)
		switch {
		case err != nil:
			return err
		case a.taken():
			return nil
		case !a.temporary() || try == maxTries || !pause(ctx, a.pause):
			return a.explain()
		}
	}
}

// send makes one request. Its error says that there was no answer.
func (n *Notifier) send(ctx context.Context, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil || req.URL.Scheme != "https" || req.URL.Host == "" {
		// A cause is left out, for it quotes the URL.
		return answer{}, &Error{Text: "The Slack webhook's URL is no https:// URL.", Fix: fixURL}
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := n.client.Do(req)
	if err != nil {
		return answer{}, unanswered(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return answer{}, unanswered(err)
	}
	return answer{
		status: resp.StatusCode,
		body:   strings.TrimSpace(string(text)),
		pause:  pauseAsked(resp.Header.Get("Retry-After")),
	}, nil
}

// pauseAsked reads a Retry-After header, which Slack gives in seconds.
func pauseAsked(header string) time.Duration {
	s, err := strconv.Atoi(header)
	if err != nil || s < 0 {
		return usualPause
	}
	return time.Duration(min(s, int(maxPause/time.Second))) * time.Second
}

// pause waits for d and reports whether there is still time for a try.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
