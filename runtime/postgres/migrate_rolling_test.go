package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// nextVersion is a migration as the next program may bring it, with each kind
// of change that leaves this program working: columns with a default, tables,
// indexes, functions of their own, and the body of a function that there is.
func nextVersion(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	body := query[string](t, conn, "SELECT pg_get_functiondef('jobgen.complete'::regproc)")
	changed := strings.Replace(body, "\nBEGIN\n", "\nBEGIN\n  -- from version 2 on this does the same in another way\n", 1)
	if changed == body {
		t.Fatalf("the function complete has no body as expected:\n%s", body)
	}
	exec(t, conn,
		"BEGIN",
		"ALTER TABLE jobgen.job ADD COLUMN tenant integer NOT NULL DEFAULT 0",
		"ALTER TABLE jobgen.ended_job ADD COLUMN tenant integer NOT NULL DEFAULT 0",
		"ALTER TABLE jobgen.attempt ADD COLUMN cost bigint",
		"CREATE TABLE jobgen.tenant (number integer PRIMARY KEY, name text NOT NULL)",
		"CREATE INDEX ended_job_ended ON jobgen.ended_job (ended)",
		"CREATE FUNCTION jobgen.claim_for(_tenant integer) RETURNS integer LANGUAGE sql AS 'SELECT _tenant'",
		changed,
		"INSERT INTO jobgen.migration (version, name, oldest) VALUES (2, '002_tenants', 1)",
		"COMMIT")
}

