package postgres_test

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// putBack puts the database back to before anything but the schema was in it.
func putBack(t *testing.T, dsn string) {
	t.Helper()
	exec(t, connect(t, dsn), "TRUNCATE jobgen.job, jobgen.attempt, jobgen.ended_job, jobgen.queue, jobgen.job_type, jobgen.handler, jobgen.node RESTART IDENTITY",
		"INSERT INTO jobgen.node (number, expires) SELECT n, 'epoch' FROM generate_series(0, 1023) n")
}

// The first who has a name numbered in the restored database used to get the
// number that a program which ran on knew another name by.
func TestADatabasePutBackUnderARunningProgramConfusesNoNames(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	add(t, store, 1)
	claimAs(t, notes(t, store), "h")
	conn := connect(t, dsn)
	const names = `SELECT string_agg(line, ' ' ORDER BY line) FROM (SELECT number || '=' || name AS line FROM jobgen.queue UNION ALL
		SELECT number || '=' || name FROM jobgen.job_type UNION ALL SELECT number || '=' || name FROM jobgen.handler WHERE holder IS NOT NULL) l`
	before := query[string](t, conn, names)
	putBack(t, dsn)
	exec(t, conn,
		"SELECT jobgen.create_queue('reports')",
		"SELECT jobgen.create_job_types('{report}', '{1}')",
		"SELECT jobgen.create_handler('other', NULL)")
	if err := store.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(t, store, 2) // has the queue made anew
	if n := query[int](t, conn, `SELECT count(*) FROM jobgen.job j JOIN jobgen.queue q ON q.number = j.queue
		JOIN jobgen.job_type t ON t.number = j.type WHERE q.name = 'notes' AND t.name = 'note'`); n != 2 {
		t.Errorf("%d of 2 jobs are notes in the queue of notes", n)
	}
	if claimAs(t, notes(t, store), "h") == nil {
		t.Error("nothing was claimed")
	}
	exec(t, conn, "DELETE FROM jobgen.queue WHERE name = 'reports'", "DELETE FROM jobgen.job_type WHERE name = 'report'")
	if after := query[string](t, conn, names); after != before {
		t.Errorf("numbers after: %s; before: %s", after, before)
	}
}

// A standby may lack what came after the last renewal that it has.
func TestNamesThatWereLostAfterTheLastRenewalAreNumberedAgain(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	if err := store.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(t, store, 1)
	if claimAs(t, notes(t, store), "h") == nil {
		t.Fatal("nothing was claimed")
	}
	conn := connect(t, dsn)
	exec(t, conn, "DELETE FROM jobgen.handler", "DELETE FROM jobgen.job_type")
	if err := store.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := query[int](t, conn, "SELECT count(*) FROM jobgen.job j JOIN jobgen.handler h ON h.number = j.handler JOIN jobgen.job_type t ON t.number = j.type WHERE h.holder IS NOT NULL"); n != 1 {
		t.Errorf("%d of 1 claims name their handler and type", n)
	}
}

func TestTwoNamesOfOneNumberGetTwo(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	open(t, dsn)
	conn := connect(t, dsn)
	exec(t, conn, "INSERT INTO jobgen.queue (number, name) VALUES (jobgen.name_number('letters', 0), 'squatter')")
	made := query[int](t, conn, "SELECT jobgen.create_queue('letters')")
	if want := query[int](t, conn, "SELECT jobgen.name_number('letters', 1)"); made != want {
		t.Errorf("number %d, want %d", made, want)
	}
}

