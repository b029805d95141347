package tenantlog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MaxRetention is the longest that Auth0 keeps a log event, on any plan
// (Auth0's documentation, "Log Data Retention").
const MaxRetention = 30 * 24 * time.Hour

// Stretch is a bounded part of a tenant's log: the events after After, up to
// and including To.
type Stretch struct {
	After ID `json:"after"`
	To    ID `json:"to"`
}

// ParseStretch reads the two ends of a stretch as operators and schedules write
// them: a log_id, which belongs to it at either end, a time or a date, up to
// which it goes without it, or how long before now, such as -26h or -7d.
func ParseStretch(from, to string, now time.Time) (Stretch, error) {
	first, err := parseEnd("from", from, now)
	if err != nil {
		return Stretch{}, err
	}
	last, err := parseEnd("to", to, now)
	if err != nil {
		return Stretch{}, err
	}
	s := Stretch{After: first.From(), To: last.After()}
	if s.After >= s.To {
		return Stretch{}, fmt.Errorf("from %s is not before to %s: expected the earlier end first", clip(from), clip(to))
	}
	return s, nil
}

func parseEnd(name, s string, now time.Time) (Point, error) {
	if s == "" {
		return Point{}, fmt.Errorf("%s is missing: expected %s", name, expectedEnd)
	}
	if ago, ok := parseAgo(s); ok {
		return Point{Time: now.Add(-ago).UTC()}, nil
	}
	p, err := ParsePoint(s)
	if err != nil {
		return Point{}, fmt.Errorf("%s is %q: expected %s", name, clip(s), expectedEnd)
	}
	if _, known := p.When(); !known || p.ID != "" && len(p.ID) != idDigits {
		return Point{}, fmt.Errorf("%s is %q: a log_id has %d digits, and after the first three the time of its event", name, clip(s), idDigits)
	}
	return p, nil
}

const expectedEnd = "a log_id, an RFC 3339 time such as 2026-11-23T10:00:00Z, a date such as 2026-11-23, or how long ago, such as -26h or -7d"

// parseAgo reads a time before now: a minus, digits, and d or h or m.
func parseAgo(s string) (time.Duration, bool) {
	digits, ok := strings.CutPrefix(s, "-")
	if !ok || len(digits) < 2 {
		return 0, false
	}
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute}[digits[len(digits)-1]]
	n, err := strconv.ParseUint(digits[:len(digits)-1], 10, 16)
	if err != nil || unit == 0 {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// Times are the stretch's ends in time; ok is false where an id has none.
func (s Stretch) Times() (from, to time.Time, ok bool) {
	from, ok1 := s.After.Time()
	to, ok2 := s.To.Time()
	return from, to, ok1 && ok2
}

// CheckRetention refuses a stretch of which Auth0 keeps nothing any more, and
// reports from when on it keeps the rest: the zero time where it is all there.
// The retention 0 stands for one that is not known.
func (s Stretch) CheckRetention(retention time.Duration, now time.Time) (kept time.Time, err error) {
	if retention == 0 {
		retention = MaxRetention
	}
	oldest := now.Add(-retention).UTC()
	from, to, ok := s.Times()
	switch {
	case !ok || !from.Before(oldest):
		return time.Time{}, nil
	case !to.After(oldest):
		return time.Time{}, fmt.Errorf("to lies before %s: Auth0 keeps the events of %d days, so none of the range is left",
			oldest.Format(time.RFC3339), int(retention.Hours()/24))
	}
	return oldest, nil
}
