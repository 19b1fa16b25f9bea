package runtime_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime"
)

func BenchmarkWorkerOnMemory(b *testing.B) {
	store := benchStore{}
	store.queue.left.Store(int64(b.N))
	mux := handle(func(context.Context, *runtime.Job, note) error { return nil })
	ctx, cancel := context.WithCancel(b.Context())
	store.queue.done = cancel
	b.ReportAllocs()
	b.ResetTimer()
	if err := runtime.NewWorker(&store, mux, runtime.WithLogger(nil)).Run(ctx); err != nil {
		b.Fatal(err)
	}
}

// benchStore hands out b.N jobs and forgets them, so that the benchmark
// measures the Worker alone.
type benchStore struct{ queue benchQueue }

type benchQueue struct {
	runtime.JobQueue
	left, finished atomic.Int64
	done           func()
}

func (s *benchStore) GetQueue(context.Context, string) (runtime.JobQueue, error) {
	return &s.queue, nil
}

func (q *benchQueue) Name() string { return "notes" }

func (q *benchQueue) WaitForJob(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func (q *benchQueue) ClaimBatch(_ context.Context, req runtime.ClaimRequest) (runtime.ClaimedBatch, error) {
	var batch runtime.ClaimedBatch
	now := time.Now()
	for len(batch.Jobs) < req.Limit && q.left.Add(-1) >= 0 {
		job := &runtime.Job{ID: 1, Type: "note", Data: []byte(`{"text":"x"}`), MaxWorkDuration: time.Minute}
		batch.Jobs = append(batch.Jobs, catalogue.BindClaim(job, q, req.HandlerID, now))
	}
	q.finished.Add(int64(len(batch.Jobs)))
	return batch, nil
}

func (q *benchQueue) FinishBatch(_ context.Context, _ string, outcomes []runtime.Outcome) ([]error, error) {
	if q.finished.Add(-int64(len(outcomes))) == 0 && q.left.Load() <= 0 {
		q.done()
	}
	return make([]error, len(outcomes)), nil
}
