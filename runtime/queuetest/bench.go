package queuetest

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/jobgen/jobgen/runtime"
)

// Bench measures how many jobs a second one process can enqueue, alone, from
// many clients and in batches, and can claim and complete: one by one, and as
// a Worker does.
func Bench(b *testing.B, h Harness) {
	b.Run("enqueue/clients=1", func(b *testing.B) { benchEnqueue(b, h, 1) })
	b.Run("enqueue/clients=16", func(b *testing.B) { benchEnqueue(b, h, 16) })
	b.Run("enqueue/batch=100", func(b *testing.B) { benchBatch(b, h, 100) })
	b.Run("drain/one by one", func(b *testing.B) { benchDrain(b, h) })
	b.Run("drain/worker", func(b *testing.B) { benchWorker(b, h) })
}

var benchPayload = payloadA{N: 1, Text: "a payload of some length, as they are"}

// reportJobs says how many jobs went through while the timer ran.
func reportJobs(b *testing.B, n int) {
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "jobs/s")
}

func benchEnqueue(b *testing.B, h Harness, clients int) {
	service := h(b).Open(b, catalogue)
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	together(clients, func(int) {
		for left.Add(-1) >= 0 {
			if _, err := runtime.Enqueue(b.Context(), service, jobA, &benchPayload); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	reportJobs(b, b.N)
}

// fill adds n jobs.
func fill(b *testing.B, service *runtime.Store, n int) {
	b.Helper()
	for n > 0 {
		batch := make([]payloadA, min(n, 1000))
		for i := range batch {
			batch[i] = benchPayload
		}
		if _, err := runtime.EnqueueBatch(b.Context(), service, jobA, batch); err != nil {
			b.Fatal(err)
		}
		n -= len(batch)
	}
}

func benchBatch(b *testing.B, h Harness, size int) {
	service := h(b).Open(b, catalogue)
	batch := make([]payloadA, size)
	for i := range batch {
		batch[i] = benchPayload
	}
	b.ResetTimer()
	for range b.N {
		if _, err := runtime.EnqueueBatch(b.Context(), service, jobA, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	reportJobs(b, b.N*size)
}

// drained holds that a benchmark has left nothing.
func drained(b *testing.B, service *runtime.Store) {
	b.Helper()
	queue, err := service.GetQueue(b.Context(), jobA.Queue)
	if err != nil {
		b.Fatal(err)
	}
	if stats, err := queue.Stats(b.Context()); err != nil || stats != (runtime.JobQueueStats{}) {
		b.Fatalf("after the drain: %+v, %v", stats, err)
	}
}

func benchDrain(b *testing.B, h Harness) {
	service := h(b).Open(b, catalogue)
	fill(b, service, b.N)
	queue, err := service.GetQueue(b.Context(), jobA.Queue)
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		job, err := queue.TryClaim(b.Context(), "bench")
		if err == nil {
			err = job.Complete(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	reportJobs(b, b.N)
	drained(b, service)
}

func benchWorker(b *testing.B, h Harness) {
	service := h(b).Open(b, catalogue)
	fill(b, service, b.N)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var left atomic.Int64
	left.Store(int64(b.N))
	mux := runtime.NewMux()
	mux.Handle(jobA, func(context.Context, *runtime.Job, payloadA) error {
		if left.Add(-1) == 0 {
			cancel()
		}
		return nil
	})
	b.ResetTimer()
	if err := runtime.NewWorker(service, mux, runtime.WithLogger(nil)).Run(ctx); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	reportJobs(b, b.N)
	drained(b, service)
}
