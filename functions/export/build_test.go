package main

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/auth0"
	"auth0-logs-to-cloudwatch/pkg/export"
)

// maxBootstrap is the size in bytes that a bootstrap may have: Lambda loads it
// at each cold start. The widget's holds html/template, which calls methods by
// their names, so that the linker has to keep every method of the SDK.
var maxBootstrap = map[string]int64{"ExportFunction": 12 << 20, "StatusFunction": 22 << 20}

// TestBootstraps builds each function of the template as "sam build" does,
// twice, and looks at what comes out.
func TestBootstraps(t *testing.T) {
	if testing.Short() {
		t.Skip("builds every function for arm64: not in -short mode")
	}
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not on the PATH")
	}
	first, second := copyTree(t), copyTree(t)
	for _, id := range newStack(t, nil).ofType("AWS::Serverless::Function") {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			path := samBuild(t, first, id)
			again := samBuild(t, second, id)
			checkELF(t, path, maxBootstrap[id])
			checkBuildInfo(t, path)
			if !bytes.Equal(readFile(t, path), readFile(t, again)) {
				t.Error("builds in two folders differ")
			}
			if id == "ExportFunction" && !bytes.Contains(readFile(t, path), []byte(product+"/"+export.Version)) {
				t.Errorf("the bootstrap does not hold its name and version %s/%s", product, export.Version)
			}
		})
	}
}

// TestVersionIsTold: whoever reads the result, the function's log or RUN, from
// which the widget has it, sees which version was at work.
func TestVersionIsTold(t *testing.T) {
	if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(export.Version) {
		t.Errorf("version %q is not one of Semantic Versioning", export.Version)
	}
	b := newBench(t, devstack.Options{}, auth0.Options{Seed: 1})
	r := b.tick(export.OK)
	var run export.RunRecord
	if err := json.Unmarshal([]byte(b.tenant.Get(export.RunName)), &run); err != nil {
		t.Fatal(err)
	}
	if r.Version != export.Version || run.Last.Version != export.Version {
		t.Errorf("version in the log %q, in RUN %q, want %q", r.Version, run.Last.Version, export.Version)
	}
}

// samBuild builds a function in a tree, and answers its bootstrap: the only
// file that the build may leave.
func samBuild(t *testing.T, tree, id string) string {
	t.Helper()
	artifacts := t.TempDir()
	cmd := exec.Command("make", "--makefile", filepath.Join(tree, "Makefile"), "build-"+id)
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "ARTIFACTS_DIR="+artifacts)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	entries, err := os.ReadDir(artifacts)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != "bootstrap" {
		t.Fatalf("the build leaves %v, want bootstrap alone", entries)
	}
	return filepath.Join(artifacts, "bootstrap")
}

// TestBuildTargetNeedsArtifactsDir keeps a build by hand from writing to /bootstrap.
func TestBuildTargetNeedsArtifactsDir(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not on the PATH")
	}
	for _, id := range newStack(t, nil).ofType("AWS::Serverless::Function") {
		cmd := exec.Command("make", "build-"+id)
		cmd.Dir = repository
		cmd.Env = append(os.Environ(), "ARTIFACTS_DIR=")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "ARTIFACTS_DIR is empty") {
			t.Errorf("%s: %v\n%s", cmd, err, out)
		}
	}
}

// copyTree copies the repository as SAM does: without .git and .aws-sam.
func copyTree(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(repository, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && slices.Contains([]string{".git", ".aws-sam", "bin"}, name):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		case name == ".git": // a file in a work tree of its own
			return nil
		}
		return os.WriteFile(filepath.Join(to, name), readFile(t, path), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// checkELF checks what Lambda needs of a bootstrap: an executable for arm64
// that asks for no dynamic linker.
func checkELF(t *testing.T, path string, maxSize int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode()&0o111 == 0 {
		t.Errorf("mode %v is not executable", info.Mode())
	}
	if info.Size() >= maxSize {
		t.Errorf("size = %d bytes, want less than %d", info.Size(), maxSize)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Machine != elf.EM_AARCH64 {
		t.Errorf("machine = %v, want %v", f.Machine, elf.EM_AARCH64)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary is linked dynamically")
		}
	}
}

func checkBuildInfo(t *testing.T, path string) {
	t.Helper()
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []debug.BuildSetting{
		{Key: "GOOS", Value: "linux"},
		{Key: "GOARCH", Value: "arm64"},
		{Key: "CGO_ENABLED", Value: "0"},
		{Key: "-trimpath", Value: "true"},
		{Key: "-tags", Value: "lambda.norpc"},
	} {
		if !slices.Contains(info.Settings, want) {
			t.Errorf("built without %s=%s: %v", want.Key, want.Value, info.Settings)
		}
	}
}

// TestNoStandInIsLinked keeps what plays Auth0 and AWS in tests out of the bootstraps.
func TestNoStandInIsLinked(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "./functions/...")
	cmd.Dir = repository
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	const module = "auth0-logs-to-cloudwatch/"
	packages := strings.Fields(string(out))
	if !slices.Contains(packages, module+"functions/export") {
		t.Fatalf("%s lists no function of ours", cmd)
	}
	for _, p := range packages {
		if strings.HasPrefix(p, module+"pkg/devstack") {
			t.Errorf("%s is linked into a bootstrap", p)
		}
	}
}

// linkedLibrary is a row of docs/licences.md.
type linkedLibrary struct {
	name, version, licence string
}

// listedLibraries are the rows of docs/licences.md.
func listedLibraries(t *testing.T) []linkedLibrary {
	t.Helper()
	var out []linkedLibrary
	for line := range strings.Lines(string(readFile(t, filepath.Join(repository, "docs", "licences.md")))) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 3 || cells[0] == "| library" || strings.HasPrefix(cells[0], "| -") {
			continue
		}
		out = append(out, linkedLibrary{strings.TrimPrefix(cells[0], "| "), cells[1], strings.TrimSuffix(cells[2], " |")})
	}
	return out
}

// TestLicencesAreListed compares docs/licences.md with the modules that are
// linked into the bootstraps. A library is a module or, where a part of one has
// a licence of its own, that part. "make licences" writes the list anew.
func TestLicencesAreListed(t *testing.T) {
	allowed := []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT"}
	linked := linkedModules(t)
	missing := maps.Clone(linked)
	for _, l := range listedLibraries(t) {
		module := moduleOf(linked, l.name)
		if version := linked[module]; module == "" || version != l.version {
			t.Errorf("docs/licences.md lists %s %s, linked is %q", l.name, l.version, version)
		}
		if !slices.Contains(allowed, l.licence) {
			t.Errorf("%s has the licence %s, which nobody has looked at", l.name, l.licence)
		}
		delete(missing, module)
	}
	for module, version := range missing {
		t.Errorf("docs/licences.md lacks %s %s: make licences", module, version)
	}
}

// linkedModules are the foreign modules of the bootstraps, with their versions.
func linkedModules(t *testing.T) map[string]string {
	t.Helper()
	const modules = "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}"
	cmd := exec.Command("go", "list", "-deps", "-tags", "lambda.norpc", "-f", modules, "./functions/...")
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	linked := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		if path, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			linked[path] = version
		}
	}
	return linked
}

// moduleOf is the module that a package belongs to: the longest path that the
// package's begins with, "" for none.
func moduleOf(linked map[string]string, pkg string) string {
	found := ""
	for path := range linked {
		if (pkg == path || strings.HasPrefix(pkg, path+"/")) && len(path) > len(found) {
			found = path
		}
	}
	return found
}
