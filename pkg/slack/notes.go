package slack

import (
	"fmt"
	"strings"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/words"
)

const (
	// shortRetention is from how many hours left on a message warns that
	// events will expire.
	shortRetention = 24
	// How many of each are named in a message; their number is always told.
	namedEvents, namedTypes, namedWarnings = 3, 10, 5
)

// notes are what is to be known in every kind of message, the graver first.
func notes(r *export.Report) []string {
	var lines []string
	for _, n := range []string{
		gap(r.Gap),
		retention(r),
		rescued("Too old or too new for their stream, stored under the time of storing", r.Late),
		rescued("Too large, stored with the largest values left out", r.Slimmed),
		rescued("Not storable as received, stored wrapped", r.Wrapped),
		unknownTypes(r.UnknownTypes),
	} {
		if n != "" {
			lines = append(lines, n)
		}
	}
	return lines
}

func gap(g *export.Gap) string {
	if g == nil {
		return ""
	}
	return fmt.Sprintf("*Gap:* events between %s and %s may have expired at Auth0 before they were fetched.", date(g.From), date(g.To))
}

// retention warns while there is time. On a gap it is too late, and the gap
// says more.
func retention(r *export.Report) string {
	if r.Gap != nil || r.RetentionHoursLeft == nil || !(*r.RetentionHoursLeft < shortRetention) {
		return ""
	}
	when := "may expire at Auth0 at any time"
	if left := *r.RetentionHoursLeft; left > 0 {
		when = "expires at Auth0 in " + words.Span(int64(left*3600))
	}
	return "*Retention:* the next event to fetch " + when + "."
}

func rescued(how string, r export.Rescued) string {
	if r.Count == 0 {
		return ""
	}
	var ids []string
	for _, id := range r.First {
		ids = append(ids, string(id))
	}
	return fmt.Sprintf("*%s:* %s%s", how, words.Count(r.Count, "event"), named(ids, r.Count, namedEvents, maxID))
}

func unknownTypes(types []string) string {
	if len(types) == 0 {
		return ""
	}
	return "*Event types without a known level:* " + words.Number(len(types)) + named(types, len(types), namedTypes, maxWord)
}

// named lists the first few of total as code, each cut to limit.
func named(all []string, total, few, limit int) string {
	var shown []string
	for _, s := range all[:min(len(all), few)] {
		shown = append(shown, code(s, limit))
	}
	if len(shown) == 0 {
		return ""
	}
	list := " (" + strings.Join(shown, ", ")
	if total > len(shown) {
		list += ", ..."
	}
	return list + ")"
}

// warnings lists the first few of a run's warnings.
func warnings(all []string) string {
	lines := []string{"*Warnings*"}
	for _, w := range all[:min(len(all), namedWarnings)] {
		lines = append(lines, "- "+clean(w, maxWarning))
	}
	if more := len(all) - namedWarnings; more > 0 {
		lines = append(lines, "- and "+words.Number(more)+" more")
	}
	return strings.Join(lines, "\n")
}
