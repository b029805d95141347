//go:build !linux

package lambda

import (
	"syscall"
	"time"
)

// attributes asks for nothing: only Linux ends a process with its parent. The
// bootstrap then ends by itself when its runtime API is gone.
func attributes() *syscall.SysProcAttr { return nil }

// peakRSS is not told by this system.
func peakRSS(int) int64 { return 0 }

// cpuTime of a living process is not told by this system.
func cpuTime(int) time.Duration { return 0 }
