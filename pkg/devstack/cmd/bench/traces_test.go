package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const traces = `File: bootstrap
Type: cpu
Duration: 5s, Total samples = 100ms ( 2.00%)
-----------+-------------------------------------------------------
      30ms   crypto/internal/fips140/sha256.block
             crypto/tls.(*halfConn).decrypt
             net/http.(*persistConn).readLoop
-----------+-------------------------------------------------------
      20ms   crypto/internal/fips140/sha256.block
             github.com/aws/aws-sdk-go-v2/aws/signer/v4.(*Signer).SignHTTP
             auth0-logs-to-cloudwatch/pkg/cwlogs.(*Sink).Deliver
-----------+-------------------------------------------------------
      40ms   runtime.memmove
             auth0-logs-to-cloudwatch/pkg/tenantlog.Decode (inline)
-----------+-------------------------------------------------------
      10ms   runtime.futex
`

func TestShareByGroup(t *testing.T) {
	got, err := shareByGroup(traces)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"TLS": 0.3, "SDK, signatures included": 0.2, "JSON and other work of our own": 0.4, restName: 0.1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
}

func TestShareByGroupRefuses(t *testing.T) {
	const line = "-----------+---\n"
	for name, text := range map[string]string{
		"no samples": "File: bootstrap\n",
		"no time":    line + "  runtime.futex\n",
		"odd time":   line + "  much runtime.futex\n",
	} {
		if got, err := shareByGroup(text); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestGroupOf(t *testing.T) {
	for want, functions := range map[string][]string{
		"garbage collection":             {"runtime.scanObject", "runtime.gcDrain", "runtime.gcBgMarkWorker"},
		"system calls of the network":    {"internal/runtime/syscall/linux.Syscall6", "syscall.write", "crypto/tls.(*Conn).Write"},
		"gzip":                           {"runtime.memmove", "compress/flate.(*decompressor).huffSym", "encoding/json.x"},
		"SDK, signatures included":       {"github.com/aws/smithy-go/encoding/json.escapeStringBytes"},
		"HTTP":                           {"runtime.mallocgc", "net/http.(*Transport).dialConn"},
		"JSON and other work of our own": {"encoding/json.(*decodeState).scan", "main.(*handler).Handle"},
		restName:                         {"runtime.schedule", "runtime.mcall"},
	} {
		if got := groupOf(functions); got != want {
			t.Errorf("%v: %s, want %s", functions, got, want)
		}
	}
}
