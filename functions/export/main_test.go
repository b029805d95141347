package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestTune: threads for the cores that the memory buys, and fewer collections
// up to the limit.
func TestTune(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	cores := runtime.NumCPU()
	for mb, want := range map[int]int{128: 1, 256: 1, 1768: 1, 1769: 1, 3537: 1, 3538: min(2, cores), 10240: min(5, cores), 0: cores} {
		runtime.GOMAXPROCS(cores)
		tune(mb)
		if got := runtime.GOMAXPROCS(0); got != want {
			t.Errorf("with %d MB on %d cores Go uses %d, want %d", mb, cores, got, want)
		}
	}
	if got := debug.SetGCPercent(100); got != gcPercent {
		t.Errorf("the heap grows by %d %%, want %d", got, gcPercent)
	}
	if got := debug.SetMemoryLimit(-1); got != memoryLimit {
		t.Errorf("the memory limit is %d bytes, want %d", got, memoryLimit)
	}
}
