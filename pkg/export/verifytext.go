package export

import (
	"fmt"
	"time"

	"auth0-logs-to-cloudwatch/pkg/words"
)

// maxLines is how many times, types and ids of each kind a text shows.
const maxLines = 12

// Text says how a verification stands, in lines for a person. A nil one has
// none.
func (v *Verification) Text() []string {
	if v == nil {
		return nil
	}
	lines := []string{
		v.headline(),
		fmt.Sprintf("range     after %s up to %s", PlaceOf(v.After), PlaceOf(v.To)),
		fmt.Sprintf("in        %s in %s", v.Target.Stream, v.Target.Group),
		fmt.Sprintf("auth0     %s, %s of them left out by the filter", words.Count(v.Fetched, "event"), words.Number(v.Filtered)),
		"missing   " + words.Number(v.Missing),
		"double    " + words.Number(v.Double),
	}
	if v.Elsewhere > 0 {
		lines = append(lines, "elsewhere "+words.Count(v.Elsewhere, "event")+" in other streams of the group alone")
	}
	if !v.Kept.IsZero() {
		lines = append(lines, "outside   what is older than "+v.Kept.Format(time.RFC3339)+": Auth0 does not keep it any more, so it was not compared")
	}
	if v.Expired != nil {
		lines = append(lines, fmt.Sprintf("outside   what lies between %s and %s: Auth0 may have deleted it before it was compared",
			v.Expired.From.Format(time.RFC3339), v.Expired.To.Format(time.RFC3339)))
	}
	if v.Missing == 0 && v.Double == 0 {
		return lines
	}
	lines = append(lines, tallies("when", v.Times)...)
	lines = append(lines, tallies("type", v.Types)...)
	for i, id := range v.FirstMissing[:min(maxLines, len(v.FirstMissing))] {
		lines = append(lines, fmt.Sprintf("%-9s %s", first(i, "gone"), id))
	}
	for i, id := range v.FirstDouble[:min(maxLines, len(v.FirstDouble))] {
		lines = append(lines, fmt.Sprintf("%-9s %s", first(i, "twice"), id))
	}
	if v.Fill != "" {
		lines = append(lines, "fill      "+v.Fill)
	}
	return lines
}

func (v *Verification) headline() string {
	of := fmt.Sprintf("%s of %s", words.Number(v.Stored), words.Count(v.Expected, "event"))
	switch {
	case v.Complete:
		return "complete: " + of
	case v.State == StateDone:
		return "NOT complete: " + of
	case v.State == StateStopped:
		return fmt.Sprintf("stopped at %s: %s up to there", PlaceOf(v.Position), of)
	}
	return fmt.Sprintf("open: %s up to %s; the scheduled runs carry it on", of, PlaceOf(v.Position))
}

func tallies(label string, all []Tally) (lines []string) {
	for i, t := range all[:min(maxLines, len(all))] {
		lines = append(lines, fmt.Sprintf("%-9s %-24s %s missing, %s double", first(i, label), t.Name, words.Number(t.Missing), words.Number(t.Double)))
	}
	if left := len(all) - maxLines; left > 0 {
		lines = append(lines, fmt.Sprintf("%-9s and %s more", "", words.Number(left)))
	}
	return lines
}

// first is the label of a row's first line.
func first(i int, label string) string {
	if i == 0 {
		return label
	}
	return ""
}
