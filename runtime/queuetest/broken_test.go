package queuetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// A bug is one way in which a back end may be wrong, as changes to what goes
// into the reference's calls and to what comes out. Each is given only what
// it needs; nil changes nothing.
type bug struct {
	name      string
	sentences []string // behaviours that notice it
	// Whether the other two parts of the suite must notice it too. They leave
	// out what many clients at once cannot tell from bad luck.
	byModel, byConcurrency bool

	options  func([]runtime.JobOption) []runtime.JobOption
	added    func(w *wreck, q *memory.Queue, id snowflake.ID)
	taken    func(w *wreck, q *memory.Queue, handler string, job *runtime.Job, err error) (*runtime.Job, error)
	outcome  func(o attemptEnd) attemptEnd
	finished func(w *wreck, q *memory.Queue, handler string, o attemptEnd, err error) error
	release  func(q *memory.Queue, handler string, refs []claimRef) error
	cancel   func(w *wreck, q *memory.Queue, id snowflake.ID) error
	wait     func(ctx context.Context) error
	lost     func([]lostClaim) []lostClaim
	log      func(*runtime.JobLog)
	stats    func(*runtime.JobQueueStats)
	revive   func(attempts int32) int32
}

// A wreck is what a bug may remember of one store.
type wreck struct {
	bug
	mu      sync.Mutex
	calls   int
	known   map[snowflake.ID]bool
	holders map[snowflake.ID]*runtime.Job // the last claim of each job
	last    *runtime.Job
}

func newWreck(b bug) *wreck {
	return &wreck{bug: b, known: make(map[snowflake.ID]bool), holders: make(map[snowflake.ID]*runtime.Job)}
}

// every is true with each nth call.
func (w *wreck) every(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	return w.calls%n == 0
}

func (w *wreck) holder(id snowflake.ID) *runtime.Job {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.holders[id]
}

// broken is a store with a bug.
type broken struct {
	memoryStore
	wreck *wreck
}

func (s *broken) Open(t testing.TB, catalogue *runtime.Catalogue) *runtime.Store {
	return &brokenService{s.memoryStore.Open(t, catalogue).(*memory.Store), s.wreck}
}

type brokenService struct {
	*memory.Store
	wreck *wreck
}

func (s *brokenService) GetQueue(ctx context.Context, name string) (queue, error) {
	queue, err := s.Store.GetQueue(ctx, name)
	if err != nil {
		return nil, err
	}
	return &brokenQueue{queue.(*memory.Queue), s.wreck}, nil
}

type brokenQueue struct {
	*memory.Queue
	wreck *wreck
}

func (q *brokenQueue) opts(opts []runtime.JobOption) []runtime.JobOption {
	if q.wreck.options == nil {
		return opts
	}
	return q.wreck.options(opts)
}

func (q *brokenQueue) learn(ids ...snowflake.ID) {
	for _, id := range ids {
		q.wreck.mu.Lock()
		q.wreck.known[id] = true
		q.wreck.mu.Unlock()
		if q.wreck.added != nil {
			q.wreck.added(q.wreck, q.Queue, id)
		}
	}
}

// take passes a claimed job on, whose outcome comes back here.
func (q *brokenQueue) take(handler string, job *runtime.Job, err error) (*runtime.Job, error) {
	if q.wreck.taken != nil {
		job, err = q.wreck.taken(q.wreck, q.Queue, handler, job, err)
	}
	if job != nil {
		job.Queue = q
		q.wreck.mu.Lock()
		q.wreck.holders[job.ID], q.wreck.last = job, job
		q.wreck.mu.Unlock()
	}
	return job, err
}

func (q *brokenQueue) Add(ctx context.Context, t runtime.JobType, payload any, opts ...runtime.JobOption) (snowflake.ID, error) {
	id, err := q.Queue.Add(ctx, t, payload, q.opts(opts)...)
	if err == nil {
		q.learn(id)
	}
	return id, err
}

func (q *brokenQueue) AddBatch(ctx context.Context, t runtime.JobType, payloads []any, opts ...runtime.JobOption) ([]snowflake.ID, error) {
	ids, err := q.Queue.AddBatch(ctx, t, payloads, q.opts(opts)...)
	q.learn(ids...)
	return ids, err
}

