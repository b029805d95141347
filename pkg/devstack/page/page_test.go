package page

import (
	"cmp"
	"flag"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	"auth0-logs-to-cloudwatch/pkg/export"
)

// bootstraps builds both functions once for all tests; their folder is removed
// by TestMain.
var bootstraps = sync.OnceValues(func() (paths [2]string, err error) {
	paths[0], paths[1], err = Build(built)
	return paths, err
})

var built string

func TestMain(m *testing.M) {
	// The tests wait for the functions more than they are at work themselves.
	flag.Parse()
	_ = flag.Set("test.parallel", "8")
	os.Exit(func() int {
		var err error
		if built, err = os.MkdirTemp("", "page-"); err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(built) }()
		return m.Run()
	}())
}

// visitor is a person with a browser before the page.
type visitor struct {
	*testing.T
	local  *Local
	url    string
	client *http.Client
	behind atomic.Int64 // the machine's clock, in ns
}

// visit starts the stack and its page. No event comes about by itself, and the
// rule does not fire by itself. The services' clock is behind the functions' for
// as long as a test may let pass.
func visit(t *testing.T, backlog int) *visitor {
	t.Helper()
	return visitBehind(t, backlog, 2*time.Minute)
}

func visitBehind(t *testing.T, backlog int, behind time.Duration) *visitor {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the functions: not in -short mode")
	}
	paths, err := bootstraps()
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{T: t}
	v.behind.Store(int64(behind))
	v.local, err = Start(Options{Export: paths[0], Status: paths[1], Backlog: backlog, Now: v.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.local.Close)
	server := httptest.NewServer(v.local)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v.url, v.client = server.URL, &http.Client{Jar: jar}
	return v
}

func (v *visitor) now() time.Time { return time.Now().Add(-time.Duration(v.behind.Load())) }

// passes lets time pass for the services: Auth0's newest events are left alone
// for some seconds. Their clock must not overtake the functions'.
func (v *visitor) passes(d time.Duration) { v.behind.Add(int64(-d)) }

func (v *visitor) read(resp *http.Response, err error) string {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		v.Fatalf("status %d, error %v: %s", resp.StatusCode, err, body)
	}
	return string(body)
}

func (v *visitor) open(query string) string {
	v.Helper()
	return v.read(v.client.Get(v.url + "/" + query))
}

// click sends a form of the page, as name and value by turns, and returns the
// page that it leads to.
func (v *visitor) click(action string, fields ...string) string {
	v.Helper()
	form := make(url.Values)
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return v.read(v.client.PostForm(v.url+"/"+action, form))
}

// starts starts a run by the page, and does not look at the page.
func (v *visitor) starts() {
	v.Helper()
	still := *v.client
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := still.PostForm(v.url+"/run", nil)
	if err != nil {
		v.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		v.Fatalf("status %d, want 303", resp.StatusCode)
	}
}

// runs starts a run by the page, waits for its end, and returns the page.
func (v *visitor) runs() string {
	v.Helper()
	v.starts()
	v.local.stack.Lambda.Wait()
	return v.open("")
}

// happen lets n events come about that a run may take.
func (v *visitor) happen(n string) {
	v.Helper()
	v.click("events", "burst", n)
	v.passes(5 * time.Second)
}

func (v *visitor) has(page string, parts ...string) {
	v.Helper()
	for _, part := range parts {
		if !strings.Contains(page, part) {
			v.Errorf("the page lacks %q", part)
		}
	}
}

// stored fails the test unless so many events are stored, each once and as it
// was, and so many wait.
func (v *visitor) stored(stored, waiting int) {
	v.Helper()
	want := figures{At: stored + waiting, Stored: stored, Waiting: waiting}
	if got, _ := v.local.compareNow(); got != want {
		v.Errorf("figures %+v, want %+v", got, want)
	}
}

var callPattern = regexp.MustCompile(`name="call" value="([^"]*)"`)

