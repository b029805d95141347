package tenantlog_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// page is the body of a page of 100 documents of about 2 KB each.
func page() []byte {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	tenant := auth0.New(auth0.Options{Seed: 1, DocBytes: 2048, Now: func() time.Time { return now }})
	tenant.Generate(100, now.Add(-time.Hour), now)
	var docs [][]byte
	for _, doc := range tenant.Documents() {
		docs = append(docs, slices.Clone(doc))
	}
	return slices.Concat([]byte("["), bytes.Join(docs, []byte(",")), []byte("]"))
}

func BenchmarkDecodePage(b *testing.B) {
	body := page()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if events, err := tenantlog.DecodePage(body); err != nil || len(events) != 100 {
			b.Fatal(len(events), err)
		}
	}
}
