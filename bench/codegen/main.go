// Command codegen measures jobgen as a generator beside protoc-gen-go: how long
// each takes for as many messages of the same five fields, and how long the Go
// compiler takes for what they make. Both do each thing in turn, in one run.
//
// protoc-gen-go is run as protoc runs it, but with a request that was made
// before: parsing the .proto file is in no figure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "codegen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("codegen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	jobs := flags.Int("jobs", 1000, "how many job types and messages")
	rounds := flags.Int("rounds", 7, "how often each figure is taken")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *jobs < 1 || *rounds < 1 {
		return fmt.Errorf("-jobs %d -rounds %d: both have to be at least 1", *jobs, *rounds)
	}
	root, err := repository()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "codegen-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: ctx, root: root, dir: dir, jobs: *jobs, rounds: *rounds, progress: stderr}
	figures, err := b.measure()
	if err != nil {
		return err
	}
	return print(stdout, *jobs, *rounds, figures)
}

// repository returns the root of jobgen's module, which is above the working
// directory.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "cmd", "jobgen")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("run it inside jobgen's repository")
}
