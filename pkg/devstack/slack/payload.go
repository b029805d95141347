package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a message, in characters where not said otherwise (Block Kit
// reference; for the text: Slack changelog of April 2018).
const (
	maxBlocks   = 50 // blocks
	maxBlockID  = 255
	maxHeader   = 150
	maxText     = 3000
	maxFields   = 10 // fields of a section
	maxField    = 2000
	maxElements = 10 // elements of a context block
	maxFallback = 40_000
	// maxTotal bounds the blocks together. Slack documents no number; a little
	// over 13,000 characters were refused (slackapi/bolt-js issue 2509). It is
	// the blocks' JSON that is counted here, which errs on the careful side.
	maxTotal = 13_000
)

// payload is a message that Slack takes.
type payload struct {
	text   string
	raw    json.RawMessage // the blocks as received
	blocks []block
}

// block is one of the kinds of block that the stand-in shows.
type block struct {
	Type     string       `json:"type"`
	ID       string       `json:"block_id"`
	Text     *textObject  `json:"text"`
	Fields   []textObject `json:"fields"`
	Elements []textObject `json:"elements"`
}

type textObject struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji"`
	Verbatim *bool  `json:"verbatim"`
}

const (
	plainText = "plain_text"
	markdown  = "mrkdwn"
)

// parse reads a payload and refuses one that Slack refuses.
func parse(body []byte) (*payload, *refusal) {
	var wire struct {
		Text        *string          `json:"text"`
		Blocks      json.RawMessage  `json:"blocks"`
		Attachments *json.RawMessage `json:"attachments"`
		LinkNames   *json.RawMessage `json:"link_names"`
		Parse       *json.RawMessage `json:"parse"`
	}
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return nil, refuse("invalid_payload", "not a JSON object")
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return nil, refuse("invalid_payload", err.Error())
	}
	if wire.Attachments != nil || wire.LinkNames != nil || wire.Parse != nil {
		return nil, unsupported("attachments, link_names and parse")
	}
	p := &payload{}
	if wire.Text != nil {
		p.text = cut(*wire.Text, maxFallback)
	}
	if no := p.setBlocks(wire.Blocks); no != nil {
		return nil, no
	}
	if len(p.blocks) == 0 && strings.TrimSpace(p.text) == "" {
		return nil, refuse("no_text", "neither text nor blocks")
	}
	return p, nil
}

// unsupported refuses what Slack takes and the stand-in cannot show, so that
// it is not taken for shown.
func unsupported(what string) *refusal {
	return &refusal{status: http.StatusNotImplemented, code: "not_implemented", reason: "the stand-in does not show " + what}
}

func (p *payload) setBlocks(raw json.RawMessage) *refusal {
	if raw == nil || string(raw) == "null" {
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return refuse("invalid_blocks_format", "blocks are not a list")
	}
	if len(list) > maxBlocks {
		return refuse("invalid_blocks", fmt.Sprintf("no more than %d blocks allowed, got %d", maxBlocks, len(list)))
	}
	for i, item := range list {
		b, no := parseBlock(item)
		if no == nil && b.ID != "" && slices.ContainsFunc(p.blocks, func(o block) bool { return o.ID == b.ID }) {
			no = refuse("invalid_blocks", "block_id is there twice")
		}
		if no != nil {
			no.reason = fmt.Sprintf("blocks/%d: %s", i, no.reason)
			return no
		}
		p.blocks = append(p.blocks, b)
	}
	if n := jsonLength(raw); n > maxTotal {
		return refuse("msg_blocks_too_long", fmt.Sprintf("%d characters, about %d allowed", n, maxTotal))
	}
	p.raw = raw
	return nil
}

// jsonLength counts the characters of a JSON document without what can be left
// out: white space, and escapes that only a cautious encoder makes.
func jsonLength(raw json.RawMessage) int {
	var v any
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// It was parsed before, so neither can fail.
	_ = json.Unmarshal(raw, &v)
	_ = enc.Encode(v)
	return utf8.RuneCount(bytes.TrimSpace(b.Bytes()))
}

func parseBlock(raw json.RawMessage) (block, *refusal) {
	var head struct {
		Type      string          `json:"type"`
		Accessory json.RawMessage `json:"accessory"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return block{}, refuse("invalid_blocks_format", err.Error())
	}
	switch head.Type {
	case "header", "section", "context", "divider":
	case "actions", "file", "image", "input", "markdown", "rich_text", "table", "video":
		return block{}, unsupported(head.Type)
	default:
		return block{}, refuse("invalid_blocks", fmt.Sprintf("unsupported type %q", head.Type))
	}
	if head.Accessory != nil {
		return block{}, unsupported("an accessory")
	}
	var b block
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return block{}, refuse("invalid_blocks", err.Error())
	}
	if err := b.check(); err != nil {
		return block{}, refuse("invalid_blocks", err.Error())
	}
	return b, nil
}

// check holds a block to the rules of its kind.
func (b *block) check() error {
	if n := utf8.RuneCountInString(b.ID); n > maxBlockID {
		return tooLong("block_id", n, maxBlockID)
	}
	hasText, hasFields, hasElements := b.Text != nil, b.Fields != nil, b.Elements != nil
	switch {
	case b.Type != "section" && hasFields, b.Type != "context" && hasElements,
		b.Type != "section" && b.Type != "header" && hasText:
		return fmt.Errorf("invalid additional property of a %s", b.Type)
	case b.Type == "header":
		return b.checkHeader()
	case b.Type == "section":
		return b.checkSection()
	case b.Type == "context":
		return checkTexts("elements", b.Elements, maxElements, maxText)
	}
	return nil
}

func (b *block) checkHeader() error {
	if b.Text == nil || b.Text.Type != plainText {
		return fmt.Errorf("a header needs a %s", plainText)
	}
	return b.Text.check("text", maxHeader)
}

func (b *block) checkSection() error {
	if b.Text == nil && b.Fields == nil {
		return errors.New("a section needs text or fields")
	}
	if b.Text != nil {
		if err := b.Text.check("text", maxText); err != nil {
			return err
		}
	}
	if b.Fields == nil {
		return nil
	}
	return checkTexts("fields", b.Fields, maxFields, maxField)
}

func checkTexts(name string, list []textObject, most, limit int) error {
	if len(list) == 0 || len(list) > most {
		return fmt.Errorf("%s: want 1 to %d items, got %d", name, most, len(list))
	}
	for i, t := range list {
		if err := t.check(fmt.Sprintf("%s/%d", name, i), limit); err != nil {
			return err
		}
	}
	return nil
}

func (t *textObject) check(name string, limit int) error {
	switch {
	case t.Type != plainText && t.Type != markdown:
		return fmt.Errorf("%s: unsupported type %q", name, t.Type)
	case t.Type == markdown && t.Emoji != nil:
		return fmt.Errorf("%s: invalid additional property emoji", name)
	case t.Type == plainText && t.Verbatim != nil:
		return fmt.Errorf("%s: invalid additional property verbatim", name)
	case t.Text == "":
		return fmt.Errorf("%s: must be more than 0 characters", name)
	}
	if n := utf8.RuneCountInString(t.Text); n > limit {
		return tooLong(name, n, limit)
	}
	return nil
}

func tooLong(name string, n, limit int) error {
	return fmt.Errorf("%s: must be less than %d characters, got %d", name, limit+1, n)
}

// cut shortens s to n characters.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
