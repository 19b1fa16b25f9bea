package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/jobgen/jobgen/internal/cache"
	"github.com/jobgen/jobgen/internal/report"
)

// watchedModule makes a module with a jobs.yaml and returns the path of that.
func watchedModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/app\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "jobs.yaml")
}

const watchedHead = "version: 1\npackage: example.com/app/gen/jobs\nqueues: {q: {}}\njobs:\n"

func TestWatchGeneratesAgainWheneverTheFileChanges(t *testing.T) {
	t.Parallel()
	path := watchedModule(t)
	write := func(jobs string) { // whole, since the watch reads at the same time
		t.Helper()
		err := os.WriteFile(path+".new", []byte(watchedHead+jobs), 0o666)
		if err == nil {
			err = os.Rename(path+".new", path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("  a: {queue: q, payload: {to: string}}\n")

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout, out := io.Pipe()
	stderr, errs := io.Pipe()
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	cmd.SetOut(out)
	cmd.SetErr(errs)
	ticks := make(chan time.Time)
	done := make(chan error, 1)
	go func() {
		err := watchFile(cmd, report.Text, path, cache.Open(filepath.Join(filepath.Dir(path), "cache")), ticks)
		_ = out.Close()
		_ = errs.Close()
		done <- err
	}()
	tick := func() { ticks <- time.Time{} }
	said, complained := lines(stdout), lines(stderr)
	// next waits for a line with a text in it.
	next := func(from <-chan string, want string) {
		t.Helper()
		for line := range from {
			if strings.Contains(line, want) {
				return
			}
		}
		t.Fatalf("it ends without saying %q", want)
	}
	next(said, "watching ")
	next(said, "2 files changed")

	tick() // nothing has changed, so nothing is said
	write("  a: {queue: q, payload: {to: strin}}\n")
	tick()
	next(complained, "jobs.yaml:5:31: ")
	tick() // the same mistake is not repeated: see the end
	write("  b: {queue: q, payload: {to: string}}\n  c: {queue: q, payload: {}}\n")
	tick()
	next(said, "4 files changed") // a is gone

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	tick()
	next(complained, "jobs.yaml")
	tick()
	write("  b: {queue: q, payload: {to: string}}\n")
	tick()
	next(said, "2 files changed")

	stop()
	if err := <-done; err != nil {
		t.Errorf("it ends with %v", err)
	}
	for line := range complained {
		t.Errorf("it complains of %q", line)
	}
}

// lines returns the lines of r, which whoever writes them need not wait for.
func lines(r io.Reader) <-chan string {
	all := make(chan string, 100)
	go func() {
		defer close(all)
		for s := bufio.NewScanner(r); s.Scan(); {
			all <- s.Text()
		}
	}()
	return all
}

func TestWatchEndsCleanlyWhenInterrupted(t *testing.T) {
	t.Parallel()
	path := watchedModule(t)
	if err := os.WriteFile(path, []byte(watchedHead+"  a: {queue: q, payload: {}}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	jobgen, err := exec.LookPath("jobgen") // testscript.Main puts it there
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(jobgen, "generate", "--watch", path)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Dir(path), "HOME="+filepath.Dir(path))
	var complaints strings.Builder
	cmd.Stderr = &complaints
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(stdout)
	for range 2 {
		said.Scan()
	}
	if !strings.Contains(said.Text(), "2 files changed") {
		t.Errorf("it says %q", said.Text())
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || complaints.Len() > 0 {
		t.Errorf("it ends with %v and says %q", err, complaints.String())
	}
}
