package fault

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// standIn counts what took effect and answers "true answer". Its operation is
// the request's path.
type standIn struct {
	Set
	effects atomic.Int32
	effect  func() // called after each, if not nil
}

func operation(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/") }

func (s *standIn) handler() http.Handler {
	return s.Wrap(operation, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.effects.Add(1)
		if s.effect != nil {
			s.effect()
		}
		w.Header().Set("X-True", "yes")
		w.Header().Set("Content-Length", "11")
		_, _ = io.WriteString(w, "true answer")
	}))
}

// call makes a call without a connection.
func (s *standIn) call(op string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/"+op, strings.NewReader("body")))
	return w
}

// post makes a call over a connection, and returns the answer as far as it
// came.
func post(ctx context.Context, url, body string) (status int, header http.Header, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(read), err
}

func TestActions(t *testing.T) {
	upper := func(b []byte) []byte { return []byte(strings.ToUpper(string(b)) + "!") }
	for name, tt := range map[string]struct {
		do      Action
		status  int
		body    string
		broken  bool // the connection, instead of an end
		effects int32
		header  string // X-True
	}{
		"none":                   {nil, 200, "true answer", false, 1, "yes"},
		"reply":                  {Reply(503, http.Header{"X-True": {"no"}}, "closed"), 503, "closed", false, 0, "no"},
		"drop":                   {Drop(), 0, "", true, 0, ""},
		"lose the reply":         {LoseReply(), 0, "", true, 1, ""},
		"cut":                    {Cut(4), 200, "true", true, 1, "yes"},
		"cut at once":            {Cut(0), 200, "", true, 1, "yes"},
		"cut after all of it":    {Cut(100), 200, "true answer", true, 1, "yes"},
		"drip":                   {Drip(time.Microsecond), 200, "true answer", false, 1, "yes"},
		"another body, longer":   {Body(upper), 200, "TRUE ANSWER!", false, 1, "yes"},
		"another body, none":     {Body(func([]byte) []byte { return nil }), 200, "", false, 1, "yes"},
		"the stand-in's refusal": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusNotFound) }, http.StatusNotFound, "", false, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var s standIn
			server := httptest.NewServer(s.handler())
			defer server.Close()
			s.Add(Rule{Op: "put", Do: tt.do})
			status, header, body, err := post(t.Context(), server.URL+"/put", "body")
			if status != tt.status || body != tt.body || (err != nil) != tt.broken || header.Get("X-True") != tt.header {
				t.Errorf("status %d, X-True %q, body %q, error %v; want %d, %q, %q, broken: %t", status, header.Get("X-True"), body, err, tt.status, tt.header, tt.body, tt.broken)
			}
			if got := s.effects.Load(); got != tt.effects {
				t.Errorf("%d effects, want %d", got, tt.effects)
			}
		})
	}
}

// TestHanging has the client go away from calls that are never answered: they
// end then, and those that were to take effect have.
func TestHanging(t *testing.T) {
	for name, tt := range map[string]struct {
		rule    Rule
		body    string
		effects int32
	}{
		"hang":                  {Rule{Do: Hang()}, "body", 0},
		"hang after the effect": {Rule{Do: HangAfter()}, "body", 1},
		"a long delay":          {Rule{Delay: time.Hour}, "body", 0},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			s := standIn{effect: leave}
			server := httptest.NewServer(s.handler())
			s.Add(tt.rule)
			if tt.effects == 0 {
				s.Watch(func(string, int) { leave() })
			}
			if _, _, _, err := post(ctx, server.URL+"/put", tt.body); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want that the client went away", err)
			}
			server.Close() // waits for the handler to return
			if got := s.effects.Load(); got != tt.effects {
				t.Errorf("%d effects, want %d", got, tt.effects)
			}
		})
	}
}

