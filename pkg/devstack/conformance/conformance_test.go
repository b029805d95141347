package conformance

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/logs"
	parameterstore "auth0-logs-to-cloudwatch/pkg/devstack/ssm"
)

// targetAt has clients of an endpoint that takes any credentials.
func targetAt(url string) Target { return targetOf(anyone(), url) }

func anyone() aws.Config {
	return aws.Config{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKIDCONFORMANCE", "secret", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func targetOf(cfg aws.Config, url string) Target {
	cfg.BaseEndpoint = &url
	return Target{
		SSM:    ssm.NewFromConfig(cfg),
		Logs:   cloudwatchlogs.NewFromConfig(cfg),
		Prefix: fmt.Sprintf("conformance-%d", time.Now().UnixNano()),
	}
}

// standIn serves the stand-ins without rates: those hold in a clock's time, and
// are tested where the clock can be set.
func standIn(t *testing.T, odd bool, lag time.Duration) Target {
	store := parameterstore.New(parameterstore.Options{
		PutRate: parameterstore.Unlimited, GetRate: parameterstore.Unlimited, ReadLag: lag, Odd: odd,
	})
	service := logs.New(logs.Options{ReadLag: lag, Odd: odd})
	srv := httptest.NewServer(awsjson.NewMux(new(awsjson.Keys), nil, store.Service(), service.Service()))
	t.Cleanup(srv.Close)
	return targetAt(srv.URL)
}

func TestStandIns(t *testing.T) {
	t.Parallel()
	Run(t, standIn(t, false, 0))
}

// TestOddStandIns shows that the rules are told in a way that holds whatever
// freedom the service takes.
func TestOddStandIns(t *testing.T) {
	t.Parallel()
	Run(t, standIn(t, true, 30*time.Millisecond))
}

func TestMoto(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not on the PATH (pip install 'moto[server]')")
	}
	cfg := anyone()
	// Its server breaks off a connection now and then that is used again.
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) { tr.DisableKeepAlives = true })
	target := targetOf(cfg, startMoto(t, path))
	target.NotKept = notKeptByMoto()
	Run(t, target)
}

func notKeptByMoto() map[string]string {
	return map[string]string{
		"parameter/value of 4096 bytes is the largest":        "it takes a value of any size",
		"parameter/value may not hold double braces":          "it takes any value",
		"parameter/name must be well formed":                  "it takes any name",
		"parameter/hierarchy has 15 levels":                   "it takes any depth",
		"parameter/selector is repeated in the reply":         "it leaves Selector out",
		"parameter/missing label is ParameterVersionNotFound": "it answers ParameterNotFound",
		"parameter/SecureString hides its value":              "it writes the value after the key's name",
		"parameter/GetParameters sorts by name":               "it answers in any order",
		"parameter/by path refuses an invalid token":          "it breaks down with status 500",
		"logs/get tells a missing group or stream":            "it names the group where the stream is missing",
		"logs/group and stream names must be well formed":     "it checks the length of a group's name alone",
		"logs/retention is one of the listed days":            "it takes any number of days",
		"logs/put needs an event":                             "it takes none",
		"logs/put takes 10,000 events":                        "it takes any number",
		"logs/put takes 1,048,576 bytes with 26 an event":     "it takes any size",
		"logs/put takes a message of 1,048,550 bytes":         "it takes any size",
		"logs/put refuses an empty message":                   "it takes one",
		"logs/put spans 24 hours":                             "it takes any span",
		"logs/put span is of valid events only":               "its end index of too old events is inclusive",
		"logs/too old ends exclusively":                       "its end index is inclusive",
		"logs/too new starts inclusively":                     "its start index is that of the last event",
		"logs/expired ends exclusively":                       "it takes events past the retention",
		"logs/all rejected is no error":                       "its end index is inclusive",
		"logs/get pages hold 1 MB":                            "its pages hold any size",
		"logs/get end is exclusive":                           "its end is inclusive",
		"logs/filter finds streams by prefix":                 "it searches all streams",
		"logs/filter mixes streams in order of time":          "it answers one stream after the other",
		"logs/infrequent access cannot be read":               "it reads any class",
	}
}

// startMoto runs moto_server on a free port until the test ends, and returns
// its URL once it answers.
func startMoto(t *testing.T, path string) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	port := ln.Addr().(*net.TCPAddr).Port
	noError(t, ln.Close())
	cmd := exec.Command(path, "--host", "127.0.0.1", "--port", fmt.Sprint(port))
	noError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	within(t, 30*time.Second, func(ctx context.Context) string {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/moto-api/data.json", nil)
		noError(t, err)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err.Error()
		}
		_ = resp.Body.Close()
		return ""
	})
	return url
}

// TestEndpoint asks another implementation, or the services themselves: what
// AWS_ENDPOINT_URL names.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	url := os.Getenv("AWS_ENDPOINT_URL")
	if url == "" {
		t.Skip("AWS_ENDPOINT_URL is not set")
	}
	options := []func(*config.LoadOptions) error{
		config.WithDefaultRegion("us-east-1"),
		// Parameter Store takes three puts a second; the suite makes hundreds.
		config.WithRetryer(func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), 0) }),
	}
	if os.Getenv("AWS_ACCESS_KEY_ID") == "" {
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	}
	cfg, err := config.LoadDefaultConfig(t.Context(), options...)
	noError(t, err)
	Run(t, targetOf(cfg, url))
}
