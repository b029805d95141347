package main

import (
	"auth0-logs-to-cloudwatch/pkg/devstack/tlsserver"
	"auth0-logs-to-cloudwatch/pkg/emf"
	"auth0-logs-to-cloudwatch/pkg/export"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
)

// The secrets of a bench that are not made anew for each. What follows the
// first few characters has no other form in any encoding.
const (
	clientSecret = "+/&=% <q7Wm2ZkT9bLx4RvN8sYdC3hG"
	accessKey    = "AKIAKEPTBYTHEOPERATOR"
	secretKey    = "+/w4Jt8Qz1Xc6Vb3Nm9Kp2Lf7Hg5Ds"
)

// vault knows every secret of a bench and sees whatever the function lets out.
type vault struct {
	*failBench
	mu      sync.Mutex
	secrets []string
	seen    strings.Builder
}

// newVault makes a bench whose secrets are watched: a client secret and a role
// for the log group's account, or a private key and static keys.
func newVault(t *testing.T, key *rsa.PrivateKey, keys bool) *vault {
	opt := auth0.Options{Seed: 1, ClientSecret: clientSecret}
	v := &vault{secrets: []string{"T00000000/B00000000/devstack", os.Getenv("AWS_SECRET_ACCESS_KEY")}}
	if !keys {
		v.failBench = newFailBench(t, opt)
		v.secrets = append(v.secrets, clientSecret[7:], "secret-of-ASIA", "token-of-ASIA")
	} else {
		text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
		opt.ClientSecret, opt.PublicKey = "", &key.PublicKey
		v.failBench = newFailBench(t, opt)
		v.set(map[string]string{"AUTH0_PRIVATE_KEY": text, "AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_KEY": secretKey})
		v.tenant.Unset("CLOUDWATCH_ROLE_ARN")
		v.stack.Keys.Add(accessKey, awsjson.Principal{Account: v.place.Account})
		v.secrets = append(v.secrets, accessKey, secretKey[2:])
		lines := strings.Split(strings.TrimSpace(text), "\n")
		v.secrets = append(v.secrets, lines[1:len(lines)-1]...)
	}
	return v
}

// watch learns the secrets that pass by and notes where requests show any that
// they should not. It matches no request.
func (v *vault) watch(r *http.Request) bool {
	headers := r.Header.Clone()
	if token, ok := strings.CutPrefix(headers.Get("Authorization"), "Bearer "); ok {
		v.learn(token)
	}
	headers.Del("Authorization")
	headers.Del("X-Amz-Security-Token")
	if r.URL.Path == "/oauth/token" {
		body := must(io.ReadAll(r.Body))
		r.Body = io.NopCloser(bytes.NewReader(body))
		if form := must(url.ParseQuery(string(body))); form.Has("client_assertion") {
			v.learn(form.Get("client_assertion"))
		}
	}
	address := strings.TrimPrefix(v.stack.Hook, "https://"+r.Host)
	v.hear(strings.ReplaceAll(r.URL.String(), address, ""))
	for _, values := range headers {
		v.hear(values...)
	}
	return false
}

func (v *vault) learn(secret string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !slices.Contains(v.secrets, secret) {
		v.secrets = append(v.secrets, secret)
	}
}

func (v *vault) hear(texts ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, text := range texts {
		v.seen.WriteString(text)
		v.seen.WriteByte('\n')
	}
}

// run has the function run with a fault, but only for some seconds once that
// was met, and takes in what comes out of it.
func (v *vault) run(op string, do fault.Action) {
	v.Helper()
	ctx, cancel := context.WithCancel(v.Context())
	defer cancel()
	met := sync.OnceFunc(func() { time.AfterFunc(4*time.Second, cancel) })
	v.stack.Faults.Add(fault.Rule{Match: v.watch})
	v.stack.Faults.Add(fault.Rule{Op: op, Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		met()
		do(w, r, next)
	}})
	defer func() {
		if r := recover(); r != nil {
			v.Errorf("the function panics: %v", r)
		}
	}()
	v.out.Reset()
	r, err := v.h.Handle(ctx, event(v.T, "scheduled"))
	v.hear(v.out.String(), fmt.Sprintf("%+v", r), fmt.Sprintf("%+v", err), string(must(json.Marshal(r))))
}

