package tenantlog

import "bytes"

// scanner walks over JSON text that is known to be valid, a value at a time
// and without copying: a page is split and read in one pass. It never checks
// what json.Valid has checked.
type scanner struct {
	text []byte
	pos  int
}

func (s *scanner) peek() byte { return s.text[s.pos] }

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// key steps over an object's key and its colon and returns the key's content.
func (s *scanner) key() []byte {
	raw := s.value()
	s.space()
	s.pos++ // the colon
	s.space()
	return unquote(raw)
}

// more steps over the opening bracket or the comma at pos to the next item,
// which the caller must then step over, or over the closing bracket.
func (s *scanner) more(closing byte) bool {
	s.space()
	if s.peek() == closing {
		s.pos++
		return false
	}
	s.pos++ // '[' or '{' before the first item, ',' before each other
	s.space()
	if s.peek() == closing { // only in an empty array or object
		s.pos++
		return false
	}
	return true
}

// value steps over the value at pos and returns its bytes.
func (s *scanner) value() []byte {
	start := s.pos
	switch s.peek() {
	case '"':
		s.stringValue()
	case '{', '[':
		s.nested()
	default:
		for s.pos < len(s.text) && !ends(s.text[s.pos]) {
			s.pos++
		}
	}
	return s.text[start:s.pos]
}

// stringValue steps over the string at pos: to the next quote that an even
// number of backslashes precedes.
func (s *scanner) stringValue() {
	s.pos++
	for {
		s.pos += bytes.IndexByte(s.text[s.pos:], '"') + 1
		slashes := 0
		for s.text[s.pos-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return
		}
	}
}

// nested steps over the array or object at pos.
func (s *scanner) nested() {
	depth := 0
	for {
		switch s.peek() {
		case '"':
			s.stringValue()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.pos++
		if depth == 0 {
			return
		}
	}
}

// ends reports whether c follows a number or a literal.
func ends(c byte) bool {
	switch c {
	case ',', ']', '}', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}
