package main

import (
	"fmt"
	"os"
	"runtime/pprof"
)

// A profiler writes a CPU profile of the client at the drains of one peer. A
// file holds the last of them.
type profiler struct {
	file, peer string
}

// start begins a profile where p is the peer to profile, and returns what ends
// it.
func (f *profiler) start(p peer) (stop func()) {
	if f == nil || f.file == "" || f.peer != p.name {
		return func() {}
	}
	out, err := os.Create(f.file)
	if err == nil {
		err = pprof.StartCPUProfile(out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: no profile:", err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		_ = out.Close() // a profile that is cut off says so when it is read
	}
}
