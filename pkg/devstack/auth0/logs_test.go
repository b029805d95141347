package auth0

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// withDocuments is a stage whose tenant has the hand-made events 0 to n-1.
func withDocuments(t *testing.T, n int, opt Options) *stage {
	t.Helper()
	s := newStage(t, opt)
	for i := range n {
		if err := s.Add(document(i)); err != nil {
			t.Fatal(err)
		}
	}
	s.clock.advance(time.Duration(n) * time.Second)
	return s
}

func span(from, to int) []int {
	numbers := []int{}
	for n := from; n <= to; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

func TestCheckpoint(t *testing.T) {
	s := withDocuments(t, 120, Options{})
	made := tenantlog.At(start.Add(100 * time.Second))
	for _, tc := range []struct {
		name  string
		query url.Values
		want  []int
		next  tenantlog.ID
		take  string
	}{
		{"starts after from, oldest first", url.Values{"from": {string(at(3))}, "take": {"2"}}, span(4, 5), at(5), "2"},
		{"ends with a short page", url.Values{"from": {string(at(117))}, "take": {"100"}}, span(118, 119), at(119), "100"},
		{"repeats from on an empty page", url.Values{"from": {string(at(119))}, "take": {"100"}}, span(0, -1), at(119), "100"},
		{"takes 100 at most", url.Values{"from": {string(at(3))}, "take": {"100"}}, span(4, 103), at(103), "100"},
		{"takes 50 when not told", url.Values{"from": {string(at(3))}}, span(4, 53), at(53), "50"},
		{"knows ids made from a time", url.Values{"from": {string(made)}, "take": {"3"}}, span(100, 102), at(102), "3"},
		{"begins with the oldest on an empty from", url.Values{"from": {""}, "take": {"3"}}, span(0, 2), at(2), "3"},
		{"ignores parameters of a search", url.Values{
			"from": {string(at(3))}, "take": {"2"}, "q": {"nonsense:x"}, "sort": {"date:-1"}, "per_page": {"1"},
			"page": {"99"}, "fields": {"type"}, "include_totals": {"true"},
		}, span(4, 5), at(5), "2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := s.get(tc.query.Encode())
			if got.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s", got.Status, got.body)
			}
			if diff := cmp.Diff(tc.want, numbers(t, got.body)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			link := "<" + s.url + "/api/v2/logs?from=" + string(tc.next) + "&take=" + tc.take + `>; rel="next"`
			if diff := cmp.Diff(link, got.Header.Get("Link")); diff != "" {
				t.Errorf("Link (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSearch(t *testing.T) {
	s := withDocuments(t, 120, Options{})
	// Indexed last, but its date is that of event 60, a bit later.
	late := `{"log_id":"` + string(at(120)) + `","date":"2026-11-20T10:01:00.500Z"}`
	if err := s.Add(late); err != nil {
		t.Fatal(err)
	}
	second := func(n int) string { return start.Add(time.Duration(n) * time.Second).Format(time.RFC3339) }
	for _, tc := range []struct {
		name  string
		query url.Values
		want  []int
	}{
		{"newest first", url.Values{"per_page": {"3"}}, []int{120, 119, 118}},
		{"50 a page", url.Values{}, reversed(span(71, 120))},
		{"take without from is no checkpoint", url.Values{"take": {"1"}}, reversed(span(71, 120))},
		{"pages from 0", url.Values{"per_page": {"2"}, "page": {"1"}}, []int{118, 117}},
		{"past the end", url.Values{"per_page": {"100"}, "page": {"2"}}, []int{}},
		{"by date", url.Values{"q": {"date:[" + second(60) + " TO *]"}, "sort": {"date:1"}, "per_page": {"3"}}, []int{60, 120, 61}},
		{"by date, backwards", url.Values{"q": {"date:[* TO " + second(61) + "]"}, "sort": {"date:-1"}, "per_page": {"3"}}, []int{61, 120, 60}},
		{"both ends of a date range are part of it", url.Values{"q": {"date:[" + second(3) + " TO " + second(5) + "]"}}, []int{5, 4, 3}},
		{"a date is its day's start", url.Values{"q": {"date:[2026-11-21 TO *]"}}, []int{}},
		{"an id range holds its ends", url.Values{"q": {"log_id:[" + string(at(118)) + " TO *]"}}, []int{120, 119, 118}},
		{"ranges join", url.Values{"q": {"log_id:[" + string(at(118)) + " TO *] AND date:[* TO " + second(118) + "]"}}, []int{120, 118}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := s.get(tc.query.Encode())
			if got.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s", got.Status, got.body)
			}
			if diff := cmp.Diff(tc.want, numbers(t, got.body)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if link := got.Header.Get("Link"); link != "" {
				t.Errorf("Link = %s, want none", link)
			}
		})
	}
}

func reversed(numbers []int) []int {
	var r []int
	for _, n := range numbers {
		r = append([]int{n}, r...)
	}
	return r
}

func TestSearchTotals(t *testing.T) {
	s := withDocuments(t, 3, Options{})
	got := s.get("per_page=2&page=1&include_totals=true")
	want := `{"start":2,"limit":2,"length":1,"total":3,"logs":[` + document(0) + `]}`
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestRefusedRequests(t *testing.T) {
	s := withDocuments(t, 3, Options{})
	const badParam = "invalid_query_string"
	for _, tc := range []struct {
		name, query string
		status      int
		code        string
		message     string // a part of it
	}{
		{"take over 100", "from=" + string(at(0)) + "&take=101", 400, badParam, "take"},
		{"take of 0", "from=" + string(at(0)) + "&take=0", 400, badParam, "take"},
		{"take is no number", "from=" + string(at(0)) + "&take=all", 400, badParam, "take"},
		{"from of 0", "from=0&take=100", 400, badParam, "on property from"},
		{"from is no number", "from=" + strings.Repeat("x", 56), 400, badParam, "on property from"},
		{"per_page over 100", "per_page=101", 400, badParam, "per_page"},
		{"negative page", "page=-1", 400, badParam, "page"},
		{"past 1,000", "per_page=100&page=10", 400, "invalid_paging",
			"Requesting page 11 exceeds the allowed maximum of 1000 records: please consider searching by checkpoint"},
		{"far past 1,000", "per_page=100&page=9223372036854775807", 400, "invalid_paging", "exceeds the allowed maximum"},
		{"other sort", "sort=type:1", 400, badParam, "sort"},
		{"unknown field", "q=" + url.QueryEscape("colour:[a TO b]"), 400, badParam,
			`The search query string has an error: unknown field "colour"`},
		{"no range", "q=date:2026", 400, badParam, "The search query string has an error"},
		{"bad date", "q=" + url.QueryEscape("date:[soon TO *]"), 400, badParam, "soon"},
		{"bad id", "q=" + url.QueryEscape("log_id:[* TO x]"), 400, badParam, "log_id"},
		{"parameter that is not kept", "fields=type", 501, "", "fields"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := s.get(tc.query)
			p := decode[problem](t, got.body)
			if got.StatusCode != tc.status || p.StatusCode != tc.status || p.ErrorCode != tc.code || !strings.Contains(p.Message, tc.message) {
				t.Errorf("got %s: %s, want %d %q with %q", got.Status, got.body, tc.status, tc.code, tc.message)
			}
		})
	}
	if got := s.get("per_page=100&page=9"); got.StatusCode != http.StatusOK {
		t.Errorf("the last page within 1,000: %s: %s", got.Status, got.body)
	}
}

func TestMadeIDs(t *testing.T) {
	s := withDocuments(t, 6, Options{Retention: time.Minute})
	s.clock.advance(time.Minute - 4*time.Second) // 0 and 1 expire
	made := string(tenantlog.At(start.Add(4 * time.Second)))
	for _, tc := range []struct {
		name  string
		mode  MadeIDs
		want  []int
		known []int // after event 3, which exists
	}{
		{"accept", AcceptMade, []int{4, 5}, []int{4, 5}},
		{"refuse", RefuseMade, nil, []int{4, 5}},
		{"from oldest", MadeFromOldest, []int{2, 3, 4, 5}, []int{4, 5}},
		{"nothing", MadeAnswersNothing, []int{}, []int{4, 5}},
		{"skip one", MadeSkipsOne, []int{5}, []int{4, 5}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.SetMadeIDs(tc.mode)
			got := s.get("take=100&from=" + made)
			if tc.want == nil {
				if got.StatusCode != http.StatusBadRequest {
					t.Errorf("got %s: %s, want 400", got.Status, got.body)
				}
			} else if diff := cmp.Diff(tc.want, numbers(t, got.body)); diff != "" {
				t.Errorf("after a made id (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.known, numbers(t, s.get("take=100&from="+string(at(3))).body)); diff != "" {
				t.Errorf("after a known id (-want +got):\n%s", diff)
			}
		})
	}
	s.SetMadeIDs(MadeSkipsOne)
	end := string(tenantlog.At(start.Add(time.Hour)))
	if got := s.get("take=100&from=" + end); got.body != "[]" {
		t.Errorf("skipping one of no events: %s, want []", got.body)
	}
}

func TestRetention(t *testing.T) {
	s := withDocuments(t, 10, Options{Retention: time.Hour})
	s.clock.advance(time.Hour - 4*time.Second) // 0 to 5 expire
	for name, query := range map[string]string{
		"after an expired id":      "take=100&from=" + string(at(2)),
		"after an id long expired": "take=100&from=" + string(tenantlog.At(start.AddDate(-1, 0, 0))),
		"from the beginning":       "take=100&from=",
		"by search":                "sort=date:1",
	} {
		if diff := cmp.Diff(span(6, 9), numbers(t, s.get(query).body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if s.Len() != 10 {
		t.Errorf("Len() = %d, want the expired counted: 10", s.Len())
	}
}

func TestResponseHeaders(t *testing.T) {
	s := withDocuments(t, 3, Options{})
	got := s.get("take=100&from=")
	if !got.Uncompressed {
		t.Error("the page was not compressed")
	}
	want := map[string]string{
		"Date":          "Fri, 20 Nov 2026 10:00:03 GMT",
		"Content-Type":  "application/json; charset=utf-8",
		"Cache-Control": "no-cache",
		"Vary":          "Accept-Encoding",
	}
	for name, value := range want {
		if got.Header.Get(name) != value {
			t.Errorf("%s = %q, want %q", name, got.Header.Get(name), value)
		}
	}
	req := s.request(http.MethodGet, "/api/v2/logs?from=&take=100", "")
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Accept-Encoding", "identity")
	plain := s.do(req)
	if plain.Header.Get("Content-Encoding") != "" || plain.body != got.body {
		t.Errorf("uncompressed page: encoding %q, body %s, want %s", plain.Header.Get("Content-Encoding"), plain.body, got.body)
	}
	for name, req := range map[string]*http.Request{
		"other path":   s.request(http.MethodGet, "/api/v2/users", ""),
		"other method": s.request(http.MethodPost, "/api/v2/logs", ""),
	} {
		if got := s.do(req); got.StatusCode != http.StatusNotFound || decode[problem](t, got.body).Error != "Not Found" {
			t.Errorf("%s: %s: %s", name, got.Status, got.body)
		}
	}
}

func TestDocumentsAreServedAsWritten(t *testing.T) {
	odd := []string{
		`{"n":9007199254740993, "f":0.10,"e":1E2,"log_id":"` + string(at(2)) + `","s":"\u00fc\/<b>"}`,
		`{"_id":"` + string(at(1)) + `","date":{"$date":1}}`,
	}
	s := newStage(t, Options{})
	if err := s.Add(odd...); err != nil {
		t.Fatal(err)
	}
	if err := s.AddAs(string(at(3)), `[1, 2]`); err != nil {
		t.Fatal(err)
	}
	want := "[" + odd[1] + "," + odd[0] + ",[1, 2]]"
	if diff := cmp.Diff(want, s.get("from=&take=100").body); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	// A document without a readable date has its id's.
	q := url.QueryEscape("date:[2026-11-20T10:00:01Z TO 2026-11-20T10:00:01Z]")
	if diff := cmp.Diff("["+odd[1]+"]", s.get("q="+q).body); diff != "" {
		t.Errorf("search (-want +got):\n%s", diff)
	}
}

func TestAddRefuses(t *testing.T) {
	s := New(Options{})
	if err := s.Add(document(1)); err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string]string{
		"not JSON":        `{"log_id":`,
		"no id":           `{"type":"s"}`,
		"id that is none": `{"log_id":"x"}`,
		"id there before": document(1),
	} {
		if err := s.Add(doc); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := s.AddAs(string(at(2)), "{"); err == nil {
		t.Error("AddAs of no JSON: no error")
	}
	if s.Len() != 1 {
		t.Errorf("Len() = %d, want 1", s.Len())
	}
}

func TestLateEventTakesItsPlace(t *testing.T) {
	s := newStage(t, Options{})
	for _, n := range []int{1, 5, 3} {
		if err := s.Add(document(n)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]int{3, 5}, numbers(t, s.get("take=9&from="+string(at(1))).body)); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}

func TestPretty(t *testing.T) {
	s := withDocuments(t, 1, Options{Pretty: true})
	got := s.get("from=&take=1").body
	if !strings.Contains(got, "\n  \"type\": \"s\"") {
		t.Errorf("page is not indented: %s", got)
	}
	for _, doc := range s.Documents() {
		if diff := cmp.Diff(document(0), string(doc)); diff != "" {
			t.Errorf("Documents (-want +got):\n%s", diff)
		}
	}
}

func TestFaults(t *testing.T) {
	var faults fault.Set
	s := withDocuments(t, 3, Options{Faults: &faults})
	s.get("from=")
	s.get("page=0")
	s.do(s.request(http.MethodGet, "/elsewhere", ""))
	want := map[string]int{"token": 1, "logs": 1, "search": 1, "other": 1}
	if diff := cmp.Diff(want, faults.Counts()); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
	// Faults act on plain bodies, though the client is sent gzip.
	faults.Add(fault.Rule{Op: "logs", Do: fault.Body(func(b []byte) []byte { return append(b[:1], "]"...) })})
	if got := s.get("from="); got.body != "[]" || !got.Uncompressed {
		t.Errorf("changed page = %s (compressed %t), want []", got.body, got.Uncompressed)
	}
	faults.Clear()
	faults.Add(fault.Rule{Op: "logs", Do: fault.Cut(20)})
	req := s.request(http.MethodGet, "/api/v2/logs?from=", "")
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := make([]byte, 20)
	if n, _ := resp.Body.Read(got); string(got[:n]) != ("[" + document(0))[:20] {
		t.Errorf("cut page begins %q", got[:n])
	}
	if n, err := resp.Body.Read(got); err == nil {
		t.Errorf("cut page goes on: %q", got[:n])
	}
}
