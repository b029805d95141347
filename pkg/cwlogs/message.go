package cwlogs

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// render is the form in which an event is stored: its document as Auth0 sent
// it, on one line, unless CloudWatch Logs would not take that or would take it
// for something else.
func render(e tenantlog.Event, now time.Time) export.Rendered {
	message, form := plain(e)
	if len(message) > maxMessage {
		message, form = slim(e.ID, message), export.Slimmed
	}
	at := e.Date
	if at.IsZero() {
		at = now
	}
	return export.Rendered{ID: e.ID, Time: at, Message: message, Form: form, Size: len(message) + eventOverhead}
}

func plain(e tenantlog.Event) ([]byte, export.Form) {
	e.Raw = bytes.TrimSpace(e.Raw)
	form := export.Plain
	if !utf8.Valid(e.Raw) {
		// A message must be UTF-8; what is not becomes U+FFFD.
		e.Raw, form = bytes.ToValidUTF8(e.Raw, []byte("\uFFFD")), export.Wrapped
	}
	if !e.IsObject() {
		return wrap(e.ID, e.Raw), export.Wrapped
	}
	raw := e.Raw
	if bytes.IndexByte(raw, '\n') >= 0 || bytes.IndexByte(raw, '\r') >= 0 {
		raw = oneLine(raw)
	}
	if mayHoldMetrics(raw) {
		if renamed, ok := renameMetrics(raw); ok {
			return renamed, export.Wrapped
		}
	}
	return raw, form
}

// wrap makes a JSON object of what is none.
func wrap(id tenantlog.ID, raw []byte) []byte {
	return mustMarshal(struct {
		LogID tenantlog.ID `json:"log_id"`
		Raw   string       `json:"raw"`
	}{id, string(raw)})
}

// oneLine takes the line breaks between a document's tokens out. Inside a
// string JSON allows none.
func oneLine(raw []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(raw))
	if err := json.Compact(&out, raw); err != nil {
		panic(err) // raw was found valid
	}
	return out.Bytes()
}

// metricsKey at the root of an event of any log group is read by CloudWatch as
// metrics (embedded metric format specification): a stranger's document must
// not make any.
const metricsKey = "_aws"

// mayHoldMetrics is a quick look at an object that lets nothing slip: it also
// finds a key of which a letter is written as an escape.
func mayHoldMetrics(raw []byte) bool {
	// The quote before the key is left out: a search for what begins with a
	// rarer byte is quicker.
	if bytes.Contains(raw, []byte(metricsKey+`"`)) {
		return true
	}
	for {
		_, behind, found := bytes.Cut(raw, []byte(`\u00`))
		if !found {
			return false
		}
		// At least a quote and a bracket follow; they are no hexadecimal number.
		letter, _ := strconv.ParseUint(string(behind[:2]), 16, 8)
		if strings.IndexByte(metricsKey, byte(letter)) >= 0 {
			return true
		}
		raw = behind
	}
}

// renameMetrics renames the root key; ok is false where there is none.
func renameMetrics(raw []byte) (renamed []byte, ok bool) {
	fields := rootFields(raw)
	for i := range fields {
		if fields[i].key == metricsKey {
			fields[i].key = metricsKey + "_"
			ok = true
		}
	}
	return joinFields(fields), ok
}

// field is a member of a JSON object, its value as it was written.
type field struct {
	key   string
	value json.RawMessage
}

// rootFields splits a valid JSON object in the order in which it was written.
func rootFields(raw []byte) []field {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	mustToken(d) // {
	var fields []field
	for d.More() {
		key, _ := mustToken(d).(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			panic(err) // raw was found valid
		}
		fields = append(fields, field{key, value})
	}
	return fields
}

func mustToken(d *json.Decoder) json.Token {
	t, err := d.Token()
	if err != nil {
		panic(err) // only used on JSON that was found valid
	}
	return t
}

func joinFields(fields []field) []byte {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(mustMarshal(f.key))
		out.WriteByte(':')
		out.Write(f.value)
	}
	out.WriteByte('}')
	return out.Bytes()
}

// rootKept are not replaced in a document that is too large: by them it is
// found. Where one is of an absurd size itself it is not kept.
var rootKept = []string{"log_id", "_id", "date", "type"}

const maxKept = 1024

func isKept(f field) bool { return slices.Contains(rootKept, f.key) && len(f.value) <= maxKept }

// slim makes a document that is too large fit, by putting markers in the place
// of its largest values: at the root, or, where the largest is an object with
// a member that is large enough, of that member, so that as much as can be
// stays readable.
func slim(id tenantlog.ID, raw []byte) []byte {
	fields := rootFields(raw)
	for size := len(raw); size > maxMessage; {
		i := largest(fields)
		if i < 0 {
			break
		}
		before := len(fields[i].value)
		fields[i].value = shrink(fields[i].value, size-maxMessage)
		size -= before - len(fields[i].value)
	}
	if out := joinFields(fields); len(out) <= maxMessage {
		return out
	}
	return inShort(id, raw) // a document of very many small fields
}

// inShort is the least of an event that can be stored: what it is found by,
// and a marker for the rest.
func inShort(id tenantlog.ID, raw []byte) []byte {
	kept := []field{{"log_id", mustMarshal(id)}}
	for _, f := range rootFields(raw) {
		if isKept(f) && f.key != "log_id" {
			kept = append(kept, f)
		}
	}
	return joinFields(append(kept, field{"slimmed", marker(raw)}))
}

// largest is the field with the largest value that may be replaced, -1 where
// no replacement would make the document smaller.
func largest(fields []field) int {
	found, size := -1, markerRoom
	for i, f := range fields {
		if len(f.value) > size && !isKept(f) {
			found, size = i, len(f.value)
		}
	}
	return found
}

// shrink takes at least excess bytes out of a value if it can: by one member of
// an object, or else all of it.
func shrink(value json.RawMessage, excess int) json.RawMessage {
	if value[0] != '{' {
		return marker(value)
	}
	fields := rootFields(value)
	i := largest(fields)
	if i < 0 || len(fields[i].value) < excess+markerRoom {
		return marker(value)
	}
	fields[i].value = marker(fields[i].value)
	return joinFields(fields)
}

// markerRoom is more than a marker takes.
const markerRoom = 160

// marker stands for a value that was taken out: it tells its size and its
// SHA-256, by which the value can be recognised elsewhere.
func marker(value []byte) json.RawMessage {
	return mustMarshal(map[string]any{"slimmed": map[string]any{
		"bytes":  len(value),
		"sha256": fmt.Sprintf("%x", sha256.Sum256(value)),
	}})
}

func mustMarshal(v any) []byte {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings, numbers and maps of them can be encoded
	}
	return []byte(strings.TrimSuffix(out.String(), "\n"))
}
