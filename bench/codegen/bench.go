package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// A bench has a module with a jobs.yaml and a module with a .proto file, and the
// programs that make Go of them.
type bench struct {
	ctx      context.Context
	root     string // of the repository
	dir      string // temporary
	jobs     int
	rounds   int
	progress io.Writer

	jobgen, protoc string // programs
	request        []byte // what protoc-gen-go is asked for
	round          int
}

// A cost is what a program took.
type cost struct{ wall, cpu time.Duration }

// A step is one thing that is measured. Prepare is not.
type step struct {
	name    string
	who     string
	prepare func() error
	run     func() (cost, error)
}

// A figure is a step with its costs, one a round.
type figure struct {
	step
	costs []cost
}

func (b *bench) measure() ([]figure, error) {
	if err := errors.Join(b.setUpJobgen(), b.setUpProtobuf()); err != nil {
		return nil, err
	}
	steps := b.steps()
	figures := make([]figure, len(steps))
	for b.round = range b.rounds + 1 { // the first warms the caches
		for i, s := range steps {
			fmt.Fprintf(b.progress, "\rround %d of %d: %-50s", b.round, b.rounds, s.name)
			if err := s.prepare(); err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			c, err := s.run()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			figures[i].step = s
			if b.round > 0 {
				figures[i].costs = append(figures[i].costs, c)
			}
		}
	}
	fmt.Fprintln(b.progress)
	return figures, nil
}

func (b *bench) app() string   { return filepath.Join(b.dir, "app") }
func (b *bench) proto() string { return filepath.Join(b.dir, "proto") }

func (b *bench) steps() []step {
	code, messages := filepath.Join(b.app(), "gen", "jobs"), filepath.Join(b.proto(), "jobs")
	generate := func() (cost, error) { return b.exec(b.app(), nil, io.Discard, b.jobgen, "generate") }
	none := func() error { return nil }
	// A file that no earlier round had makes the compiler compile the package.
	touch := func(dir string) func() error {
		return func() error {
			text := fmt.Sprintf("package jobs\n\n// Round %d of %s.\n", b.round, b.dir)
			return os.WriteFile(filepath.Join(dir, "round.go"), []byte(text), 0o666)
		}
	}
	return []step{
		{"generate, nothing there", "jobgen", func() error { return os.RemoveAll(code) }, generate},
		{"generate, nothing there", "protoc-gen-go", func() error { return os.RemoveAll(messages) }, b.generateMessages},
		{"generate, one job changed", "jobgen", func() error { return b.writeJobs(b.round) }, generate},
		{"generate, nothing changed", "jobgen", none, generate},
		{"check", "jobgen", none, func() (cost, error) { return b.exec(b.app(), nil, io.Discard, b.jobgen, "check") }},
		{"go build of the package", "jobgen", touch(code), func() (cost, error) { return b.exec(b.app(), nil, io.Discard, "go", "build", "./gen/jobs") }},
		{"go build of the package", "protoc-gen-go", touch(messages), func() (cost, error) { return b.exec(b.proto(), nil, io.Discard, "go", "build", "./jobs") }},
	}
}

// exec runs a program and returns what it and its children took.
func (b *bench) exec(dir string, stdin []byte, stdout io.Writer, name string, args ...string) (cost, error) {
	cmd := exec.CommandContext(b.ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "XDG_CACHE_HOME="+filepath.Join(b.dir, "cache"), "GOCACHE="+b.goCache())
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Stdout = stdout
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	begin := time.Now()
	err := cmd.Run()
	took := time.Since(begin)
	if err != nil {
		return cost{}, fmt.Errorf("%s %q: %w\n%s", name, args, err, &complaints)
	}
	return cost{wall: took, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}

// goCache is the go command's cache, kept while XDG_CACHE_HOME points into the
// bench's own folder.
func (b *bench) goCache() string {
	if dir := os.Getenv("GOCACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return filepath.Join(b.dir, "go-build")
	}
	return filepath.Join(dir, "go-build")
}

// write makes files below dir.
func write(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			return err
		}
	}
	return nil
}
