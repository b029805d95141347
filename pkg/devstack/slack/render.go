package slack

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Kind is what Slack makes of a piece of text.
type Kind string

const (
	// Link is <address> or <address|label>.
	Link Kind = "link"
	// User is <@U...>, which notifies one person.
	User Kind = "user"
	// Channel is <#C...>, a reference to a channel.
	Channel Kind = "channel"
	// Special is <!...>: a group, a date, or everybody at once.
	Special Kind = "special"
	// Automatic is no sequence of its own: an address or an @channel, @here or
	// @everyone that Slack finds in text which is not marked verbatim.
	Automatic Kind = "automatic"
)

// Control is a piece of text that Slack does not show as it was written
// (Slack, "Formatting message text").
type Control struct {
	Kind Kind
	// Raw is the piece as it was sent.
	Raw string
}

var (
	sequence  = regexp.MustCompile(`<([^<>]+)>`)
	automatic = regexp.MustCompile(`https?://[^\s<>|` + stand + `]+|\B@(channel|here|everyone)\b`)
	codeSpan  = regexp.MustCompile("(?s)```.+?```|`[^`\n]+`")
	// emphases are *bold*, _italic_ and ~struck~, which count only as words of
	// their own.
	emphases = []*regexp.Regexp{
		regexp.MustCompile(`(^|[^\pL\pN*])\*([^\s*]|[^\s*][^*\n]*[^\s*])\*($|[^\pL\pN*])`),
		regexp.MustCompile(`(^|[^\pL\pN_])_([^\s_]|[^\s_][^_\n]*[^\s_])_($|[^\pL\pN_])`),
		regexp.MustCompile(`(^|[^\pL\pN~])~([^\s~]|[^\s~][^~\n]*[^\s~])~($|[^\pL\pN~])`),
	}
	entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

// stand stands for a sequence while the text around it is worked on.
const stand = "\uFFFC"

// draw shows a message as it is read in the channel, and lists what Slack
// makes something else of. Beside blocks the text is not shown, but mentions
// in it notify all the same.
func (p *payload) draw() (string, []Control) {
	shown, found := format(p.text, false)
	if len(p.blocks) == 0 {
		return shown, found
	}
	found = slices.DeleteFunc(found, func(c Control) bool { return c.Kind == Automatic })
	var parts []string
	for _, b := range p.blocks {
		part, more := b.draw()
		parts = append(parts, part)
		found = append(found, more...)
	}
	return strings.Join(parts, "\n\n"), found
}

func (b *block) draw() (string, []Control) {
	if b.Type == "divider" {
		return strings.Repeat("-", 40), nil
	}
	var parts []string
	var found []Control
	if b.Text != nil {
		shown, more := b.Text.draw()
		parts, found = append(parts, shown), append(found, more...)
	}
	fields, more := drawAll(b.Fields)
	found = append(found, more...)
	if len(fields) > 0 {
		parts = append(parts, columns(fields))
	}
	elements, more := drawAll(b.Elements)
	found = append(found, more...)
	if len(elements) > 0 {
		parts = append(parts, strings.Join(elements, "  "))
	}
	return strings.Join(parts, "\n"), found
}

func drawAll(list []textObject) ([]string, []Control) {
	var shown []string
	var found []Control
	for _, t := range list {
		s, more := t.draw()
		shown, found = append(shown, s), append(found, more...)
	}
	return shown, found
}

// draw shows a text. In plain text only entities mean something, but Slack
// asks to escape there too: sequences in it are listed, and shown as they are.
func (t *textObject) draw() (string, []Control) {
	shown, found := format(t.Text, t.Type == plainText || t.Verbatim != nil && *t.Verbatim)
	if t.Type == plainText {
		shown = entities.Replace(t.Text)
	}
	return shown, found
}

// format shows mrkdwn as plain text and lists what Slack interprets.
func format(text string, verbatim bool) (string, []Control) {
	var found []Control
	var shown []string
	text = strings.ReplaceAll(text, stand, "\uFFFD")
	text = sequence.ReplaceAllStringFunc(text, func(raw string) string {
		kind, words := interpret(raw[1 : len(raw)-1])
		found = append(found, Control{Kind: kind, Raw: raw})
		shown = append(shown, entities.Replace(words))
		return stand
	})
	if !verbatim {
		for _, raw := range automatic.FindAllString(text, -1) {
			found = append(found, Control{Kind: Automatic, Raw: raw})
		}
	}
	var b strings.Builder
	for i, piece := range strings.Split(entities.Replace(unmark(text)), stand) {
		if i > 0 {
			b.WriteString(shown[i-1])
		}
		b.WriteString(piece)
	}
	return b.String(), found
}

// interpret says what a sequence is and what is shown for it.
func interpret(inside string) (Kind, string) {
	target, label, _ := strings.Cut(inside, "|")
	switch target[:min(1, len(target))] {
	case "@":
		return User, "@" + cmp.Or(label, target[1:])
	case "#":
		return Channel, "#" + cmp.Or(label, target[1:])
	case "!":
		return Special, cmp.Or(label, "@"+target[1:])
	}
	if label == "" || label == target {
		return Link, target
	}
	return Link, label + " (" + target + ")"
}

// unmark takes the marks of emphasis away, and those of code, inside which
// there is no emphasis.
func unmark(text string) string {
	var b strings.Builder
	end := 0
	for _, span := range codeSpan.FindAllStringIndex(text, -1) {
		b.WriteString(plain(text[end:span[0]]))
		b.WriteString(strings.Trim(text[span[0]:span[1]], "`"))
		end = span[1]
	}
	b.WriteString(plain(text[end:]))
	return b.String()
}

// plain takes the marks of emphasis away. Neighbours share the character
// between them, so a second pass finds those that the first had to leave.
func plain(text string) string {
	for _, e := range emphases {
		text = e.ReplaceAllString(text, "$1$2$3")
		text = e.ReplaceAllString(text, "$1$2$3")
	}
	return text
}

// columns sets fields two by two side by side, as Slack does where there is
// room.
func columns(fields []string) string {
	const gap = 4
	width := 0
	for i := 0; i < len(fields); i += 2 {
		for line := range strings.Lines(fields[i]) {
			width = max(width, utf8.RuneCountInString(strings.TrimRight(line, "\n")))
		}
	}
	var rows []string
	for pair := range slices.Chunk(fields, 2) {
		if len(pair) == 1 {
			pair = append(pair, "")
		}
		left, right := strings.Split(pair[0], "\n"), strings.Split(pair[1], "\n")
		for i := range max(len(left), len(right)) {
			row := at(left, i)
			row += strings.Repeat(" ", width+gap-utf8.RuneCountInString(row)) + at(right, i)
			rows = append(rows, strings.TrimRight(row, " "))
		}
	}
	return strings.Join(rows, "\n")
}

// at is a line, or nothing below the last.
func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
