package main

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"auth0-logs-to-cloudwatch/pkg/auth0"
	"auth0-logs-to-cloudwatch/pkg/config"
)

// tenant is one tenant's clients and the settings they were made from.
type tenant struct {
	auth0  config.Auth0
	logs   config.Logs
	source *auth0.Client
	client *cloudwatchlogs.Client
}

// tenant returns the clients for the settings: those of the last run, with
// their token and connections, where the settings are still the same.
func (h *handler) tenant(c config.Config) *tenant {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.kept[c.Tenant]
	if t == nil {
		t = &tenant{}
		h.kept[c.Tenant] = t
	}
	if t.source == nil || !reflect.DeepEqual(t.auth0, c.Auth0) {
		t.auth0, t.source = c.Auth0, h.source(c.Auth0)
	}
	if t.client == nil || t.logs != c.Logs {
		t.logs, t.client = c.Logs, h.logsClient(c.Logs)
	}
	return t
}

func (h *handler) source(c config.Auth0) *auth0.Client {
	return auth0.New(auth0.Options{
		Domain:       c.Domain,
		Audience:     c.Audience,
		ClientID:     c.ClientID,
		ClientSecret: c.ClientSecret.Reveal(),
		PrivateKey:   c.PrivateKey,
		RateShare:    c.RateShare,
		Now:          h.now,
	})
}

func (h *handler) logsClient(c config.Logs) *cloudwatchlogs.Client {
	return cloudwatchlogs.NewFromConfig(h.aws, func(o *cloudwatchlogs.Options) {
		o.Region = c.Region
		switch {
		case c.AccessKeyID != "":
			o.Credentials = credentials.NewStaticCredentialsProvider(c.AccessKeyID.Reveal(), c.SecretKey.Reveal(), "")
		case c.RoleARN != "":
			o.Credentials = aws.NewCredentialsCache(h.assumed(c))
		}
	})
}

// assumed is the role of the log group's account.
func (h *handler) assumed(c config.Logs) aws.CredentialsProvider {
	return stscreds.NewAssumeRoleProvider(sts.NewFromConfig(h.aws), c.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "auth0-logs-to-cloudwatch"
		if c.ExternalID != "" {
			o.ExternalID = aws.String(c.ExternalID)
		}
	})
}
