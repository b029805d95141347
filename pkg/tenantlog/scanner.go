package tenantlog

import (
	"encoding/binary"
	"math/bits"
)

// maxDepth is how deep arrays and objects may lie in one another, as in
// encoding/json.
const maxDepth = 10_000

// scanner walks over JSON text and checks it on the way: a page is checked,
// split and read in one pass, without copying. It takes exactly what json.Valid
// does. A method that steps over something reports whether it is there and well
// formed; after a false one the scanner is of no more use.
type scanner struct {
	text  []byte
	pos   int
	depth int
}

// peek is the byte at pos, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// take steps over c if it is next.
func (s *scanner) take(c byte) bool {
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

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

// end steps over what may follow the last value: nothing but space.
func (s *scanner) end() bool {
	s.space()
	return s.pos == len(s.text)
}

// value steps over the value at pos.
func (s *scanner) value() bool {
	switch s.peek() {
	case '"':
		return s.str()
	case '{':
		return s.object(nil)
	case '[':
		return s.array(s.value)
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

// object steps over an object and gives each of its members to member, unless
// that is nil: the key and the value as they are written.
func (s *scanner) object(member func(key, value []byte)) bool {
	if !s.take('{') || !s.enter() {
		return false
	}
	if s.space(); s.take('}') {
		return s.leave()
	}
	for {
		key := s.pos
		if !s.str() {
			return false
		}
		keyEnd := s.pos
		if s.space(); !s.take(':') {
			return false
		}
		s.space()
		value := s.pos
		if !s.value() {
			return false
		}
		if member != nil {
			member(s.text[key:keyEnd], s.text[value:s.pos])
		}
		if s.space(); s.take('}') {
			return s.leave()
		}
		if !s.take(',') {
			return false
		}
		s.space()
	}
}

// array steps over an array; item steps over each of its items.
func (s *scanner) array(item func() bool) bool {
	if !s.take('[') || !s.enter() {
		return false
	}
	if s.space(); s.take(']') {
		return s.leave()
	}
	for {
		if !item() {
			return false
		}
		if s.space(); s.take(']') {
			return s.leave()
		}
		if !s.take(',') {
			return false
		}
		s.space()
	}
}

func (s *scanner) enter() bool {
	s.depth++
	return s.depth <= maxDepth
}

func (s *scanner) leave() bool {
	s.depth--
	return true
}

// str steps over a string.
func (s *scanner) str() bool {
	if !s.take('"') {
		return false
	}
	for {
		s.pos += plainBytes(s.text[s.pos:])
		switch s.peek() {
		case '"':
			s.pos++
			return true
		case '\\':
			s.pos++
			if !s.escaped() {
				return false
			}
		default: // a control character, or the end
			return false
		}
	}
}

// plainBytes is how many bytes at the start of text stand for themselves in a
// string: up to the first quote, backslash or control character.
func plainBytes(text []byte) (n int) {
	// Eight at a time. Subtracting one from each byte borrows into the highest
	// bit of those that were zero; a borrow that goes on into a neighbour only
	// reaches bytes behind the first one that counts.
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; n+8 <= len(text); n += 8 {
		w := binary.LittleEndian.Uint64(text[n:])
		quote, slash := w^'"'*ones, w^'\\'*ones
		found := (quote-ones)&^quote | (slash-ones)&^slash | (w-' '*ones)&^w
		if found &= highs; found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for n < len(text) && text[n] >= ' ' && text[n] != '"' && text[n] != '\\' {
		n++
	}
	return n
}

// escaped steps over what follows a backslash.
func (s *scanner) escaped() bool {
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return true
	case 'u':
		s.pos++
	default:
		return false
	}
	for range 4 {
		switch c := s.peek() | 0x20; { // letters in lower case
		case '0' <= s.peek() && s.peek() <= '9', 'a' <= c && c <= 'f':
			s.pos++
		default:
			return false
		}
	}
	return true
}

func (s *scanner) literal(word string) bool {
	if len(s.text)-s.pos < len(word) || string(s.text[s.pos:s.pos+len(word)]) != word {
		return false
	}
	s.pos += len(word)
	return true
}

// number steps over a number. What follows it is for the caller to judge.
func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

// digits steps over digits, of which there must be one.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.text) && '0' <= s.text[s.pos] && s.text[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}
