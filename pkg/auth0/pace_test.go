package auth0

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	standin "auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// wire carries requests to the stand-in of a tenant and back, half of the
// latency each way, and keeps count of its rate limit.
type wire struct {
	tenant  *standin.Tenant
	latency time.Duration
	// edit, if any, changes the answer to the nth page, counted from 1.
	edit func(n int, answer *http.Response)

	mu      sync.Mutex
	asked   []time.Time // when the requests for a page reached the tenant
	refused int
	lowest  int // of what was left in the bucket
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(w.latency / 2)
	recorder := httptest.NewRecorder()
	w.tenant.ServeHTTP(recorder, r)
	answer := recorder.Result()
	if r.URL.Path != "/oauth/token" {
		w.count(answer)
	}
	time.Sleep(w.latency / 2)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer, nil
}

func (w *wire) count(answer *http.Response) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, time.Now())
	if answer.StatusCode == http.StatusTooManyRequests {
		w.refused++
	}
	if left, err := strconv.Atoi(answer.Header.Get("X-RateLimit-Remaining")); err == nil {
		w.lowest = min(w.lowest, left)
	}
	if w.edit != nil {
		w.edit(len(w.asked), answer)
	}
}

// limitedTenant is a client of a tenant with a rate limit. It belongs into a
// bubble of synctest, and begins between two refills.
func limitedTenant(rate standin.Rate, share int, latency time.Duration) (*Client, *wire) {
	time.Sleep(345 * time.Millisecond)
	const domain = "acme.auth0.com"
	tenant := standin.New(standin.Options{ClientID: clientID, ClientSecret: secret, Rate: rate})
	w := &wire{tenant: tenant, latency: latency, lowest: rate.Limit}
	return New(Options{
		Domain: domain, Audience: "https://" + domain + "/api/v2/", ClientID: clientID, ClientSecret: secret,
		RateShare: share, Transport: w, Now: time.Now,
	}), w
}

// fetch has so many fetchers ask for page after page for so long. As in a run,
// one is at work before the others. It returns how they ended.
func fetch(t *testing.T, c *Client, fetchers int, duration time.Duration) error {
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	ends := make(chan error, fetchers)
	if _, err := c.Page(ctx, tenantlog.Oldest); err != nil {
		return err
	}
	for range fetchers {
		go func() {
			for {
				if _, err := c.Page(ctx, tenantlog.Oldest); err != nil {
					ends <- err
					return
				}
			}
		}()
	}
	var all []error
	for range fetchers {
		all = append(all, <-ends)
	}
	return errors.Join(all...)
}

// TestPace: the client makes use of its share of the tenant's rate limit, is
// never refused and leaves the rest of the bucket alone, however slow the pages
// are and however many are asked for at a time.
func TestPace(t *testing.T) {
	minute := func(limit int, refill float64) standin.Rate {
		return standin.Rate{Limit: limit, Refill: refill, Every: time.Minute}
	}
	tests := map[string]struct {
		rate  standin.Rate
		least float64 // of what share, latency and fetchers allow, where the share is large
	}{
		"free":                           {standin.Rate{Limit: 2, Refill: 2}, 0.6},
		"Enterprise":                     {standin.Rate{Limit: 50, Refill: 16}, 0.9},
		"Enterprise, not in production":  {standin.Rate{Limit: 10, Refill: 2}, 0.75},
		"100 a minute, by the second":    {standin.Rate{Limit: 10, Refill: 100. / 60}, 0.7},
		"100 a minute, by the minute":    {minute(100, 100), 0.75},
		"10 a minute":                    {minute(10, 10), 0.75},
		"10 a minute, in a large bucket": {minute(50, 10), 0.75},
		"as much as the bucket holds":    {standin.Rate{Limit: 20, Refill: 20}, 0.88},
		"a token now and then":           {standin.Rate{Limit: 5, Refill: 0.4}, 0.65},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, share := range []int{100, 80, 50} {
				for _, at := range []struct {
					latency  time.Duration
					fetchers int
				}{
					{20 * time.Millisecond, 1}, {20 * time.Millisecond, 8},
					{300 * time.Millisecond, 1}, {300 * time.Millisecond, 3}, {300 * time.Millisecond, 8},
					{3 * time.Second, 1}, {3 * time.Second, 8},
				} {
					p := pace{tt.rate, share, at.latency, at.fetchers}
					least := tt.least
					if share == 50 { // of a refill at most half of the bucket is seen, often less
						least = 0.45
					}
					synctest.Test(t, func(t *testing.T) { p.check(t, least) })
				}
			}
		})
	}
}

