package devstack

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

func TestIsRescued(t *testing.T) {
	long := `"` + strings.Repeat("x", maxMessage) + `"`
	mark := func(value string) string {
		return fmt.Sprintf(`{"slimmed":{"bytes":%d,"sha256":"%x"}}`, len(value), sha256.Sum256([]byte(value)))
	}
	large := `{"log_id":"1","type":"s","a":{"b":` + long + `,"c":1.50}}`
	tests := map[string]struct {
		doc, message string
		want         bool
	}{
		"a value slimmed":             {large, `{"log_id":"1","type":"s","a":{"b":` + mark(long) + `,"c":1.50}}`, true},
		"an object slimmed":           {large, `{"log_id":"1","type":"s","a":` + mark(`{"b":`+long+`,"c":1.50}`) + `}`, true},
		"all of it slimmed":           {large, `{"log_id":"1","type":"s","slimmed":` + mark(large) + `}`, true},
		"the marker of another value": {large, `{"log_id":"1","type":"s","a":{"b":` + mark(`"x"`) + `,"c":1.50}}`, false},
		"a number written anew":       {large, `{"log_id":"1","type":"s","a":{"b":` + mark(long) + `,"c":1.5}}`, false},
		"a member gone":               {large, `{"log_id":"1","type":"s","a":{"b":` + mark(long) + `}}`, false},
		"the type gone":               {large, `{"log_id":"1","slimmed":` + mark(large) + `}`, false},
		"slimmed without need":        {`{"log_id":"1","a":"x"}`, `{"log_id":"1","a":` + mark(`"x"`) + `}`, false},
		"metrics renamed":             {`{"_aws":{"x":1},"log_id":"1"}`, `{"_aws_":{"x":1},"log_id":"1"}`, true},
		"metrics gone":                {`{"_aws":{"x":1},"log_id":"1"}`, `{"log_id":"1"}`, false},
		"no UTF-8":                    {"{\"log_id\":\"1\",\"a\":\"\xff\"}", "{\"log_id\":\"1\",\"a\":\"\uFFFD\"}", true},
		"another text":                {`{"log_id":"1","a":"x"}`, `{"log_id":"1","a":"y"}`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := isRescued([]byte(tt.doc), tt.message); got != tt.want {
				t.Errorf("rescued: %v, want %v", got, tt.want)
			}
		})
	}
}
