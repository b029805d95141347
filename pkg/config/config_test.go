package config

import (
	"crypto/rsa"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/filter"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

const logID = "90020251001053916537654000000000000001223372122475524001"

// misspelt is SLACK_SEND_SUCCESS with a letter less.
const misspelt = "SLACK_SEND_SUCESS" //nolint:misspell // on purpose

// valid returns the fewest parameters that are no error.
func valid() map[string]string {
	return map[string]string{
		"AUTH0_DOMAIN":               "acme.eu.auth0.com",
		"AUTH0_CLIENT_ID":            "client-1",
		"AUTH0_CLIENT_SECRET":        "open sesame",
		"CLOUDWATCH_LOG_GROUP_NAME":  "/auth0/logs",
		"CLOUDWATCH_LOG_STREAM_NAME": "acme",
	}
}

// validConfig returns what valid means.
func validConfig() Config {
	return Config{
		Tenant: "acme",
		Auth0: Auth0{
			Domain:       "acme.eu.auth0.com",
			Audience:     "https://acme.eu.auth0.com/api/v2/",
			ClientID:     "client-1",
			ClientSecret: "open sesame",
			RateShare:    80,
		},
		BatchSize: 100,
		Slack:     Slack{DailyHour: -1},
		Logs:      Logs{Group: "/auth0/logs", Stream: "acme", Region: "eu-central-1"},
	}
}

// with returns valid, changed by pairs of name and value.
func with(pairs ...string) map[string]string {
	params := valid()
	for pair := range slices.Chunk(pairs, 2) {
		params[pair[0]] = pair[1]
	}
	return params
}

func without(names ...string) map[string]string {
	params := valid()
	for _, name := range names {
		delete(params, name)
	}
	return params
}

var env = Env{Region: "eu-central-1"}

// Secrets are compared as what they are, keys that may be nil as well, and
// filters by what they say.
var comparer = cmp.Options{
	cmp.Comparer(func(a, b Secret) bool { return a.Reveal() == b.Reveal() }),
	cmp.Comparer(func(a, b *rsa.PrivateKey) bool { return a == b || a != nil && b != nil && a.Equal(b) }),
	cmp.Comparer(func(a, b filter.Filter) bool { return a.String() == b.String() }),
}

func TestParse(t *testing.T) {
	key := testKey()
	tests := []struct {
		name   string
		params map[string]string
		want   func(*Config)
	}{
		{"fewest parameters", valid(), func(*Config) {}},
		{"host with port, audience follows", with("AUTH0_DOMAIN", "127.0.0.1:8443"), func(c *Config) {
			c.Auth0.Domain, c.Auth0.Audience = "127.0.0.1:8443", "https://127.0.0.1:8443/api/v2/"
		}},
		{"host in capitals, audience in lower case", with("AUTH0_DOMAIN", "Acme.EU.auth0.com"), func(*Config) {}},
		{"custom domain with its own audience",
			with("AUTH0_DOMAIN", "login.example.com", "AUTH0_AUDIENCE", "https://acme.eu.auth0.com/api/v2/"),
			func(c *Config) { c.Auth0.Domain = "login.example.com" }},
		{"white space around values does not count",
			with("AUTH0_DOMAIN", " acme.eu.auth0.com\n", "AUTH0_CLIENT_SECRET", "open sesame\r\n", "BATCH_SIZE", "\t7 "),
			func(c *Config) { c.BatchSize = 7 }},
		{"blank is absent",
			with("AUTH0_AUDIENCE", " ", "AUTH0_PRIVATE_KEY", "\n", "AUTH0_RATE_SHARE", "", "AUTH0_LOG_RETENTION_DAYS", " ", "BATCH_SIZE", " ",
				"START_FROM", " ", "LOG_LEVEL", " ", "LOG_TYPES", " ", "SLACK_INCOMING_WEBHOOK_URL", "\n", "SLACK_SEND_SUCCESS", " ",
				"SLACK_DAILY_REPORT", " ", "AWS_REGION", " ", "AWS_ACCESS_KEY_ID", " ", "AWS_SECRET_KEY", " ", "CLOUDWATCH_ROLE_ARN", " ",
				"CLOUDWATCH_EXTERNAL_ID", " "),
			func(*Config) {}},
		{"key in PKCS #1 in place of the secret", with("AUTH0_PRIVATE_KEY", pkcs1(key), "AUTH0_CLIENT_SECRET", ""),
			func(c *Config) { c.Auth0.ClientSecret, c.Auth0.PrivateKey = "", key }},
		{"key in PKCS #8", with("AUTH0_PRIVATE_KEY", pkcs8(key), "AUTH0_CLIENT_SECRET", ""),
			func(c *Config) { c.Auth0.ClientSecret, c.Auth0.PrivateKey = "", key }},
		{"key with written-out line breaks",
			with("AUTH0_PRIVATE_KEY", strings.ReplaceAll(pkcs8(key), "\n", `\n`), "AUTH0_CLIENT_SECRET", ""),
			func(c *Config) { c.Auth0.ClientSecret, c.Auth0.PrivateKey = "", key }},
		{"smallest rate share", with("AUTH0_RATE_SHARE", "1"), func(c *Config) { c.Auth0.RateShare = 1 }},
		{"greatest rate share", with("AUTH0_RATE_SHARE", "100"), func(c *Config) { c.Auth0.RateShare = 100 }},
		{"retention of one day", with("AUTH0_LOG_RETENTION_DAYS", "1"), func(c *Config) { c.Auth0.RetentionDays = 1 }},
		{"retention of 30 days", with("AUTH0_LOG_RETENTION_DAYS", "30"), func(c *Config) { c.Auth0.RetentionDays = 30 }},
		{"batches of one", with("BATCH_SIZE", "1"), func(c *Config) { c.BatchSize = 1 }},
		{"batches of 100", with("BATCH_SIZE", "100"), func(*Config) {}},
		{"start at a log_id", with("START_FROM", logID), func(c *Config) {
			c.StartFrom = Start{Text: logID, Kind: At, Point: tenantlog.Point{ID: logID}}
		}},
		{"start at a time", with("START_FROM", "2026-11-23T10:00:00+01:00"), func(c *Config) {
			c.StartFrom = Start{Text: "2026-11-23T10:00:00+01:00", Kind: At,
				Point: tenantlog.Point{Time: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}}
		}},
		{"start at a date", with("START_FROM", "\n2026-11-23 "), func(c *Config) {
			c.StartFrom = Start{Text: "2026-11-23", Kind: At, Point: tenantlog.Point{Time: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}}
		}},
		{"start at the oldest", with("START_FROM", "Oldest"), func(c *Config) { c.StartFrom = Start{Text: "Oldest", Kind: Oldest} }},
		{"start now", with("START_FROM", "NOW"), func(c *Config) { c.StartFrom = Start{Text: "NOW", Kind: Now} }},
		{"level and types", with("LOG_LEVEL", "3", "LOG_TYPES", "gd_*, !ssa"), func(c *Config) { c.Filter = mustFilter(t, "error", "gd_*,!ssa") }},
		{"the extension's empty level and types", with("LOG_LEVEL", "-", "LOG_TYPES", "-"), func(*Config) {}},
		{"webhook", with("SLACK_INCOMING_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x\n"),
			func(c *Config) { c.Slack.WebhookURL = "https://hooks.slack.com/services/T/B/x" }},
		{"webhook by its other name", with("SLACK_INCOMING_WEBHOOK", "https://hooks.slack.com/services/T/B/x"),
			func(c *Config) { c.Slack.WebhookURL = "https://hooks.slack.com/services/T/B/x" }},
		{"webhook by both names, the same",
			with("SLACK_INCOMING_WEBHOOK", "https://hooks.slack.com/services/T/B/x", "SLACK_INCOMING_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x\n"),
			func(c *Config) { c.Slack.WebhookURL = "https://hooks.slack.com/services/T/B/x" }},
		{"success true", with("SLACK_SEND_SUCCESS", "TRUE"), func(c *Config) { c.Slack.SendSuccess = true }},
		{"success Yes, as in the extension", with("SLACK_SEND_SUCCESS", "Yes"), func(c *Config) { c.Slack.SendSuccess = true }},
		{"success No, as in the extension", with("SLACK_SEND_SUCCESS", "No"), func(*Config) {}},
		{"success false", with("SLACK_SEND_SUCCESS", "False"), func(*Config) {}},
		{"digest at midnight", with("SLACK_DAILY_REPORT", "0"), func(c *Config) { c.Slack.DailyHour = 0 }},
		{"digest at the last hour", with("SLACK_DAILY_REPORT", "23"), func(c *Config) { c.Slack.DailyHour = 23 }},
		{"placeholders",
			with("CLOUDWATCH_LOG_GROUP_NAME", "/auth0/{tenant}/{date}", "CLOUDWATCH_LOG_STREAM_NAME", "{tenant}-{date}-{tenant}"),
			func(c *Config) { c.Logs.Group, c.Logs.Stream = "/auth0/acme/{date}", "acme-{date}-acme" }},
		{"longest group name", with("CLOUDWATCH_LOG_GROUP_NAME", strings.Repeat("a", 502)+"{date}"),
			func(c *Config) { c.Logs.Group = strings.Repeat("a", 502) + "{date}" }},
		{"longest stream name, in characters", with("CLOUDWATCH_LOG_STREAM_NAME", strings.Repeat("ü", 492)+"{tenant}"),
			func(c *Config) { c.Logs.Stream = strings.Repeat("ü", 492) + "acme" }},
		{"stream name with odd characters", with("CLOUDWATCH_LOG_STREAM_NAME", "a b/[$LATEST]?"), func(c *Config) { c.Logs.Stream = "a b/[$LATEST]?" }},
		{"another region", with("AWS_REGION", "us-gov-west-1"), func(c *Config) { c.Logs.Region = "us-gov-west-1" }},
		{"static keys", with("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE", "AWS_SECRET_KEY", "hush\n"),
			func(c *Config) { c.Logs.AccessKeyID, c.Logs.SecretKey = "AKIAEXAMPLE", "hush" }},
		{"role", with("CLOUDWATCH_ROLE_ARN", "arn:aws-cn:iam::123456789012:role/a/path/log-writer"),
			func(c *Config) { c.Logs.RoleARN = "arn:aws-cn:iam::123456789012:role/a/path/log-writer" }},
		{"role with external id", with("CLOUDWATCH_ROLE_ARN", "arn:aws:iam::123456789012:role/w", "CLOUDWATCH_EXTERNAL_ID", "a:b/c=1"),
			func(c *Config) { c.Logs.RoleARN, c.Logs.ExternalID = "arn:aws:iam::123456789012:role/w", "a:b/c=1" }},
		{"what the product writes is left alone", with("CHECKPOINT", "nonsense", "RUN", "{", "REPLAY", "", "VERIFY", "x"), func(*Config) {}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := validConfig()
			tt.want(&want)
			got, warnings, err := Parse("acme", tt.params, env)
			if err != nil {
				t.Fatal(err)
			}
			if len(warnings) > 0 {
				t.Errorf("warnings: %q", warnings)
			}
			if diff := cmp.Diff(want, got, comparer); diff != "" {
				t.Errorf("Config (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseProblems(t *testing.T) {
	key := testKey()
	const webhookExpected = "no https URL: expected the webhook's whole address"
	tests := []struct {
		name   string
		params map[string]string
		want   string // begins with the parameter's name
	}{
		{"no domain", without("AUTH0_DOMAIN"), "AUTH0_DOMAIN: missing: expected the tenant's host"},
		{"blank domain", with("AUTH0_DOMAIN", " \n"), "AUTH0_DOMAIN: missing: expected the tenant's host"},
		{"domain is a URL", with("AUTH0_DOMAIN", "https://acme.eu.auth0.com/"), "AUTH0_DOMAIN: more than a host: expected acme.eu.auth0.com alone"},
		{"domain with path", with("AUTH0_DOMAIN", "acme.eu.auth0.com/api/v2"), "AUTH0_DOMAIN: more than a host: expected acme.eu.auth0.com alone"},
		{"domain with credentials", with("AUTH0_DOMAIN", "me:pw@acme.eu.auth0.com:8443"), "AUTH0_DOMAIN: more than a host: expected acme.eu.auth0.com:8443 alone"},
		{"domain with query", with("AUTH0_DOMAIN", "acme.eu.auth0.com?x"), "AUTH0_DOMAIN: more than a host: expected acme.eu.auth0.com alone"},
		{"domain with a space", with("AUTH0_DOMAIN", "acme eu"), "AUTH0_DOMAIN: no host: expected the tenant's host"},
		{"domain with an empty label", with("AUTH0_DOMAIN", "acme..com"), "AUTH0_DOMAIN: no host"},
		{"domain with an empty port", with("AUTH0_DOMAIN", "acme.com:"), "AUTH0_DOMAIN: no host"},
		{"domain with port 0", with("AUTH0_DOMAIN", "acme.com:0"), "AUTH0_DOMAIN: no host"},
		{"domain with a port too great", with("AUTH0_DOMAIN", "acme.com:65536"), "AUTH0_DOMAIN: no host"},
		{"audience without scheme", with("AUTH0_AUDIENCE", "acme.eu.auth0.com/api/v2/"), "AUTH0_AUDIENCE: no https URL: expected the identifier"},
		{"audience by http", with("AUTH0_AUDIENCE", "http://acme.eu.auth0.com/api/v2/"), "AUTH0_AUDIENCE: no https URL"},
		{"audience without host", with("AUTH0_AUDIENCE", "https:///api/v2/"), "AUTH0_AUDIENCE: no https URL"},
		{"audience with credentials", with("AUTH0_AUDIENCE", "https://a:b@acme.eu.auth0.com/api/v2/"), "AUTH0_AUDIENCE: no https URL"},
		{"audience that is no URL", with("AUTH0_AUDIENCE", "https://a b/"), "AUTH0_AUDIENCE: no https URL"},
		{"no client id", without("AUTH0_CLIENT_ID"), "AUTH0_CLIENT_ID: missing: expected the client id"},
		{"neither secret nor key", without("AUTH0_CLIENT_SECRET"), "AUTH0_CLIENT_SECRET: missing: expected the application's client secret here, or its private key in AUTH0_PRIVATE_KEY"},
		{"key that is no PEM", with("AUTH0_PRIVATE_KEY", "MIIEvQ"), "AUTH0_PRIVATE_KEY: no PEM text: expected a whole RSA private key"},
		{"key cut short", with("AUTH0_PRIVATE_KEY", pkcs8(key)[:200]), "AUTH0_PRIVATE_KEY: no PEM text"},
		{"key of a curve", with("AUTH0_PRIVATE_KEY", ecKey()), "AUTH0_PRIVATE_KEY: no RSA private key: expected one in PKCS #1 or PKCS #8"},
		{"public key", with("AUTH0_PRIVATE_KEY", publicKey(key)), "AUTH0_PRIVATE_KEY: no RSA private key"},
		{"key with a passphrase", with("AUTH0_PRIVATE_KEY", pemText("ENCRYPTED PRIVATE KEY", []byte("x"))), "AUTH0_PRIVATE_KEY: locked with a passphrase"},
		{"old key with a passphrase", with("AUTH0_PRIVATE_KEY",
			"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----"),
			"AUTH0_PRIVATE_KEY: locked with a passphrase"},
		{"key too small for Auth0", with("AUTH0_PRIVATE_KEY", pkcs1(smallKey())), "AUTH0_PRIVATE_KEY: an RSA key of 1024 bits: expected 2048 to 4096"},
		{"rate share 0", with("AUTH0_RATE_SHARE", "0"), `AUTH0_RATE_SHARE: "0": expected a whole number from 1 to 100`},
		{"rate share 101", with("AUTH0_RATE_SHARE", "101"), `AUTH0_RATE_SHARE: "101": expected`},
		{"rate share with a sign", with("AUTH0_RATE_SHARE", "80%"), `AUTH0_RATE_SHARE: "80%": expected`},
		{"retention of no plan", with("AUTH0_LOG_RETENTION_DAYS", "2"), `AUTH0_LOG_RETENTION_DAYS: "2": expected 1, 5, 10 or 30`},
		{"retention with a unit", with("AUTH0_LOG_RETENTION_DAYS", "30d"), `AUTH0_LOG_RETENTION_DAYS: "30d": expected 1, 5, 10 or 30`},
		{"batch size 0", with("BATCH_SIZE", "0"), `BATCH_SIZE: "0": expected a whole number from 1 to 100`},
		{"batch size below 0", with("BATCH_SIZE", "-"+strconv.Itoa(math.MaxInt)+"0"), `BATCH_SIZE: "-92233`},
		{"batch size no number", with("BATCH_SIZE", "many"), `BATCH_SIZE: "many": expected`},
		{"batch size with a fraction", with("BATCH_SIZE", "10.5"), `BATCH_SIZE: "10.5": expected`},
		{"start at a word", with("START_FROM", "yesterday"), `START_FROM: "yesterday": expected a log_id (56 digits), an RFC 3339 time such as 2026-11-23T10:00:00Z, or a date such as 2026-11-23, or one of the words oldest and now`},
		{"start at a date without hyphens", with("START_FROM", "20261123"), `START_FROM: "20261123": expected`},
		{"level", with("LOG_LEVEL", "loud"), `LOG_LEVEL: "loud" is no level: expected one of debug,`},
		{"types", with("LOG_TYPES", "fp,gd_["), `LOG_TYPES: "gd_[" is no glob: expected`},
		{"webhook that is no URL", with("SLACK_INCOMING_WEBHOOK_URL", "ok"), "SLACK_INCOMING_WEBHOOK_URL: " + webhookExpected},
		{"webhook by http", with("SLACK_INCOMING_WEBHOOK_URL", "http://hooks.slack.com/x"), "SLACK_INCOMING_WEBHOOK_URL: " + webhookExpected},
		{"webhook without host", with("SLACK_INCOMING_WEBHOOK_URL", "https:hooks.slack.com/x"), "SLACK_INCOMING_WEBHOOK_URL: " + webhookExpected},
		{"webhook by its other name", with("SLACK_INCOMING_WEBHOOK", "-"), "SLACK_INCOMING_WEBHOOK: " + webhookExpected},
		{"success", with("SLACK_SEND_SUCCESS", "maybe"), `SLACK_SEND_SUCCESS: "maybe": expected true or false`},
		{"digest at 24", with("SLACK_DAILY_REPORT", "24"), `SLACK_DAILY_REPORT: "24": expected an hour of the day in UTC, 0 to 23`},
		{"digest before 0", with("SLACK_DAILY_REPORT", "-1"), `SLACK_DAILY_REPORT: "-1": expected an hour`},
		{"digest at minutes", with("SLACK_DAILY_REPORT", "8:30"), `SLACK_DAILY_REPORT: "8:30": expected an hour`},
		{"no group", without("CLOUDWATCH_LOG_GROUP_NAME"), "CLOUDWATCH_LOG_GROUP_NAME: missing: expected a log group name: 1 to 512"},
		{"no stream", without("CLOUDWATCH_LOG_STREAM_NAME"), "CLOUDWATCH_LOG_STREAM_NAME: missing: expected a log stream name: 1 to 496"},
		{"unknown placeholder in the group", with("CLOUDWATCH_LOG_GROUP_NAME", "a-{region}"), `CLOUDWATCH_LOG_GROUP_NAME: "{region}" is no placeholder: expected {tenant} or {date}`},
		{"placeholder in capitals", with("CLOUDWATCH_LOG_STREAM_NAME", "{Tenant}"), `CLOUDWATCH_LOG_STREAM_NAME: "{Tenant}" is no placeholder`},
		{"empty placeholder", with("CLOUDWATCH_LOG_STREAM_NAME", "a{}"), `CLOUDWATCH_LOG_STREAM_NAME: "{}" is no placeholder`},
		{"open brace", with("CLOUDWATCH_LOG_STREAM_NAME", "{tenant"), "CLOUDWATCH_LOG_STREAM_NAME: a brace without its other half"},
		{"closed brace", with("CLOUDWATCH_LOG_STREAM_NAME", "{date}}"), "CLOUDWATCH_LOG_STREAM_NAME: a brace without its other half"},
		{"group with a space", with("CLOUDWATCH_LOG_GROUP_NAME", "auth0 logs"), "CLOUDWATCH_LOG_GROUP_NAME: not taken by CloudWatch Logs as it is (10 characters"},
		{"group by its ARN", with("CLOUDWATCH_LOG_GROUP_NAME", "arn:aws:logs:x"), "CLOUDWATCH_LOG_GROUP_NAME: not taken by CloudWatch Logs"},
		{"group too long by its date", with("CLOUDWATCH_LOG_GROUP_NAME", strings.Repeat("a", 503)+"{date}"), "CLOUDWATCH_LOG_GROUP_NAME: not taken by CloudWatch Logs as it is (513 characters"},
		{"stream with a colon", with("CLOUDWATCH_LOG_STREAM_NAME", "a:b"), "CLOUDWATCH_LOG_STREAM_NAME: not taken by CloudWatch Logs"},
		{"stream with a star", with("CLOUDWATCH_LOG_STREAM_NAME", "a*"), "CLOUDWATCH_LOG_STREAM_NAME: not taken by CloudWatch Logs"},
		{"stream too long for the suffix, by its tenant", with("CLOUDWATCH_LOG_STREAM_NAME", strings.Repeat("a", 493)+"{tenant}"), "CLOUDWATCH_LOG_STREAM_NAME: not taken by CloudWatch Logs as it is (497 characters"},
		{"region", with("AWS_REGION", "Frankfurt"), `AWS_REGION: "Frankfurt": expected the log group's region`},
		{"availability zone", with("AWS_REGION", "eu-central-1a"), `AWS_REGION: "eu-central-1a": expected`},
		{"key id alone", with("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), "AWS_SECRET_KEY: missing: expected the secret key that belongs to AWS_ACCESS_KEY_ID"},
		{"secret key alone", with("AWS_SECRET_KEY", "hush"), "AWS_ACCESS_KEY_ID: missing: expected the access key id that belongs to AWS_SECRET_KEY"},
		{"keys and a role", with("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE", "AWS_SECRET_KEY", "hush", "CLOUDWATCH_ROLE_ARN", "arn:aws:iam::123456789012:role/w"),
			"CLOUDWATCH_ROLE_ARN: set beside the static keys AWS_ACCESS_KEY_ID and AWS_SECRET_KEY: expected the role or the keys, not both"},
		{"role by its name", with("CLOUDWATCH_ROLE_ARN", "log-writer"), "CLOUDWATCH_ROLE_ARN: no ARN of a role: expected one such as arn:aws:iam::123456789012:role/log-writer"},
		{"user for a role", with("CLOUDWATCH_ROLE_ARN", "arn:aws:iam::123456789012:user/w"), "CLOUDWATCH_ROLE_ARN: no ARN of a role"},
		{"role of a short account", with("CLOUDWATCH_ROLE_ARN", "arn:aws:iam::1234:role/w"), "CLOUDWATCH_ROLE_ARN: no ARN of a role"},
		{"external id too short", with("CLOUDWATCH_ROLE_ARN", "arn:aws:iam::123456789012:role/w", "CLOUDWATCH_EXTERNAL_ID", "x"), "CLOUDWATCH_EXTERNAL_ID: not taken by AWS: expected 2 to 1224"},
		{"external id too long", with("CLOUDWATCH_ROLE_ARN", "arn:aws:iam::123456789012:role/w", "CLOUDWATCH_EXTERNAL_ID", strings.Repeat("x", 1225)), "CLOUDWATCH_EXTERNAL_ID: not taken by AWS"},
		{"external id with a space", with("CLOUDWATCH_ROLE_ARN", "arn:aws:iam::123456789012:role/w", "CLOUDWATCH_EXTERNAL_ID", "a b"), "CLOUDWATCH_EXTERNAL_ID: not taken by AWS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Parse("acme", tt.params, env)
			found, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got error %v, want an *Error", err)
			}
			if len(found.Problems) != 1 || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s alone", err, tt.want)
			}
		})
	}
}

func TestParseRegionUnknown(t *testing.T) {
	_, _, err := Parse("acme", valid(), Env{})
	if want := "AWS_REGION: missing, and the function's own region is not known"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestParseAllProblemsAtOnce(t *testing.T) {
	c, _, err := Parse("acme", map[string]string{
		"AUTH0_RATE_SHARE":           "0",
		"BATCH_SIZE":                 "0",
		"LOG_LEVEL":                  "loud",
		"LOG_TYPES":                  "[,!,fp",
		"CLOUDWATCH_LOG_STREAM_NAME": "{a}{b}",
		"SLACK_INCOMING_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x",
		"SLACK_SEND_SUCCESS":         "yes",
		"SLACK_DAILY_REPORT":         "late",
		"START_FROM":                 "2026-11-23",
		"AWS_SECRET_KEY":             "hush",
		"CLOUDWATCH_ROLE_ARN":        "arn:aws:iam::123456789012:role/w",
	}, env)
	found, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got error %v, want an *Error", err)
	}
	var names []string
	for _, p := range found.Problems {
		names = append(names, p.Name)
	}
	want := []string{"AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET", "AUTH0_DOMAIN", "AUTH0_RATE_SHARE", "AWS_ACCESS_KEY_ID", "BATCH_SIZE",
		"CLOUDWATCH_LOG_GROUP_NAME", "CLOUDWATCH_LOG_STREAM_NAME", "CLOUDWATCH_LOG_STREAM_NAME", "CLOUDWATCH_ROLE_ARN", "LOG_LEVEL", "LOG_TYPES", "LOG_TYPES", "SLACK_DAILY_REPORT"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names of the problems (-want +got):\n%s", diff)
	}
	if got := strings.Count(err.Error(), "; "); got != len(want)-1 {
		t.Errorf("the error separates %d problems, want %d: %v", got+1, len(want), err)
	}

	// What could be read is there all the same.
	wantConfig := Config{
		Tenant:    "acme",
		Auth0:     Auth0{RateShare: 80},
		BatchSize: 100,
		StartFrom: Start{Text: "2026-11-23", Kind: At, Point: tenantlog.Point{Time: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}},
		Slack:     Slack{WebhookURL: "https://hooks.slack.com/services/T/B/x", SendSuccess: true, DailyHour: -1},
		Logs:      Logs{Region: "eu-central-1", SecretKey: "hush", RoleARN: "arn:aws:iam::123456789012:role/w"},
	}
	if diff := cmp.Diff(wantConfig, c, comparer); diff != "" {
		t.Errorf("Config (-want +got):\n%s", diff)
	}
}

func TestParseWarnings(t *testing.T) {
	key := testKey()
	tests := []struct {
		name   string
		params map[string]string
		want   []string
		check  func(Config) bool
	}{
		{"batch size over 100, as in the extension", with("BATCH_SIZE", "1000"),
			[]string{"BATCH_SIZE: 1000 is more than the most, 100 is used"},
			func(c Config) bool { return c.BatchSize == 100 }},
		{"batch size beyond int", with("BATCH_SIZE", "99999999999999999999"),
			[]string{"BATCH_SIZE: 99999999999999999999 is more than the most, 100 is used"},
			func(c Config) bool { return c.BatchSize == 100 }},
		{"audience without its slash", with("AUTH0_AUDIENCE", "https://acme.eu.auth0.com/api/v2"),
			[]string{"AUTH0_AUDIENCE: does not end in a slash: Auth0 compares the whole text, and its own identifier ends in /api/v2/"},
			func(c Config) bool { return c.Auth0.Audience == "https://acme.eu.auth0.com/api/v2" }},
		{"secret and key", with("AUTH0_PRIVATE_KEY", pkcs1(key)),
			[]string{"AUTH0_CLIENT_SECRET: not used, because AUTH0_PRIVATE_KEY is set"},
			func(c Config) bool { return c.Auth0.ClientSecret == "" && key.Equal(c.Auth0.PrivateKey) }},
		{"two webhooks", with("SLACK_INCOMING_WEBHOOK", "https://hooks.slack.com/old", "SLACK_INCOMING_WEBHOOK_URL", "https://hooks.slack.com/new"),
			[]string{"SLACK_INCOMING_WEBHOOK: differs from SLACK_INCOMING_WEBHOOK_URL, which is used"},
			func(c Config) bool { return c.Slack.WebhookURL.Reveal() == "https://hooks.slack.com/new" }},
		{"external id without a role", with("CLOUDWATCH_EXTERNAL_ID", "x1"),
			[]string{"CLOUDWATCH_EXTERNAL_ID: not used, because CLOUDWATCH_ROLE_ARN is not set"},
			func(c Config) bool { return c.Logs.ExternalID == "" }},
		{"types that are new or misspelt", with("LOG_TYPES", "fp,fpp,!hd_*"),
			[]string{
				"LOG_TYPES: !hd_* matches no type that is known so far: check its spelling, unless it is new at Auth0",
				"LOG_TYPES: fpp matches no type that is known so far: check its spelling, unless it is new at Auth0"},
			func(c Config) bool { return c.Filter.Keep(tenantlog.Event{Type: "fpp"}) }},
		{"unknown names in order", with(misspelt, "x", "FOO", "y", "log_level", "z", "CHEKPOINT", "", "AUTH0_DOMAINS", "a"),
			[]string{
				"AUTH0_DOMAINS: unknown, did you mean AUTH0_DOMAIN?",
				"CHEKPOINT: unknown, did you mean CHECKPOINT?",
				"FOO: unknown, ignored",
				misspelt + ": unknown, did you mean SLACK_SEND_SUCCESS?",
				"log_level: unknown, did you mean LOG_LEVEL?"},
			func(c Config) bool { return c.Filter.Everything() && !c.Slack.SendSuccess }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, warnings, err := Parse("acme", tt.params, env)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if !tt.check(c) {
				t.Errorf("Config is not as the warning says: %+v", c)
			}
		})
	}
}

func TestStartAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		text string
		want tenantlog.ID
	}{
		{"", tenantlog.Oldest},
		{"oldest", tenantlog.Oldest},
		{"now", tenantlog.At(now)},
		{"2026-11-20", tenantlog.At(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))},
		{logID, tenantlog.ID(logID).Before()}, // the one before, to be inclusive
	}
	for _, tt := range tests {
		c, _, err := Parse("acme", with("START_FROM", tt.text), env)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.StartFrom.After(now); got != tt.want {
			t.Errorf("START_FROM %q: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestValidTenant(t *testing.T) {
	for _, name := range []string{"default", "a", "acme.EU-1_x", strings.Repeat("a", 64)} {
		if err := ValidTenant(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "a/b", "a b", "ümlaut", "a\n", "{tenant}", strings.Repeat("a", 65)} {
		if err := ValidTenant(name); err == nil || !strings.Contains(err.Error(), "expected 1 to 64 letters") {
			t.Errorf("%q: got error %v, want one that says what is expected", name, err)
		}
	}
}

func TestParameters(t *testing.T) {
	named := func(has func(Parameter) bool) []string {
		var names []string
		for _, p := range Parameters() {
			if has(p) {
				names = append(names, p.Name)
			}
		}
		slices.Sort(names)
		return names
	}
	secure := []string{"AUTH0_CLIENT_SECRET", "AUTH0_PRIVATE_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_KEY", "SLACK_INCOMING_WEBHOOK", "SLACK_INCOMING_WEBHOOK_URL"}
	if diff := cmp.Diff(secure, named(func(p Parameter) bool { return p.Secure })); diff != "" {
		t.Errorf("secure (-want +got):\n%s", diff)
	}
	written := []string{"CHECKPOINT", "REPLAY", "RUN", "VERIFY"}
	if diff := cmp.Diff(written, named(func(p Parameter) bool { return p.Written })); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}

	// What is required is what Parse misses in an empty tenant, beside the
	// credentials, which are one of two.
	_, _, err := Parse("acme", nil, env)
	found, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got error %v, want an *Error", err)
	}
	var missing []string
	for _, p := range found.Problems {
		if p.Name != "AUTH0_CLIENT_SECRET" {
			missing = append(missing, p.Name)
		}
	}
	if diff := cmp.Diff(missing, named(func(p Parameter) bool { return p.Required })); diff != "" {
		t.Errorf("required (-missing +required):\n%s", diff)
	}

	// Nothing that is listed is unknown, and nothing is listed twice.
	all := make(map[string]string)
	for _, p := range Parameters() {
		all[p.Name] = ""
	}
	if len(all) != len(Parameters()) {
		t.Errorf("%d names in %d parameters", len(all), len(Parameters()))
	}
	maps.Copy(all, valid())
	if _, warnings, err := Parse("acme", all, env); err != nil || warnings != nil {
		t.Errorf("all parameters: error %v, warnings %q", err, warnings)
	}
}

func mustFilter(t *testing.T, level, types string) filter.Filter {
	t.Helper()
	f, err := filter.Parse(level, types)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
