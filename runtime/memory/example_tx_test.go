package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// A tx is a transaction as pgx.Tx and *memory.Tx are.
type tx interface {
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}

// A jobStore is *postgres.Store where T is pgx.Tx, and *memory.Store where T is
// *memory.Tx.
type jobStore[T tx] interface{ InTx(T) *runtime.Store }

// A shop takes orders, and sends a note about each in the same transaction.
type shop[T tx] struct {
	begin func(ctx context.Context) (T, error) // pool.Begin in the program
	jobs  jobStore[T]
}

var errSoldOut = errors.New("sold out")

func (s shop[T]) order(ctx context.Context, what string) error {
	tx, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) // of no effect after Commit
	if _, err := runtime.Enqueue(ctx, s.jobs.InTx(tx), noteJob, &note{Text: what}); err != nil {
		return err
	}
	if what == "tulips" {
		return errSoldOut
	}
	return tx.Commit(ctx)
}

// Code that enqueues in its own transaction runs with memory in unit tests.
func ExampleStore_InTx() {
	ctx := context.Background()
	store, err := memory.New(catalogue)
	if err != nil {
		panic(err)
	}
	s := shop[*memory.Tx]{begin: store.Begin, jobs: store}
	fmt.Println(s.order(ctx, "roses"), s.order(ctx, "tulips"))

	queue, err := store.Queue(ctx, "notes")
	if err != nil {
		panic(err)
	}
	stats, err := queue.Stats(ctx)
	fmt.Println(stats.Waiting, err)
	// Output:
	// <nil> sold out
	// 1 <nil>
}