// work runs a worker on the store until it has done n jobs.
func work(t *testing.T, store *postgres.Store, n int, while func()) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	done := make(chan error)
	seen := make(chan struct{}, n)
	mux := runtime.NewMux()
	mux.Handle(noteJob, func(context.Context, *runtime.Job, note) error {
		seen <- struct{}{}
		return nil
	})
	go func() { done <- runtime.NewWorker(store, mux, runtime.WithLogger(nil)).Run(ctx) }()
	while()
	for range n {
		select {
		case <-seen:
		case <-ctx.Done():
			t.Error("the jobs are not done")
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if stats, err := notes(t, store).Stats(t.Context()); err != nil || stats != (runtime.JobQueueStats{}) {
		t.Errorf("stats afterwards: %+v, %v", stats, err)
	}
}

// everyEnd takes one job through each way of ending, and leaves one waiting.
func everyEnd(t *testing.T, store *postgres.Store) {
	t.Helper()
	queue := notes(t, store)
	var ids []snowflake.ID
	for _, attempts := range []int32{1, 2, 1} {
		id, err := runtime.Enqueue(t.Context(), store, noteJob, &note{}, runtime.JobOptions.MaxAttempts(attempts))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	for _, id := range []snowflake.ID{ids[0], ids[1]} {
		job, err := queue.TryClaim(t.Context(), "h")
		if err != nil {
			t.Fatal(err)
		}
		if job.ID != id {
			t.Errorf("job %d was claimed, want %d", job.ID, id)
		}
		if err := job.Fail(t.Context(), "no"); err != nil {
			t.Fatal(err)
		}
	}
	if err := queue.Revive(t.Context(), ids[0], 1); err != nil {
		t.Error(err)
	}
	for _, id := range []snowflake.ID{ids[0], ids[1]} {
		if err := queue.Cancel(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
}

func TestAProgramWorksOnWhileTheNextVersionMigrates(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store, conn := open(t, dsn), connect(t, dsn)
	work(t, store, 20, func() {
		add(t, store, 10)
		nextVersion(t, conn)
		add(t, store, 10)
	})
	everyEnd(t, store)
	work(t, store, 1, func() {})
	// It may also start anew, as in a deployment that goes machine by machine.
	for _, opts := range [][]postgres.Option{nil, {postgres.WithoutMigrations()}} {
		store := open(t, dsn, opts...)
		everyEnd(t, store)
		work(t, store, 3, func() { add(t, store, 2) })
	}
	if err := postgres.Migrate(t.Context(), dsn); err != nil {
		t.Errorf("migrate: %v", err)
	}
	if body := query[string](t, conn, "SELECT pg_get_functiondef('jobgen.complete'::regproc)"); !strings.Contains(body, "from version 2 on") {
		t.Errorf("the older program replaced the newer one's function:\n%s", body)
	}
	if versions := query[string](t, conn, "SELECT string_agg(version::text, ' ' ORDER BY version) FROM jobgen.migration"); versions != "0 1 2" {
		t.Errorf("versions %s", versions)
	}
}

func TestAProgramTooOldForTheSchemaIsRefused(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	open(t, dsn)
	exec(t, connect(t, dsn),
		"INSERT INTO jobgen.migration (version, name, oldest) VALUES (98, 'breaks what 96 used', 97)",
		"INSERT INTO jobgen.migration (version, name, oldest) VALUES (99, 'breaks nothing', 97)")
	open := func(opts ...postgres.Option) error {
		_, err := postgres.Open(t.Context(), dsn, catalogue, opts...)
		return err
	}
	for what, err := range map[string]error{
		"open": open(), "open without migrations": open(postgres.WithoutMigrations()), "migrate": postgres.Migrate(t.Context(), dsn),
	} {
		if err == nil || !strings.Contains(err.Error(), `schema "jobgen" is at version 99, on which programs of version 97 and later can work, and this program is of version 1: use a newer program`) {
			t.Errorf("%s: %v", what, err)
		}
		var versions *postgres.SchemaVersionError
		if !errors.As(err, &versions) || *versions != (postgres.SchemaVersionError{Schema: "jobgen", Database: 99, Program: 1, Oldest: 97}) {
			t.Errorf("%s: %#v", what, versions)
		}
	}
}

func TestASchemaTooOldForTheProgramIsMigratedOrRefused(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	open(t, dsn).Close()
	conn := connect(t, dsn)
	exec(t, conn,
		"DROP SCHEMA jobgen CASCADE", "CREATE SCHEMA jobgen",
		"CREATE TABLE jobgen.migration (version integer PRIMARY KEY, name text NOT NULL, oldest integer NOT NULL, applied timestamptz NOT NULL DEFAULT now(), functions text NOT NULL DEFAULT '', names text NOT NULL DEFAULT '')",
		"INSERT INTO jobgen.migration (version, name, oldest) VALUES (0, '000_schema', 0)")
	_, err := postgres.Open(t.Context(), dsn, catalogue, postgres.WithoutMigrations())
	if err == nil || !strings.Contains(err.Error(), `schema "jobgen" is at version 0 and this program needs version 1: migrate it first`) {
		t.Errorf("open: %v", err)
	}
	add(t, open(t, dsn), 1)
}

// TestAMigrationThatIsKilledLeavesNothing kills the migration's connection
// while a statement in the midst of it waits.
func TestAMigrationThatIsKilledLeavesNothing(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	conn, other := connect(t, dsn), connect(t, dsn)
	exec(t, conn, "CREATE SCHEMA jobgen", "BEGIN", "CREATE TABLE jobgen.ended_job ()")
	migrated := make(chan error)
	migrate := func() { migrated <- postgres.Migrate(t.Context(), dsn) }
	go migrate()
	awaitLocked(t, other, 1)
	if n := query[int](t, other, `SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event_type = 'Lock') k`); n != 1 {
		t.Fatalf("%d migrations were killed", n)
	}
	if err := <-migrated; err == nil || !strings.Contains(err.Error(), "001_tables") {
		t.Errorf("the killed migration: %v", err)
	}
	exec(t, conn, "ROLLBACK")
	if tables := query[int](t, conn, "SELECT count(*) FROM pg_class WHERE relnamespace = 'jobgen'::regnamespace"); tables != 0 {
		t.Errorf("%d tables and indexes are left", tables)
	}
	go migrate()
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	add(t, open(t, dsn, postgres.WithoutMigrations()), 1)
}

func TestMigrationsTakeTurns(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	conn, other := connect(t, dsn), connect(t, dsn)
	exec(t, conn, "CREATE SCHEMA jobgen", "BEGIN", "CREATE TABLE jobgen.ended_job ()")
	migrated := make(chan error)
	for range 3 {
		go func() { migrated <- postgres.Migrate(t.Context(), dsn) }()
	}
	awaitLocked(t, other, 3)
	if n := query[int](t, other, `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'`); n != 2 {
		t.Errorf("%d of three migrations wait for their turn, want 2", n)
	}
	exec(t, conn, "ROLLBACK")
	for range 3 {
		if err := <-migrated; err != nil {
			t.Error(err)
		}
	}
}

func TestAnOrdinaryRoleMigratesAndWorks(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	prefix := newPrefix(t, dsn, "plain")
	conn := connect(t, dsn)
	exec(t, conn,
		"CREATE ROLE "+prefix+"plain LOGIN PASSWORD 'secret' NOSUPERUSER NOCREATEDB NOCREATEROLE",
		"DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO "+prefix+"plain', current_database()); END $$")
	store := open(t, asRole(t, dsn, prefix+"plain", "secret"))
	everyEnd(t, store)
	work(t, store, 3, func() { add(t, store, 2) })
	if err := store.Upkeep(t.Context(), 1); err != nil {
		t.Errorf("upkeep: %v", err)
	}
}
