package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clientCPU is what this process has used.
func clientCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// tick is the unit of /proc's times on Linux.
const tick = 10 * time.Millisecond

// treeCPU is what a process and its children, running or waited for, have
// used. It needs Linux's /proc and is 0 elsewhere.
func treeCPU(root int) time.Duration {
	var total time.Duration
	eachOfTree(root, func(pid int, fields []string) {
		used := fields[11:13] // utime, stime
		if pid == root {
			used = fields[11:15] // and those of children waited for
		}
		for _, f := range used {
			n, _ := strconv.ParseInt(f, 10, 64)
			total += time.Duration(n) * tick
		}
	})
	return total
}

// tree is a process and its children.
func tree(root int) (pids []int) {
	eachOfTree(root, func(pid int, _ []string) { pids = append(pids, pid) })
	return pids
}

// eachOfTree calls do for a process and each of its children, with what
// /proc says of it after its name.
func eachOfTree(root int, do func(pid int, fields []string)) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The name, in brackets, may hold anything; fields are counted after it.
		before, rest, ok := strings.Cut(string(data), ") ")
		fields := strings.Fields(rest)
		number, _, _ := strings.Cut(before, " ")
		pid, err := strconv.Atoi(number)
		if !ok || err != nil || len(fields) < 15 || pid != root && fields[1] != strconv.Itoa(root) {
			continue
		}
		do(pid, fields)
	}
}
