package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newFunction makes a function of the test binary in a role, closed at the
// end of the test.
func newFunction(t *testing.T, as string, change func(*Options)) *Function {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Bootstrap: exe,
		Env:       map[string]string{role: as},
		// Long enough never to end a test that does not wait for it.
		Timeout:     5 * time.Minute,
		InitTimeout: 5 * time.Minute,
	}
	if testing.CoverMode() != "" {
		// Without a place for its coverage the child complains in its output.
		o.Env["GOCOVERDIR"] = t.TempDir()
	}
	if change != nil {
		change(&o)
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func invoke(t *testing.T, f *Function, o order) Result {
	t.Helper()
	payload, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func lookAt(t *testing.T, f *Function) seen {
	t.Helper()
	var s seen
	if err := json.Unmarshal(invoke(t, f, order{Do: "look"}).Payload, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestInvokeGivesTheAnswer(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "function", nil)
	res := invoke(t, f, order{Do: "echo", Text: "a"})
	if got, want := string(res.Payload), `{"do":"echo","text":"a"}`; got != want {
		t.Errorf("payload %s, want %s", got, want)
	}
	if res.FunctionError || res.TimedOut || res.ErrorType != "" {
		t.Errorf("an error: %+v", res)
	}
	if !res.Cold || res.InitDuration <= 0 {
		t.Errorf("first invocation: cold %v, init %v", res.Cold, res.InitDuration)
	}
	again := invoke(t, f, order{Do: "echo"})
	if again.Cold || again.InitDuration != 0 {
		t.Errorf("second invocation: cold %v, init %v", again.Cold, again.InitDuration)
	}
	if again.RequestID == res.RequestID {
		t.Error("two invocations with one request id")
	}
}

func TestInvokeWithoutPayloadSendsAnEmptyObject(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "function", nil)
	res, err := f.Invoke(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(res.Payload), `{"do":""}`; got != want {
		t.Errorf("payload %s, want %s", got, want)
	}
}

func TestInvokeRefusesWhatLambdaRefuses(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "function", nil)
	for name, row := range map[string]struct{ payload, want string }{
		"no json":   {`{"tenant":`, "InvalidRequestContentException"},
		"too large": {`"` + strings.Repeat("x", MaxPayload) + `"`, "RequestTooLargeException"},
	} {
		if _, err := f.Invoke(t.Context(), []byte(row.payload)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: error %v, want %s", name, err, row.want)
		}
	}
	if got := f.Usage(); got != (Usage{}) {
		t.Errorf("a process was started: %+v", got)
	}
}

func TestLargestPayloadsPass(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "function", nil)
	// Two bytes of a string's JSON are its quotes.
	event, err := json.Marshal(order{Do: "size", Size: maxAnswer - 2})
	if err != nil {
		t.Fatal(err)
	}
	event = append(event, bytes.Repeat([]byte(" "), MaxPayload-len(event))...)
	res, err := f.Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	if res.FunctionError || len(res.Payload) != maxAnswer {
		t.Errorf("payload of %d bytes, want %d: %s", len(res.Payload), maxAnswer, res.ErrorMessage)
	}
	res = invoke(t, f, order{Do: "size", Size: maxAnswer - 1})
	if !res.FunctionError || res.ErrorType != "Function.ResponseSizeTooLarge" {
		t.Errorf("one byte more: %q %s", res.ErrorType, res.ErrorMessage)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		role     string
		do       order
		kind     string
		message  string // the whole, or its end when it begins with "..."
		nextCold bool
	}{
		{"error returned", "function", order{Do: "fail", Text: "no such tenant"}, "refusal", "no such tenant", false},
		{"panic", "function", order{Do: "panic", Text: "out of range"}, "string", "out of range", true},
		{"exit 2", "function", order{Do: "exit", Size: 2}, "Runtime.ExitError", "... Error: Runtime exited with error: exit status 2", true},
		{"exit 0", "function", order{Do: "exit"}, "Runtime.ExitError", "... Error: Runtime exited without providing a reason", true},
		{"no start", "broken", order{}, "Runtime.ExitError", "... Error: Runtime exited with error: exit status 3", true},
		{"start refused", "refused", order{}, "Extension.NoConfig", "no configuration", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFunction(t, row.role, nil)
			res := invoke(t, f, row.do)
			if !res.FunctionError || res.ErrorType != row.kind || !matches(res.ErrorMessage, row.message) || res.TimedOut {
				t.Errorf("got %+v", res)
			}
			var doc errorDocument
			if err := json.Unmarshal(res.Payload, &doc); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(errorDocument{res.ErrorType, res.ErrorMessage}, doc); diff != "" {
				t.Errorf("payload (-want +got):\n%s", diff)
			}
			if next := invoke(t, f, row.do); next.Cold != row.nextCold {
				t.Errorf("next invocation cold: %v, want %v", next.Cold, row.nextCold)
			}
		})
	}
}