// widgetCall is the first button of the widget whose parameters hold a text.
func (v *visitor) widgetCall(page, part string) string {
	v.Helper()
	for _, m := range callPattern.FindAllStringSubmatch(page, -1) {
		if params := html.UnescapeString(m[1]); strings.Contains(params, part) {
			return params
		}
	}
	v.Fatalf("the widget has no button with %s", part)
	return ""
}

// TestRuns is a look at the page before and after runs.
func TestRuns(t *testing.T) {
	t.Parallel()
	v := visit(t, 250)
	v.has(v.open(""), "<b>250</b> waiting for a run", "No event yet.", "No run yet.", `<h3>acme <span class="pill on">on</span></h3>`, `<td class="mid">waiting</td>`)
	page := v.runs()
	v.has(page,
		"<b>250</b> in CloudWatch Logs", "<b>0</b> waiting for a run", "<b>0</b> stored twice",
		"250 of 250 events", `<details id="event-acme-900`, `<td class="ok">stored</td>`,
		"Last run</dt><dd>ok", "<dt>Exported by it</dt><dd>250 events", // the widget has read the function's own log
		"cold", v.local.tenant.Get(export.CheckpointName),
	)
	v.stored(250, 0)
	for _, name := range []string{"AUTH0_CLIENT_SECRET", "SLACK_INCOMING_WEBHOOK_URL"} {
		if strings.Contains(page, v.local.tenant.Get(name)) {
			t.Errorf("the page shows %s", name)
		}
	}

	v.happen("20")
	v.stored(250, 20)
	v.passes(time.Minute)
	v.local.stack.Events.Tick(v.now())
	v.local.stack.Lambda.Wait()
	v.has(v.open(""), "<b>270</b> in CloudWatch Logs", "20 events", "warm")
	v.stored(270, 0)
	if len(v.local.stack.Logs.Streams(logs.Place{Group: exportGroup})) != 1 {
		t.Error("the export function's one process has not one log stream")
	}
	v.searches()
	v.changesTheme()
}

// searches looks for an event among 270 others.
func (v *visitor) searches() {
	v.Helper()
	doc := `{"log_id":"9002","date":"2026-01-01T00:00:00.000Z","type":"fp","user_name":"Needle@example.com","ip":"192.0.2.7"}`
	if err := v.local.stack.Logs.Write(logs.Place{Group: v.local.place().Group, Stream: "other"}, v.now(), doc); err != nil {
		v.Fatal(err)
	}
	for _, row := range []struct{ query, want string }{
		{"?q=needle", "1 of 271 events match"},
		{"?q=192.0.2.7+NEEDLE", "1 of 271 events match"},
		{"?q=needle+absent", "No event matches."},
		{"?stream=other", "1 of 1 events"},
		{"?stream=acme", "270 of 270 events"},
		{"?stream=gone", "271 of 271 events"},
	} {
		v.has(v.open(row.query), row.want)
	}
	v.has(v.open("?q=needle"), "Failed Login (wrong password)", "Needle@example.com · 192.0.2.7")
}

func (v *visitor) changesTheme() {
	v.Helper()
	v.has(v.open(""), `<html lang="en" class="light">`, `<div class="a0cw light">`)
	v.has(v.click("theme", "theme", "dark"), `<html lang="en" class="dark">`, `<div class="a0cw dark">`)
	v.click("widget", "call", `{"show":"failed"}`)
	v.has(v.click("theme", "theme", "none"), `<div class="a0cw light">`, "No failed run was found.", `<html lang="en" class="light">`)
}

