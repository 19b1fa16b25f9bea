package runtime_test

import (
	"context"
	"testing"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// BenchmarkWorker works jobs that do nothing, so what it counts per job is what
// Worker, decoding and the memory back end cost.
func BenchmarkWorker(b *testing.B) {
	store, err := memory.New(jobs.Catalogue)
	if err != nil {
		b.Fatal(err)
	}
	payloads := make([]jobs.EmailJob, b.N)
	for i := range payloads {
		payloads[i] = jobs.NewEmailJob(1852347861234567890, "welcome-2024-11-26")
	}
	if _, err := jobs.EnqueueEmailBatch(b.Context(), store, payloads); err != nil {
		b.Fatal(err)
	}
	done, left := make(chan struct{}), len(payloads)
	mux := runtime.NewMux()
	jobs.HandleEmail(mux, func(context.Context, *runtime.Job, jobs.EmailJob) error {
		if left--; left == 0 {
			close(done)
		}
		return nil
	})
	worker := runtime.NewWorker(store, mux, runtime.WithLogger(nil), runtime.WithHandlers(1))
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	b.ReportAllocs()
	b.ResetTimer()
	go func() { ended <- worker.Run(ctx) }()
	<-done
	b.StopTimer()
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
