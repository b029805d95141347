package cwlogs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	standin "auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/export"
)

func (b *bench) probe() *Probe {
	return NewProbe(b.sink.client.(*cloudwatchlogs.Client), func() time.Time { return now })
}

// TestProbeFindsExactNames: names that only begin alike are others.
func TestProbeFindsExactNames(t *testing.T) {
	b := newBench(t, standin.Options{})
	for _, group := range []string{"auth0-2", "auth0", "auth0/x", "auth"} {
		if err := b.logs.CreateGroup(standin.Place{Group: group}, standin.Standard, 7); err != nil {
			t.Fatal(err)
		}
	}
	for _, stream := range []string{"acme-check", "acme", "acme2", "beta-2"} {
		d := delivery{Sink: b.sink, target: export.Target{Group: "auth0"}}
		if err := d.createStream(t.Context(), stream); err != nil {
			t.Fatal(err)
		}
	}
	p := b.probe()
	if about, limits, err := p.Group(t.Context(), "auth0"); err != nil || about != "class STANDARD, keeps events for 7 days" || limits != "" {
		t.Errorf("%q, %q, %v", about, limits, err)
	}
	for _, name := range []string{"auth0-", "auth0/", "aut", "nothing"} {
		if _, _, err := p.Group(t.Context(), name); err == nil || !strings.Contains(err.Error(), "There is no log group "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for stream, want := range map[string]bool{"acme": true, "acm": false, "acme-": false, "beta": false, "beta-2": true, "nothing": false} {
		if ok, err := p.Stream(t.Context(), export.Target{Group: "auth0", Stream: stream}); err != nil || ok != want {
			t.Errorf("%s: %t, %v", stream, ok, err)
		}
	}
	if _, err := p.Stream(t.Context(), export.Target{Group: "nothing", Stream: "acme"}); err == nil || !strings.Contains(err.Error(), "There is no log group") {
		t.Errorf("a stream of no group: %v", err)
	}
}

func TestProbeOfAnotherClass(t *testing.T) {
	b := newBench(t, standin.Options{})
	if err := b.logs.CreateGroup(standin.Place{Group: target.Group}, standin.InfrequentAccess, 0); err != nil {
		t.Fatal(err)
	}
	about, limits, err := b.probe().Group(t.Context(), target.Group)
	if err != nil || about != "class INFREQUENT_ACCESS, keeps events for ever" || !strings.Contains(limits, "stored twice") {
		t.Errorf("%q, %q, %v", about, limits, err)
	}
}

func TestProbeWritesAndReads(t *testing.T) {
	b := newBench(t, standin.Options{Odd: true})
	b.group(t, "", 0)
	p, trial := b.probe(), export.Target{Group: target.Group, Stream: "acme-check"}
	if _, err := p.Write(t.Context(), trial, now, []byte(`{"test":1}`)); err != nil {
		t.Fatal(err)
	}
	for i := range 5 { // others, at the same time
		if _, err := p.Write(t.Context(), trial, now, fmt.Appendf(nil, `{"test":%d}`, i+2)); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := p.Read(t.Context(), trial, now, []byte(`{"test":1}`)); !ok || err != nil {
		t.Errorf("read: %t, %v", ok, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if ok, err := p.Read(ctx, trial, now, []byte(`{"test":9}`)); ok || err != nil {
		t.Errorf("what was never written: %t, %v", ok, err)
	}
	if n := len(b.stored("acme")); n != 0 {
		t.Errorf("%d events in the stream beside", n)
	}
}

func TestProbeRefused(t *testing.T) {
	trial := export.Target{Group: target.Group, Stream: "acme-check"}
	tests := map[string]struct {
		denied, resource string
		mayNotCreate     bool
	}{
		"create": {"CreateLogStream", "", true},
		"put":    {"PutLogEvents", "", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, standin.Options{})
			b.group(t, "", 0)
			b.keys.Deny(awsjson.Rule{Operation: test.denied})
			if mayNot, err := b.probe().Write(t.Context(), trial, now, []byte("{}")); mayNot != test.mayNotCreate || err == nil {
				t.Errorf("%t, %v", mayNot, err)
			}
		})
	}
	b := newBench(t, standin.Options{})
	b.group(t, "acme-check", 0)
	b.keys.Deny(awsjson.Rule{})
	p := b.probe()
	_, _, group := p.Group(t.Context(), target.Group)
	_, stream := p.Stream(t.Context(), trial)
	_, read := p.Read(t.Context(), trial, now, nil)
	for what, err := range map[string]error{"group": group, "stream": stream, "read": read} {
		if !errors.Is(err, export.ErrCannotRead) {
			t.Errorf("%s: %v, want one that wraps ErrCannotRead", what, err)
		}
	}
	b = newBench(t, standin.Options{})
	b.group(t, "", 1)
	if _, err := b.probe().Write(t.Context(), trial, now.Add(-48*time.Hour), []byte("{}")); err == nil || !strings.Contains(err.Error(), "retention") {
		t.Errorf("an event that is refused for its time: %v", err)
	}
}
