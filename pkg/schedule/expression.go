// Package schedule knows when the export runs: the EventBridge rules that start
// it, and what their schedule expressions mean.
package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Expression is a schedule expression of an EventBridge rule: rate(5 minutes)
// or cron(15 3 * * ? *). Parse makes one.
type Expression struct {
	text string
	// every is a rate's interval; 0 for a cron expression.
	every time.Duration
	cron  cron
}

const (
	// maxLength bounds an expression (API reference, PutRule).
	maxLength = 256
	// maxInterval bounds a rate where EventBridge names no bound: longer ones
	// cannot be counted in a time.Duration for long.
	maxInterval = 36500 * 24 * time.Hour
)

// Parse reads a schedule expression by EventBridge's rules (user guide, "Cron
// expressions reference" and "Rate expressions reference"). Times are UTC. Its
// errors are written for who typed the expression.
//
// Where the guide is silent it reads what has one meaning in Quartz, whose
// syntax this is: LW and L-3 as a day of the month, a step in days of the week,
// a range that runs over the end (20-2, FRI-MON). EventBridge has the last word
// when a rule is put.
func Parse(text string) (Expression, error) {
	kind, rest, _ := strings.Cut(text, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	e, err := Expression{text: text}, error(nil)
	switch {
	case len(text) > maxLength:
		return Expression{}, fmt.Errorf("the expression has %d characters, at most %d are allowed", len(text), maxLength)
	case kind == "rate" && closed:
		e.every, err = parseRate(inner)
	case kind == "cron" && closed:
		e.cron, err = parseCron(inner)
	default:
		err = fmt.Errorf("%q is neither rate(...) nor cron(...), such as rate(5 minutes) or cron(15 3 * * ? *)", text)
	}
	if err != nil {
		return Expression{}, err
	}
	return e, nil
}

// ratePattern is what stands in the brackets of a rate. EventBridge allows no
// other space and no capitals.
var ratePattern = regexp.MustCompile(`^([0-9]+) (minute|hour|day)(s?)$`)

var units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

func parseRate(inner string) (time.Duration, error) {
	m := ratePattern.FindStringSubmatch(inner)
	if m == nil {
		return 0, fmt.Errorf("rate(%s): expected a whole number and a unit, such as rate(5 minutes), rate(1 hour) or rate(1 day)", inner)
	}
	unit, plural := m[2], m[3] != ""
	n, err := strconv.Atoi(m[1])
	switch {
	case err != nil || n > int(maxInterval/units[unit]):
		return 0, fmt.Errorf("rate(%s): longer than %d days", inner, maxInterval/units["day"])
	case n == 0:
		return 0, fmt.Errorf("rate(%s): the number must be 1 or more", inner)
	case n == 1 && plural:
		return 0, fmt.Errorf("rate(%s): 1 takes the singular, rate(1 %s)", inner, unit)
	case n > 1 && !plural:
		return 0, fmt.Errorf("rate(%s): %d takes the plural, rate(%d %ss)", inner, n, n, unit)
	}
	return time.Duration(n) * units[unit], nil
}

// String is the expression as it was written.
func (e Expression) String() string { return e.text }

// Next is the first time after the given one, in UTC, that the expression
// makes due. Rules fire within the minute that begins then.
//
// A rate has no times of its own: EventBridge counts from a moment that it does
// not tell. Its ticks are taken to be whole intervals away from last, which is
// when the rule is last known to have fired, such as the start of the last run;
// a run starts some seconds after its tick, and so does what Next says. Where
// last is the zero time nothing is known, and the result is false. A cron
// expression does not look at last.
//
// The result is false too where a cron expression has no time left: its years
// are over, or its day is in no calendar.
func (e Expression) Next(after, last time.Time) (time.Time, bool) {
	if e.every == 0 {
		return e.cron.next(after)
	}
	if last.IsZero() {
		return time.Time{}, false
	}
	past := after.Sub(last)
	missed := past / e.every
	if past%e.every < 0 {
		missed-- // division rounds towards zero
	}
	return last.Add((missed + 1) * e.every).UTC(), true
}
