package export

import (
	"fmt"

	"auth0-logs-to-cloudwatch/pkg/words"
)

// Text says how a replay stands, in lines for a person. A nil one has none.
func (r *Replay) Text() []string {
	if r == nil {
		return nil
	}
	lines := []string{
		r.headline(),
		fmt.Sprintf("range     after %s up to %s", PlaceOf(r.After), PlaceOf(r.To)),
		fmt.Sprintf("into      %s in %s", r.Target.Stream, r.Target.Group),
	}
	if r.Types != "" {
		lines = append(lines, "types     "+r.Types)
	}
	if r.State == StateCounted {
		return append(lines,
			"to add    "+words.Count(r.Exported, "event"),
			"there     "+words.Count(r.Present, "event"),
			"left out  "+words.Count(r.Filtered, "event")+" by the filter")
	}
	lines = append(lines,
		"added     "+words.Count(r.Exported, "event"),
		"there     "+words.Count(r.Present, "event")+" before",
		"left out  "+words.Count(r.Filtered, "event")+" by the filter")
	if r.Rescued > 0 {
		lines = append(lines, "rescued   "+words.Count(r.Rescued, "event")+" in another form or a late stream")
	}
	if r.State == StateOpen {
		lines = append(lines, "so far    up to "+PlaceOf(r.Position))
	}
	return lines
}

func (r *Replay) headline() string {
	complete := r.Position >= r.To
	switch r.State {
	case StateCounted:
		if !complete {
			return fmt.Sprintf("dry run   nothing was written; the time was over at %s, so the counts are of the part up to there", PlaceOf(r.Position))
		}
		return "dry run   nothing was written"
	case StateDone:
		return fmt.Sprintf("done      in %s", words.Count(r.Runs, "run"))
	case StateOpen:
		return "open      the scheduled runs carry it on"
	case StateStopped:
		return fmt.Sprintf("stopped   at %s", PlaceOf(r.Position))
	case StateOvertaken:
		return "ended     the export itself was sent back over this range and adds what is missing"
	}
	return string(r.State)
}
