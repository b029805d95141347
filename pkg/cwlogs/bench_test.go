package cwlogs

import (
	"slices"
	"testing"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// benchEvents are 100 events of about 2 KB each, as they come off a page.
func benchEvents(b *testing.B) (events []tenantlog.Event, size int64) {
	tenant := auth0.New(auth0.Options{Seed: 1, DocBytes: 2048, Now: func() time.Time { return now }})
	tenant.Generate(100, now.Add(-time.Hour), now)
	for _, doc := range tenant.Documents() {
		e, err := tenantlog.Decode(slices.Clone(doc))
		if err != nil {
			b.Fatal(err)
		}
		events = append(events, e)
		size += int64(len(doc))
	}
	return events, size
}

func BenchmarkRender(b *testing.B) {
	events, size := benchEvents(b)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range events {
			if r := render(e, now); r.Form != export.Plain {
				b.Fatal(r.Form)
			}
		}
	}
}
