package slack

import (
	"fmt"
	"strings"

	blockkit "github.com/slack-go/slack"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
	"auth0-logs-to-cloudwatch/pkg/words"
)

// Payload is a message as an incoming webhook takes it.
type Payload struct {
	// Text is shown where blocks are not: in notifications.
	Text   string           `json:"text"`
	Blocks []blockkit.Block `json:"blocks"`
}

// How much of a text from outside is shown, in characters. Together with what
// is said around them they keep a message under 10,000 characters, a section's
// text under its 3,000 and the header under its 150 (Block Kit reference; more
// than about 13,000 in all are refused as msg_blocks_too_long).
const (
	maxTenant  = 64
	maxError   = 1200
	maxFix     = 600
	maxWarning = 250
	maxID      = 60
	maxWord    = 30
	// maxCheckpoint is the longest log_id there can be: a part of it would be
	// of no use.
	maxCheckpoint = 128
)

// Message renders the report's notice, which must not be nil. It holds to
// Slack's limits whatever the report holds, and no text of the report can
// mention anyone or link anywhere in it.
func Message(r export.Report, f Function) Payload {
	s := tell(&r)
	blocks := []blockkit.Block{
		blockkit.NewHeaderBlock(blockkit.NewTextBlockObject(blockkit.PlainTextType, s.title, false, false)),
		section(s.lead),
	}
	if lines := notes(&r); len(lines) > 0 {
		blocks = append(blocks, section(strings.Join(lines, "\n")))
	}
	if len(s.facts) > 0 {
		blocks = append(blocks, fields(s.facts))
	}
	for _, text := range s.more {
		blocks = append(blocks, section(text))
	}
	if r.Replay == nil && r.Verify == nil {
		blocks = append(blocks, section(checkpoint(&r)))
	}
	if again := goOver(&r, f); again != "" {
		blocks = append(blocks, section(again))
	}
	if len(r.Warnings) > 0 {
		blocks = append(blocks, section(warnings(r.Warnings)))
	}
	if foot := footer(&r, f); foot != "" {
		blocks = append(blocks, blockkit.NewContextBlock("", mrkdwn(foot)))
	}
	return Payload{Text: s.title + "\n" + s.lead, Blocks: blocks}
}

// story is what one kind of notice says.
type story struct {
	// title names the tenant, what happened and when. It is seen first, and in
	// a notification perhaps alone.
	title string
	// lead is what to know next, in mrkdwn.
	lead  string
	facts []fact
	// more are paragraphs below the facts, in mrkdwn.
	more []string
}

type fact struct{ label, value string }

// tell turns a report into the story of its notice's kind.
func tell(r *export.Report) story {
	var s story
	switch r.Notice.Kind {
	case export.NoticeFailure:
		s = failure(r)
	case export.NoticeRecovery:
		s = recovery(r)
	case export.NoticeAttention:
		s = attention(r)
	case export.NoticeDigest:
		s = digest(r)
	case export.NoticeReplay:
		s = replayed(r)
	case export.NoticeVerify:
		s = verified(r)
	default:
		s = success(r)
	}
	s.title = clean(r.Tenant, maxTenant) + ": " + s.title
	return s
}

func failure(r *export.Report) story {
	since := r.Notice.Since
	if since.IsZero() {
		since = r.Started
	}
	s := story{
		title: r.Action + " failed at " + clock(since, r.Ended),
		lead:  reason(r.Error),
	}
	if r.Error != nil {
		s.facts = append(s.facts, fact{"Kind", code(string(r.Error.Kind), maxWord)})
	}
	if n := r.Notice.Failures; n > 1 {
		s.title = fmt.Sprintf("export failing since %s, %s", clock(since, r.Ended), words.Count(n, "run"))
		s.facts = append(s.facts, fact{"Failing for", words.Between(since, r.Ended)}, fact{"Failed runs", words.Number(n)})
	}
	done := fact{"Exported before it failed", words.Count(r.Exported, "event")}
	if r.Action == export.VerifyAction {
		done = fact{"Compared before it failed", words.Count(r.Fetched, "event")}
	}
	s.facts = append(append(s.facts, done), lag(r)...)
	return s
}

func recovery(r *export.Report) story {
	s := story{title: "export works again at " + clock(r.Ended, r.Ended), facts: counts(r)}
	lead := words.Count(r.Notice.Failures, "run") + " failed."
	if since := r.Notice.Since; !since.IsZero() {
		down := words.Between(since, r.Ended)
		s.title = "export works again after " + down
		lead = fmt.Sprintf("It was down for %s, from %s to %s; %s", down, clock(since, r.Ended), clock(r.Ended, r.Ended), lead)
	}
	s.lead = lead + "\n" + standing(r)
	return s
}

// attention leaves what happened to the notes, and says in the title how grave
// it is.
func attention(r *export.Report) story {
	s := story{
		title: fmt.Sprintf("%s stored in another form at %s", words.Count(r.Rescues(), "event"), clock(r.Ended, r.Ended)),
		lead:  standing(r),
		facts: counts(r),
	}
	if g := r.Gap; g != nil {
		s.title = fmt.Sprintf("possible gap of %s since %s", words.Between(g.From, g.To), clock(g.From, r.Ended))
	}
	return s
}

func success(r *export.Report) story {
	if r.Outcome == export.Skipped {
		return story{title: "run skipped at " + clock(r.Ended, r.Ended), lead: standing(r)}
	}
	return story{
		title: fmt.Sprintf("%s exported at %s", words.Count(r.Exported, "event"), clock(r.Ended, r.Ended)),
		lead:  fmt.Sprintf("The run took %s. %s", words.Between(r.Started, r.Ended), standing(r)),
		facts: counts(r),
	}
}

