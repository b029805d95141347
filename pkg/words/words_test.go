package words

import (
	"errors"
	"math"
	"testing"
)

func TestCount(t *testing.T) {
	tests := []struct {
		n    int64
		want string
	}{
		{0, "0 events"},
		{1, "1 event"},
		{999, "999 events"},
		{1000, "1,000 events"},
		{1234567, "1,234,567 events"},
		{-1, "-1 events"},
		{-123, "-123 events"},
		{-1234, "-1,234 events"},
		{math.MinInt64, "-9,223,372,036,854,775,808 events"},
	}
	for _, test := range tests {
		if got := Count(test.n, "event"); got != test.want {
			t.Errorf("Count(%d) = %q, want %q", test.n, got, test.want)
		}
	}
}

func TestSpan(t *testing.T) {
	tests := []struct {
		seconds int64
		want    string
	}{
		{math.MinInt64, "under 1 s"},
		{0, "under 1 s"},
		{1, "1 s"},
		{59, "59 s"},
		{60, "1 min"},
		{125, "2 min 5 s"},
		{3600, "1 h"},
		{3659, "1 h"},
		{7500, "2 h 5 min"},
		{86400, "1 d"},
		{100000, "1 d 3 h"},
		{86400 * 1500, "1,500 d"},
	}
	for _, test := range tests {
		if got := Span(test.seconds); got != test.want {
			t.Errorf("Span(%d) = %q, want %q", test.seconds, got, test.want)
		}
	}
}

func TestVolume(t *testing.T) {
	tests := []struct {
		bytes int64
		want  string
	}{
		{0, "0 bytes"},
		{999, "999 bytes"},
		{1500, "1.5 KB"},
		{24_700_000, "24.7 MB"},
		{3_000_000_000_000_000, "3000.0 TB"},
	}
	for _, test := range tests {
		if got := Volume(test.bytes); got != test.want {
			t.Errorf("Volume(%d) = %q, want %q", test.bytes, got, test.want)
		}
	}
}

func TestReasons(t *testing.T) {
	reason := errors.New("no")
	for want, err := range map[string]error{
		"no":                     reason,
		"no; no":                 errors.Join(reason, reason),
		"no; no; no":             errors.Join(reason, reason, reason),
		"no; no; no; and 1 more": errors.Join(reason, reason, reason, reason),
	} {
		if got := Reasons(err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
