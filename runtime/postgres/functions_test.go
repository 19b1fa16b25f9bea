package postgres_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// Programs of one version may have been built from functions of two states.
func TestAProgramOfTheSameVersionAppliesItsFunctions(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	open(t, dsn).Close()
	conn := connect(t, dsn)
	exec(t, conn,
		"CREATE OR REPLACE FUNCTION jobgen.create_queue(_name text) RETURNS SETOF integer LANGUAGE sql AS 'SELECT 1'",
		"UPDATE jobgen.migration SET functions = 'others' WHERE version = (SELECT max(version) FROM jobgen.migration)")
	add(t, open(t, dsn), 1)
	if body := query[string](t, conn, "SELECT pg_get_functiondef('jobgen.create_queue'::regproc)"); !strings.Contains(body, "SECURITY DEFINER") {
		t.Errorf("the function is still another program's:\n%s", body)
	}
	open(t, dsn, postgres.WithoutMigrations())
}

// TestEachFunctionsBodyIsValid has the server check bodies, which it does not
// do while functions that they call are missing.
func TestEachFunctionsBodyIsValid(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	open(t, dsn).Close()
	conn := connect(t, dsn)
	files, err := filepath.Glob("functions/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("function files %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		exec(t, conn, string(text))
		name := strings.TrimSuffix(filepath.Base(file), ".sql")
		if n := strings.Count(string(text), "CREATE OR REPLACE FUNCTION jobgen."+name+"("); n != 1 {
			t.Errorf("%s makes the function %s %d times, want once", file, name, n)
		}
		if !strings.Contains(string(text), "\nREVOKE ALL ON FUNCTION jobgen."+name+" FROM PUBLIC;\n") {
			t.Errorf("%s leaves the function to everybody", file)
		}
	}
	if n := query[int](t, conn, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'jobgen'::regnamespace"); n != len(files) {
		t.Errorf("%d functions, of %d files", n, len(files))
	}
}

func TestASchemaThatWasRenamedIsMigratedOrRefused(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	add(t, open(t, dsn), 1)
	exec(t, connect(t, dsn), "ALTER SCHEMA jobgen RENAME TO after")
	after := postgres.WithSchema("after")
	_, err := postgres.Open(t.Context(), dsn, catalogue, after, postgres.WithoutMigrations())
	if err == nil || !strings.Contains(err.Error(), `schema "after" was renamed: its functions name schema "jobgen"; migrate it first`) {
		t.Errorf("open: %v", err)
	}
	store := open(t, dsn, after)
	work(t, store, 3, func() { add(t, store, 2) })
	everyEnd(t, store)
	if err := store.Upkeep(t.Context(), 1); err != nil {
		t.Error(err)
	}
	open(t, dsn, after, postgres.WithoutMigrations())
}
