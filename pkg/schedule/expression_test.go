package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// monday is a Monday in a month whose last day is a Monday.
var monday = time.Date(2026, 11, 23, 10, 5, 3, 0, time.UTC)

func parse(t *testing.T, text string) Expression {
	t.Helper()
	e, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestNext has the examples of EventBridge's user guide ("Cron expressions
// reference", "Rate expressions reference"), and what is easily read otherwise.
func TestNext(t *testing.T) {
	const layout = "Mon 2006-01-02 15:04"
	for _, row := range []struct {
		name, text string
		want       string // comma-separated, from monday on
	}{
		{"guide: every day", "cron(0 10 * * ? *)", "Tue 2026-11-24 10:00, Wed 2026-11-25 10:00"},
		{"guide: a quarter past noon", "cron(15 12 * * ? *)", "Mon 2026-11-23 12:15, Tue 2026-11-24 12:15"},
		{"guide: Monday to Friday", "cron(0 18 ? * MON-FRI *)", "Mon 2026-11-23 18:00, Tue 2026-11-24 18:00, Wed 2026-11-25 18:00, Thu 2026-11-26 18:00, Fri 2026-11-27 18:00, Mon 2026-11-30 18:00"},
		{"guide: first day of the month", "cron(0 8 1 * ? *)", "Tue 2026-12-01 08:00, Fri 2027-01-01 08:00"},
		{"guide: every 15 minutes", "cron(0/15 * * * ? *)", "Mon 2026-11-23 10:15, Mon 2026-11-23 10:30, Mon 2026-11-23 10:45, Mon 2026-11-23 11:00"},
		{"guide: every 10 minutes on weekdays", "cron(0/10 * ? * MON-FRI *)", "Mon 2026-11-23 10:10, Mon 2026-11-23 10:20"},
		{"guide: working hours", "cron(0/5 8-17 ? * MON-FRI *)", "Mon 2026-11-23 10:10, Mon 2026-11-23 10:15"},
		{"guide: hours over midnight", "cron(0/30 20-2 ? * MON-FRI *)", "Mon 2026-11-23 20:00, Mon 2026-11-23 20:30, Mon 2026-11-23 21:00, Mon 2026-11-23 21:30, Mon 2026-11-23 22:00, Mon 2026-11-23 22:30, Mon 2026-11-23 23:00, Mon 2026-11-23 23:30, Tue 2026-11-24 00:00"},
		{"guide: last Friday, some years", "cron(15 10 ? * 6L 2019-2026)", "Fri 2026-11-27 10:15, Fri 2026-12-25 10:15, never"},
		{"guide: second Tuesday", "cron(0 9 ? * 3#2 *)", "Tue 2026-12-08 09:00, Tue 2027-01-12 09:00"},
		{"guide: weekday nearest to the third", "cron(0 9 3W * ? *)", "Thu 2026-12-03 09:00, Mon 2027-01-04 09:00, Wed 2027-02-03 09:00, Wed 2027-03-03 09:00, Fri 2027-04-02 09:00"},
		{"guide: minutes from 1 in tens", "cron(1/10 * * * ? *)", "Mon 2026-11-23 10:11, Mon 2026-11-23 10:21"},

		{"every minute", "cron(* * * * ? *)", "Mon 2026-11-23 10:06, Mon 2026-11-23 10:07"},
		{"1 is Sunday", "cron(0 9 ? * 1 *)", "Sun 2026-11-29 09:00"},
		{"7 is Saturday", "cron(0 9 ? * 7 *)", "Sat 2026-11-28 09:00"},
		{"L is Saturday in each week", "cron(0 9 ? * L *)", "Sat 2026-11-28 09:00, Sat 2026-12-05 09:00"},
		{"L in a list of days of the week", "cron(0 9 ? * TUE,L *)", "Tue 2026-11-24 09:00, Sat 2026-11-28 09:00, Tue 2026-12-01 09:00"},
		{"numbers as names", "cron(0 9 ? 12 2-3 *)", "Tue 2026-12-01 09:00, Mon 2026-12-07 09:00"},
		{"names in small letters", "cron(0 9 ? dec mon-tue *)", "Tue 2026-12-01 09:00, Mon 2026-12-07 09:00"},
		{"days of the week over the end", "cron(0 9 ? * FRI-MON *)", "Fri 2026-11-27 09:00, Sat 2026-11-28 09:00, Sun 2026-11-29 09:00, Mon 2026-11-30 09:00, Fri 2026-12-04 09:00"},
		{"months over the end", "cron(0 9 1 DEC-FEB ? *)", "Tue 2026-12-01 09:00, Fri 2027-01-01 09:00, Mon 2027-02-01 09:00, Wed 2027-12-01 09:00"},
		{"step over the end", "cron(0 22-4/3 * * ? *)", "Mon 2026-11-23 22:00, Tue 2026-11-24 01:00, Tue 2026-11-24 04:00, Tue 2026-11-24 22:00"},
		{"step in a range", "cron(0-20/10 11 * * ? *)", "Mon 2026-11-23 11:00, Mon 2026-11-23 11:10, Mon 2026-11-23 11:20, Tue 2026-11-24 11:00"},
		{"step of a star counts from the least", "cron(0 0 */10 * ? *)", "Tue 2026-12-01 00:00, Fri 2026-12-11 00:00, Mon 2026-12-21 00:00, Thu 2026-12-31 00:00"},
		{"step in days of the week", "cron(0 9 ? * MON/2 *)", "Wed 2026-11-25 09:00, Fri 2026-11-27 09:00, Mon 2026-11-30 09:00"},
		{"step in years", "cron(0 0 1 1 ? 2027/2)", "Fri 2027-01-01 00:00, Mon 2029-01-01 00:00"},
		{"list", "cron(5,50 10,12 * * ? *)", "Mon 2026-11-23 10:50, Mon 2026-11-23 12:05, Mon 2026-11-23 12:50, Tue 2026-11-24 10:05"},
		{"last day", "cron(0 0 L * ? *)", "Mon 2026-11-30 00:00, Thu 2026-12-31 00:00, Sun 2027-01-31 00:00, Sun 2027-02-28 00:00"},
		{"last day of a leap year's February", "cron(0 0 L 2 ? 2028)", "Tue 2028-02-29 00:00, never"},
		{"days before the last", "cron(0 0 L-2 * ? *)", "Sat 2026-11-28 00:00, Tue 2026-12-29 00:00"},
		{"last day and a date", "cron(0 0 15,L * ? *)", "Mon 2026-11-30 00:00, Tue 2026-12-15 00:00, Thu 2026-12-31 00:00"},
		{"last weekday", "cron(0 0 LW * ? *)", "Mon 2026-11-30 00:00, Thu 2026-12-31 00:00, Fri 2027-01-29 00:00, Fri 2027-02-26 00:00"},
		{"1W of a month that begins on a Saturday", "cron(0 0 1W 5 ? *)", "Mon 2027-05-03 00:00, Mon 2028-05-01 00:00"},
		{"30W of a month that ends on a Sunday", "cron(0 0 30W 4,5 ? 2028)", "Fri 2028-04-28 00:00, Tue 2028-05-30 00:00, never"},
		{"31W of months without it", "cron(0 0 31W * ? 2027)", "Fri 2027-01-29 00:00, Wed 2027-03-31 00:00, Mon 2027-05-31 00:00, Fri 2027-07-30 00:00, Tue 2027-08-31 00:00, Fri 2027-10-29 00:00, Fri 2027-12-31 00:00, never"},
		{"last Friday by name", "cron(0 0 ? * FRIL *)", "Fri 2026-11-27 00:00, Fri 2026-12-25 00:00"},
		{"fifth Monday", "cron(0 0 ? * 2#5 *)", "Mon 2026-11-30 00:00, Mon 2027-03-29 00:00"},
		{"leap day", "cron(0 12 29 FEB ? *)", "Tue 2028-02-29 12:00, Sun 2032-02-29 12:00"},
		{"no such day", "cron(0 0 30 FEB ? *)", "never"},
		{"years over", "cron(0 0 1 1 ? 2026)", "never"},
		{"last year of all", "cron(59 23 31 12 ? 2199)", "Tue 2199-12-31 23:59, never"},
		{"more spaces", "cron( 0  10\t* * ? * )", "Tue 2026-11-24 10:00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			e, want := parse(t, row.text), strings.Split(row.want, ", ")
			var got []string
			for at := monday; len(got) < len(want); {
				next, ok := e.Next(at, time.Time{})
				if !ok {
					got = append(got, "never")
					break
				}
				got, at = append(got, next.Format(layout)), next
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.text, diff)
			}
		})
	}
}

