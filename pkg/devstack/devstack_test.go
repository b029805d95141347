package devstack

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
)

// trusting is a client that knows no more than what Env tells.
func trusting(t *testing.T, env map[string]string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(env["SSL_CERT_FILE"])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("no certificate in %s", text)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// TestEveryService speaks to each service of a stack by what the stack tells of
// itself, and finds the calls in its faults.
func TestEveryService(t *testing.T) {
	tenant, _ := newTenant(t)
	s := tenant.stack
	client, env := trusting(t, s.Env()), s.Env()
	grant := url.Values{
		"grant_type": {"client_credentials"}, "audience": {"https://" + tenant.Domain + "/api/v2/"},
		"client_id": {tenant.Get("AUTH0_CLIENT_ID")}, "client_secret": {tenant.Get("AUTH0_CLIENT_SECRET")},
	}
	for _, call := range []struct {
		url, kind, body, target string
		status                  int
	}{
		{"https://" + tenant.Domain + "/oauth/token", "application/x-www-form-urlencoded", grant.Encode(), "", 200},
		{tenant.Get("SLACK_INCOMING_WEBHOOK_URL"), "application/json", `{"text":"hello"}`, "", 200},
		{env["AWS_ENDPOINT_URL"], "application/x-amz-json-1.1", `{"Name":"` + tenant.Parameter("AUTH0_DOMAIN") + `"}`, "AmazonSSM.GetParameter", 200},
		{env["AWS_ENDPOINT_URL"], "application/x-amz-json-1.1", `{}`, "Logs_20140328.DescribeLogGroups", 200},
		{env["AWS_ENDPOINT_URL"], "application/x-amz-json-1.1", `{"TargetArn":"arn:aws:lambda:us-east-1:123456789012:function:any"}`, "AWSEvents.ListRuleNamesByTarget", 200},
		{env["AWS_ENDPOINT_URL"], "application/x-www-form-urlencoded", "Action=GetCallerIdentity&Version=2011-06-15", "", 200},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, call.url, strings.NewReader(call.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", call.kind)
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/any/aws4_request, SignedHeaders=host, Signature=0")
		if call.target != "" {
			req.Header.Set("X-Amz-Target", call.target)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != call.status {
			t.Errorf("%s %s: status %d: %s", call.url, call.target, resp.StatusCode, body)
		}
	}
	want := map[string]int{"token": 1, "slack": 1, "GetParameter": 1, "DescribeLogGroups": 1, "ListRuleNamesByTarget": 1, "GetCallerIdentity": 1}
	if diff := cmp.Diff(want, s.Faults.Counts()); diff != "" {
		t.Errorf("calls that the faults saw (-want +got):\n%s", diff)
	}
	if m := s.Slack.Messages(); len(m) != 1 || !m[0].Time.Equal(now) {
		t.Errorf("messages %+v, want one of the stack's time", m)
	}
}

func TestParametersOfTenants(t *testing.T) {
	tenant, _ := newTenant(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := tenant.stack.AddTenant("other", auth0.Options{PublicKey: &key.PublicKey, ClientID: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	type parameter struct{ Type, Value string }
	got := make(map[string]parameter)
	for _, p := range tenant.stack.SSM.List(Root) {
		got[p.Name] = parameter{p.Type, p.Value}
		if !p.Modified.Equal(now) {
			t.Errorf("%s was written at %s, want the stack's time", p.Name, p.Modified)
		}
	}
	hook := parameter{"SecureString", tenant.stack.Hook}
	want := map[string]parameter{
		Root + "/acme/AUTH0_DOMAIN":                {"String", tenant.Domain},
		Root + "/acme/AUTH0_CLIENT_ID":             {"String", "devstack-acme"},
		Root + "/acme/AUTH0_CLIENT_SECRET":         {"SecureString", "devstack-secret-of-acme"},
		Root + "/acme/CLOUDWATCH_LOG_GROUP_NAME":   {"String", "/auth0/acme"},
		Root + "/acme/CLOUDWATCH_LOG_STREAM_NAME":  {"String", "acme"},
		Root + "/acme/SLACK_INCOMING_WEBHOOK_URL":  hook,
		Root + "/other/AUTH0_DOMAIN":               {"String", other.Domain},
		Root + "/other/AUTH0_CLIENT_ID":            {"String", "mine"},
		Root + "/other/CLOUDWATCH_LOG_GROUP_NAME":  {"String", "/auth0/other"},
		Root + "/other/CLOUDWATCH_LOG_STREAM_NAME": {"String", "other"},
		Root + "/other/SLACK_INCOMING_WEBHOOK_URL": hook,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

func TestSetGetUnset(t *testing.T) {
	tenant, _ := newTenant(t)
	if got := tenant.Get("BATCH_SIZE"); got != "" {
		t.Errorf("BATCH_SIZE %q before it was set", got)
	}
	for _, value := range []string{"50", "60"} {
		if err := tenant.Set("BATCH_SIZE", value); err != nil || tenant.Get("BATCH_SIZE") != value {
			t.Errorf("BATCH_SIZE %q, %v; want %s", tenant.Get("BATCH_SIZE"), err, value)
		}
	}
	tenant.Unset("BATCH_SIZE")
	if got := tenant.Get("BATCH_SIZE"); got != "" {
		t.Errorf("BATCH_SIZE %q after it was unset", got)
	}
	if err := tenant.Set("BATCH_SIZE", ""); err == nil || !strings.Contains(err.Error(), "BATCH_SIZE") {
		t.Errorf("an empty value: error %v, want the store's refusal with the name", err)
	}
}

func TestClose(t *testing.T) {
	s, err := Start(Options{})
	if err != nil {
		t.Fatal(err)
	}
	tenant, err := s.AddTenant("acme", auth0.Options{})
	if err != nil {
		t.Fatal(err)
	}
	client := trusting(t, s.Env())
	client.Timeout = time.Minute
	s.Close()
	for _, address := range []string{s.AWS.URL, s.Hook, "https://" + tenant.Domain} {
		resp, err := client.Get(address)
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s still answers", address)
		}
	}
	if _, err := os.Stat(filepath.Dir(s.CAFile)); !os.IsNotExist(err) {
		t.Errorf("what the stack wrote is still there: %v", err)
	}
}

func TestBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a function: not in -short mode")
	}
	dir := t.TempDir()
	bootstrap, err := Build(dir, "export")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(bootstrap); err != nil || bootstrap != filepath.Join(dir, "bootstrap") || info.Mode()&0o100 == 0 {
		t.Errorf("%s, %v: want an executable", bootstrap, err)
	}
	if _, err := Build(t.TempDir(), "nothing"); err == nil || !strings.Contains(err.Error(), "functions/nothing") {
		t.Errorf("error %v, want one that names the function", err)
	}
}