func matches(got, want string) bool {
	if end, ok := strings.CutPrefix(want, "..."); ok {
		return strings.HasPrefix(got, "RequestId: ") && strings.HasSuffix(got, end)
	}
	return got == want
}

func TestTimeoutKillsWithoutNotice(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "function", func(o *Options) { o.Timeout = 200 * time.Millisecond })
	res := invoke(t, f, order{Do: "hang"})
	if !res.TimedOut || !res.FunctionError || res.ErrorType != "Sandbox.Timedout" ||
		!strings.HasSuffix(res.ErrorMessage, "Task timed out after 0.20 seconds") {
		t.Errorf("got %+v", res)
	}
	if next := invoke(t, f, order{}); !next.Cold {
		t.Error("the invocation after a time-out is warm")
	}
}

func TestTimeoutAfterTheAnswerKeepsIt(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "function", func(o *Options) { o.Timeout = time.Second })
	res := invoke(t, f, order{Do: "hang after", Text: `"done"`})
	if !res.TimedOut || res.FunctionError || string(res.Payload) != `"done"` {
		t.Errorf("got %+v", res)
	}
}

func TestStartThatTakesTooLong(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "stuck", func(o *Options) { o.InitTimeout = 200 * time.Millisecond })
	res := invoke(t, f, order{})
	if !res.TimedOut || !strings.HasSuffix(res.ErrorMessage, "Init timed out after 0.20 seconds") {
		t.Errorf("got %+v", res)
	}
}

func TestRuntimeThatBreaksTheRules(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "impatient", nil)
	res := invoke(t, f, order{})
	if got, want := string(res.Payload), `"done"`; got != want {
		t.Errorf("payload %s, want %s", got, want)
	}
	want := []string{
		"next without an answer: 403 Forbidden InvalidStateTransition",
		"another's answer: 400 Bad Request InvalidRequestID",
		"init error too late: 403 Forbidden InvalidStateTransition",
		"answer: 202 Accepted",
		"second answer: 400 Bad Request InvalidRequestID",
	}
	if diff := cmp.Diff(want, res.Logs); diff != "" {
		t.Errorf("what it was told (-want +got):\n%s", diff)
	}
}

func TestSecondPollBeforeWorkIsNoEnd(t *testing.T) {
	t.Parallel()
	api := newRuntimeAPI(&Options{})
	api.ready()
	<-api.polls
	api.ready()
	api.begin(&invocation{id: "1"})
	if len(api.polls) != 0 {
		t.Error("a poll from before the invocation would end it")
	}
}

func TestAnswerThatBreaksOffIsNone(t *testing.T) {
	t.Parallel()
	api := newRuntimeAPI(&Options{})
	api.begin(&invocation{id: "1"})
	for _, path := range []string{"invocation/1/response", "invocation/1/error", "init/error"} {
		body := io.MultiReader(strings.NewReader(`{"par`), iotest.ErrReader(io.ErrUnexpectedEOF))
		w := httptest.NewRecorder()
		api.handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/2018-06-01/runtime/"+path, body))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "TruncatedHTTPRequest") {
			t.Errorf("%s: answered %d %s", path, w.Code, w.Body)
		}
	}
	if got := api.answer(); got != nil {
		t.Errorf("taken for an answer: %+v", got)
	}
}