func TestDelays(t *testing.T) {
	const second = time.Second
	for name, tt := range map[string]struct {
		rules []Rule
		want  time.Duration
	}{
		"none":              {nil, 0},
		"one":               {[]Rule{{Delay: second}}, second},
		"all of several":    {[]Rule{{Delay: second}, {Delay: 2 * second, Do: Reply(500, nil, "")}, {Delay: 4 * second}}, 7 * second},
		"of others":         {[]Rule{{Op: "get", Delay: second}}, 0},
		"a byte a second":   {[]Rule{{Do: Drip(second)}}, 11 * second},
		"before each of it": {[]Rule{{Delay: second, Do: Drip(second)}}, 12 * second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s standIn
				for _, r := range tt.rules {
					s.Add(r)
				}
				started := time.Now()
				s.call("put")
				if got := time.Since(started); got != tt.want {
					t.Errorf("took %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// TestRules counts which of ten calls of "put", with a "get" after each, each
// rule acts on.
func TestRules(t *testing.T) {
	refuse := Reply(503, nil, "")
	for name, tt := range map[string]struct {
		rules []Rule
		put   string // for each call of it: x where it was refused with 503, y with 504
		get   string
	}{
		"no rule":           {nil, "..........", ".........."},
		"all calls":         {[]Rule{{Do: refuse}}, "xxxxxxxxxx", "xxxxxxxxxx"},
		"an operation":      {[]Rule{{Op: "put", Do: refuse}}, "xxxxxxxxxx", ".........."},
		"skip":              {[]Rule{{Op: "put", Skip: 3, Do: refuse}}, "...xxxxxxx", ".........."},
		"times":             {[]Rule{{Op: "put", Times: 2, Do: refuse}}, "xx........", ".........."},
		"skip and times":    {[]Rule{{Op: "put", Skip: 3, Times: 2, Do: refuse}}, "...xx.....", ".........."},
		"the n-th of all":   {[]Rule{{Skip: 3, Times: 1, Do: refuse}}, "..........", ".x........"},
		"the first acts":    {[]Rule{{Op: "put", Skip: 8, Do: refuse}, {Op: "put", Do: Reply(504, nil, "")}}, "yyyyyyyyxx", ".........."},
		"a rule to pass on": {[]Rule{{Op: "put"}, {Op: "put", Do: refuse}}, "xxxxxxxxxx", ".........."},
		"by the request": {
			[]Rule{{Match: func(r *http.Request) bool { return operation(r) == "get" }, Skip: 8, Do: refuse}},
			"..........", "........xx",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s standIn
			for _, r := range tt.rules {
				s.Add(r)
			}
			got := make(map[string]string)
			for range 10 {
				for _, op := range []string{"put", "get"} {
					got[op] += map[int]string{200: ".", 503: "x", 504: "y"}[s.call(op).Code]
				}
			}
			if diff := cmp.Diff(map[string]string{"put": tt.put, "get": tt.get}, got); diff != "" {
				t.Errorf("calls acted on (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRemoveAndClear(t *testing.T) {
	var s standIn
	status := func() int { return s.call("put").Code }
	remove := s.Add(Rule{Do: Reply(503, nil, "")})
	s.Add(Rule{Do: Reply(504, nil, "")})
	if got := status(); got != 503 {
		t.Errorf("status %d, want the first rule's", got)
	}
	remove()
	remove() // once more has no effect
	if got := status(); got != 504 {
		t.Errorf("status %d, want the second rule's", got)
	}
	s.Clear()
	if got := status(); got != 200 {
		t.Errorf("status %d, want the stand-in's", got)
	}
	if got := s.Calls(""); got != 3 {
		t.Errorf("%d calls counted, want 3: rules come and go, counts stay", got)
	}
}

func TestCountsOfSeveralStandIns(t *testing.T) {
	var s standIn
	var seen []string
	s.Watch(func(op string, n int) { seen = append(seen, op+strings.Repeat("'", n)) })
	other := s.Wrap(func(*http.Request) string { return "other" }, http.NotFoundHandler())
	s.call("put")
	other.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	s.call("put")
	s.Watch(nil)
	s.call("get")
	if diff := cmp.Diff([]string{"put'", "other''", "put'''"}, seen); diff != "" {
		t.Errorf("calls seen (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"put": 2, "get": 1, "other": 1}, s.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if s.Calls("") != 4 || s.Calls("put") != 2 || s.Calls("none") != 0 {
		t.Errorf("%d calls, %d of put, %d of none", s.Calls(""), s.Calls("put"), s.Calls("none"))
	}
	s.Counts()["put"] = 99
	if s.Calls("put") != 2 {
		t.Error("who asks for the counts can change them")
	}
}

// TestManyAtOnce: of calls at once each has a number of its own, and a rule for
// the n-th acts on exactly one.
func TestManyAtOnce(t *testing.T) {
	const calls = 100
	var s standIn
	numbers := make(map[int]bool)
	s.Watch(func(_ string, n int) { numbers[n] = true })
	s.Add(Rule{Skip: calls / 2, Times: 1, Do: Reply(503, nil, "")})
	var refused atomic.Int32
	var running sync.WaitGroup
	for range calls {
		running.Go(func() {
			if s.call("put").Code == 503 {
				refused.Add(1)
			}
		})
	}
	running.Wait()
	if len(numbers) != calls || refused.Load() != 1 {
		t.Errorf("%d numbers for %d calls, %d refused; want one", len(numbers), calls, refused.Load())
	}
}
