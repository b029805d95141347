package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestGuard: a page of another site can neither read this one nor send it
// anything, and neither can a name that was pointed to loopback.
func TestGuard(t *testing.T) {
	handler := guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	const here = "127.0.0.1:8080"
	for _, row := range []struct {
		name, method, host string
		header             map[string]string
		want               int
	}{
		{"page", "GET", here, nil, 204},
		{"localhost", "GET", "localhost:8080", nil, 204},
		{"IPv6", "GET", "[::1]:8080", nil, 204},
		{"no port", "GET", "127.0.0.1", nil, 204},
		{"foreign name", "GET", "rebound.example:8080", nil, 403},
		{"name that looks like loopback", "GET", "127.0.0.1.example:8080", nil, 403},
		{"foreign address", "GET", "192.0.2.1:8080", nil, 403},
		{"no host", "GET", "", nil, 403},
		{"own form", "POST", here, map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://" + here}, 204},
		{"own form of an old browser", "POST", here, map[string]string{"Origin": "http://" + here}, 204},
		{"no browser", "POST", here, nil, 204},
		{"foreign form", "POST", here, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		{"foreign form of an old browser", "POST", here, map[string]string{"Origin": "https://evil.example"}, 403},
		{"sandboxed form", "POST", here, map[string]string{"Origin": "null"}, 403},
		{"other port", "POST", here, map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:9"}, 403},
		{"foreign name and origin", "POST", "rebound.example", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://rebound.example"}, 403},
	} {
		r := httptest.NewRequest(row.method, "/", strings.NewReader(""))
		r.Host = row.host
		for name, value := range row.header {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != row.want {
			t.Errorf("%s: status %d, want %d", row.name, w.Code, row.want)
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "script-src 'self' 'unsafe") {
			t.Errorf("%s: policy %q", row.name, policy)
		}
	}
}
