package auth0

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// MadeIDs is how the tenant treats a from that is no event's id. Auth0 answers
// the events after it, but promises nothing.
type MadeIDs int32

// The ways to treat a from that is no event's id.
const (
	// AcceptMade answers the events after it.
	AcceptMade MadeIDs = iota
	// RefuseMade answers 400.
	RefuseMade
	// MadeFromOldest answers from the oldest event that is retained.
	MadeFromOldest
	// MadeAnswersNothing answers an empty page.
	MadeAnswersNothing
	// MadeSkipsOne leaves out the first event after it.
	MadeSkipsOne
)

const (
	idDigits = 56
	// mostPage bounds take and per_page, and defaultPage is taken without
	// them (Management API reference, GET /api/v2/logs).
	mostPage    = 100
	defaultPage = 50
	// mostFound is how far a search may page (same source).
	mostFound = 1000
)

func (t *Tenant) serveLogs(w http.ResponseWriter, r *http.Request) {
	if refused := t.auth.check(r); refused != nil {
		refused.write(w)
		return
	}
	if !t.bucket.take(t.opt.Now(), w.Header()) {
		newProblem(http.StatusTooManyRequests, "too_many_requests", "Global limit has been reached").write(w)
		return
	}
	t.Tick()
	serve := t.serveSearch
	if r.URL.Query().Has("from") {
		serve = t.serveCheckpoint
	}
	if refused := serve(w, r); refused != nil {
		refused.write(w)
	}
}

// serveCheckpoint answers the events after an id. Parameters of a search are
// ignored, as at Auth0.
func (t *Tenant) serveCheckpoint(w http.ResponseWriter, r *http.Request) *problem {
	params := r.URL.Query()
	take, refused := pageSize(params, "take")
	if refused != nil {
		return refused
	}
	from := params.Get("from")
	events, refused := t.eventsAfter(from, take)
	if refused != nil {
		return refused
	}
	next := from
	if len(events) > 0 {
		next = string(events[len(events)-1].id)
	}
	w.Header().Set("Link", fmt.Sprintf(`<https://%s/api/v2/logs?from=%s&take=%d>; rel="next"`, r.Host, next, take))
	writeHead(w, http.StatusOK)
	// The client may have gone away; nobody is left to tell.
	_, _ = w.Write(t.appendEvents(nil, events))
	return nil
}

// eventsAfter finds a page's events, oldest first. An empty from is before all
// of them, as is one that is older than what is retained.
func (t *Tenant) eventsAfter(from string, take int) ([]event, *problem) {
	oldest := t.expired()
	id := tenantlog.ID(from)
	if from == "" || t.journal.has(id) {
		return t.journal.after(max(id, oldest), take), nil
	}
	if _, err := tenantlog.ParseID(from); err != nil || len(from) != idDigits {
		return nil, invalidParam("from", "String does not match pattern: ^[0-9]{56}$")
	}
	switch MadeIDs(t.madeIDs.Load()) {
	case RefuseMade:
		return nil, invalidParam("from", "No log event has this id")
	case MadeFromOldest:
		return t.journal.after(oldest, take), nil
	case MadeAnswersNothing:
		return nil, nil
	case MadeSkipsOne:
		events := t.journal.after(max(id, oldest), take+1)
		return events[min(1, len(events)):], nil
	}
	return t.journal.after(max(id, oldest), take), nil
}

// expired is an id that lies below every event still retained and above every
// one that is not.
func (t *Tenant) expired() tenantlog.ID {
	if t.opt.Retention == 0 {
		return ""
	}
	return tenantlog.At(t.opt.Now().Add(-t.opt.Retention))
}

// serveSearch answers a search, by default the newest events first.
func (t *Tenant) serveSearch(w http.ResponseWriter, r *http.Request) *problem {
	params := r.URL.Query()
	for _, name := range []string{"fields", "include_fields", "search"} {
		if params.Has(name) {
			return newProblem(http.StatusNotImplemented, "", "The stand-in does not know the parameter "+name)
		}
	}
	per, refused := pageSize(params, "per_page")
	if refused != nil {
		return refused
	}
	page, err := strconv.Atoi(cmp.Or(params.Get("page"), "0"))
	if err != nil || page < 0 {
		return invalidParam("page", "Expected an integer of at least 0")
	}
	if page >= mostFound || (page+1)*per > mostFound {
		return newProblem(http.StatusBadRequest, "invalid_paging", fmt.Sprintf(
			"Requesting page %d exceeds the allowed maximum of %d records: please consider searching by checkpoint", page+1, mostFound))
	}
	found, refused := t.search(params.Get("q"), params.Get("sort"))
	if refused != nil {
		return refused
	}
	events := found[min(page*per, len(found)):min((page+1)*per, len(found))]
	var body []byte
	if params.Get("include_totals") == "true" {
		body = fmt.Appendf(nil, `{"start":%d,"limit":%d,"length":%d,"total":%d,"logs":`, page*per, per, len(events), len(found))
		body = append(t.appendEvents(body, events), '}')
	} else {
		body = t.appendEvents(nil, events)
	}
	writeHead(w, http.StatusOK)
	_, _ = w.Write(body)
	return nil
}

// search finds every event that matches q, in the order that sort names.
func (t *Tenant) search(q, sort string) ([]event, *problem) {
	parsed, err := parseQuery(q)
	if err != nil {
		return nil, newProblem(http.StatusBadRequest, "invalid_query_string",
			"The search query string has an error: "+err.Error())
	}
	oldest := t.expired()
	found := t.journal.match(func(e event) bool { return e.id > oldest && parsed.match(e) })
	byDate := func(a, b event) int { return cmp.Compare(a.date, b.date) }
	switch sort {
	case "":
		slices.Reverse(found)
	case "date:1":
		slices.SortStableFunc(found, byDate)
	case "date:-1":
		slices.SortStableFunc(found, byDate)
		slices.Reverse(found)
	default:
		return nil, invalidParam("sort", "String does not match pattern: ^date:(1|-1)$")
	}
	return found, nil
}

// appendEvents assembles the array of the events' documents.
func (t *Tenant) appendEvents(dst []byte, events []event) []byte {
	const usual = 1200 // a guess that spares most of the growing
	dst = slices.Grow(dst, len(events)*max(usual, t.opt.DocBytes+t.opt.DocBytes/10))
	dst = append(dst, '[')
	for i, e := range events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = t.appendServed(dst, e)
	}
	return append(dst, ']')
}

// pageSize reads take or per_page.
func pageSize(params url.Values, name string) (int, *problem) {
	if !params.Has(name) {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(params.Get(name))
	if err != nil || n < 1 || n > mostPage {
		return 0, invalidParam(name, fmt.Sprintf("Expected an integer from 1 to %d", mostPage))
	}
	return n, nil
}

// invalidParam is the API's general form for a bad parameter.
func invalidParam(name, reason string) *problem {
	return newProblem(http.StatusBadRequest, "invalid_query_string",
		fmt.Sprintf("Query validation error: '%s' on property %s", reason, name))
}