func TestNextOfRate(t *testing.T) {
	at := func(clock string) time.Time {
		v, err := time.Parse("2006-01-02 15:04:05", "2026-11-"+clock)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, row := range []struct{ name, text, after, last, want string }{
		{"just fired", "rate(5 minutes)", "23 10:05:03", "23 10:05:03", "23 10:10:03"},
		{"on the way", "rate(5 minutes)", "23 10:07:00", "23 10:05:03", "23 10:10:03"},
		{"exactly due", "rate(1 minute)", "23 10:06:03", "23 10:05:03", "23 10:07:03"},
		{"ticks missed", "rate(1 hour)", "24 10:00:00", "23 10:05:03", "24 10:05:03"},
		{"days", "rate(2 days)", "24 10:00:00", "23 10:05:03", "25 10:05:03"},
		{"last to come", "rate(5 minutes)", "23 09:58:00", "23 10:05:03", "23 10:00:03"},
		{"last to come, exactly", "rate(5 minutes)", "23 10:00:03", "23 10:05:03", "23 10:05:03"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, ok := parse(t, row.text).Next(at(row.after), at(row.last))
			if want := at(row.want); !ok || got != want {
				t.Errorf("got %s, %v; want %s", got, ok, want)
			}
		})
	}
	if next, ok := parse(t, "rate(5 minutes)").Next(monday, time.Time{}); ok {
		t.Errorf("got %s from nothing known, want false", next)
	}
}