// search looks for secrets, or considerable parts of them, in everything that
// came out.
func (v *vault) search() {
	v.Helper()
	for _, m := range v.stack.Slack.Messages() {
		v.hear(m.Text, string(m.Blocks), m.Rendered)
	}
	for _, name := range []string{"RUN", "CHECKPOINT"} {
		for _, version := range v.stack.SSM.History(v.tenant.Parameter(name)) {
			v.hear(version.Value)
		}
	}
	for _, place := range []logs.Place{v.place, {Group: v.place.Group}} {
		for _, place.Stream = range v.stack.Logs.Streams(place) {
			for _, e := range v.stack.Logs.Events(place) {
				v.hear(e.Message)
			}
		}
	}
	const part = 10
	v.mu.Lock() // a call that the function gave up may still be under way
	defer v.mu.Unlock()
	seen := v.seen.String()
	for _, secret := range v.secrets {
		for i := 0; i == 0 || i+part <= len(secret); i++ {
			piece := secret[i:min(i+part, len(secret))]
			if at := strings.Index(seen, piece); at >= 0 {
				v.Errorf("%q, of a secret of %d characters, came out: ...%s...", piece, len(secret), seen[max(0, at-200):min(len(seen), at+200)])
				break
			}
		}
	}
}

// echo answers with what it was asked, as badly made servers and proxies do: in
// the body, or in whatever part of an error the client may look at.
func echo(status int, kind string, body func(request string) string) fault.Action {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		said := string(must(io.ReadAll(r.Body)))
		for _, name := range []string{"Authorization", "X-Amz-Security-Token"} {
			said = r.Header.Get(name) + "\n" + said
		}
		said += "\n" + r.Host + r.URL.String() + "\n" + string(must(httputil.DumpRequest(r, false)))
		line := strings.Join(strings.Fields(said), " ")
		w.Header().Set("Content-Type", kind)
		for _, name := range []string{"X-Amzn-Errortype", "Location", "X-Amzn-Requestid", "Www-Authenticate", "Retry-After"} {
			w.Header().Set(name, line)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body(said))
	}
}

// everyField is a JSON error whose every field is the text, whichever service
// it is taken for.
func everyField(text string) string {
	fields := make(map[string]string)
	for _, name := range []string{"error", "error_description", "errorCode", "message", "Message", "code", "__type", "access_token", "token_type"} {
		fields[name] = text
	}
	return string(must(json.Marshal(fields)))
}

func same(text string) string { return text }

// leaky are the ways of a server to make its client tell.
func leaky() map[string]fault.Action {
	faults := map[string]fault.Action{
		"dropped":        fault.Drop(),
		"cut":            fault.Body(func(b []byte) []byte { return b[:len(b)*2/3] }),
		"of other types": fault.Body(func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`":"`), []byte(`":7,"x":"`)) }),
	}
	for _, status := range []int{200, 302, 400, 401, 500} {
		faults[fmt.Sprint("echo as JSON, ", status)] = echo(status, "application/json", everyField)
	}
	for _, status := range []int{200, 403, 500} {
		faults[fmt.Sprint("echo as HTML, ", status)] = echo(status, "text/html", same)
	}
	return faults
}

