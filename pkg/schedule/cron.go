package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// set is some of a field's values, each as its distance from the least one.
type set [4]uint64

func (s *set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s *set) has(i int) bool { return s[i/64]>>(i%64)&1 == 1 }

// field is one of the six fields of a cron expression.
type field struct {
	name     string
	min, max int
	// names stand for the values from min on.
	names []string
	// wraps says that a range may run over the end: hours 20-2 are 20 to 23
	// and 0 to 2.
	wraps bool
}

// The fields in their order. Years are those that EventBridge documents.
var (
	minuteField  = field{name: "minutes", min: 0, max: 59, wraps: true}
	hourField    = field{name: "hours", min: 0, max: 23, wraps: true}
	dateField    = field{name: "day-of-month", min: 1, max: 31, wraps: true}
	monthField   = field{name: "month", min: 1, max: 12, wraps: true, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")}
	weekdayField = field{name: "day-of-week", min: 1, max: 7, wraps: true, names: strings.Fields("SUN MON TUE WED THU FRI SAT")}
	yearField    = field{name: "year", min: 1970, max: 2199}
)

const fieldNames = "minutes hours day-of-month month day-of-week year"

// cron is a parsed cron expression.
type cron struct {
	// fields are its six fields as written, in capitals.
	fields                        [6]string
	minutes, hours, months, years set
	// byDate says that the day-of-month field selects the days, and not the
	// day-of-week field.
	byDate bool
	// days are dates or, with byDate unset, days of the week.
	days set
	// specials are the days that depend on the month.
	specials []special
}

func parseCron(inner string) (cron, error) {
	words := strings.Fields(strings.ToUpper(inner))
	if len(words) != len(cron{}.fields) {
		return cron{}, fmt.Errorf("cron(%s) has %d fields, expected 6: %s", inner, len(words), fieldNames)
	}
	c := cron{fields: [6]string(words)}
	err := errors.Join(
		minuteField.parse(words[0], &c.minutes),
		hourField.parse(words[1], &c.hours),
		c.parseDays(words[2], words[4]),
		monthField.parse(words[3], &c.months),
		yearField.parse(words[5], &c.years),
	)
	if err != nil {
		return cron{}, fmt.Errorf("cron(%s): %s", inner, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return c, nil
}

// parseDays reads the two fields that select days, one of which must be left
// open with a question mark.
func (c *cron) parseDays(dates, weekdays string) error {
	switch {
	case dates == "?" && weekdays == "?":
		return errors.New("day-of-month and day-of-week are both ?, write * in one of them for every day")
	case dates != "?" && weekdays != "?":
		return errors.New("one of day-of-month and day-of-week must be ?, as it is not used")
	}
	c.byDate = weekdays == "?"
	if c.byDate {
		return c.parseTerms(dateField, dates, dateSpecial)
	}
	if strings.Contains(weekdays, "#") && strings.Contains(weekdays, ",") {
		return fmt.Errorf("day-of-week %q: # must stand alone", weekdays)
	}
	return c.parseTerms(weekdayField, weekdays, weekdaySpecial)
}

// parseTerms reads a field of days. What read knows for one that depends on the
// month becomes a special.
func (c *cron) parseTerms(f field, text string, read func(term string) (special, bool, error)) error {
	for term := range strings.SplitSeq(text, ",") {
		s, known, err := read(term)
		switch {
		case err != nil:
			return fmt.Errorf("%s %q: %w", f.name, text, err)
		case known:
			c.specials = append(c.specials, s)
		default:
			if err := f.parseTerm(term, &c.days); err != nil {
				return fmt.Errorf("%s %q: %w", f.name, text, err)
			}
		}
	}
	return nil
}

// dateSpecial reads L, LW, L-3 and 15W.
func dateSpecial(term string) (special, bool, error) {
	if term == "LW" {
		return special{kind: lastWorkday}, true, nil
	}
	if rest, ok := strings.CutPrefix(term, "L"); ok {
		if rest == "" {
			return special{kind: beforeLast}, true, nil
		}
		n, err := number(strings.TrimPrefix(rest, "-"), 1, dateField.max-1)
		if !strings.HasPrefix(rest, "-") {
			err = fmt.Errorf("%q is not L, LW or L-3", term)
		}
		return special{kind: beforeLast, n: n}, true, err
	}
	if day, ok := strings.CutSuffix(term, "W"); ok {
		n, err := dateField.value(day)
		return special{kind: nearestWorkday, n: n}, true, err
	}
	return special{}, false, nil
}

// weekdaySpecial reads 6L and 3#2. L alone does not depend on the month.
func weekdaySpecial(term string) (special, bool, error) {
	if day, ok := strings.CutSuffix(term, "L"); ok && day != "" {
		n, err := weekdayField.value(day)
		return special{kind: lastWeekday, weekday: time.Weekday(n - 1)}, true, err
	}
	if day, nth, ok := strings.Cut(term, "#"); ok {
		d, err := weekdayField.value(day)
		n, nthErr := number(nth, 1, 5)
		return special{kind: nthWeekday, weekday: time.Weekday(d - 1), n: n}, true, errors.Join(err, nthErr)
	}
	return special{}, false, nil
}

// parse adds the values of a field's text to s.
func (f field) parse(text string, s *set) error {
	for term := range strings.SplitSeq(text, ",") {
		if err := f.parseTerm(term, s); err != nil {
			return fmt.Errorf("%s %q: %w", f.name, text, err)
		}
	}
	return nil
}

// parseTerm adds the values of *, 5, 5-9, */15, 5/15 or 5-9/2 to s.
func (f field) parseTerm(term string, s *set) error {
	if f.name == weekdayField.name && term == "L" {
		term = "SAT" // the last day of every week
	}
	span, stepText, stepped := strings.Cut(term, "/")
	first, last, err := f.span(span, stepped)
	if err != nil {
		return err
	}
	step := 1
	if stepped {
		// PutRule refuses cron(*/60 * * * ? *).
		if step, err = number(stepText, 1, f.max); err != nil {
			return fmt.Errorf("step %w", err)
		}
	}
	size := f.max - f.min + 1
	if last < first {
		last += size
	}
	for v := first; v <= last; v += step {
		s.add((v - f.min) % size)
	}
	return nil
}

// span reads what stands before a step: *, 5 or 5-9. A single value with a step
// starts there and goes on to the end.
func (f field) span(text string, stepped bool) (first, last int, err error) {
	if text == "*" {
		return f.min, f.max, nil
	}
	from, to, isRange := strings.Cut(text, "-")
	if first, err = f.value(from); err != nil {
		return 0, 0, err
	}
	switch {
	case isRange:
		last, err = f.value(to)
	case stepped:
		last = f.max
	default:
		last = first
	}
	if err == nil && last < first && !f.wraps {
		err = fmt.Errorf("%s ends before it begins", text)
	}
	return first, last, err
}

// value reads one value of the field, a number or a name.
func (f field) value(text string) (int, error) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.min + i, nil
	}
	n, err := number(text, f.min, f.max)
	if err != nil && f.names != nil {
		err = fmt.Errorf("%w or %s-%s", err, f.names[0], f.names[len(f.names)-1])
	}
	return n, err
}

// number reads a whole number of at most four digits.
func number(text string, least, most int) (int, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || len(text) > 4 || n < uint64(least) || n > uint64(most) {
		return 0, fmt.Errorf("%q is not in %d-%d", text, least, most)
	}
	return int(n), nil
}

// next is the first minute after a time that the expression matches. It steps
// over what cannot match, the largest unit first.
func (c *cron) next(after time.Time) (time.Time, bool) {
	t := time.Date(yearField.min, time.January, 1, 0, 0, 0, 0, time.UTC)
	if !after.Before(t) {
		t = after.UTC().Truncate(time.Minute).Add(time.Minute)
	}
	for t.Year() <= yearField.max {
		year, month, day := t.Date()
		switch {
		case !c.years.has(year - yearField.min):
			t = time.Date(year+1, time.January, 1, 0, 0, 0, 0, time.UTC)
		case !c.months.has(int(month) - monthField.min):
			t = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.onDay(t):
			t = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case !c.hours.has(t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !c.minutes.has(t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t, true
		}
	}
	return time.Time{}, false
}

// onDay reports whether the expression selects the day of t.
func (c *cron) onDay(t time.Time) bool {
	if c.byDate && c.days.has(t.Day()-dateField.min) || !c.byDate && c.days.has(int(t.Weekday())) {
		return true
	}
	if len(c.specials) == 0 {
		return false
	}
	m := monthOf(t)
	return slices.ContainsFunc(c.specials, func(s special) bool { return s.date(m) == t.Day() })
}