func TestNoWorkAfterRefusedStart(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "refused", nil)
	res := invoke(t, f, order{})
	want := []string{"then next: 403 Forbidden InvalidStateTransition"}
	if diff := cmp.Diff(want, res.Logs); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_PARENT", "x")
	now := time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC)
	f := newFunction(t, "function", func(o *Options) {
		o.Env["CONFIG_ROOT"] = "/acme"
		o.Env["TZ"] = "Europe/Berlin"
		o.FunctionName, o.Memory, o.Region, o.Account = "export", 256, "eu-west-1", "111122223333"
		o.Timeout = 15 * time.Minute
		o.Now = func() time.Time { return now }
	})
	got := lookAt(t, f)
	env := make(map[string]string)
	for _, e := range got.Env {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	for name, want := range map[string]string{
		"AWS_LAMBDA_RUNTIME_API":     `127\.0\.0\.1:\d+`,
		"AWS_LAMBDA_LOG_STREAM_NAME": `2100/01/02/\[\$LATEST\][0-9a-f]{32}`,
		"_X_AMZN_TRACE_ID":           `Root=1-f487d3a5-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0`,
	} {
		if !regexp.MustCompile(`^` + want + `$`).MatchString(env[name]) {
			t.Errorf("%s=%s, want %s", name, env[name], want)
		}
		delete(env, name)
	}
	delete(env, "GOCOVERDIR")
	want := map[string]string{
		role:                              "function",
		"AWS_ACCESS_KEY_ID":               AccessKeyID,
		"AWS_DEFAULT_REGION":              "eu-west-1",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_LAMBDA_FUNCTION_NAME":        "export",
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_FORMAT":           "JSON",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/export",
		"AWS_LAMBDA_LOG_LEVEL":            "INFO",
		"AWS_REGION":                      "eu-west-1",
		"AWS_SECRET_ACCESS_KEY":           "devstack-secret",
		"AWS_SESSION_TOKEN":               "devstack-session",
		"CONFIG_ROOT":                     "/acme",
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"LAMBDA_TASK_ROOT":                got.Dir,
		"LANG":                            "en_US.UTF-8",
		"PATH":                            "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TZ":                              "Europe/Berlin",
		"_HANDLER":                        "bootstrap",
	}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if got.ARN != "arn:aws:lambda:eu-west-1:111122223333:function:export" {
		t.Errorf("arn %s", got.ARN)
	}
	if want := now.Add(15 * time.Minute); !got.Deadline.Equal(want) {
		t.Errorf("deadline %v, want %v", got.Deadline, want)
	}
}

func TestRequestIDIsTheOneTheFunctionSaw(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "function", nil)
	res := invoke(t, f, order{Do: "look"})
	var s seen
	if err := json.Unmarshal(res.Payload, &s); err != nil {
		t.Fatal(err)
	}
	if s.RequestID != res.RequestID {
		t.Errorf("function saw %s, result says %s", s.RequestID, res.RequestID)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(s.RequestID) {
		t.Errorf("no version 4 UUID: %s", s.RequestID)
	}
}

func TestLogsBelongToTheirInvocation(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var streams []string
	var logged []Line
	f := newFunction(t, "function", func(o *Options) {
		o.Stdout = &out
		o.Now = func() time.Time { return time.Unix(1, 0) }
		o.Log = func(stream string, l Line) {
			streams, logged = append(streams, stream), append(logged, l)
		}
	})
	first := invoke(t, f, order{Do: "print", Text: "one\ntwo"})
	second := invoke(t, f, order{Do: "print unfinished", Text: "th"})
	third := invoke(t, f, order{Do: "exit", Text: "ree"})
	for name, row := range map[string]struct{ got, want []string }{
		"first":                 {first.Logs, []string{"one", "two"}},
		"second, not finished":  {second.Logs, nil},
		"third, with its death": {third.Logs, []string{"three"}},
	} {
		if diff := cmp.Diff(row.want, row.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	want := []Line{
		{time.Unix(1, 0), first.RequestID, "one"},
		{time.Unix(1, 0), first.RequestID, "two"},
		{time.Unix(1, 0), third.RequestID, "three"},
	}
	if diff := cmp.Diff(want, f.Logs()); diff != "" {
		t.Errorf("Logs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, logged); diff != "" {
		t.Errorf("Log got (-want +got):\n%s", diff)
	}
	if len(slices.Compact(streams)) != 1 || !strings.HasPrefix(streams[0], "1970/01/01/[$LATEST]") {
		t.Errorf("Log got the streams %q, want that of the one process", streams)
	}
	if got, want := out.String(), "one\ntwo\nthree\n"; got != want {
		t.Errorf("Stdout got %q, want %q", got, want)
	}
}

func TestLogsAreCompleteWhenInvokeReturns(t *testing.T) {
	t.Parallel()
	const n = 5000
	f := newFunction(t, "function", nil)
	res := invoke(t, f, order{Do: "print", Text: strings.Repeat("line\n", n-1) + "line"})
	if len(res.Logs) != n {
		t.Errorf("%d lines, want %d", len(res.Logs), n)
	}
}

func TestLogsOfAFailedStart(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "broken", nil)
	if diff := cmp.Diff([]string{"cannot start"}, invoke(t, f, order{}).Logs); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
}

func TestLogbookKeepsTheLatest(t *testing.T) {
	t.Parallel()
	l := logbook{now: time.Now}
	for range maxLines {
		l.add("", "", "old")
	}
	l.add("", "", "new")
	lines := l.all()
	if len(lines) > maxLines || lines[len(lines)-1].Text != "new" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1].Text)
	}
}

