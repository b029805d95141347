package slack

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	tests := []struct {
		name, in string
		limit    int
		want     string
	}{
		{"plain", "all is well", 20, "all is well"},
		{"mention", "<!channel> look", 40, "&lt;!channel&gt; look"},
		{"link", "<https://evil.example|here>", 60, "&lt;https://evil.example|here&gt;"},
		{"escaped already", "&lt;", 20, "&amp;lt;"},
		{"line breaks", "one\r\ntwo\u2028three", 20, "one  two three"},
		{"control and direction characters", "a\x00b\u202ec", 20, "a b c"},
		{"backticks", "`code`", 20, "'code'"},
		{"invalid UTF-8", "a\xff\xfeb", 20, "a\ufffd\ufffdb"},
		{"just fitting", "abcdef", 6, "abcdef"},
		{"cut", "abcdefg", 6, "abc..."},
		{"cut between characters", "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9", 6, "\u00e9\u00e9\u00e9..."},
		{"escapes just fitting", "a&", 6, "a&amp;"},
		{"never cut inside an escape", "ab&&", 9, "ab..."},
		{"cut before anything fits", "&&&&", 6, "..."},
		{"empty", "", 6, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := clean(test.in, test.limit); got != test.want {
				t.Errorf("clean(%q, %d) = %q, want %q", test.in, test.limit, got, test.want)
			}
		})
	}
}

func TestCleanKeepsItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		limit := rapid.IntRange(4, 50).Draw(t, "limit")
		got := clean(s, limit)
		if n := utf8.RuneCountInString(got); n > limit {
			t.Errorf("clean(%q, %d) = %q, %d characters", s, limit, got, n)
		}
		if strings.ContainsAny(got, "<>`\n") || strings.Contains(withoutEscapes(got), "&") {
			t.Errorf("clean(%q, %d) = %q, not safe", s, limit, got)
		}
	})
}

// withoutEscapes takes Slack's three escapes out of a text, which leaves an
// ampersand only where one was not escaped.
func withoutEscapes(s string) string {
	return strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(s)
}

func TestCode(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "9002026112", "`9002026112`"},
		{"a backtick cannot end it", "a`b", "`a'b`"},
		{"empty", "", "none"},
		{"nothing that shows", "\n \x00", "none"},
		{"cut", "0123456789abc", "`0123456...`"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := code(test.in, 10); got != test.want {
				t.Errorf("code(%q, 10) = %q, want %q", test.in, got, test.want)
			}
		})
	}
}

func TestClock(t *testing.T) {
	now := time.Date(2026, 11, 23, 3, 5, 59, 0, time.UTC)
	tests := []struct {
		name string
		t    time.Time
		want string
	}{
		{"the same day", now.Add(-time.Hour), "02:05 UTC"},
		{"the day before", now.Add(-4 * time.Hour), "2026-11-22 23:05 UTC"},
		{"another zone", now.In(time.FixedZone("", 12*3600)), "03:05 UTC"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := clock(test.t, now); got != test.want {
				t.Errorf("clock(%v) = %q, want %q", test.t, got, test.want)
			}
		})
	}
}
