package slack

import (
	"fmt"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// namedTallies is how many times and types of a verification a message names.
const namedTallies = 5

// verified is the end of a verification that found something wrong, over all
// its runs.
func verified(r *export.Report) story {
	v := r.Verify
	if v == nil {
		return story{title: "verification at " + clock(r.Ended, r.Ended), lead: standing(r)}
	}
	s := story{
		title: fmt.Sprintf("%s missing, %s double", words.Count(v.Missing, "event"), words.Number(v.Double)),
		lead: fmt.Sprintf("Compared from %s to %s: %s of %s are in %s.", span(v.After), span(v.To),
			words.Number(v.Stored), words.Count(v.Expected, "event"), code(v.Target.Stream, maxID)),
		facts: []fact{
			{"Missing", words.Count(v.Missing, "event")},
			{"Double", words.Count(v.Double, "event")},
			{"In other streams alone", words.Count(v.Elsewhere, "event")},
			{"Filtered out", words.Count(v.Filtered, "event")},
		},
	}
	if !v.Kept.IsZero() {
		s.lead += "\nWhat is older than " + date(v.Kept) + " was not compared: Auth0 does not keep it any more."
	}
	if v.Expired != nil {
		s.lead += "\nWhat lies between " + date(v.Expired.From) + " and " + date(v.Expired.To) + " was not compared: Auth0 may have deleted it before."
	}
	for _, text := range []string{
		tallies("By time", v.Times),
		tallies("By type", v.Types),
		ids("Missing", v.FirstMissing, v.Missing),
		ids("Double", v.FirstDouble, v.Double),
		fill(r.Tenant, v),
	} {
		if text != "" {
			s.more = append(s.more, text)
		}
	}
	return s
}

func tallies(label string, all []export.Tally) string {
	if len(all) == 0 {
		return ""
	}
	lines := []string{"*" + label + "*"}
	for _, t := range all[:min(len(all), namedTallies)] {
		lines = append(lines, fmt.Sprintf("%s  %s missing, %s double", code(t.Name, maxWord), words.Number(t.Missing), words.Number(t.Double)))
	}
	if more := len(all) - namedTallies; more > 0 {
		lines = append(lines, "and "+words.Number(more)+" more")
	}
	return strings.Join(lines, "\n")
}

func ids(label string, first []tenantlog.ID, total int) string {
	if len(first) == 0 {
		return ""
	}
	var all []string
	for _, id := range first {
		all = append(all, string(id))
	}
	return "*" + label + ":* " + words.Count(total, "event") + named(all, total, namedEvents, maxID)
}

// fill says how what is missing is added: by a command, unless that was asked
// for already.
func fill(tenant string, v *export.Verification) string {
	if v.Missing == 0 {
		return ""
	}
	if v.Fill != "" {
		return "*Fill:* " + clean(v.Fill, maxWarning)
	}
	from, to := end(v.After), end(v.To)
	if !isPlain(tenant) || !isPlain(from) || !isPlain(to) {
		return "*Fix:* the same verification with " + code(`"fill":true`, maxWord) + " adds what is missing."
	}
	return "*Fix:* the same verification with `fill` adds what is missing, by make or as an event of the function:\n" +
		block(fmt.Sprintf("make verify FUNCTION=... TENANT=%s FROM=%s TO=%s FILL=true", tenant, from, to),
			fmt.Sprintf(`{"action":"verify","tenant":"%s","from":"%s","to":"%s","fill":true}`, tenant, from, to))
}

// end is an end of a range as an event takes it: a time is easier to read than
// the id that was made of it.
func end(id tenantlog.ID) string {
	if t, ok := id.Time(); ok && id.Made() {
		return t.Format(time.RFC3339)
	}
	return string(id)
}

// sinceVerified is what the digest says of the last verification.
func sinceVerified(v *export.Verified) string {
	if v == nil {
		return ""
	}
	of := fmt.Sprintf("%s of %s from %s to %s", words.Number(v.Expected-v.Missing), words.Count(v.Expected, "event"), span(v.After), span(v.To))
	if v.Missing == 0 && v.Double == 0 {
		return "\n*Verified:* complete, " + of + "."
	}
	return fmt.Sprintf("\n*Verified:* NOT complete, %s; %s missing, %s double.", of, words.Number(v.Missing), words.Number(v.Double))
}
