package lambda

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// process is one run of the bootstrap.
type process struct {
	cmd     *exec.Cmd
	out     *output
	started time.Time
	// exited is closed when the process is gone and its output is read.
	exited chan struct{}

	mu   sync.Mutex
	peak int64 // the most resident memory seen, in bytes
}

func startProcess(bootstrap string, env []string, logs *logbook, stream string) (*process, error) {
	out, err := newOutput(logs, stream)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(bootstrap)
	cmd.Dir = filepath.Dir(bootstrap)
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = out.w, out.w
	cmd.SysProcAttr = attributes()
	p := &process{cmd: cmd, out: out, started: logs.now(), exited: make(chan struct{})}
	failed := make(chan error)
	go p.run(failed)
	if err := <-failed; err != nil {
		return nil, fmt.Errorf("start bootstrap: %w", err)
	}
	return p, nil
}

// run starts the process, says how that went, and waits for its end. All of it
// happens on one thread: a process asked to die with its parent dies with the
// thread that started it.
func (p *process) run(failed chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		p.out.close()
		failed <- err
		return
	}
	failed <- nil
	// How it ended stays in ProcessState.
	_ = p.cmd.Wait()
	p.out.close()
	close(p.exited)
}

// kill ends the process with SIGKILL, frozen or not, and waits for its end.
func (p *process) kill() {
	p.sample()
	// The one error is that it is gone already.
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// exitText says in Lambda's words how the process ended.
func (p *process) exitText() string {
	if p.cmd.ProcessState.Success() {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + p.cmd.ProcessState.String()
}

// sample notes the memory in use so far. It must be asked while the process
// lives: what the system tells afterwards counts in the memory of the parent
// that the child was split from.
func (p *process) sample() {
	peak := peakRSS(p.cmd.Process.Pid)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peak = max(p.peak, peak)
}

func (p *process) usage() Usage {
	p.mu.Lock()
	u := Usage{PeakRSS: p.peak}
	p.mu.Unlock()
	select {
	case <-p.exited:
		u.CPU = p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	default:
		u.CPU = cpuTime(p.cmd.Process.Pid)
	}
	return u
}
