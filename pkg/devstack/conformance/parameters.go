package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// parameterRules are those of Parameter Store (Systems Manager API reference).
func parameterRules() []rule {
	return []rule{
		{"parameter/create needs a type", createNeedsType},
		{"parameter/an existing one is left alone", existingWithoutType},
		{"parameter/create of an existing name is refused", createExisting},
		{"parameter/put counts versions", putCountsVersions},
		{"parameter/put keeps the type", putKeepsType},
		{"parameter/put after delete begins at version 1", putAfterDelete},
		{"parameter/value of 4096 bytes is the largest", valueSize},
		{"parameter/value may not be empty", valueEmpty},
		{"parameter/value may not hold double braces", valueBraces},
		{"parameter/name may not be reserved", nameReserved},
		{"parameter/name must be well formed", nameForm},
		{"parameter/hierarchy has 15 levels", nameLevels},
		{"parameter/missing is ParameterNotFound", getMissing},
		{"parameter/version selector", versionSelector},
		{"parameter/selector is repeated in the reply", selectorRepeated},
		{"parameter/label selector", labelSelector},
		{"parameter/missing label is ParameterVersionNotFound", labelMissing},
		{"parameter/label moves", labelMoves},
		{"parameter/label must be well formed", labelForm},
		{"parameter/SecureString reads decrypted", secureStringDecrypted},
		{"parameter/SecureString hides its value", secureStringHidden},
		{"parameter/GetParameters sorts by name", getManySorted},
		{"parameter/GetParameters tells unknown names", getManyUnknown},
		{"parameter/GetParameters takes ten names", getTooMany},
		{"parameter/by path in pages of ten", byPathPages},
		{"parameter/by path is by whole levels", byPathLevels},
		{"parameter/by path refuses an invalid token", byPathToken},
		{"parameter/history keeps 100 versions", historyLength},
		{"parameter/history in pages of fifty", historyPages},
		{"parameter/labelled oldest version stops puts", historyLabelled},
		{"parameter/delete tells what was there", deleteMissing},
	}
}

// parameters is one rule's corner of Parameter Store.
type parameters struct {
	t    *testing.T
	ssm  *ssm.Client
	path string
}

func parametersOf(t *testing.T, target Target) *parameters {
	p := &parameters{t: t, ssm: target.SSM, path: "/" + target.unique(t)}
	t.Cleanup(p.clean)
	return p
}

// clean deletes what is under the path.
func (p *parameters) clean() {
	ctx := context.Background()
	all := ssm.NewGetParametersByPathPaginator(p.ssm, &ssm.GetParametersByPathInput{Path: &p.path, Recursive: aws.Bool(true)})
	for all.HasMorePages() {
		page, err := all.NextPage(ctx)
		if err != nil {
			p.t.Errorf("clean up: %v", err)
			return
		}
		for _, found := range page.Parameters {
			if _, err := p.ssm.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: found.Name}); err != nil {
				p.t.Errorf("clean up: %v", err)
			}
		}
	}
}

func (p *parameters) name(n string) string { return p.path + "/" + n }

// put overwrites a String parameter and returns its version.
func (p *parameters) put(name, value string) (int64, error) {
	out, err := p.ssm.PutParameter(p.t.Context(), &ssm.PutParameterInput{
		Name: aws.String(p.name(name)), Value: &value, Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	if err != nil {
		return 0, err
	}
	return out.Version, nil
}

func (p *parameters) mustPut(name, value string) {
	p.t.Helper()
	_, err := p.put(name, value)
	noError(p.t, err)
}

// wantValue waits until a name, with or without a selector, reads as value.
func (p *parameters) wantValue(name, value string) {
	p.t.Helper()
	eventually(p.t, func(ctx context.Context) string {
		out, err := p.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(p.name(name))})
		if err != nil {
			return err.Error()
		}
		return cmp.Diff(value, *out.Parameter.Value)
	})
}

// wantMissing waits until reading a name fails with an error of a type.
func (p *parameters) wantMissing(name, want string) {
	p.t.Helper()
	eventually(p.t, func(ctx context.Context) string {
		_, err := p.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(p.name(name))})
		return cmp.Diff(want, code(err))
	})
}

func createNeedsType(t *testing.T, target Target) {
	p := parametersOf(t, target)
	_, err := target.SSM.PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String(p.name("a")), Value: aws.String("x")})
	wantCode(t, err, "ValidationException")
	p.wantMissing("a", "ParameterNotFound")
}

func createExisting(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.mustPut("a", "x")
	_, err := target.SSM.PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String(p.name("a")), Value: aws.String("y"), Type: types.ParameterTypeString,
	})
	wantCode(t, err, "ParameterAlreadyExists")
	p.wantValue("a", "x")
}

