package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse reads its input as lines NAME=VALUE. The values of all parameters
// that may hold a secret are given a mark, before or behind, which must not
// come out again.
func FuzzParse(f *testing.F) {
	f.Add("")
	f.Add("AUTH0_DOMAIN=acme.eu.auth0.com\nAUTH0_CLIENT_ID=a\nAUTH0_CLIENT_SECRET=b\nCLOUDWATCH_LOG_GROUP_NAME=g\nCLOUDWATCH_LOG_STREAM_NAME={tenant}-{date}")
	f.Add("AUTH0_DOMAIN=https://a:b@host:1/x?y#z\nAUTH0_AUDIENCE=https://host/api/v2\nAUTH0_RATE_SHARE=-1\nAUTH0_LOG_RETENTION_DAYS=7\nBATCH_SIZE=99999999999999999999")
	f.Add("START_FROM=" + logID + "\nLOG_LEVEL=-\nLOG_TYPES=fp,gd_*,!ssa,[\nSLACK_SEND_SUCCESS=Yes\nSLACK_DAILY_REPORT=25\nAWS_REGION=eu-central-1")
	f.Add("SLACK_INCOMING_WEBHOOK_URL=https://%zz/\nSLACK_INCOMING_WEBHOOK=https://h/\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_KEY=b\nCLOUDWATCH_ROLE_ARN=arn:aws:iam::123456789012:role/w\nCLOUDWATCH_EXTERNAL_ID=x")
	f.Add("AUTH0_PRIVATE_KEY=" + strings.ReplaceAll(pkcs8(testKey()), "\n", `\n`) + "\n" + misspelt + "=true\nCHECKPOINT=x")
	f.Fuzz(func(t *testing.T, text string) {
		const mark = "xyzzy-plugh"
		if strings.Contains(text, mark) {
			t.Skip("the mark is to come from secrets alone")
		}
		for _, place := range []string{"%[2]s%[1]s", "%[1]s%[2]s"} {
			params := readParams(text, func(v string) string { return fmt.Sprintf(place, v, mark) })
			c, warnings, err := Parse("acme", params, env)
			out := fmt.Sprint(err, warnings) + fmt.Sprintf("%v %+v %#v", c, c, c)
			if strings.Contains(out, mark) {
				t.Errorf("a secret came out: %s", out)
			}
			if err == nil {
				checkUsable(t, c)
			}
			again, warningsAgain, errAgain := Parse("acme", params, env)
			if fmt.Sprint(err, warnings) != fmt.Sprint(errAgain, warningsAgain) {
				t.Errorf("two readings differ: %v %q, then %v %q", err, warnings, errAgain, warningsAgain)
			}
			if diff := cmp.Diff(c, again, comparer); diff != "" {
				t.Errorf("two readings differ (-first +second):\n%s", diff)
			}
		}
	})
}

func readParams(text string, secret func(string) string) map[string]string {
	open := make(map[string]bool)
	for _, p := range Parameters() {
		open[p.Name] = !p.Secure
	}
	params := make(map[string]string)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !open[name] {
			value = secret(value)
		}
		params[name] = value
	}
	return params
}

// checkUsable holds a Config that is said to be good to what its fields
// promise.
func checkUsable(t *testing.T, c Config) {
	t.Helper()
	filled := strings.NewReplacer("{date}", "2026-11-23")
	group, stream := filled.Replace(c.Logs.Group), filled.Replace(c.Logs.Stream)
	switch {
	case c.Auth0.Domain == "" || c.Auth0.Audience == "" || c.Auth0.ClientID == "":
		t.Errorf("nothing to reach Auth0 with: %+v", c.Auth0)
	case (c.Auth0.ClientSecret == "") == (c.Auth0.PrivateKey == nil):
		t.Error("want exactly one of secret and key")
	case c.Auth0.RateShare < 1 || c.Auth0.RateShare > 100 || c.BatchSize < 1 || c.BatchSize > 100:
		t.Errorf("numbers out of range: share %d, batch %d", c.Auth0.RateShare, c.BatchSize)
	case c.Slack.DailyHour < -1 || c.Slack.DailyHour > 23:
		t.Errorf("digest at hour %d", c.Slack.DailyHour)
	case group == "" || len(group) > 512 || stream == "" || strings.ContainsAny(stream, ":*{}"):
		t.Errorf("group %q, stream %q", group, stream)
	case c.Logs.Region == "" || (c.Logs.AccessKeyID == "") != (c.Logs.SecretKey == ""):
		t.Errorf("nothing to reach CloudWatch with: %+v", c.Logs)
	case c.Logs.AccessKeyID != "" && c.Logs.RoleARN != "":
		t.Error("static keys and a role")
	}
}
