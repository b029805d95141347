package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// page reads one of the folder docs.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTenantsPage checks that what the page has rules and people send names the
// tenant of the example and asks for what there is.
func TestTenantsPage(t *testing.T) {
	text := page(t, "tenants.md")
	var inputs []string
	for _, m := range regexp.MustCompile(`--payload '([^']+)'|"Input":"((?:[^"\\]|\\.)+)"|`+"`"+`(\{"action"[^`+"`"+`]+)`).FindAllStringSubmatch(text, -1) {
		inputs = append(inputs, m[1]+strings.ReplaceAll(m[2], `\"`, `"`)+m[3])
	}
	const payload, target, verification = 1, 1, 1
	if len(inputs) != payload+target+verification {
		t.Errorf("the page has the inputs %q", inputs)
	}
	for _, input := range inputs {
		var keys struct{ Action, Tenant string }
		if err := json.Unmarshal([]byte(input), &keys); err != nil || keys.Tenant != "acme" {
			t.Errorf("%s: tenant %q, %v", input, keys.Tenant, err)
		}
		if r, err := parseRequest([]byte(input)); err != nil || r.tenant != "acme" {
			t.Errorf("%s asks for %+v, %v", input, r, err)
		}
	}
	// The commands that make a rule, in their order.
	at := 0
	for _, command := range []string{"put-rule", "add-permission", "--principal events.amazonaws.com --source-arn", "put-targets"} {
		i := strings.Index(text[at:], command)
		if i < 0 {
			t.Fatalf("%s is missing, or not in its place", command)
		}
		at += i
	}
	s := newStack(t, nil)
	for _, output := range []string{"ExportFunctionArn", "FunctionLink"} {
		if _, ok := s.outputs(t)[output]; !ok || !strings.Contains(text, "`"+output+"`") {
			t.Errorf("the page or the template does not have the output %s", output)
		}
	}
}

// TestAccountsPage holds the role of the walk-through against what the export
// function is allowed in its own account, and its deployments against the
// template's rules.
func TestAccountsPage(t *testing.T) {
	text := page(t, "accounts.md")
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(blocks) != 3 {
		t.Fatalf("%d policies, want trust, rights and the key's", len(blocks))
	}
	type statement struct {
		Effect           string
		Action, Resource any
		Condition        map[string]map[string]string
	}
	var trust, rights, key struct{ Statement []statement }
	for i, v := range []any{&trust, &rights, &key} {
		if err := json.Unmarshal([]byte(blocks[i][1]), v); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]map[string]string{
		"StringEquals": {"sts:ExternalId": "EXTERNAL_ID"},
		"ArnLike":      {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/auth0-logs-ExportRole-*"},
	}
	if diff := cmp.Diff(want, trust.Statement[0].Condition); diff != "" || newStack(t, nil).resource("ExportRole") == nil {
		t.Errorf("whom the role trusts (-want +got):\n%s", diff)
	}
	own := newStack(t, map[string]any{"AWS::AccountId": "444455556666"}).statements(t, "ExportRole")
	for i, sid := range []string{"DeliverLogEvents", "FindLogGroup"} {
		got := rights.Statement[i]
		if diff := cmp.Diff(own[sid], iamStatement{Actions: stringsOf(got.Action), Resources: stringsOf(got.Resource)}); diff != "" {
			t.Errorf("%s (-the function's own role +the page's):\n%s", sid, diff)
		}
	}
	group := map[string]map[string]string{
		"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": strings.TrimSuffix(own["DeliverLogEvents"].Resources[0], ":*")},
	}
	if diff := cmp.Diff(group, key.Statement[1].Condition); diff != "" {
		t.Errorf("what the key is for (-the group of the rights +the page's):\n%s", diff)
	}
	deployments := regexp.MustCompile(`(?s)sam deploy [^\n]*--parameter-overrides \\\n(.*?)\n\n`).FindAllStringSubmatch(text, -1)
	if len(deployments) != 3 {
		t.Errorf("the page has the deployments %q", deployments)
	}
	for _, block := range deployments {
		values := map[string]any{}
		var roles []string
		for _, pair := range strings.Fields(strings.ReplaceAll(block[1], "\\\n", " ")) {
			name, value, _ := strings.Cut(pair, "=")
			values[name] = value
			switch name {
			case "CloudwatchRoleArn":
				roles = append(roles, value)
			case "AssumableRoleArns":
				values[name] = strings.Split(value, ",")
				roles = append(roles, strings.Split(value, ",")...)
			}
		}
		s := newStack(t, values)
		if refusals := s.refusals(); len(refusals) > 0 {
			t.Errorf("%s is refused: %q", block[1], refusals)
		}
		may := s.statements(t, "ExportRole")
		assumable := slices.Concat(may["AssumeDeliveryRole"].Resources, may["AssumeDeliveryRoleOfOtherTenants"].Resources)
		if diff := cmp.Diff(roles, assumable); diff != "" {
			t.Errorf("%s: the roles that the function may assume (-the page's, +the template's):\n%s", block[1], diff)
		}
	}
}
