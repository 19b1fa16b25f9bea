package postgres_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func TestManyProcessesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if err := postgres.Migrate(t.Context(), dsn); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	conn := connect(t, dsn)
	if got := query[string](t, conn, "SELECT string_agg(version::text, ' ' ORDER BY version) FROM jobgen.migration"); got != "0 1" {
		t.Errorf("versions applied: %s", got)
	}
	add(t, open(t, dsn), 1)
}

func TestAnOlderDatabaseIsLeftAloneWithoutMigrations(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	_, err := postgres.Open(t.Context(), dsn, catalogue, postgres.WithoutMigrations())
	if err == nil || !strings.Contains(err.Error(), `no schema "jobgen", and this program needs its version 1: migrate it first`) {
		t.Errorf("open: %v", err)
	}
	conn := connect(t, dsn)
	if query[bool](t, conn, "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'jobgen')") {
		t.Error("the schema was made")
	}
	if err := postgres.Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	add(t, open(t, dsn, postgres.WithoutMigrations()), 1)
}

func TestAFailedMigrationLeavesNothing(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	conn := connect(t, dsn)
	exec(t, conn, "CREATE SCHEMA jobgen", "CREATE TABLE jobgen.attempt (mine integer)")
	err := postgres.Migrate(t.Context(), dsn)
	if err == nil || !strings.Contains(err.Error(), `migrate schema "jobgen": 001_tables`) {
		t.Errorf("migrate: %v", err)
	}
	if tables := query[string](t, conn, "SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = 'jobgen'"); tables != "attempt" {
		t.Errorf("the schema holds %s", tables)
	}
}

func TestStoresOfTwoSchemasShareNothing(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	one, two := open(t, dsn), open(t, dsn, postgres.WithSchema("my jobgen.2"))
	add(t, one, 3)
	stats, err := notes(t, two).Stats(t.Context())
	if err != nil || stats.Waiting != 0 {
		t.Errorf("the other schema: %+v, %v", stats, err)
	}
}

func TestSchemaNamesThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for name, reason := range map[string]string{
		"":                      "is empty",
		strings.Repeat("x", 64): "64 bytes, more than the 63",
		"a'b":                   "holds one of",
		`a"b`:                   "holds one of",
		"a$b":                   "holds one of",
		"a\x00b":                "holds one of",
		"\xff":                  "not valid UTF-8",
		"pg_jobs":               "reserved",
	} {
		err := postgres.Migrate(t.Context(), "postgres://unused", postgres.WithSchema(name))
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("schema %q: %v", name, err)
		}
	}
}
