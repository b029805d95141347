package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"auth0-logs-to-cloudwatch/pkg/config"
	"auth0-logs-to-cloudwatch/pkg/export"
	"auth0-logs-to-cloudwatch/pkg/verify"
)

// pages are the pages for people: those of the top folder and of docs, by
// their paths in the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		files, err := filepath.Glob(filepath.Join(repository, filepath.FromSlash(pattern)))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			name, err := filepath.Rel(repository, file)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.ToSlash(name)] = string(readFile(t, file))
		}
	}
	return found
}

var (
	codeBlock = regexp.MustCompile("(?ms)^```.*?^```|^    [^\n]*$")
	codeMark  = regexp.MustCompile("`[^`\n]*`")
	linkText  = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	titles    = regexp.MustCompile(`(?m)^#{1,6} +(.+?)\s*$`)
)

// anchors are the names by which the headings of a page are linked, as GitHub
// makes them: small letters, digits, hyphens and underscores, with a hyphen for
// a space, and a number where the name was there before.
func anchors(text string) []string {
	var names []string
	for _, m := range titles.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, linkText.ReplaceAllString(strings.ReplaceAll(m[1], "[", ""), ""))
		unique := name
		for n := 1; slices.Contains(names, unique); n++ {
			unique = fmt.Sprintf("%s-%d", name, n)
		}
		names = append(names, unique)
	}
	return names
}

// TestLinksLeadSomewhere follows every link of a page within the repository, to
// its file and to its heading.
func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	followed := 0
	for page, text := range all {
		text = codeMark.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), "")
		for _, m := range linkText.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			followed++
			path, anchor, hasAnchor := strings.Cut(m[1], "#")
			target := page
			if path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(filepath.FromSlash(page)), filepath.FromSlash(path)))
			}
			if found, err := filepath.Glob(filepath.Join(repository, filepath.FromSlash(target))); err != nil || len(found) != 1 {
				t.Errorf("%s links %s, which is not there", page, m[1])
				continue
			}
			if hasAnchor && !slices.Contains(anchors(all[target]), anchor) {
				t.Errorf("%s links %s: %s has no such heading", page, m[1], target)
			}
		}
	}
	if followed < 50 {
		t.Errorf("only %d links were found", followed)
	}
}

// commands are the lines of code of a page, each with those that continue it.
func commands(text string) []string {
	var all []string
	continued := false
	for _, block := range codeBlock.FindAllString(text, -1) {
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			part, more := strings.CutSuffix(line, `\`)
			if continued {
				all[len(all)-1] += " " + part
			} else {
				all = append(all, part)
			}
			continued = more
		}
	}
	return all
}

// keysOf are the keys that an action's event may have, nil for the export.
func keysOf(action string) any {
	return map[string]any{"check": &checkKeys{}, "replay": &replayKeys{}, "verify": &verifyKeys{}, "preview": &verify.PreviewRequest{}}[action]
}

var (
	payload  = regexp.MustCompile(`--payload '([^']*)'`)
	makeCall = regexp.MustCompile(`^make +([a-z]+)((?: +[A-Z_]+=\S+)*)`)
)

// TestPagesSendWhatIsUnderstood: an event that a page has somebody send is one
// that the function takes, and is sent so that the AWS CLI waits for the answer
// and does not ask twice.
func TestPagesSendWhatIsUnderstood(t *testing.T) {
	sent := 0
	for page, text := range pages(t) {
		for _, c := range commands(text) {
			if !strings.Contains(c, "aws lambda invoke") {
				continue
			}
			sent++
			if !strings.Contains(c, "--cli-binary-format raw-in-base64-out") ||
				strings.Contains(c, "--cli-read-timeout 330") == strings.Contains(c, "--invocation-type Event") {
				t.Errorf("%s: the AWS CLI would not send this, or not wait: %s", page, c)
			}
			for _, m := range payload.FindAllStringSubmatch(c, -1) {
				r, err := parseRequest([]byte(m[1]))
				if keys := keysOf(r.action); err == nil && keys != nil {
					err = r.decode(keys, "")
				}
				if err != nil {
					t.Errorf("%s: %s: %v", page, m[1], err)
				}
			}
		}
	}
	if sent < 10 {
		t.Errorf("only %d invocations were found", sent)
	}
}

