package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// runbook is docs/runbook.md: of each section the names that its headings have
// in code marks, and the lines that it quotes of the code's texts.
type runbook struct {
	headings map[string][]string
	quotes   map[string][]string
}

var heading = regexp.MustCompile("^### `([^`]+)`")

func readRunbook(t *testing.T) runbook {
	t.Helper()
	b := runbook{headings: map[string][]string{}, quotes: map[string][]string{}}
	var section, title string
	for line := range strings.Lines(string(readFile(t, filepath.Join(repository, "docs", "runbook.md")))) {
		line = strings.TrimSpace(line)
		switch name := heading.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "## "):
			section, title = strings.TrimPrefix(line, "## "), ""
		case name != nil:
			b.headings[section] = append(b.headings[section], name[1])
		case strings.HasPrefix(line, "### "):
			title = strings.TrimPrefix(line, "### ")
			b.quotes[title] = nil
		case strings.HasPrefix(line, "> "):
			b.quotes[title] = append(b.quotes[title], strings.TrimPrefix(line, "> "))
		}
	}
	return b
}

// TestRunbookCoversTheCode: whatever an operator can be woken by has its
// heading, and no heading names what is no more.
func TestRunbookCoversTheCode(t *testing.T) {
	report := filepath.Join(repository, "pkg", "export")
	want := map[string][]string{
		"Alarms":            newStack(t, nil).ofType("AWS::CloudWatch::Alarm"),
		"Error kinds":       constants(t, report, "Kind"),
		"Outcomes":          constants(t, report, "Outcome"),
		"Slack messages":    constants(t, report, "NoticeKind"),
		"Replay and verify": constants(t, report, "State"),
	}
	got := readRunbook(t).headings
	for _, names := range got {
		slices.Sort(names)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headings of docs/runbook.md (-the code has, +the page has):\n%s", diff)
	}
}

// TestRunbookQuotesTheCode: a warning is found in the runbook by its words, so
// they must be those that the code says.
func TestRunbookQuotesTheCode(t *testing.T) {
	var said []string
	for _, dir := range []string{"functions", "pkg"} {
		said = append(said, literals(t, filepath.Join(repository, dir))...)
	}
	for title, quotes := range readRunbook(t).quotes {
		if len(quotes) == 0 {
			t.Errorf("%q quotes no warning", title)
		}
		for _, q := range quotes {
			if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, q) }) {
				t.Errorf("%q quotes what the code does not say: %s", title, q)
			}
		}
	}
}

// constants are the values of a package's text constants of the given types,
// sorted, each once.
func constants(t *testing.T, dir string, types ...string) []string {
	t.Helper()
	var values []string
	for _, file := range sources(t, dir) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			typ, ok := spec.Type.(*ast.Ident)
			if !ok || !slices.Contains(types, typ.Name) {
				return true
			}
			for _, v := range spec.Values {
				if text, ok := literal(v); ok {
					values = append(values, text)
				}
			}
			return true
		})
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// literals are the texts in the Go files under a folder.
func literals(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	for _, file := range sources(t, dir) {
		ast.Inspect(file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if text, ok := literal(e); ok {
					out = append(out, text)
				}
			}
			return true
		})
	}
	return out
}

func literal(e ast.Expr) (text string, ok bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// sources are the product's Go files under a folder: no tests, no stand-ins.
func sources(t *testing.T, dir string) []*ast.File {
	t.Helper()
	var files []*ast.File
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "devstack":
			return fs.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		files = append(files, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
