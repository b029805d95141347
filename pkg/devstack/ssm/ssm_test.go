package ssm

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"auth0-logs-to-cloudwatch/pkg/devstack/awsjson"
	"auth0-logs-to-cloudwatch/pkg/devstack/fault"
)

// The rules that hold at any time are in package conformance; here is what
// needs a clock, the store's own methods, or its options.

// stack is a store with what stands before it, and a clock that is set by hand.
type stack struct {
	*Store
	keys   awsjson.Keys
	faults fault.Set
	url    string
	now    time.Time
}

func newStack(t *testing.T, opts Options) *stack {
	s := &stack{now: time.Date(2026, 11, 23, 10, 0, 0, 250e6, time.UTC)}
	opts.Now = func() time.Time { return s.now }
	s.Store = New(opts)
	srv := httptest.NewServer(s.faults.Wrap(awsjson.Operation, awsjson.NewMux(&s.keys, nil, s.Service())))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

// client speaks to the stack as an access key in a region, without retries
// unless attempts are given.
func (s *stack) client(accessKey, region string, attempts int) *sdk.Client {
	return sdk.New(sdk.Options{
		Region:           region,
		BaseEndpoint:     &s.url,
		Credentials:      credentials.NewStaticCredentialsProvider(accessKey, "secret", ""),
		RetryMaxAttempts: attempts,
	})
}

func (s *stack) home() *sdk.Client { return s.client("AKID", awsjson.DefaultRegion, 1) }

var unlimited = Options{PutRate: Unlimited, GetRate: Unlimited}

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func put(ctx context.Context, c *sdk.Client, name, value string) error {
	_, err := c.PutParameter(ctx, &sdk.PutParameterInput{Name: &name, Value: &value, Type: types.ParameterTypeString, Overwrite: aws.Bool(true)})
	return err
}

// get is the value that a name reads as, or the error's type.
func get(ctx context.Context, c *sdk.Client, name string) string {
	out, err := c.GetParameter(ctx, &sdk.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	if err != nil {
		return code(err)
	}
	return *out.Parameter.Value
}

func mustPut(t *testing.T, s *Store, name, typ, value string) {
	t.Helper()
	if _, err := s.Put(name, typ, value); err != nil {
		t.Fatal(err)
	}
}

func TestPutRate(t *testing.T) {
	s := newStack(t, Options{})
	c := s.home()
	for range 3 {
		if err := put(t.Context(), c, "/a/b", "x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(t.Context(), c, "/a/c", "x"); code(err) != "ThrottlingException" {
		t.Errorf("fourth put in a second: got %v, want ThrottlingException", err)
	}
	if err := put(t.Context(), s.client("AKID", "eu-west-1", 1), "/a/b", "x"); err != nil {
		t.Errorf("put in another region: %v", err)
	}
	mustPut(t, s.Store, "/a/d", "String", "by hand")
	s.now = s.now.Add(334 * time.Millisecond)
	if err := put(t.Context(), c, "/a/b", "x"); err != nil {
		t.Errorf("put a third of a second later: %v", err)
	}
}

func TestGetRate(t *testing.T) {
	s := newStack(t, Options{})
	mustPut(t, s.Store, "/a/b", "String", "x")
	c, passed := s.home(), 0
	for range 60 {
		if get(t.Context(), c, "/a/b") == "x" {
			passed++
		}
	}
	_, err := c.GetParametersByPath(t.Context(), &sdk.GetParametersByPathInput{Path: aws.String("/a")})
	if passed != 40 || code(err) != "ThrottlingException" {
		t.Errorf("%d gets passed, want 40; by path: got %v, want ThrottlingException", passed, err)
	}
	if _, err := c.GetParameterHistory(t.Context(), &sdk.GetParameterHistoryInput{Name: aws.String("/a/b")}); err != nil {
		t.Errorf("history has a rate of its own: %v", err)
	}
}

func TestReadLag(t *testing.T) {
	opts := unlimited
	opts.ReadLag = 2 * time.Second
	s := newStack(t, opts)
	c := s.home()
	reads := func() (got []string) {
		path, err := c.GetParametersByPath(t.Context(), &sdk.GetParametersByPathInput{Path: aws.String("/a")})
		if err != nil {
			t.Fatal(err)
		}
		history, err := c.GetParameterHistory(t.Context(), &sdk.GetParameterHistoryInput{Name: aws.String("/a/b")})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range path.Parameters {
			got = append(got, "path "+*p.Value)
		}
		return append(got, get(t.Context(), c, "/a/b"), get(t.Context(), c, "/a/b:2"), fmt.Sprint("history ", len(history.Parameters)))
	}
	mustPut(t, s.Store, "/a/b", "String", "first")
	for _, row := range []struct {
		name string
		want []string
		then func()
	}{
		{"created", []string{"ParameterNotFound", "ParameterVersionNotFound", "history 0"}, func() { s.now = s.now.Add(2 * time.Second) }},
		{"two seconds later", []string{"path first", "first", "ParameterVersionNotFound", "history 1"}, func() { mustPut(t, s.Store, "/a/b", "", "second") }},
		{"put again", []string{"path first", "first", "ParameterVersionNotFound", "history 1"}, func() { s.now = s.now.Add(2 * time.Second) }},
		{"four seconds later", []string{"path second", "second", "second", "history 2"}, func() {}},
	} {
		if diff := cmp.Diff(row.want, reads()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
		row.then()
	}
	if v, ok := s.Value("/a/b"); v != "second" || !ok {
		t.Errorf("Value has lag: %q, %v", v, ok)
	}
}

func TestPutDoesNotLag(t *testing.T) {
	opts := unlimited
	opts.ReadLag = time.Hour
	s := newStack(t, opts)
	mustPut(t, s.Store, "/a/b", "String", "x")
	_, err := s.home().PutParameter(t.Context(), &sdk.PutParameterInput{Name: aws.String("/a/b"), Value: aws.String("y"), Type: types.ParameterTypeString})
	if code(err) != "ParameterAlreadyExists" {
		t.Errorf("put without Overwrite: got %v, want ParameterAlreadyExists", err)
	}
}

func TestStale(t *testing.T) {
	var asked []string
	opts := unlimited
	opts.Stale = func(op, name string, version int64) bool {
		asked = append(asked, fmt.Sprint(op, " ", name, " ", version))
		return len(asked) == 1
	}
	s := newStack(t, opts)
	mustPut(t, s.Store, "/a/b", "String", "first")
	mustPut(t, s.Store, "/a/b", "", "second")
	c := s.home()
	got := []string{get(t.Context(), c, "/a/b"), get(t.Context(), c, "/a/b")}
	if diff := cmp.Diff([]string{"first", "second"}, got); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	want := []string{"GetParameter /a/b 2", "GetParameter /a/b 1", "GetParameter /a/b 2"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestTooManyUpdatesIsNotRetriedBySDK(t *testing.T) {
	s := newStack(t, unlimited)
	s.faults.Add(fault.Rule{Op: "PutParameter", Times: 1, Do: TooManyUpdates()})
	c := s.client("AKID", awsjson.DefaultRegion, 3)
	err := put(t.Context(), c, "/a/b", "x")
	if _, ok := errors.AsType[*types.TooManyUpdates](err); !ok || s.faults.Calls("PutParameter") != 1 {
		t.Errorf("got error %v after %d calls, want TooManyUpdates after one", err, s.faults.Calls("PutParameter"))
	}
}

func TestAuthorisation(t *testing.T) {
	s := newStack(t, unlimited)
	mustPut(t, s.Store, "/a/b", "String", "x")
	mustPut(t, s.Store, "/a/c", "String", "x")
	c := s.home()
	byPath := func() error {
		_, err := c.GetParametersByPath(t.Context(), &sdk.GetParametersByPathInput{Path: aws.String("/a/")})
		return err
	}
	many := func() error {
		_, err := c.GetParameters(t.Context(), &sdk.GetParametersInput{Names: []string{"/a/c", "/a/b:1"}})
		return err
	}
	for _, row := range []struct {
		name string
		rule awsjson.Rule
		call func() error
		want string // in the error; "" for none
	}{
		{"path", awsjson.Rule{Operation: "GetParametersByPath"}, byPath, "ssm:GetParametersByPath on resource: arn:aws:ssm:us-east-1:123456789012:parameter/a/ because"},
		{"path though a child is denied", awsjson.Rule{Resource: "parameter/a/b"}, byPath, ""},
		{"one of the names", awsjson.Rule{Resource: "parameter/a/b"}, many, "parameter/a/b because"},
		{"another action", awsjson.Rule{Operation: "GetParameter"}, many, ""},
		{"put", awsjson.Rule{Resource: "parameter/a/b"}, func() error { return put(t.Context(), c, "/a/b", "y") }, "ssm:PutParameter on resource: arn:aws:ssm:us-east-1:123456789012:parameter/a/b because"},
	} {
		undo := s.keys.Deny(row.rule)
		err := row.call()
		if row.want == "" && err != nil || row.want != "" && (code(err) != "AccessDeniedException" || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: got error %v, want %q", row.name, err, row.want)
		}
		undo()
	}
	if v, _ := s.Value("/a/b"); v != "x" {
		t.Errorf("a denied put wrote %q", v)
	}
}

func TestPlacesAreApart(t *testing.T) {
	opts := unlimited
	opts.Account, opts.Region = "222222222222", "eu-west-1"
	s := newStack(t, opts)
	s.keys.Add("AKID2", awsjson.Principal{Account: "222222222222"})
	mustPut(t, s.Store, "/a/b", "String", "home")
	for _, row := range []struct{ key, region, want string }{
		{"AKID2", "eu-west-1", "home"},
		{"AKID2", "us-east-1", "ParameterNotFound"},
		{"AKID", "eu-west-1", "ParameterNotFound"},
	} {
		if got := get(t.Context(), s.client(row.key, row.region, 1), "/a/b"); got != row.want {
			t.Errorf("key %s in %s reads %q, want %q", row.key, row.region, got, row.want)
		}
	}
}

func TestMethods(t *testing.T) {
	s := newStack(t, unlimited)
	if _, err := s.Put("/a/b", "", "x"); err == nil {
		t.Error("Put made a parameter without a type")
	}
	if _, err := s.Put("/a/b", "String", "{{x}}"); err == nil {
		t.Error("Put took double braces")
	}
	mustPut(t, s.Store, "/a/c", "SecureString", "secret")
	start := s.now
	mustPut(t, s.Store, "/a/b", "String", "first")
	s.now = s.now.Add(time.Second)
	if err := put(t.Context(), s.home(), "/a/b", "second"); err != nil {
		t.Fatal(err)
	}
	versions := []Version{
		{Number: 1, Type: "String", Value: "first", Modified: start, By: operator},
		{Number: 2, Type: "String", Value: "second", Modified: s.now, By: "arn:aws:iam::123456789012:user/devstack"},
	}
	if diff := cmp.Diff(versions, s.History("/a/b")); diff != "" {
		t.Errorf("History (-want +got):\n%s", diff)
	}
	list := []Parameter{{"/a/b", versions[1]}, {"/a/c", Version{Number: 1, Type: "SecureString", Value: "secret", Modified: start, By: operator}}}
	if diff := cmp.Diff(list, s.List("/a/")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if got := s.List("/a/c"); len(got) != 1 {
		t.Errorf("List of a prefix: %v, want one", got)
	}
	if !s.Delete("/a/b") || s.Delete("/a/b") {
		t.Error("Delete does not tell what was there")
	}
	if _, ok := s.Value("/a/b"); ok || s.History("/a/b") != nil {
		t.Error("deleted and still there")
	}
}

func TestDatesAndUsers(t *testing.T) {
	s := newStack(t, unlimited)
	if err := put(t.Context(), s.home(), "/a/b", "x"); err != nil {
		t.Fatal(err)
	}
	out, err := s.home().GetParameterHistory(t.Context(), &sdk.GetParameterHistoryInput{Name: aws.String("/a/b")})
	if err != nil || len(out.Parameters) != 1 {
		t.Fatal(out, err)
	}
	got := out.Parameters[0]
	if !got.LastModifiedDate.Equal(s.now) || *got.LastModifiedUser != "arn:aws:iam::123456789012:user/devstack" {
		t.Errorf("modified %v by %s, want %v by the caller", got.LastModifiedDate, *got.LastModifiedUser, s.now)
	}
}

func TestUnsupportedIsRefused(t *testing.T) {
	s := newStack(t, unlimited)
	for name, in := range map[string]*sdk.PutParameterInput{
		"tier":      {Tier: types.ParameterTierAdvanced},
		"data type": {DataType: aws.String("aws:ec2:image")},
		"member":    {AllowedPattern: aws.String("x")},
		"type":      {Type: "Number"},
	} {
		in.Name, in.Value = aws.String("/a/b"), aws.String("x")
		if in.Type == "" {
			in.Type = types.ParameterTypeString
		}
		if _, err := s.home().PutParameter(t.Context(), in); code(err) != "ValidationException" {
			t.Errorf("%s: got %v, want ValidationException", name, err)
		}
	}
}

func TestOddPages(t *testing.T) {
	opts := unlimited
	opts.Odd = true
	s := newStack(t, opts)
	for i := range 12 {
		mustPut(t, s.Store, fmt.Sprint("/a/", i), "String", "x")
	}
	var sizes []int
	pages := sdk.NewGetParametersByPathPaginator(s.home(), &sdk.GetParametersByPathInput{Path: aws.String("/a")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page.Parameters))
	}
	if diff := cmp.Diff([]int{0, 5, 0, 5, 0, 2}, sizes); diff != "" {
		t.Errorf("page sizes (-want +got):\n%s", diff)
	}
}

// TestPathPages shows that however a listing is cut, it is of the same
// parameters, each once.
func TestPathPages(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		opts := unlimited
		opts.Odd = rapid.Bool().Draw(rt, "odd")
		s := New(opts)
		var names []string
		for range rapid.IntRange(0, 35).Draw(rt, "count") {
			name := "/p" + rapid.StringMatching(`(/[ab]){1,4}`).Draw(rt, "name")
			if _, err := s.Put(name, "String", "x"); err != nil {
				rt.Fatal(err)
			}
			names = append(names, name)
		}
		in := &byPathRequest{
			Path:       rapid.SampledFrom([]string{"/p", "/p/", "/p/a", "/p/a/b"}).Draw(rt, "path"),
			Recursive:  rapid.Bool().Draw(rt, "recursive"),
			MaxResults: aws.Int(rapid.IntRange(1, 10).Draw(rt, "size")),
		}
		var got []string
		for {
			out, err := s.getParametersByPath(awsjson.Caller{Account: awsjson.DefaultAccount, Region: awsjson.DefaultRegion}, in)
			if err != nil || len(out.Parameters) > *in.MaxResults {
				rt.Fatalf("page of %d, error %v", len(out.Parameters), err)
			}
			for _, p := range out.Parameters {
				got = append(got, p.Name)
			}
			if out.NextToken == "" {
				break
			}
			in.NextToken = out.NextToken
		}
		root := strings.TrimSuffix(in.Path, "/") + "/"
		want := slices.DeleteFunc(names, func(n string) bool {
			rest, below := strings.CutPrefix(n, root)
			return !below || !in.Recursive && strings.Contains(rest, "/")
		})
		slices.Sort(want)
		if diff := cmp.Diff(slices.Compact(want), got, cmpopts.EquateEmpty()); diff != "" {
			rt.Errorf("listed (-want +got):\n%s", diff)
		}
	})
}

func FuzzParseSelector(f *testing.F) {
	for _, s := range []string{"/a/b", "/a/b:3", "/a/b:label", " a ", "/a/b:", "/a/b:0", "/a:b:c", "a/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sel, err := parseSelector(s)
		if err != nil {
			if awsjson.AsError(err).Code != "ValidationException" {
				t.Errorf("parseSelector(%q): %v", s, err)
			}
			return
		}
		if got := sel.name + sel.text; got != strings.Join(strings.Fields(s), "") {
			t.Errorf("parseSelector(%q) is %q", s, got)
		}
		if (sel.text != "") != (sel.number > 0 || sel.label != "") {
			t.Errorf("parseSelector(%q) = %+v", s, sel)
		}
	})
}

func FuzzNewName(f *testing.F) {
	for _, s := range []string{"/a/b", "a", "/aws/x", "ssm", "/a//b", "/", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := newName(scope{"123456789012", "us-east-1"}, s)
		if err != nil {
			return
		}
		again, err := newName(scope{"123456789012", "us-east-1"}, name)
		if again != name || err != nil || strings.Contains(name, "//") || strings.ContainsAny(name, ": {") {
			t.Errorf("newName(%q) = %q, and of that %q, %v", s, name, again, err)
		}
	})
}

func FuzzReadToken(f *testing.F) {
	f.Add(writeToken(pathToken{Path: "/a", After: "/a/b", Paused: true}))
	f.Add(writeToken(historyToken{"/a/b", 7}))
	f.Add("no token")
	f.Fuzz(func(t *testing.T, s string) {
		var p pathToken
		if err := readToken(s, &p); err != nil {
			return
		}
		var again pathToken
		if err := readToken(writeToken(p), &again); err != nil || again != p {
			t.Errorf("token of %+v reads as %+v, %v", p, again, err)
		}
	})
}