// TestPagesMakeWhatThereIs: a target that a page has somebody make is one of the
// Makefile, and takes the variables that the page gives it.
func TestPagesMakeWhatThereIs(t *testing.T) {
	makefile := string(readFile(t, filepath.Join(repository, "Makefile")))
	seen := 0
	for page, text := range pages(t) {
		for _, c := range commands(text) {
			m := makeCall.FindStringSubmatch(c)
			if m == nil {
				continue
			}
			seen++
			if !strings.Contains(makefile, "\n"+m[1]+":") {
				t.Errorf("%s: the Makefile has no %s", page, m[1])
			}
			for _, pair := range strings.Fields(m[2]) {
				name, _, _ := strings.Cut(pair, "=")
				if !regexp.MustCompile(`\b` + name + `\b`).MatchString(makefile) {
					t.Errorf("%s: the Makefile knows no %s", page, pair)
				}
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d calls of make were found", seen)
	}
}

// rowsBehind are the cells of the rows of the first table behind a text of a page,
// without its head.
func rowsBehind(t *testing.T, page, text string) (rows [][]string) {
	t.Helper()
	_, rest, found := strings.Cut(page, text)
	_, rest, table := strings.Cut(rest, "\n| --- |")
	if !found || !table {
		t.Fatalf("there is no table behind %q", text)
	}
	for _, line := range strings.Split(rest, "\n")[1:] {
		row, isRow := strings.CutPrefix(line, "| ")
		if !isRow {
			break
		}
		rows = append(rows, strings.Split(strings.TrimSuffix(row, " |"), " | "))
	}
	return rows
}

// firstColumn are the cells of the first column of the first table behind a
// heading.
func firstColumn(t *testing.T, page, heading string) (cells []string) {
	t.Helper()
	for _, row := range rowsBehind(t, page, "\n## "+heading+"\n") {
		cells = append(cells, row[0])
	}
	return cells
}

// coded is what a cell sets in code.
func coded(cell string) []string {
	marks := codeMark.FindAllString(cell, -1)
	for i, m := range marks {
		marks[i] = strings.Trim(m, "`")
	}
	return marks
}

// TestSettingsTable: the README names each parameter with its type, and no other.
func TestSettingsTable(t *testing.T) {
	readme := string(readFile(t, filepath.Join(repository, "README.md")))
	got := map[string]string{}
	for _, row := range rowsBehind(t, readme, "\n## Settings\n") {
		for _, name := range coded(row[0]) {
			got[name] = row[1]
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
	if diff := cmp.Diff(want, got); diff != "" {
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
		for _, row := range rowsBehind(t, text, role.under) {
			for _, sid := range coded(row[0]) {
				got[sid] = coded(row[1])
			}
		}
		sorted := cmp.Transformer("sorted", func(s []string) []string { return slices.Sorted(slices.Values(s)) })
		if diff := cmp.Diff(want, got, sorted); diff != "" {
			t.Errorf("%s (-template +page):\n%s", role.id, diff)
		}
	}
}

// TestStatePage: the page explains each key that RUN may hold.
func TestStatePage(t *testing.T) {
	var got []string
	for _, cell := range firstColumn(t, page(t, "state.md"), "What RUN holds") {
		got = append(got, coded(cell)...)
	}
	var want []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[export.RunRecord]()) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			want = append(want, name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys of RUN (-the code has, +the page has):\n%s", diff)
	}
}

// TestQueriesPage: the page lists the saved queries, and the types that are
// counted, as the template has them.
func TestQueriesPage(t *testing.T) {
	text := page(t, "queries.md")
	want := slices.Sorted(maps.Keys(newStack(t, nil).savedQueries(t)))
	got := firstColumn(t, text, "Saved queries")
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("saved queries (-the template has, +the page has):\n%s", diff)
	}
	s := newStack(t, map[string]any{"EventMetrics": "true"})
	for _, id := range s.ofType("AWS::Logs::MetricFilter") {
		p := s.properties(t, id)
		name := p["MetricTransformations"].([]any)[0].(map[string]any)["MetricName"].(string)
		types := quoted.FindAllString(p["FilterPattern"].(string), -1)
		row := regexp.MustCompile("(?m)^\\| `" + name + "` \\| (.*) \\|$").FindStringSubmatch(text)
		if row == nil {
			t.Errorf("the page lacks the metric %s", name)
			continue
		}
		listed := strings.Fields(strings.ReplaceAll(row[1], "`", `"`))
		slices.Sort(types)
		slices.Sort(listed)
		if diff := cmp.Diff(types, listed); diff != "" {
			t.Errorf("types of %s (-the template has, +the page has):\n%s", name, diff)
		}
	}
}

// TestAlarmsPage: the page's table has every alarm of the stack, by its name.
func TestAlarmsPage(t *testing.T) {
	s := newStack(t, nil)
	var want []string
	for _, id := range s.ofType("AWS::CloudWatch::Alarm") {
		if r := s.resource(id); r != nil {
			name := r["Properties"].(map[string]any)["AlarmName"].(string)
			want = append(want, strings.Replace(name, "auth0-logs", "`STACK", 1)+"`")
		}
	}
	_, text, _ := strings.Cut(page(t, "alarms.md"), "\n")
	got := firstColumn(t, "\n## Alarms\n"+text, "Alarms")
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alarms (-the template has, +the page has):\n%s", diff)
	}
}
