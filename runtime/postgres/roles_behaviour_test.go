package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// notAllowed wants err to be the database's refusal of something.
func notAllowed(t *testing.T, doing string, err error, of string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "permission denied for "+of+" ") || !strings.Contains(err.Error(), "SQLSTATE 42501") {
		t.Errorf("%s: %v; want: permission denied for %s", doing, err, of)
	}
}

// openAs is a store of one of the roles, which may not migrate.
func (r *roleSet) openAs(t *testing.T, role string, opts ...postgres.Option) *postgres.Store {
	t.Helper()
	return open(t, r.as(t, role), append(opts, postgres.WithoutMigrations())...)
}

// refuses wants every statement refused to a role.
func (r *roleSet) refuses(t *testing.T, role string, statements map[string]string) {
	t.Helper()
	conn := connect(t, r.as(t, role))
	for statement, of := range statements {
		_, err := conn.Exec(t.Context(), statement)
		notAllowed(t, role+": "+statement, err, of)
	}
}

// payloads are ways to a payload that none but admin has.
var payloads = map[string]string{
	"SELECT payload FROM jobgen.job":                                             "table job",
	"SELECT j FROM jobgen.job j":                                                 "table job",
	"SELECT count(*) FROM jobgen.job WHERE payload IS NULL":                      "table job",
	"COPY jobgen.job (payload) TO STDOUT":                                        "table job",
	"DELETE FROM jobgen.job RETURNING payload":                                   "table job",
	"UPDATE jobgen.job SET due = due RETURNING payload":                          "table job",
	"SELECT payload FROM jobgen.ended_job":                                       "table ended_job",
	"SELECT * FROM jobgen.sweep(1, 1, NULL, 1, now(), '{0}', true, true, false)": "function sweep",
	"SELECT holder FROM jobgen.node":                                             "table node",
	"SELECT holder FROM jobgen.handler":                                          "table handler",
}

