package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

// contents is everything in the tables of jobs, as text.
func contents(t *testing.T, store *sqlite.Store) string {
	t.Helper()
	return query[string](t, store.DB(), `SELECT concat_ws('; ',
		(SELECT group_concat(concat_ws(' ', id, queue, attempts, due)) FROM jobgen_job),
		(SELECT group_concat(concat_ws(' ', queue, priority, due, job)) FROM jobgen_waiting),
		(SELECT group_concat(concat_ws(' ', job, number, handler, expires)) FROM jobgen_claim),
		(SELECT group_concat(concat_ws(' ', job, number, outcome, reason)) FROM jobgen_attempt),
		(SELECT group_concat(concat_ws(' ', id, state)) FROM jobgen_ended_job),
		(SELECT group_concat(concat_ws(' ', number, name)) FROM jobgen_queue))`)
}

func TestWhatIsBoundToAnEndedTransactionDoesNothing(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(tx *sql.Tx, cancel context.CancelFunc) error{
		"Commit":   func(tx *sql.Tx, _ context.CancelFunc) error { return tx.Commit() },
		"Rollback": func(tx *sql.Tx, _ context.CancelFunc) error { return tx.Rollback() },
		"the end of its context": func(tx *sql.Tx, cancel context.CancelFunc) error {
			cancel()
			for { // database/sql rolls back in a goroutine of its own
				if _, err := tx.Exec("SELECT 1"); errors.Is(err, sql.ErrTxDone) {
					return nil
				}
			}
		},
		"COMMIT as a statement": func(tx *sql.Tx, _ context.CancelFunc) error {
			_, err := tx.Exec("COMMIT")
			return err
		},
		"ROLLBACK as a statement": func(tx *sql.Tx, _ context.CancelFunc) error {
			_, err := tx.Exec("ROLLBACK")
			return err
		},
		"an error after which SQLite rolls back": func(tx *sql.Tx, _ context.CancelFunc) error {
			if _, err := tx.Exec("INSERT OR ROLLBACK INTO jobgen_priority VALUES (0)"); err == nil {
				return errors.New("no error")
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t, newPath(t), sqlite.WithSynchronousNormal())
			outside := notes(t, store)
			job, err := outside.AddAndClaim(t.Context(), noteJob.Type, note{"claimed"}, "h", runtime.JobOptions.MaxAttempts(1))
			if err == nil {
				_, err = outside.Add(t.Context(), noteJob.Type, note{"waiting"})
			}
			dead, addErr := outside.AddAndClaim(t.Context(), noteJob.Type, note{"dead"}, "h", runtime.JobOptions.MaxAttempts(1))
			if err := errors.Join(err, addErr); err != nil {
				t.Fatal(err)
			}
			if err := dead.Fail(t.Context(), "so that it is dead"); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			tx, err := store.DB().BeginTx(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			bound := store.InTx(tx)
			queue, err := bound.Queue(t.Context(), "notes")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := queue.Stats(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := end(tx, cancel); err != nil {
				t.Fatal(err)
			}
			before := contents(t, store)
			for what, do := range map[string]func(ctx context.Context) error{
				"GetQueue":    func(ctx context.Context) error { _, err := bound.GetQueue(ctx, "notes"); return err },
				"new queue":   func(ctx context.Context) error { _, err := bound.GetQueue(ctx, "new"); return err },
				"CreateQueue": func(ctx context.Context) error { _, err := bound.CreateQueue(ctx, "new"); return err },
				"Queue":       func(ctx context.Context) error { _, err := bound.Queue(ctx, "notes"); return err },
				"Queues":      func(ctx context.Context) error { _, err := bound.Queues(ctx); return err },
				"DrainQueue":  func(ctx context.Context) error { _, err := bound.DrainQueue(ctx, "notes"); return err },
				"DeleteQueue": func(ctx context.Context) error { return bound.DeleteQueue(ctx, "notes") },
				"Add":         func(ctx context.Context) error { _, err := queue.Add(ctx, noteJob.Type, note{}); return err },
				"AddBatch": func(ctx context.Context) error {
					_, err := queue.AddBatch(ctx, noteJob.Type, []any{note{}, note{}})
					return err
				},
				"AddAndClaim": func(ctx context.Context) error {
					_, err := queue.AddAndClaim(ctx, noteJob.Type, note{}, "h")
					return err
				},
				"TryClaim":    func(ctx context.Context) error { _, err := queue.TryClaim(ctx, "h"); return err },
				"TrySteal":    func(ctx context.Context) error { _, err := queue.TrySteal(ctx, "other"); return err },
				"Cancel":      func(ctx context.Context) error { return queue.Cancel(ctx, job.ID) },
				"Complete":    func(ctx context.Context) error { return queue.Complete(ctx, job.ID, "h", 0, nil) },
				"CompleteIn":  func(ctx context.Context) error { return job.CompleteIn(ctx, bound) },
				"Fail":        func(ctx context.Context) error { return queue.Fail(ctx, job.ID, "h", 0, "", nil) },
				"Stats":       func(ctx context.Context) error { _, err := queue.Stats(ctx); return err },
				"StatsByType": func(ctx context.Context) error { _, _, err := queue.StatsByType(ctx, 1); return err },
				"Log":         func(ctx context.Context) error { _, err := queue.Log(ctx, job.ID, 0); return err },
				"DeadJobs":    func(ctx context.Context) error { _, err := queue.DeadJobs(ctx, 0, 1); return err },
				"Revive":      func(ctx context.Context) error { return queue.Revive(ctx, dead.ID, 1) },
				"Claim of the driver": func(ctx context.Context) error {
					_, err := queue.Driver().Claim(ctx, driver.ClaimRequest{Handler: "h", Limit: 10})
					return err
				},
				"Lost": func(ctx context.Context) error {
					_, err := queue.Driver().Lost(ctx, "h", []driver.Attempt{{Job: job.ID}})
					return err
				},
			} {
				if err := do(t.Context()); !errors.Is(err, runtime.ErrTxEnded) {
					t.Errorf("%s: %v; want %v", what, err, runtime.ErrTxEnded)
				}
			}
			_ = tx.Rollback() // frees the connection where it was a statement
			if after := contents(t, store); after != before {
				t.Errorf("something was changed:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

func TestATransactionForgetsWhatASavepointTookBack(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t), sqlite.WithSynchronousNormal())
	tx := begin(t, store)
	bound := store.InTx(tx)
	step := func(statement string) {
		t.Helper()
		if _, err := tx.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	step("SAVEPOINT step")
	first, err := bound.GetQueue(t.Context(), "first")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Add(t.Context(), noteJob.Type, note{"taken back"}); err != nil {
		t.Fatal(err)
	}
	step("ROLLBACK TO step")
	// It gets the number that the first one had.
	second, err := bound.GetQueue(t.Context(), "second")
	if err != nil {
		t.Fatal(err)
	}
	if stats, err := first.Stats(t.Context()); err != nil || stats.Waiting != 0 {
		t.Errorf("a queue that was taken back: %+v, %v", stats, err)
	}
	if _, err := first.Add(t.Context(), noteJob.Type, note{"first"}); err != nil {
		t.Errorf("add to a queue that was taken back: %v", err)
	}
	if _, err := second.Add(t.Context(), noteJob.Type, note{"second"}); err != nil {
		t.Error(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"first", "second"} {
		queue, err := store.Queue(t.Context(), name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		job, err := queue.TryClaim(t.Context(), "h")
		if err != nil || string(job.Data) != `{"text":"`+name+`"}` {
			t.Errorf("queue %s: %v, %v", name, job, err)
		}
		if stats, err := queue.Stats(t.Context()); err != nil || stats.Waiting != 0 {
			t.Errorf("queue %s: %+v, %v", name, stats, err)
		}
	}
}

func TestAJobAddedAfterASavepointWasTakenBackIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t), sqlite.WithSynchronousNormal())
	queue := notes(t, store)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	found := make(chan error, 1)
	go func() {
		_, err := runtime.Claim(ctx, queue, "h", time.Hour, 0)
		found <- err
	}()
	tx := begin(t, store)
	bound := store.InTx(tx)
	for _, step := range []string{"SAVEPOINT step", "ROLLBACK TO step"} {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			t.Fatal(err)
		}
		if _, err := runtime.Enqueue(ctx, bound, noteJob, &note{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-found; err != nil {
		t.Errorf("nobody was woken: %v", err)
	}
}

// A trigger of the application may refuse the second of an operation's
// statements.
func TestARefusedOperationLeavesNothingInTheTransaction(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t), sqlite.WithSynchronousNormal())
	exec(t, store.DB(), "CREATE TRIGGER refuse BEFORE INSERT ON jobgen_waiting BEGIN SELECT RAISE(ABORT, 'no'); END")
	tx := begin(t, store)
	var refused *driver.RefusedError
	if _, err := runtime.Enqueue(t.Context(), store.InTx(tx), noteJob, &note{}); !errors.As(err, &refused) || !refused.Final {
		t.Errorf("%v; want a final refusal", err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := query[int](t, store.DB(), "SELECT count(*) FROM jobgen_job"); n != 0 {
		t.Errorf("%d jobs were half added", n)
	}
}