// existingWithoutType: a put with neither a type nor leave to overwrite changes
// nothing, whatever it is refused for.
func existingWithoutType(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.mustPut("a", "x")
	_, err := target.SSM.PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String(p.name("a")), Value: aws.String("y"), Overwrite: aws.Bool(false)})
	if c := code(err); c != "ParameterAlreadyExists" && c != "ValidationException" {
		t.Errorf("got error %v, want ParameterAlreadyExists or ValidationException", err)
	}
	p.wantValue("a", "x")
}

func putCountsVersions(t *testing.T, target Target) {
	p := parametersOf(t, target)
	for want := range int64(3) {
		got, err := p.put("a", fmt.Sprint("value ", want))
		noError(t, err)
		if got != want+1 {
			t.Errorf("put answered version %d, want %d", got, want+1)
		}
	}
	eventually(t, func(ctx context.Context) string {
		out, err := target.SSM.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(p.name("a"))})
		if err != nil {
			return err.Error()
		}
		return cmp.Diff(int64(3), out.Parameter.Version)
	})
}

func putKeepsType(t *testing.T, target Target) {
	p := parametersOf(t, target)
	name := aws.String(p.name("a"))
	_, err := target.SSM.PutParameter(t.Context(), &ssm.PutParameterInput{Name: name, Value: aws.String("x"), Type: types.ParameterTypeSecureString})
	noError(t, err)
	_, err = target.SSM.PutParameter(t.Context(), &ssm.PutParameterInput{Name: name, Value: aws.String("y"), Overwrite: aws.Bool(true)})
	noError(t, err)
	eventually(t, func(ctx context.Context) string {
		out, err := target.SSM.GetParameter(ctx, &ssm.GetParameterInput{Name: name, WithDecryption: aws.Bool(true)})
		if err != nil {
			return err.Error()
		}
		return cmp.Diff([]string{"SecureString", "y"}, []string{string(out.Parameter.Type), *out.Parameter.Value})
	})
}

func putAfterDelete(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.mustPut("a", "x")
	p.mustPut("a", "y")
	_, err := target.SSM.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String(p.name("a"))})
	noError(t, err)
	got, err := p.put("a", "z")
	noError(t, err)
	if got != 1 {
		t.Errorf("put answered version %d, want 1", got)
	}
}

func valueSize(t *testing.T, target Target) {
	p := parametersOf(t, target)
	largest := strings.Repeat("x", 4096)
	p.mustPut("a", largest)
	p.wantValue("a", largest)
	_, err := p.put("a", largest+"x")
	wantCode(t, err, "ValidationException")
}

func valueEmpty(t *testing.T, target Target) {
	_, err := parametersOf(t, target).put("a", "")
	wantCode(t, err, "ValidationException")
}

func valueBraces(t *testing.T, target Target) {
	_, err := parametersOf(t, target).put("a", `{"a":"{{b}}"}`)
	wantCode(t, err, "ValidationException")
}

// wantNameRefused creates a parameter under a name of its own, which must fail
// with an error of a type.
func (p *parameters) wantNameRefused(name, want string) {
	p.t.Helper()
	_, err := p.ssm.PutParameter(p.t.Context(), &ssm.PutParameterInput{
		Name: &name, Value: aws.String("x"), Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	if code(err) != want {
		p.t.Errorf("name %q: got error %v, want %s", name, err, want)
	}
}

func nameReserved(t *testing.T, target Target) {
	p := parametersOf(t, target)
	for _, name := range []string{"awsome", "SSM-a", "/ssm/a"} {
		p.wantNameRefused(name, "ValidationException")
	}
	p.wantNameRefused("/aws/a", "AccessDeniedException")
}

func nameForm(t *testing.T, target Target) {
	p := parametersOf(t, target)
	for _, name := range []string{"not/qualified", "/with space/a", "/a//b", "/a/", "/a/\u00fc", "/a:b"} {
		p.wantNameRefused(name, "ValidationException")
	}
}

func nameLevels(t *testing.T, target Target) {
	p := parametersOf(t, target)
	deepest := strings.Repeat("l/", 13) + "a" // below the path, which is a level
	p.mustPut(deepest, "x")
	_, err := p.put("l/"+deepest, "x")
	wantCode(t, err, "HierarchyLevelLimitExceededException")
}

func getMissing(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.wantMissing("none", "ParameterNotFound")
	_, err := target.SSM.GetParameterHistory(t.Context(), &ssm.GetParameterHistoryInput{Name: aws.String(p.name("none"))})
	wantCode(t, err, "ParameterNotFound")
}

func versionSelector(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.mustPut("a", "first")
	p.mustPut("a", "second")
	p.wantValue("a:1", "first")
	p.wantValue("a:2", "second")
	p.wantValue("a", "second")
	p.wantMissing("a:3", "ParameterVersionNotFound")
}

func selectorRepeated(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.mustPut("a", "first")
	p.wantValue("a:1", "first")
	out, err := target.SSM.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(p.name("a:1"))})
	noError(t, err)
	got := []string{*out.Parameter.Name, aws.ToString(out.Parameter.Selector)}
	if diff := cmp.Diff([]string{p.name("a"), ":1"}, got); diff != "" {
		t.Errorf("name and selector (-want +got):\n%s", diff)
	}
}

