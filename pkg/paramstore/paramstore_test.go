package paramstore

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
	standin "auth0-logs-to-cloudwatch/pkg/devstack/ssm"
	"auth0-logs-to-cloudwatch/pkg/export"
)

const root = "/auth0-logs-to-cloudwatch"

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// bench is a tenant's store with the real client, against a stand-in.
type bench struct {
	store  *Store
	ssm    *standin.Store
	keys   *awsjson.Keys
	faults *fault.Set
}

func newBench(t *testing.T, opt standin.Options) *bench {
	t.Helper()
	b := &bench{keys: &awsjson.Keys{}, faults: &fault.Set{}}
	opt.Now = func() time.Time { return now }
	opt.PutRate, opt.GetRate = standin.Unlimited, standin.Unlimited
	b.ssm = standin.New(opt)
	server := httptest.NewServer(b.faults.Wrap(awsjson.Operation, awsjson.NewMux(b.keys, nil, b.ssm.Service())))
	t.Cleanup(server.Close)
	b.store = New(ssm.New(ssm.Options{
		Region: awsjson.DefaultRegion, BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""),
	}), root, "acme")
	return b
}

func (b *bench) put(t *testing.T, name, typ, value string) {
	t.Helper()
	if _, err := b.ssm.Put(name, typ, value); err != nil {
		t.Fatal(err)
	}
}

func TestAllReadsEveryPageOfTheTenantAlone(t *testing.T) {
	b := newBench(t, standin.Options{Odd: true})
	want := make(map[string]export.Parameter)
	for i := range 25 {
		name := fmt.Sprintf("NAME_%d", i)
		b.put(t, root+"/acme/"+name, "SecureString", fmt.Sprint("value ", i))
		want[name] = export.Parameter{Value: fmt.Sprint("value ", i), Version: 1, Modified: now}
	}
	b.put(t, root+"/acme/deeper/NAME", "String", "x")
	b.put(t, root+"/acme2/NAME", "String", "x")
	got, err := b.store.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

func TestGetAndPut(t *testing.T) {
	b := newBench(t, standin.Options{})
	if _, err := b.store.Get(t.Context(), "RUN", 0); !errors.Is(err, export.ErrNoParameter) {
		t.Errorf("error %v, want %v", err, export.ErrNoParameter)
	}
	for i := range 3 {
		v, err := b.store.Put(t.Context(), "RUN", fmt.Sprint("value ", i))
		if err != nil || v != int64(i+1) {
			t.Fatalf("version %d, %v", v, err)
		}
	}
	for version, want := range map[int64]string{0: "value 2", 1: "value 0", 2: "value 1", 3: "value 2"} {
		p, err := b.store.Get(t.Context(), "RUN", version)
		if err != nil || p.Value != want || !p.Modified.Equal(now) {
			t.Errorf("version %d: %+v, %v; want %q", version, p, err, want)
		}
	}
	if _, err := b.store.Get(t.Context(), "RUN", 4); !errors.Is(err, export.ErrNoParameter) {
		t.Errorf("error %v for a version that is not there, want %v", err, export.ErrNoParameter)
	}
}

func TestNamedReadsTheNamedAlone(t *testing.T) {
	b := newBench(t, standin.Options{})
	b.keys.Deny(awsjson.Rule{Resource: "AUTH0_CLIENT_SECRET"})
	b.keys.Deny(awsjson.Rule{Operation: "GetParametersByPath"})
	b.put(t, root+"/acme/RUN", "String", "x")
	b.put(t, root+"/acme/AUTH0_CLIENT_SECRET", "SecureString", "secret")
	got, err := b.store.Named(t.Context(), "RUN", "CHECKPOINT")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]export.Parameter{"RUN": {Value: "x", Version: 1, Modified: now}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	_, err = b.store.Named(t.Context(), "AUTH0_CLIENT_SECRET")
	if e := export.AsError(export.KindState, err); e.Kind != export.KindPermission || e.Fix == "" {
		t.Errorf("error %+v, want one of permission with a fix", e)
	}
}

func TestPutIsTriedAgain(t *testing.T) {
	for name, action := range map[string]fault.Action{
		"too many updates": standin.TooManyUpdates(),
		"throttled":        awsjson.ErrorReply(400, "ThrottlingException", "Rate exceeded"),
		"server error":     awsjson.ErrorReply(500, "InternalServerError", "oops"),
		"no answer":        fault.Drop(),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, standin.Options{})
			b.faults.Add(fault.Rule{Op: "PutParameter", Times: 1, Do: action})
			if _, err := b.store.Put(t.Context(), "RUN", "x"); err != nil {
				t.Error(err)
			}
			if v, _ := b.ssm.Value(root + "/acme/RUN"); v != "x" {
				t.Errorf("value %q", v)
			}
		})
	}
}

// TestPutGivesUp: a refusal for good is not tried again, and one that lasts is
// tried only as long as there is time.
func TestPutGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &refusing{err: &smithy.GenericAPIError{Code: "TooManyUpdates"}}
		s := newStore(c, root, "acme")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := s.Put(ctx, "RUN", "x")
		if err == nil || ctx.Err() != nil {
			t.Errorf("error %v, context %v; want to give up before the deadline", err, ctx.Err())
		}
		if c.puts < 5 || c.puts > 40 {
			t.Errorf("%d tries in 30 s", c.puts)
		}
		c = &refusing{err: &smithy.GenericAPIError{Code: "ValidationException", Fault: smithy.FaultClient}}
		if _, err := newStore(c, root, "acme").Put(ctx, "RUN", "x"); err == nil || c.puts != 1 {
			t.Errorf("%d tries of a refused put, %v", c.puts, err)
		}
	})
}

// refusing is SSM that refuses each put; no server is needed to do so under a
// synthetic clock.
type refusing struct {
	client
	err  error
	puts int
}

func (r *refusing) PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error) {
	r.puts++
	return nil, r.err
}

func TestErrorsInWords(t *testing.T) {
	const secretName = root + "/acme/AUTH0_CLIENT_SECRET"
	tests := map[string]struct {
		prepare func(*bench)
		kind    export.Kind
		text    string
	}{
		"not allowed": {
			func(b *bench) { b.keys.Deny(awsjson.Rule{Operation: "GetParametersByPath"}) },
			export.KindPermission, "ssm:GetParametersByPath",
		},
		"key disabled": {
			func(b *bench) {
				b.faults.Add(fault.Rule{Do: awsjson.ErrorReply(400, "InvalidKeyId", "the key is disabled")})
			},
			export.KindPermission, "kms:Decrypt",
		},
		"anything else": {
			func(b *bench) {
				b.faults.Add(fault.Rule{Do: awsjson.ErrorReply(400, "OddException", "odd")})
			},
			export.KindState, "OddException",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, standin.Options{})
			b.put(t, secretName, "SecureString", "s3cr3t")
			tt.prepare(b)
			_, err := b.store.All(t.Context())
			e, ok := errors.AsType[*export.Error](err)
			if !ok || e.Kind != tt.kind || !strings.Contains(e.Error(), tt.text) {
				t.Errorf("error %v, want one of the kind %s with %q", err, tt.kind, tt.text)
			}
		})
	}
}
