package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

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
