package slack

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
)

func TestPostTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var body []byte
		w := serve(t, func(rw http.ResponseWriter, r *http.Request) {
			body, _ = io.ReadAll(r.Body)
			_, _ = io.WriteString(rw, "ok")
		})
		n := New(Options{WebhookURL: webhook, Client: w.Client})
		if err := n.PostTest(t.Context(), "<!channel>", time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
		var payload struct{ Text string }
		if err := json.Unmarshal(body, &payload); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"&lt;!channel&gt;: test message", "This is a test", "2026-11-23 10:00 UTC"} {
			if !strings.Contains(payload.Text, want) {
				t.Errorf("no %q in %q", want, payload.Text)
			}
		}
		if strings.Contains(string(body), "<!channel>") {
			t.Errorf("the message mentions the channel: %s", body)
		}
	})
}

func TestPostTestFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "no_service", http.StatusNotFound) })
		err := New(Options{WebhookURL: webhook, Client: w.Client}).PostTest(t.Context(), "acme", time.Now())
		e := export.AsError("", err)
		if e.Kind != KindSlack || !strings.Contains(e.Text, "unknown, disabled or removed") || e.Fix == "" || strings.Contains(err.Error(), secret) {
			t.Errorf("%v", err)
		}
	})
}
