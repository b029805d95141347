package config

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestSecretIsNeverShown(t *testing.T) {
	const text = "open sesame"
	s := Secret(text)
	if resolved := slog.AnyValue(s).Resolve(); resolved.Kind() != slog.KindString {
		t.Errorf("a log handler gets the %s itself", resolved.Kind())
	}
	if s.Reveal() != text {
		t.Errorf("Reveal() = %q, want %q", s.Reveal(), text)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s"} {
		if got := fmt.Sprintf(verb, s); leaks(got, text) {
			t.Errorf("%s shows %q", verb, got)
		}
		if got := fmt.Sprintf(verb, struct{ A *Secret }{&s}); leaks(got, text) {
			t.Errorf("%s of a struct shows %q", verb, got)
		}
	}
	for _, got := range []string{s.String(), fmt.Sprint(s), shown(t, s), shown(t, map[string][]Secret{"a": {s}})} {
		if leaks(got, text) || !strings.Contains(got, "[secret]") {
			t.Errorf("got %q, want [secret] in it", got)
		}
	}
}

// TestConfigShowsNoSecret puts the same secret wherever one may be, in turn
// with good and with bad settings around it, and looks for it in everything
// that comes out.
func TestConfigShowsNoSecret(t *testing.T) {
	const secret = "xyzzy-plugh"
	key := pkcs8(testKey())
	keyLine, exponent := strings.Split(key, "\n")[5], testKey().D.String()
	good := with("SLACK_INCOMING_WEBHOOK_URL", "https://hooks.slack.com/services/"+secret, "AUTH0_CLIENT_SECRET", secret,
		"AWS_ACCESS_KEY_ID", secret, "AWS_SECRET_KEY", secret)
	tests := map[string][]string{
		"good":                   {},
		"private key":            {"AUTH0_PRIVATE_KEY", key, "AUTH0_CLIENT_SECRET", ""},
		"broken private key":     {"AUTH0_PRIVATE_KEY", strings.Replace(key, keyLine, secret, 1)},
		"PEM of another kind":    {"AUTH0_PRIVATE_KEY", "-----BEGIN " + secret + "-----\nAAAA\n-----END " + secret + "-----"},
		"no PEM":                 {"AUTH0_PRIVATE_KEY", secret},
		"bad webhook":            {"SLACK_INCOMING_WEBHOOK_URL", "https://%zz/" + secret},
		"bad alias":              {"SLACK_INCOMING_WEBHOOK_URL", "", "SLACK_INCOMING_WEBHOOK", secret},
		"two webhooks":           {"SLACK_INCOMING_WEBHOOK", "https://hooks.slack.com/" + secret + "2"},
		"key id alone":           {"AWS_SECRET_KEY", ""},
		"secret key alone":       {"AWS_ACCESS_KEY_ID", ""},
		"keys and a role":        {"CLOUDWATCH_ROLE_ARN", "arn:aws:iam::123456789012:role/w"},
		"unknown names":          {"AUTH0_CLIENT_SECRETS", secret, "SOMETHING", secret},
		"credentials in domain":  {"AUTH0_DOMAIN", "https://me:" + secret + "@acme.auth0.com/" + secret},
		"webhook in domain":      {"AUTH0_DOMAIN", "https://hooks.slack.com/services/" + secret},
		"credentials as a host":  {"AUTH0_DOMAIN", secret + "@"},
		"credentials, audience":  {"AUTH0_AUDIENCE", "https://me:" + secret + "@acme.auth0.com/api/v2"},
		"secret in the role":     {"CLOUDWATCH_ROLE_ARN", secret},
		"secret in external id":  {"CLOUDWATCH_ROLE_ARN", "arn:aws:iam::123456789012:role/w", "CLOUDWATCH_EXTERNAL_ID", secret + " "},
		"everything else is bad": {"AUTH0_DOMAIN", "", "BATCH_SIZE", "x", "LOG_LEVEL", "x", "CLOUDWATCH_LOG_STREAM_NAME", "{x"},
	}
	for name, pairs := range tests {
		t.Run(name, func(t *testing.T) {
			params := maps.Clone(good)
			for pair := range slices.Chunk(pairs, 2) {
				params[pair[0]] = pair[1]
			}
			c, warnings, err := Parse("acme", params, env)
			said := fmt.Sprint(err, warnings)
			c.Logs.ExternalID = "" // no secret to AWS, and so shown in a Config
			for _, out := range []string{said, fmt.Sprintf("%+v %#v", err, err), shown(t, c)} {
				for _, s := range []string{secret, keyLine, exponent} {
					if leaks(out, s) {
						t.Errorf("a secret is in %s", out)
					}
				}
			}
		})
	}
}

// shown prints a value in every way that is likely to be used.
func shown(t *testing.T, v any) string {
	t.Helper()
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %s\n", v, v, v, v)
	if err := json.NewEncoder(&out).Encode(v); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "value", v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "value", v)
	return out.String()
}

// leaks reports whether the secret is in a text, as it is or in hexadecimal.
func leaks(text, secret string) bool {
	return strings.Contains(text, secret) || strings.Contains(strings.ToLower(text), hex.EncodeToString([]byte(secret)))
}