func TestAClockThatWasSetBackCostsALeaseAtMost(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store, other := open(t, dsn), open(t, dsn)
	add(t, store, 2)
	lives, dies := claimAs(t, notes(t, store), "lives"), claimAs(t, notes(t, other), "dies")
	if lives == nil || dies == nil {
		t.Fatal("nothing was claimed")
	}
	other.Die()
	conn := connect(t, dsn)
	// An hour back is the same as rows of an hour ahead.
	exec(t, conn, "UPDATE jobgen.node SET expires = expires + interval '1 hour', since = since + interval '1 hour' WHERE holder IS NOT NULL",
		"UPDATE jobgen.job SET claimed = claimed + interval '1 hour', expires = expires + interval '1 hour'")
	third := open(t, dsn)
	third.SweepAlways()
	third.CanDeclareDead()
	if job := claimAs(t, notes(t, third), "third"); job != nil {
		t.Errorf("job %d was taken from a process that is alive", job.ID)
	}
	if late := query[int](t, conn, "SELECT count(*) FROM jobgen.job WHERE expires > now() + interval '2 minutes' OR claimed > now()"); late != 0 {
		t.Errorf("%d claims are still of another time", late)
	}
	if err := store.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if late := query[int](t, conn, "SELECT count(*) FROM jobgen.node WHERE expires > now() + interval '11 seconds'"); late != 0 {
		t.Errorf("%d leases are still of another time", late)
	}
	if held := query[int](t, conn, "SELECT count(*) FROM jobgen.node WHERE expires > now()"); held != 3 {
		t.Errorf("%d leases, want 3: nobody is dead yet", held)
	}
	exec(t, conn, "UPDATE jobgen.node SET expires = now() - interval '1 second' WHERE number = "+strconv.Itoa(int(other.Node())))
	if job := claimAs(t, notes(t, third), "third"); job == nil || job.ID != dies.ID {
		t.Errorf("took over %v, want job %d", job, dies.ID)
	}
}

// After a failover to a host whose clock is ahead every lease has run out.
func TestNobodyIsDeadUntilALeaseHasLasted(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	alive, store := open(t, dsn), open(t, dsn)
	add(t, alive, 1)
	claimAs(t, notes(t, alive), "alive")
	store.SweepAlways()
	store.CanDeclareDead()
	conn := connect(t, dsn)
	exec(t, conn, "UPDATE jobgen.node SET expires = expires - interval '1 hour', since = since - interval '1 hour' WHERE holder IS NOT NULL")
	if job := claimAs(t, notes(t, store), "thief"); job != nil {
		t.Error("a job was taken over before anybody could renew")
	}
	if err := store.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if job := claimAs(t, notes(t, store), "thief"); job != nil {
		t.Error("a job was taken over before all could renew")
	}
}

func TestAQueueIsDeletedWithoutStoppingTheOthers(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	add(t, store, 1)
	if _, err := store.CreateQueue(t.Context(), "empty"); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, dsn)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(t.Context(), store.InTx(tx), noteJob, &note{}); err != nil {
		t.Fatal(err)
	}
	deleted := make(chan error)
	go func() { deleted <- store.DeleteQueue(t.Context(), "empty") }()
	for range 5 { // while it tries
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if _, err := runtime.Enqueue(ctx, store, noteJob, &note{}); err != nil {
			t.Errorf("enqueue while a queue is deleted: %v", err)
		}
		cancel()
	}
	select {
	case err := <-deleted:
		t.Errorf("the queue was deleted while a transaction may add to it: %v", err)
	default:
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-deleted; err != nil {
		t.Error(err)
	}
}

func TestADatabaseOfAnotherEncodingIsRefused(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	admin := connect(t, dsn)
	name := query[string](t, admin, "SELECT current_database()") + "_latin"
	exec(t, admin, "CREATE DATABASE "+name+" ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	t.Cleanup(func() {
		conn, ctx := connectLate(t, dsn)
		if _, err := conn.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	latin := inDatabase(t, dsn, name)
	for what, err := range map[string]error{"migrate": postgres.Migrate(t.Context(), latin), "open": func() error {
		_, err := postgres.Open(t.Context(), latin, catalogue)
		return err
	}()} {
		wantError(t, what, err, "has the encoding LATIN1", "ENCODING 'UTF8'")
	}
}

func wantError(t *testing.T, what string, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v; want %q", what, err, part)
		}
	}
}

// inDatabase is dsn with another database.
func inDatabase(t *testing.T, dsn, name string) string {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u := url.URL{Scheme: "postgres", Path: "/" + name, User: url.UserPassword(config.User, config.Password)}
	u.RawQuery = url.Values{"host": {config.Host}, "port": {strconv.Itoa(int(config.Port))}, "sslmode": {"disable"}}.Encode()
	return u.String()
}