// TestNoSecretComesOut breaks every call in ways that tempt the function to
// tell what it was given, and searches everything that it lets out.
func TestNoSecretComesOut(t *testing.T) {
	t.Parallel()
	const byRole, byKeys = false, true
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	var cases sideBySide
	defer cases.Wait()
	for op, credentials := range map[string][]bool{
		"GetParametersByPath": {byRole, byKeys}, "GetParameter": {byRole}, "PutParameter": {byRole},
		"token": {byRole, byKeys}, "logs": {byRole}, "AssumeRole": {byRole}, "slack": {byRole},
		"CreateLogStream": {byRole}, "PutLogEvents": {byRole, byKeys}, "GetLogEvents": {byRole},
	} {
		for _, keys := range credentials {
			for name, do := range leaky() {
				v := newVault(t, key, keys)
				cases.run(t, fmt.Sprintf("%s/keys %t/%s", op, keys, name), v.failBench, func(*failBench) {
					if op == "GetLogEvents" {
						runAfterAKilledOne(v.failBench)
					} else {
						firstRun(v.failBench)
					}
					v.run(op, do)
					v.search()
				})
			}
		}
	}
}

// hostile are texts that would like to be more than texts: to a Slack channel,
// to a reader of the log, to a terminal, to CloudWatch, to Parameter Store.
func hostile() map[string]string {
	return map[string]string{
		"mentions":           "<!channel> <!here> <@U0123456789> <#C0123456789> <!subteam^S0123456789> @channel @everyone",
		"links":              "<https://evil.example/console|Log stream> https://evil.example <mailto:a@evil.example|a>",
		"the console":        "<https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups|Log stream>",
		"marks":              "*bold* _slanted_ ~struck~ `code` ```block``` &lt;!channel&gt; &amp;",
		"another report":     "\"}\n{\"level\":\"ERROR\",\"message\":\"run\",\"report\":{\"outcome\":\"failed\"}}\n{\"x\":\"",
		"a terminal":         "\x1b[2J\x1b]0;owned\x07\x1b[31mred\r\b",
		"eight-bit controls": "\u009b31mred\u0085\u009d0;owned\u009c\x7f",
		"invisible":          "a\u202eb\u200bc\u2028d\ufeffe",
		"metrics":            `{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"Evil","Dimensions":[[]],"Metrics":[{"Name":"x"}]}]},"x":1}`,
		"parameters":         "{{ssm:/auth0-logs-to-cloudwatch/default/AUTH0_CLIENT_SECRET}} {{resolve:ssm:x}} ${env:HOME}",
		"formats":            "%s %d %!v(MISSING) %n {0} \\u003c!channel\\u003e",
		"far too much":       strings.Repeat("<!channel>\n", 2000),
		"no UTF-8 at all":    "\xff\xfe<!channel>\xc3",
		"a closing script":   "</script><img src=x onerror=alert(1)>",
	}
}

// TestHostileEvents exports events whose every text is hostile, the type code
// and the names of fields among them.
func TestHostileEvents(t *testing.T) {
	b := newFailBench(t, auth0.Options{Seed: 1})
	for i, name := range slices.Sorted(maps.Keys(hostile())) {
		text := strings.ToValidUTF8(hostile()[name], "?") // documents are JSON
		at := b.clock.Now().Add(-time.Hour)
		doc := must(json.Marshal(map[string]any{
			"log_id": auth0.MakeID(at, uint64(i)), "date": at.Format(time.RFC3339),
			"type": text, "description": text, "user_name": text, text: text, "details": map[string]any{text: []string{text}},
			"_aws": map[string]any{"Timestamp": at.UnixMilli(), "CloudWatchMetrics": []any{map[string]any{
				"Namespace": emf.Namespace, "Dimensions": [][]string{{emf.Dimension}}, "Metrics": []any{map[string]string{"Name": "Failures"}},
			}}}, "Failures": 1, emf.Dimension: "default",
		}))
		if i%2 == 0 { // the same key in other words
			doc = bytes.Replace(doc, []byte(`"_aws":`), []byte(`"\u005faw\u0073":`), 1)
		}
		if err := b.tenant.Add(string(doc)); err != nil {
			t.Fatal(err)
		}
	}
	r := b.tick(export.OK)
	if n := len(hostile()); r.Exported != n || r.Wrapped.Count != n {
		t.Errorf("%d events exported and %d wrapped, want all %d", r.Exported, r.Wrapped.Count, n)
	}
	if c := b.tenant.Compare(b.place, nil); !c.Exact() {
		t.Error(c)
	}
	b.place.Stream = "default"
	for _, e := range b.stack.Logs.Events(b.place) {
		var root map[string]json.RawMessage
		if err := json.Unmarshal([]byte(e.Message), &root); err != nil || root["_aws"] != nil || strings.ContainsAny(e.Message, "\r\n") {
			t.Errorf("%v in %.300s", err, e.Message)
		}
	}
	b.harmless()
}

