package export

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

func at(seconds int) time.Time {
	return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Add(time.Duration(seconds) * time.Second)
}

func TestBatcher(t *testing.T) {
	limits := Limits{Events: 3, Bytes: 100, Span: time.Hour}
	event := func(seconds, size int) Rendered { return Rendered{Time: at(seconds), Size: size} }
	tests := map[string]struct {
		events []Rendered
		want   []int // sizes of all batches, in the order sent
	}{
		"full batches":                     {[]Rendered{event(0, 1), event(1, 1), event(2, 1), event(3, 1)}, []int{3, 1}},
		"the limit of bytes":               {[]Rendered{event(0, 60), event(1, 60), event(2, 40)}, []int{2, 1}},
		"exactly the bytes":                {[]Rendered{event(0, 60), event(1, 40)}, []int{2}},
		"exactly the span":                 {[]Rendered{event(0, 1), event(3600, 1)}, []int{2}},
		"over the span":                    {[]Rendered{event(0, 1), event(3601, 1)}, []int{1, 1}},
		"over the span backwards":          {[]Rendered{event(3601, 1), event(0, 1)}, []int{1, 1}},
		"one odd date does not split more": {[]Rendered{event(0, 1), event(9999, 1), event(1, 1), event(2, 1)}, []int{3, 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := batcher{limits: limits}
			var got []int
			for _, e := range tt.events {
				for _, batch := range b.add(mainTarget, e) {
					got = append(got, len(batch.Events))
				}
			}
			for _, batch := range b.flush() {
				got = append(got, len(batch.Events))
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("batches of %v, want %v", got, tt.want)
			}
		})
	}
}

// TestBatcherKeepsLimits: whatever comes in, each event leaves once, in its
// own stream, and no batch breaks a limit.
func TestBatcherKeepsLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{Events: rapid.IntRange(1, 5).Draw(t, "events"), Bytes: 100, Span: time.Hour}
		b := batcher{limits: limits}
		n := rapid.IntRange(0, 60).Draw(t, "n")
		seen := make(map[tenantlog.ID]int)
		check := func(batches []*Batch) {
			for _, batch := range batches {
				size, first, last := 0, batch.Events[0].Time, batch.Events[0].Time
				for _, e := range batch.Events {
					seen[e.ID]++
					size += e.Size
					first, last = minTime(first, e.Time), maxTime(last, e.Time)
					if e.Message[0] != batch.Target.Stream[0] {
						t.Fatalf("an event of stream %s in a batch of %s", e.Message, batch.Target.Stream)
					}
				}
				if len(batch.Events) > limits.Events || size > limits.Bytes || last.Sub(first) > limits.Span {
					t.Fatalf("batch of %d events, %d bytes, %s", len(batch.Events), size, last.Sub(first))
				}
			}
			if len(b.open) > maxOpen {
				t.Fatalf("%d batches are open", len(b.open))
			}
		}
		for i := range n {
			stream := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "stream")
			check(b.add(Target{"g", stream}, Rendered{
				ID: tenantlog.ID(fmt.Sprint(i)), Message: []byte(stream),
				Time: at(rapid.IntRange(0, 20000).Draw(t, "time")), Size: rapid.IntRange(1, 100).Draw(t, "size"),
			}))
		}
		check(b.flush())
		for i := range n {
			if seen[tenantlog.ID(fmt.Sprint(i))] != 1 {
				t.Fatalf("event %d left %d times", i, seen[tenantlog.ID(fmt.Sprint(i))])
			}
		}
	})
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
