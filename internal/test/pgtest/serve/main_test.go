package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// outVariable makes this test binary the command that is served: it writes the
// URL and the number of migrations it finds into that file, and exits with 3.
const outVariable = "JOBGEN_SERVE_OUT"

func TestMain(m *testing.M) {
	if out := os.Getenv(outVariable); out != "" {
		os.Exit(served(out))
	}
	os.Exit(m.Run())
}

func served(out string) int {
	ctx, dsn := context.Background(), os.Getenv("JOBGEN_TEST_DATABASE_URL")
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer conn.Close(ctx)
	var migrations int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM jobgen.migration").Scan(&migrations); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.WriteFile(out, fmt.Append(nil, dsn, " ", migrations), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 3
}

func TestACommandHasAMigratedDatabaseWhichEndsWithIt(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	t.Setenv(outVariable, out)
	err := serve(t.Context(), []string{"--", os.Args[0]})
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Fatalf("error %v, want the command's exit code 3", err)
	}
	said, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	dsn, migrations, _ := strings.Cut(string(said), " ")
	if migrations == "0" {
		t.Error("the database was not migrated")
	}
	if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
		conn.Close(t.Context())
		t.Error("the database has outlasted its command")
	}
}

func TestWithoutACommandItSaysHowItIsCalled(t *testing.T) {
	if err := serve(t.Context(), []string{"--"}); err == nil || !strings.Contains(err.Error(), "COMMAND") {
		t.Errorf("error %v, want one that shows the usage", err)
	}
}
