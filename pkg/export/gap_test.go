package export

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

func TestGap(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	page := func(asked, first time.Time) fetched {
		return fetched{after: tenantlog.At(asked), serverTime: now, events: []tenantlog.Event{{ID: tenantlog.At(first)}}}
	}
	tests := map[string]struct {
		retention time.Duration
		from      origin
		caughtUp  time.Time
		pages     []fetched
		want      *Gap
	}{
		"within retention": {retention: 5 * day, pages: []fetched{page(ago(4*day), ago(3*day))}},
		"after an outage": {
			retention: 5 * day, pages: []fetched{page(ago(9*day), ago(5*day-time.Hour))},
			want: &Gap{From: ago(9 * day), To: ago(5*day - time.Hour)},
		},
		"a quiet tenant was read to its end": {retention: day, caughtUp: ago(time.Minute), pages: []fetched{page(ago(9*day), ago(time.Second))}},
		"a quiet tenant, then an outage": {
			retention: day, caughtUp: ago(3 * day), pages: []fetched{page(ago(9*day), ago(20*time.Hour))},
			want: &Gap{From: ago(3 * day), To: ago(20 * time.Hour)},
		},
		"retention overtakes a slow walk": {
			retention: 5 * day, pages: []fetched{page(ago(4*day), ago(4*day-time.Hour)), page(ago(6*day), ago(5*day-time.Hour))},
			want: &Gap{From: ago(6 * day), To: ago(5*day - time.Hour)},
		},
		"a first run":         {retention: day, from: origin{begins: true}, pages: []fetched{page(ago(9*day), ago(time.Hour))}},
		"from the oldest":     {retention: day, from: origin{after: tenantlog.Oldest}, pages: []fetched{page(ago(9*day), ago(time.Hour))}},
		"days not set":        {pages: []fetched{page(ago(90*day), ago(time.Hour))}},
		"nothing came":        {retention: day, pages: []fetched{{after: tenantlog.At(ago(9 * day)), serverTime: now}}},
		"an id without time":  {retention: day, pages: []fetched{{after: "49574419589858254662358307566469418022270857965582942242", serverTime: now, events: []tenantlog.Event{{ID: tenantlog.At(now)}}}}},
		"asked in the future": {retention: day, pages: []fetched{page(now.Add(day), now.Add(2*day))}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.from.seen = tt.caughtUp
			g := newGapFinder(tt.retention, tt.from)
			var got *Gap
			for _, p := range tt.pages {
				got = g.page(p)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("gap (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGapOfARun(t *testing.T) {
	const day = 24 * time.Hour
	w := settledLog(5)
	retention := func(x *Exporter) { x.Retention = day }
	if r := w.run(t, retention); r.Gap != nil || *r.RetentionHoursLeft != 24 {
		t.Errorf("first run: gap %v, hours left %v", r.Gap, *r.RetentionHoursLeft)
	}
	caughtUp := w.now
	w.after(3 * day) // an outage
	w.add(5, w.now.Add(-time.Hour))
	r := w.run(t, retention)
	if r.Gap == nil || !r.Gap.From.Equal(caughtUp.Add(-settleTime)) || *r.RetentionHoursLeft != 0 {
		t.Errorf("gap %v, hours left %v", r.Gap, *r.RetentionHoursLeft)
	}
	if r.Notice == nil || r.Notice.Kind != NoticeAttention {
		t.Errorf("notice %+v", r.Notice)
	}
	if r := w.run(t, retention); r.Gap != nil {
		t.Errorf("the gap is reported again: %v", r.Gap)
	}
}

func TestLimitedRun(t *testing.T) {
	w := settledLog(60)
	x := w.exporter(nil)
	x.Source = &limitedSource{world: w, pages: 3}
	r := x.Run(t.Context(), Parameter{}, Parameter{})
	if r.Outcome != Limited || r.Exported != 30 || r.To != w.log[29].ID || r.Error != nil {
		t.Errorf("report %+v", r)
	}
	if r.LagSeconds == 0 {
		t.Error("a limited run has no lag")
	}
	w.run(t, nil)
	w.check(t)
}

// limitedSource reaches the rate limit after some pages.
type limitedSource struct {
	*world
	pages int
}

func (s *limitedSource) Page(ctx context.Context, after tenantlog.ID) (tenantlog.Page, error) {
	if s.pages == 0 {
		return tenantlog.Page{}, &Error{Kind: KindRateLimit, Text: "no", Err: ErrNoTime}
	}
	s.pages--
	return s.world.Page(ctx, after)
}

// TestHangingServices: whatever stands still, a run ends before its deadline,
// and its report is told.
func TestHangingServices(t *testing.T) {
	for name, hang := range map[string]func(*Exporter, *world){
		"Auth0":           func(x *Exporter, w *world) { x.Source = hanging{world: w} },
		"CloudWatch Logs": func(x *Exporter, w *world) { x.Sink = hanging{world: w} },
		"Parameter Store": func(x *Exporter, w *world) { x.Parameters = hanging{world: w} },
		"Slack": func(x *Exporter, w *world) {
			x.Slack.Success = true
			x.Publish = func(ctx context.Context, r Report) error {
				w.told = append(w.told, r)
				<-ctx.Done()
				return ctx.Err()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := settledLog(60)
				x := w.exporter(nil)
				hang(x, w)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				r := x.Run(ctx, Parameter{}, Parameter{})
				if ctx.Err() != nil {
					t.Error("the run outlasted its deadline")
				}
				if want := name != "Slack"; (r.Outcome == Failed) != want {
					t.Errorf("the run ended %s: %v", r.Outcome, r.Error)
				}
				if len(w.told) != 1 {
					t.Errorf("the report was told %d times", len(w.told))
				}
			})
		})
	}
}

// hanging never answers.
type hanging struct{ *world }

func (hanging) Page(ctx context.Context, _ tenantlog.ID) (tenantlog.Page, error) {
	<-ctx.Done()
	return tenantlog.Page{}, ctx.Err()
}

func (hanging) Deliver(ctx context.Context, _ *Batch) (Receipt, error) {
	<-ctx.Done()
	return Receipt{}, ctx.Err()
}

func (hanging) Get(ctx context.Context, _ string, _ int64) (Parameter, error) {
	<-ctx.Done()
	return Parameter{}, ctx.Err()
}

func (hanging) Put(ctx context.Context, _, _ string) (int64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}