// TestFilterAndGroup: what the filter leaves out is not waited for, and a
// group's placeholders are filled in.
func TestFilterAndGroup(t *testing.T) {
	t.Parallel()
	v := visit(t, 0)
	add := func(n uint64, kind string) {
		at := v.now().Add(-time.Minute).UTC()
		id := string(auth0.MakeID(at, n))
		if err := v.local.tenant.AddAs(id, `{"log_id":"`+id+`","date":"`+at.Format(time.RFC3339)+`","type":"`+kind+`"}`); err != nil {
			t.Fatal(err)
		}
	}
	add(1, "s")
	add(2, "fp")
	v.click("parameter", "name", "CLOUDWATCH_LOG_GROUP_NAME", "value", "/auth0/{tenant}")
	v.has(v.click("parameter", "name", "LOG_TYPES", "value", "!s"), "<b>1</b> waiting for a run", "<b>1</b> left out by the filter", `<td class="dim">left out</td>`)
	v.has(v.runs(), "<b>1</b> in CloudWatch Logs", "<b>0</b> waiting for a run", "<b>1</b> left out by the filter")
	v.has(v.click("parameter", "name", "LOG_TYPES", "value", "["), "<b>1</b> waiting for a run") // refused: nothing is left out
}

// TestFaults: each fault is seen while it is on, and once it is off the next run
// leaves nothing lost, stored twice or altered.
func TestFaults(t *testing.T) {
	t.Parallel()
	const before = 120
	runs := func(parts ...string) func(*visitor) {
		return func(v *visitor) { v.has(v.runs(), parts...) }
	}
	tests := map[string]struct {
		events int            // that happen before the fault, 30 by default
		during func(*visitor) // while the fault is on
		after  func(*visitor) // before the next run, if anything
	}{
		"auth0":      {during: runs("failed", "acme: export failed")},
		"secret":     {during: runs("failed", "Auth0 does not accept the client id or client secret")},
		"throttle":   {during: (*visitor).isHeldBack, after: (*visitor).goesOn},
		"reply":      {during: runs("Last run</dt><dd>ok")},
		"kill":       {during: (*visitor).isKilled, after: (*visitor).claimEnds, events: 1000}, // more batches than are in flight
		"permission": {during: runs("failed", "logs:PutLogEvents")},
		"slack":      {during: runs("Last run</dt><dd>ok")},
	}
	for _, b := range breakages() {
		test, ok := tests[b.ID]
		if !ok {
			t.Errorf("the fault %q has no test", b.ID)
			continue
		}
		t.Run(b.ID, func(t *testing.T) {
			t.Parallel()
			v := visit(t, before)
			v.starts()
			v.local.stack.Lambda.Wait()
			meanwhile := cmp.Or(test.events, 30)
			v.happen(strconv.Itoa(meanwhile))
			v.has(v.click("fault", "id", b.ID, "on", "true"), "On: "+b.Title, `aria-checked="true" aria-label="`+b.Title)
			test.during(v)
			v.has(v.click("fault", "id", b.ID, "on", "false"), "Off: "+b.Title, `aria-checked="false" aria-label="`+b.Title)
			if test.after != nil {
				test.after(v)
			}
			v.has(v.runs(), "Last run</dt><dd>ok", "<b>0</b> waiting for a run", "<b>0</b> stored twice")
			v.stored(before+meanwhile, 0)
		})
	}
}

// isHeldBack: a run is throttled, and has not ended.
func (v *visitor) isHeldBack() {
	v.Helper()
	before, _ := v.local.compareNow()
	refused := make(chan struct{})
	var once sync.Once
	v.local.stack.Faults.Watch(func(op string, _ int) {
		if op == "PutLogEvents" {
			once.Do(func() { close(refused) })
		}
	})
	v.starts()
	<-refused
	v.stored(before.Stored, before.Waiting)
}

// goesOn: the same run stores what it was held back with.
func (v *visitor) goesOn() {
	v.Helper()
	v.local.stack.Lambda.Wait()
	v.has(v.open(""), "Last run</dt><dd>ok", "<b>0</b> waiting for a run")
}