// TestHostileAnswers has every service answer with hostile texts, where the
// function tells what a service said and where it does not.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	var cases sideBySide
	defer cases.Wait()
	for _, op := range []string{"token", "logs", "GetParametersByPath", "PutParameter", "AssumeRole", "CreateLogStream", "PutLogEvents", "slack"} {
		for _, name := range []string{"mentions", "links", "another report", "a terminal", "eight-bit controls", "far too much", "no UTF-8 at all"} {
			text := hostile()[name]
			for _, status := range []int{400, 403} {
				cases.run(t, fmt.Sprintf("%s/%s/%d", op, name, status), newFailBench(t, auth0.Options{Seed: 1}), func(b *failBench) {
					firstRun(b)
					b.stack.Faults.Add(fault.Rule{Op: op, Do: answerWith(status, text)})
					b.within(3 * time.Second)
					b.harmless()
				})
			}
		}
	}
}

// answerWith answers with an error that is a text, in each of its fields or as
// it is.
func answerWith(status int, text string) fault.Action {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		body, kind := everyField(text), "application/json"
		if status == http.StatusForbidden {
			body, kind = text, strings.Join(strings.Fields(text), " ")
		}
		w.Header().Set("X-Amzn-Errortype", text)
		fault.Reply(status, http.Header{"Content-Type": {kind}}, body)(w, r, nil)
	}
}

// TestWarningsOfTheSDK: what the AWS SDK has to say of an answer that breaks
// off goes to the log as everything else does.
func TestWarningsOfTheSDK(t *testing.T) {
	beside := must(os.Create(filepath.Join(t.TempDir(), "stderr")))
	defer func() { _ = beside.Close() }()
	stderr := os.Stderr
	os.Stderr = beside
	b := newFailBench(t, auth0.Options{Seed: 1})
	os.Stderr = stderr
	firstRun(b)
	b.stack.Faults.Add(fault.Rule{Op: "GetParametersByPath", Times: 1, Do: fault.Cut(200)})
	b.tick(export.OK)
	if text := must(os.ReadFile(beside.Name())); len(text) > 0 {
		t.Errorf("written beside the log: %s", text)
	}
	b.harmless()
}

