package main

import (
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"auth0-logs-to-cloudwatch/pkg/auth0"
	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/export"
)

// product is the name under which the other side sees the function.
const product = "auth0-logs-to-cloudwatch"

// clients are one tenant's clients and the settings they were made from.
type clients struct {
	auth0Settings config.Auth0
	logsSettings  config.Logs
	source        *auth0.Client
	logs          *cloudwatchlogs.Client
}

// clients returns the clients for the tenant's settings: those of the last run,
// with their token and connections, where the settings are still the same; nil
// where they are no good.
func (h *handler) clients(t tenant) *clients {
	if t.err != nil || len(t.parameters) == 0 {
		return nil
	}
	c := t.settings
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.kept[c.Tenant]
	if k == nil {
		k = &clients{}
		h.kept[c.Tenant] = k
	}
	if k.source == nil || !reflect.DeepEqual(k.auth0Settings, c.Auth0) {
		k.auth0Settings, k.source = c.Auth0, h.source(c.Auth0)
	}
	if k.logs == nil || k.logsSettings != c.Logs {
		k.logsSettings, k.logs = c.Logs, h.logsClient(c.Logs)
	}
	return k
}

func (h *handler) source(c config.Auth0) *auth0.Client { return auth0.New(auth0Options(c, h.now)) }

func auth0Options(c config.Auth0, now func() time.Time) auth0.Options {
	return auth0.Options{
		Domain:       c.Domain,
		Audience:     c.Audience,
		ClientID:     c.ClientID,
		ClientSecret: c.ClientSecret.Reveal(),
		PrivateKey:   c.PrivateKey,
		RateShare:    c.RateShare,
		UserAgent:    product + "/" + export.Version,
		Now:          now,
	}
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
		o.RoleSessionName = product
		if c.ExternalID != "" {
			o.ExternalID = aws.String(c.ExternalID)
		}
	})
}
