package runtime_test

import (
	"context"
	"testing"

	"github.com/jobgen/jobgen/runtime"
)

// BenchmarkWorkerOnMemory measures the Worker alone.
func BenchmarkWorkerOnMemory(b *testing.B) {
	q := newSource(int64(b.N))
	mux := handle(func(context.Context, *runtime.Job, note) error { q.runs.Add(1); return nil })
	ctx, cancel := context.WithCancel(b.Context())
	q.done = cancel
	b.ReportAllocs()
	b.ResetTimer()
	if err := runtime.NewWorker(q.store(), mux, runtime.WithLogger(nil)).Run(ctx); err != nil {
		b.Fatal(err)
	}
	if n := q.runs.Load(); n != int64(b.N) {
		b.Fatalf("%d jobs were run of %d", n, b.N)
	}
}
