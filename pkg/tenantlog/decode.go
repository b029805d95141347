package tenantlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// DecodePage splits a JSON array of documents, the body of a page, into its
// events. Of each document it reads the four fields that the product needs and
// keeps the bytes as they are: they are a part of body, which must not be
// changed afterwards.
func DecodePage(body []byte) ([]Event, error) {
	s := scanner{text: body}
	s.space()
	if s.peek() != '[' {
		if !s.value() || !s.end() {
			return nil, errBody
		}
		return nil, errors.New("the body is not a JSON array")
	}
	var events []Event
	var first error
	valid := s.array(func() bool {
		d, ok := s.document()
		if !ok || first != nil {
			return ok
		}
		event, err := d.event()
		if err != nil {
			first = fmt.Errorf("document %d of the page: %w", len(events)+1, err)
		}
		events = append(events, event)
		return true
	})
	if !valid || !s.end() {
		return nil, errBody
	}
	if first != nil {
		return nil, first
	}
	return events, nil
}

var errBody = errors.New("the body is not valid JSON")

// Decode reads one document, which must be a JSON object with a log_id.
func Decode(raw []byte) (Event, error) {
	s := scanner{text: bytes.TrimSpace(raw)}
	d, ok := s.document()
	if !ok || !s.end() {
		return Event{}, errors.New("the document is not valid JSON")
	}
	return d.event()
}

// document is a document of a page as it is written, and those members of it
// that are read.
type document struct {
	raw                            []byte
	logID, underscoreID, typ, date []byte
}

// document steps over the value at pos, which is seldom anything but an object.
func (s *scanner) document() (d document, ok bool) {
	start := s.pos
	if s.peek() == '{' {
		ok = s.object(d.member)
	} else {
		ok = s.value()
	}
	d.raw = s.text[start:s.pos]
	return d, ok
}

func (d *document) member(key, value []byte) {
	switch string(unquote(key)) {
	case "log_id":
		d.logID = value
	case "_id":
		d.underscoreID = value
	case "type":
		d.typ = value
	case "date":
		d.date = value
	}
}

// event is what the document says. Only an id is asked for: Auth0's schemas
// require no date, and its types of values vary.
func (d *document) event() (Event, error) {
	if d.raw[0] != '{' {
		return Event{}, fmt.Errorf("expected an object, got %s", kindOf(d.raw[0]))
	}
	id, err := decodeID(d.logID, d.underscoreID)
	if err != nil {
		return Event{}, err
	}
	return Event{ID: id, Type: text(d.typ), Date: eventDate(d.date, id), Raw: d.raw, checked: d.raw}, nil
}

// decodeID takes log_id, and _id where there is none: in every recorded
// document that has both they are equal.
func decodeID(candidates ...[]byte) (ID, error) {
	err := errors.New("it has no log_id")
	for _, raw := range candidates {
		s := text(raw)
		if s == "" {
			continue
		}
		id, parseErr := ParseID(s)
		if parseErr == nil {
			return id, nil
		}
		err = parseErr
	}
	return "", err
}

// eventDate reads a date: ISO 8601 text, or an object as Auth0's API reference
// allows. Failing both, the time in the id stands in.
func eventDate(raw []byte, id ID) time.Time {
	if len(raw) > 0 && raw[0] == '{' {
		s := scanner{text: raw}
		raw = nil
		s.object(func(key, value []byte) {
			if string(unquote(key)) == "$date" {
				raw = value
			}
		})
	}
	s := text(raw)
	if t, err := time.Parse(time.RFC3339, s); err == nil && plausible(t) {
		return t.UTC()
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil && plausible(time.UnixMilli(ms)) {
		return time.UnixMilli(ms).UTC()
	}
	t, _ := id.Time()
	return t
}

// plausible keeps dates out that CloudWatch Logs cannot hold: its time stamps
// are milliseconds since 1970, and its own range ends in the year 9999.
func plausible(t time.Time) bool { return t.UnixMilli() >= 0 && t.UTC().Year() <= 9999 }

// text is the content of a JSON string or the digits of a number; "" for
// anything else.
func text(raw []byte) string {
	switch {
	case len(raw) == 0:
		return ""
	case raw[0] == '"':
		return string(unquote(raw))
	case raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9':
		return string(raw)
	default:
		return ""
	}
}

// unquote is the content of a JSON string, a part of raw where nothing in it
// is escaped.
func unquote(raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil // cannot be: the page was found valid
	}
	return []byte(s)
}

func kindOf(first byte) string {
	switch first {
	case '"':
		return "a string"
	case '[':
		return "an array"
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	default:
		return "a number"
	}
}
