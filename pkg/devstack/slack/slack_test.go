package slack

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
)

// reply is what a post was answered.
type reply struct {
	status     int
	body       string
	reason     string
	retryAfter string
}

func post(t *testing.T, s *Service, body string) reply {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, Path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	return do(s, r)
}

func do(s *Service, r *http.Request) reply {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	h := w.Result().Header
	return reply{w.Code, w.Body.String(), h.Get("Devstack-Reason"), h.Get("Retry-After")}
}

// blocks wraps blocks into a payload.
func blocks(list ...string) string {
	return `{"text":"t","blocks":[` + strings.Join(list, ",") + `]}`
}

func text(kind string, n int) string {
	return fmt.Sprintf(`{"type":%q,"text":%q}`, kind, strings.Repeat("x", n))
}

func section(text string) string { return `{"type":"section","text":` + text + `}` }

func header(n int) string { return `{"type":"header","text":` + text(plainText, n) + `}` }

// items is a list of n texts of a size, as a member.
func items(name string, n, size int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = text(markdown, size)
	}
	return fmt.Sprintf("%q:[%s]", name, strings.Join(list, ","))
}

func fields(n, size int) string { return `{"type":"section",` + items("fields", n, size) + `}` }

func context(n, size int) string { return `{"type":"context",` + items("elements", n, size) + `}` }

func repeat(block string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = block
	}
	return list
}

