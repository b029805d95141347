package slack

import (
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

// date writes a time with its day.
func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// clock writes a time without its day where that is the day of now.
func clock(t, now time.Time) string {
	if t.UTC().Format(time.DateOnly) == now.UTC().Format(time.DateOnly) {
		return t.UTC().Format("15:04 UTC")
	}
	return date(t)
}