func TestKillMidRun(t *testing.T) {
	t.Parallel()
	hanging := make(chan struct{})
	f := newFunction(t, "function", func(o *Options) { o.Stdout = signal(hanging) })
	go func() {
		<-hanging
		f.Kill()
	}()
	res := invoke(t, f, order{Do: "hang"})
	if !res.FunctionError || res.TimedOut || !strings.HasSuffix(res.ErrorMessage, "Error: Runtime exited with error: signal: killed") {
		t.Errorf("got %+v", res)
	}
	if next := invoke(t, f, order{Do: "echo"}); !next.Cold || next.FunctionError {
		t.Errorf("next: %+v", next)
	}
}

// signal is a writer that is closed by the first line.
type signal chan struct{}

func (s signal) Write(p []byte) (int, error) {
	close(s)
	return len(p), nil
}

func TestKillBetweenRuns(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "function", nil)
	invoke(t, f, order{})
	f.Kill()
	if next := invoke(t, f, order{}); !next.Cold || next.FunctionError {
		t.Errorf("after Kill: %+v", next)
	}
	f.Cool()
	if next := invoke(t, f, order{}); !next.Cold || next.FunctionError {
		t.Errorf("after Cool: %+v", next)
	}
}

func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	hanging := make(chan struct{})
	f := newFunction(t, "function", func(o *Options) { o.Stdout = signal(hanging) })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-hanging
		cancel()
	}()
	res, err := f.Invoke(ctx, []byte(`{"do":"hang"}`))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	if diff := cmp.Diff([]string{"hanging"}, res.Logs); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
	if next := invoke(t, f, order{}); !next.Cold {
		t.Error("the process lived on")
	}
}

func TestParallel(t *testing.T) {
	t.Parallel()
	const n = 3
	hanging := make(chan struct{}, n)
	f := newFunction(t, "function", func(o *Options) {
		o.Concurrency = n
		o.Stdout = token(hanging)
	})
	var wg sync.WaitGroup
	results := make([]Result, n)
	for i := range n {
		wg.Go(func() { results[i], _ = f.Invoke(context.Background(), []byte(`{"do":"hang"}`)) })
	}
	for range n {
		<-hanging
	}
	if _, err := f.Invoke(t.Context(), nil); !errors.Is(err, ErrTooManyRequests) {
		t.Errorf("one more than the concurrency: error %v, want %v", err, ErrTooManyRequests)
	}
	f.Kill()
	wg.Wait()
	ids := make(map[string]bool)
	for _, r := range results {
		ids[r.RequestID] = true
		if !r.Cold || r.ErrorType != "Runtime.ExitError" {
			t.Errorf("got %+v", r)
		}
	}
	if len(ids) != n {
		t.Errorf("%d request ids, want %d", len(ids), n)
	}
	if next := invoke(t, f, order{}); next.FunctionError {
		t.Errorf("after the three: %+v", next)
	}
}

// token is a writer that puts a token into a channel for each line.
type token chan struct{}

func (c token) Write(p []byte) (int, error) {
	c <- struct{}{}
	return len(p), nil
}

