package lambda

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// eventually looks again and again until ok. It gives up after a time that no
// healthy machine needs.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never %s", what)
		}
	}
}

// states are the states of all threads of a process, such as 'T' for stopped;
// none when it is gone.
func states(t *testing.T, pid int) []byte {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	var list []byte
	for _, file := range files {
		if stat, err := os.ReadFile(file); err == nil {
			list = append(list, stat[bytes.LastIndexByte(stat, ')')+2])
		}
	}
	return list
}

// stopped reports whether no thread of a process can run.
func stopped(t *testing.T, pid int) func() bool {
	return func() bool {
		list := states(t, pid)
		return len(list) > 0 && len(bytes.Trim(list, "T")) == 0
	}
}

func TestFrozenBetweenRuns(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "function", nil)
	pid := lookAt(t, f).PID
	eventually(t, "stopped", stopped(t, pid))
	if again := lookAt(t, f).PID; again != pid {
		t.Errorf("process %d, want %d", again, pid)
	}
	eventually(t, "stopped again", stopped(t, pid))
	f.Cool()
	if list := states(t, pid); len(list) != 0 {
		t.Errorf("process left after Cool: %s", list)
	}
}

func TestNoFreeze(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "function", func(o *Options) { o.NoFreeze = true })
	pid := lookAt(t, f).PID
	// Were it to be stopped, that would have been asked before Invoke returned.
	if list := states(t, pid); bytes.ContainsRune(list, 'T') {
		t.Errorf("threads are %s", list)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	f := newFunction(t, "function", nil)
	first := invoke(t, f, order{Do: "size", Size: 5 << 20})
	if first.Usage.PeakRSS < 5<<20 || first.Usage.PeakRSS > 1<<30 {
		t.Errorf("peak of %d bytes after an answer of 5 MB", first.Usage.PeakRSS)
	}
	second := invoke(t, f, order{})
	if second.Usage.PeakRSS < first.Usage.PeakRSS || second.Usage.CPU < first.Usage.CPU {
		t.Errorf("usage went down from %+v to %+v", first.Usage, second.Usage)
	}
	f.Cool()
	all := f.Usage()
	if all.PeakRSS < second.Usage.PeakRSS || all.CPU <= 0 {
		t.Errorf("usage after the process: %+v, before %+v", all, second.Usage)
	}
}

func TestProcessDiesWithItsParent(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(exe)
	parent.Env = []string{role + "=parent"}
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	lines.Scan()
	var child seen
	if err := json.Unmarshal(lines.Bytes(), &child); err != nil {
		t.Fatal(err)
	}
	// At work, unlike between runs, it depends on nobody and would live on.
	if lines.Scan(); lines.Text() != "hanging" {
		t.Fatalf("got %q, want hanging", lines.Text())
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	eventually(t, "gone", func() bool {
		// Where nobody collects the orphan it stays as a zombie.
		return len(bytes.Trim(states(t, child.PID), "ZX")) == 0
	})
}

func TestParsePeakRSS(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status string
		want   int64
	}{
		"present": {"Name:\tbootstrap\nVmPeak:\t  99 kB\nVmHWM:\t   21504 kB\n", 21504 << 10},
		"zombie":  {"Name:\tbootstrap\nState:\tZ (zombie)\n", 0},
		"strange": {"VmHWM:\tmuch kB\n", 0},
	} {
		if got := parsePeakRSS([]byte(row.status)); got != row.want {
			t.Errorf("%s: %d, want %d", name, got, row.want)
		}
	}
}

func TestParseCPUTime(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		stat string
		want time.Duration
	}{
		"plain":     {"7 (bootstrap) S 1 7 7 0 -1 4194304 500 0 0 0 12 30 0 0 20 0 8 0 100", 420 * time.Millisecond},
		"odd name":  {"7 (a) b 1) S 1 7 7 0 -1 4194304 500 0 0 0 12 30 0 0 20 0 8 0 100", 420 * time.Millisecond},
		"cut short": {"7 (bootstrap) S 1", 0},
		"empty":     {"", 0},
	} {
		if got := parseCPUTime([]byte(row.stat)); got != row.want {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

func FuzzParseProc(f *testing.F) {
	f.Add([]byte("VmHWM:\t   21504 kB\n"))
	f.Add([]byte("7 (bootstrap) S 1 7 7 0 -1 4194304 500 0 0 0 12 30 0 0 20 0 8 0 100"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.ContainsRune(text, '-') {
			return
		}
		if n := parsePeakRSS(text); n < 0 {
			t.Errorf("peak %d", n)
		}
		if d := parseCPUTime(text); d < 0 {
			t.Errorf("cpu time %v", d)
		}
	})
}