func TestMessagesThatAreTaken(t *testing.T) {
	for name, body := range map[string]string{
		"text alone":               `{"text":"hello"}`,
		"blocks alone":             `{"blocks":[{"type":"divider"}]}`,
		"unknown members":          `{"text":"t","channel":"#other","username":"bot","blocks":null}`,
		"50 blocks":                blocks(repeat(`{"type":"divider"}`, 50)...),
		"section of 3,000":         blocks(section(text(markdown, 3000))),
		"plain section":            blocks(section(text(plainText, 1))),
		"3,000 outside of ASCII":   blocks(section(`{"type":"mrkdwn","text":"` + strings.Repeat("\u00e9", 3000) + `"}`)),
		"header of 150":            blocks(header(150)),
		"10 fields":                blocks(fields(10, 900)),
		"field of 2,000":           blocks(fields(1, 2000)),
		"text and fields":          blocks(`{"type":"section","text":` + text(markdown, 1) + `,` + items("fields", 1, 1) + `}`),
		"10 elements":              blocks(context(10, 900)),
		"block_id of 255":          blocks(`{"type":"divider","block_id":"` + strings.Repeat("x", 255) + `"}`),
		"emoji in plain text":      blocks(section(`{"type":"plain_text","text":"x","emoji":false}`)),
		"verbatim in mrkdwn":       blocks(section(`{"type":"mrkdwn","text":"x","verbatim":true}`)),
		"12,900 in all":            blocks(repeat(section(text(markdown, 2540)), 5)...),
		"escapes count as one":     blocks(repeat(section(`{"type":"mrkdwn","text":"`+strings.Repeat(`\u003c`, 2500)+`"}`), 5)...),
		"text over 40,000, is cut": `{"text":"` + strings.Repeat("x", 40_001) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{})
			if got := post(t, s, body); got != (reply{200, "ok", "", ""}) {
				t.Errorf("answered %+v", got)
			}
			if n := len(s.Messages()); n != 1 {
				t.Errorf("%d messages", n)
			}
			if n := len(s.Messages()[0].Text); n > 40_000 {
				t.Errorf("text of %d", n)
			}
		})
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	for _, row := range []struct {
		name, body, code, reason string
	}{
		{"no JSON", `{"text":`, "invalid_payload", "unexpected end"},
		{"something behind", `{"text":"t"} x`, "invalid_payload", "after top-level value"},
		{"a list", `["t"]`, "invalid_payload", "not a JSON object"},
		{"null", `null`, "invalid_payload", "not a JSON object"},
		{"nothing", ``, "invalid_payload", "not a JSON object"},
		{"text is a number", `{"text":1}`, "invalid_payload", "number"},
		{"larger than a message can be", `{"text":"` + strings.Repeat("x", 1<<20) + `"}`, "invalid_payload", "unexpected end"},
		{"empty object", `{}`, "no_text", "neither text nor blocks"},
		{"empty text", `{"text":" ","blocks":[]}`, "no_text", "neither"},
		{"blocks are an object", `{"blocks":{}}`, "invalid_blocks_format", "not a list"},
		{"blocks are a string", `{"text":"t","blocks":"[]"}`, "invalid_blocks_format", "not a list"},
		{"block is a string", blocks(`"x"`), "invalid_blocks_format", "blocks/0"},
		{"51 blocks", blocks(repeat(`{"type":"divider"}`, 51)...), "invalid_blocks", "no more than 50 blocks allowed, got 51"},
		{"unknown type", blocks(`{"type":"divider"}`, `{"type":"banner"}`), "invalid_blocks", `blocks/1: unsupported type "banner"`},
		{"unknown member", blocks(`{"type":"divider","color":"red"}`), "invalid_blocks", "color"},
		{"text in a divider", blocks(`{"type":"divider","text":` + text(markdown, 1) + `}`), "invalid_blocks", "invalid additional property of a divider"},
		{"fields in a header", blocks(`{"type":"header",` + items("fields", 1, 1) + `}`), "invalid_blocks", "invalid additional property of a header"},
		{"elements in a section", blocks(`{"type":"section",` + items("elements", 1, 1) + `}`), "invalid_blocks", "invalid additional property of a section"},
		{"block_id of 256", blocks(`{"type":"divider","block_id":"` + strings.Repeat("x", 256) + `"}`), "invalid_blocks", "block_id: must be less than 256 characters"},
		{"block_id twice", blocks(repeat(`{"type":"divider","block_id":"a"}`, 2)...), "invalid_blocks", "blocks/1: block_id is there twice"},
		{"section of 3,001", blocks(section(text(markdown, 3001))), "invalid_blocks", "text: must be less than 3001 characters, got 3001"},
		{"empty section", blocks(`{"type":"section"}`), "invalid_blocks", "a section needs text or fields"},
		{"section with empty text", blocks(section(text(markdown, 0))), "invalid_blocks", "text: must be more than 0 characters"},
		{"string for a text", blocks(section(`"x"`)), "invalid_blocks", "string"},
		{"text of another type", blocks(section(text("markdown", 1))), "invalid_blocks", `text: unsupported type "markdown"`},
		{"emoji in mrkdwn", blocks(section(`{"type":"mrkdwn","text":"x","emoji":true}`)), "invalid_blocks", "property emoji"},
		{"verbatim in plain text", blocks(section(`{"type":"plain_text","text":"x","verbatim":true}`)), "invalid_blocks", "property verbatim"},
		{"header of 151", blocks(header(151)), "invalid_blocks", "text: must be less than 151 characters, got 151"},
		{"header in mrkdwn", blocks(`{"type":"header","text":` + text(markdown, 1) + `}`), "invalid_blocks", "a header needs a plain_text"},
		{"empty header", blocks(`{"type":"header"}`), "invalid_blocks", "a header needs a plain_text"},
		{"11 fields", blocks(fields(11, 1)), "invalid_blocks", "fields: want 1 to 10 items, got 11"},
		{"no fields", blocks(fields(0, 1)), "invalid_blocks", "fields: want 1 to 10 items, got 0"},
		{"field of 2,001", blocks(fields(2, 2001)), "invalid_blocks", "fields/0: must be less than 2001 characters"},
		{"11 elements", blocks(context(11, 1)), "invalid_blocks", "elements: want 1 to 10 items, got 11"},
		{"no elements", blocks(`{"type":"context"}`), "invalid_blocks", "elements: want 1 to 10 items, got 0"},
		{"13,100 in all", blocks(repeat(section(text(markdown, 2570)), 5)...), "msg_blocks_too_long", "about 13000 allowed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := New(Options{})
			got := post(t, s, row.body)
			if got.status != 400 || got.body != row.code || !strings.Contains(got.reason, row.reason) {
				t.Errorf("answered %+v, want 400 %s for %q", got, row.code, row.reason)
			}
			if n := len(s.Messages()); n != 0 {
				t.Errorf("%d messages", n)
			}
		})
	}
}

func TestWhatTheStandInCannotShow(t *testing.T) {
	for name, row := range map[string]struct{ body, reason string }{
		"attachments": {`{"text":"t","attachments":[]}`, "attachments"},
		"link_names":  {`{"text":"t","link_names":1}`, "link_names"},
		"parse":       {`{"text":"t","parse":"full"}`, "parse"},
		"rich text":   {blocks(`{"type":"rich_text","elements":[]}`), "blocks/0: the stand-in does not show rich_text"},
		"accessory":   {blocks(`{"type":"section","text":` + text(markdown, 1) + `,"accessory":{}}`), "an accessory"},
	} {
		t.Run(name, func(t *testing.T) {
			got := post(t, New(Options{}), row.body)
			if got.status != 501 || got.body != "not_implemented" || !strings.Contains(got.reason, row.reason) {
				t.Errorf("answered %+v", got)
			}
		})
	}
}

