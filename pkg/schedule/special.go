package schedule

import "time"

// special is a day whose date depends on the month.
type special struct {
	kind    kind
	weekday time.Weekday // of lastWeekday and nthWeekday
	n       int          // see kind
}

// kind is how a special finds its date.
type kind int

const (
	beforeLast     kind = iota // L, L-n: n days before the last day
	lastWorkday                // LW: the last day from Monday to Friday
	nearestWorkday             // nW: the day from Monday to Friday that is nearest to day n
	lastWeekday                // 6L: the last one of a day of the week
	nthWeekday                 // 6#n: the n-th one of a day of the week
)

// month is what a date depends on.
type month struct {
	first time.Weekday // of day 1
	last  int          // day
}

func monthOf(t time.Time) month {
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	return month{first.Weekday(), first.AddDate(0, 1, -1).Day()}
}

const daysOfWeek = 7

// weekday is the day of the week of a date.
func (m month) weekday(date int) time.Weekday {
	return (m.first + time.Weekday(date-1)) % daysOfWeek
}

// workday is the day from Monday to Friday, of the same month, that is nearest
// to a date.
func (m month) workday(date int) int {
	switch m.weekday(date) {
	case time.Saturday:
		if date == 1 {
			return date + 2
		}
		return date - 1
	case time.Sunday:
		if date == m.last {
			return date - 2
		}
		return date + 1
	}
	return date
}

// date is the special's date in a month, 0 where the month has none.
func (s special) date(m month) int {
	date := 0
	switch s.kind {
	case beforeLast:
		date = m.last - s.n
	case lastWorkday:
		date = m.workday(m.last)
	case nearestWorkday:
		if s.n <= m.last {
			date = m.workday(s.n)
		}
	case lastWeekday:
		date = m.last - int(m.weekday(m.last)-s.weekday+daysOfWeek)%daysOfWeek
	case nthWeekday:
		date = 1 + int(s.weekday-m.first+daysOfWeek)%daysOfWeek + (s.n-1)*daysOfWeek
	}
	if date < 1 || date > m.last {
		return 0
	}
	return date
}
