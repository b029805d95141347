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
	if !json.Valid(body) {
		return nil, errors.New("the body is not valid JSON")
	}
	s := scanner{text: body}
	s.space()
	if s.peek() != '[' {
		return nil, errors.New("the body is not a JSON array")
	}
	var events []Event
	for s.more(']') {
		raw := s.value()
		event, err := decodeEvent(raw)
		if err != nil {
			return nil, fmt.Errorf("document %d of the page: %w", len(events)+1, err)
		}
		events = append(events, event)
	}
	return events, nil
}

// Decode reads one document, which must be a JSON object with a log_id.
func Decode(raw []byte) (Event, error) {
	raw = bytes.TrimSpace(raw)
	if !json.Valid(raw) {
		return Event{}, errors.New("the document is not valid JSON")
	}
	return decodeEvent(raw)
}

// decodeEvent reads a document's id, type and date. Only an id is asked for:
// Auth0's schemas require no date, and its types of values vary.
func decodeEvent(raw []byte) (Event, error) {
	if raw[0] != '{' {
		return Event{}, fmt.Errorf("expected an object, got %s", kindOf(raw[0]))
	}
	var logID, underscoreID, typ, date []byte
	s := scanner{text: raw}
	for s.more('}') {
		key, value := s.key(), s.value()
		switch string(key) {
		case "log_id":
			logID = value
		case "_id":
			underscoreID = value
		case "type":
			typ = value
		case "date":
			date = value
		}
	}
	id, err := decodeID(logID, underscoreID)
	if err != nil {
		return Event{}, err
	}
	return Event{ID: id, Type: text(typ), Date: eventDate(date, id), Raw: raw}, nil
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
		var inner []byte
		for s.more('}') {
			key, value := s.key(), s.value()
			if string(key) == "$date" {
				inner = value
			}
		}
		raw = inner
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
