package auth0

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// logsAnswer is an answer of GET /api/v2/logs.
type logsAnswer struct {
	status int
	header http.Header
	body   []byte
	// token is the one that was shown for it.
	token string
}

// errPasses marks an error that may be gone at the next try: Auth0 did not
// answer, or failed itself.
var errPasses = errors.New("may pass")

// serverTime is Auth0's clock, zero where it was not sent.
func (a *logsAnswer) serverTime() time.Time {
	t, _ := http.ParseTime(a.header.Get("Date"))
	return t
}

func (a *logsAnswer) page() (tenantlog.Page, error) {
	if kind := a.header.Get("Content-Type"); !strings.Contains(kind, "json") {
		return tenantlog.Page{}, &export.Error{
			Kind: export.KindSource,
			Text: fmt.Sprintf("Auth0 answered %q where JSON was expected: %s", quote(kind, a.token), a.excerpt()),
			Fix:  "check that AUTH0_DOMAIN is the tenant's own or custom domain and that no proxy answers in its place.",
		}
	}
	events, err := tenantlog.DecodePage(a.body)
	if err != nil {
		return tenantlog.Page{}, &export.Error{Kind: export.KindSource, Text: fmt.Sprintf("Auth0 answered a page that cannot be read: %v.", err), Err: err}
	}
	return tenantlog.Page{Events: events, ServerTime: a.serverTime()}, nil
}

var nextLink = regexp.MustCompile(`<([^>]*)>\s*;[^,]*rel="?next"?`)

// next is the id after which the following page begins: the `from` of the
// Link header, as Auth0 asks, else the page's last id. Only the id is taken
// from the header, never the host: the token would go there.
func (a *logsAnswer) next(page tenantlog.Page, after tenantlog.ID) tenantlog.ID {
	for _, header := range a.header.Values("Link") {
		found := nextLink.FindStringSubmatch(header)
		if found == nil {
			continue
		}
		link, err := url.Parse(found[1])
		if err != nil {
			continue
		}
		if id, err := tenantlog.ParseID(link.Query().Get("from")); err == nil {
			return id
		}
	}
	if len(page.Events) == 0 {
		return after
	}
	return page.Events[len(page.Events)-1].ID
}

// apiError is the Management API's form of an error.
type apiError struct {
	Error     string `json:"error"`
	Message   string `json:"message"`
	ErrorCode string `json:"errorCode"`
}

// refusal puts an answer other than 200 into words.
func (a *logsAnswer) refusal(domain string) error {
	var api apiError
	_ = json.Unmarshal(a.body, &api) // an HTML page leaves it empty
	said := quote(api.Message, a.token)
	if said == "" {
		said = a.excerpt()
	}
	e := &export.Error{Kind: export.KindSource, Text: fmt.Sprintf("Auth0 refused to list log events with status %d: %s", a.status, sentence(said))}
	switch {
	case a.status == http.StatusUnauthorized:
		e.Kind = export.KindAuth
		e.Fix = "AUTH0_DOMAIN must be the host that issues the token; with a custom domain set AUTH0_AUDIENCE to https://TENANT.REGION.auth0.com/api/v2/."
	case a.status == http.StatusForbidden && (api.ErrorCode == "insufficient_scope" || strings.Contains(said, "scope")):
		e.Kind = export.KindPermission
		e.Text = "The Auth0 application's token lacks the scope read:logs."
		e.Fix = "in the Auth0 dashboard open Applications > APIs > Auth0 Management API > Machine to Machine Applications and grant the application read:logs."
	case a.status == http.StatusForbidden:
		e.Kind = export.KindPermission
		e.Fix = "check in the Auth0 dashboard that the application is authorized for the Auth0 Management API with read:logs."
	case a.status == http.StatusTooManyRequests:
		e.Kind = export.KindRateLimit
		e.Err = export.ErrNoTime
	case a.status == http.StatusBadRequest:
		e.Err = export.ErrIDRefused
		e.Fix = "if CHECKPOINT or START_FROM was edited, check it; a time such as 2026-11-23T10:00:00Z is always understood."
	case a.status >= 300 && a.status < 400:
		e.Text = fmt.Sprintf("%s redirects to another address, which is not followed: the token would go there.", domain)
		e.Fix = "set AUTH0_DOMAIN to the tenant's own domain."
	case a.status == http.StatusNotFound:
		e.Fix = "check that AUTH0_DOMAIN is an Auth0 tenant's domain."
	case a.status >= 500:
		e.Err = errPasses
		e.Fix = "nothing to do here: the next run tries again. Auth0's state is shown at status.auth0.com."
	}
	return e
}

// unreachable puts a failed exchange into words. The error of the HTTP client
// holds the whole address, so only its cause is kept.
func unreachable(ctx context.Context, domain string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	if strings.Contains(err.Error(), "Location header") {
		// The client quotes the header, which may repeat the request.
		return &export.Error{Kind: export.KindSource, Text: fmt.Sprintf("%s redirects to an address that cannot be read.", domain),
			Fix: "set AUTH0_DOMAIN to the tenant's own domain."}
	}
	e := &export.Error{Kind: export.KindSource, Err: errors.Join(errPasses, err), Text: fmt.Sprintf("Auth0 at %s did not answer: %v.", domain, err)}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		e.Err = err
		e.Text = fmt.Sprintf("There is no host %s.", domain)
		e.Fix = "check AUTH0_DOMAIN: the tenant's domain as the Auth0 dashboard shows it, such as acme.eu.auth0.com."
	}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Text = fmt.Sprintf("Auth0 at %s did not answer within %s.", domain, callTimeout)
	}
	if errors.Is(err, errTooLarge) {
		e.Err = err
		e.Text = fmt.Sprintf("Auth0 at %s: %v.", domain, err)
	}
	return e
}

// excerpt is the beginning of a body that is not what was expected, on one
// line.
func (a *logsAnswer) excerpt() string {
	if len(a.body) == 0 {
		return "(an empty body)"
	}
	return quote(string(a.body[:min(len(a.body), 4096)]), a.token)
}

// clip puts a stranger's text on one line of at most 200 characters.
func clip(s string) string {
	const most = 200
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

// sentence ends a text with a full stop.
func sentence(s string) string {
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}
