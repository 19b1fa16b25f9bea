package sqlite_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

// note is the payload of these tests' own jobs.
type note struct {
	Text string `json:"text"`
}

var (
	noteJob   = runtime.Define[note]("note", "notes")
	catalogue = runtime.NewCatalogue(noteJob)
)

// open returns a store on path that lasts as long as the test.
func open(t testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, catalogue, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func notes(t testing.TB, store *sqlite.Store) *runtime.Queue {
	t.Helper()
	queue, err := store.Queue(t.Context(), "notes")
	if err != nil {
		t.Fatal(err)
	}
	return queue
}

func benchEnqueue(b *testing.B, clients int, opts ...sqlite.Option) {
	store := open(b, newPath(b), opts...)
	b.SetParallelism(clients) // times GOMAXPROCS
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := runtime.Enqueue(b.Context(), store, noteJob, &note{"a note of some length, as they are"}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

func BenchmarkEnqueueFull2(b *testing.B)  { benchEnqueue(b, 1) }
func BenchmarkEnqueueFull16(b *testing.B) { benchEnqueue(b, 8) }
func BenchmarkEnqueueNormal2(b *testing.B) {
	benchEnqueue(b, 1, sqlite.WithSynchronousNormal())
}

func BenchmarkEnqueueNormal16(b *testing.B) {
	benchEnqueue(b, 8, sqlite.WithSynchronousNormal())
}

func BenchmarkEnqueueBatch1000(b *testing.B) {
	store := open(b, newPath(b))
	batch := make([]note, 1000)
	for i := range batch {
		batch[i].Text = "a note of some length, as they are"
	}
	b.ResetTimer()
	for b.Loop() {
		if _, err := runtime.EnqueueBatch(b.Context(), store, noteJob, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

// BenchmarkDrain works off 100,000 jobs that do nothing.
func BenchmarkDrain100k(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		store := open(b, newPath(b))
		const n = 100_000
		if _, err := runtime.EnqueueBatch(b.Context(), store, noteJob, make([]note, n)); err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		var done atomic.Int64
		mux := runtime.NewMux()
		mux.Handle(noteJob, func(context.Context, *runtime.Job, note) error {
			if done.Add(1) == n {
				cancel()
			}
			return nil
		})
		b.StartTimer()
		if err := runtime.NewWorker(store, mux, runtime.WithHandlers(16)).Run(ctx); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if stats, err := notes(b, store).Stats(b.Context()); err != nil || stats != (runtime.JobQueueStats{}) {
			b.Fatalf("%+v, %v", stats, err)
		}
		b.StartTimer()
	}
	b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}
