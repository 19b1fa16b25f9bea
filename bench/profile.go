package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
)

// A profiler writes CPU profiles of the client and of the server at the drains
// of one peer. A file holds the last of them.
type profiler struct {
	client, server string // files
	peer           string
}

// start begins the profiles where t's peer is the one to profile, and returns
// what ends them.
func (f *profiler) start(t *trial) (stop func()) {
	if f == nil || f.peer != t.peer.name {
		return func() {}
	}
	stopClient, stopServer := f.startClient(), f.startServer(t.server)
	return func() {
		stopClient()
		stopServer()
	}
}

func (f *profiler) startClient() (stop func()) {
	if f.client == "" {
		return func() {}
	}
	out, err := os.Create(f.client)
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

// perfEvent is one that virtual machines have too.
const perfEvent = "cpu-clock"

// startServer has perf watch the server's processes, those among them that
// begin while it does.
func (f *profiler) startServer(s *server) (stop func()) {
	if f.server == "" {
		return func() {}
	}
	if !s.local() {
		fmt.Fprintln(os.Stderr, "bench: no profile of a server that is not the bench's own")
		return func() {}
	}
	var pids []string
	for _, pid := range tree(s.pid) {
		pids = append(pids, strconv.Itoa(pid))
	}
	perf := exec.CommandContext(context.Background(), "perf", "record", "-q", "-e", perfEvent, "-F", "999", "-g",
		"-o", f.server, "-p", strings.Join(pids, ","))
	perf.Stderr = os.Stderr
	perf.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT}
	if err := perf.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: no profile of the server:", err)
		return func() {}
	}
	return func() {
		_ = perf.Process.Signal(os.Interrupt) // on which it writes its file and ends
		_ = perf.Wait()                       // with the signal's status
	}
}