func TestOtherRequests(t *testing.T) {
	const body = `{"text":"t"}`
	for _, row := range []struct {
		name, method, path, contentType string
		status                          int
		code                            string
	}{
		{"GET", http.MethodGet, Path, "application/json", 405, "method_not_allowed"},
		{"other path", http.MethodPost, "/", "application/json", 403, "invalid_token"},
		{"no webhook's path", http.MethodPost, "/workflows/T00000000/B00000000/devstack", "application/json", 403, "invalid_token"},
		{"longer path", http.MethodPost, Path + "/", "application/json", 403, "invalid_token"},
		{"other workspace", http.MethodPost, "/services/T1/B00000000/devstack", "application/json", 404, "no_team"},
		{"other webhook", http.MethodPost, "/services/T00000000/B1/devstack", "application/json", 404, "no_service"},
		{"other token", http.MethodPost, "/services/T00000000/B00000000/x", "application/json", 403, "invalid_token"},
		{"form", http.MethodPost, Path, "application/x-www-form-urlencoded", 400, "invalid_payload"},
		{"no content type", http.MethodPost, Path, "", 400, "invalid_payload"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := New(Options{})
			r := httptest.NewRequest(row.method, row.path, strings.NewReader(body))
			r.Header.Set("Content-Type", row.contentType)
			if got := do(s, r); got.status != row.status || got.body != row.code {
				t.Errorf("answered %+v, want %d %s", got, row.status, row.code)
			}
			if n := len(s.Messages()); n != 0 {
				t.Errorf("%d messages", n)
			}
		})
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	s := New(Options{})
	r := httptest.NewRequest(http.MethodPost, Path, io.MultiReader(strings.NewReader(`{"text":"t"}`), iotest.ErrReader(io.ErrUnexpectedEOF)))
	r.Header.Set("Content-Type", "application/json")
	if got := do(s, r); got.status != 400 || got.body != "invalid_payload" {
		t.Errorf("answered %+v", got)
	}
}

func TestRateLimit(t *testing.T) {
	now := time.Date(2026, 11, 23, 3, 5, 0, 0, time.UTC)
	s := New(Options{Burst: 3, Now: func() time.Time { return now }})
	send := func() reply { return post(t, s, `{"text":"t"}`) }
	for range 3 {
		if got := send(); got.status != 200 {
			t.Fatalf("within the burst: %+v", got)
		}
	}
	for range 2 {
		if got := send(); got.status != 429 || got.body != "rate_limited" || got.retryAfter != "1" {
			t.Errorf("past the burst: %+v", got)
		}
	}
	now = now.Add(999 * time.Millisecond)
	if got := send(); got.status != 429 {
		t.Errorf("too early: %+v", got)
	}
	now = now.Add(time.Millisecond)
	if got := send(); got.status != 200 {
		t.Errorf("after a second: %+v", got)
	}
	if got := send(); got.status != 429 {
		t.Errorf("one a second: %+v", got)
	}
	if n := len(s.Messages()); n != 4 {
		t.Errorf("%d messages, want 4", n)
	}
}

func TestFaults(t *testing.T) {
	faults := &fault.Set{}
	faults.Add(fault.Rule{Op: "slack", Times: 1, Do: fault.Reply(410, nil, "channel_is_archived")})
	s := New(Options{Faults: faults})
	if got := post(t, s, `{"text":"t"}`); got.status != 410 || got.body != "channel_is_archived" {
		t.Errorf("first: %+v", got)
	}
	if got := post(t, s, `{"text":"t"}`); got.status != 200 {
		t.Errorf("second: %+v", got)
	}
	if n := faults.Calls("slack"); n != 2 {
		t.Errorf("%d calls", n)
	}
}

func TestMessageIsKeptAsReceived(t *testing.T) {
	now := time.Date(2026, 11, 23, 3, 5, 0, 0, time.UTC)
	s := New(Options{Now: func() time.Time { return now }})
	list := `[ {"type":"section","text":{"type":"mrkdwn","text":"a \u003c b <!here>"}} ]`
	post(t, s, `{"text":"t","blocks":`+list+`}`)
	want := []Message{{
		Time:     now,
		Text:     "t",
		Blocks:   json.RawMessage(list),
		Rendered: "a < b @here",
		Controls: []Control{{Special, "<!here>"}},
	}}
	if diff := cmp.Diff(want, s.Messages()); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestParallelPosts(t *testing.T) {
	const n = 20
	s := New(Options{Burst: n})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { post(t, s, `{"text":"`+strconv.Itoa(i)+`"}`) })
	}
	wg.Wait()
	seen := make(map[string]bool)
	for _, m := range s.Messages() {
		seen[m.Text] = true
	}
	if len(seen) != n {
		t.Errorf("%d different messages, want %d", len(seen), n)
	}
}
