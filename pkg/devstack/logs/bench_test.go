package logs

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

// BenchmarkPut is a batch of 100 events of 2 KB, JSON documents as they are.
func BenchmarkPut(b *testing.B) {
	document := `{"date":"2026-11-23T10:00:00.000Z","type":"s","details":{` + strings.Repeat(`"key":"value of it",`, 95) + `"end":1}}`
	start := time.Now().Add(-time.Hour)
	batch := make([]map[string]any, 100)
	for i := range batch {
		batch[i] = map[string]any{"timestamp": start.UnixMilli() + int64(i), "message": document}
	}
	body, err := json.Marshal(map[string]any{"logGroupName": "g", "logStreamName": "s", "logEvents": batch})
	if err != nil {
		b.Fatal(err)
	}
	service := New(Options{Discard: true})
	if err := service.CreateGroup(Place{Group: "g", Stream: "s"}, "", 0); err != nil {
		b.Fatal(err)
	}
	mux := awsjson.NewMux(new(awsjson.Keys), nil, service.Service())
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
		r.Header.Set("X-Amz-Target", "Logs_20140328.PutLogEvents")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=0")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
}
