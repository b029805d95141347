//go:build !unix

package lambda

// freeze and thaw do nothing: there is no signal to stop a process.
func (p *process) freeze() {}
func (p *process) thaw()   {}
