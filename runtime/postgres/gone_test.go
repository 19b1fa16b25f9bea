package postgres_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres"
)

var noteVersions = []driver.TypeVersion{{Type: "note", Version: 1}}

// claimAs claims one job as a worker of that name does.
func claimAs(t *testing.T, queue *runtime.Queue, handler string) *runtime.Job {
	t.Helper()
	jobs, _ := claim(t, queue, handler, 1)
	if len(jobs) == 0 {
		return nil
	}
	return jobs[0]
}

// leaseOver lets the lease of a store that has died run out.
func leaseOver(t *testing.T, dsn string, store *postgres.Store) {
	t.Helper()
	exec(t, connect(t, dsn), "UPDATE jobgen.node SET expires = clock_timestamp() - interval '1 millisecond' WHERE number = "+strconv.Itoa(int(store.Node())))
}

func TestClaimsOfAWorkerWhoseProcessIsGoneAreTakenOverBeforeTheyExpire(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	died := open(t, dsn)
	add(t, died, 2) // with the usual minute
	first, last := claimAs(t, notes(t, died), "died"), claimAs(t, notes(t, died), "died")
	died.Die()

	store := open(t, dsn)
	store.SweepAlways()
	store.CanDeclareDead()
	queue := notes(t, store)
	if job := claimAs(t, queue, "next"); job != nil {
		t.Fatalf("%v was taken over while the lease of its process holds", job)
	}
	leaseOver(t, dsn, died)
	job := claimAs(t, queue, "next")
	if job == nil || job.ID != first.ID || job.AttemptNumber != 1 {
		t.Fatalf("took over %v; want %v", job, first)
	}
	log, err := queue.Log(t.Context(), first.ID, 0)
	if err != nil || log.HandlerID != "died" || log.FailureReason != "worker gone; taken over" {
		t.Errorf("the lost attempt left %+v, %v", log, err)
	}
	if job, err := queue.TrySteal(t.Context(), "thief"); err != nil || job.ID != last.ID {
		t.Errorf("stole %v, %v; want %v", job, err, last)
	}
}

func TestAJobWithoutAttemptsWhoseProcessIsGoneIsDeadAtOnce(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	died := open(t, dsn)
	id, err := runtime.Enqueue(t.Context(), died, noteJob, &note{}, runtime.JobOptions.MaxAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	claimAs(t, notes(t, died), "died")
	died.Die()
	leaseOver(t, dsn, died)
	store := open(t, dsn)
	store.SweepAlways()
	store.CanDeclareDead()
	queue := notes(t, store)
	if job := claimAs(t, queue, "next"); job != nil {
		t.Fatalf("claimed %v", job)
	}
	log, err := queue.Log(t.Context(), id, 0)
	if err != nil || log.FailureReason != "worker gone; no attempts left" {
		t.Errorf("the lost attempt left %+v, %v", log, err)
	}
}

// While the database was away nobody could renew a lease.
func TestAProcessThatCouldNotRenewItselfTakesNobodyForGone(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	alive := open(t, dsn)
	add(t, alive, 1)
	claimAs(t, notes(t, alive), "alive")
	alive.Die()
	leaseOver(t, dsn, alive)
	store := open(t, dsn) // in touch with the database for a moment only
	store.SweepAlways()
	if job := claimAs(t, notes(t, store), "next"); job != nil {
		t.Errorf("%v was taken over", job)
	}
	if _, err := notes(t, store).TrySteal(t.Context(), "thief"); err == nil {
		t.Error("the job was stolen")
	}
	if err := alive.Renew(t.Context()); err != nil { // it comes back in time
		t.Fatal(err)
	}
	store.CanDeclareDead()
	if job := claimAs(t, notes(t, store), "next"); job != nil {
		t.Errorf("%v was taken over from a process that is alive", job)
	}
}

// What is claimed by name alone may be finished by any process.
func TestClaimsThatNoWorkerMadeLastUntilTheyExpire(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	one, two := open(t, dsn), open(t, dsn)
	add(t, one, 3)
	if _, err := notes(t, one).TryClaim(t.Context(), "by name"); err != nil {
		t.Fatal(err)
	}
	claimAs(t, notes(t, one), "shared")
	claimAs(t, notes(t, two), "shared") // which of the two it dies with is not known
	one.Die()
	leaseOver(t, dsn, one)
	store := open(t, dsn)
	store.SweepAlways()
	store.CanDeclareDead()
	if job := claimAs(t, notes(t, store), "next"); job != nil {
		t.Errorf("%v was taken over", job)
	}
}

func TestAProcessWhoseHandlersHoldAllConnectionsIsAlive(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store, pool := openOn(t, dsn, func(c *pgxpool.Config) { c.MaxConns = 1 })
	held, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	conn := connect(t, dsn)
	until := "SELECT expires FROM jobgen.node WHERE number = " + strconv.Itoa(int(store.Node()))
	before := query[time.Time](t, conn, until)
	if err := store.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := query[time.Time](t, conn, until); !after.After(before) {
		t.Errorf("the lease ends at %v as before", after)
	}
}

func TestAProcessThatLostItsNumberTakesAnother(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	before := store.Node()
	exec(t, connect(t, dsn), "UPDATE jobgen.node SET holder = gen_random_uuid() WHERE number = "+strconv.Itoa(int(before)))
	if err := store.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if store.Node() == before {
		t.Errorf("the store goes on under number %d, which another process has", before)
	}
}

func TestUpkeepForgetsWorkersLongGone(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	died, store := open(t, dsn), open(t, dsn)
	add(t, died, 2)
	claimAs(t, notes(t, died), "died")
	claimAs(t, notes(t, store), "alive")
	died.Die()
	conn := connect(t, dsn)
	exec(t, conn, "UPDATE jobgen.node SET expires = clock_timestamp() - interval '2 hours' WHERE number = "+strconv.Itoa(int(died.Node())))
	if err := store.Upkeep(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if names := query[string](t, conn, "SELECT string_agg(name, ',') FROM jobgen.handler WHERE holder IS NOT NULL"); names != "alive" {
		t.Errorf("workers known: %s; want alive", names)
	}
}

func TestAProcessWhoseOwnLeaseWasGoneTakesNobodyForGone(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	died, store, steady := open(t, dsn), open(t, dsn), open(t, dsn)
	add(t, died, 1)
	claimAs(t, notes(t, died), "died")
	died.Die()
	leaseOver(t, dsn, died)
	store.SweepAlways()
	store.CanDeclareDead()
	steady.SweepAlways()
	steady.CanDeclareDead()
	exec(t, connect(t, dsn), "UPDATE jobgen.node SET holder = gen_random_uuid() WHERE number = "+strconv.Itoa(int(store.Node())))
	if err := store.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if job := claimAs(t, notes(t, store), "next"); job != nil {
		t.Errorf("job %d was taken over by a process that has just come back", job.ID)
	}
	if job := claimAs(t, notes(t, steady), "steady"); job == nil {
		t.Error("the job was not taken over by a process whose lease has lasted")
	}
}
