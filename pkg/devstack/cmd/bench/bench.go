package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack"
	"auth0-logs-to-cloudwatch/pkg/devstack/progress"
	"auth0-logs-to-cloudwatch/pkg/devstack/tlsserver"
)

// bench is what the parts share: the programs they measure, each built when it
// is first asked for, and figures that one part has and another needs.
type bench struct {
	dir   string
	ca    *tlsserver.CA
	line  *progress.Line
	part  string
	begun progress.State // as the part began; the Text names the part
	said  atomic.Int64   // steps of the part that are done and told of
	built map[string]string
	// oneTook is how long runs with one fetcher took, over the standard
	// backlog.
	oneTook []time.Duration
}

func newBench(line *progress.Line) (*bench, error) {
	ca, err := tlsserver.NewCA()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	return &bench{dir: dir, ca: ca, line: line, built: make(map[string]string)}, nil
}

func (b *bench) close() {
	b.line.Close()
	_ = os.RemoveAll(b.dir)
}

// begin goes on to the part with an index of those to measure.
func (b *bench) begin(chosen []part, i int) {
	b.part = chosen[i].name
	b.begun = progress.State{
		Done: seconds(chosen[:i]), Total: seconds(chosen),
		Text: fmt.Sprintf("part %d of %d, %s", i+1, len(chosen), b.part),
	}
	b.said.Store(0)
	b.showStep()
}

// showStep shows which step of the part goes on now.
func (b *bench) showStep() { b.show(fmt.Sprintf("step %d", b.said.Load()+1)) }

func (b *bench) show(doing string) {
	s := b.begun
	s.Text += ": " + doing
	b.line.Show(s)
}

// say prints what a step came to, and goes on to the next. It may be called at
// once by what is measured side by side.
func (b *bench) say(format string, args ...any) {
	b.print(fmt.Sprintf(format, args...))
	b.said.Add(1)
	b.showStep()
}

func (b *bench) print(text string) {
	fmt.Fprintf(b.line, "%s %s: %s\n", time.Now().Format(time.TimeOnly), b.part, text)
}

// module is the name of this module and the folder of this program in it.
const (
	module  = "auth0-logs-to-cloudwatch"
	program = module + "/pkg/devstack/cmd/bench"
)

// exporter is the bootstrap that is deployed, but for this machine.
func (b *bench) exporter() (string, error) {
	return b.build("export", func(dir string) (string, error) { return devstack.Build(dir, "export") })
}

// baseline is the bootstrap that does the same work the plain way.
func (b *bench) baseline() (string, error) {
	return b.build("baseline", func(dir string) (string, error) { return goBuild(dir, program+"/baseline") })
}

// hello is the bootstrap that does nothing.
func (b *bench) hello() (string, error) {
	return b.build("hello", func(dir string) (string, error) { return goBuild(dir, program+"/hello") })
}

// build builds a program in a folder of its own, once.
func (b *bench) build(name string, build func(dir string) (string, error)) (string, error) {
	if path, ok := b.built[name]; ok {
		return path, nil
	}
	b.print("building " + name)
	b.show("building " + name)
	defer b.showStep()
	dir := filepath.Join(b.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	path, err := build(dir)
	if err != nil {
		return "", err
	}
	b.built[name] = path
	return path, nil
}

// goBuild compiles a package as devstack.Build compiles a function.
func goBuild(dir, pkg string, flags ...string) (string, error) {
	bootstrap := filepath.Join(dir, "bootstrap")
	args := append([]string{"build", "-trimpath", "-tags", "lambda.norpc", "-ldflags=-s", "-o", bootstrap}, flags...)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return bootstrap, nil
}

// moduleRoot is the folder that the module is in.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module's folder: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
