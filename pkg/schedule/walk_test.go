package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// matcher is some text of a cron field and, made along with it and not by
// reading it, what it matches.
type matcher struct {
	text    string
	matches func(time.Time) bool
}

// anyOf joins matchers as a field's list does.
func anyOf(terms []matcher) matcher {
	var texts []string
	for _, term := range terms {
		texts = append(texts, term.text)
	}
	return matcher{strings.Join(texts, ","), func(t time.Time) bool {
		for _, term := range terms {
			if term.matches(t) {
				return true
			}
		}
		return false
	}}
}

// values draws a term of a field whose value is of(t).
func values(f field, of func(time.Time) int) *rapid.Generator[matcher] {
	return rapid.Custom(func(t *rapid.T) matcher {
		first := rapid.IntRange(f.min, f.max).Draw(t, "first")
		step := rapid.IntRange(1, min(f.max, 40)).Draw(t, "step")
		least := f.min
		if !f.wraps {
			least = first
		}
		last := rapid.IntRange(least, f.max).Draw(t, "last")
		name := func(v int) string {
			if f.names != nil && rapid.Bool().Draw(t, "named") {
				return f.names[v-f.min]
			}
			return fmt.Sprint(v)
		}
		// from says how far a value lies after first, going round.
		from := func(v int) int { return (v - first + f.max - f.min + 1) % (f.max - f.min + 1) }
		switch rapid.SampledFrom([]string{"*", "v", "v", "v-w", "*/s", "v/s", "v-w/s"}).Draw(t, "form") {
		case "*":
			return matcher{"*", func(time.Time) bool { return true }}
		case "v":
			return matcher{name(first), func(t time.Time) bool { return of(t) == first }}
		case "v-w":
			return matcher{name(first) + "-" + name(last), func(t time.Time) bool { return from(of(t)) <= from(last) }}
		case "*/s":
			return matcher{fmt.Sprintf("*/%d", step), func(t time.Time) bool { return (of(t)-f.min)%step == 0 }}
		case "v/s":
			return matcher{fmt.Sprintf("%s/%d", name(first), step), func(t time.Time) bool { return of(t) >= first && (of(t)-first)%step == 0 }}
		}
		return matcher{fmt.Sprintf("%s-%s/%d", name(first), name(last), step), func(t time.Time) bool {
			return from(of(t)) <= from(last) && from(of(t))%step == 0
		}}
	})
}

func list(f field, of func(time.Time) int) *rapid.Generator[matcher] {
	return rapid.Map(rapid.SliceOfN(values(f, of), 1, 3), anyOf)
}

func workday(t time.Time) bool { return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday }

func sameMonth(t time.Time, days int) bool { return t.AddDate(0, 0, days).Month() == t.Month() }

// nearest reports whether t is the day from Monday to Friday that is nearest to
// a date of its month, found by asking all days.
func nearest(t time.Time, date int) bool {
	best, distance := 0, 99
	first, exists := t.AddDate(0, 0, 1-t.Day()), false
	for d := first; d.Month() == t.Month(); d = d.AddDate(0, 0, 1) {
		exists = exists || d.Day() == date
		if away := max(d.Day()-date, date-d.Day()); workday(d) && away < distance {
			best, distance = d.Day(), away
		}
	}
	return exists && best == t.Day()
}

var specialDates = rapid.Custom(func(t *rapid.T) matcher {
	n := rapid.IntRange(1, 31).Draw(t, "n")
	switch rapid.IntRange(0, 3).Draw(t, "special date") {
	case 0:
		return matcher{"L", func(t time.Time) bool { return !sameMonth(t, 1) }}
	case 1:
		n = min(n, 30)
		return matcher{fmt.Sprintf("L-%d", n), func(t time.Time) bool { return sameMonth(t, n) && !sameMonth(t, n+1) }}
	case 2:
		return matcher{"LW", func(t time.Time) bool {
			for d := 1; sameMonth(t, d); d++ {
				if workday(t.AddDate(0, 0, d)) {
					return false
				}
			}
			return workday(t)
		}}
	}
	return matcher{fmt.Sprintf("%dW", n), func(t time.Time) bool { return nearest(t, n) }}
})