type pace struct {
	standin.Rate
	share    int
	latency  time.Duration
	fetchers int
}

// check asserts that at least a fraction of the pages that are allowed is
// fetched, and no more than are.
func (p pace) check(t *testing.T, least float64) {
	every := cmp.Or(p.Every, time.Second)
	duration := max(time.Minute, 4*every)
	c, w := limitedTenant(p.Rate, p.share, p.latency)
	if err := fetch(t, c, p.fetchers, duration); !errors.Is(err, export.ErrNoTime) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%+v: ended with %v", p, err)
	}
	mark := min(int(math.Ceil(float64(p.Limit*(100-p.share))/100)), p.Limit-1)
	if w.refused > 0 || w.lowest < mark {
		t.Errorf("%+v: refused %d times, left %d in the bucket, want no refusal and %d", p, w.refused, w.lowest, mark)
	}
	refilled := p.Refill * math.Floor(float64(duration)/float64(every))
	allowed := float64(p.share) / 100 * (float64(p.Limit) + refilled)
	possible := float64(min(p.fetchers, p.Limit-mark)) * float64(duration) / float64(p.latency)
	if got := float64(len(w.asked)); got < least*min(allowed, possible) || got > 1.05*allowed+2 {
		t.Errorf("%+v: fetched %.0f pages of %.0f, want at least %.2f of them and no more", p, got, min(allowed, possible), least)
	}
}

// TestOneAbsurdAnswer: whatever one answer tells of the rate limit does not
// slow down those after it.
func TestOneAbsurdAnswer(t *testing.T) {
	for _, header := range []http.Header{
		{"X-Ratelimit-Reset": {"9999999999"}},
		{"X-Ratelimit-Reset": {"9223372036854775807"}},
		{"X-Ratelimit-Reset": {"-9223372036854775808"}},
		{"X-Ratelimit-Reset": {"-1"}},
		{"X-Ratelimit-Reset": {"soon"}},
		{"X-Ratelimit-Reset": {"946684840"}}, // half a minute ahead
		{"X-Ratelimit-Limit": {"9223372036854775807"}},
		{"X-Ratelimit-Limit": {"2147483647"}},
		{"X-Ratelimit-Limit": {"0"}},
		{"X-Ratelimit-Remaining": {"-5"}},
		{"Date": {"Fri, 31 Dec 9999 23:59:59 GMT"}},
		{"Date": {"Thu, 01 Jan 1970 00:00:00 GMT"}},
		{"Date": {"Fri, 31 Dec 9999 23:59:59 GMT"}, "X-Ratelimit-Reset": {"253402300800"}},
	} {
		t.Run(fmt.Sprint(header), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, w := limitedTenant(standin.Rate{Limit: 50, Refill: 16}, 100, 300*time.Millisecond)
				w.edit = func(n int, answer *http.Response) {
					if n == 50 {
						for name, values := range header {
							answer.Header[name] = values
						}
					}
				}
				_ = fetch(t, c, 8, time.Minute)
				if want := 0.75 * (50 + 60*16); float64(len(w.asked)) < want || w.refused > 0 {
					t.Errorf("fetched %d pages, refused %d times; want %.0f and not once", len(w.asked), w.refused, want)
				}
			})
		})
	}
}

