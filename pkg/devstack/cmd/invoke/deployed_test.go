package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/events"
	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
)

// Where the function of these tests is.
const (
	inStack   = "auth0-logs"
	fullName  = inStack + "-ExportFunction-1A2B3C"
	inGroup   = "/aws/lambda/" + inStack + "-export"
	me        = "AKIAOPERATOR"
	localName = "default"
)

var bootstrap string

func TestMain(m *testing.M) { os.Exit(withBootstrap(m)) }

func withBootstrap(m *testing.M) int {
	dir, err := os.MkdirTemp("", "invoke-test-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if bootstrap, err = devstack.Build(dir, "export"); err != nil {
		panic(err)
	}
	return m.Run()
}

// cloud is AWS with the function deployed: the stand-ins, and before them those
// calls of Lambda's API that they do not have.
type cloud struct {
	*testing.T
	*local
	server *httptest.Server
	others http.Handler
	// lost has the answers to Invoke lost, and invoked counts the calls.
	lost    atomic.Bool
	invoked atomic.Int32
}

// newCloud has a tenant whose events were exported, and the environment of
// somebody with credentials.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{T: t}
	var err error
	c.local, err = startLocal(bootstrap, localName, 300)
	t.Cleanup(c.close)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.stack.Logs.CreateGroup(logs.Place{Group: inGroup}, logs.Standard, 0); err != nil {
		t.Fatal(err)
	}
	c.function.Close()
	env := c.stack.Env()
	env["CLAIM_GRACE"] = "0s"
	c.function, err = lambda.New(lambda.Options{
		Bootstrap: bootstrap, Env: env, FunctionName: fullName, Timeout: localTime,
		Log: func(stream string, l lambda.Line) {
			if l.Text != "" {
				_ = c.stack.Logs.Write(logs.Place{Group: inGroup, Stream: stream}, l.Time, l.Text)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.serve()
	if err := c.wait(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cloud) serve() {
	c.Helper()
	target, err := url.Parse(c.stack.AWS.URL)
	if err != nil {
		c.Fatal(err)
	}
	c.others = &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: c.transport(),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", c.invocation)
	mux.HandleFunc("GET /2015-03-31/functions/{name}/configuration", c.configuration)
	mux.HandleFunc("GET /2015-03-31/functions/", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"Functions": []any{
			map[string]any{"FunctionName": "another"}, c.described(),
		}})
	})
	mux.Handle("/", c.others)
	c.server = httptest.NewServer(mux)
	c.Cleanup(c.server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": c.server.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": me, "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_CA_BUNDLE": "", "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		c.Setenv(name, value)
	}
}

// transport trusts the stack's authority.
func (c *cloud) transport() http.RoundTripper {
	c.Helper()
	authority, err := os.ReadFile(c.stack.CAFile)
	if err != nil {
		c.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
}

// described is the function as Lambda describes it.
func (c *cloud) described() map[string]any {
	return map[string]any{
		"FunctionName": fullName, "Timeout": 300,
		"Environment":   map[string]any{"Variables": map[string]string{"CONFIG_ROOT": devstack.Root}},
		"LoggingConfig": map[string]any{"LogFormat": "JSON", "LogGroup": inGroup},
	}
}

func (c *cloud) configuration(w http.ResponseWriter, r *http.Request) {
	if !c.allowed(w, r, "lambda:GetFunctionConfiguration") {
		return
	}
	_ = json.NewEncoder(w).Encode(c.described())
}

// allowed answers for a function that is not there, and for one that the caller
// has no right to.
func (c *cloud) allowed(w http.ResponseWriter, r *http.Request, action string) bool {
	refuse := func(status int, kind, text string) bool {
		w.Header().Set("X-Amzn-Errortype", kind)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"Message": text})
		return false
	}
	name := r.PathValue("name")
	caller, err := c.stack.Keys.Caller(r)
	if err == nil {
		err = c.stack.Keys.Authorize(caller, action, []string{name})
	}
	switch {
	case err != nil:
		return refuse(http.StatusForbidden, "AccessDeniedException", err.Error())
	case name != fullName:
		return refuse(http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+name)
	}
	return true
}

