//go:build linux || darwin

package progress

import (
	"os"
	"syscall"
	"unsafe"
)

// width asks the terminal for its columns: 0 where it does not know.
func width(file *os.File) int {
	conn, err := file.SyscallConn()
	if err != nil {
		return 0
	}
	var size struct{ rows, columns, x, y uint16 } // struct winsize of ioctl_tty(2)
	var failed syscall.Errno
	err = conn.Control(func(fd uintptr) {
		_, _, failed = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	})
	if err != nil || failed != 0 {
		return 0
	}
	return int(size.columns)
}
