// Package words says numbers, lengths of time and volumes as people read them.
package words

import (
	"strconv"
	"strings"
	"time"
)

// Number writes n with commas between thousands.
func Number[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	first := len(s) - len(strings.TrimPrefix(s, "-")) + 1
	for i := len(s) - 3; i >= first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Count is Number with what is counted: "1 event", "1,200 events".
func Count[T int | int64](n T, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + one + "s"
}

// Span says a length of time in its two largest units: "2 h 5 min".
func Span(seconds int64) string {
	units := []struct {
		seconds int64
		name    string
	}{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}
	for i, u := range units {
		if seconds < u.seconds {
			continue
		}
		words := Number(seconds/u.seconds) + " " + u.name
		if i+1 < len(units) {
			if rest := seconds % u.seconds / units[i+1].seconds; rest > 0 {
				words += " " + Number(rest) + " " + units[i+1].name
			}
		}
		return words
	}
	return "under 1 s"
}

// Between is the Span from one time to another.
func Between(from, to time.Time) string { return Span(int64(to.Sub(from) / time.Second)) }

// Volume writes a number of bytes in the largest unit that it fills.
func Volume(bytes int64) string {
	units := []string{"bytes", "KB", "MB", "GB", "TB"}
	f, u := float64(bytes), 0
	for f >= 1000 && u < len(units)-1 {
		f /= 1000
		u++
	}
	if u == 0 {
		return Number(bytes) + " " + units[u]
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[u]
}

// maxReasons is how many reasons of an error are named.
const maxReasons = 3

// Reasons puts an error that names its reasons on a line each (errors.Join) on
// one line, with the first few of them.
func Reasons(err error) string {
	reasons := strings.Split(err.Error(), "\n")
	if more := len(reasons) - maxReasons; more > 0 {
		reasons = append(reasons[:maxReasons], "and "+Number(more)+" more")
	}
	return strings.Join(reasons, "; ")
}
