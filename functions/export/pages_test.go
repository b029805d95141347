package main

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/config"
)

// code finds what a page sets in code.
var code = regexp.MustCompile("`([^`]+)`")

// coded returns what a cell of a table sets in code.
func coded(cell string) (out []string) {
	for _, m := range code.FindAllStringSubmatch(cell, -1) {
		out = append(out, m[1])
	}
	return out
}

// rowsUnder returns the cells of the first table after a text of a page.
func rowsUnder(t *testing.T, page, text string) (rows [][]string) {
	t.Helper()
	_, rest, ok := strings.Cut(page, text)
	if !ok {
		t.Fatalf("the page does not have %q", text)
	}
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "|"):
			rows = append(rows, strings.Split(strings.Trim(line, "|"), "|"))
		case len(rows) > 0:
			return rows[2:] // without the head
		}
	}
	return nil
}

// TestSettingsTable: the README names each parameter with its type, and no other.
func TestSettingsTable(t *testing.T) {
	readme := string(must(os.ReadFile(filepath.Join(repository, "README.md"))))
	got := map[string]string{}
	for _, row := range rowsUnder(t, readme, "\n## Settings\n") {
		for _, name := range coded(row[0]) {
			got[name] = strings.TrimSpace(row[1])
		}
	}
	want := map[string]string{}
	for _, p := range config.Parameters() {
		want[p.Name] = "String"
		if p.Secure {
			want[p.Name] = "SecureString"
		}
	}
	// Told in the row of SLACK_INCOMING_WEBHOOK_URL; there while an action is open.
	for _, name := range []string{"SLACK_INCOMING_WEBHOOK", "REPLAY", "VERIFY"} {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is no parameter", name)
		}
		delete(want, name)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-code +README):\n%s", diff)
	}
}

// TestRolesPage: the page lists the statements of both roles with their actions.
func TestRolesPage(t *testing.T) {
	s := newStack(t, map[string]any{
		"SecretsKeyArn": keyARN, "CloudwatchRoleArn": roleARN, "AssumableRoleArns": otherRoleARN, "CreateLogGroup": "false",
		"StatusWidgetMaySteer": "true", "Tracing": "true", "VpcSubnetIds": "subnet-1", "VpcSecurityGroupIds": "sg-1",
	})
	text := page(t, "roles.md")
	for _, role := range []struct{ id, under string }{{"ExportRole", "The export function's:"}, {"StatusRole", "The status widget's"}} {
		want := map[string][]string{}
		for sid, statement := range s.statements(t, role.id) {
			want[sid] = statement.Actions
		}
		got := map[string][]string{}
		for _, row := range rowsUnder(t, text, role.under) {
			for _, sid := range coded(row[0]) {
				got[sid] = coded(row[1])
			}
		}
		sorted := gocmp.Transformer("sorted", func(s []string) []string { return slices.SortedFunc(slices.Values(s), cmp.Compare) })
		if diff := gocmp.Diff(want, got, sorted); diff != "" {
			t.Errorf("%s (-template +page):\n%s", role.id, diff)
		}
	}
}
