package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	goruntime "runtime"
	"sync/atomic"
	"time"
)

// BackoffDuration is the unit of the delay before a failed job is tried again:
// after attempt n (from 0) the job becomes due (n+1) × BackoffDuration later.
// Set it before any job runs; it is not guarded.
var BackoffDuration = 5 * time.Second

// maxBackoff keeps the delay of a job that has failed very often in range.
const maxBackoff = 100 * 365 * 24 * time.Hour

// retryDelay is how long after this attempt's failure the job is due again.
func (j *Job) retryDelay() time.Duration {
	unit, n := max(BackoffDuration, 0), time.Duration(j.AttemptsMade)+1
	if unit > maxBackoff/n {
		return maxBackoff
	}
	return n * unit
}

// A PanicError is the error of an attempt whose function panicked. The stack
// is in the attempt's log too.
type PanicError struct {
	// Value is what the function panicked with.
	Value any
	// Stack is the goroutine's stack at that point: functions and lines. The
	// words that were passed to them are left out, since a payload may be in
	// those.
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the panic's value where that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit is the error of an attempt whose function ended its goroutine.
var errGoexit = errors.New("the function called runtime.Goexit")

// Exec runs do on the claimed job, and then completes or fails the claim with
// the log collected so far. It returns do's error, or what completing
// returned; [ErrJobNotClaimed] when the job carries no claim.
//
// The context given to do ends MaxWorkDuration after the claim was made (for
// a MaxWorkDuration of 0 it does not), and [Logger] finds the attempt's logger
// in it. A failed job is due again as [BackoffDuration] says, where the queue
// is a [Retrier], and at once elsewhere. A panic or Goexit of do is a failure
// whose stack goes to the log. When ctx itself has ended and do returned an
// error, the claim is released without using up an attempt, where the queue is
// a [Releaser].
//
// An outcome that cannot be written is tried again until the claim would have
// expired, and then dropped; [DroppedOutcomes] counts those.
func (j *Job) Exec(ctx context.Context, do func(context.Context) error) error {
	if j.JobClaim == nil {
		return fmt.Errorf("exec job %d: %w", j.ID, ErrJobNotClaimed)
	}
	a := newAttempt(ctx, j, slog.Default())
	result := make(chan error, 1)
	go func() { // its own goroutine, since do may end the one it runs on
		defer a.end(nil)
		call(a, j.JobClaim, do, func(err error) { result <- err })
	}()
	err := <-result
	v := judge(context.Cause(ctx), err)
	writeErr := j.persist(ctx, func(ctx context.Context) error { return j.settle(ctx, v, err) })
	return errors.Join(err, writeErr)
}

// call runs do and hands its error to done, whatever way do ends. After a
// Goexit the calling goroutine ends once done has returned.
func call(ctx context.Context, claim *JobClaim, do func(context.Context) error, done func(error)) {
	err, returned := errGoexit, false
	defer func() {
		if returned {
			done(err)
			return
		}
		if value := recover(); value != nil {
			stack := callStack()
			fmt.Fprintf(claim, "panic: %v\n%s", value, stack)
			err = &PanicError{Value: value, Stack: stack}
		} else {
			fmt.Fprintf(claim, "%v\n%s", err, callStack())
		}
		done(err)
	}()
	err = do(ctx)
	returned = true
}

// maxFrames bounds the stack of a function that calls itself without end.
const maxFrames = 200

// callStack is the calling goroutine's stack as the log has it.
func callStack() []byte {
	var text bytes.Buffer
	callers := make([]uintptr, maxFrames)
	frames := goruntime.CallersFrames(callers[:goruntime.Callers(2, callers)])
	for more := true; more; {
		var f goruntime.Frame
		f, more = frames.Next()
		fmt.Fprintf(&text, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
	}
	return text.Bytes()
}

// A verdict is what becomes of a claim whose function has ended.
type verdict int

const (
	complete verdict = iota
	fail
	release
)

// judge decides on an attempt that ended with err. The cause is why its claim
// was lost or its work was to stop, if so.
func judge(cause, err error) verdict {
	var panicked *PanicError
	switch {
	case err == nil:
		return complete
	case cause == nil, errors.As(err, &panicked), errors.Is(err, errGoexit):
		return fail
	case errors.Is(cause, ErrJobCancelled), errors.Is(cause, ErrJobNotClaimed):
		return fail // the claim is lost, its log is not
	}
	return release
}

// outcome is what is written of an attempt that ended with err.
func (j *Job) outcome(v verdict, err error) Outcome {
	o := Outcome{JobID: j.ID, AttemptNumber: j.AttemptNumber, Success: v == complete, Log: j.Bytes()}
	if v == fail {
		o.Reason, o.RetryIn = err.Error(), j.retryDelay()
	}
	return o
}

// settle writes what became of the claim through the queue's plain methods.
func (j *Job) settle(ctx context.Context, v verdict, err error) error {
	if v == complete {
		return j.Complete(ctx)
	}
	if v == release {
		if r, ok := j.Queue.(Releaser); ok {
			err := r.Release(ctx, j.HandlerID, []ClaimRef{{JobID: j.ID, AttemptNumber: j.AttemptNumber}})
			if err != nil {
				return fmt.Errorf("release job %d, %w: %w", j.ID, errUnrepeatable, err)
			}
			return nil
		}
	}
	if r, ok := j.Queue.(Retrier); ok {
		return r.FailAndRetry(ctx, j.ID, j.HandlerID, j.AttemptNumber, err.Error(), j.Bytes(), j.retryDelay())
	}
	return j.Fail(ctx, err.Error())
}

// Bounds of writing an outcome while the store is away.
const (
	minPersist       = 2 * time.Second // for claims that have expired already
	persistAfterStop = 5 * time.Second // once the caller's context has ended
)

// persist calls write, with a context that outlives ctx, until it succeeds,
// is answered by one of the errors that decide the attempt, or the claim has
// expired.
func (j *Job) persist(ctx context.Context, write func(context.Context) error) error {
	until := time.Now().Add(minPersist)
	if at, ok := j.expires(); ok && at.After(until) {
		until = at
	}
	stopped := ctx.Done()
	detached, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	for retry := newBackoff(); ; {
		err := write(detached)
		if err == nil || decides(err) || errors.Is(err, errUnrepeatable) {
			return err
		}
		timer := time.NewTimer(retry.next())
		select {
		case <-timer.C:
		case <-stopped:
			timer.Stop()
			stopped = nil
			time.AfterFunc(persistAfterStop, cancel)
		case <-detached.Done():
			timer.Stop()
			droppedOutcomes.Add(1)
			slog.Default().Error("outcome dropped: the store could not be reached until the claim expired",
				"queue", j.Queue.Name(), "job", int64(j.ID), "attempt", j.AttemptNumber, "error", err)
			return fmt.Errorf("outcome of job %d attempt %d dropped: %w", j.ID, j.AttemptNumber, err)
		}
	}
}

// errUnrepeatable marks a write that must not be tried again, since the claim
// it would end may be a new one by then. The old one expires by itself.
var errUnrepeatable = errors.New("which is tried once")

// decides reports whether err is a store's final answer on an attempt.
func decides(err error) bool {
	return errors.Is(err, ErrJobNotClaimed) || errors.Is(err, ErrJobCancelled) || errors.Is(err, ErrJobNotFound)
}

var droppedOutcomes atomic.Int64

// DroppedOutcomes counts the outcomes that this process could not write before
// their claims expired. Their jobs are stolen and run again.
func DroppedOutcomes() int64 { return droppedOutcomes.Load() }
