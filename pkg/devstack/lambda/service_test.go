package lambda

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
)

const echoARN = "arn:aws:lambda:us-east-1:123456789012:function:function"

// api is a Service that the real SDK client calls.
type api struct {
	*Service
	keys   *awsjson.Keys
	client *awslambda.Client

	mu    sync.Mutex
	ended []Invocation
}

func newAPI(t *testing.T) *api {
	t.Helper()
	a := &api{keys: &awsjson.Keys{}}
	a.Service = NewService(a.keys, nil, func(i Invocation) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.ended = append(a.ended, i)
	})
	server := httptest.NewServer(a)
	t.Cleanup(func() {
		server.Close()
		a.Close()
	})
	a.client = awslambda.New(awslambda.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "key", ""),
	})
	return a
}

func (a *api) event(t *testing.T, arn, payload string) error {
	t.Helper()
	out, err := a.client.Invoke(t.Context(), &awslambda.InvokeInput{
		FunctionName: aws.String(arn), InvocationType: types.InvocationTypeEvent, Payload: []byte(payload),
	})
	if err == nil && out.StatusCode != http.StatusAccepted {
		t.Errorf("status %d, want 202", out.StatusCode)
	}
	return err
}

func TestServiceInvokesLater(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	if arn := a.Add(newFunction(t, "function", nil)); arn != echoARN {
		t.Fatalf("ARN %s, want %s", arn, echoARN)
	}
	if err := a.event(t, echoARN, `{"do":"print","text":"hello"}`); err != nil {
		t.Fatal(err)
	}
	a.Wait()
	if len(a.ended) != 1 {
		t.Fatalf("%d invocations, want one", len(a.ended))
	}
	i := a.ended[0]
	if i.ARN != echoARN || !i.Async || i.Err != nil || i.Started.IsZero() || string(i.Payload) != `{"do":"print","text":"hello"}` {
		t.Errorf("invocation %+v", i)
	}
	if diff := cmp.Diff([]string{"hello"}, i.Result.Logs); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
}

func TestServiceRefuses(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.Add(newFunction(t, "function", nil))
	denied := strings.Replace(echoARN, ":function:", ":function:denied-", 1)
	a.keys.Deny(awsjson.Rule{Operation: "InvokeFunction", Resource: "denied"})
	sync := func() error {
		_, err := a.client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String(echoARN)})
		return err
	}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"unknown function", a.event(t, echoARN+"-other", `{}`), "ResourceNotFoundException"},
		{"permission", a.event(t, denied, `{}`), "AccessDeniedException"},
		{"no JSON", a.event(t, echoARN, `{`), "InvalidRequestContentException"},
		{"too large", a.event(t, echoARN, `"`+strings.Repeat("x", maxAsync)+`"`), "RequestTooLargeException"},
		{"synchronous", sync(), "InvalidParameterValueException"},
	} {
		if api, ok := errors.AsType[smithy.APIError](row.err); !ok || api.ErrorCode() != row.want || api.ErrorMessage() == "" {
			t.Errorf("%s: %v, want %s with a text", row.name, row.err, row.want)
		}
	}
	a.Wait()
	if len(a.ended) != 0 {
		t.Errorf("invoked all the same: %+v", a.ended)
	}
}

// TestServiceQueues: what finds no room is not lost.
func TestServiceQueues(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.pause = time.Millisecond
	a.Add(newFunction(t, "function", func(o *Options) { o.Concurrency = 1 }))
	const n = 5
	for range n {
		a.Event(echoARN, []byte(`{"do":"print","text":"x"}`))
	}
	a.Wait()
	if len(a.ended) != n {
		t.Errorf("%d invocations ended, want %d", len(a.ended), n)
	}
}

// TestServiceClose: it ends what is under way, and takes no more.
func TestServiceClose(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	started := make(chan struct{})
	a.Add(newFunction(t, "function", func(o *Options) {
		o.Timeout = time.Minute
		o.Stdout = signal(started)
	}))
	a.Event(echoARN, []byte(`{"do":"hang"}`))
	<-started
	a.Close()
	a.Event(echoARN, []byte(`{}`))
	a.Wait()
	if len(a.ended) != 1 || a.ended[0].Err == nil {
		t.Errorf("%+v, want the one that was under way, ended with an error", a.ended)
	}
}
