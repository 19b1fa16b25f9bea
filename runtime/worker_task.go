package runtime

import (
	"context"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/engine"
	"github.com/jobgen/jobgen/runtime/observe"
)

// A task is a claimed job with what runs it. It implements [engine.Task]. Job and
// log are the handler's, which may change them: what is said and written of the
// attempt comes from the attempt's own copy of the claim.
type task struct {
	*work
	job *Job
	log *JobClaim

	observed context.Context // that the observer made; of the handler's goroutine
	logger   atomic.Pointer[slog.Logger]
	attempt  engine.Attempt
}

// A work is what the tasks of a queue's jobs of one type have in common.
type work struct {
	queue    string                                    // its name
	run      func(ctx context.Context, job *Job) error // user code
	base     *slog.Logger                              // guarded
	observer observe.Observer                          // or nil
}

// A claimedTask is a task with all that it points to, in one allocation.
type claimedTask struct {
	task
	ownJob Job
	ownLog JobClaim
}

var _ engine.Task = (*task)(nil)

// newTask makes a task of a row of queue that was claimed.
func newTask(w *work, queue *Queue, row *driver.Row, holder *engine.Holder) *task {
	t := &claimedTask{}
	t.ownJob.set(row, queue.store.catalogue)
	t.ownJob.AttemptsMade-- // the current one is not over
	t.ownLog.JobID, t.ownLog.HandlerID, t.ownLog.AttemptNumber, t.ownLog.Queue = row.ID, holder.Handler, t.ownJob.AttemptsMade, queue
	t.ownJob.JobClaim, t.ownJob.claimedAt = &t.ownLog, holder.Sent
	t.work, t.job, t.log = w, &t.ownJob, &t.ownLog
	return &t.task
}

// Run implements [engine.Task].
func (t *task) Run(ctx context.Context) error {
	if t.observer != nil {
		ctx = t.observe(ctx)
	}
	return t.run(ctx, t.job)
}

// Attempt implements [engine.Task].
func (t *task) Attempt() *engine.Attempt { return &t.attempt }

// Write implements [engine.Task].
func (t *task) Write(p []byte) (int, error) { return t.log.Write(p) }

// Bytes implements [engine.Task].
func (t *task) Bytes() []byte { return t.log.Bytes() }

// RetryIn implements [engine.Task].
func (t *task) RetryIn() time.Duration { return retryDelay(t.attempt.Number) }

// Panicked implements [engine.Task].
func (t *task) Panicked(value any, stack []byte) error {
	return &PanicError{Value: value, Stack: stack}
}

// observe has the observer make the handler's context.
func (t *task) observe(ctx context.Context) (made context.Context) {
	defer func() {
		if value := recover(); value != nil {
			made = ctx
			_, _ = t.log.WriteString("the observer: " + engine.PanicText(value) + "\n")
		}
		t.observed = made
	}()
	made = t.observer.AttemptBegins(ctx, observe.Event{
		Kind: observe.AttemptBegun, Time: time.Now(), Queue: t.queue, JobID: t.attempt.Job, JobType: t.attempt.Type.Type,
		PayloadVersion: t.attempt.Type.Version, AttemptNumber: t.attempt.Number, HandlerID: t.attempt.Handler,
		AttemptsRemaining: observedRemaining(t.attempt.Number, t.attempt.Remaining), Waited: time.Since(t.attempt.Sent),
	})
	if made == nil {
		return ctx
	}
	return made
}

// attemptLogger is made for the first line that is logged, so that a handler
// which logs nothing pays for nothing.
func (t *task) attemptLogger() *slog.Logger {
	if logger := t.logger.Load(); logger != nil {
		return logger
	}
	own := slog.NewTextHandler(t.log, &slog.HandlerOptions{Level: slog.LevelDebug})
	t.logger.CompareAndSwap(nil, slog.New(slog.NewMultiHandler(own, t.base.Handler())).With(t.attrs()...))
	return t.logger.Load()
}

// attrs names the attempt in a log line.
func (t *task) attrs() []any {
	return []any{
		"queue", t.queue, "job", int64(t.attempt.Job), "type", t.attempt.Type.Type,
		"attempt", t.attempt.Number, "handler", t.attempt.Handler,
	}
}

// remainingText is how many attempts are left after this one.
func remainingText(attempt, left int32) any {
	if isUnlimited(attempt, left) {
		return "unlimited"
	}
	return left
}

// isUnlimited reports whether a job whose current attempt has this number, and
// that many are left after it, may have as many as it takes.
func isUnlimited(attempt, left int32) bool { return int64(attempt)+1+int64(left) >= math.MaxInt32 }

// observedRemaining is how many attempts are left, as an [observe.Event] says it.
func observedRemaining(attempt, left int32) int32 {
	if isUnlimited(attempt, left) {
		return math.MaxInt32
	}
	return left
}