// TestNextIsUTC gives times of another zone.
func TestNextIsUTC(t *testing.T) {
	here := monday.In(time.FixedZone("UTC+9", 9*60*60))
	for text, want := range map[string]time.Time{
		"cron(0 11 * * ? *)": time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC),
		"rate(1 minute)":     monday.Add(time.Minute),
	} {
		if got, ok := parse(t, text).Next(here, here); !ok || got != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, ok, want)
		}
	}
}

// TestNextOutsideTheYears gives times that no expression can speak of.
func TestNextOutsideTheYears(t *testing.T) {
	e := parse(t, "cron(0 0 1 1 ? *)")
	early, late := time.Date(-4000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	if got, ok := e.Next(early, early); !ok || got != time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC) {
		t.Errorf("got %s, %v; want the beginning of 1970", got, ok)
	}
	if got, ok := e.Next(late, late); ok {
		t.Errorf("got %s, want none", got)
	}
}

func TestNextOfRateGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instant := rapid.Custom(func(t *rapid.T) time.Time {
			return monday.Add(time.Duration(rapid.Int64Range(-1e9, 1e9).Draw(t, "s"))*time.Second + time.Duration(rapid.IntRange(0, 999).Draw(t, "ms"))*time.Millisecond)
		})
		minutes := rapid.IntRange(2, 5000).Draw(t, "minutes")
		e, err := Parse(fmt.Sprintf("rate(%d minutes)", minutes))
		if err != nil {
			t.Fatal(err)
		}
		interval := time.Duration(minutes) * time.Minute
		after, last := instant.Draw(t, "after"), instant.Draw(t, "last")
		next, ok := e.Next(after, last)
		if !ok || !next.After(after) || next.Sub(after) > interval || next.Sub(last)%interval != 0 {
			t.Errorf("%s after %s, last %s: got %s, %v", interval, after, last, next, ok)
		}
	})
}

