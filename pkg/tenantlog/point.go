package tenantlog

import (
	"fmt"
	"time"
)

// Point is a place in a tenant's log as an operator writes it: a log_id, an
// RFC 3339 time, or a date, which means the start of that day in UTC.
type Point struct {
	// ID is set where a log_id was written, Time where a time or date was.
	ID   ID
	Time time.Time
}

// minWrittenDigits is the fewest digits that are taken for a log_id in what a
// person wrote: fewer are a slip, such as a date without its hyphens.
const minWrittenDigits = 40

// ParsePoint reads a log_id, a time or a date.
func ParsePoint(s string) (Point, error) {
	if digitsOnly(s) && len(s) >= minWrittenDigits {
		id, err := ParseID(s)
		return Point{ID: id}, err
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && inID(t.UTC()) {
			return Point{Time: t.UTC()}, nil
		}
	}
	return Point{}, fmt.Errorf("%q: expected a log_id (%d digits), an RFC 3339 time such as 2026-11-23T10:00:00Z, or a date such as 2026-11-23",
		clip(s), idDigits)
}

// inID reports whether an id can be made from t: a zone can move a time of the
// first or the last year out of the years of four digits.
func inID(t time.Time) bool {
	return t.Year() >= 0 && t.Year() <= 9999
}

// After is the id after which a walk begins whose first event lies at the
// point: a log_id itself is left out, a time's own events are not.
func (p Point) After() ID {
	if p.ID != "" {
		return p.ID
	}
	return At(p.Time)
}

// From is like After, but a log_id is itself part of the walk. One that was made
// of a time is no event's, and what is below it would be no time's.
func (p Point) From() ID {
	if p.ID.Made() {
		return p.ID
	}
	if p.ID != "" {
		return p.ID.Before()
	}
	return At(p.Time)
}

// When is the point's place in time, if it has one.
func (p Point) When() (time.Time, bool) {
	if p.ID != "" {
		return p.ID.Time()
	}
	return p.Time, true
}
