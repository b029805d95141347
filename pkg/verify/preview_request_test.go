package verify

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

func TestPreviewPlan(t *testing.T) {
	const id = "90020261123093000000654000000000000001223372122475524001"
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	text := func(s string) *string { return &s }
	settings := PreviewSettings{LogLevel: "error", LogTypes: "ssa", Retention: 5 * 24 * time.Hour}
	tests := map[string]struct {
		request  PreviewRequest
		settings PreviewSettings
		from, to time.Time
		proposed string
		warning  string
		err      string
	}{
		"nothing": {from: at("2026-11-22T10:00:00Z"), to: today},
		"a day":   {request: PreviewRequest{From: "2026-11-21", To: "2026-11-22"}, from: at("2026-11-21T00:00:00Z"), to: at("2026-11-22T00:00:00Z")},
		"an id":   {request: PreviewRequest{From: id}, from: at("2026-11-23T09:30:00Z"), to: today},
		"a level alone": {request: PreviewRequest{LogLevel: text("warning")}, settings: settings, from: at("2026-11-22T10:00:00Z"), to: today,
			proposed: "level warning and above, types ssa"},
		"types alone": {request: PreviewRequest{LogTypes: text("fp,!slo")}, settings: settings, from: at("2026-11-22T10:00:00Z"), to: today,
			proposed: "level error and above, types fp but slo"},
		"no level": {request: PreviewRequest{LogLevel: text("-")}, settings: settings, from: at("2026-11-22T10:00:00Z"), to: today,
			proposed: "types ssa"},
		"no filter": {request: PreviewRequest{LogLevel: text(""), LogTypes: text("-")}, settings: settings, from: at("2026-11-22T10:00:00Z"), to: today,
			proposed: "everything"},
		"a type that is not known": {request: PreviewRequest{LogTypes: text("fpp")}, from: at("2026-11-22T10:00:00Z"), to: today,
			proposed: "types fpp", warning: "fpp matches no type"},
		"more than is kept": {request: PreviewRequest{From: "-30d"}, settings: settings, from: at("2026-11-18T10:00:00Z"), to: today,
			warning: "the range begins there"},
		"beyond now":            {request: PreviewRequest{To: "2026-11-25"}, from: at("2026-11-22T10:00:00Z"), to: today, warning: "the range ends at"},
		"the wrong way round":   {request: PreviewRequest{From: "-1h", To: "-2h"}, err: "is not before"},
		"nothing of it is kept": {request: PreviewRequest{From: "-9d", To: "-8d"}, settings: settings, err: "none of the range is left"},
		"the future":            {request: PreviewRequest{From: "2026-11-24", To: "2026-11-25"}, err: "in the future"},
		"nonsense":              {request: PreviewRequest{From: "yesterday"}, err: "from is \"yesterday\""},
		"an id without a time":  {request: PreviewRequest{From: "49574419589858254662358307566469418022270857965582942242"}, err: "from"},
		"a bad level":           {request: PreviewRequest{LogLevel: text("loud")}, err: "LOG_LEVEL: \"loud\" is no level"},
		"bad types":             {request: PreviewRequest{LogTypes: text("f p,[")}, err: "LOG_TYPES: \"f p\""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := tt.request.Plan(tt.settings, today)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "\n") {
					t.Fatalf("error %v, want one line with %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !p.From.Equal(tt.from) || !p.To.Equal(tt.to) || p.RetentionUnknown != (tt.settings.Retention == 0) {
				t.Errorf("%s to %s, retention unknown %v", p.From, p.To, p.RetentionUnknown)
			}
			if from, to, ok := p.Range.Times(); !ok || !from.Equal(p.From) || !to.Equal(p.To) {
				t.Errorf("the ids are of %s to %s", from, to)
			}
			proposed := ""
			if p.Proposed != nil {
				proposed = p.Proposed.String()
			}
			if diff := cmp.Diff(tt.proposed, proposed); diff != "" {
				t.Errorf("proposed (-want +got):\n%s", diff)
			}
			if got := strings.Join(p.Warnings, "\n"); !strings.Contains(got, tt.warning) || (got == "") != (tt.warning == "") {
				t.Errorf("warnings %q, want %q", got, tt.warning)
			}
		})
	}
}

// TestStretchParts wants the parts of a stretch to make up the whole.
func TestStretchParts(t *testing.T) {
	whole := stretch{
		after: tenantlog.ID("90020261123093000500000000000000000000000000000000000001"), from: today.Add(-30 * time.Minute),
		to: tenantlog.ID("90020261123095959900000000000000000000000000000000000009"), until: today.Add(-100 * time.Millisecond),
	}
	for _, n := range []int{1, 2, 7, 600, whole.seconds()} {
		end := whole.after
		for i := range n {
			p := whole.part(i, n)
			if p.after != end || p.to <= p.after || p.seconds() < 1 || p.seconds() > whole.seconds()/n+1 {
				t.Fatalf("part %d of %d is %+v and follows %s", i, n, p, end)
			}
			end = p.to
		}
		if end != whole.to {
			t.Errorf("%d parts end at %s", n, end)
		}
	}
}