func (q *brokenQueue) AddAndClaim(ctx context.Context, t runtime.JobType, payload any, handler string, opts ...runtime.JobOption) (*runtime.Job, error) {
	job, err := q.Queue.AddAndClaim(ctx, t, payload, handler, q.opts(opts)...)
	if err != nil {
		return nil, err
	}
	q.learn(job.ID)
	return q.take(handler, job, nil)
}

func (q *brokenQueue) TryClaim(ctx context.Context, handler string) (*runtime.Job, error) {
	job, err := q.Queue.TryClaim(ctx, handler)
	return q.take(handler, job, err)
}

func (q *brokenQueue) TrySteal(ctx context.Context, handler string) (*runtime.Job, error) {
	job, err := q.Queue.TrySteal(ctx, handler)
	return q.take(handler, job, err)
}

func (q *brokenQueue) ClaimBatch(ctx context.Context, req claimRequest) (claimedBatch, error) {
	batch, err := q.Queue.ClaimBatch(ctx, req)
	for i := range batch.Jobs {
		batch.Jobs[i], _ = q.take(req.HandlerID, batch.Jobs[i], nil)
	}
	return batch, err
}

func (q *brokenQueue) finish(ctx context.Context, handler string, o attemptEnd) error {
	if q.wreck.outcome != nil {
		o = q.wreck.outcome(o)
	}
	errs, err := q.Queue.FinishBatch(ctx, handler, []attemptEnd{o})
	if err != nil {
		return err
	}
	if q.wreck.finished != nil {
		return q.wreck.finished(q.wreck, q.Queue, handler, o, errs[0])
	}
	return errs[0]
}

func (q *brokenQueue) Complete(ctx context.Context, id snowflake.ID, handler string, attempt int32, log []byte) error {
	return q.finish(ctx, handler, attemptEnd{JobID: id, AttemptNumber: attempt, Success: true, Log: log})
}

func (q *brokenQueue) Fail(ctx context.Context, id snowflake.ID, handler string, attempt int32, reason string, log []byte) error {
	return q.FailAndRetry(ctx, id, handler, attempt, reason, log, 0)
}

func (q *brokenQueue) FailAndRetry(ctx context.Context, id snowflake.ID, handler string, attempt int32, reason string, log []byte, in time.Duration) error {
	return q.finish(ctx, handler, attemptEnd{JobID: id, AttemptNumber: attempt, Reason: reason, Log: log, RetryIn: in})
}

func (q *brokenQueue) FinishBatch(ctx context.Context, handler string, outcomes []attemptEnd) ([]error, error) {
	errs := make([]error, len(outcomes))
	for i, o := range outcomes {
		errs[i] = q.finish(ctx, handler, o)
	}
	return errs, ctx.Err()
}

func (q *brokenQueue) Release(ctx context.Context, handler string, refs []claimRef) error {
	if q.wreck.release != nil {
		return q.wreck.release(q.Queue, handler, refs)
	}
	return q.Queue.Release(ctx, handler, refs)
}

func (q *brokenQueue) Cancel(ctx context.Context, id snowflake.ID) error {
	if q.wreck.cancel != nil {
		return q.wreck.cancel(q.wreck, q.Queue, id)
	}
	return q.Queue.Cancel(ctx, id)
}

func (q *brokenQueue) WaitForJob(ctx context.Context) error {
	if q.wreck.wait != nil {
		return q.wreck.wait(ctx)
	}
	return q.Queue.WaitForJob(ctx)
}

func (q *brokenQueue) LostClaims(ctx context.Context, handler string, refs []claimRef) ([]lostClaim, error) {
	lost, err := q.Queue.LostClaims(ctx, handler, refs)
	if q.wreck.lost != nil {
		lost = q.wreck.lost(lost)
	}
	return lost, err
}

func (q *brokenQueue) Log(ctx context.Context, id snowflake.ID, attempt int32) (*runtime.JobLog, error) {
	log, err := q.Queue.Log(ctx, id, attempt)
	if err == nil && q.wreck.log != nil {
		q.wreck.log(log)
	}
	return log, err
}

func (q *brokenQueue) Stats(ctx context.Context) (runtime.JobQueueStats, error) {
	stats, err := q.Queue.Stats(ctx)
	if q.wreck.stats != nil {
		q.wreck.stats(&stats)
	}
	return stats, err
}

func (q *brokenQueue) Revive(ctx context.Context, id snowflake.ID, attempts int32) error {
	if q.wreck.revive != nil {
		attempts = q.wreck.revive(attempts)
	}
	return q.Queue.Revive(ctx, id, attempts)
}
