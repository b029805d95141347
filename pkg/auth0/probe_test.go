package auth0

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	standin "auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/export"
)

func TestProbe(t *testing.T) {
	b := newBench(t, standin.Options{Seed: 1, Rate: standin.Rate{Limit: 10, Refill: 1}}, nil)
	b.tenant.Generate(3, b.now.Add(-time.Hour), b.now)
	p := NewProbe(b.opt)
	defer p.Close()
	if at, err := p.Reach(t.Context()); err != nil || !at.Equal(b.now) {
		t.Errorf("reached at %s, %v; want %s", at, err, b.now)
	}
	if refused, err := p.NewToken(t.Context()); err != nil || refused {
		t.Errorf("token: refused %t, %v", refused, err)
	}
	if limit, remaining, err := p.ReadLogs(t.Context()); err != nil || limit != 10 || remaining != 9 {
		t.Errorf("%d of %d left, %v; want 9 of 10", remaining, limit, err)
	}
	if n := b.faults.Calls("token"); n != 1 {
		t.Errorf("%d tokens, want one", n)
	}
}

// TestProbeAsksOnce: a probe waits for nothing and sends nothing again.
func TestProbeAsksOnce(t *testing.T) {
	for status, kind := range map[int]export.Kind{
		http.StatusUnauthorized: export.KindAuth, http.StatusForbidden: export.KindPermission,
		http.StatusTooManyRequests: export.KindRateLimit, http.StatusBadGateway: export.KindSource,
	} {
		b := newBench(t, standin.Options{}, nil)
		b.faults.Add(fault.Rule{Op: "search", Do: fault.Reply(status, nil, "{}")})
		p := NewProbe(b.opt)
		_, _, err := p.ReadLogs(t.Context())
		if got := export.AsError("", err); got.Kind != kind {
			t.Errorf("status %d: kind %q, want %q: %v", status, got.Kind, kind, err)
		}
		if n := b.faults.Calls("search"); n != 1 {
			t.Errorf("status %d: asked %d times", status, n)
		}
	}
}

func TestProbeOfTheAudience(t *testing.T) {
	b := newBench(t, standin.Options{}, func(o *Options) { o.Audience = "https://elsewhere.example/api/v2/" })
	refused, err := NewProbe(b.opt).NewToken(t.Context())
	if !refused || !strings.Contains(export.AsError("", err).Fix, "AUTH0_AUDIENCE") {
		t.Errorf("another audience: refused %t, %v", refused, err)
	}
	for name, spoil := range map[string]func(*bench){
		"no grant":      func(b *bench) { b.tenant.SetGrant(false) },
		"wrong secret":  func(b *bench) { b.tenant.SetSecret("another") },
		"other trouble": func(b *bench) { b.faults.Add(fault.Rule{Op: "token", Do: fault.Reply(500, nil, "Service not found")}) },
	} {
		b := newBench(t, standin.Options{}, nil)
		spoil(b)
		if refused, err := NewProbe(b.opt).NewToken(t.Context()); refused || err == nil {
			t.Errorf("%s: refused %t, %v", name, refused, err)
		}
	}
}

// TestProbeOfTheDomain: whatever is wrong with it, there is something to do.
func TestProbeOfTheDomain(t *testing.T) {
	b := newBench(t, standin.Options{}, nil)
	trusts := b.opt.Transport
	for name, test := range map[string]struct {
		domain    string
		transport http.RoundTripper
		says      string
	}{
		"another's certificate": {b.opt.Domain, nil, "certificate that is not trusted"},
		"nobody there":          {"127.0.0.1:1", trusts, "did not answer"},
		"no such host":          {"tenant.invalid", trusts, "tenant.invalid"},
	} {
		opt := b.opt
		opt.Domain, opt.Transport = test.domain, test.transport
		_, err := NewProbe(opt).Reach(t.Context())
		if e := export.AsError("", err); !strings.Contains(e.Text, test.says) || e.Fix == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewProbe(b.opt).Reach(ctx); err == nil {
		t.Error("no error without time")
	}
}

// TestRateTold: headers that make no sense tell nothing.
func TestRateTold(t *testing.T) {
	for headers, want := range map[[2]string][2]int{
		{"50", "49"}: {50, 49}, {"50", "60"}: {50, 50}, {"50", "-1"}: {50, 0}, {"0", "0"}: {}, {"", "9"}: {}, {"x", "9"}: {}, {"50", ""}: {},
	} {
		h := http.Header{"X-Ratelimit-Limit": {headers[0]}, "X-Ratelimit-Remaining": {headers[1]}}
		if limit, remaining := rateTold(h); limit != want[0] || remaining != want[1] {
			t.Errorf("%q: %d, %d; want %v", headers, limit, remaining, want)
		}
	}
}