func TestTheEnqueueRoleAddsJobsAndSeesNone(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	pool, err := pgxpool.New(t.Context(), r.as(t, "enqueue"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := postgres.New(t.Context(), pool, catalogue, postgres.WithoutMigrations())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })

	add(t, store, 1)
	queue := notes(t, store) // it made the queue, and numbered the job type
	if _, err := queue.AddBatch(t.Context(), "note", []any{&note{}, &note{}}); err != nil {
		t.Error(err)
	}
	adding := make(chan error)
	for range 8 { // which share statements
		go func() { _, err := queue.Add(t.Context(), "note", &note{}); adding <- err }()
	}
	for range 8 {
		if err := <-adding; err != nil {
			t.Error(err)
		}
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	add(t, store.InTx(tx), 1)
	inTx, err := store.InTx(tx).GetQueue(t.Context(), "made in a transaction")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inTx.Add(t.Context(), "note", &note{}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	store.LoseLease()
	add(t, store, 1)
	if err := store.Renew(t.Context()); err != nil {
		t.Errorf("renew the lease: %v", err)
	}
	if n := query[int](t, connect(t, r.admin), "SELECT count(*) FROM jobgen.job"); n != 14 {
		t.Errorf("%d jobs were added, want 14", n)
	}

	_, err = queue.TryClaim(t.Context(), "h")
	notAllowed(t, "claim", err, "table handler")
	_, err = queue.AddAndClaim(t.Context(), "note", &note{}, "h")
	notAllowed(t, "add and claim", err, "table handler")
	_, err = queue.Stats(t.Context())
	notAllowed(t, "stats", err, "table job")
	_, err = queue.Log(t.Context(), 1, 0)
	notAllowed(t, "log", err, "table attempt")
	notAllowed(t, "cancel", queue.Cancel(t.Context(), 1), "function cancel")
	_, err = queue.DeadJobs(t.Context(), 0, 1)
	notAllowed(t, "dead jobs", err, "table ended_job")
	_, err = store.DrainQueue(t.Context(), "notes")
	notAllowed(t, "drain", err, "function drain")
	notAllowed(t, "delete the queue", store.DeleteQueue(t.Context(), "notes"), "function delete_queue")
	r.refuses(t, "enqueue", payloads)
	r.refuses(t, "enqueue", map[string]string{
		"SELECT * FROM jobgen.claim_one(1, 1, NULL, '{0}')":          "function claim_one",
		"SELECT * FROM jobgen.finish(1, 1, 1, 0, true, '', 0, NULL)": "function finish",
		"SELECT jobgen.upkeep(1)":                                    "function upkeep",
		"UPDATE jobgen.queue SET deleted = now()":                    "table queue",
		"UPDATE jobgen.node SET expires = now()":                     "table node",
		"INSERT INTO jobgen.job (queue, id, type, payload, attempts, handler, claimed, expires) VALUES (1, 1, 1, '{}', 1, 1, now(), now())": "table job",
		"CREATE TABLE jobgen.mine ()": "schema jobgen",
	})
}

func TestTheWorkRoleRunsAWorkerToCompletion(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	adder, store := r.openAs(t, "enqueue"), r.openAs(t, "work")
	notes(t, store) // it may make queues too: a worker may come first
	work(t, store, 20, func() { add(t, adder, 20) })

	queue := notes(t, store)
	id, err := runtime.Enqueue(t.Context(), adder, noteJob, &note{Text: "mine"}, runtime.JobOptions.MaxAttempts(3))
	if err != nil {
		t.Fatal(err)
	}
	job, err := queue.TryClaim(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if payload, err := job.Payload(); err != nil || payload.(*note).Text != "mine" {
		t.Errorf("payload %v, %v", payload, err)
	}
	exec(t, connect(t, r.admin), "UPDATE jobgen.job SET expires = now() - interval '1 second'")
	if job, err = queue.TrySteal(t.Context(), "two"); err != nil {
		t.Fatal(err)
	}
	if lost, err := queue.Driver().Lost(t.Context(), "one", []driver.Attempt{{Job: id}}); err != nil || len(lost) != 1 {
		t.Errorf("lost claims %v, %v", lost, err)
	}
	released := driver.Outcome{Attempt: driver.Attempt{Job: id, Number: job.AttemptNumber}, Kind: driver.Released}
	if _, err := queue.Driver().Finish(t.Context(), "two", []driver.Outcome{released}); err != nil {
		t.Error(err)
	}
	if err := queue.Cancel(t.Context(), id); err != nil {
		t.Error(err)
	}
	if stats, _, err := queue.StatsByType(t.Context(), 0); err != nil || len(stats) != 0 {
		t.Errorf("stats by type %v, %v", stats, err)
	}
	if err := store.Upkeep(t.Context(), 30); err != nil {
		t.Errorf("upkeep: %v", err)
	}

	_, err = queue.Add(t.Context(), "note", &note{})
	notAllowed(t, "add", err, "table job")
	_, err = queue.AddAndClaim(t.Context(), "note", &note{}, "h")
	notAllowed(t, "add and claim", err, "table job")
	_, err = queue.Log(t.Context(), id, 0)
	notAllowed(t, "log", err, "table attempt")
	dead := queue
	_, err = dead.DeadJobs(t.Context(), 0, 1)
	notAllowed(t, "dead jobs", err, "table ended_job")
	notAllowed(t, "revive", dead.Revive(t.Context(), id, 1), "function revive")
	_, err = store.DrainQueue(t.Context(), "notes")
	notAllowed(t, "drain", err, "function drain")
	r.refuses(t, "work", payloads)
	r.refuses(t, "work", map[string]string{
		"UPDATE jobgen.job SET expires = 'infinity'": "table job",
		"DELETE FROM jobgen.attempt":                 "table attempt",
		"SELECT jobgen.bury(1, '{1}', now())":        "function bury",
	})
}

func TestAProgramWithTwoRolesAddsJobsWithAClaim(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	exec(t, connect(t, r.admin), "GRANT "+r.prefix+"enqueue TO "+r.prefix+"work")
	store := r.openAs(t, "work")
	job, err := notes(t, store).AddAndClaim(t.Context(), "note", &note{}, "h")
	if err != nil {
		t.Fatal(err)
	}
	if err := job.Complete(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheReadRoleSeesStatisticsAndLogsAndNoPayload(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	all := open(t, r.admin)
	add(t, all, 2)
	job, err := notes(t, all).TryClaim(t.Context(), "h")
	if err != nil {
		t.Fatal(err)
	}
	job.WriteString("as it went")
	if err := job.Fail(t.Context(), "no"); err != nil {
		t.Fatal(err)
	}

	store := r.openAs(t, "read")
	queue := notes(t, store)
	if stats, err := queue.Stats(t.Context()); err != nil || stats.Waiting != 2 {
		t.Errorf("stats %+v, %v", stats, err)
	}
	if stats, _, err := queue.StatsByType(t.Context(), 0); err != nil || len(stats) != 1 || stats[0].Waiting != 2 {
		t.Errorf("stats by type %+v, %v", stats, err)
	}
	if log, err := queue.Log(t.Context(), job.ID, 0); err != nil || log.FailureReason != "no" || string(log.Log) != "as it went" {
		t.Errorf("log %+v, %v", log, err)
	}
	if names, err := store.Queues(t.Context()); err != nil || len(names) != 1 {
		t.Errorf("queues %q, %v", names, err)
	}

	_, err = queue.Add(t.Context(), "note", &note{})
	notAllowed(t, "add", err, "function lease")
	_, err = queue.TryClaim(t.Context(), "h")
	notAllowed(t, "claim", err, "function claim_one")
	notAllowed(t, "cancel", queue.Cancel(t.Context(), job.ID), "function cancel")
	_, err = store.GetQueue(t.Context(), "new")
	notAllowed(t, "get a new queue", err, "function create_queue")
	dead := queue
	_, err = dead.DeadJobs(t.Context(), 0, 1)
	notAllowed(t, "dead jobs", err, "table ended_job")
	if err := store.Renew(t.Context()); err != nil {
		t.Errorf("renew the lease that it does not have: %v", err)
	}
	r.refuses(t, "read", payloads)
	r.refuses(t, "read", map[string]string{
		"SELECT jobgen.upkeep(1)":              "function upkeep",
		"UPDATE jobgen.attempt SET log = NULL": "table attempt",
	})
}

func TestTheAdminRoleSeesToDeadJobsAndQueues(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	worker := open(t, r.admin)
	if _, err := runtime.Enqueue(t.Context(), worker, noteJob, &note{Text: "seen"}, runtime.JobOptions.MaxAttempts(1)); err != nil {
		t.Fatal(err)
	}
	job, err := notes(t, worker).TryClaim(t.Context(), "h")
	if err != nil {
		t.Fatal(err)
	}
	if err := job.Fail(t.Context(), "no"); err != nil {
		t.Fatal(err)
	}

	store := r.openAs(t, "admin")
	queue := notes(t, store)
	dead, err := queue.DeadJobs(t.Context(), 0, 10)
	if err != nil || len(dead) != 1 || !strings.Contains(string(dead[0].Data), "seen") {
		t.Fatalf("dead jobs %v, %v", dead, err)
	}
	if err := queue.Revive(t.Context(), dead[0].ID, 1); err != nil {
		t.Error(err)
	}
	if err := queue.Cancel(t.Context(), dead[0].ID); err != nil {
		t.Error(err)
	}
	if _, err := store.CreateQueue(t.Context(), "another"); err != nil {
		t.Error(err)
	}
	add(t, worker, 3)
	if n, err := store.DrainQueue(t.Context(), "notes"); err != nil || n != 3 {
		t.Errorf("drained %d, %v", n, err)
	}
	for _, name := range []string{"notes", "another"} {
		if err := store.DeleteQueue(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	if text := query[*string](t, connect(t, r.as(t, "admin")), "SELECT string_agg(payload::text, ' ') FROM jobgen.job"); text != nil {
		t.Errorf("payloads %q", *text)
	}

	_, err = queue.Add(t.Context(), "note", &note{})
	notAllowed(t, "add", err, "function lease")
	_, err = queue.TryClaim(t.Context(), "h")
	notAllowed(t, "claim", err, "function claim_one")
	r.refuses(t, "admin", map[string]string{
		"DELETE FROM jobgen.job":                 "table job",
		"UPDATE jobgen.ended_job SET attempts=0": "table ended_job",
		"SELECT holder FROM jobgen.node":         "table node",
	})
}

// TestObjectsOfACallerAreNotMetByTheOwnersFunctions has a role set a trap: a
// function of its own that the owner's functions would call in place of
// PostgreSQL's, if they looked for it where the caller does.
func TestObjectsOfACallerAreNotMetByTheOwnersFunctions(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	add(t, open(t, r.admin), 1)
	exec(t, connect(t, r.admin), "CREATE SCHEMA trap AUTHORIZATION "+r.prefix+"work")
	conn := connect(t, r.as(t, "work"))
	exec(t, conn,
		"CREATE TABLE trap.caught (payload text)",
		"GRANT ALL ON SCHEMA trap TO PUBLIC",
		"GRANT ALL ON trap.caught TO PUBLIC",
		`CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$
			BEGIN INSERT INTO trap.caught SELECT payload::text FROM jobgen.job; RETURN pg_catalog.clock_timestamp(); END $$`,
		"SET search_path = trap, pg_catalog",
		"SELECT * FROM jobgen.claim_one(1, 1, NULL, '{0}')")
	if n := query[int](t, conn, "SELECT count(*) FROM trap.caught"); n != 0 {
		t.Error("a function of the caller ran with the owner's rights")
	}
}
