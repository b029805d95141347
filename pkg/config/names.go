package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/agext/levenshtein"
)

// The names of a tenant's parameters.
const (
	Auth0Domain           = "AUTH0_DOMAIN"
	Auth0Audience         = "AUTH0_AUDIENCE"
	Auth0ClientID         = "AUTH0_CLIENT_ID"
	Auth0ClientSecret     = "AUTH0_CLIENT_SECRET"
	Auth0PrivateKey       = "AUTH0_PRIVATE_KEY"
	Auth0RateShare        = "AUTH0_RATE_SHARE"
	Auth0LogRetentionDays = "AUTH0_LOG_RETENTION_DAYS"

	BatchSize = "BATCH_SIZE"
	StartFrom = "START_FROM"
	LogLevel  = "LOG_LEVEL"
	LogTypes  = "LOG_TYPES"

	SlackWebhookURL = "SLACK_INCOMING_WEBHOOK_URL"
	// SlackWebhook is another name for SlackWebhookURL.
	SlackWebhook     = "SLACK_INCOMING_WEBHOOK"
	SlackSendSuccess = "SLACK_SEND_SUCCESS"
	SlackDailyReport = "SLACK_DAILY_REPORT"

	LogGroupName   = "CLOUDWATCH_LOG_GROUP_NAME"
	LogStreamName  = "CLOUDWATCH_LOG_STREAM_NAME"
	AWSRegion      = "AWS_REGION"
	AWSAccessKeyID = "AWS_ACCESS_KEY_ID"
	AWSSecretKey   = "AWS_SECRET_KEY"
	RoleARN        = "CLOUDWATCH_ROLE_ARN"
	ExternalID     = "CLOUDWATCH_EXTERNAL_ID"

	Checkpoint = "CHECKPOINT"
	Run        = "RUN"
	Replay     = "REPLAY"
	Verify     = "VERIFY"
)

// Parameter describes one of a tenant's parameters.
type Parameter struct {
	Name string
	// Secure parameters hold a secret: their type is SecureString.
	Secure bool
	// Required parameters must be set, each for itself. (One of
	// AUTH0_CLIENT_SECRET and AUTH0_PRIVATE_KEY must be, too.)
	Required bool
	// Written parameters are written by the product; an operator may edit
	// CHECKPOINT.
	Written bool
}

// Parameters returns every parameter that a tenant may have.
func Parameters() []Parameter {
	return []Parameter{
		{Name: Auth0Domain, Required: true},
		{Name: Auth0Audience},
		{Name: Auth0ClientID, Required: true},
		{Name: Auth0ClientSecret, Secure: true},
		{Name: Auth0PrivateKey, Secure: true},
		{Name: Auth0RateShare},
		{Name: Auth0LogRetentionDays},
		{Name: BatchSize},
		{Name: StartFrom},
		{Name: LogLevel},
		{Name: LogTypes},
		{Name: SlackWebhookURL, Secure: true},
		{Name: SlackWebhook, Secure: true},
		{Name: SlackSendSuccess},
		{Name: SlackDailyReport},
		{Name: LogGroupName, Required: true},
		{Name: LogStreamName, Required: true},
		{Name: AWSRegion},
		{Name: AWSAccessKeyID, Secure: true},
		{Name: AWSSecretKey, Secure: true},
		{Name: RoleARN},
		{Name: ExternalID},
		{Name: Checkpoint, Written: true},
		{Name: Run, Written: true},
		{Name: Replay, Written: true},
		{Name: Verify, Written: true},
	}
}

// DefaultRoot is the path in Parameter Store that the tenants' parameters live
// under where CONFIG_ROOT says nothing.
const DefaultRoot = "/auth0-logs-to-cloudwatch"

// maxTenant is the length of the longest name of a tenant in bytes.
const maxTenant = 64

var tenantPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// ValidTenant returns an error for a name that no tenant can have. A name is a
// level of the parameters' path, and it may become part of a log stream's.
func ValidTenant(name string) error {
	if len(name) > maxTenant || !tenantPattern.MatchString(name) {
		return fmt.Errorf("tenant %.80q: expected 1 to %d letters, digits, dots, hyphens and underscores", name, maxTenant)
	}
	return nil
}

// nearEnough is the least likeness, of at most 1, at which an unknown name is
// taken for a known one misspelt.
const nearEnough = 0.7

// nearest finds the known name that is most like an unknown one. ok is false
// where none is like it.
func nearest(unknown string) (name string, ok bool) {
	var best float64
	for _, p := range Parameters() {
		likeness := levenshtein.Similarity(strings.ToUpper(unknown), p.Name, nil)
		if likeness > best {
			name, best = p.Name, likeness
		}
	}
	return name, best >= nearEnough
}