func (p *parameters) label(version int64, labels ...string) []string {
	p.t.Helper()
	out, err := p.ssm.LabelParameterVersion(p.t.Context(), &ssm.LabelParameterVersionInput{
		Name: aws.String(p.name("a")), ParameterVersion: &version, Labels: labels,
	})
	noError(p.t, err)
	return out.InvalidLabels
}

func labelSelector(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.mustPut("a", "first")
	p.mustPut("a", "second")
	p.label(1, "good")
	p.wantValue("a:good", "first")
}

func labelMissing(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.mustPut("a", "x")
	p.wantValue("a", "x")
	p.wantMissing("a:bad", "ParameterVersionNotFound")
}

func labelMoves(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.mustPut("a", "first")
	p.mustPut("a", "second")
	p.label(1, "good")
	p.label(2, "good")
	p.wantValue("a:good", "second")
}

func labelForm(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.mustPut("a", "x")
	invalid := p.label(1, "1st", "aws-label", "ok")
	slices.Sort(invalid)
	if diff := cmp.Diff([]string{"1st", "aws-label"}, invalid); diff != "" {
		t.Errorf("invalid labels (-want +got):\n%s", diff)
	}
}

// putSecret makes the SecureString "a" of value "a secret", readable.
func (p *parameters) putSecret() {
	p.t.Helper()
	_, err := p.ssm.PutParameter(p.t.Context(), &ssm.PutParameterInput{
		Name: aws.String(p.name("a")), Value: aws.String("a secret"), Type: types.ParameterTypeSecureString,
	})
	noError(p.t, err)
	eventually(p.t, func(ctx context.Context) string {
		found, err := p.byPath(ctx, false, true)
		if err != nil {
			return err.Error()
		}
		return cmp.Diff(map[string]string{"a": "a secret"}, found)
	})
}

func secureStringDecrypted(t *testing.T, target Target) { parametersOf(t, target).putSecret() }

func secureStringHidden(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.putSecret()
	found, err := p.byPath(t.Context(), false, false)
	noError(t, err)
	if hidden := found["a"]; hidden == "" || strings.Contains(hidden, "a secret") {
		t.Errorf("read without decryption: %q, want ciphertext", hidden)
	}
}

