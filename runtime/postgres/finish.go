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
	verdicts, err := q.finish(ctx, handler, handlerID, []runtime.Outcome{o})
	if err != nil {
		return fmt.Errorf("%s job %d: %w", verb(o), o.JobID, err)
	}
	return verdicts[0]
}

func verb(o runtime.Outcome) string {
	if o.Success {
		return "complete"
	}
	return "fail"
}

// finish writes outcomes in their order, whatever has become of their jobs. It
// returns what became of each, and err when that is not known.
func (q *queue) finish(ctx context.Context, handler int32, handlerID string, outcomes []runtime.Outcome) ([]error, error) {
	n := len(outcomes)
	params := pgdb.FinishParams{
		Queue: q.number, Handler: handler, Ids: make([]int64, n), Numbers: make([]int32, n), Successes: make([]bool, n),
		Reasons: make([]string, n), Retries: make([]int64, n), Logs: make([][]byte, n),
	}
	for i, o := range outcomes {
		params.Ids[i], params.Numbers[i], params.Successes[i] = int64(o.JobID), o.AttemptNumber, o.Success
		params.Reasons[i], params.Retries[i], params.Logs[i] = runtime.CleanReason(o.Reason), max(o.RetryIn, 0).Microseconds(), runtime.CutLog(o.Log)
	}
	rows, err := again(ctx, q, func() ([]pgdb.FinishRow, error) { return q.db.Finish(ctx, params) })
	if err != nil {
		return nil, err
	}
	verdicts := make([]error, n)
	for _, row := range rows {
		i := row.N - 1
		if verdicts[i], err = q.verdict(ctx, handlerID, outcomes[i], row); err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

// verdict is what the database says became of an outcome. It tells those who
// have to know.
func (q *queue) verdict(ctx context.Context, handlerID string, o runtime.Outcome, row pgdb.FinishRow) (verdict, err error) {
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
		return nil, fmt.Errorf("the database answered %q for job %d", row.Verdict, o.JobID)
	}
	return fmt.Errorf("%s job %d: %w", verb(o), o.JobID, verdict), nil
}

// FinishBatch implements [runtime.BatchFinisher]. Claims that handlerID still
// holds are finished by one statement for those that completed and one for
// those that failed; what comes too late by a third. A round trip for each of
// those would make the next ones late too.
func (q *storeQueue) FinishBatch(ctx context.Context, handlerID string, outcomes []runtime.Outcome) ([]error, error) {
	handler, err := q.knownHandler(ctx, handlerID)
	if err != nil {
		return nil, fmt.Errorf("finish %d jobs of queue %q: %w", len(outcomes), q.name, err)
	}
	f := newFinishing(outcomes)
	if len(f.done.Ids) > 0 {
		f.done.Queue, f.done.Handler = q.number, handler
		ids, err := retry(ctx, func() ([]int64, error) { return q.db.Complete(ctx, f.done) })
		if err != nil {
			return nil, fmt.Errorf("complete %d jobs of queue %q: %w", len(f.done.Ids), q.name, err)
		}
		for _, id := range ids {
			f.finished[id] = true
		}
	}
	if len(f.failed.Ids) > 0 {
		f.failed.Queue, f.failed.Handler = q.number, handler
		ids, err := retry(ctx, func() ([]int64, error) { return q.db.Fail(ctx, f.failed) })
		if err != nil {
			return nil, fmt.Errorf("fail %d jobs of queue %q: %w", len(f.failed.Ids), q.name, err)
		}
		for _, id := range ids {
			f.finished[id] = true
		}
		if len(ids) > 0 {
			q.ring(jobArrived)
		}
	}
	return q.finishRest(ctx, handler, handlerID, f)
}

// A finishing is many outcomes on their way.
type finishing struct {
	outcomes []runtime.Outcome
	order    []int // of the outcomes, by the ids of their jobs
	done     pgdb.CompleteParams
	failed   pgdb.FailParams
	finished map[int64]bool // what the quick statements have finished
}

// newFinishing puts outcomes into the order of ids, in which every statement
// locks jobs. A job that is there twice is finished by its first outcome; the
// second is left to finishRest.
func newFinishing(outcomes []runtime.Outcome) *finishing {
	f := &finishing{outcomes: outcomes, order: make([]int, len(outcomes)), finished: make(map[int64]bool, len(outcomes))}
	for i := range f.order {
		f.order[i] = i
	}
	slices.SortStableFunc(f.order, func(a, b int) int { return cmp.Compare(outcomes[a].JobID, outcomes[b].JobID) })
	for k, i := range f.order {
		o := outcomes[i]
		if k > 0 && outcomes[f.order[k-1]].JobID == o.JobID {
			continue
		}
		id, log := int64(o.JobID), runtime.CutLog(o.Log)
		if o.Success {
			f.done.Ids, f.done.Numbers, f.done.Logs = append(f.done.Ids, id), append(f.done.Numbers, o.AttemptNumber), append(f.done.Logs, log)
			continue
		}
		f.failed.Ids, f.failed.Numbers, f.failed.Logs = append(f.failed.Ids, id), append(f.failed.Numbers, o.AttemptNumber), append(f.failed.Logs, log)
		f.failed.Reasons, f.failed.Retries = append(f.failed.Reasons, runtime.CleanReason(o.Reason)), append(f.failed.Retries, max(o.RetryIn, 0).Microseconds())
	}
	return f
}

// finishRest finishes what the quick statements have passed over, and returns
// what became of all.
func (q *storeQueue) finishRest(ctx context.Context, handler int32, handlerID string, f *finishing) ([]error, error) {
	verdicts := make([]error, len(f.outcomes))
	var rest []runtime.Outcome
	var at []int // where each of rest is in outcomes
	for _, i := range f.order {
		if id := int64(f.outcomes[i].JobID); f.finished[id] {
			delete(f.finished, id)
			continue
		}
		rest, at = append(rest, f.outcomes[i]), append(at, i)
	}
	if len(rest) == 0 {
		return verdicts, nil
	}
	ended, err := q.finish(ctx, handler, handlerID, rest)
	if err != nil {
		return nil, fmt.Errorf("finish %d jobs of queue %q: %w", len(rest), q.name, err)
	}
	for k, i := range at {
		verdicts[i] = ended[k]
	}
	return verdicts, nil
}
