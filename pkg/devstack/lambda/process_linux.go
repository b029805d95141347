package lambda

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// attributes has the kernel kill the process when this one dies, and keeps
// the terminal's Ctrl-C from it: what happens to it is for us to decide.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// peakRSS is the most resident memory a living process has had, in bytes.
func peakRSS(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return parsePeakRSS(status)
}

// parsePeakRSS finds the line "VmHWM: 1234 kB" of proc_pid_status(5), which a
// process that is gone no longer has: then it is 0.
func parsePeakRSS(status []byte) int64 {
	for line := range bytes.Lines(status) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && string(fields[0]) == "VmHWM:" {
			kb, err := strconv.ParseInt(string(fields[1]), 10, 53)
			if err != nil {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}

// cpuTime is the CPU time of a living process.
func cpuTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return parseCPUTime(stat)
}

// parseCPUTime adds up the fields utime and stime of proc_pid_stat(5), the
// 14th and 15th. The second is the name in parentheses and may hold anything.
func parseCPUTime(stat []byte) time.Duration {
	const perTick = time.Second / 100 // USER_HZ is 100 on all architectures of Go
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	var ticks time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(string(f), 10, 36)
		if err != nil {
			return 0
		}
		ticks += time.Duration(n)
	}
	return ticks * perTick
}