// TestARefusalHoldsAllBack: while Auth0 asks one request to wait, no other is
// sent.
func TestARefusalHoldsAllBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wait = 7 * time.Second
		c, w := limitedTenant(standin.Rate{Limit: 50, Refill: 16}, 100, 300*time.Millisecond)
		var held time.Time
		w.edit = func(n int, answer *http.Response) {
			if n == 20 {
				answer.StatusCode = http.StatusTooManyRequests
				answer.Header.Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
				held = time.Now().Add(w.latency / 2)
			}
		}
		_ = fetch(t, c, 8, 20*time.Second)
		after := 0
		for _, at := range w.asked {
			// What was under way when the refusal came back is not to be helped.
			if at.After(held.Add(w.latency/2)) && at.Before(held.Add(wait)) {
				t.Errorf("a request was sent %s after the refusal", at.Sub(held))
			}
			if !at.Before(held.Add(wait)) {
				after++
			}
		}
		if after < 100 {
			t.Errorf("%d requests after the wait, want as many as before it", after)
		}
	})
}

// TestARefusalEndsAllBeyondTheDeadline: where Auth0 asks to wait longer than the
// run has left, none of the requests waits.
func TestARefusalEndsAllBeyondTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, w := limitedTenant(standin.Rate{Limit: 50, Refill: 16}, 100, 300*time.Millisecond)
		w.edit = func(n int, answer *http.Response) {
			if n == 20 {
				answer.StatusCode = http.StatusTooManyRequests
				answer.Header.Set("Retry-After", "100")
			}
		}
		began := time.Now()
		err := fetch(t, c, 8, time.Minute)
		if e := asError(t, err); e.Kind != export.KindRateLimit || !errors.Is(err, export.ErrNoTime) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it waited %s for nothing", took)
		}
	})
}

// TestRubbish: whatever the headers tell, there is a request every two minutes
// at least, or after as long as a refusal may hold them back.
func TestRubbish(t *testing.T) {
	numbers := rapid.OneOf(
		rapid.SampledFrom([]string{"", "-1", "0", "1", "50", "2147483647", "2147483648", "9999999999", "9223372036854775807", "-9223372036854775808", "1e3", "NaN", "soon"}),
		rapid.Map(rapid.Int64(), func(n int64) string { return strconv.FormatInt(n, 10) }),
		rapid.Map(rapid.IntRange(0, 100), strconv.Itoa),
	)
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 23, 10, 0, 0, 345e6, time.UTC)
		g := newGovernor(rapid.IntRange(1, 100).Draw(t, "share"))
		var unanswered []draw
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 100_000).Draw(t, "later")) * time.Millisecond)
			waited, most := time.Duration(0), 2*time.Minute
			if g.held.After(now) {
				most += maxHold
			}
			d, wait := g.take(now)
			for ; wait > 0; d, wait = g.take(now) {
				if len(unanswered) > 0 { // as a request is given up in the end
					unanswered = unanswered[1:]
					g.ended(callTimeout)
				}
				now, waited = now.Add(wait), waited+wait
				if waited > most {
					t.Fatalf("waited %s", waited)
				}
			}
			unanswered = append(unanswered, d)
			if n := g.concurrency(now); n < 1 {
				t.Fatalf("%d requests at a time", n)
			}
			for len(unanswered) > 0 && rapid.Bool().Draw(t, "answered") {
				reset := now.Add(time.Duration(rapid.IntRange(-70, 70).Draw(t, "reset")) * time.Second).Unix()
				h := http.Header{
					"X-Ratelimit-Limit":     {numbers.Draw(t, "limit")},
					"X-Ratelimit-Remaining": {numbers.Draw(t, "remaining")},
					"X-Ratelimit-Reset":     {rapid.OneOf(rapid.Just(strconv.FormatInt(reset, 10)), numbers).Draw(t, "reset")},
					"Retry-After":           {rapid.OneOf(numbers, rapid.Just("Fri, 31 Dec 9999 23:59:59 GMT")).Draw(t, "Retry-After")},
				}
				date := rapid.SampledFrom([]time.Time{{}, now, now, now.Add(-time.Hour), time.Unix(0, 0), time.Unix(253402300799, 0)}).Draw(t, "date")
				ok := rapid.Bool().Draw(t, "ok")
				g.observe(unanswered[0], now, date, h, ok)
				g.ended(time.Duration(rapid.IntRange(0, 30_000).Draw(t, "took")) * time.Millisecond)
				unanswered = unanswered[1:]
				if !ok {
					g.refused(now, date, h, rapid.IntRange(0, maxRefusals).Draw(t, "in a row"))
				}
			}
		}
	})
}
