package main

import (
	"fmt"
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
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	var total time.Duration
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The name, in brackets, may hold anything; fields are counted after it.
		_, rest, ok := strings.Cut(string(data), ") ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 15 {
			continue
		}
		isRoot := file == fmt.Sprintf("/proc/%d/stat", root)
		if !isRoot && fields[1] != strconv.Itoa(root) {
			continue
		}
		used := fields[11:13] // utime, stime
		if isRoot {
			used = fields[11:15] // and those of children waited for
		}
		for _, f := range used {
			n, _ := strconv.ParseInt(f, 10, 64)
			total += time.Duration(n) * tick
		}
	}
	return total
}
