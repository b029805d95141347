package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/tlsserver"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const htmlPage = "<!doctype html>\n<html><head><title>Be right back</title></head>\n<body><h1>Be right back</h1></body></html>\n"

func jsonBody(body string) fault.Action {
	return fault.Reply(http.StatusOK, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body)
}

// documents changes the list of documents that a page has.
func documents(change func([]json.RawMessage) []json.RawMessage) fault.Action {
	return fault.Body(func(body []byte) []byte {
		var docs []json.RawMessage
		if err := json.Unmarshal(body, &docs); err != nil {
			panic(err) // a stand-in's own page
		}
		return must(json.Marshal(change(docs)))
	})
}

// headed answers as the stand-in does, but for some headers.
func headed(header http.Header) fault.Action {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&headerWriter{w, header}, r)
	}
}

type headerWriter struct {
	http.ResponseWriter
	header http.Header
}

func (w *headerWriter) WriteHeader(status int) {
	for name, values := range w.header {
		w.Header()[name] = values
	}
	w.ResponseWriter.WriteHeader(status)
}

// fromTheStart answers the oldest page whatever it is asked for.
func fromTheStart(w http.ResponseWriter, r *http.Request, next http.Handler) {
	query := r.URL.Query()
	query.Set("from", string(tenantlog.Oldest))
	r.URL.RawQuery = query.Encode()
	next.ServeHTTP(w, r)
}

// TestNonsensePages has Auth0 answer nonsense in the place of a run's second
// page, or of its first: one clear error, the position where it was, and
// nothing amiss after the next good run.
func TestNonsensePages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do   fault.Action
		says string
	}{
		"an HTML page":                  {fault.Reply(200, http.Header{"Content-Type": {"text/html"}}, htmlPage), `"text/html" where JSON was expected`},
		"an HTML page that says failed": {fault.Reply(502, http.Header{"Content-Type": {"text/html"}}, htmlPage), "status 502"},
		"an HTML page that says JSON":   {jsonBody(htmlPage), "not valid JSON"},
		"another content type":          {headed(http.Header{"Content-Type": {"application/octet-stream"}}), `"application/octet-stream" where JSON was expected`},
		"a body that breaks off":        {fault.Cut(3000), "did not answer"},
		"a body that ends early":        {fault.Body(func(b []byte) []byte { return b[:len(b)/2] }), "not valid JSON"},
		"no body":                       {jsonBody(""), "not valid JSON"},
		"no content":                    {fault.Reply(204, nil, ""), "status 204"},
		"null":                          {jsonBody("null"), "not a JSON array"},
		"an object":                     {jsonBody(`{"logs":[]}`), "not a JSON array"},
		"an array of numbers":           {jsonBody("[1,2]"), "document 1 of the page"},
		"brackets without end":          {jsonBody(strings.Repeat("[", 100_000)), "not valid JSON"},
		"a page not ascending": {documents(func(docs []json.RawMessage) []json.RawMessage {
			slices.Reverse(docs)
			return docs
		}), "ascending"},
		"an id that goes backwards": {documents(func(docs []json.RawMessage) []json.RawMessage {
			docs[7], docs[8] = docs[8], docs[7]
			return docs
		}), "ascending"},
		"an event twice": {documents(func(docs []json.RawMessage) []json.RawMessage {
			return slices.Insert(docs, 7, docs[7])
		}), "ascending"},
		"a page that was there before": {fromTheStart, "ascending"},
		"a document without log_id": {documents(func(docs []json.RawMessage) []json.RawMessage {
			docs[2] = json.RawMessage(`{"type":"s","date":"2026-11-23T10:00:00.000Z"}`)
			return docs
		}), "document 3 of the page: it has no log_id"},
		"a log_id that is none": {documents(func(docs []json.RawMessage) []json.RawMessage {
			docs[2] = json.RawMessage(`{"log_id":"../../etc","type":"s"}`)
			return docs
		}), "document 3 of the page: log_id"},
	}
	both := []string{"an HTML page", "a page not ascending", "a page that was there before", "a document without log_id"}
	var cases sideBySide
	defer cases.Wait()
	for name, tt := range tests {
		for page := range 2 {
			if page == 0 && !slices.Contains(both, name) {
				continue
			}
			cases.run(t, fmt.Sprint(name, " for page ", page+1), newFailBench(t, auth0.Options{Seed: 1}), func(b *failBench) {
				before := b.backlog()
				b.stack.Faults.Add(fault.Rule{Op: "logs", Skip: page, Do: tt.do})
				r := b.tick(export.Failed)
				b.oneError(r, export.KindSource, tt.says)
				b.standsAt(r, before[page*100])
				b.stack.Faults.Clear()
				b.recovers(false)
			})
		}
	}
}

