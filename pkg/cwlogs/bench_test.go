package cwlogs

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/schemas"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

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

// BenchmarkPut makes the body of a put: what the SDK does, and what we do in
// its place.
func BenchmarkPut(b *testing.B) {
	events, size := benchEvents(b)
	var rendered []export.Rendered
	for _, e := range events {
		rendered = append(rendered, render(e, now))
	}
	in := inputEvents(rendered)
	b.Run("SDK", func(b *testing.B) { benchBody(b, in, size, func(*cloudwatchlogs.Options) {}) })
	b.Run("ours", func(b *testing.B) { benchBody(b, in, size, withQuickEvents) })
}

func benchBody(b *testing.B, events []types.InputLogEvent, size int64, option func(*cloudwatchlogs.Options)) {
	o := cloudwatchlogs.New(cloudwatchlogs.Options{}).Options()
	option(&o)
	op := smithy.NewOperationSchema(schemas.PutLogEvents, schemas.PutLogEventsRequest, schemas.PutLogEventsResponse)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		req, _ := smithyhttp.NewStackRequest().(*smithyhttp.Request)
		in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: events}
		if err := o.Protocol.SerializeRequest(b.Context(), op, in, req); err != nil {
			b.Fatal(err)
		}
	}
}
