package slack

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ellipsis ends a text that was cut.
const ellipsis = "..."

// clean makes a text from outside safe to show: on one line, valid, without
// characters that do not show, and with Slack's three control characters
// escaped, so that it can neither mention nor link ("Formatting message text",
// "Escaping text"). Backticks become apostrophes, so that it stays inside the
// code span around it. The result has at most limit runes; what is cut is cut
// between characters, never inside an escape. limit is at least 4.
func clean(s string, limit int) string {
	var b strings.Builder
	size, cut := 0, 0
	for _, r := range s {
		piece := escape(r)
		n := utf8.RuneCountInString(piece)
		if size+n > limit {
			return b.String()[:cut] + ellipsis
		}
		b.WriteString(piece)
		size += n
		if size <= limit-len(ellipsis) {
			cut = b.Len()
		}
	}
	return b.String()
}

func escape(r rune) string {
	switch {
	case r == '&':
		return "&amp;"
	case r == '<':
		return "&lt;"
	case r == '>':
		return "&gt;"
	case r == '`':
		return "'"
	case !unicode.IsGraphic(r):
		return " "
	}
	return string(r)
}

// code is clean as a code span, for what is to be copied: limit bounds the
// text without the two backticks. A code span cannot be empty.
func code(s string, limit int) string {
	s = clean(s, limit)
	if strings.TrimSpace(s) == "" {
		return "none"
	}
	return "`" + s + "`"
}

// number writes n with commas between thousands.
func number[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	first := len(s) - len(strings.TrimPrefix(s, "-")) + 1
	for i := len(s) - 3; i >= first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// count is number with what is counted: "1 event", "1,200 events".
func count[T int | int64](n T, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + one + "s"
}

// span says a length of time in its two largest units: "2 h 5 min".
func span(seconds int64) string {
	units := []struct {
		seconds int64
		name    string
	}{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}
	for i, u := range units {
		if seconds < u.seconds {
			continue
		}
		words := number(seconds/u.seconds) + " " + u.name
		if i+1 < len(units) {
			if rest := seconds % u.seconds / units[i+1].seconds; rest > 0 {
				words += " " + number(rest) + " " + units[i+1].name
			}
		}
		return words
	}
	return "under 1 s"
}

// between is the span from one time to another.
func between(from, to time.Time) string { return span(int64(to.Sub(from) / time.Second)) }

// date writes a time with its day.
func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// clock writes a time without its day where that is the day of now.
func clock(t, now time.Time) string {
	if t.UTC().Format(time.DateOnly) == now.UTC().Format(time.DateOnly) {
		return t.UTC().Format("15:04 UTC")
	}
	return date(t)
}

// volume writes a number of bytes in the largest unit that it fills.
func volume(bytes int64) string {
	units := []string{"bytes", "KB", "MB", "GB", "TB"}
	f, u := float64(bytes), 0
	for f >= 1000 && u < len(units)-1 {
		f /= 1000
		u++
	}
	if u == 0 {
		return number(bytes) + " " + units[u]
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[u]
}
