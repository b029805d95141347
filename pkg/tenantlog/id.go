package tenantlog

import (
	"fmt"
	"strings"
	"time"
)

// ID is a log_id: decimal digits, 56 of them in every id seen since 2018.
// Comparing two IDs as strings (==, <, strings.Compare) gives the order in
// which Auth0 indexed their events. The zero value "" stands for "none" and is
// below every id.
//
// An id can be made from a time (At): Auth0 answers the events after it as it
// does for an id that exists.
type ID string

const (
	// madePrefix begins every id since 2018; the UTC time of indexing follows.
	madePrefix = "900"
	idDigits   = 56
	// maxDigits bounds what is believed to be an id at all.
	maxDigits = 128
	// secondLayout is the part of the time that both layouts of an id share;
	// three digits of milliseconds follow it (six of microseconds since 2023).
	secondLayout = "20060102150405"
)

// Oldest is below the id of every event that Auth0 may still have: no plan
// keeps one for longer than 30 days. It is a made id, of the year 2010.
const Oldest ID = "90020100101000000000000000000000000000000000000000000000"

// ParseID reads a log_id as Auth0 sends it. Only digits are asked for: Auth0
// has changed the layout twice and the order is all that matters.
func ParseID(s string) (ID, error) {
	if s == "" || len(s) > maxDigits || !digitsOnly(s) {
		return "", fmt.Errorf("log_id %q: expected 1 to %d decimal digits", clip(s), maxDigits)
	}
	return ID(s), nil
}

// At returns the id that lies before every event indexed at or after t, to the
// whole second: 900, the UTC time, zeros. The year of t must have four digits.
func At(t time.Time) ID {
	s := madePrefix + t.UTC().Format(secondLayout)
	return ID(s + strings.Repeat("0", idDigits-len(s)))
}

// Made reports whether the id is one that At makes: it stands for a time, and
// no event has it.
func (id ID) Made() bool {
	t, ok := id.Time()
	return ok && id == At(t)
}

// Time is when the event with this id was indexed, to the millisecond. It is
// not the event's own date, which may be seconds earlier. ok is false for an
// id of another layout (those before 2018).
func (id ID) Time() (t time.Time, ok bool) {
	s, found := strings.CutPrefix(string(id), madePrefix)
	if !found || len(s) < len(secondLayout)+3 {
		return time.Time{}, false
	}
	second, millis := s[:len(secondLayout)], s[len(secondLayout):len(secondLayout)+3]
	t, err := time.Parse(secondLayout+".000", second+"."+millis)
	return t, err == nil
}

// Before is the greatest id of the same length below id, for asking a service
// whose start is exclusive for id itself. The id of nothing but zeros has none
// and is returned as it is.
func (id ID) Before() ID {
	b := []byte(id)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] > '0' {
			b[i]--
			return ID(b)
		}
		b[i] = '9'
	}
	return id
}

func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// clip keeps a stranger's text short enough for an error.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
