package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Words is the expression in words: "every 5 minutes", "at 03:15 on weekdays
// (UTC)". What would become a long list is given as the expression writes it:
// "at minutes 1-59/2 of hour 3 every day (UTC)".
func (e Expression) Words() string {
	if e.every > 0 {
		return everyInterval(e.every)
	}
	return e.cron.words()
}

func everyInterval(d time.Duration) string {
	for _, unit := range []string{"day", "hour"} {
		if d%units[unit] == 0 {
			return every(int(d/units[unit]), unit)
		}
	}
	return every(int(d/time.Minute), "minute")
}

func every(n int, unit string) string {
	if n == 1 {
		return "every " + unit
	}
	return fmt.Sprintf("every %d %ss", n, unit)
}

// choice is what a field of an expression selects.
type choice struct {
	values []int
	all    bool
	// written is the field's own text.
	written string
}

func (f field) choice(s set, written string) choice {
	c := choice{written: written}
	for v := f.min; v <= f.max; v++ {
		if s.has(v - f.min) {
			c.values = append(c.values, v)
		}
	}
	c.all = len(c.values) == f.max-f.min+1
	return c
}

func (c *cron) words() string {
	minutes, hours := minuteField.choice(c.minutes, c.fields[0]), hourField.choice(c.hours, c.fields[1])
	when, days := timeWords(minutes, hours), c.dayWords()
	if years := yearField.choice(c.years, c.fields[5]); !years.all {
		days += " in " + years.list(strconv.Itoa)
	}
	switch {
	case days == everyDay && hours.all:
		return when // the same in every time zone
	case days == everyDay && !strings.HasPrefix(when, "at "):
		return when + " (UTC)"
	}
	return when + " " + days + " (UTC)"
}

// maxClockTimes is how many times of day are told one by one.
const maxClockTimes = 4

// timeWords are the times of day in words.
func timeWords(minutes, hours choice) string {
	once, minute := len(minutes.values) == 1, minutes.values[0]
	everyMinutes, everyHours := minutes.step(60), hours.step(24)
	switch {
	case len(minutes.values)*len(hours.values) <= maxClockTimes:
		return "at " + and(clockTimes(minutes, hours))
	case once && everyHours > 0 && minute == 0:
		return every(everyHours, "hour")
	case once && everyHours > 0:
		return fmt.Sprintf("%s at minute %d", every(everyHours, "hour"), minute)
	case once && hours.unbroken():
		return "every hour" + between(minutes, hours)
	case once || everyMinutes == 0:
		return "at " + minutes.counted("minute") + " of " + hours.counted("hour")
	case hours.all:
		return every(everyMinutes, "minute")
	case hours.unbroken():
		return every(everyMinutes, "minute") + between(minutes, hours)
	}
	return every(everyMinutes, "minute") + " of " + hours.counted("hour")
}

func clock(hour, minute int) string { return fmt.Sprintf("%02d:%02d", hour, minute) }

func clockTimes(minutes, hours choice) []string {
	var times []string
	for _, h := range hours.values {
		for _, m := range minutes.values {
			times = append(times, clock(h, m))
		}
	}
	return times
}

func between(minutes, hours choice) string {
	return fmt.Sprintf(" from %s to %s", clock(hours.values[0], minutes.values[0]), clock(hours.last(), minutes.last()))
}

// everyDay is what dayWords says of all days.
const everyDay = "every day"

// dayWords are the days and the months in words.
func (c *cron) dayWords() string {
	months := monthField.choice(c.months, c.fields[3])
	of, in := "the month", ""
	if !months.all {
		of = months.list(func(m int) string { return time.Month(m).String() })
		in = " in " + of
	}
	days := weekdayField.choice(c.days, c.fields[4])
	if c.byDate {
		days = dateField.choice(c.days, c.fields[2])
	}
	if days.all {
		return everyDay + in
	}
	if len(c.specials) == 0 && !c.byDate {
		return "on " + days.weekdays() + in
	}
	var parts []string
	switch {
	case len(days.values) == 0:
	case c.byDate:
		parts = append(parts, days.counted("day"))
	default:
		parts = append(parts, days.weekdays())
	}
	for _, s := range c.specials {
		parts = append(parts, s.words())
	}
	return "on " + and(parts) + " of " + of
}

// weekdays are days of the week in words.
func (c choice) weekdays() string {
	switch fmt.Sprint(c.values) {
	case "[2 3 4 5 6]":
		return "weekdays"
	case "[1 7]":
		return "weekends"
	}
	var names []string
	for _, v := range c.values {
		names = append(names, time.Weekday(v-1).String()+"s")
	}
	return and(names)
}

var ordinals = [...]string{1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth"}

func (s special) words() string {
	switch s.kind {
	case lastWorkday:
		return "the last weekday"
	case nearestWorkday:
		return fmt.Sprintf("the weekday nearest to day %d", s.n)
	case lastWeekday:
		return fmt.Sprintf("the last %s", s.weekday)
	case nthWeekday:
		return fmt.Sprintf("the %s %s", ordinals[s.n], s.weekday)
	}
	if s.n > 0 {
		return fmt.Sprintf("the last day but %d", s.n)
	}
	return "the last day"
}

func (c choice) last() int { return c.values[len(c.values)-1] }

// unbroken reports whether no value between the first and the last is left out.
func (c choice) unbroken() bool { return c.last()-c.values[0] == len(c.values)-1 }

// step is n where the values are all multiples of n below size, and n divides
// size; otherwise 0.
func (c choice) step(size int) int {
	n := size / len(c.values)
	if n*len(c.values) != size {
		return 0
	}
	for i, v := range c.values {
		if v != i*n {
			return 0
		}
	}
	return n
}

// counted is the values after what they count: "hour 3", "minutes 5 and 20",
// "every hour".
func (c choice) counted(unit string) string {
	switch {
	case c.all:
		return "every " + unit
	case len(c.values) == 1:
		return unit + " " + strconv.Itoa(c.values[0])
	}
	return unit + "s " + c.list(strconv.Itoa)
}

// maxListed is how many values and runs of values are listed.
const maxListed = 6

// list is the values, runs of three and more as "1 to 3"; what the expression
// writes where that would be long.
func (c choice) list(name func(int) string) string {
	var parts []string
	for i := 0; i < len(c.values); {
		end := i
		for end+1 < len(c.values) && c.values[end+1] == c.values[end]+1 {
			end++
		}
		if end < i+2 {
			end = i
			parts = append(parts, name(c.values[i]))
		} else {
			parts = append(parts, name(c.values[i])+" to "+name(c.values[end]))
		}
		i = end + 1
	}
	if len(parts) > maxListed {
		return c.written
	}
	return and(parts)
}

// and joins parts as a sentence does.
func and(parts []string) string {
	last := len(parts) - 1
	if last < 1 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}
