package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// A publication refuses to update or delete rows of a table without a replica
// identity.
func TestEveryTableCanBePublished(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	conn := connect(t, dsn)
	exec(t, conn, "CREATE PUBLICATION everything FOR ALL TABLES")
	everyEnd(t, store)
	work(t, store, 3, func() { add(t, store, 2) })

	add(t, store, 2)
	queue := notes(t, store)
	cancelled, stolen := claimAs(t, queue, "h"), claimAs(t, queue, "h")
	if err := queue.Cancel(t.Context(), cancelled.ID); err != nil {
		t.Fatal(err)
	}
	if err := cancelled.Complete(t.Context()); err != nil {
		t.Errorf("complete after cancel: %v", err)
	}
	exec(t, conn, "UPDATE jobgen.job SET expires = claimed")
	if _, err := queue.TrySteal(t.Context(), "thief"); err != nil {
		t.Fatal(err)
	}
	if err := stolen.Complete(t.Context()); err != nil {
		t.Errorf("complete after a steal: %v", err)
	}

	exec(t, conn,
		"CREATE TABLE jobgen.attempt_20200101 PARTITION OF jobgen.attempt FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-01-02 00:00+00')",
		"INSERT INTO jobgen.attempt (queue, type, job, number, handler, outcome, claimed, ended) SELECT 1, 1, 1, 0, 1, 1, 'now', e FROM unnest('{2020-01-01 12:00+00, 2021-05-05 12:00+00}'::timestamptz[]) e",
		"DO $$ BEGIN EXECUTE format('DROP TABLE jobgen.attempt_%s', to_char(now() AT TIME ZONE 'UTC' + interval '2 days', 'YYYYMMDD')); END $$")
	if err := store.Upkeep(t.Context(), 30); err != nil {
		t.Errorf("upkeep: %v", err)
	}
	if n := query[int](t, conn, "SELECT count(*) FROM jobgen.attempt WHERE ended < '2022-01-01'"); n != 0 {
		t.Errorf("%d old attempts are left", n)
	}
	if bare := query[*string](t, conn, `SELECT string_agg(relname, ' ') FROM pg_class c WHERE relnamespace = 'jobgen'::regnamespace AND relkind IN ('r', 'p')
		AND relreplident <> 'f' AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)`); bare != nil {
		t.Errorf("tables without a replica identity: %s", *bare)
	}
}

func TestAPartOfUpkeepThatFailsUndoesNoOther(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	conn := connect(t, dsn)
	exec(t, conn,
		"CREATE TABLE jobgen.attempt_20200101 PARTITION OF jobgen.attempt FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-01-02 00:00+00')",
		"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$not today$$; END'",
		"CREATE TRIGGER refuse BEFORE DELETE ON jobgen.attempt_default FOR EACH ROW EXECUTE FUNCTION refuse()",
		"INSERT INTO jobgen.attempt_default (queue, type, job, number, handler, outcome, claimed, ended) VALUES (1, 1, 1, 0, 1, 1, 'now', '2021-05-05')",
		"INSERT INTO jobgen.ended_job (queue, id, state, ended, priority, type, attempts, max_attempts, created, due, max_work, payload) VALUES (1, 1, 'cancelled', '2021-01-01', 0, 1, 0, 1, 'now', 'now', 0, '{}')")
	err := store.Upkeep(t.Context(), 30)
	wantError(t, "upkeep", err, "delete old attempts: not today (P0001)")
	if query[bool](t, conn, "SELECT to_regclass('jobgen.attempt_20200101') IS NOT NULL") {
		t.Error("the old partition is still there")
	}
	if n := query[int](t, conn, "SELECT count(*) FROM jobgen.ended_job"); n != 0 {
		t.Error("the cancelled job is still there")
	}
	// A partition that somebody reads is left for later, and so said.
	exec(t, conn, "DROP TRIGGER refuse ON jobgen.attempt_default",
		"CREATE TABLE jobgen.attempt_20200102 PARTITION OF jobgen.attempt FOR VALUES FROM ('2020-01-02 00:00+00') TO ('2020-01-03 00:00+00')",
		"BEGIN", "LOCK TABLE jobgen.attempt_20200102 IN ACCESS SHARE MODE")
	wantError(t, "upkeep", store.Upkeep(t.Context(), 30), "drop partition attempt_20200102: canceling statement due to lock timeout (55P03)")
	exec(t, conn, "COMMIT")
	if n := query[int](t, conn, "SELECT count(*) FROM jobgen.attempt"); n != 0 {
		t.Errorf("%d old attempts are left", n)
	}
	if err := store.Upkeep(t.Context(), 30); err != nil {
		t.Error(err)
	}
}

