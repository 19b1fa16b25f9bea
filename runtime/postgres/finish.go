package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// Complete implements [runtime.JobQueue].
func (q *storeQueue) Complete(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, log []byte) error {
	return q.finishOne(ctx, handlerID, runtime.Outcome{JobID: jobID, AttemptNumber: attemptNumber, Success: true, Log: log})
}

// Fail implements [runtime.JobQueue].
func (q *storeQueue) Fail(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, reason string, log []byte) error {
	return q.finishOne(ctx, handlerID, runtime.Outcome{JobID: jobID, AttemptNumber: attemptNumber, Reason: reason, Log: log})
}

// FailAndRetry implements [runtime.Retrier].
func (q *storeQueue) FailAndRetry(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, reason string, log []byte, retryIn time.Duration) error {
	return q.finishOne(ctx, handlerID, runtime.Outcome{JobID: jobID, AttemptNumber: attemptNumber, Reason: reason, Log: log, RetryIn: retryIn})
}

// Complete implements [runtime.JobQueue].
func (q *boundQueue) Complete(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, log []byte) error {
	return q.finishBound(ctx, handlerID, runtime.Outcome{JobID: jobID, AttemptNumber: attemptNumber, Success: true, Log: log})
}

// Fail implements [runtime.JobQueue].
func (q *boundQueue) Fail(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, reason string, log []byte) error {
	return q.finishBound(ctx, handlerID, runtime.Outcome{JobID: jobID, AttemptNumber: attemptNumber, Reason: reason, Log: log})
}

// FailAndRetry implements [runtime.Retrier].
func (q *boundQueue) FailAndRetry(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, reason string, log []byte, retryIn time.Duration) error {
	return q.finishBound(ctx, handlerID, runtime.Outcome{JobID: jobID, AttemptNumber: attemptNumber, Reason: reason, Log: log, RetryIn: retryIn})
}

func (q *boundQueue) finishBound(ctx context.Context, handlerID string, o runtime.Outcome) error {
	err := q.finishOne(ctx, handlerID, o)
	if txClosed(err) {
		return q.after.finishOne(ctx, handlerID, o)
	}
	return err
}

// finishOne writes one outcome, whatever has become of its job.
func (q *queue) finishOne(ctx context.Context, handlerID string, o runtime.Outcome) error {
	handler, err := q.knownHandler(ctx, handlerID)
	if err != nil {
		return fmt.Errorf("%s job %d: %w", verb(o), o.JobID, err)
	}
	verdict, err := q.finish(ctx, handler, handlerID, o)
	if err != nil {
		return err
	}
	return verdict
}

func verb(o runtime.Outcome) string {
	if o.Success {
		return "complete"
	}
	return "fail"
}

// finish returns what became of the outcome, and err when that is not known.
func (q *queue) finish(ctx context.Context, handler int32, handlerID string, o runtime.Outcome) (verdict, err error) {
	var row pgdb.FinishRow
	_, err = q.again(ctx, func() (string, error) {
		var err error
		row, err = q.db.Finish(ctx, pgdb.FinishParams{
			Queue: q.number, Handler: handler, ID: int64(o.JobID), Number: o.AttemptNumber, Success: o.Success,
			Reason: runtime.CleanReason(o.Reason), Retry: max(o.RetryIn, 0).Microseconds(), Log: runtime.CutLog(o.Log),
		})
		return row.Verdict, err
	})
	if err != nil {
		return nil, fmt.Errorf("%s job %d: %w", verb(o), o.JobID, err)
	}
	switch row.Verdict {
	case "done":
		if !o.Success {
			err = q.tell(ctx, jobArrived)
		}
		return nil, err
	case "revoked":
		return nil, q.tell(ctx, claimsRevoked)
	case "unknown":
		verdict = runtime.ErrJobNotFound
	case "never":
		verdict = fmt.Errorf("%w: attempt %d was never handler %q's", runtime.ErrJobNotClaimed, o.AttemptNumber, handlerID)
	case "failed":
		verdict = fmt.Errorf("%w: attempt %d has failed", runtime.ErrJobNotClaimed, o.AttemptNumber)
	case "over":
		verdict = fmt.Errorf("%w: attempt %d is over", runtime.ErrJobNotClaimed, o.AttemptNumber)
	case "lost":
		verdict = fmt.Errorf("%w: attempt %d has lost its claim", runtime.ErrJobNotClaimed, o.AttemptNumber)
	case "superseded":
		verdict = fmt.Errorf("%w: attempt %d has completed it", runtime.ErrJobCancelled, row.Winner)
	default:
		return nil, fmt.Errorf("%s job %d: the database answered %q", verb(o), o.JobID, row.Verdict)
	}
	return fmt.Errorf("%s job %d: %w", verb(o), o.JobID, verdict), nil
}

// FinishBatch implements [runtime.BatchFinisher]. Claims that handlerID still
// holds are finished by one statement for those that completed and one for
// those that failed; the others one by one.
func (q *storeQueue) FinishBatch(ctx context.Context, handlerID string, outcomes []runtime.Outcome) ([]error, error) {
	verdicts := make([]error, len(outcomes))
	handler, err := q.knownHandler(ctx, handlerID)
	if err != nil {
		return nil, fmt.Errorf("finish %d jobs of queue %q: %w", len(outcomes), q.name, err)
	}
	// In the order of ids, in which every statement locks jobs. A job that is
	// there twice is finished by its first outcome; the second is left.
	order := make([]int, len(outcomes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(outcomes[a].JobID, outcomes[b].JobID) })
	var done pgdb.CompleteParams
	var failed pgdb.FailParams
	for k, i := range order {
		o := outcomes[i]
		if k > 0 && outcomes[order[k-1]].JobID == o.JobID {
			continue
		}
		if o.Success {
			done.Ids, done.Numbers, done.Logs = append(done.Ids, int64(o.JobID)), append(done.Numbers, o.AttemptNumber), append(done.Logs, runtime.CutLog(o.Log))
			continue
		}
		failed.Ids, failed.Numbers, failed.Logs = append(failed.Ids, int64(o.JobID)), append(failed.Numbers, o.AttemptNumber), append(failed.Logs, runtime.CutLog(o.Log))
		failed.Reasons, failed.Retries = append(failed.Reasons, runtime.CleanReason(o.Reason)), append(failed.Retries, max(o.RetryIn, 0).Microseconds())
	}
	finished := make(map[int64]bool, len(outcomes))
	if len(done.Ids) > 0 {
		done.Queue, done.Handler = q.number, handler
		ids, err := retry(ctx, func() ([]int64, error) { return q.db.Complete(ctx, done) })
		if err != nil {
			return nil, fmt.Errorf("complete %d jobs of queue %q: %w", len(done.Ids), q.name, err)
		}
		for _, id := range ids {
			finished[id] = true
		}
	}
	if len(failed.Ids) > 0 {
		failed.Queue, failed.Handler = q.number, handler
		ids, err := retry(ctx, func() ([]int64, error) { return q.db.Fail(ctx, failed) })
		if err != nil {
			return nil, fmt.Errorf("fail %d jobs of queue %q: %w", len(failed.Ids), q.name, err)
		}
		for _, id := range ids {
			finished[id] = true
		}
		if len(ids) > 0 {
			q.ring(jobArrived)
		}
	}
	for _, i := range order {
		o := outcomes[i]
		if id := int64(o.JobID); finished[id] {
			delete(finished, id)
			continue
		}
		if verdicts[i], err = q.finish(ctx, handler, handlerID, o); err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}
