package auth0

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// collect returns every document of a tenant, one a line.
func collect(t *Tenant) string {
	var all bytes.Buffer
	for id, doc := range t.Documents() {
		fmt.Fprintf(&all, "%s %s\n", id, doc)
	}
	return all.String()
}

func TestGenerateIsDeterministic(t *testing.T) {
	generate := func(seed uint64) string {
		tenant := New(Options{Seed: seed})
		tenant.Generate(300, start, start.Add(time.Hour))
		tenant.Generate(100, start.Add(30*time.Minute), start.Add(2*time.Hour))
		return collect(tenant)
	}
	first := generate(1)
	if diff := cmp.Diff(first, generate(1)); diff != "" {
		t.Errorf("same seed, other documents:\n%s", diff)
	}
	if first == generate(2) {
		t.Error("other seed, same documents")
	}
}

func TestGeneratedEvents(t *testing.T) {
	const n = 5000
	tenant := New(Options{Seed: 7, Name: "initech"})
	tenant.Generate(n, start, start.Add(time.Hour))
	if tenant.Len() != n {
		t.Fatalf("Len() = %d, want %d", tenant.Len(), n)
	}
	layout := regexp.MustCompile(`^900202611201[0-9]{11}0{14}12233721055742[0-9]{5}$`)
	var last tenantlog.ID
	var lastDate time.Time
	var backwards, unknown, slow, together int
	types := make(map[string]int)
	for id, doc := range tenant.Documents() {
		var d struct {
			LogID tenantlog.ID `json:"log_id"`
			ID    tenantlog.ID `json:"_id"`
			Type  string       `json:"type"`
			Date  time.Time    `json:"date"`
		}
		if err := json.Unmarshal(doc, &d); err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		indexed, _ := id.Time()
		if !layout.MatchString(string(id)) || id <= last || d.LogID != id || d.ID != "" && d.ID != id {
			t.Fatalf("ids: %s after %s with %s", id, last, doc)
		}
		if indexed.Before(start) || !indexed.Before(start.Add(time.Hour)) {
			t.Fatalf("%s lies outside the hour", id)
		}
		if lag := indexed.Sub(d.Date); lag < 0 || lag > 5*time.Second+time.Millisecond {
			t.Fatalf("date %v before the id's time in %s", lag, doc)
		}
		if indexed.Sub(d.Date) > time.Second {
			slow++
		}
		if d.Date.Before(lastDate) {
			backwards++
		}
		if last != "" && id[:len("900YYYYMMDDhhmmssuuuuuu")] == last[:len("900YYYYMMDDhhmmssuuuuuu")] {
			together++
		}
		if _, ok := tenantlog.LookupType(d.Type); !ok {
			unknown++
		}
		types[d.Type]++
		last, lastDate = id, d.Date
	}
	if backwards < n/100 {
		t.Errorf("%d dates lie before their predecessor's, want some", backwards)
	}
	if slow < n/50 || slow > n/5 {
		t.Errorf("%d events took more than a second to be indexed, want about one in twelve", slow)
	}
	if together < n/10 || together > n/2 {
		t.Errorf("%d ids share their time with the one before, want about one in five", together)
	}
	if unknown == 0 || unknown > n/100 {
		t.Errorf("%d events of unknown types, want a few", unknown)
	}
	if len(types) < 100 || types["seacft"] < 10*types["limit_wc"] || types["limit_wc"] == 0 {
		t.Errorf("mixture: %d types, %d seacft, %d limit_wc", len(types), types["seacft"], types["limit_wc"])
	}
}

// Every shape, with every code that it may carry, gives a valid document in
// which nothing of the original's is left.
func TestShapes(t *testing.T) {
	g := generator{tenant: "initech", catalogue: shapes()}
	remains := regexp.MustCompile(`%T|acme|example-apps|192\.0\.2\.|user0\d@`)
	for code, family := range g.shapes {
		codes := []string{code}
		if code == anyCode {
			codes = append(slices.Clone(g.others), unknownCodes...)
		}
		for _, code := range codes {
			for i := range family {
				doc := g.append(nil, draw{shape: &family[i], code: code, user: 42, host: 0x37f}, at(1), start.UnixMilli())
				var d struct {
					Type string
					IP   string `json:"ip"`
				}
				if err := json.Unmarshal(doc, &d); err != nil || d.Type != code {
					t.Fatalf("type %q, error %v, want %q in %s", d.Type, err, code, doc)
				}
				if d.IP != "" && d.IP != "2001:db8::107f" {
					t.Errorf("ip %s, want 2001:db8::107f in %s", d.IP, doc)
				}
				if rest := remains.Find(doc); rest != nil {
					t.Errorf("%q is left in %s", rest, doc)
				}
			}
		}
	}
}

