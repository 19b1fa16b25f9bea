package runtime

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/engine"
)

// stealChance is how often a Worker looks for expired claims first, on a queue
// that does not see to that by itself.
const stealChance = 0.1

// A plainQueue makes a [JobQueue] that somebody else has written one that a
// [Worker] and [Job.Exec] can work. It claims and finishes one by one, fails
// what it cannot release, and does not learn of lost claims before it finishes.
// The queue's panics are errors.
type plainQueue struct {
	queue   JobQueue
	types   []driver.TypeVersion
	poll    time.Duration // how long to leave a queue alone that hands out what nobody here understands
	arrived *plainWait
	jobs    *sync.Map // of *Job by driver.Attempt: those that were claimed, and have not begun
}

var _ driver.Queue = plainQueue{}

// newPlainQueue returns the driver of a queue until ctx ends.
func newPlainQueue(ctx context.Context, queue JobQueue, types []driver.TypeVersion, poll time.Duration) plainQueue {
	return plainQueue{
		queue: queue, types: types, poll: poll, jobs: new(sync.Map),
		arrived: &plainWait{ctx: ctx, queue: queue, arrived: make(chan struct{}, 1)},
	}
}

// plainClaimTime is how long claims gather before those that there are begin:
// they age meanwhile, and the queue may be slow.
const plainClaimTime = 20 * time.Millisecond

// Claim implements [driver.Queue]. It finishes nothing.
func (q plainQueue) Claim(ctx context.Context, req driver.ClaimRequest) (claimed driver.Claimed, err error) {
	q.arrived.stop()
	for began := time.Now(); len(claimed.Rows) < req.Limit; {
		if len(claimed.Rows) > 0 && time.Since(began) > plainClaimTime {
			claimed.NextDue = time.Microsecond // there may be more
			break
		}
		job, err := q.claimOne(ctx, req.Handler)
		if engine.Is(err, ErrJobNotFound) {
			break
		}
		if err != nil {
			return claimed, err
		}
		row := rowOf(job)
		if !slices.Contains(q.types, row.Type) {
			q.arrived.leave(q.poll) // it would be claimed again at once
			_, err := q.finishOnce(ctx, req.Handler, driver.Outcome{
				Attempt: driver.Attempt{Job: job.ID, Number: job.AttemptNumber}, Kind: driver.Failed,
				Reason: fmt.Sprintf("no handler for jobs of type %v here; left for another worker", row.Type),
			})
			return claimed, err
		}
		q.jobs.Store(driver.Attempt{Job: job.ID, Number: job.AttemptNumber}, job)
		claimed.Rows = append(claimed.Rows, row)
	}
	return claimed, nil
}

// newTask makes a task of a row that was claimed.
func (q plainQueue) newTask(w *work, row *driver.Row, handler string, sent time.Time) *task {
	claimed, _ := q.jobs.LoadAndDelete(driver.Attempt{Job: row.ID, Number: row.Attempts - 1})
	job, ok := claimed.(*Job)
	if !ok { // the queue has handed the attempt out twice
		again := newJob(row, nil)
		job = &again
		job.AttemptsMade--
		job.JobClaim = &JobClaim{JobID: job.ID, HandlerID: handler, AttemptNumber: job.AttemptsMade, Queue: q.queue}
	}
	job.claimedAt = sent
	return &task{work: w, job: job, log: job.JobClaim}
}

func (q plainQueue) claimOne(ctx context.Context, handler string) (job *Job, err error) {
	defer func() {
		if value := recover(); value != nil { // those that were claimed before are good
			job, err = nil, errors.New("claim: "+engine.PanicText(value))
		}
	}()
	stealFirst := rand.Float64() < stealChance
	if stealFirst {
		if job, err := q.queue.TrySteal(ctx, handler); !engine.Is(err, ErrJobNotFound) {
			return claimedJob(job, err)
		}
	}
	job, err = q.queue.TryClaim(ctx, handler)
	if engine.Is(err, ErrJobNotFound) && !stealFirst {
		job, err = q.queue.TrySteal(ctx, handler)
	}
	return claimedJob(job, err)
}

func claimedJob(job *Job, err error) (*Job, error) {
	if err == nil && (job == nil || job.JobClaim == nil) {
		return nil, errors.New("the queue returned a job without a claim")
	}
	return job, err
}

// rowOf is a claimed job as a driver's row.
func rowOf(job *Job) driver.Row {
	made := job.AttemptNumber + 1
	left := min(job.AttemptsRemaining, math.MaxInt32-made) // unlimited stays so
	return driver.Row{
		ID: job.ID, Type: driver.TypeVersion{Type: string(job.Type), Version: max(job.PayloadVersion, 1)}, Payload: job.Data,
		Created: job.Created, Due: job.Due, MaxWork: job.MaxWorkDuration,
		Attempts: made, MaxAttempts: made + left, Priority: job.Priority,
	}
}

// Finish implements [driver.Queue].
func (q plainQueue) Finish(ctx context.Context, handler string, outcomes []driver.Outcome) ([]driver.Result, error) {
	results := make([]driver.Result, len(outcomes))
	for i, o := range outcomes {
		answer, err := q.finishOnce(ctx, handler, o)
		if err != nil {
			return nil, err
		}
		results[i].Status = plainStatus(answer)
	}
	return results, nil
}

