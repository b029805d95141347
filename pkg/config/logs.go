package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The placeholders that the names of a log group and log stream may hold.
const (
	tenantPlaceholder = "{tenant}"
	datePlaceholder   = "{date}"
)

// sampleDate stands for any day when a name's length is checked: all have ten
// characters.
const sampleDate = "2026-11-23"

// nameRule is what CloudWatch Logs asks of a name.
type nameRule struct {
	pattern *regexp.Regexp
	// most is the greatest length in characters. A pattern that counted so far
	// would take longer to compile than the whole start of the function.
	most     int
	expected string
}

// The rules of the CloudWatch Logs API reference, CreateLogGroup and
// CreateLogStream. A stream's name is 1 to 512 characters long; 16 are kept
// free for the suffix "-late-2026-11-23" of the streams beside it.
var (
	groupRule = nameRule{
		pattern:  regexp.MustCompile(`^[A-Za-z0-9_/.#-]+$`),
		most:     512,
		expected: "a log group name: 1 to 512 letters, digits and _ / . # -, in which {tenant} and {date} may stand",
	}
	streamRule = nameRule{
		pattern:  regexp.MustCompile(`^[^:*]+$`),
		most:     496,
		expected: "a log stream name: 1 to 496 characters without : and *, in which {tenant} and {date} may stand",
	}
)

var (
	regionPattern = regexp.MustCompile(`^[a-z]{2,8}(-[a-z]+){1,3}-[0-9]{1,2}$`)
	// The account, path and name of a role (IAM User Guide, "IAM identifiers").
	rolePattern = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$`)
	// Any longer external id is refused by maxExternalID: a pattern cannot
	// count so far.
	externalIDPattern = regexp.MustCompile(`^[A-Za-z0-9_+=,.@:/-]{2,}$`)
	bracePattern      = regexp.MustCompile(`\{[^{}]*\}`)
)

// maxExternalID is the length of the longest external id (STS API reference,
// AssumeRole).
const maxExternalID = 1224

func (r *reader) logs(tenant string, env Env) Logs {
	l := Logs{
		Group:  r.logName(LogGroupName, tenant, groupRule),
		Stream: r.logName(LogStreamName, tenant, streamRule),
		Region: r.region(env.Region),
	}
	l.AccessKeyID, l.SecretKey = r.staticKeys()
	l.RoleARN, l.ExternalID = r.role()
	return l
}

// logName reads a name, with {tenant} filled in and {date} left as it is.
func (r *reader) logName(name, tenant string, rule nameRule) string {
	v := r.required(name, rule.expected)
	if v == "" || !r.checkPlaceholders(name, v) {
		return ""
	}
	v = strings.ReplaceAll(v, tenantPlaceholder, tenant)
	filled := strings.ReplaceAll(v, datePlaceholder, sampleDate)
	if n := utf8.RuneCountInString(filled); n > rule.most || !rule.pattern.MatchString(filled) {
		r.reject(name, "not taken by CloudWatch Logs as it is (%d characters with its placeholders filled): expected %s", n, rule.expected)
		return ""
	}
	return v
}

// StreamName is the name of another log stream for the tenant, read as the
// setting is: {tenant} filled in and {date} left as it is.
func StreamName(tenant, name string) (string, error) {
	r := &reader{params: map[string]string{LogStreamName: name}}
	v := r.logName(LogStreamName, tenant, streamRule)
	if v == "" {
		return "", fmt.Errorf("%.80q is not taken as a log stream's name: expected %s", name, streamRule.expected)
	}
	return v, nil
}

// checkPlaceholders reports whether every brace belongs to a placeholder that
// there is: another one would end up in a name as it is.
func (r *reader) checkPlaceholders(name, v string) bool {
	ok := true
	for _, found := range bracePattern.FindAllString(v, -1) {
		if found != tenantPlaceholder && found != datePlaceholder {
			r.reject(name, "%.40q is no placeholder: expected %s or %s", found, tenantPlaceholder, datePlaceholder)
			ok = false
		}
	}
	if strings.ContainsAny(bracePattern.ReplaceAllString(v, ""), "{}") {
		r.reject(name, "a brace without its other half: expected %s or %s", tenantPlaceholder, datePlaceholder)
		ok = false
	}
	return ok
}

func (r *reader) region(own string) string {
	const expected = "the log group's region, such as eu-central-1"
	v := r.value(AWSRegion)
	switch {
	case v == "" && own == "":
		r.reject(AWSRegion, "missing, and the function's own region is not known: expected %s", expected)
	case v == "":
		return own
	case !regionPattern.MatchString(v):
		r.reject(AWSRegion, "%.40q: expected %s", v, expected)
		return ""
	}
	return v
}

func (r *reader) staticKeys() (id, secret Secret) {
	id, secret = Secret(r.value(AWSAccessKeyID)), Secret(r.value(AWSSecretKey))
	switch {
	case id == "" && secret != "":
		r.reject(AWSAccessKeyID, "missing: expected the access key id that belongs to %s", AWSSecretKey)
	case id != "" && secret == "":
		r.reject(AWSSecretKey, "missing: expected the secret key that belongs to %s", AWSAccessKeyID)
	}
	return id, secret
}

func (r *reader) role() (arn, externalID string) {
	arn, externalID = r.value(RoleARN), r.value(ExternalID)
	if arn == "" {
		if externalID != "" {
			r.warn(ExternalID, "not used, because %s is not set", RoleARN)
		}
		return "", ""
	}
	if r.value(AWSAccessKeyID) != "" || r.value(AWSSecretKey) != "" {
		r.reject(RoleARN, "set beside the static keys %s and %s: expected the role or the keys, not both", AWSAccessKeyID, AWSSecretKey)
	}
	if !rolePattern.MatchString(arn) {
		r.reject(RoleARN, "no ARN of a role: expected one such as arn:aws:iam::123456789012:role/log-writer")
		arn = ""
	}
	if externalID != "" && (len(externalID) > maxExternalID || !externalIDPattern.MatchString(externalID)) {
		r.reject(ExternalID, "not taken by AWS: expected 2 to %d letters, digits and _ + = , . @ : / -", maxExternalID)
		externalID = ""
	}
	return arn, externalID
}
