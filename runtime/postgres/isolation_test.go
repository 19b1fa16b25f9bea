package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// The database gives statements up in favour of others where the isolation level of
// its transactions is not read committed. The store repeats its own.
func TestTheStoreWorksAtEachIsolationLevel(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DSN(t)
			var stores [4]*postgres.Store // as of four processes
			for i := range stores {
				stores[i], _ = openOn(t, dsn, func(c *pgxpool.Config) {
					c.MaxConns, c.ConnConfig.RuntimeParams["default_transaction_isolation"] = 5, level
				})
			}
			store := stores[0]
			notes(t, store)
			const callers, each = 8, 100
			var mu sync.Mutex
			runs, all := make(map[string]int), make(chan struct{})
			mux := runtime.NewMux()
			mux.Handle(noteJob, func(_ context.Context, job *runtime.Job, _ note) error {
				mu.Lock()
				defer mu.Unlock()
				if runs[job.ID.String()]++; len(runs) == callers*each {
					close(all)
				}
				return nil
			})
			run, stop := context.WithCancel(t.Context())
			var workers, producers sync.WaitGroup
			for _, store := range stores {
				workers.Go(func() { _ = runtime.NewWorker(store, mux, runtime.WithHandlers(4)).Run(run) })
			}
			for i := range callers {
				producers.Go(func() {
					for range each {
						if _, err := runtime.Enqueue(t.Context(), stores[i%len(stores)], noteJob, &note{}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			producers.Wait()
			select {
			case <-all:
			case <-time.After(time.Minute):
				t.Error("some jobs did not run")
			}
			stop()
			workers.Wait()
			for id, n := range runs {
				if n != 1 {
					t.Errorf("job %s ran %d times", id, n)
				}
			}
			if stats, err := notes(t, store).Stats(t.Context()); err != nil || stats.Waiting+stats.Claimed != 0 {
				t.Errorf("left %+v, error %v", stats, err)
			}
		})
	}
}
