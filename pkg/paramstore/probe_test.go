package paramstore

import (
	"net/http"
	"strings"
	"testing"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	standin "auth0-logs-to-cloudwatch/pkg/devstack/ssm"
)

// TestMayWriteWritesNothing: neither a parameter that is there nor one that is
// not.
func TestMayWriteWritesNothing(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.put(t, root+"/acme/RUN", "String", "x")
	for _, name := range []string{"RUN", "CHECKPOINT"} {
		if err := b.store.MayWrite(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h := b.ssm.History(root + "/acme/RUN"); len(h) != 1 || h[0].Value != "x" {
		t.Errorf("RUN was written: %+v", h)
	}
	if value, ok := b.ssm.Value(root + "/acme/CHECKPOINT"); ok {
		t.Errorf("CHECKPOINT was made: %q", value)
	}
}

// TestMayNotWrite: the right is missed whether the parameter is there or not.
func TestMayNotWrite(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.put(t, root+"/acme/RUN", "String", "x")
	b.keys.Deny(awsjson.Rule{Operation: "PutParameter"})
	for _, name := range []string{"RUN", "CHECKPOINT"} {
		if err := b.store.MayWrite(t.Context(), name); err == nil || !strings.Contains(err.Error(), "may not call ssm:PutParameter on "+root+"/acme/"+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMayWriteIsTriedAgain(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.put(t, root+"/acme/RUN", "String", "x")
	tooMany := fault.Reply(http.StatusBadRequest, http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, `{"__type":"TooManyUpdates"}`)
	b.faults.Add(fault.Rule{Op: "PutParameter", Times: 1, Do: tooMany})
	if err := b.store.MayWrite(t.Context(), "RUN"); err != nil {
		t.Error(err)
	}
	// A store that is not what it says must not pass for one that may be
	// written.
	b.faults.Add(fault.Rule{Op: "PutParameter", Do: fault.Reply(http.StatusOK, nil, `{"Version":2}`)})
	if err := b.store.MayWrite(t.Context(), "RUN"); err == nil || !strings.Contains(err.Error(), "was made") {
		t.Errorf("a put that should have been refused: %v", err)
	}
}

func TestServerTime(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.faults.Add(fault.Rule{Op: "GetParametersByPath", Times: 1, Do: fault.Reply(http.StatusOK, http.Header{"Date": {now.Format(http.TimeFormat)}}, `{}`)})
	if at, err := b.store.ServerTime(t.Context()); err != nil || !at.Equal(now) {
		t.Errorf("%s, %v; want %s", at, err, now)
	}
	b.keys.Deny(awsjson.Rule{Operation: "GetParametersByPath"})
	if _, err := b.store.ServerTime(t.Context()); err == nil {
		t.Error("no error where the call is not allowed")
	}
}
