package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// settled waits until WaitForJob on queue blocks: the wake-ups that LISTEN's
// beginning causes have been heard.
func settled(t *testing.T, queue *runtime.Queue) {
	t.Helper()
	for heard := true; heard; {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		heard = queue.WaitForJob(ctx) == nil
		cancel()
	}
}

// listening waits until one connection other than conn's own listens.
func listening(t *testing.T, dsn string, not int) (pid int) {
	t.Helper()
	conn := connect(t, dsn)
	for t.Context().Err() == nil {
		err := conn.QueryRow(t.Context(), `SELECT pid FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> $1`, not).Scan(&pid)
		if err == nil {
			return pid
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("nobody listens")
	return 0
}

func TestACommitOfAnotherProcessEndsTheWait(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	here, there := open(t, dsn), open(t, dsn)
	queue := notes(t, here)
	settled(t, queue)
	add(t, there, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := queue.WaitForJob(ctx); err != nil {
		t.Error(err)
	}
}

func TestALostListenConnectionIsMadeAnew(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	here, there := open(t, dsn), open(t, dsn)
	queue := notes(t, here)
	settled(t, queue)
	pid := listening(t, dsn, 0)
	conn := connect(t, dsn)
	if !query[bool](t, conn, "SELECT pg_terminate_backend($1)", pid) {
		t.Fatal("the listening connection was not there")
	}
	// Everybody is woken, since a notification may have been lost.
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := queue.WaitForJob(ctx); err != nil {
		t.Fatal(err)
	}
	listening(t, dsn, pid)
	settled(t, queue)
	add(t, there, 1)
	if err := queue.WaitForJob(ctx); err != nil {
		t.Error(err)
	}
}

func TestAProcessHasOneListenConnectionAndCloseEndsIt(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	for _, name := range []string{"notes", "a", "b", "c"} {
		queue, err := store.GetQueue(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		settled(t, queue.(*runtime.Queue))
	}
	conn := connect(t, dsn)
	if n := query[int](t, conn, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"); n != 1 {
		t.Errorf("%d connections listen", n)
	}
	if err := errors.Join(store.Close(), store.Close()); err != nil {
		t.Error(err)
	}
	gone := func() bool {
		return query[int](t, conn, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'") == 0
	}
	for !gone() {
		time.Sleep(5 * time.Millisecond) // a backend takes a moment to go; the test's deadline bounds it
	}
}

func TestWithoutListenNobodyListensAndPollingFindsTheJob(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	here, there := open(t, dsn, postgres.WithoutListen()), open(t, dsn)
	queue := notes(t, here)
	settled(t, queue)
	add(t, there, 1)
	job, err := runtime.Claim(t.Context(), queue, "h", 10*time.Millisecond, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := job.Complete(t.Context()); err != nil {
		t.Error(err)
	}
	conn := connect(t, dsn)
	if n := query[int](t, conn, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"); n != 0 {
		t.Errorf("%d connections listen", n)
	}
}

func TestABurstOfJobsCostsFewNotifications(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	notes(t, store)
	conn := connect(t, dsn)
	exec(t, conn, `LISTEN "`+store.Channel()+`"`)
	const jobs = 500
	begun := time.Now()
	add(t, store, jobs)
	took := time.Since(begun)
	if err := store.Close(); err != nil { // which sends what is left
		t.Fatal(err)
	}
	heard := 0
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		_, err := conn.WaitForNotification(ctx)
		cancel()
		if err != nil {
			break
		}
		heard++
	}
	// One at the beginning, one per pause of 10 ms, one at the end.
	if most := int(took/(10*time.Millisecond)) + 2; heard < 1 || heard > most {
		t.Errorf("%d jobs in %v cost %d notifications, which should be 1 to %d", jobs, took, heard, most)
	}
}
