//go:build unix

package lambda

import "syscall"

// freeze stops the process, thaw lets it go on. Each fails only on one that is
// gone, which shows when it is next waited for.
func (p *process) freeze() { _ = p.cmd.Process.Signal(syscall.SIGSTOP) }
func (p *process) thaw()   { _ = p.cmd.Process.Signal(syscall.SIGCONT) }
