package logs

import (
	"strconv"
	"unicode/utf16"
)

// DecodeQuick reads a PutLogEvents call as SDKs write it, several times as fast
// as encoding/json: measurements that put hundreds of megabytes here are to
// show the speed of who sends them. Anything unusual it leaves to
// encoding/json, and with it all errors.
func (r *putRequest) DecodeQuick(body []byte) bool {
	var (
		in putRequest
		q  = quick{rest: body}
	)
	ok := q.object(func(key string) bool {
		switch key {
		case "logGroupName":
			return q.text(&in.LogGroupName)
		case "logStreamName":
			return q.text(&in.LogStreamName)
		case "sequenceToken":
			return q.text(&in.SequenceToken)
		case "logEvents":
			return in.LogEvents == nil && q.array(func() bool {
				e, ok := q.event()
				in.LogEvents = append(in.LogEvents, e)
				return ok
			})
		}
		return false
	})
	if !ok || q.peek() != 0 || len(q.rest) > 0 { // a NUL byte is no end
		return false
	}
	*r = in
	return true
}

// quick reads JSON from the front of rest. Its methods report false for what
// they do not take, and then the whole is given up.
type quick struct {
	rest    []byte
	scratch []byte // of text
}

// peek skips space and returns the next byte, 0 at the end.
func (q *quick) peek() byte {
	for i, c := range q.rest {
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			q.rest = q.rest[i:]
			return c
		}
	}
	q.rest = nil
	return 0
}

// take skips space and takes the byte c if it is next.
func (q *quick) take(c byte) bool {
	if q.peek() != c {
		return false
	}
	q.rest = q.rest[1:]
	return true
}

// object reads an object; value reads each member's value.
func (q *quick) object(value func(key string) bool) bool {
	if !q.take('{') {
		return false
	}
	if q.take('}') {
		return true
	}
	for {
		var key string
		if !q.text(&key) || !q.take(':') || !value(key) {
			return false
		}
		if !q.take(',') {
			return q.take('}')
		}
	}
}

// array reads an array; element reads each of its elements.
func (q *quick) array(element func() bool) bool {
	if !q.take('[') {
		return false
	}
	if q.take(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if !q.take(',') {
			return q.take(']')
		}
	}
}

func (q *quick) event() (inputEvent, bool) {
	var e inputEvent
	ok := q.object(func(key string) bool {
		switch key {
		case "timestamp":
			e.Timestamp = new(int64)
			return q.number(e.Timestamp)
		case "message":
			e.Message = new(string)
			return q.text(e.Message)
		}
		return false
	})
	return e, ok
}

// number reads a whole number that is not negative.
func (q *quick) number(to *int64) bool {
	q.peek()
	n := 0
	for n < len(q.rest) && '0' <= q.rest[n] && q.rest[n] <= '9' {
		n++
	}
	if n == 0 || n > 1 && q.rest[0] == '0' {
		return false
	}
	v, err := strconv.ParseInt(string(q.rest[:n]), 10, 64)
	*to, q.rest = v, q.rest[n:]
	return err == nil
}

// text reads a string.
func (q *quick) text(to *string) bool {
	if !q.take('"') {
		return false
	}
	out, s := q.scratch[:0], q.rest
	for {
		n := plain(s)
		if n == len(s) || s[n] < ' ' {
			return false
		}
		out = append(out, s[:n]...)
		if s[n] == '"' {
			*to, q.rest, q.scratch = string(out), s[n+1:], out
			return true
		}
		var ok bool
		if out, s, ok = unescape(out, s[n:]); !ok {
			return false
		}
	}
}

// plain is how many bytes at the front of s stand for themselves.
func plain(s []byte) int {
	for i, c := range s {
		if c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return len(s)
}

// unescape appends the character that the escape at the front of s stands for.
func unescape(out, s []byte) (more, rest []byte, ok bool) {
	if len(s) < 2 {
		return out, s, false
	}
	switch c := s[1]; c {
	case '"', '\\', '/':
		return append(out, c), s[2:], true
	case 'n':
		return append(out, '\n'), s[2:], true
	case 'r':
		return append(out, '\r'), s[2:], true
	case 't':
		return append(out, '\t'), s[2:], true
	case 'b':
		return append(out, '\b'), s[2:], true
	case 'f':
		return append(out, '\f'), s[2:], true
	case 'u':
		if len(s) < 6 {
			return out, s, false
		}
		u, err := strconv.ParseUint(string(s[2:6]), 16, 16)
		// Halves of a character beyond 16 bits are rare: SDKs write it whole.
		if err != nil || utf16.IsSurrogate(rune(u)) {
			return out, s, false
		}
		return append(out, string(rune(u))...), s[6:], true
	}
	return out, s, false
}
