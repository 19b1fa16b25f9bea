package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

// begin begins a transaction that is rolled back when the test ends.
func begin(t *testing.T, store *sqlite.Store) *sql.Tx {
	t.Helper()
	tx, err := store.DB().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func TestReadingGoesOnBesideATransaction(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t))
	exec(t, store.DB(), "CREATE TABLE account (id INTEGER PRIMARY KEY)", "INSERT INTO account VALUES (1)")
	queue := notes(t, store)
	tx := begin(t, store)
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO account VALUES (2)"); err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(t.Context(), store.InTx(tx), noteJob, &note{}); err != nil {
		t.Fatal(err)
	}
	if n := query[int](t, store.DB(), "SELECT count(*) FROM account"); n != 1 {
		t.Errorf("%d accounts beside the transaction; want 1", n)
	}
	if stats, err := queue.Stats(t.Context()); err != nil || stats.Waiting != 0 {
		t.Errorf("%+v, %v", stats, err)
	}
	reading, err := store.DB().BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := reading.Rollback(); err != nil {
		t.Error(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := query[int](t, store.DB(), "SELECT count(*) FROM account"); n != 2 {
		t.Errorf("%d accounts after the transaction; want 2", n)
	}
}

func TestWritingBesideOnesOwnTransactionIsAnErrorAndNoDeadlock(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t), sqlite.WithBusyTimeout(100*time.Millisecond))
	queue := notes(t, store)
	tx := begin(t, store)
	if _, err := queue.Add(t.Context(), noteJob.Type, note{}); err == nil || !strings.Contains(err.Error(), "InTx") {
		t.Errorf("%v; want an error that says what to do", err)
	}
	if _, err := store.DB().BeginTx(t.Context(), nil); err == nil {
		t.Error("a second transaction began beside the first")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Add(t.Context(), noteJob.Type, note{}); err != nil {
		t.Errorf("after the transaction: %v", err)
	}
}

func TestAContextEndsTheWaitForATransaction(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t))
	queue := notes(t, store)
	tx := begin(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() {
		_, err := queue.Add(ctx, noteJob.Type, note{})
		ended <- err
	}()
	go func() {
		_, err := store.DB().BeginTx(ctx, nil)
		ended <- err
	}()
	cancel()
	for range 2 {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%v; want %v", err, context.Canceled)
		}
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if stats, err := queue.Stats(t.Context()); err != nil || stats.Waiting != 0 {
		t.Errorf("%+v, %v; what was given up must not be written", stats, err)
	}
}

func TestATransactionWhoseContextEndsLetsOthersWrite(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t))
	queue := notes(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	tx, err := store.DB().BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(ctx, store.InTx(tx), noteJob, &note{}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := queue.Add(t.Context(), noteJob.Type, note{}); err != nil {
		t.Fatal(err)
	}
	if stats, err := queue.Stats(t.Context()); err != nil || stats.Waiting != 1 {
		t.Errorf("%+v, %v; want the one job that was added outside", stats, err)
	}
}

func TestAWriteThatFailsLeavesThoseBesideItBe(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t))
	gone, err := store.CreateQueue(t.Context(), "gone")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.DeleteQueue(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	queue := notes(t, store)
	tx := begin(t, store) // all that come now wait, and share the transaction after
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			if i%2 == 0 {
				if _, err := gone.Add(t.Context(), noteJob.Type, note{}); !errors.Is(err, runtime.ErrJobQueueNotFound) {
					t.Errorf("add to a deleted queue: %v", err)
				}
			} else if _, err := queue.Add(t.Context(), noteJob.Type, note{}); err != nil {
				t.Error(err)
			}
		})
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if stats, err := queue.Stats(t.Context()); err != nil || stats.Waiting != 32 {
		t.Errorf("%+v, %v; want 32 jobs", stats, err)
	}
}

func TestManyTransactionsTakeTurns(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t), sqlite.WithSynchronousNormal())
	exec(t, store.DB(), "CREATE TABLE counter (n INTEGER)", "INSERT INTO counter VALUES (0)")
	var all sync.WaitGroup
	for range 100 { // more than there are connections
		all.Go(func() {
			tx, err := store.DB().BeginTx(t.Context(), nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer tx.Rollback()
			_, err = tx.ExecContext(t.Context(), "UPDATE counter SET n = n + 1")
			if err == nil {
				_, err = runtime.Enqueue(t.Context(), store.InTx(tx), noteJob, &note{})
			}
			if err == nil {
				err = tx.Commit()
			}
			if err != nil {
				t.Error(err)
			}
			if _, err := runtime.Enqueue(t.Context(), store, noteJob, &note{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := query[int](t, store.DB(), "SELECT n FROM counter"); n != 100 {
		t.Errorf("counted %d; want 100", n)
	}
	if stats, err := notes(t, store).Stats(t.Context()); err != nil || stats.Waiting != 200 {
		t.Errorf("%+v, %v; want 200 jobs", stats, err)
	}
}
