package devstack

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// maxMessage is the largest message of a log event: an event counts 26 bytes
// beside it, and a call takes 1,048,576 in all (CloudWatch Logs API reference,
// PutLogEvents).
const maxMessage = 1_048_576 - 26

// isRescued reports whether a message is what the product promises to store in
// the place of a document that CloudWatch Logs would not take, or would take
// for something else.
func isRescued(doc []byte, message string) bool {
	valid := bytes.ToValidUTF8(doc, []byte("\uFFFD"))
	if sameDocument(valid, message) && len(valid) != len(doc) {
		return true
	}
	var have, want map[string]json.RawMessage
	if json.Unmarshal([]byte(message), &have) != nil || json.Unmarshal(valid, &want) != nil {
		return false
	}
	if value, ok := want["_aws"]; ok {
		delete(want, "_aws")
		want["_aws_"] = value
		return maps.EqualFunc(have, want, sameValue)
	}
	return len(valid) > maxMessage && isSlimmed(valid, want, have)
}

// isSlimmed reports whether fields are a document's, with markers in the place
// of some values; or, of a document with too many small ones, only those that
// name it, with a marker for the whole.
func isSlimmed(doc []byte, want, have map[string]json.RawMessage) bool {
	for _, key := range []string{"log_id", "_id", "date", "type"} {
		if !sameValue(want[key], have[key]) {
			return false
		}
	}
	if len(have) == len(want) && maps.EqualFunc(have, want, isShrunk) {
		return true
	}
	return isMarker(doc, have["slimmed"])
}

// isShrunk reports whether a value is another's, its marker, or an object in
// which this holds for each member.
func isShrunk(have, want json.RawMessage) bool {
	if sameValue(have, want) || isMarker(want, have) {
		return true
	}
	var h, w map[string]json.RawMessage
	return json.Unmarshal(have, &h) == nil && json.Unmarshal(want, &w) == nil && w != nil && maps.EqualFunc(h, w, isShrunk)
}

func sameValue(a, b json.RawMessage) bool { return slices.Equal(onOneLine(a), onOneLine(b)) }

func onOneLine(value json.RawMessage) []byte {
	var line bytes.Buffer
	_ = json.Compact(&line, value) // a part of what was parsed; empty for none
	return line.Bytes()
}

// isMarker reports whether have stands for a value by its size and its SHA-256.
func isMarker(value, have json.RawMessage) bool {
	value = onOneLine(value)
	want := fmt.Sprintf(`{"slimmed":{"bytes":%d,"sha256":"%x"}}`, len(value), sha256.Sum256(value))
	return string(onOneLine(have)) == want
}
