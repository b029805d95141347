package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Error is why a message was not posted, in words for an operator. Nothing in
// it holds the webhook's URL.
type Error struct {
	// Text is one sentence that says what happened.
	Text string
	// Fix is one sentence that says what to do; empty where there is nothing
	// to do but wait.
	Fix string
	// Err is the cause where there was no answer, else nil.
	Err error
}

func (e *Error) Error() string {
	s := "post to Slack: " + e.Text
	if e.Fix != "" {
		s += " Fix: " + e.Fix
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

const (
	fixRenew   = "Create an incoming webhook in Slack and put its URL into SLACK_INCOMING_WEBHOOK_URL."
	fixChannel = "Create an incoming webhook for another channel and put its URL into SLACK_INCOMING_WEBHOOK_URL."
	fixAdmin   = "Ask an administrator of the Slack workspace to let the webhook's app post there, or use a webhook for another channel."
	fixReport  = "Report this as a fault of auth0-logs-to-cloudwatch, with the run's report."
	fixNetwork = "Check that the function can reach hooks.slack.com."
	fixURL     = "Check that SLACK_INCOMING_WEBHOOK_URL is the URL of a Slack incoming webhook."
)

// unanswered explains a request without an answer.
func unanswered(err error) *Error {
	// What the client returns quotes the URL; what it wraps does not.
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Text: "Slack did not answer in time.", Fix: fixNetwork, Err: err}
	}
	if strings.Contains(err.Error(), "Location header") {
		// The client quotes the header, which may repeat the request.
		return &Error{Text: "The webhook redirects to an address that cannot be read.", Fix: fixNetwork}
	}
	return &Error{Text: fmt.Sprintf("Slack could not be reached: %v.", err), Fix: fixNetwork, Err: err}
}

// answer is what a webhook said to a message.
type answer struct {
	status int
	body   string
	// pause is how long to wait before another try.
	pause time.Duration
}

// taken reports whether the message was accepted. A status of 200 is not
// enough: proxies and sign-in pages answer so too.
func (a answer) taken() bool { return a.status == http.StatusOK && a.body == "ok" }

// temporary reports whether the same message may be accepted later.
func (a answer) temporary() bool {
	return a.status == http.StatusTooManyRequests || a.status >= http.StatusInternalServerError
}

// explain says what an answer that did not take the message means. Of its
// body no more is told than a word of Slack's, since another server might
// repeat the URL there.
func (a answer) explain() *Error {
	word := a.word()
	if e := known(word); e != nil {
		e.Text += " (" + word + ")."
		return e
	}
	said := fmt.Sprint(a.status)
	if word != "" {
		said += " " + word
	}
	switch {
	case a.status == http.StatusTooManyRequests:
		return &Error{Text: "Slack's rate limit is reached (429)."}
	case a.status >= http.StatusInternalServerError:
		return &Error{Text: "Slack is out of order (" + said + ")."}
	case a.status >= 300 && a.status < 400:
		return &Error{Text: "The Slack webhook's URL leads elsewhere (" + said + "), where the message was not sent.", Fix: fixURL}
	}
	return &Error{Text: "Slack did not take the message (" + said + ").", Fix: fixURL}
}

// word is the body if it is one of the words by which Slack names an error.
func (a answer) word() string {
	const most = 60
	if len(a.body) > most {
		return ""
	}
	for _, c := range a.body {
		if c != '_' && (c < 'a' || c > 'z') {
			return ""
		}
	}
	return a.body
}

// known explains the words that Slack's documentation lists ("Sending messages
// using incoming webhooks", "Handling errors") and those that it is seen to
// answer besides; nil for another. The text still lacks its end.
func known(word string) *Error {
	switch word {
	case "no_service", "no_service_id", "no_active_hooks", "invalid_token":
		return &Error{Text: "The Slack webhook is unknown, disabled or removed", Fix: fixRenew}
	case "no_team", "team_disabled":
		return &Error{Text: "The webhook's Slack workspace is unknown or disabled", Fix: fixRenew}
	case "channel_is_archived":
		return &Error{Text: "The webhook's Slack channel is archived", Fix: fixChannel}
	case "channel_not_found":
		return &Error{Text: "The webhook's Slack channel does not exist", Fix: fixChannel}
	case "user_not_found":
		return &Error{Text: "The Slack user that the webhook posts to does not exist", Fix: fixChannel}
	case "action_prohibited", "posting_to_general_channel_denied":
		return &Error{Text: "The Slack workspace does not let the webhook post to its channel", Fix: fixAdmin}
	case "invalid_payload", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "no_text", "too_many_attachments":
		return &Error{Text: "Slack does not accept the message's form", Fix: fixReport}
	}
	return nil
}
