package page

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/slack"
)

// messageView is a message in the Slack channel.
type messageView struct {
	Time   string
	Blocks []blockView
}

// blockView is a block of a message: a header, a section, a context or a
// divider, of which it has its text, its fields or its elements.
type blockView struct {
	Kind  string
	Texts [][]span
}

// span is a piece of text that looks the same throughout. Kind is "" for plain
// text, or "bold", "code" or "link".
type span struct{ Kind, Text, URL string }

func (l *Local) messages() []messageView {
	var list []messageView
	for _, m := range slices.Backward(l.stack.Slack.Messages()) {
		list = append(list, messageView{Time: m.Time.Format(time.TimeOnly), Blocks: blocksOf(m)})
	}
	return list
}

type textObject struct{ Type, Text string }

func blocksOf(m slack.Message) []blockView {
	var blocks []struct {
		Type     string
		Text     *textObject
		Fields   []textObject
		Elements []textObject
	}
	if m.Blocks == nil || json.Unmarshal(m.Blocks, &blocks) != nil {
		return []blockView{{Kind: "section", Texts: [][]span{markup(m.Text)}}}
	}
	var views []blockView
	for _, b := range blocks {
		texts := slices.Concat(b.Fields, b.Elements)
		v := blockView{Kind: b.Type}
		if b.Fields != nil {
			v.Kind = "fields"
		}
		if b.Text != nil {
			texts = slices.Insert(texts, 0, *b.Text)
		}
		for _, t := range texts {
			v.Texts = append(v.Texts, t.spans())
		}
		views = append(views, v)
	}
	return views
}

func (t textObject) spans() []span {
	if t.Type != "mrkdwn" {
		return []span{{Text: t.Text}}
	}
	return markup(t.Text)
}

// markupPattern finds what Slack does not show as it is written: <address|label>,
// *bold* and `code`.
var markupPattern = regexp.MustCompile("<([^<>|\n]+)(?:\\|([^<>\n]*))?>|\\*([^*\n]+)\\*|`([^`\n]+)`")

// markup reads Slack's mrkdwn.
func markup(text string) []span {
	var spans []span
	add := func(kind, text, address string) {
		// Slack has & < and > escaped, and nothing else.
		if text != "" {
			spans = append(spans, span{kind, html.UnescapeString(text), address})
		}
	}
	for {
		m := markupPattern.FindStringSubmatchIndex(text)
		if m == nil {
			add("", text, "")
			return spans
		}
		add("", text[:m[0]], "")
		part := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return text[m[2*i]:m[2*i+1]]
		}
		switch {
		case part(3) != "":
			add("bold", part(3), "")
		case part(4) != "":
			add("code", part(4), "")
		default:
			address := html.UnescapeString(part(1))
			label := part(2)
			if label == "" {
				label = part(1)
			}
			add("link", label, panelOf(address))
		}
		text = text[m[1]:]
	}
}

// panels are the parts of the page that stand for pages of the AWS console, by
// a part of those pages' addresses. The first that fits counts.
var panels = []struct{ part, panel string }{
	{"systems-manager/parameters", "#parameters"},
	{"events/home", "#schedule"},
	{"aws$252Flambda", "#function"},
	{"cloudwatch/home", "#stream"},
}

// panelOf leads an address in the AWS console, where nothing of this stack is,
// to the page's own panel. Others stay as they are.
func panelOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || !strings.HasSuffix(u.Host, "console.aws.amazon.com") {
		return address
	}
	for _, p := range panels {
		if strings.Contains(address, p.part) {
			return p.panel
		}
	}
	return address
}