// Times inside a document move with its date and keep their distances.
func TestShapesKeepElapsedTimes(t *testing.T) {
	tenant := New(Options{})
	tenant.Generate(500, start, start.Add(time.Hour))
	seen := 0
	for _, doc := range tenant.Documents() {
		var d struct {
			Date    time.Time
			Details struct{ InitiatedAt, CompletedAt, ElapsedTime int64 }
		}
		// A details that is no such object is none of this test's.
		if err := json.Unmarshal(doc, &d); err != nil || d.Details.CompletedAt == 0 {
			continue
		}
		seen++
		if d.Details.CompletedAt != d.Date.UnixMilli() || d.Details.CompletedAt-d.Details.InitiatedAt != d.Details.ElapsedTime {
			t.Errorf("date %d, details %+v", d.Date.UnixMilli(), d.Details)
		}
	}
	if seen < 20 {
		t.Errorf("%d documents with times inside, want more", seen)
	}
}

// Addresses are of the ranges reserved for documentation.
func TestAddresses(t *testing.T) {
	documentation := []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
		netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32"),
	}
	for host := range hosts {
		ip, err := netip.ParseAddr(string(draw{host: host}.appendAddress(nil)))
		if err != nil || !slices.ContainsFunc(documentation, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			t.Errorf("host %d: %s, %v", host, ip, err)
		}
	}
}

// The catalogue keeps the variety that a reader of documents must cope with.
func TestShapesVary(t *testing.T) {
	tenant := New(Options{Seed: 3})
	tenant.Generate(3000, start, start.Add(time.Hour))
	all := collect(tenant)
	for name, text := range map[string]string{
		"null details":            `"details":null`,
		"scope as a string":       `"scope":"openid`,
		"scope as an array":       `"scope":["openid`,
		"scope null":              `"scope":null`,
		"identity as a number":    `"identity":12345`,
		"integer beyond 2^53":     `9007199254740993`,
		"trailing zero":           `"weight":0.10`,
		"event schema":            `"$event_schema"`,
		"nested response":         `"response":{"statusCode":`,
		"characters beyond ASCII": `übersprungen`,
	} {
		if !strings.Contains(all, text) {
			t.Errorf("%s: no document has %s", name, text)
		}
	}
}

func TestMixtureIsDrawn(t *testing.T) {
	c := shapes()
	for _, s := range mixture {
		if s.code != unknownCode && len(c.shapes[s.code]) == 0 {
			t.Errorf("%s has a share but no shape", s.code)
		}
	}
	shared := func(code string) bool {
		return slices.ContainsFunc(mixture, func(s share) bool { return s.code == code })
	}
	for code := range c.shapes {
		if !shared(code) {
			t.Errorf("%s has a shape but no share", code)
		}
	}
	for _, code := range unknownCodes {
		if _, ok := tenantlog.LookupType(code); ok {
			t.Errorf("%s is in the type table", code)
		}
	}
}

func TestDocBytes(t *testing.T) {
	for _, size := range []int{2 << 10, 5 << 10, 50 << 10} {
		tenant := New(Options{DocBytes: size})
		tenant.Generate(100, start, start.Add(time.Hour))
		exact := 0
		for _, doc := range tenant.Documents() {
			if !json.Valid(doc) {
				t.Fatalf("not valid JSON: %s", doc)
			}
			if len(doc) < size-len(`,"padding":""`) {
				t.Errorf("document of %d bytes, want about %d", len(doc), size)
			}
			if len(doc) == size {
				exact++
			}
		}
		if exact < 80 {
			t.Errorf("%d of 100 documents have %d bytes", exact, size)
		}
	}
}

func TestGenerateInNoTime(t *testing.T) {
	tenant := New(Options{})
	tenant.Generate(0, start, start.Add(time.Hour))
	tenant.Generate(10, start, start) // ids differ by their counter alone
	if got := strings.Count(collect(tenant), "\n"); got != 10 {
		t.Errorf("%d documents, want 10", got)
	}
}

