package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/engine"
)

// Exec runs do on the claimed job, and then completes or fails the claim with
// the log collected so far. It returns do's error, or what completing
// returned; [ErrJobNotClaimed] when the job carries no claim.
//
// The context given to do ends MaxWorkDuration after the claim was made (for
// a MaxWorkDuration of 0 it does not), and [Logger] finds the attempt's logger
// in it. A failed job is due again as [BackoffDuration] says; on a JobQueue that
// is not a [*Queue], at once. A panic or Goexit of do is a failure whose stack goes
// to the log. When ctx itself has ended and do returned an error, the claim is
// released without using up an attempt; on a JobQueue that is not a [*Queue], it
// is failed.
//
// An outcome that cannot be written is tried again until the claim would have
// expired, and then dropped, which the error says. One that the store refuses for
// good becomes a failure with the refusal as its reason.
func (j *Job) Exec(ctx context.Context, do func(context.Context) error) error {
	if j.JobClaim == nil {
		return fmt.Errorf("exec job %d: %w", j.ID, ErrJobNotClaimed)
	}
	run := func(ctx context.Context, _ *Job) error { return do(ctx) }
	t := &task{work: &work{queue: j.Queue.Name(), run: run, base: guardedLogger(slog.Default())}, job: j, log: j.JobClaim}
	claim := engine.Claim{
		Attempt: driver.Attempt{Job: j.ID, Number: j.AttemptNumber}, Type: driver.TypeVersion{Type: string(j.Type), Version: j.PayloadVersion},
		MaxWork: j.MaxWorkDuration, Remaining: j.AttemptsRemaining,
		Holder: &engine.Holder{Handler: j.HandlerID, Sent: j.claimedAt},
	}
	finish := finishing(j.Queue)
	var answer error
	err, writeErr := engine.Exec(ctx, claim, t, func(ctx context.Context, o driver.Outcome) (err error) {
		answer, err = finish(ctx, j.HandlerID, o)
		return err
	})
	if engine.Is(writeErr, engine.ErrDropped) {
		t.base.Error("outcome dropped", append(t.attrs(), "error", writeErr)...)
		writeErr = fmt.Errorf("job %d attempt %d: %w", j.ID, j.AttemptNumber, writeErr)
	}
	return errors.Join(err, answer, writeErr)
}

// finishing returns what writes outcomes through queue: the store's answer on an
// outcome, nil where it counts, and an error where there is none.
func finishing(queue JobQueue) func(ctx context.Context, handler string, o driver.Outcome) (answer, err error) {
	if q, ok := queue.(*Queue); ok {
		return q.finishOnce
	}
	return plainQueue{queue: queue}.finishOnce
}