func TestIdleSandboxesServeAgain(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "function", nil)
	first := lookAt(t, f)
	for range 3 {
		if next := lookAt(t, f); next.PID != first.PID {
			t.Errorf("process %d, want %d", next.PID, first.PID)
		}
	}
	if len(f.live) != 1 {
		t.Errorf("%d sandboxes, want 1", len(f.live))
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	hanging := make(chan struct{})
	f := newFunction(t, "function", func(o *Options) { o.Stdout = signal(hanging) })
	ended := make(chan Result, 1)
	go func() {
		res, _ := f.Invoke(context.Background(), []byte(`{"do":"hang"}`))
		ended <- res
	}()
	<-hanging
	f.Close()
	if f.running != 0 {
		t.Error("Close returned before the invocation")
	}
	if res := <-ended; res.ErrorType != "Runtime.ExitError" {
		t.Errorf("invocation under way: %+v", res)
	}
	if _, err := f.Invoke(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v, want %v", err, ErrClosed)
	}
	if len(f.live) != 0 {
		t.Errorf("%d sandboxes left", len(f.live))
	}
}

func TestNewNamesEveryBadOption(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		o    Options
		want string
	}{
		{"no bootstrap", Options{Bootstrap: filepath.Join(t.TempDir(), "bootstrap")}, "find bootstrap"},
		{"directory", Options{Bootstrap: t.TempDir()}, "is a directory"},
		{"little memory", Options{Bootstrap: exe, Memory: 64}, "memory: want 128 to 10240 MB, got 64"},
		{"much memory", Options{Bootstrap: exe, Memory: 10241}, "memory"},
		{"long timeout", Options{Bootstrap: exe, Timeout: 16 * time.Minute}, "timeout: want at most 15m0s, got 16m0s"},
		{"negative timeout", Options{Bootstrap: exe, Timeout: -1}, "timeout"},
		{"negative init timeout", Options{Bootstrap: exe, InitTimeout: -1}, "init timeout"},
		{"negative concurrency", Options{Bootstrap: exe, Concurrency: -1}, "concurrency"},
		{"reserved name", Options{Bootstrap: exe, Env: map[string]string{"AWS_REGION": "x"}}, "AWS_REGION is reserved"},
		{"reserved prefix", Options{Bootstrap: exe, Env: map[string]string{"AWS_LAMBDA_X": "x"}}, "AWS_LAMBDA_X is reserved"},
		{"odd name", Options{Bootstrap: exe, Env: map[string]string{"A-B": "x"}}, `"A-B" is no name`},
		{"large environment", Options{Bootstrap: exe, Env: map[string]string{"AB": strings.Repeat("x", 4095)}}, "4097 bytes, Lambda allows 4096"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := New(row.o); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
		})
	}
}

func TestBootstrapThatCannotRun(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(path, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := New(Options{Bootstrap: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Invoke(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "start bootstrap") {
		t.Errorf("error %v", err)
	}
	if f.running != 0 {
		t.Errorf("%d running", f.running)
	}
}

func TestBootstrapByRelativePath(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, name := filepath.Split(exe)
	t.Chdir(filepath.Dir(filepath.Clean(dir)))
	f := newFunction(t, "function", func(o *Options) { o.Bootstrap = filepath.Join(filepath.Base(dir), name) })
	if res := invoke(t, f, order{}); res.FunctionError {
		t.Errorf("got %+v", res)
	}
}

func TestEnvIsCopied(t *testing.T) {
	t.Parallel()
	env := map[string]string{role: "function"}
	f := newFunction(t, "function", func(o *Options) { o.Env = env })
	maps.Copy(env, map[string]string{"LATER": "x"})
	if slices.Contains(lookAt(t, f).Env, "LATER=x") {
		t.Error("a change to the caller's map reached the process")
	}
}

func FuzzParseError(f *testing.F) {
	f.Add([]byte(`{"errorType":"a","errorMessage":"b"}`))
	f.Add([]byte(`{"errorType":1}`))
	f.Add([]byte(`null`))
	f.Add([]byte("plain"))
	f.Fuzz(func(t *testing.T, body []byte) {
		a := parseError(body, nil)
		if !a.failed || a.errorType == "" || !bytes.Equal(a.payload, body) {
			t.Errorf("got %+v", a)
		}
	})
}

func TestStarted(t *testing.T) {
	t.Parallel()
	var started []int
	f := newFunction(t, "function", func(o *Options) {
		o.Started = func(pid int) { started = append(started, pid) }
	})
	want := []int{lookAt(t, f).PID}
	lookAt(t, f) // warm: nothing starts
	f.Cool()
	want = append(want, lookAt(t, f).PID)
	if diff := cmp.Diff(want, started); diff != "" {
		t.Errorf("processes started (-want +got):\n%s", diff)
	}
}