func digest(r *export.Report) story {
	t := r.Notice.Digest
	s := story{
		title: fmt.Sprintf("%s exported since %s", words.Count(t.Exported, "event"), clock(t.Since, r.Ended)),
		lead:  fmt.Sprintf("%s of %s failed.\n%s", words.Number(t.Failed), words.Count(t.Runs, "run"), standing(r)) + sinceVerified(r.Notice.Verified),
		facts: []fact{
			{"Exported", words.Count(t.Exported, "event")},
			{"Filtered out", words.Count(t.Filtered, "event")},
			{"Fetched", words.Count(t.Fetched, "event")},
			{"Batches", words.Number(t.Batches)},
			{"Sent", words.Volume(t.Bytes)},
			{"Stored in another form", words.Count(t.Rescued, "event")},
			{"Gaps", words.Number(t.Gaps)},
		},
	}
	s.facts = append(s.facts, lag(r)...)
	return s
}

// counts are the facts of a run that got through.
func counts(r *export.Report) []fact {
	facts := []fact{
		{"Exported", words.Count(r.Exported, "event")},
		{"Filtered out", words.Count(r.Filtered, "event")},
		{"Fetched", words.Count(r.Fetched, "event")},
		{"Batches", words.Number(r.Batches)},
	}
	if r.Present > 0 {
		facts = append(facts, fact{"Already in the stream", words.Count(r.Present, "event")})
	}
	return append(facts, lag(r)...)
}

// replayed is the end of a replay, over all its runs.
func replayed(r *export.Report) story {
	p := r.Replay
	return story{
		title: fmt.Sprintf("replay done at %s, %s added", clock(r.Ended, r.Ended), words.Count(p.Exported, "event")),
		lead:  fmt.Sprintf("From %s to %s into %s, in %s.", span(p.After), span(p.To), code(p.Target.Stream, maxID), words.Count(p.Runs, "run")),
		facts: []fact{
			{"Added", words.Count(p.Exported, "event")},
			{"Already in the stream", words.Count(p.Present, "event")},
			{"Filtered out", words.Count(p.Filtered, "event")},
			{"Stored in another form", words.Count(p.Rescued, "event")},
		},
	}
}

// span is the time of an id that a range begins or ends with.
func span(id tenantlog.ID) string {
	if t, ok := id.Time(); ok {
		return date(t)
	}
	return code(string(id), maxID)
}

// lag is the fact of being behind, if there is more to fetch.
func lag(r *export.Report) []fact {
	if r.LagSeconds <= 0 {
		return nil
	}
	return []fact{{"Lag", words.Span(r.LagSeconds)}}
}

// standing says how the export stands after the run.
func standing(r *export.Report) string {
	switch {
	case r.Outcome == export.Failed:
		return "*The last run failed.* " + reason(r.Error)
	case r.Outcome == export.Skipped:
		return "Another run is at work: " + clean(r.Skipped, maxError)
	case r.Outcome == export.Limited:
		return "The run stopped at its deadline or at the rate limit with more to fetch; the next run goes on."
	case r.LagSeconds > 0:
		return "There is more to fetch; the next run goes on."
	}
	return "Caught up with Auth0."
}

// reason is an error's sentence and what to do about it.
func reason(e *export.Error) string {
	if e == nil {
		return "The report names no error."
	}
	if e.Fix == "" {
		return clean(e.Text, maxError) + "\n*Fix:* none but to wait; the next run tries again."
	}
	return clean(e.Text, maxError) + "\n*Fix:* " + clean(e.Fix, maxFix)
}

// checkpoint is where the next run goes on, to be copied from the message.
func checkpoint(r *export.Report) string {
	id := r.To
	if id == "" {
		id = r.From
	}
	if id == "" {
		return "*Checkpoint:* not known in this run"
	}
	label := "*Checkpoint*"
	if t, ok := id.Time(); ok {
		label += ", " + date(t)
	}
	return label + "\n" + code(string(id), maxCheckpoint)
}

// footer links to where the events went and to what the function logged.
func footer(r *export.Report, f Function) string {
	parts := []string{
		link("Log stream", r.Place.Region, r.Place.Group, r.Place.Stream),
		link("Function log", f.Region, f.LogGroup, f.LogStream),
	}
	if r.Version != "" {
		parts = append(parts, "version "+clean(r.Version, maxWord))
	}
	var shown []string
	for _, p := range parts {
		if p != "" {
			shown = append(shown, p)
		}
	}
	return strings.Join(shown, "  |  ")
}

func section(text string) blockkit.Block { return blockkit.NewSectionBlock(mrkdwn(text), nil, nil) }

// fields shows facts side by side, or one below the other on a phone. A
// section takes ten of them.
func fields(facts []fact) blockkit.Block {
	var texts []*blockkit.TextBlockObject
	for _, f := range facts {
		texts = append(texts, mrkdwn("*"+f.label+"*\n"+f.value))
	}
	return blockkit.NewSectionBlock(nil, texts, nil)
}

// mrkdwn is a text in which only our own markup works: verbatim keeps Slack
// from making links of addresses and names that a text holds.
func mrkdwn(text string) *blockkit.TextBlockObject {
	return blockkit.NewTextBlockObject(blockkit.MarkdownType, text, false, true)
}
