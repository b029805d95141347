package auth0

import (
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRate(t *testing.T) {
	type call struct {
		after     time.Duration // since the call before
		status    int
		remaining string
		reset     time.Duration // since start
	}
	const ok, limited = http.StatusOK, http.StatusTooManyRequests
	for _, tc := range []struct {
		name  string
		rate  Rate
		calls []call
	}{
		{"refilled on the second", Rate{Limit: 2, Refill: 1}, []call{
			{0, ok, "1", time.Second},
			{500 * time.Millisecond, ok, "0", time.Second},
			{400 * time.Millisecond, limited, "0", time.Second},
			{100 * time.Millisecond, ok, "0", 2 * time.Second},
			{time.Hour, ok, "1", time.Hour + 2*time.Second}, // never above the limit
		}},
		{"filled up on the minute", Rate{Limit: 2, Every: time.Minute}, []call{
			{30 * time.Second, ok, "1", time.Minute},
			{29 * time.Second, ok, "0", time.Minute},
			{900 * time.Millisecond, limited, "0", time.Minute},
			{100 * time.Millisecond, ok, "1", 2 * time.Minute},
		}},
		{"less than one a second", Rate{Limit: 1, Refill: 0.4}, []call{
			{0, ok, "0", 3 * time.Second},
			{time.Second, limited, "0", 3 * time.Second},
			{time.Second, limited, "0", 3 * time.Second},
			{time.Second, ok, "0", 6 * time.Second},
		}},
		{"ten tenths are one", Rate{Limit: 1, Refill: 0.1}, slices.Concat(
			[]call{{0, ok, "0", 10 * time.Second}},
			slices.Repeat([]call{{time.Second, limited, "0", 10 * time.Second}}, 9),
			[]call{{time.Second, ok, "0", 20 * time.Second}},
		)},
		{"100 a minute", Rate{Limit: 10, Refill: 100.0 / 60}, []call{
			{0, ok, "9", time.Second},
			{3 * time.Second, ok, "9", 4 * time.Second},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t, Options{Rate: tc.rate})
			for i, want := range tc.calls {
				s.clock.advance(want.after)
				resp := s.get("from=")
				unix, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				got := call{want.after, resp.StatusCode, resp.Header.Get("X-RateLimit-Remaining"), time.Unix(unix, 0).Sub(start)}
				if got != want {
					t.Errorf("call %d: got %+v, want %+v", i, got, want)
				}
				if limit := resp.Header.Get("X-RateLimit-Limit"); limit != strconv.Itoa(tc.rate.Limit) {
					t.Errorf("call %d: X-RateLimit-Limit = %q", i, limit)
				}
			}
		})
	}
}

func TestRateRefusal(t *testing.T) {
	s := newStage(t, Options{Rate: Rate{Limit: 1, Every: time.Minute}})
	s.get("from=")
	got := s.get("from=")
	want := `{"statusCode":429,"error":"Too Many Requests","message":"Global limit has been reached","errorCode":"too_many_requests"}` + "\n"
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if after := got.Header.Get("Retry-After"); after != "" {
		t.Errorf("Retry-After = %q, want none", after)
	}
	s.SetRate(Rate{Limit: 1, Every: time.Minute, RetryAfter: true})
	s.clock.advance(20 * time.Second)
	if got := s.get("from="); got.StatusCode != http.StatusOK || got.Header.Get("Retry-After") != "" {
		t.Errorf("after SetRate: %s, Retry-After %q", got.Status, got.Header.Get("Retry-After"))
	}
	if got := s.get("from="); got.Header.Get("Retry-After") != "40" {
		t.Errorf("Retry-After = %q, want 40", got.Header.Get("Retry-After"))
	}
}

func TestRateUnset(t *testing.T) {
	s := newStage(t, Options{})
	for name := range s.get("from=").Header {
		if name == "X-Ratelimit-Limit" || name == "X-Ratelimit-Remaining" || name == "X-Ratelimit-Reset" {
			t.Errorf("header %s without a limit", name)
		}
	}
}
