// Command serve runs another command with a PostgreSQL database to itself, for
// tools that need jobgen's schema to be there:
//
//	GOWORK=off go run ./internal/test/pgtest/serve -- go tool -modfile=tools/go.mod sqlc vet
//
// The database has all migrations applied, its URL is in the command's
// JOBGEN_TEST_DATABASE_URL, and it is gone when the command has ended. The
// exit code is the command's, or 2 if it could not be run.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func main() {
	// The command gets an interrupt from the terminal itself, and ends by it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := serve(ctx, os.Args[1:])
	stop()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() > 0 {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(2)
	}
}

func serve(ctx context.Context, args []string) (err error) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return errors.New("no command given: serve -- COMMAND [ARGUMENT...]")
	}
	server, err := pgtest.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	dsn, err := server.Create(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Drop(context.WithoutCancel(ctx), dsn)) }()
	if err := postgres.Migrate(ctx, dsn); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Env = append(os.Environ(), "JOBGEN_TEST_DATABASE_URL="+dsn)
	if err := command.Run(); err != nil {
		return fmt.Errorf("run %s: %w", args[0], err)
	}
	return nil
}
