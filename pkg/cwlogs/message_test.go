package cwlogs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const testID = "90020261123100000000000000000000000000000000000000000001"

func TestRender(t *testing.T) {
	tests := map[string]struct {
		raw  string
		want string
		form export.Form
	}{
		"as it is":                   {`{"log_id":"1", "n":12345678901234567890, "f":1.0}`, `{"log_id":"1", "n":12345678901234567890, "f":1.0}`, export.Plain},
		"over several lines":         {"{\n  \"a\": \"x y\",\r\n  \"b\": [1, 2]\n}", `{"a":"x y","b":[1,2]}`, export.Plain},
		"no object":                  {`["a"]`, `{"log_id":"` + testID + `","raw":"[\"a\"]"}`, export.Wrapped},
		"no JSON":                    {`{"a":`, `{"log_id":"` + testID + `","raw":"{\"a\":"}`, export.Wrapped},
		"empty":                      {``, `{"log_id":"` + testID + `","raw":""}`, export.Wrapped},
		"would be metrics":           {`{"_aws":{"CloudWatchMetrics":[]},"n":1e400}`, `{"_aws_":{"CloudWatchMetrics":[]},"n":1e400}`, export.Wrapped},
		"would be metrics, escaped":  {`{"\u005faws":1}`, `{"_aws_":1}`, export.Wrapped},
		"_aws that is not at root":   {`{"a":{"_aws":1}}`, `{"a":{"_aws":1}}`, export.Plain},
		"_aws in a text":             {`{"a":"\"_aws\""}`, `{"a":"\"_aws\""}`, export.Plain},
		"HTML is left as it is":      {`{"_aws":1,"a":"<&>"}`, `{"_aws_":1,"a":"<&>"}`, export.Wrapped},
		"what is no UTF-8 is mended": {"{\"a\":\"x\xff\"}", "{\"a\":\"x\uFFFD\"}", export.Wrapped},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := render(tenantlog.Event{ID: testID, Raw: []byte(tt.raw)}, now)
			if string(got.Message) != tt.want || got.Form != tt.form {
				t.Errorf("form %d, message\n%s\nwant form %d,\n%s", got.Form, got.Message, tt.form, tt.want)
			}
			if got.Size != len(got.Message)+26 {
				t.Errorf("size %d of %d bytes", got.Size, len(got.Message))
			}
		})
	}
}

// TestMayHoldMetrics: taking an object apart is for the few that may have the
// key.
func TestMayHoldMetrics(t *testing.T) {
	tests := map[string]bool{
		`{"_aws":1}`: true, `{"a":{"_aws":1}}`: true, `{"\u005faws":1}`: true, `{"\u005Faws":1}`: true, `{"_\u0061ws":1}`: true,
		`{"_a\u0077s":1}`: true, `{"_aw\u0073":1}`: true, `{"a\u001f\u00e9":1,"_aw\u0073":1}`: true,
		`{}`: false, `{"aws":1,"_awst":1}`: false, `{"a":"\u001f\u003C\u00e9"}`: false, `{"a":"\\u00"}`: false, `{"a\\u00":0}`: false,
	}
	for raw, want := range tests {
		if got := mayHoldMetrics([]byte(raw)); got != want {
			t.Errorf("%s may hold metrics: %t, want %t", raw, got, want)
		}
	}
}

func TestRenderTime(t *testing.T) {
	date := now.Add(-time.Hour)
	if got := render(tenantlog.Event{ID: testID, Date: date, Raw: []byte("{}")}, now); !got.Time.Equal(date) {
		t.Errorf("time %s, want the event's own", got.Time)
	}
	if got := render(tenantlog.Event{ID: testID, Raw: []byte("{}")}, now); !got.Time.Equal(now) {
		t.Errorf("time %s without a date, want now", got.Time)
	}
}