func TestParseRefuses(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"empty", "", "neither rate(...) nor cron(...)"},
		{"neither", "every(5 minutes)", "neither rate(...) nor cron(...)"},
		{"no bracket", "rate", "neither"},
		{"not closed", "rate(5 minutes", "neither"},
		{"space before", " rate(5 minutes)", "neither"},
		{"space after", "rate(5 minutes) ", "neither"},
		{"capitals", "RATE(5 minutes)", "neither"},
		{"one time", "at(2026-11-23T10:00:00)", "neither"},
		{"too long", "cron(" + strings.Repeat("1,", 200) + "1 * * * ? *)", "at most 256"},

		{"rate: empty", "rate()", "a whole number and a unit"},
		{"rate: no unit", "rate(10)", "a whole number and a unit"},
		{"rate: seconds", "rate(10 seconds)", "a whole number and a unit"},
		{"rate: years", "rate(10 years)", "a whole number and a unit"},
		{"rate: typo", "rate(10 minutess)", "a whole number and a unit"},
		{"rate: no number", "rate(foo minutes)", "a whole number and a unit"},
		{"rate: negative", "rate(-10 minutes)", "a whole number and a unit"},
		{"rate: fraction", "rate(1.5 hours)", "a whole number and a unit"},
		{"rate: capitals", "rate(10 MINUTES)", "a whole number and a unit"},
		{"rate: spaces", "rate( 10 minutes )", "a whole number and a unit"},
		{"rate: zero", "rate(0 minutes)", "must be 1 or more"},
		{"rate: 1 plural", "rate(1 minutes)", "rate(1 minute)"},
		{"rate: 1 hours", "rate(1 hours)", "rate(1 hour)"},
		{"rate: 5 singular", "rate(5 minute)", "rate(5 minutes)"},
		{"rate: 10 day", "rate(10 day)", "rate(10 days)"},
		{"rate: beyond counting", "rate(36501 days)", "longer than 36500 days"},
		{"rate: beyond numbers", "rate(99999999999999999999 minutes)", "longer than 36500 days"},

		{"cron: empty", "cron()", "has 0 fields, expected 6: minutes hours day-of-month month day-of-week year"},
		{"cron: of Unix", "cron(0 10 * * MON)", "has 5 fields, expected 6"},
		{"cron: with seconds", "cron(0 0 10 * * ? *)", "has 7 fields, expected 6"},
		{"cron: commas between fields", "cron(0/5, 9-18, ?, *, MON-FRI, *)", `minutes "0/5,": "" is not in 0-59`},
		{"cron: two stars", "cron(0 10 * * * *)", "one of day-of-month and day-of-week must be ?"},
		{"cron: two days", "cron(0 10 1 * MON *)", "one of day-of-month and day-of-week must be ?"},
		{"cron: two marks", "cron(0 10 ? * ? *)", "both ?"},
		{"cron: mark in another field", "cron(? 10 * * ? *)", `minutes "?": "?" is not in 0-59`},
		{"cron: mark in a list", "cron(0 10 1,? * ? *)", "day-of-month"},
		{"cron: minute", "cron(60 10 * * ? *)", `"60" is not in 0-59`},
		{"cron: hour", "cron(0 24 * * ? *)", `"24" is not in 0-23`},
		{"cron: date", "cron(0 10 0 * ? *)", `"0" is not in 1-31`},
		{"cron: month", "cron(0 10 * 13 ? *)", `"13" is not in 1-12 or JAN-DEC`},
		{"cron: month's name", "cron(0 10 * JANUARY ? *)", `"JANUARY" is not in 1-12 or JAN-DEC`},
		{"cron: Sunday of Unix", "cron(0 10 ? * 0 *)", `"0" is not in 1-7 or SUN-SAT`},
		{"cron: day of the week", "cron(0 10 ? * MON-8 *)", `"8" is not in 1-7 or SUN-SAT`},
		{"cron: early year", "cron(0 10 * * ? 1969)", `"1969" is not in 1970-2199`},
		{"cron: late year", "cron(0 10 * * ? 2200)", `"2200" is not in 1970-2199`},
		{"cron: years backwards", "cron(0 10 * * ? 2027-2026)", "2027-2026 ends before it begins"},
		{"cron: negative", "cron(-5 10 * * ? *)", `"" is not in 0-59`},
		{"cron: open range", "cron(5- 10 * * ? *)", `"" is not in 0-59`},
		{"cron: two ranges", "cron(1-2-3 10 * * ? *)", `"2-3" is not in 0-59`},
		{"cron: step of 0", "cron(*/0 10 * * ? *)", `step "0" is not in 1-59`},
		{"cron: step as long as the hour", "cron(*/60 * * * ? *)", `step "60" is not in 1-59`},
		{"cron: no step", "cron(*/ 10 * * ? *)", `step "" is not in 1-59`},
		{"cron: two steps", "cron(1/2/3 10 * * ? *)", `step "2/3" is not in 1-59`},
		{"cron: step of nothing", "cron(/5 10 * * ? *)", `"" is not in 0-59`},
		{"cron: plus", "cron(+5 10 * * ? *)", `"+5" is not in 0-59`},
		{"cron: long number", "cron(00005 10 * * ? *)", `"00005" is not in 0-59`},
		{"cron: L in hours", "cron(0 L * * ? *)", `hours "L"`},
		{"cron: number after L", "cron(0 10 L3 * ? *)", `"L3" is not L, LW or L-3`},
		{"cron: before the last, too far", "cron(0 10 L-31 * ? *)", `"31" is not in 1-30`},
		{"cron: W alone", "cron(0 10 W * ? *)", `"" is not in 1-31`},
		{"cron: W of a range", "cron(0 10 1-15W * ? *)", `"1-15" is not in 1-31`},
		{"cron: W in days of the week", "cron(0 10 ? * 3W *)", `"3W" is not in 1-7 or SUN-SAT`},
		{"cron: last of no day", "cron(0 10 ? * 8L *)", `"8" is not in 1-7 or SUN-SAT`},
		{"cron: sixth Tuesday", "cron(0 10 ? * 3#6 *)", `"6" is not in 1-5`},
		{"cron: two of them", "cron(0 10 ? * 3#1,6#3 *)", "# must stand alone"},
		{"cron: # in dates", "cron(0 10 3#1 * ? *)", `"3#1" is not in 1-31`},
		{"cron: every mistake is named", "cron(60 24 * * ? 1969)", `minutes "60": "60" is not in 0-59; hours "24": "24" is not in 0-23; year "1969": "1969" is not in 1970-2199`},
	} {
		t.Run(row.name, func(t *testing.T) {
			e, err := Parse(row.text)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("Parse(%q): error %v, want one with %s", row.text, err, row.want)
			}
			if e.String() != "" {
				t.Errorf("Parse(%q) gives %s beside its error", row.text, e)
			}
		})
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"rate(1 minute)":     "every minute",
		"rate(5 minutes)":    "every 5 minutes",
		"rate(90 minutes)":   "every 90 minutes",
		"rate(60 minutes)":   "every hour",
		"rate(12 hours)":     "every 12 hours",
		"rate(1 day)":        "every day",
		"rate(2880 minutes)": "every 2 days",

		"cron(* * * * ? *)":            "every minute",
		"cron(0/15 * * * ? *)":         "every 15 minutes",
		"cron(0 * * * ? *)":            "every hour",
		"cron(5 * ? * * *)":            "every hour at minute 5",
		"cron(0 */2 * * ? *)":          "every 2 hours (UTC)",
		"cron(5 */2 * * ? *)":          "every 2 hours at minute 5 (UTC)",
		"cron(3,18 * * * ? *)":         "at minutes 3 and 18 of every hour",
		"cron(0/10 * ? * MON-FRI *)":   "every 10 minutes on weekdays (UTC)",
		"cron(0/5 8-17 ? * MON-FRI *)": "every 5 minutes from 08:00 to 17:55 on weekdays (UTC)",
		"cron(* 8 * * ? *)":            "every minute from 08:00 to 08:59 (UTC)",
		"cron(0 8-17 ? * 2-6 *)":       "every hour from 08:00 to 17:00 on weekdays (UTC)",
		"cron(0/30 20-2 * * ? *)":      "every 30 minutes of hours 0 to 2 and 20 to 23 (UTC)",
		"cron(1/2 3 * * ? *)":          "at minutes 1/2 of hour 3 every day (UTC)",
		"cron(7/13 2-9/3 * * ? *)":     "at minutes 7, 20, 33, 46 and 59 of hours 2, 5 and 8 every day (UTC)",
		"cron(15 0,1,5,7,9 * * ? *)":   "at minute 15 of hours 0, 1, 5, 7 and 9 every day (UTC)",
		"cron(0 10 * * ? *)":           "at 10:00 every day (UTC)",
		"cron(0 8,20 * * ? *)":         "at 08:00 and 20:00 every day (UTC)",
		"cron(0/15 8 * * ? *)":         "at 08:00, 08:15, 08:30 and 08:45 every day (UTC)",
		"cron(15 3 ? * MON-FRI *)":     "at 03:15 on weekdays (UTC)",
		"cron(15 3 ? * SAT,SUN *)":     "at 03:15 on weekends (UTC)",
		"cron(15 3 ? * 2,4,6 *)":       "at 03:15 on Mondays, Wednesdays and Fridays (UTC)",
		"cron(15 3 ? * L *)":           "at 03:15 on Saturdays (UTC)",
		"cron(15 3 ? JAN MON-FRI *)":   "at 03:15 on weekdays in January (UTC)",
		"cron(15 3 ? * 6L 2026-2028)":  "at 03:15 on the last Friday of the month in 2026 to 2028 (UTC)",
		"cron(15 3 ? * 2#1 *)":         "at 03:15 on the first Monday of the month (UTC)",
		"cron(15 3 ? MAY 5#5 *)":       "at 03:15 on the fifth Thursday of May (UTC)",
		"cron(15 3 ? * MON,6L *)":      "at 03:15 on Mondays and the last Friday of the month (UTC)",
		"cron(0 8 1 * ? *)":            "at 08:00 on day 1 of the month (UTC)",
		"cron(0 8 1,15,L * ? *)":       "at 08:00 on days 1 and 15 and the last day of the month (UTC)",
		"cron(0 8 1-7 JAN,JUL ? *)":    "at 08:00 on days 1 to 7 of January and July (UTC)",
		"cron(0 8 */2 * ? *)":          "at 08:00 on days */2 of the month (UTC)",
		"cron(0 8 * 6-8 ? *)":          "at 08:00 every day in June to August (UTC)",
		"cron(* * * 6 ? *)":            "every minute every day in June (UTC)",
		"cron(0 8 3W * ? *)":           "at 08:00 on the weekday nearest to day 3 of the month (UTC)",
		"cron(0 8 LW * ? 2027)":        "at 08:00 on the last weekday of the month in 2027 (UTC)",
		"cron(0 8 L-3 * ? *)":          "at 08:00 on the last day but 3 of the month (UTC)",
		"cron(0 8 * * ? 2027)":         "at 08:00 every day in 2027 (UTC)",
	} {
		if got := parse(t, text).Words(); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"rate(5 minutes)", "cron(0/5 8-17 ? * MON-FRI *)", "cron(15 10 ? * 6L 2019-2022)", "cron(1,2-9/3 22-4/3 L-3,LW,3W JAN-MAR ? 2027/2)",
		"cron(0 9 ? * FRI#3 *)", "cron(0 9 ? * L,2 *)", "cron(0 0 30 FEB ? *)", "cron(? ? ? ? ? ?)", "rate(99999999999999999999 days)", "cron(/ - , # L W)",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			if err.Error() == "" || e.String() != "" {
				t.Errorf("Parse(%q) = %q, %q", text, e, err)
			}
			return
		}
		if e.String() != text || e.Words() == "" {
			t.Errorf("%q is %q, in words %q", text, e, e.Words())
		}
		if next, ok := e.Next(monday, monday); ok && !next.After(monday) {
			t.Errorf("%q: next %s", text, next)
		}
	})
}