// isKilled: a run dies with a part of its events stored, and its claim holds the
// next one off.
func (v *visitor) isKilled() {
	v.Helper()
	v.has(v.runs(), "Runtime.ExitError")
	f, _ := v.local.compareNow()
	if f.Stored == 0 || f.Waiting == 0 || f.Double != 0 || f.Wrong != 0 {
		v.Errorf("figures %+v, want a part stored", f)
	}
	v.has(v.runs(), "skipped: another run was at work", "At work</dt>")
	if after, _ := v.local.compareNow(); after != f {
		v.Errorf("figures %+v, want those from before: %+v", after, f)
	}
}

// claimEnds has the claim of the killed run end at once, instead of within two
// minutes: nothing else of RUN is changed.
func (v *visitor) claimEnds() {
	v.Helper()
	name := v.local.tenant.Parameter(export.RunName)
	history := v.local.stack.SSM.History(name)
	last := history[len(history)-1]
	record, valid, err := export.DecodeRun(export.Parameter{Value: last.Value, Version: last.Number})
	if err != nil || !valid || record.Until.Before(time.Now()) {
		v.Fatalf("RUN is no claim that holds: %+v, %v, %v", record, valid, err)
	}
	record.Until, record.Expects = time.Now().Add(-time.Second), last.Number+1
	text, err := record.Encode()
	if err == nil {
		err = v.local.tenant.Set(export.RunName, text)
	}
	if err != nil {
		v.Fatal(err)
	}
}

// TestSecretIsMended: the operator puts the new secret, and Auth0 keeps to it
// when the fault is switched off.
func TestSecretIsMended(t *testing.T) {
	t.Parallel()
	v := visit(t, 10)
	v.click("fault", "id", "secret", "on", "true")
	v.has(v.runs(), "acme: export failed")
	v.has(v.click("parameter", "name", "AUTH0_CLIENT_SECRET", "value", rotated), "AUTH0_CLIENT_SECRET is written.")
	v.has(v.runs(), "Last run</dt><dd>ok", "acme: export works again")
	v.click("fault", "id", "secret", "on", "false")
	v.local.tenant.RevokeTokens()
	v.has(v.runs(), "Last run</dt><dd>ok")
}

// TestSteering: CHECKPOINT by the parameter and by the widget, and the rule by
// the widget.
func TestSteering(t *testing.T) {
	t.Parallel()
	v := visit(t, 80)
	v.starts()
	v.local.stack.Lambda.Wait()
	long := v.now().Add(-48 * time.Hour).UTC().Format(time.RFC3339)
	v.has(v.click("parameter", "name", export.CheckpointName, "value", long), "CHECKPOINT is written.", `value="`+long+`"`)
	page := v.runs()
	v.has(page, "<dt>Already in the stream</dt><dd>80 events")
	v.stored(80, 0)
	v.replaysByWidget(page)
	v.steersByWidget()
}

func (v *visitor) replaysByWidget(page string) {
	v.Helper()
	since := v.now().Add(-47 * time.Hour).UTC().Format(time.RFC3339)
	call := v.widgetCall(page, `"do":"replay","tenant":"acme"}`)
	v.has(v.click("widget", "call", call, "replay/acme", since), "CHECKPOINT of acme is "+since)
	if got := v.local.tenant.Get(export.CheckpointName); got != since {
		v.Errorf("CHECKPOINT %q, want %q", got, since)
	}
	v.has(v.runs(), "CHECKPOINT of acme is "+since) // the answer stays for a while
	v.passes(answerTime)
	page = v.open("")
	if n := strings.Count(page, "<dt>Already in the stream</dt><dd>80 events"); n != 2 {
		v.Errorf("%d runs found all there already, want 2", n)
	}
	v.stored(80, 0)
}