func TestSlim(t *testing.T) {
	text := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	head := `{"date":"2026-11-23T10:00:00.000Z","type":"sapi","log_id":"` + testID + `",`
	manyFields := func() string {
		var b strings.Builder
		for i := range 100_000 {
			fmt.Fprintf(&b, `"field%d":"a small value",`, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	tests := map[string]struct {
		raw  string
		kept []string // in the message
	}{
		"one large text":                {head + `"a":"kept","b":` + text(2<<20) + `}`, []string{`"a":"kept"`}},
		"one large member":              {head + `"details":{"request":{"a":1},"response":` + text(2<<20) + `}}`, []string{`"request":{"a":1}`}},
		"deep":                          {head + strings.Repeat(`"a":{`, 2000) + `"d":` + text(2<<20) + strings.Repeat("}", 2001), nil},
		"one large member of a member":  {head + `"a":{"b":{"d":` + text(2<<20) + `},"e":"kept"}}`, []string{`"e":"kept"`}},
		"a kept value of absurd size":   {head + `"_id":` + text(2<<20) + `,"b":"kept"}`, []string{`"b":"kept"`}},
		"several":                       {head + `"a":` + text(900_000) + `,"b":` + text(800_000) + `,"c":` + text(100_000) + `}`, []string{text(100_000), text(800_000)}},
		"an array":                      {head + `"a":[` + strings.Repeat(text(1000)+",", 2000) + `1],"b":"kept"}`, []string{`"b":"kept"`}},
		"nothing but small fields":      {head + manyFields() + `}`, nil},
		"just one byte too large":       {head + `"a":` + text(maxMessage-len(head)-len(`"a":}`)-1) + `}`, nil},
		"a value among the kept":        {head + `"_id":` + text(900) + `,"b":` + text(1_100_000) + `}`, []string{text(900)}},
		"large members of large object": {head + `"a":{"x":` + text(700_000) + `,"y":` + text(700_000) + `}}`, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := render(tenantlog.Event{ID: testID, Raw: []byte(tt.raw)}, now)
			if len(got.Message) > maxMessage || got.Form != export.Slimmed {
				t.Fatalf("%d bytes, form %d", len(got.Message), got.Form)
			}
			var doc map[string]any
			if err := json.Unmarshal(got.Message, &doc); err != nil {
				t.Fatal(err)
			}
			if doc["log_id"] != testID || doc["type"] != "sapi" || doc["date"] != "2026-11-23T10:00:00.000Z" {
				t.Errorf("log_id %v, type %v, date %v", doc["log_id"], doc["type"], doc["date"])
			}
			if !bytes.Contains(got.Message, []byte(`"sha256":"`)) || !bytes.Contains(got.Message, []byte(`"bytes":`)) {
				t.Error("no marker tells what was taken out")
			}
			for _, kept := range tt.kept {
				if !bytes.Contains(got.Message, []byte(kept)) {
					t.Errorf("%.40s... was taken out", kept)
				}
			}
		})
	}
}

func TestLargestMessageIsPlain(t *testing.T) {
	raw := `{"a":"` + strings.Repeat("x", maxMessage-len(`{"a":""}`)) + `"}`
	if got := render(tenantlog.Event{ID: testID, Raw: []byte(raw)}, now); got.Form != export.Plain || len(got.Message) != maxMessage {
		t.Errorf("form %d, %d bytes", got.Form, len(got.Message))
	}
}

// FuzzRender: whatever Auth0 sends becomes one line of JSON that CloudWatch
// Logs takes, and a good document is the same as before.
func FuzzRender(f *testing.F) {
	for _, s := range []string{`{"a":1}`, "{\n}", `[]`, ``, "\xff", `{"_aws":{}}`, `{"\u005faws":1,"_aws":2}`, `{"a":"\\"}`, ` {"a":"\u2028"} `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := render(tenantlog.Event{ID: testID, Raw: raw}, now)
		m := got.Message
		if len(m) == 0 || len(m) > maxMessage || !utf8.Valid(m) || bytes.ContainsAny(m, "\n\r") || !json.Valid(m) || m[0] != '{' {
			t.Fatalf("%q became %q", raw, m)
		}
		for _, field := range rootFields(m) {
			if field.key == metricsKey {
				t.Fatalf("%q would make metrics", m)
			}
		}
		if got.Form == export.Plain && !sameJSON(t, raw, m) {
			t.Fatalf("%q became %q", raw, m)
		}
	})
}

func sameJSON(t *testing.T, a, b []byte) bool {
	decode := func(raw []byte) any {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		return v
	}
	return reflect.DeepEqual(decode(a), decode(b))
}

func TestSlimAlwaysFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := map[string]any{"log_id": testID}
		for i := range rapid.IntRange(1, 12).Draw(t, "fields") {
			n := rapid.IntRange(0, 400_000).Draw(t, "size")
			var v any = strings.Repeat("y", n)
			if rapid.Bool().Draw(t, "nested") {
				v = map[string]any{"inner": v, "small": 1}
			}
			doc[fmt.Sprint("f", i)] = v
		}
		raw, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		got := render(tenantlog.Event{ID: testID, Raw: raw}, now)
		if len(got.Message) > maxMessage || !json.Valid(got.Message) || (got.Form == export.Slimmed) != (len(raw) > maxMessage) {
			t.Fatalf("%d bytes became %d, form %d", len(raw), len(got.Message), got.Form)
		}
	})
}