func TestMakeID(t *testing.T) {
	got := MakeID(time.Date(2025, 10, 1, 7, 39, 16, 537654321, time.FixedZone("", 7200)), 85619698193)
	if want := tenantlog.ID("90020251001053916537654000000000000001223372122474474001"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLive(t *testing.T) {
	s := newStage(t, Options{})
	s.Live(60)
	s.clock.advance(90 * time.Second)
	if got := numbers(t, s.get("from=&take=100").body); len(got) != 90 || got[89] != 90 {
		t.Errorf("events by the second: %v, want 1 to 90", got)
	}
	s.clock.advance(500 * time.Millisecond)
	if n := s.Tick(); n != 0 {
		t.Errorf("Tick() = %d after half an interval, want 0", n)
	}
	s.clock.advance(2 * time.Second)
	if n := s.Tick(); n != 2 {
		t.Errorf("Tick() = %d, want 2", n)
	}
	s.clock.advance(time.Second)
	s.Live(0) // what was due until now still appears
	s.clock.advance(time.Hour)
	if s.Tick() != 0 || s.Len() != 93 {
		t.Errorf("Len() = %d after the end, want 93", s.Len())
	}
}

// Walking by checkpoint, with any page sizes, yields every event once and in
// order, whatever ways it came in and whenever.
func TestWalkYieldsEveryEventOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tenant := New(Options{ClientID: clientID, ClientSecret: secret, Seed: rapid.Uint64().Draw(t, "seed")})
		token := "x"
		tenant.auth.tokens[token] = tokenFor("tenant.example")
		for range rapid.IntRange(0, 3).Draw(t, "backlogs") {
			from := start.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "from")) * time.Second)
			length := time.Duration(rapid.IntRange(0, 100).Draw(t, "length")) * time.Second
			tenant.Generate(rapid.IntRange(0, 120).Draw(t, "n"), from, from.Add(length))
		}
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 200), 0, 20, rapid.ID).Draw(t, "by hand") {
			if err := tenant.Add(document(n)); err != nil {
				t.Fatal(err)
			}
		}
		var want []string
		for _, doc := range tenant.Documents() {
			want = append(want, string(doc))
		}
		var got []string
		for link, page := "https://tenant.example/api/v2/logs?from=", []json.RawMessage(nil); ; {
			take := rapid.IntRange(1, 100).Draw(t, "take")
			link, page = walk(t, tenant, link, take)
			for _, doc := range page {
				got = append(got, string(doc))
			}
			if len(page) == 0 || len(got) > len(want) {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("walk (-want +got):\n%s", diff)
		}
	})
}

func tokenFor(host string) token {
	return token{host: host, expires: time.Now().Add(time.Hour), scopes: []string{scopeLogs}}
}

// walk asks for one page and returns it with the link to the next.
func walk(t *rapid.T, tenant *Tenant, link string, take int) (next string, page []json.RawMessage) {
	link, _, _ = strings.Cut(link, "&take=")
	req := httptest.NewRequest(http.MethodGet, fmt.Sprintf("%s&take=%d", link, take), nil)
	req.Header.Set("Authorization", "Bearer x")
	rec := httptest.NewRecorder()
	tenant.ServeHTTP(rec, req)
	if err := json.Unmarshal(rec.Body.Bytes(), &page); err != nil {
		t.Fatalf("%v in %s", err, rec.Body)
	}
	next, ok := strings.CutSuffix(strings.TrimPrefix(rec.Header().Get("Link"), "<"), `>; rel="next"`)
	if !ok || len(page) > take {
		t.Fatalf("%d events for take %d, Link %q", len(page), take, rec.Header().Get("Link"))
	}
	return next, page
}

func BenchmarkPage(b *testing.B) {
	for _, size := range []int{0, 2 << 10} {
		b.Run(fmt.Sprintf("DocBytes=%d", size), func(b *testing.B) {
			tenant := New(Options{DocBytes: size})
			tenant.auth.tokens["x"] = tokenFor("example.com")
			tenant.Generate(1000, start, start.Add(time.Hour))
			req := httptest.NewRequest(http.MethodGet, "/api/v2/logs?from=&take=100", nil)
			req.Header.Set("Authorization", "Bearer x")
			for b.Loop() {
				tenant.ServeHTTP(httptest.NewRecorder(), req)
			}
		})
	}
}

func BenchmarkGenerate300k(b *testing.B) {
	for b.Loop() {
		New(Options{}).Generate(300_000, start, start.Add(24*time.Hour))
	}
}