func TestNamesOfHandlersGoWithTheHistory(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	add(t, store, 2)
	claimAs(t, notes(t, store), "holds a claim")
	conn := connect(t, dsn)
	exec(t, conn,
		"UPDATE jobgen.handler SET holder = NULL, used = now() - interval '40 days'",
		"INSERT INTO jobgen.handler (number, name, used) VALUES (1, 'long gone', now() - interval '40 days'), (2, 'recent', now() - interval '20 days')")
	if err := store.Upkeep(t.Context(), 30); err != nil {
		t.Fatal(err)
	}
	if names := query[string](t, conn, "SELECT string_agg(name, ', ' ORDER BY name) FROM jobgen.handler"); names != "holds a claim, recent" {
		t.Errorf("handlers left: %s", names)
	}
}

// TestASwitchToASubscriber replicates the rows, but not sequences, of which there
// are none, to another server, and goes on there.
func TestASwitchToASubscriber(t *testing.T) {
	t.Parallel()
	one := pgtest.NewCluster(t, "wal_level=logical").DSN()
	two := pgtest.NewCluster(t).DSN()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	store := open(t, one)
	add(t, store, 3)
	if job := claimAs(t, notes(t, store), "h"); job == nil || job.Complete(ctx) != nil {
		t.Fatal("the first job is not done")
	}
	if err := postgres.Migrate(ctx, two); err != nil {
		t.Fatal(err)
	}
	from, to := connect(t, one), connect(t, two)
	exec(t, from, "CREATE PUBLICATION jobs FOR TABLE jobgen.queue, jobgen.job_type, jobgen.handler, jobgen.job, jobgen.ended_job, jobgen.attempt WITH (publish_via_partition_root = true)")
	config, err := pgx.ParseConfig(one)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, to, "CREATE SUBSCRIPTION jobs CONNECTION '"+strings.ReplaceAll(keywords(config), "'", "''")+"' PUBLICATION jobs")
	await := func(jobs int) {
		t.Helper()
		for query[int](t, to, "SELECT count(*) FROM jobgen.job") != jobs || query[int](t, to, "SELECT count(*) FROM jobgen.attempt") != 1 {
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				t.Fatalf("%d jobs have not arrived", jobs)
			}
		}
	}
	await(2)
	add(t, store, 1)
	await(3)
	exec(t, to, "DROP SUBSCRIPTION jobs")

	next := open(t, two)
	if _, err := next.CreateQueue(ctx, "reports"); err != nil {
		t.Fatal(err)
	}
	work(t, next, 4, func() { add(t, next, 1) })
	const number = "SELECT number FROM jobgen.queue WHERE name = 'notes'"
	if here, there := query[int](t, from, number), query[int](t, to, number); here != there {
		t.Errorf("the queue has number %d here and %d there", here, there)
	}
	if n := query[int](t, to, "SELECT count(*) FROM jobgen.attempt WHERE outcome = 1"); n != 5 {
		t.Errorf("%d attempts succeeded, want 5", n)
	}
	if _, err := runtime.Enqueue(ctx, next, noteJob, &note{}); err != nil {
		t.Error(err)
	}
}

// keywords is how a subscription connects.
func keywords(c *pgx.ConnConfig) string {
	return fmt.Sprintf("host=%s port=%d user=%s password='%s' dbname=%s", c.Host, c.Port, c.User, c.Password, c.Database)
}
