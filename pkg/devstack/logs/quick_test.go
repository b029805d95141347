package logs

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzDecodeQuick shows that the quick way reads nothing else than
// encoding/json reads.
func FuzzDecodeQuick(f *testing.F) {
	for _, body := range quickBodies() {
		f.Add([]byte(body))
	}
	f.Add([]byte("{}\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if !utf8.Valid(body) {
			t.Skip("refused before it is decoded")
		}
		var quick, slow putRequest
		if !quick.DecodeQuick(body) {
			if diff := cmp.Diff(putRequest{}, quick, cmp.AllowUnexported(putRequest{})); diff != "" {
				t.Errorf("DecodeQuick gave up and left something behind:\n%s", diff)
			}
			return
		}
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&slow); err != nil || dec.More() {
			t.Fatalf("DecodeQuick takes %q, encoding/json does not: %v", body, err)
		}
		if diff := cmp.Diff(slow, quick, cmp.AllowUnexported(putRequest{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-encoding/json +DecodeQuick):\n%s", body, diff)
		}
	})
}

func quickBodies() []string {
	return []string{
		`{"logEvents":[{"message":"{\"a\":\"b\\n\"}","timestamp":1},{"message":"\u00fc\b\f\n\r\t\/","timestamp":0}],"logGroupName":"g","logStreamName":"s"}`,
		` { "logGroupName" : "g", "logEvents" : [ { "timestamp" : 12 , "message" : "x" } , { } ] , "sequenceToken":"t" } `,
		`{"logEvents":[]}`,
		`{}`,
	}
}

// TestDecodeQuickIsUsed shows that what SDKs send goes the quick way.
func TestDecodeQuickIsUsed(t *testing.T) {
	for _, body := range quickBodies() {
		if !new(putRequest).DecodeQuick([]byte(body)) {
			t.Errorf("%s is left to encoding/json", body)
		}
	}
}
