package tenantlog

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestScannerTakesWhatJSONIs: each text stands alone, in an array, as a member
// of an object, and cut off at every byte.
func TestScannerTakesWhatJSONIs(t *testing.T) {
	texts := []string{
		`null`, `true`, `false`, `nul`, `nulls`, `True`,
		`0`, `-0`, `01`, `-`, `+1`, `1.`, `.5`, `1.5`, `1.e3`, `1e`, `1e+`, `1E-07`, `1e5.2`, `12345678901234567890`, `0x1`, `NaN`,
		`""`, `"a"`, `"1234567"`, `"12345678"`, `"123456789"`, `"\""`, `"\\"`, `"\\\""`, `"1234567\""`, `"12345678\""`, `"\/\b\f\n\r\t"`,
		`"\x"`, `"\u00e9"`, `"\uD83D\uDE00"`, `"\ud800"`, `"\u12"`, `"\u00g0"`, `"\u001"`, `"\U0041"`, `"\u005F\u005f"`,
		`"\u` + "\x10\x19" + `00"`, // digits but for the bit that makes letters small
		"\"\x1f\"", "\"\x00\"", "\"1234567\x1f\"", "\"1\t\"", "\"12345678\n\"", "\"\x7f\"", "\"\x80\xff\"", "\"é\u2028\U0001F600\"",
		`{}`, `[]`, `{ }`, `[ ]`, "[\t1 ,\n2\r]", `{"a":1,"b":[{"c":"]}"}]}`, ` {"a" : 1} `,
		`{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `{1:1}`, `{"a" 1}`, `{"a":1 "b":2}`, `[1,]`, `[,]`, `[1 2]`, `[1`, `]`, `}`, `{]`, `[}`,
		"\u00a0[]", "[]\x00", "\ufeff[]", "[1\v]",
	}
	for _, text := range texts {
		for _, whole := range []string{text, "[" + text + "]", "[1, " + text + " ,2]", `{"k":` + text + "}", `{"a":{"k":` + text + `,"l":1}}`} {
			for end := range len(whole) + 1 {
				checkValid(t, whole[:end])
			}
		}
	}
}

func TestScannerDepth(t *testing.T) {
	for _, depth := range []int{maxDepth - 1, maxDepth, maxDepth + 1} {
		checkValid(t, strings.Repeat("[", depth)+strings.Repeat("]", depth))
		checkValid(t, strings.Repeat(`{"a":`, depth)+"1"+strings.Repeat("}", depth))
		checkValid(t, strings.Repeat(`[{"a":`, depth/2)+"1"+strings.Repeat("}]", depth/2))
	}
	checkValid(t, "["+strings.Repeat("[],{},", maxDepth)+"1]") // many, none deep
}

func FuzzScanner(f *testing.F) {
	f.Add(`[{"log_id":"1","a":[-1.5e+3,true,false,null,"\u0000\\"]}]`)
	f.Add("{\"a\":\"12345678\x01\"}")
	f.Fuzz(checkValid)
}

// checkValid holds the scanner to encoding/json.
func checkValid(t *testing.T, text string) {
	t.Helper()
	s := scanner{text: []byte(text)}
	s.space()
	if got, want := s.value() && s.end(), json.Valid([]byte(text)); got != want {
		t.Errorf("%.200q is well formed: %t, want %t", text, got, want)
	}
}
