package repo_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jobgen/jobgen/internal/test/pgtest"
)

// runUntil starts a program, sends it SIGTERM once it has said all that is
// expected, as a platform does at a deployment, and wants it to exit with 0. One
// that does not handle SIGTERM is left to end by itself. It returns what the
// program has said.
func runUntil(t *testing.T, dir string, handlesTERM bool, expected, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Dir, command.Env = dir, append(os.Environ(), env...)
	said := &watchedOutput{expected: map[string]bool{}, seen: make(chan struct{})}
	for _, text := range expected {
		said.expected[text] = true
	}
	command.Stdout, command.Stderr = said, said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-said.seen:
		if handlesTERM {
			_ = command.Process.Signal(syscall.SIGTERM) // it may have ended by itself meanwhile
		}
		err = <-ended
	}
	if err != nil || len(said.expected) > 0 {
		t.Fatalf("the program with %q ended with %v, without saying %v; it said\n%s", args, err, said.expected, &said.text)
	}
	return said.text.String()
}

// watchedOutput closes seen once it holds all that is expected.
type watchedOutput struct {
	text     bytes.Buffer
	expected map[string]bool
	seen     chan struct{}
}

// Write is called by one goroutine, since standard output and error are the
// same value.
func (w *watchedOutput) Write(p []byte) (int, error) {
	w.text.Write(p)
	if len(w.expected) == 0 {
		return len(p), nil
	}
	for text := range w.expected {
		if bytes.Contains(w.text.Bytes(), []byte(text)) {
			delete(w.expected, text)
		}
	}
	if len(w.expected) == 0 {
		close(w.seen)
	}
	return len(p), nil
}

// printsItsLines runs a program of a guide until it has printed its lines, and
// wants them in their order.
func printsItsLines(t *testing.T, dir string, p program) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program")
	run(t, dir, "go", "build", "-o", binary, "./"+p.folder)
	var env []string
	source := read(t, filepath.Join(dir, p.folder, "main.go"))
	if strings.Contains(source, "DATABASE_URL") {
		env = []string{"DATABASE_URL=" + pgtest.DSN(t)}
	}
	// What stands behind ^C is printed after SIGTERM.
	before, want := p.prints, p.prints
	if i := slices.Index(p.prints, "^C"); i >= 0 {
		before, want = p.prints[:i], slices.Concat(p.prints[:i], p.prints[i+1:])
	}
	var printed []string
	for line := range strings.Lines(runUntil(t, t.TempDir(), strings.Contains(source, "syscall.SIGTERM"), before, env, binary)) {
		if line = strings.TrimSuffix(line, "\n"); slices.Contains(want, line) {
			printed = append(printed, line)
		}
	}
	if !slices.Equal(printed, want) {
		t.Errorf("it prints\n%s\nand not\n%s", strings.Join(printed, "\n"), strings.Join(want, "\n"))
	}
}
