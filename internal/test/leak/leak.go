// Package leak fails a test process that leaves goroutines behind.
package leak

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of a package, and fails where they leave goroutines. A
// TestMain calls it.
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := Find(Patience); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// Patience is how long goroutines may take to end after the tests have. Pgx
// waits up to 15 s for the server's answer before it lets go of a connection
// whose statement was cancelled.
const Patience = 20 * time.Second

// Find returns an error with the stacks of the goroutines that are left, besides
// the caller's and those of package testing and of signals. It waits as long as
// patience for them to end.
func Find(patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left := leaked(stacks())
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("goroutines left behind: %d\n\n%s", len(left), strings.Join(left, "\n\n"))
		}
		time.Sleep(pause)
	}
}

// stacks returns those of all goroutines; the first is the caller's.
func stacks() []string {
	for size := 1 << 16; ; size *= 2 {
		text := make([]byte, size)
		if n := runtime.Stack(text, true); n < size {
			return strings.Split(strings.TrimSpace(string(text[:n])), "\n\n")
		}
	}
}

// belonging are functions whose goroutines belong to every test process.
var belonging = []string{
	"testing.(*T).Run(", "testing.(*M).startAlarm", "testing.runFuzzing(", "testing.runFuzzTests(",
	"os/signal.signal_recv(", "os/signal.loop(", "runtime.ensureSigM(",
}

func leaked(stacks []string) (left []string) {
	for _, stack := range stacks[1:] {
		if !belongs(stack) {
			left = append(left, stack)
		}
	}
	return left
}

func belongs(stack string) bool {
	for _, function := range belonging {
		if strings.Contains(stack, function) {
			return true
		}
	}
	return false
}
