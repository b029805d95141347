package sts

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
)

const (
	openRole    = "arn:aws:iam::222222222222:role/open"
	closedRole  = "arn:aws:iam::333333333333:role/closed"
	missingRole = "arn:aws:iam::333333333333:role/none"
)

// stack is a service and CloudWatch Logs on one endpoint, and a clock that is
// set by hand.
type stack struct {
	*Service
	keys awsjson.Keys
	logs *logs.Service
	cfg  aws.Config
	now  time.Time
}

func newStack(t *testing.T) *stack {
	s := &stack{now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return s.now }
	s.keys.Now = clock
	s.Service = New(&s.keys, Options{Now: clock, Roles: []Role{{ARN: openRole}, {ARN: closedRole, ExternalID: "open sesame"}}})
	s.logs = logs.New(logs.Options{Now: clock})
	srv := httptest.NewServer(awsjson.NewMux(&s.keys, s.Service, s.logs.Service()))
	t.Cleanup(srv.Close)
	s.cfg = aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: &srv.URL,
		Credentials:  credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
	return s
}

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func assume(ctx context.Context, c *sdk.Client, role, externalID string, seconds int32) (*sdk.AssumeRoleOutput, error) {
	in := &sdk.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")}
	if externalID != "" {
		in.ExternalId = &externalID
	}
	if seconds != 0 {
		in.DurationSeconds = &seconds
	}
	return c.AssumeRole(ctx, in)
}

func TestAssumeRole(t *testing.T) {
	for _, row := range []struct {
		name, role, externalID string
		seconds                int32
		want                   string // the error's type, "" for none
	}{
		{name: "open", role: openRole},
		{name: "open with an external id", role: openRole, externalID: "anything"},
		{name: "shortest", role: openRole, seconds: 900},
		{name: "longest", role: openRole, seconds: 3600},
		{name: "too short", role: openRole, seconds: 899, want: "ValidationError"},
		{name: "too long", role: openRole, seconds: 3601, want: "ValidationError"},
		{name: "right external id", role: closedRole, externalID: "open sesame"},
		{name: "wrong external id", role: closedRole, externalID: "open barley", want: "AccessDenied"},
		{name: "no external id", role: closedRole, want: "AccessDenied"},
		{name: "no such role", role: missingRole, want: "AccessDenied"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newStack(t)
			out, err := assume(t.Context(), sdk.NewFromConfig(s.cfg), row.role, row.externalID, row.seconds)
			if row.want != "" {
				if code(err) != row.want || len(s.Issued()) != 0 {
					t.Errorf("got %v and keys %v, want %s and none", err, s.Issued(), row.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			seconds := time.Duration(row.seconds) * time.Second
			if seconds == 0 {
				seconds = time.Hour
			}
			if !out.Credentials.Expiration.Equal(s.now.Add(seconds)) {
				t.Errorf("expires %v, want %v from now", out.Credentials.Expiration, seconds)
			}
			if diff := cmp.Diff([]string{"ASIADEVSTACK00000001"}, s.Issued()); diff != "" || *out.Credentials.AccessKeyId != s.Issued()[0] {
				t.Errorf("issued %s (-want +got):\n%s", *out.Credentials.AccessKeyId, diff)
			}
		})
	}
}

// TestAssumedRoleActs has the credentials used as the product uses them.
func TestAssumedRoleActs(t *testing.T) {
	s := newStack(t)
	place := logs.Place{Account: "333333333333", Group: "central", Stream: "stream"}
	if err := s.logs.CreateGroup(place, "", 0); err != nil {
		t.Fatal(err)
	}
	describe := func(cfg aws.Config) (int, error) {
		out, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
		if err != nil {
			return 0, err
		}
		return len(out.LogGroups), nil
	}
	assumed := s.cfg.Copy()
	assumed.Credentials = stscreds.NewAssumeRoleProvider(sdk.NewFromConfig(s.cfg), closedRole, func(o *stscreds.AssumeRoleOptions) {
		o.ExternalID = aws.String("open sesame")
		o.RoleSessionName = "export"
	})
	for _, row := range []struct {
		name string
		cfg  aws.Config
		want int
	}{{"own account", s.cfg, 0}, {"role's account", assumed, 1}} {
		if n, err := describe(row.cfg); err != nil || n != row.want {
			t.Errorf("%s: %d groups, error %v, want %d", row.name, n, err, row.want)
		}
	}
	who, err := sdk.NewFromConfig(assumed).GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
	if err != nil || *who.Account != "333333333333" || *who.Arn != "arn:aws:sts::333333333333:assumed-role/closed/export" {
		t.Errorf("caller is %+v, %v", who, err)
	}

	kept := s.cfg.Copy()
	out, err := assume(t.Context(), sdk.NewFromConfig(s.cfg), openRole, "", 900)
	if err != nil {
		t.Fatal(err)
	}
	kept.Credentials = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	s.now = s.now.Add(15 * time.Minute)
	if _, err := describe(kept); code(err) != "ExpiredTokenException" {
		t.Errorf("after their time: got %v, want ExpiredTokenException", err)
	}
	if _, err := sdk.NewFromConfig(kept).GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{}); code(err) != "ExpiredToken" {
		t.Errorf("after their time: got %v, want ExpiredToken", err)
	}
}

func TestRefusals(t *testing.T) {
	s := newStack(t)
	c := sdk.NewFromConfig(s.cfg)
	undo := s.keys.Deny(awsjson.Rule{Operation: "AssumeRole", Resource: ":role/open"})
	if _, err := assume(t.Context(), c, openRole, "", 0); code(err) != "AccessDenied" {
		t.Errorf("denied: got %v, want AccessDenied", err)
	}
	undo()
	undo = s.keys.Refuse(awsjson.Rule{AccessKey: "AKID"}, awsjson.InvalidToken())
	if _, err := c.GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{}); code(err) != "InvalidClientTokenId" {
		t.Errorf("unknown key: got %v, want InvalidClientTokenId", err)
	}
	undo()
	if _, err := c.GetSessionToken(t.Context(), &sdk.GetSessionTokenInput{}); code(err) != "InvalidAction" {
		t.Errorf("unknown action: got %v, want InvalidAction", err)
	}
	_, err := c.AssumeRole(t.Context(), &sdk.AssumeRoleInput{RoleArn: aws.String(openRole), RoleSessionName: aws.String("not good")})
	if code(err) != "ValidationError" {
		t.Errorf("session name: got %v, want ValidationError", err)
	}
}

func FuzzServeHTTP(f *testing.F) {
	f.Add([]byte("Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fopen&RoleSessionName=session&DurationSeconds=900"))
	f.Add([]byte("Action=AssumeRole&RoleSessionName=ok&DurationSeconds=NaN"))
	f.Add([]byte("Action=GetCallerIdentity"))
	f.Add([]byte("Action=<&%zz"))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := New(new(awsjson.Keys), Options{Roles: []Role{{ARN: openRole}, {ARN: "no ARN"}}})
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		var reply struct {
			Code string `xml:"Error>Code"`
		}
		if err := xml.Unmarshal(w.Body.Bytes(), &reply); err != nil {
			t.Fatalf("reply %q: %v", w.Body, err)
		}
		if w.Code >= 500 || (w.Code == 200) != (reply.Code == "") || len(s.Issued()) > 0 && w.Code != 200 {
			t.Errorf("status %d with %q", w.Code, w.Body)
		}
	})
}