// harmless checks that whatever was in a text has stayed text: one report in a
// log of one JSON object a line, metrics of ours alone, and no link or mention
// in Slack but to our own log streams.
func (b *failBench) harmless() {
	b.Helper()
	b.logged()
	log := b.out.String()
	if at := strings.IndexFunc(log, func(c rune) bool { return unicode.IsControl(c) && c != '\n' }); at >= 0 || !utf8.ValidString(log) {
		b.Errorf("a raw control character in the log, or no UTF-8: %.200q", log[max(0, at-100):])
	}
	metrics := 0
	for line := range strings.Lines(log) {
		var root struct {
			AWS *struct {
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []emf.Metric
				}
			} `json:"_aws"`
		}
		if err := json.Unmarshal([]byte(line), &root); err != nil {
			b.Fatal(err)
		}
		if root.AWS == nil {
			continue
		}
		metrics++
		for _, d := range root.AWS.CloudWatchMetrics {
			foreign := slices.ContainsFunc(d.Metrics, func(m emf.Metric) bool { return !slices.Contains(emf.Metrics(), m) })
			if d.Namespace != emf.Namespace || foreign || fmt.Sprint(d.Dimensions) != "[[Tenant]]" {
				b.Errorf("metrics %+v", d)
			}
		}
	}
	if metrics != 1 {
		b.Errorf("%d lines of metrics, want one:\n%s", metrics, b.out)
	}
	for _, m := range b.stack.Slack.Messages() {
		for _, c := range m.Controls {
			if !strings.HasPrefix(c.Raw, "<https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/$252Fauth0$252Fdefault/") {
				b.Errorf("%s %s in a message:\n%s", c.Kind, c.Raw, m.Rendered)
			}
		}
	}
	for _, v := range b.stack.SSM.History(b.tenant.Parameter("RUN")) {
		if !json.Valid([]byte(v.Value)) || strings.Contains(v.Value, "{{") {
			b.Errorf("RUN %s", v.Value)
		}
	}
}

// TestOtherAuthorities: no client speaks to a server whose certificate is not
// of an authority that it trusts, nor to one without TLS.
func TestOtherAuthorities(t *testing.T) {
	var heard atomic.Int32
	impostor := must(tlsserver.Start(must(tlsserver.NewCA()), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) })))
	defer impostor.Close()
	plain := must(net.Listen("tcp", "127.0.0.1:0"))
	defer func() { _ = plain.Close() }()
	go func() {
		_ = http.Serve(plain, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	}()
	tests := map[string]struct {
		// lead has the function speak to the server at an address.
		lead func(b *failBench, address string)
		says string
	}{
		"Auth0": {func(b *failBench, address string) {
			b.set(map[string]string{"AUTH0_DOMAIN": address})
		}, `"kind":"source"`},
		"Slack": {func(b *failBench, address string) {
			b.set(map[string]string{"SLACK_INCOMING_WEBHOOK_URL": "https://" + address + "/services/T/B/x"})
		}, "Slack could not be reached"},
		"Parameter Store": {func(b *failBench, address string) {
			b.h = b.builtFor("https://" + address)
		}, `"kind":"state"`},
		"CloudWatch Logs": {func(b *failBench, address string) {
			b.misleadLogs(address)
			b.set(map[string]string{"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_KEY": secretKey}) // no need of STS
			b.tenant.Unset("CLOUDWATCH_ROLE_ARN")
		}, `"kind":"delivery"`},
		"STS": {(*failBench).misleadLogs, `"kind":"delivery"`},
	}
	var cases sideBySide
	for name, tt := range tests {
		for server, address := range map[string]string{"another authority": impostor.Addr, "no TLS": plain.Addr().String()} {
			cases.run(t, name+"/"+server, newFailBench(t, auth0.Options{Seed: 1}), func(b *failBench) {
				tt.lead(b, address)
				firstRun(b)
				b.within(5 * time.Second)
				if log := b.out.String(); !strings.Contains(log, tt.says) {
					b.Errorf("log %s, want %q in it", log, tt.says)
				}
			})
		}
	}
	cases.Wait()
	if n := heard.Load(); n != 0 {
		t.Errorf("%d requests went to servers that nobody should trust", n)
	}
}

// misleadLogs has the function look for CloudWatch Logs, and the STS that gives
// credentials for it, at another address.
func (b *failBench) misleadLogs(address string) {
	b.Helper()
	h := b.builtFor("https://" + address)
	h.ssm = b.h.ssm
	b.h = h
}

// TestVerificationIsNeverOff: nothing in the repository but a test could turn
// it off.
func TestVerificationIsNeverOff(t *testing.T) {
	const off = "InsecureSkip" + "Verify"
	err := filepath.WalkDir(repository, func(path string, _ os.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") && bytes.Contains(readFile(t, path), []byte(off)) {
			t.Errorf("%s holds %s", path, off)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
