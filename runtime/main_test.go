package runtime_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/snowflake"
	"go.uber.org/goleak"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type note struct {
	Text string `json:"text"`
}

var (
	noteJob   = runtime.Define[note]("note", "notes", runtime.JobMaxAttempts(3), runtime.JobMaxWorkDuration(30*time.Second))
	otherJob  = runtime.Define[note]("other", "notes")
	catalogue = runtime.NewCatalogue(noteJob, otherJob)
)

// inBubble runs test on a fake clock that stands at a time snowflakes know.
func inBubble(t *testing.T, test func(t *testing.T, store *memory.Store)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(20 * 365 * 24 * time.Hour)
		store, err := memory.New(catalogue)
		if err != nil {
			t.Fatal(err)
		}
		test(t, store)
	})
}

// start runs a worker until the test ends, or until the returned stop is
// called, which returns Run's error.
func start(t *testing.T, service runtime.JobService, mux *runtime.Mux, opts ...runtime.WorkerOption) (w *runtime.Worker, stop func() error) {
	t.Helper()
	w = runtime.NewWorker(service, mux, append([]runtime.WorkerOption{runtime.WithLogger(nil)}, opts...)...)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return w, stop
}

func enqueue(t *testing.T, service runtime.JobService, opts ...runtime.JobOption) snowflake.ID {
	t.Helper()
	id, err := runtime.Enqueue(t.Context(), service, noteJob, &note{Text: "x"}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func notes(t *testing.T, service runtime.JobService) runtime.JobQueue {
	t.Helper()
	queue, err := service.GetQueue(t.Context(), "notes")
	if err != nil {
		t.Fatal(err)
	}
	return queue
}

func logOf(t *testing.T, service runtime.JobService, id snowflake.ID, attempt int32) *runtime.JobLog {
	t.Helper()
	log, err := notes(t, service).Log(t.Context(), id, attempt)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func handle(handler func(ctx context.Context, job *runtime.Job, n note) error) *runtime.Mux {
	mux := runtime.NewMux()
	mux.Handle(noteJob, handler)
	return mux
}

func unfinished(t *testing.T, service runtime.JobService) int64 {
	t.Helper()
	stats, err := notes(t, service).Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stats.Waiting + stats.Claimed
}

type syncBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuilder) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}
func (s *syncBuilder) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

// source is a queue that hands out jobs and forgets them. While it is broken
// it takes no outcomes.
type source struct {
	runtime.JobQueue
	jobs                 int64
	left, runs, finished atomic.Int64
	broken               atomic.Bool
	done                 func() // is called when all jobs are finished
}

func newSource(jobs int64) *source {
	q := &source{jobs: jobs, done: func() {}}
	q.left.Store(jobs)
	return q
}

func (q *source) GetQueue(context.Context, string) (runtime.JobQueue, error) { return q, nil }

func (q *source) Name() string { return "notes" }

func (q *source) WaitForJob(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func (q *source) ClaimBatch(_ context.Context, req runtime.ClaimRequest) (batch runtime.ClaimedBatch, _ error) {
	for len(batch.Jobs) < req.Limit && q.left.Add(-1) >= 0 {
		job := &runtime.Job{ID: 1, Type: "note", PayloadVersion: 1, Data: []byte(`{"text":"x"}`), MaxWorkDuration: time.Hour}
		batch.Jobs = append(batch.Jobs, catalogue.BindClaim(job, q, req.HandlerID, time.Now()))
	}
	return batch, nil
}

func (q *source) FinishBatch(_ context.Context, _ string, outcomes []runtime.Outcome) ([]error, error) {
	if q.broken.Load() {
		return nil, errors.New("no outcome can be written")
	}
	if q.finished.Add(int64(len(outcomes))) == q.jobs {
		q.done()
	}
	return make([]error, len(outcomes)), nil
}
