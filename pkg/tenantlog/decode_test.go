package tenantlog

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	someID  = "90020251001053916537654000000000000001223372122475524001"
	otherID = "90020251001053916537654000000000000001223372122475524002"
)

// indexed is the time in both ids.
var indexed = time.Date(2025, 10, 1, 5, 39, 16, 537_000_000, time.UTC)

// ignoreChecked compares events by what they say.
var ignoreChecked = cmpopts.IgnoreUnexported(Event{})

func TestDecode(t *testing.T) {
	date := time.Date(2025, 10, 1, 5, 39, 16, 467_000_000, time.UTC)
	tests := []struct {
		name string
		raw  string
		want Event
	}{
		{"as Auth0 sends it", `{"date":"2025-10-01T05:39:16.467Z","type":"pwd_leak","log_id":"` + someID + `","_id":"` + someID + `"}`,
			Event{ID: someID, Type: "pwd_leak", Date: date}},
		{"no _id", `{"log_id":"` + someID + `","type":"s","date":"2025-10-01T05:39:16.467Z"}`, Event{ID: someID, Type: "s", Date: date}},
		{"_id alone", `{"_id":"` + someID + `","type":"s","date":"2025-10-01T05:39:16.467Z"}`, Event{ID: someID, Type: "s", Date: date}},
		{"log_id before another _id", `{"_id":"` + otherID + `","log_id":"` + someID + `","date":"2025-10-01T05:39:16.467Z"}`, Event{ID: someID, Date: date}},
		{"_id behind a log_id that is none", `{"_id":"` + someID + `","log_id":"x","date":"2025-10-01T05:39:16.467Z"}`, Event{ID: someID, Date: date}},
		{"log_id null", `{"_id":"` + someID + `","log_id":null,"date":"2025-10-01T05:39:16.467Z"}`, Event{ID: someID, Date: date}},
		{"log_id as a number", `{"log_id":` + someID + `,"date":"2025-10-01T05:39:16.467Z"}`, Event{ID: someID, Date: date}},
		{"spaces and lines", " \n{ \"type\" : \"s\" ,\n\t\"log_id\" : \"" + someID + "\" , \"date\" : null }\r\n", Event{ID: someID, Type: "s", Date: indexed}},
		{"escapes", `{"t\u0079pe":"\u0066p","log_\u0069d":"` + someID + `"}`, Event{ID: someID, Type: "fp", Date: indexed}},
		{"names deeper down do not count",
			`{"details":{"log_id":"1","type":"x","list":[{"date":"2020-01-01T00:00:00Z"},"]}\"{["]},"log_id":"` + someID + `","user_name":"\\\"log_id\\\\"}`,
			Event{ID: someID, Date: indexed}},
		{"type null", `{"type":null,"log_id":"` + someID + `"}`, Event{ID: someID, Date: indexed}},
		{"type an object", `{"type":{"a":1},"log_id":"` + someID + `"}`, Event{ID: someID, Date: indexed}},
		{"no date", `{"log_id":"` + someID + `"}`, Event{ID: someID, Date: indexed}},
		{"date of another zone", `{"log_id":"` + someID + `","date":"2025-10-01T07:39:16.467+02:00"}`, Event{ID: someID, Date: date}},
		{"date as an object", `{"log_id":"` + someID + `","date":{"$date":"2025-10-01T05:39:16.467Z"}}`, Event{ID: someID, Date: date}},
		{"date as an object of something else", `{"log_id":"` + someID + `","date":{"at":"2025-10-01T05:39:16.467Z"}}`, Event{ID: someID, Date: indexed}},
		{"date in milliseconds", `{"log_id":"` + someID + `","date":1759297156467}`, Event{ID: someID, Date: date}},
		{"date in milliseconds, as an object", `{"log_id":"` + someID + `","date":{"$date":1759297156467}}`, Event{ID: someID, Date: date}},
		{"date that is none", `{"log_id":"` + someID + `","date":"yesterday"}`, Event{ID: someID, Date: indexed}},
		{"date before 1970", `{"log_id":"` + someID + `","date":"1969-12-31T23:59:59Z"}`, Event{ID: someID, Date: indexed}},
		{"date after the year 9999", `{"log_id":"` + someID + `","date":253402300800000}`, Event{ID: someID, Date: indexed}},
		{"date after the year 9999 by its zone", `{"log_id":"` + someID + `","date":"9999-12-31T23:59:59-01:00"}`, Event{ID: someID, Date: indexed}},
		{"neither date nor a time in the id", `{"log_id":"49574419589858254662358307566469418022270857965582942242"}`,
			Event{ID: "49574419589858254662358307566469418022270857965582942242"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decode([]byte(tt.raw))
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Raw = []byte(strings.TrimSpace(tt.raw))
			if diff := cmp.Diff(tt.want, got, ignoreChecked); diff != "" {
				t.Errorf("Event (-want +got):\n%s", diff)
			}
		})
	}
}

// TestIsObject: what was decoded is known to be an object; what is put in its
// place is not believed.
func TestIsObject(t *testing.T) {
	texts := map[string]bool{
		``: false, `{}`: true, `{"a":[{}]}`: true, ` {}`: false, `{} `: false, `{}{}`: false,
		`[]`: false, `1`: false, `{"a":}`: false, `{`: false, "{\"a\":\"\n\"}": false,
	}
	const decoded = `{"log_id":"1"}`
	for text, want := range texts {
		for name, e := range map[string]Event{"made": {}, "decoded": mustDecode(t, decoded)} {
			e.Raw = []byte(text)
			if got := e.IsObject(); got != want {
				t.Errorf("an event %s with %q put into it is an object: %t, want %t", name, text, got, want)
			}
		}
	}
	e := mustDecode(t, " "+decoded+"\n")
	if !e.IsObject() {
		t.Error("what was decoded is no object")
	}
	if e.Raw = []byte(`{"log_id":"1",`); e.IsObject() {
		t.Error("something as long as what was decoded is one")
	}
	e = mustDecode(t, decoded)
	if e.Raw = e.Raw[1:]; e.IsObject() {
		t.Error("a part of what was decoded is one")
	}
}