// byPath reads all pages under the path: values by name below it.
func (p *parameters) byPath(ctx context.Context, recursive, decrypt bool) (map[string]string, error) {
	found := make(map[string]string)
	pages := ssm.NewGetParametersByPathPaginator(p.ssm, &ssm.GetParametersByPathInput{
		Path: &p.path, Recursive: &recursive, WithDecryption: &decrypt,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		if len(page.Parameters) > 10 {
			return nil, fmt.Errorf("page of %d parameters, want 10 at most", len(page.Parameters))
		}
		for _, f := range page.Parameters {
			name := strings.TrimPrefix(*f.Name, p.path+"/")
			if _, twice := found[name]; twice {
				return nil, fmt.Errorf("%s came twice", name)
			}
			found[name] = *f.Value
		}
	}
	return found, nil
}

// wantMany waits until GetParameters tells names apart as found, in order, and
// as unknown.
func (p *parameters) wantMany(asked, found, unknown []string) {
	p.t.Helper()
	full := func(names []string) (all []string) {
		for _, n := range names {
			all = append(all, p.name(n))
		}
		return all
	}
	eventually(p.t, func(ctx context.Context) string {
		out, err := p.ssm.GetParameters(ctx, &ssm.GetParametersInput{Names: full(asked)})
		if err != nil {
			return err.Error()
		}
		var got []string
		for _, f := range out.Parameters {
			got = append(got, *f.Name)
		}
		return cmp.Diff([][]string{full(found), full(unknown)}, [][]string{got, out.InvalidParameters}, cmpopts.EquateEmpty())
	})
}

func getManySorted(t *testing.T, target Target) {
	p := parametersOf(t, target)
	names := []string{"d", "b", "e", "a", "c", "f"}
	for _, n := range names {
		p.mustPut(n, "x")
	}
	p.wantMany(names, []string{"a", "b", "c", "d", "e", "f"}, nil)
}

func getManyUnknown(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.mustPut("a", "x")
	p.wantMany([]string{"none", "a"}, []string{"a"}, []string{"none"})
}

func getTooMany(t *testing.T, target Target) {
	p := parametersOf(t, target)
	names := make([]string, 11)
	for i := range names {
		names[i] = p.name(fmt.Sprint("n", i))
	}
	_, err := target.SSM.GetParameters(t.Context(), &ssm.GetParametersInput{Names: names})
	wantCode(t, err, "ValidationException")
}

func byPathPages(t *testing.T, target Target) {
	p := parametersOf(t, target)
	want := make(map[string]string)
	for i := range 23 {
		name := fmt.Sprintf("n%02d", i)
		want[name] = fmt.Sprint("value ", i)
		p.mustPut(name, want[name])
	}
	eventually(t, func(ctx context.Context) string {
		got, err := p.byPath(ctx, false, false)
		if err != nil {
			return err.Error()
		}
		return cmp.Diff(want, got)
	})
	_, err := target.SSM.GetParametersByPath(t.Context(), &ssm.GetParametersByPathInput{Path: &p.path, MaxResults: aws.Int32(11)})
	wantCode(t, err, "ValidationException")
}

func byPathLevels(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.mustPut("sub/a", "1")
	p.mustPut("sub/deep/b", "2")
	p.mustPut("subway/c", "3")
	sub := &parameters{t: t, ssm: p.ssm, path: p.path + "/sub"}
	for _, row := range []struct {
		recursive bool
		want      map[string]string
	}{
		{false, map[string]string{"a": "1"}},
		{true, map[string]string{"a": "1", "deep/b": "2"}},
	} {
		eventually(t, func(ctx context.Context) string {
			got, err := sub.byPath(ctx, row.recursive, false)
			if err != nil {
				return err.Error()
			}
			return cmp.Diff(row.want, got)
		})
	}
}

func byPathToken(t *testing.T, target Target) {
	p := parametersOf(t, target)
	_, err := target.SSM.GetParametersByPath(t.Context(), &ssm.GetParametersByPathInput{Path: &p.path, NextToken: aws.String("no token")})
	wantCode(t, err, "InvalidNextToken")
}

// history reads all pages of a parameter's history.
func (p *parameters) history(ctx context.Context) ([]types.ParameterHistory, error) {
	var all []types.ParameterHistory
	pages := ssm.NewGetParameterHistoryPaginator(p.ssm, &ssm.GetParameterHistoryInput{Name: aws.String(p.name("a"))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		if len(page.Parameters) > 50 {
			return nil, fmt.Errorf("page of %d versions, want 50 at most", len(page.Parameters))
		}
		all = append(all, page.Parameters...)
	}
	return all, nil
}

// wantHistory waits until the history is of versions from to to, in order.
func (p *parameters) wantHistory(from, to int) {
	p.t.Helper()
	eventually(p.t, func(ctx context.Context) string {
		all, err := p.history(ctx)
		if err != nil {
			return err.Error()
		}
		var want, got []string
		for n := from; n <= to; n++ {
			want = append(want, fmt.Sprintf("%d=value %d", n, n))
		}
		for _, v := range all {
			got = append(got, fmt.Sprintf("%d=%s", v.Version, *v.Value))
		}
		return cmp.Diff(want, got)
	})
}

func (p *parameters) putVersions(n int) {
	p.t.Helper()
	for i := range n {
		p.mustPut("a", fmt.Sprint("value ", i+1))
	}
}

func historyLength(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.putVersions(102)
	p.wantHistory(3, 102)
	p.wantMissing("a:2", "ParameterVersionNotFound")
}

func historyPages(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.putVersions(52)
	p.wantHistory(1, 52)
	_, err := target.SSM.GetParameterHistory(t.Context(), &ssm.GetParameterHistoryInput{Name: aws.String(p.name("a")), MaxResults: aws.Int32(51)})
	wantCode(t, err, "ValidationException")
}

func historyLabelled(t *testing.T, target Target) {
	p := parametersOf(t, target)
	p.putVersions(1)
	p.label(1, "keep")
	for i := range 99 {
		p.mustPut("a", fmt.Sprint("value ", i+2))
	}
	_, err := p.put("a", "one more")
	wantCode(t, err, "ParameterMaxVersionLimitExceeded")
	p.wantHistory(1, 100)
}

func deleteMissing(t *testing.T, target Target) {
	p := parametersOf(t, target)
	_, err := target.SSM.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String(p.name("none"))})
	wantCode(t, err, "ParameterNotFound")
	p.mustPut("a", "x")
	out, err := target.SSM.DeleteParameters(t.Context(), &ssm.DeleteParametersInput{Names: []string{p.name("a"), p.name("none")}})
	noError(t, err)
	got := map[string][]string{"deleted": out.DeletedParameters, "invalid": out.InvalidParameters}
	if diff := cmp.Diff(map[string][]string{"deleted": {p.name("a")}, "invalid": {p.name("none")}}, got); diff != "" {
		t.Errorf("DeleteParameters (-want +got):\n%s", diff)
	}
	p.wantMissing("a", "ParameterNotFound")
}