var specialWeekdays = rapid.Custom(func(t *rapid.T) matcher {
	day := rapid.SampledFrom([]time.Weekday{0, 1, 2, 3, 4, 5, 6}).Draw(t, "weekday")
	name := rapid.SampledFrom([]string{strings.ToUpper(day.String()[:3]), fmt.Sprint(int(day) + 1)}).Draw(t, "name")
	n := rapid.IntRange(1, 5).Draw(t, "n")
	if rapid.Bool().Draw(t, "last") {
		return matcher{name + "L", func(t time.Time) bool { return t.Weekday() == day && !sameMonth(t, 7) }}
	}
	return matcher{fmt.Sprintf("%s#%d", name, n), func(t time.Time) bool { return t.Weekday() == day && (t.Day()+6)/7 == n }}
})

var unused = matcher{"?", func(time.Time) bool { return true }}

// days draws the two fields that select days.
func days(t *rapid.T) (dates, weekdays matcher) {
	dates, weekdays = unused, unused
	switch rapid.IntRange(0, 3).Draw(t, "days") {
	case 0:
		dates = list(dateField, func(t time.Time) int { return t.Day() }).Draw(t, "dates")
	case 1:
		dates = anyOf(rapid.SliceOfN(specialDates, 1, 2).Draw(t, "special dates"))
	case 2:
		weekdays = list(weekdayField, func(t time.Time) int { return int(t.Weekday()) + 1 }).Draw(t, "weekdays")
	default:
		weekdays = specialWeekdays.Draw(t, "special weekday")
	}
	return dates, weekdays
}

// walk finds the next match as anyone would: minute by minute, over days that
// do not match.
func walk(after, end time.Time, day, minute func(time.Time) bool) (time.Time, bool) {
	for t := after.Truncate(time.Minute).Add(time.Minute); t.Before(end); {
		switch {
		case !day(t):
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
		case minute(t):
			return t, true
		default:
			t = t.Add(time.Minute)
		}
	}
	return time.Time{}, false
}

// TestNextIsWhatAWalkFinds compares Next with the walk on random expressions,
// over the two years that follow.
func TestNextIsWhatAWalkFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := list(minuteField, time.Time.Minute).Draw(t, "minutes")
		hours := list(hourField, time.Time.Hour).Draw(t, "hours")
		dates, weekdays := days(t)
		months := list(monthField, func(t time.Time) int { return int(t.Month()) }).Draw(t, "months")
		years := rapid.OneOf(rapid.Just(matcher{"*", func(time.Time) bool { return true }}), list(yearField, time.Time.Year)).Draw(t, "years")
		text := fmt.Sprintf("cron(%s %s %s %s %s %s)", minutes.text, hours.text, dates.text, months.text, weekdays.text, years.text)
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		after := monday.Add(time.Duration(rapid.Int64Range(-4e8, 4e8).Draw(t, "after")) * time.Second)
		end := after.AddDate(2, 0, 0)
		day := func(t time.Time) bool {
			return years.matches(t) && months.matches(t) && dates.matches(t) && weekdays.matches(t)
		}
		want, found := walk(after, end, day, func(t time.Time) bool { return hours.matches(t) && minutes.matches(t) })
		got, ok := e.Next(after, time.Time{})
		switch {
		case found && got != want:
			t.Errorf("%s after %s: got %s, the walk found %s", text, after, got, want)
		case !found && ok && got.Before(end):
			t.Errorf("%s after %s: got %s, the walk found none", text, after, got)
		case ok && !got.After(after):
			t.Errorf("%s after %s: got %s, which is not after it", text, after, got)
		}
		later := after.Add(time.Duration(rapid.Int64Range(0, 1e7).Draw(t, "later")) * time.Second)
		if then, stillOK := e.Next(later, time.Time{}); stillOK && (!ok || then.Before(got)) {
			t.Errorf("%s: after %s it is %s, after %s it is %s", text, after, got, later, then)
		}
		if e.Words() == "" {
			t.Errorf("%s: no words", text)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	for _, text := range []string{"cron(0/5 * * * ? *)", "cron(15 3 ? * 6#5 *)", "cron(0 0 30 FEB ? *)"} {
		b.Run(text, func(b *testing.B) {
			e, err := Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				e.Next(monday, monday)
			}
		})
	}
}