// backlog exports 50 events and makes 250 others, and returns the ids from the
// last exported on.
func (b *failBench) backlog() []tenantlog.ID {
	b.Helper()
	b.happen(50)
	b.tick(export.OK)
	b.later(250)
	var ids []tenantlog.ID
	for id := range b.tenant.Documents() {
		ids = append(ids, id)
	}
	return ids[49:]
}

// oneError checks that the report's error is of the kind, says what is wrong,
// and is no more than a sentence or two on a line.
func (b *failBench) oneError(r export.Report, kind export.Kind, says string) {
	b.Helper()
	if r.Error == nil {
		b.Fatalf("no error in the report %+v", r)
	}
	text := r.Error.Text
	if r.Error.Kind != kind || !strings.Contains(text, says) {
		b.Errorf("error %q, want one of kind %s that says %q", r.Error, kind, says)
	}
	if len(text) > 600 || strings.ContainsAny(text, "\r\n") {
		b.Errorf("an error of %d bytes: %q", len(text), text)
	}
}

// standsAt checks that the position is where it should be, in everything that
// tells it.
func (b *failBench) standsAt(r export.Report, want tenantlog.ID) {
	b.Helper()
	var record export.RunRecord
	if err := json.Unmarshal([]byte(b.tenant.Get("RUN")), &record); err != nil {
		b.Fatal(err)
	}
	if got := tenantlog.ID(b.tenant.Get("CHECKPOINT")); got != want || record.Position != want || r.To != want {
		b.Errorf("CHECKPOINT %s, RUN %s, report %s, want %s", got, record.Position, r.To, want)
	}
	b.notAhead()
}

// TestNonsenseTokens has Auth0 answer nonsense to a request for a token.
func TestNonsenseTokens(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do   fault.Action
		says string
	}{
		"an HTML page":           {fault.Reply(200, http.Header{"Content-Type": {"text/html"}}, htmlPage), "no token"},
		"no token":               {jsonBody(`{"token_type":"Bearer"}`), "no token"},
		"null":                   {jsonBody("null"), "no token"},
		"no JSON":                {jsonBody(`{"access_token":"x`), "no token"},
		"a body that breaks off": {fault.Cut(20), "token"},
		"a failure":              {fault.Reply(503, nil, htmlPage), "status 503"},
	}
	var cases sideBySide
	defer cases.Wait()
	for name, tt := range tests {
		cases.run(t, name, newFailBench(t, auth0.Options{Seed: 1}), func(b *failBench) {
			before := b.backlog()
			b.restart()
			b.stack.Faults.Add(fault.Rule{Op: "token", Do: tt.do})
			r := b.tick(export.Failed)
			b.oneError(r, export.KindSource, tt.says)
			b.standsAt(r, before[0])
			b.stack.Faults.Clear()
			b.recovers(false)
		})
	}
}

// TestNonsenseLinks: where the next page begins is decided by the events seen,
// whatever the Link header says.
func TestNonsenseLinks(t *testing.T) {
	link := func(from tenantlog.ID) http.Header {
		return http.Header{"Link": {fmt.Sprintf(`<https://elsewhere.example/api/v2/logs?from=%s&take=100>; rel="next"`, from)}}
	}
	b := newFailBench(t, auth0.Options{Seed: 1})
	ids := b.backlog()
	t.Run("on an empty page", func(t *testing.T) {
		b.T = t
		header := link(ids[200])
		header.Set("Content-Type", "application/json")
		b.stack.Faults.Add(fault.Rule{Op: "logs", Do: fault.Reply(200, header, "[]")})
		b.standsAt(b.tick(export.OK), ids[0])
		b.stack.Faults.Clear()
	})
	t.Run("backwards", func(t *testing.T) {
		b.T = t
		b.stack.Faults.Add(fault.Rule{Op: "logs", Times: 1, Do: headed(link(tenantlog.Oldest))})
		b.standsAt(b.tick(export.OK), ids[250])
		b.stack.Faults.Clear()
		b.recovers(false)
	})
	b = newFailBench(t, auth0.Options{Seed: 1})
	ids = b.backlog()
	t.Run("past events not seen", func(t *testing.T) {
		b.T = t
		b.stack.Faults.Add(fault.Rule{Op: "logs", Times: 1, Do: headed(link(ids[150]))})
		b.tick(export.OK)
		b.notAhead()
		b.stack.Faults.Clear()
		b.recovers(false)
	})
}

