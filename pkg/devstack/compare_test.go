package devstack

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// newTenant starts a stack with one tenant and its log group.
func newTenant(t *testing.T) (*Tenant, logs.Place) {
	t.Helper()
	s, err := Start(Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	tenant, err := s.AddTenant("acme", auth0.Options{})
	if err != nil {
		t.Fatal(err)
	}
	place := logs.Place{Group: tenant.Get("CLOUDWATCH_LOG_GROUP_NAME")}
	if err := s.Logs.CreateGroup(place, logs.Standard, 0); err != nil {
		t.Fatal(err)
	}
	return tenant, place
}

// stored is a log event as somebody put it.
type stored struct {
	stream  string
	after   time.Duration // now
	message string
}

// put stores the events, each with a call of its own.
func put(t *testing.T, s *Stack, group string, events []stored) {
	t.Helper()
	client := cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.AWS.URL), HTTPClient: s.ca.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "key", ""),
	})
	made := make(map[string]bool)
	for _, e := range events {
		if !made[e.stream] {
			made[e.stream] = true
			if _, err := client.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &e.stream}); err != nil {
				t.Fatal(err)
			}
		}
		putOne(t.Context(), t, client, group, e)
	}
}

func putOne(ctx context.Context, t *testing.T, client *cloudwatchlogs.Client, group string, e stored) {
	t.Helper()
	if _, err := client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &group, LogStreamName: &e.stream,
		LogEvents: []types.InputLogEvent{{Message: &e.message, Timestamp: aws.Int64(now.Add(e.after).UnixMilli())}},
	}); err != nil {
		t.Fatal(err)
	}
}

func id(n int) string { return string(auth0.MakeID(now, uint64(n))) }

func document(n int, typ string) string {
	return fmt.Sprintf(`{"log_id": %q, "type": %q, "date": "2026-11-23T10:00:00.000Z", "n": 1.50}`, id(n), typ)
}

func TestCompare(t *testing.T) {
	one, two, three := document(1, "s"), document(2, "fp"), document(3, "s")
	lines := strings.ReplaceAll(one, ", ", ",\n  ")
	onOneLine := strings.NewReplacer(",\n  ", ",", ": ", ":").Replace(lines)
	metrics := strings.Replace(one, `"n"`, `"_aws"`, 1)
	for name, tt := range map[string]struct {
		docs   []string
		stored []stored
		keep   func(tenantlog.Event) bool
		want   Comparison
	}{
		"nothing": {},
		"each once": {
			docs: []string{one, two}, stored: []stored{{"a", 0, one}, {"b", 0, two}},
			want: Comparison{Expected: 2, Stored: 2},
		},
		"missing": {
			docs: []string{one, two, three}, stored: []stored{{"a", 0, two}},
			want: Comparison{Expected: 3, Stored: 1, Missing: []string{id(1), id(3)}},
		},
		"twice in a stream": {
			docs: []string{one}, stored: []stored{{"a", 0, one}, {"a", 0, one}},
			want: Comparison{Expected: 1, Stored: 2, Double: []string{id(1)}},
		},
		"twice in two streams": {
			docs: []string{one}, stored: []stored{{"a", 0, one}, {"b", 0, one}},
			want: Comparison{Expected: 1, Stored: 2, Double: []string{id(1)}},
		},
		"with another content": {
			docs: []string{one}, stored: []stored{{"a", 0, strings.Replace(one, "1.50", "1.5", 1)}},
			want: Comparison{Expected: 1, Stored: 1, Altered: []string{id(1)}},
		},
		"right and, once more, altered": {
			docs: []string{one}, stored: []stored{{"a", 0, one}, {"a", 0, strings.Replace(one, "1.50", "2", 1)}},
			want: Comparison{Expected: 1, Stored: 2, Double: []string{id(1)}, Altered: []string{id(1)}},
		},
		"on one line": {
			docs: []string{lines}, stored: []stored{{"a", 0, onOneLine}},
			want: Comparison{Expected: 1, Stored: 1},
		},
		"with another time": {
			docs: []string{one}, stored: []stored{{"a", time.Millisecond, one}},
			want: Comparison{Expected: 1, Stored: 1, Mistimed: []string{id(1)}},
		},
		"with another time in a late stream": {
			docs: []string{one}, stored: []stored{{"a-late-2026-11-23", time.Hour, one}},
			want: Comparison{Expected: 1, Stored: 1},
		},
		"what the tenant did not have": {
			docs: []string{one}, stored: []stored{{"a", 0, one}, {"a", 0, two}, {"a", 0, "no JSON"}},
			want: Comparison{Expected: 1, Stored: 3, Foreign: []string{id(2), "no JSON"}},
		},
		"selected": {
			docs: []string{one, two}, stored: []stored{{"a", 0, one}},
			keep: func(e tenantlog.Event) bool { return e.Type == "s" },
			want: Comparison{Expected: 1, Stored: 1},
		},
		"not selected, and stored": {
			docs: []string{one, two}, stored: []stored{{"a", 0, one}, {"a", 0, two}},
			keep: func(e tenantlog.Event) bool { return e.Type == "s" },
			want: Comparison{Expected: 1, Stored: 2, Foreign: []string{id(2)}},
		},
		"in another form": {
			docs: []string{metrics}, stored: []stored{{"a", 0, strings.Replace(metrics, "_aws", "_aws_", 1)}},
			want: Comparison{Expected: 1, Stored: 1, Rescued: []string{id(1)}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tenant, place := newTenant(t)
			if err := tenant.Add(tt.docs...); err != nil {
				t.Fatal(err)
			}
			put(t, tenant.stack, place.Group, tt.stored)
			got := tenant.Compare(place, tt.keep)
			slices.Sort(got.Foreign)
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(Comparison{}, "Streams")); diff != "" {
				t.Errorf("comparison (-want +got):\n%s", diff)
			}
			faults := len(tt.want.Missing) + len(tt.want.Double) + len(tt.want.Altered) + len(tt.want.Mistimed) + len(tt.want.Foreign)
			if got.Exact() != (faults == 0) {
				t.Errorf("exact: %t with %d faults: %s", got.Exact(), faults, got)
			}
		})
	}
}

func TestCompareNamesStreams(t *testing.T) {
	tenant, place := newTenant(t)
	if err := tenant.Add(document(1, "s"), document(2, "s")); err != nil {
		t.Fatal(err)
	}
	put(t, tenant.stack, place.Group, []stored{{"b", 0, document(1, "s")}, {"a", 0, document(1, "s")}, {"a", 0, document(2, "s")}})
	want := map[tenantlog.ID][]string{tenantlog.ID(id(1)): {"a", "b"}, tenantlog.ID(id(2)): {"a"}}
	if diff := cmp.Diff(want, tenant.Compare(place, nil).Streams); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
}
