package postgres_test

import (
	"context"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
)

// A harmfulTracer does harm at the beginning of every third statement, or at its
// end.
type harmfulTracer struct {
	harm  func()
	atEnd bool
	on    atomic.Bool
	n     atomic.Int64
}

func (h *harmfulTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	h.do(false)
	return ctx
}

func (h *harmfulTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) { h.do(true) }

func (h *harmfulTracer) do(atEnd bool) {
	if h.on.Load() && atEnd == h.atEnd && h.n.Add(1)%3 == 0 {
		h.harm()
	}
}

// The pool and its hooks are the user's. A tracer that panicked in a goroutine of
// the store's ended the process.
func TestHooksOfThePoolMayDoHarm(t *testing.T) {
	t.Parallel()
	for name, tracer := range map[string]*harmfulTracer{
		"panics at the start":          {harm: func() { panic(hostileError{}) }},
		"panics at the end":            {harm: func() { panic("no trace") }, atEnd: true},
		"ends goroutines at the start": {harm: goruntime.Goexit},
		"ends goroutines at the end":   {harm: goruntime.Goexit, atEnd: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, pool := openOn(t, pgtest.DSN(t), func(c *pgxpool.Config) {
				c.MaxConns, c.ConnConfig.Tracer = 5, tracer
			})
			notes(t, store)
			mux, ran := runtime.NewMux(), make(chan string, 1000)
			mux.Handle(noteJob, func(_ context.Context, _ *runtime.Job, n note) error {
				select {
				case ran <- n.Text:
				default:
				}
				return nil
			})
			run, stop := context.WithCancel(t.Context())
			stopped := make(chan error, 1)
			go func() {
				stopped <- runtime.NewWorker(store, mux, runtime.WithPollInterval(50*time.Millisecond)).Run(run)
			}()

			tracer.on.Store(true)
			var callers sync.WaitGroup
			for range 16 {
				callers.Go(func() {
					for range 20 {
						called := make(chan struct{})
						go func() { // which a hook may end, as it does any caller's
							defer close(called)
							defer func() { _ = recover() }()
							_, _ = runtime.Enqueue(t.Context(), store, noteJob, &note{})
						}()
						<-called
					}
				})
			}
			callers.Wait()
			tracer.on.Store(false)
			if _, err := runtime.Enqueue(t.Context(), store, noteJob, &note{Text: "last"}); err != nil {
				t.Error(err)
			}
			for late := time.After(time.Minute); ; {
				select {
				case text := <-ran:
					if text != "last" {
						continue
					}
				case <-late:
					t.Error("the last job did not run")
				}
				break
			}
			stop()
			if err := <-stopped; err != nil {
				t.Error(err)
			}
			store.Close()
			// A connection that is not good any more goes back in a goroutine of the pool's.
			for late := time.Now().Add(10 * time.Second); pool.Stat().AcquiredConns() != 0; time.Sleep(time.Millisecond) {
				if time.Now().After(late) {
					t.Fatalf("%d connections did not go back to the pool", pool.Stat().AcquiredConns())
				}
			}
		})
	}
}