func mustDecode(t *testing.T, raw string) Event {
	t.Helper()
	e, err := Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestDecodeErrors(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"nothing", "", "not valid JSON"},
		{"cut short", `{"log_id":"` + someID, "not valid JSON"},
		{"two documents", `{"log_id":"1"}{"log_id":"2"}`, "not valid JSON"},
		{"null", "null", "expected an object, got null"},
		{"a string", `"x"`, "expected an object, got a string"},
		{"an array", "[]", "expected an object, got an array"},
		{"a boolean", "true", "expected an object, got a boolean"},
		{"a number", "-1", "expected an object, got a number"},
		{"no id", `{"type":"s"}`, "no log_id"},
		{"empty object", `{}`, "no log_id"},
		{"empty id", `{"log_id":"","_id":null}`, "no log_id"},
		{"id that is none", `{"log_id":"abc"}`, `log_id "abc": expected 1 to 128 decimal digits`},
		{"id with a fraction", `{"log_id":1.5}`, `log_id "1.5": expected`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decode([]byte(tt.raw))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, error %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestDecodePage(t *testing.T) {
	first := `{"log_id":"` + someID + `","n":12345678901234567890.10, "a":[ ] }`
	second := `{"log_id":"` + otherID + `","b":{ }}`
	tests := []struct {
		name, body string
		want       []string
	}{
		{"empty", "[]", nil},
		{"empty with space", " [ \n] ", nil},
		{"one", "[" + first + "]", []string{first}},
		{"two, with space around them", "\n[ " + first + " ,\n" + second + "\t]\n", []string{first, second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events, err := DecodePage([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			var raws []string
			for _, e := range events {
				raws = append(raws, string(e.Raw))
			}
			if diff := cmp.Diff(tt.want, raws); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodePageErrors(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"nothing", "", "the body is not valid JSON"},
		{"cut short", `[{"log_id":"1"},`, "the body is not valid JSON"},
		{"an error of Auth0", `{"statusCode":401}`, "the body is not a JSON array"},
		{"null", "null", "the body is not a JSON array"},
		{"a document without an id", `[{"log_id":"1"},{"type":"s"}]`, "document 2 of the page: it has no log_id"},
		{"a document without an id before one that is cut short", `[{"type":"s"},{"log_id":"1"`, "the body is not valid JSON"},
		{"something behind the array", `[{"log_id":"1"}] x`, "the body is not valid JSON"},
		{"no array, and cut short", `{"statusCode":`, "the body is not valid JSON"},
		{"a document that is none", `[null]`, "document 1 of the page: expected an object, got null"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events, err := DecodePage([]byte(tt.body))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %d events, error %v, want %s", len(events), err, tt.want)
			}
		})
	}
}

// FuzzDecodePage holds the scanner to what encoding/json makes of the same
// bytes.
func FuzzDecodePage(f *testing.F) {
	f.Add([]byte(`[{"log_id":"` + someID + `","type":"s","date":"2025-10-01T05:39:16.467Z"},{"_id":"1","a":[{"b":"\\\""}]}]`))
	f.Add([]byte(` [ { "log_id" : 12 , "date" : { "$date" : 1759297156467 } } , {"log_id":"1","log_id":"2","type":"\u0066"} ] `))
	f.Add([]byte(`[]`))
	f.Add([]byte(`[[],"]",null,{"":{}}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := slices.Clone(body)
		events, err := DecodePage(body)
		if !slices.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		if valid := json.Valid(body); valid == errors.Is(err, errBody) {
			t.Fatalf("error %v of a body whose JSON is valid: %t", err, valid)
		}
		var docs []json.RawMessage
		if wrong := json.Unmarshal(body, &docs); wrong != nil && err == nil {
			t.Fatalf("decoded what is no array: %v", wrong)
		}
		if err != nil {
			return
		}
		if len(events) != len(docs) {
			t.Fatalf("got %d events, want %d", len(events), len(docs))
		}
		for i, e := range events {
			checkDecoded(t, e, docs[i])
		}
	})
}

// checkDecoded compares an event with its document.
func checkDecoded(t *testing.T, e Event, doc json.RawMessage) {
	t.Helper()
	if string(e.Raw) != string(doc) {
		t.Fatalf("Raw is %q, want %q", e.Raw, doc)
	}
	if again, err := Decode(doc); err != nil || !cmp.Equal(e, again, ignoreChecked) {
		t.Errorf("%s: decoded alone it is %+v, error %v, in a page %+v", doc, again, err, e)
	}
	if !e.IsObject() {
		t.Errorf("%s: a decoded document is no object", doc)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(doc, &fields); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	if _, err := ParseID(string(e.ID)); err != nil || e.ID != ID(plain(fields["log_id"])) && e.ID != ID(plain(fields["_id"])) {
		t.Errorf("%s: ID is %q", doc, e.ID)
	}
	if want := plain(fields["type"]); utf8.Valid(doc) && e.Type != want {
		t.Errorf("%s: Type is %q, want %q", doc, e.Type, want)
	}
	if e.Date.Location() != time.UTC || e.Date.Year() > 9999 {
		t.Errorf("%s: Date is %s", doc, e.Date)
	}
}

// plain is the content of a string, or the text of a number.
func plain(raw json.RawMessage) string {
	var s string
	var n json.Number
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if len(raw) > 0 && raw[0] != '"' && json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}