// invocation answers Invoke. What is asked for asynchronously is done before it
// is accepted: so the request's id is known.
func (c *cloud) invocation(w http.ResponseWriter, r *http.Request) {
	if !c.allowed(w, r, "lambda:InvokeFunction") {
		return
	}
	var event json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		c.Error(err)
	}
	result, err := c.function.Invoke(context.WithoutCancel(r.Context()), event)
	if err != nil {
		c.Error(err)
	}
	if c.invoked.Add(1); c.lost.Load() {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Amzn-Requestid", result.RequestID)
	if r.Header.Get("X-Amz-Invocation-Type") == string(types.InvocationTypeEvent) {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if result.FunctionError {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
	}
	_, _ = w.Write(result.Payload)
}

// ticking is the deployed function, whose schedule ticks at each wait.
type ticking struct {
	*deployed
	tick func(ctx context.Context) error
}

func (t ticking) wait(ctx context.Context, _ time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return t.tick(ctx)
}

// invoke does what the command does, with a schedule that needs no waiting for.
func (c *cloud) invoke(ctx context.Context, args string, tick func()) (string, error) {
	c.Helper()
	out, text := printed()
	w := mustParse(c.T, args)
	there, err := connect(ctx, w)
	if err != nil {
		return "", err
	}
	err = w.do(ctx, out, ticking{there, func(ctx context.Context) error {
		if tick != nil {
			tick()
		}
		_, err := c.function.Invoke(ctx, c.tick())
		return err
	}})
	return text.String(), err
}

// expect holds what the command printed and ended with against what is wanted.
func (c *cloud) expect(args string, tick func(), failure string, texts ...string) {
	c.Helper()
	text, err := c.invoke(c.Context(), args, tick)
	if (err != nil) != (failure != "") || err != nil && !strings.Contains(err.Error(), failure) {
		c.Errorf("%s ended with %v, want %q; printed:\n%s", args, err, failure, text)
	}
	for _, want := range texts {
		if !strings.Contains(text, want) {
			c.Errorf("%s printed, without %q:\n%s", args, want, text)
		}
	}
}

// TestDeployed is the command against the real SDK clients and the real
// bootstrap.
func TestDeployed(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the bootstrap: not in -short mode")
	}
	c := newCloud(t)
	function, ranged := " -function="+fullName, " -from=-1d -to=-10m"

	c.expect("check -stack="+inStack, nil, "the check of tenant default found something wrong", "WRONG: schedule", "ok       token")
	c.schedule()
	c.expect("check -stack="+inStack, nil, "", "nothing is wrong")
	c.expect("preview"+function, nil, "", "Each event was counted")
	c.expect("run"+function, nil, "", "ok: 0 events exported")
	c.expect("verify"+function+ranged, nil, "", "complete: 300 of 300 events")

	harm, err := c.spoil(mustParse(t, "verify"+ranged))
	if err != nil || harm.missing == 0 {
		t.Fatalf("took %+v away, %v", harm, err)
	}
	c.expect("verify"+function+ranged, nil, "7 missing, 1 double", "NOT complete: 293 of 300", "twice")
	c.expect("verify"+function+ranged+" -fill=true", nil, "", "fill      a replay was opened", "added     7 events")
	c.expect("verify"+function+ranged, nil, "0 missing, 1 double", "missing   0")

	c.expect("replay"+function+ranged+" -dry-run=true", nil, "", "dry run", "to add    300 events")
	c.expect("replay"+function+ranged, nil, "", "done      in 1 run", "added     300 events")
	c.expect("replay"+function+" -from=-1d -to=2099-01-01", nil, "the function refuses it: to lies beyond where the export has come to")
	c.expect("replay"+function+" -stop=true", nil, "there is no replay to stop")
	c.expect("replay"+function+" -follow=true", nil, "no replay of tenant default is open")
}

// schedule has a rule export the tenant with the deployed function.
func (c *cloud) schedule() {
	c.Helper()
	if err := c.stack.Events.Put(events.Rule{
		Name: "deployed", Expression: "rate(5 minutes)",
		Targets: []events.Target{{ID: "export", ARN: c.stack.Lambda.Add(c.function), Input: string(c.tick())}},
	}); err != nil {
		c.Fatal(err)
	}
}

// TestDeployedWithoutRights: what cannot be followed is not asked for.
func TestDeployedWithoutRights(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the bootstrap: not in -short mode")
	}
	c := newCloud(t)
	replay := "replay -from=-1d -to=-10m -function="
	c.expect(replay+"other", nil, "there is no function other in us-east-1")
	c.expect("check -stack=other", nil, "there is no function of a stack other in us-east-1")
	for operation, want := range map[string]string{
		"GetParameter":             "nothing was asked for, since it could not be followed: your AWS credentials do not allow ssm:GetParameter on " + devstack.Root + "/default/REPLAY",
		"FilterLogEvents":          "nothing was asked for, since it could not be followed: your AWS credentials do not allow logs:FilterLogEvents on " + inGroup,
		"InvokeFunction":           "your AWS credentials do not allow lambda:InvokeFunction on " + fullName,
		"GetFunctionConfiguration": "your AWS credentials do not allow lambda:GetFunctionConfiguration on " + fullName,
	} {
		undo := c.stack.Keys.Deny(awsjson.Rule{AccessKey: me, Operation: operation})
		c.expect(replay+fullName, nil, want)
		undo()
	}
	if c.tenant.Get("REPLAY") != "" || len(c.stack.Logs.Streams(logs.Place{Group: c.stream().Group})) != 1 {
		t.Error("a replay was begun")
	}
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	c.expect(replay+fullName, nil, "no AWS region is set")
}

// TestDeployedFails: a replay that fails stays open, and is followed until
// somebody stops it.
func TestDeployedFails(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the bootstrap: not in -short mode")
	}
	c := newCloud(t)
	c.stack.Keys.Deny(awsjson.Rule{Operation: "PutLogEvents", Resource: ":log-stream:default-replay"})
	looks := 0
	c.expect("replay -from=-1d -to=-10m -function="+fullName, func() {
		if looks++; looks == 2 {
			c.expect("replay -stop=true -function="+fullName, nil, "", "stopped")
		}
	}, "the replay is not done: stopped", "A run failed: permission: ", "Fix: ")

	ctx, interrupt := context.WithCancel(t.Context())
	text, err := c.invoke(ctx, "replay -from=-1d -to=-10m -function="+fullName, interrupt)
	if err != nil || !strings.Contains(text, "make replay FUNCTION="+fullName+" TENANT=default FOLLOW=true") {
		t.Errorf("interrupted: %v, printed:\n%s", err, text)
	}
	if c.tenant.Get("REPLAY") == "" {
		t.Error("the replay is not open any more")
	}
}

// TestInvokedOnce: the client does not ask again where an answer was lost.
func TestInvokedOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the bootstrap: not in -short mode")
	}
	c := newCloud(t)
	c.lost.Store(true)
	for i, args := range []string{"run", "verify -from=-1d -to=-10m"} {
		c.expect(args+" -function="+fullName, nil, "lambda:InvokeFunction on "+fullName)
		if got := int(c.invoked.Load()); got != i+1 {
			t.Errorf("%s: invoked %d times in all, want %d", args, got, i+1)
		}
	}
}
