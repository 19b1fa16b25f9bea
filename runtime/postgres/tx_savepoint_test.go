package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// An optional step of a transaction failed, and the rest goes on.
func TestNothingIsRememberedOfASavepointThatWasRolledBack(t *testing.T) {
	t.Parallel()
	for name, begin := range txDrivers {
		for _, known := range []bool{false, true} {
			what := map[bool]string{false: "a new queue", true: "a known queue"}[known]
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				dsn := usual.empty.DSN(t)
				store := open(t, dsn)
				// The queue that the catalogue names is there from the start.
				queueName := map[bool]string{false: "new", true: "notes"}[known]
				if known {
					notes(t, store)
				}
				ear := connect(t, dsn)
				exec(t, ear, "LISTEN "+pgx.Identifier{store.Channel()}.Sanitize())

				tx := begin(t, t.Context(), dsn)
				bound := tx.bind(store)
				step := func(err error) {
					t.Helper()
					if err != nil {
						t.Fatal(err)
					}
				}
				step(tx.exec("SAVEPOINT a"))
				queue, err := bound.GetQueue(t.Context(), queueName)
				step(err)
				_, err = queue.Add(t.Context(), "note", &note{Text: "in vain"})
				step(err)
				step(tx.exec("ROLLBACK TO a"))
				_, err = queue.Add(t.Context(), "note", &note{Text: "by the queue as it was"})
				step(err)
				again, err := bound.GetQueue(t.Context(), queueName)
				step(err)
				_, err = again.Add(t.Context(), "note", &note{Text: "by the queue anew"})
				step(err)
				step(tx.commit())
				exec(t, connect(t, dsn), "SELECT pg_notify('"+store.Channel()+"', 'end')")
				if heard := notified(t, ear); heard != 1 {
					t.Errorf("the commit sent %d notifications, want 1", heard)
				}
				after, err := store.Queue(t.Context(), queueName)
				step(err)
				if stats, err := after.Stats(t.Context()); err != nil || stats.Waiting != 2 {
					t.Errorf("the queue holds %+v, error %v; want 2 jobs", stats, err)
				}
			})
		}
	}
}

// notified counts notifications up to one that says "end".
func notified(t *testing.T, conn *pgx.Conn) (n int) {
	t.Helper()
	for {
		note, err := conn.WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if note.Payload == "end" {
			return n
		}
		n++
	}
}

// PostgreSQL prepares no transaction that has sent a notification.
func TestAStoreThatPollsTakesPartInATwoPhaseCommit(t *testing.T) {
	t.Parallel()
	dsn := pgtest.NewCluster(t, "max_prepared_transactions=5").DSN()
	store := open(t, dsn, postgres.WithoutListen())
	s := newStock(t, store)
	conn := connect(t, dsn)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bound := store.InTx(tx)
	if _, err := runtime.EnqueueBatch(t.Context(), bound, noteJob, make([]note, 3)); err != nil {
		t.Fatal(err)
	}
	for _, call := range calls(bound.Driver(), notes(t, bound).Driver(), s) {
		if name, err := call(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	add(t, bound, 1)
	exec(t, conn, "PREPARE TRANSACTION 'jobs'")
	exec(t, conn, "COMMIT PREPARED 'jobs'")
	if stats, err := notes(t, store).Stats(context.Background()); err != nil || stats.Waiting != 1 {
		t.Errorf("the queue holds %+v, error %v; want 1 job", stats, err)
	}
}