// TestRedirects: neither the secret nor the token goes where a redirect leads.
func TestRedirects(t *testing.T) {
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	for _, op := range []string{"token", "logs"} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(op, " ", status), func(t *testing.T) {
				b := newFailBench(t, auth0.Options{Seed: 1})
				before := b.backlog()
				b.restart()
				b.stack.Faults.Add(fault.Rule{Op: op, Do: fault.Reply(status, http.Header{"Location": {elsewhere.URL}}, "")})
				r := b.tick(export.Failed)
				b.oneError(r, export.KindSource, "another address")
				b.standsAt(r, before[0])
				b.stack.Faults.Clear()
				b.recovers(false)
			})
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d requests followed a redirect", n)
	}
}

// TestHugeAnswers: of an answer without end a bounded part is read, into
// bounded memory.
func TestHugeAnswers(t *testing.T) {
	const size = 200 << 20
	// A page may have 24 MB and is asked for in full, by ten and by one; what
	// is sent beside lies in the buffers of the connection. Memory is counted
	// as it is allocated, with all that a growing buffer leaves behind.
	const maxSent, maxAllocated = 3 * 40 << 20, 600 << 20
	spaces := bytes.Repeat([]byte(" "), 1<<20)
	tests := map[string]struct {
		path, says string
		compressed bool
	}{
		"a page":            {"/api/v2/logs", "too large: over", false},
		"a compressed page": {"/api/v2/logs", "too large: over", true},
		"a token":           {"/oauth/token", "no token", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newFailBench(t, auth0.Options{Seed: 1})
			before := b.backlog()
			var sent atomic.Int64
			huge := func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				w.Header().Set("Content-Type", "application/json")
				for range size / len(spaces) {
					n, err := w.Write(spaces)
					sent.Add(int64(n))
					if err != nil {
						return
					}
				}
			}
			if tt.compressed {
				b.stack.Faults.Add(fault.Rule{Op: "logs", Do: huge})
			}
			server := must(tlsserver.Start(authority, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == tt.path && !tt.compressed {
					huge(w, r, nil)
					return
				}
				b.tenant.ServeHTTP(w, r)
			})))
			defer server.Close()
			b.set(map[string]string{"AUTH0_DOMAIN": server.Addr})
			allocated := totalAlloc()
			r := b.tick(export.Failed)
			if got := totalAlloc() - allocated; got > maxAllocated {
				t.Errorf("%d MB were allocated for answers of %d MB", got>>20, size>>20)
			}
			if got := sent.Load(); !tt.compressed && got > maxSent {
				t.Errorf("%d MB were read of answers of %d MB", got>>20, size>>20)
			}
			b.oneError(r, export.KindSource, tt.says)
			b.standsAt(r, before[0])
			b.set(map[string]string{"AUTH0_DOMAIN": b.tenant.Domain})
			b.stack.Faults.Clear()
			b.recovers(false)
		})
	}
}

func totalAlloc() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestSlowDrip: an answer that comes a byte at a time takes no more than the
// run's time.
func TestSlowDrip(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the end of runs of several seconds: not in -short mode")
	}
	tests := map[string]struct {
		op      string
		skip    int
		outcome export.Outcome
		place   int // of the position in the backlog
	}{
		"a token":         {"token", 0, export.Failed, 0},
		"the first page":  {"logs", 0, export.Failed, 0},
		"the second page": {"logs", 1, export.Limited, 100},
	}
	var cases sideBySide
	defer cases.Wait()
	for name, tt := range tests {
		cases.run(t, name, newFailBench(t, auth0.Options{Seed: 1}), func(b *failBench) {
			before := b.backlog()
			b.restart()
			b.stack.Faults.Add(fault.Rule{Op: tt.op, Skip: tt.skip, Do: fault.Drip(50 * time.Millisecond)})
			r := b.within(4 * time.Second)
			if r.Outcome != tt.outcome {
				b.Errorf("the run ended %s, want %s", r.Outcome, tt.outcome)
			}
			b.standsAt(r, before[tt.place])
			b.stack.Faults.Clear()
			b.recovers(false)
		})
	}
}
