package schedule

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// TestTenantOf agrees with what the function makes of its event.
func TestTenantOf(t *testing.T) {
	input := func(text string) types.Target { return types.Target{Input: aws.String(text)} }
	for _, row := range []struct {
		name   string
		target types.Target
		want   string // "" for none
	}{
		{"the scheduled event", types.Target{}, "default"},
		{"empty object", input(`{}`), "default"},
		{"tenant", input(`{"tenant":"acme"}`), "acme"},
		{"spaces and escapes", input("\n{ \"tenant\" : \"\\u0061cme\" }"), "acme"},
		{"empty tenant", input(`{"tenant":""}`), ""},
		{"no text", input(`{"tenant":5}`), ""},
		{"null tenant", input(`{"tenant":null}`), ""},
		{"other case", input(`{"Tenant":"acme"}`), ""},
		{"misspelt", input(`{"tenent":"acme"}`), ""},
		{"one key too many", input(`{"tenant":"acme","tenent":"acme"}`), ""},
		{"another action", input(`{"action":"verify","tenant":"acme"}`), ""},
		{"null", input(`null`), ""},
		{"list", input(`["acme"]`), ""},
		{"no JSON", input(`acme`), ""},
		{"empty input", input(``), ""},
		{"input path", types.Target{InputPath: aws.String("$.detail")}, ""},
		{"input transformer", types.Target{InputTransformer: &types.InputTransformer{InputTemplate: aws.String(`{"tenant":"acme"}`)}}, ""},
	} {
		if got, ok := tenantOf(row.target); ok != (row.want != "") || ok && got != row.want {
			t.Errorf("%s: got %q, %v; want %q", row.name, got, ok, row.want)
		}
	}
}

func TestAsksForAction(t *testing.T) {
	for input, want := range map[string]bool{
		`{"action":"verify","tenant":"acme"}`: true, `{"action":"check"}`: true,
		`{"action":""}`: false, `{"action":5}`: false, `{"Action":"check"}`: false, `{"tenant":"action"}`: false, `"action"`: false, ``: false,
	} {
		if got := asksForAction(types.Target{Input: aws.String(input)}); got != want {
			t.Errorf("%s: %v, want %v", input, got, want)
		}
	}
	if asksForAction(types.Target{}) {
		t.Error("a target without an input asks for an action")
	}
}
