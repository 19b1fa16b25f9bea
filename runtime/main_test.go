package runtime_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/internal/test/leak"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/memory"
	"github.com/jobgen/jobgen/runtime/observe"
)

func TestMain(m *testing.M) { leak.Main(m) }

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

func notes(t *testing.T, service runtime.JobService) *runtime.Queue {
	t.Helper()
	queue, err := service.GetQueue(t.Context(), "notes")
	if err != nil {
		t.Fatal(err)
	}
	return queue.(*runtime.Queue)
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

// A source is a queue that hands out jobs and forgets them. While
// it is broken it takes no outcomes.
type source struct {
	driver.Queue
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

// store is a service whose only queue is q.
func (q *source) store() *runtime.Store { return storeOf(q) }

// storeOf is a service whose only queue is queue.
func storeOf(queue driver.Queue) *runtime.Store {
	return runtime.NewStore(oneQueue{queue: queue, lastAnswer: time.Now}, catalogue)
}

type oneQueue struct {
	driver.Store
	queue      driver.Queue
	lastAnswer func() time.Time
}

func (s oneQueue) Queue(context.Context, string, driver.Open) (driver.Queue, error) {
	return s.queue, nil
}

func (s oneQueue) LastAnswer() time.Time { return s.lastAnswer() }

func (q *source) Arrived() <-chan struct{} { return nil }

func (q *source) Revoked(context.Context) <-chan struct{} { return nil }

func (q *source) Lost(context.Context, string, []driver.Attempt) ([]driver.Lost, error) {
	return nil, nil
}

func (q *source) Stats(context.Context, driver.StatsRequest) (driver.Stats, error) {
	return driver.Stats{}, nil
}

func (q *source) Claim(_ context.Context, req driver.ClaimRequest) (claimed driver.Claimed, _ error) {
	n := max(min(int64(req.Limit), q.left.Load()), 0)
	q.left.Add(-n)
	claimed.Rows = make([]driver.Row, 0, n)
	for range n {
		claimed.Rows = append(claimed.Rows, driver.Row{
			ID: 1, Type: driver.TypeVersion{Type: "note", Version: 1}, Payload: []byte(`{"text":"x"}`), MaxWork: time.Hour,
			Attempts: 1, MaxAttempts: math.MaxInt32,
		})
	}
	if len(req.Finish) > 0 {
		claimed.Finished = make([]driver.Result, len(req.Finish))
		q.finish(len(req.Finish))
	}
	return claimed, nil
}

func (q *source) Finish(_ context.Context, _ string, outcomes []driver.Outcome) ([]driver.Result, error) {
	if q.broken.Load() {
		return nil, errors.New("no outcome can be written")
	}
	q.finish(len(outcomes))
	return make([]driver.Result, len(outcomes)), nil
}

func (q *source) finish(n int) {
	if q.finished.Add(int64(n)) == q.jobs {
		q.done()
	}
}

// A hooked queue calls what a test has set before the queue itself, which is
// next.
type hooked struct {
	driver.Queue
	claim  func(ctx context.Context, req driver.ClaimRequest, next driver.Queue) (driver.Claimed, error)
	finish func(ctx context.Context, handler string, outcomes []driver.Outcome, next driver.Queue) ([]driver.Result, error)
}

func (q *hooked) Claim(ctx context.Context, req driver.ClaimRequest) (driver.Claimed, error) {
	if q.claim == nil {
		return q.Queue.Claim(ctx, req)
	}
	return q.claim(ctx, req, q.Queue)
}

func (q *hooked) Finish(ctx context.Context, handler string, outcomes []driver.Outcome) ([]driver.Result, error) {
	if q.finish == nil {
		return q.Queue.Finish(ctx, handler, outcomes)
	}
	return q.finish(ctx, handler, outcomes, q.Queue)
}

// hook puts q before the notes of a store, and returns the service that a
// worker uses.
func hook(t *testing.T, store *memory.Store, q *hooked) *runtime.Store {
	t.Helper()
	q.Queue = notes(t, store).Driver()
	return storeOf(q)
}

// events are what an observer was told.
type events struct {
	mu  sync.Mutex
	all []observe.Event
}

func (e *events) AttemptBegins(ctx context.Context, begun observe.Event) context.Context {
	e.Observe(begun)
	return ctx
}

func (e *events) Observe(event observe.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

// of returns the events of a kind.
func (e *events) of(kind observe.Kind) (some []observe.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.all {
		if event.Kind == kind {
			some = append(some, event)
		}
	}
	return some
}

// at is a definition at a version of its payload, with the upgrades from the
// previous ones.
func at(def *runtime.Definition, version int16, upgrades ...runtime.Upgrade) *runtime.Definition {
	at := *def
	at.Version, at.Upgrades = version, upgrades
	return &at
}