func plainStatus(answer error) driver.Status {
	switch {
	case answer == nil:
		return driver.Done
	case engine.Is(answer, ErrJobNotFound):
		return driver.NotFound
	case engine.Is(answer, ErrJobCancelled):
		return driver.Superseded
	}
	return driver.NotHeld
}

// finishOnce writes one outcome. It returns the queue's answer, nil where the
// outcome counts, or an error where there is none.
func (q plainQueue) finishOnce(ctx context.Context, handler string, o driver.Outcome) (answer, err error) {
	if q.jobs != nil {
		q.jobs.Delete(o.Attempt)
	}
	defer func() {
		if value := recover(); value != nil {
			answer, err = nil, errors.New(describe(o)+": "+engine.PanicText(value))
		}
	}()
	switch o.Kind {
	case driver.Completed:
		err = q.queue.Complete(ctx, o.Job, handler, o.Number, o.Log)
	case driver.Released:
		err = q.queue.Fail(ctx, o.Job, handler, o.Number, "released: the worker stopped, or began too late", o.Log)
	case driver.Failed:
		err = q.queue.Fail(ctx, o.Job, handler, o.Number, o.Reason, o.Log)
	}
	if engine.Is(err, ErrJobNotClaimed) || engine.Is(err, ErrJobCancelled) || engine.Is(err, ErrJobNotFound) {
		return err, nil
	}
	return nil, err
}

// Arrived implements [driver.Queue]. It has the channel told of the next job.
func (q plainQueue) Arrived() <-chan struct{} { return q.arrived.begin() }

// Revoked implements [driver.Queue]: nothing tells of lost claims.
func (q plainQueue) Revoked(context.Context) <-chan struct{} { return nil }

// Lost implements [driver.Queue]: none is known to be lost.
func (q plainQueue) Lost(context.Context, string, []driver.Attempt) ([]driver.Lost, error) {
	return nil, nil
}

// Stats implements [driver.Queue]. The types of jobs are not known.
func (q plainQueue) Stats(ctx context.Context, req driver.StatsRequest) (driver.Stats, error) {
	if req.ByType {
		return driver.Stats{}, nil
	}
	stats, err := q.queue.Stats(ctx)
	return driver.Stats{Counts: driver.Counts(stats)}, err
}

var errPlain = errors.New("a JobQueue by itself cannot do that")

// Add implements [driver.Queue]. Nothing calls it.
func (q plainQueue) Add(context.Context, driver.Batch) (driver.Added, error) {
	return driver.Added{}, errPlain
}

// Cancel implements [driver.Queue]. Nothing calls it.
func (q plainQueue) Cancel(context.Context, snowflake.ID) (driver.Status, error) { return 0, errPlain }

// Revive implements [driver.Queue]. Nothing calls it.
func (q plainQueue) Revive(context.Context, snowflake.ID, int32) (driver.Status, error) {
	return 0, errPlain
}

// Log implements [driver.Queue]. Nothing calls it.
func (q plainQueue) Log(context.Context, driver.Attempt) (driver.Log, bool, error) {
	return driver.Log{}, false, errPlain
}

// Dead implements [driver.Queue]. Nothing calls it.
func (q plainQueue) Dead(context.Context, snowflake.ID, int) ([]driver.Row, error) {
	return nil, errPlain
}

// A plainWait waits for a queue's jobs while somebody wants to hear of them.
type plainWait struct {
	ctx     context.Context
	queue   JobQueue
	arrived chan struct{}

	mu     sync.Mutex
	cancel context.CancelFunc // of the wait under way; or nil
	until  time.Time          // when to wait again
}

// begin waits, unless a wait is under way, and returns the channel that holds a
// value after it.
func (w *plainWait) begin() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel == nil && len(w.arrived) == 0 {
		ctx, cancel := context.WithCancel(w.ctx)
		w.cancel = cancel
		go w.wait(ctx, cancel, time.Until(w.until))
	}
	return w.arrived
}

// stop ends a wait under way, since somebody is about to look.
func (w *plainWait) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		w.cancel()
		w.cancel = nil
	}
}

// leave makes the next waits begin no earlier than in d.
func (w *plainWait) leave(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = time.Now().Add(d)
}

func (w *plainWait) wait(ctx context.Context, cancel context.CancelFunc, pause time.Duration) {
	defer func() {
		_ = recover() // a queue that cannot wait is polled
		if ctx.Err() == nil {
			w.stop()
		}
		cancel()
	}()
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
	err := w.queue.WaitForJob(ctx)
	if err != nil && ctx.Err() == nil { // a queue that cannot wait is polled
		<-ctx.Done()
	}
	if err == nil {
		select {
		case w.arrived <- struct{}{}:
		default:
		}
	}
}

// addBatch adds jobs to a queue, in one transaction unless somebody else has
// written it.
func addBatch(ctx context.Context, queue JobQueue, jobType JobType, payloads []any, opts []JobOption) ([]snowflake.ID, error) {
	if ours, ok := queue.(*Queue); ok {
		return ours.AddBatch(ctx, jobType, payloads, opts...)
	}
	ids := make([]snowflake.ID, 0, len(payloads))
	for i, payload := range payloads {
		id, err := queue.Add(ctx, jobType, payload, opts...)
		if err != nil {
			return ids, fmt.Errorf("payload %d: %w", i, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}