func (v *visitor) steersByWidget() {
	v.Helper()
	call := v.widgetCall(v.open(""), `"do":"reschedule"`)
	v.has(v.click("widget", "call", call, "schedule/"+ruleName+"/acme", "rate(2 hours)"), "every 2 hours")
	v.has(v.click("widget", "call", v.widgetCall(v.open(""), `"do":"switch-off"`)), `<span class="pill off">off</span>`)
	r, _ := v.local.stack.Events.Rule(ruleName)
	if r.Expression != "rate(2 hours)" || r.State != "DISABLED" {
		v.Errorf("rule %+v", r)
	}
	// What a click did is not done again when the widget is called anew.
	v.click("schedule", "state", "on")
	v.passes(answerTime)
	v.has(v.open(""), `<span class="pill on">on</span>`)
	v.happen("10")
	v.has(v.click("widget", "call", v.widgetCall(v.open(""), `"do":"run"`)), "A run of acme was started")
	v.local.stack.Lambda.Wait()
	v.stored(90, 0)
	// How the widget looks stays.
	v.click("widget", "call", v.widgetCall(v.open(""), `{"show":"failed"}`))
	v.passes(answerTime)
	v.has(v.open(""), "No failed run was found.")
}

func TestActs(t *testing.T) {
	t.Parallel()
	v := visit(t, 0)
	for _, row := range []struct {
		action string
		fields []string
		want   string
	}{
		{"schedule", []string{"expression", "cron(0/5 * * * ? *)"}, "is enabled, cron(0/5 * * * ? *)"},
		{"schedule", []string{"expression", "often"}, "EventBridge refuses it"},
		{"schedule", []string{"state", "off"}, "is disabled, cron(0/5 * * * ? *)"},
		{"schedule", []string{"state", "on"}, "is enabled"},
		{"events", []string{"burst", "0"}, "Events at once: 1 to 20,000."},
		{"events", []string{"burst", "20001"}, "Events at once: 1 to 20,000."},
		{"events", []string{"perMinute", "NaN"}, "Events a minute: 0 to 6,000."},
		{"events", []string{"perMinute", "30"}, "30 events a minute from now on."},
		{"parameter", []string{"name", "LOG_LEVEL", "value", "warning"}, "LOG_LEVEL is written."},
		{"parameter", []string{"name", "LOG_LEVEL", "do", "delete"}, "LOG_LEVEL is deleted."},
		{"parameter", []string{"name", "LOG_TYPES", "value", ""}, "Parameter Store refuses it"},
		{"parameter", []string{"name", "../other/LOG_TYPES", "value", "x"}, "Name a parameter of acme"},
		{"parameter", []string{"name", "AUTH0_CLIENT_SECRET", "value", ""}, "AUTH0_CLIENT_SECRET is as it was"},
		{"fault", []string{"id", "flood", "on", "true"}, "There is no fault &#34;flood&#34;."},
		{"widget", []string{"call", "["}, "no JSON object"},
		{"cool", nil, "The next run has a cold start."},
		{"kill", nil, "Every process of the export function was killed."},
	} {
		v.has(v.click(row.action, row.fields...), row.want)
	}
}

// TestHostileText: whatever strangers can write comes out as text.
func TestHostileText(t *testing.T) {
	t.Parallel()
	const bad = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	quoted := strings.ReplaceAll(bad, `"`, `\"`)
	v := visit(t, 0)
	at := v.now().Add(-time.Minute).UTC()
	id := string(auth0.MakeID(at, 1))
	if err := v.local.tenant.AddAs(id, `{"log_id":"`+id+`","date":"`+at.Format(time.RFC3339)+`","type":"`+quoted+`","user_name":"`+quoted+`"}`); err != nil {
		t.Fatal(err)
	}
	page := v.runs() + v.open("?q="+url.QueryEscape(bad)) + v.open("?stream="+url.QueryEscape(bad)) +
		v.click("parameter", "name", "LOG_TYPES", "value", bad) + v.click("parameter", "name", bad, "value", "x") +
		v.click("fault", "id", bad) + v.click("schedule", "expression", bad) +
		v.runs() // LOG_TYPES is refused: in the widget, in Slack and in the log
	v.has(page, "&lt;script&gt;alert(1)")
	for _, live := range []string{"<script>alert", "<img src=x"} {
		if strings.Contains(page, live) {
			t.Errorf("the page holds %q", live)
		}
	}
}
