package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// What an attempt's row says of it; see the table.
const (
	attemptOpen       = 0
	attemptCompleted  = 1
	attemptFailed     = 2
	attemptSuperseded = 3
	attemptLost       = 4
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
	if errors.Is(err, sql.ErrTxDone) {
		return q.after.finishOne(ctx, handlerID, o)
	}
	return err
}

// FinishBatch implements [runtime.BatchFinisher].
func (q *storeQueue) FinishBatch(ctx context.Context, handlerID string, outcomes []runtime.Outcome) ([]error, error) {
	return q.finishAll(ctx, handlerID, outcomes)
}

func (q *queue) finishOne(ctx context.Context, handlerID string, o runtime.Outcome) error {
	verdicts, err := q.finishAll(ctx, handlerID, []runtime.Outcome{o})
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

// finishAll writes outcomes in one transaction, and returns for each what has
// become of it.
func (q *queue) finishAll(ctx context.Context, handlerID string, outcomes []runtime.Outcome) ([]error, error) {
	var verdicts []error
	err := q.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time, own *calls) (err error) {
		f := finishing{q: q, db: db, now: now, handler: handlerID, own: own}
		verdicts, err = f.finish(ctx, outcomes)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, verdict := range verdicts {
		if verdict != nil {
			verdicts[i] = fmt.Errorf("%s job %d: %w", verb(outcomes[i]), outcomes[i].JobID, verdict)
		}
	}
	return verdicts, nil
}

// A finishing is the writing of one handler's outcomes, inside a transaction.
type finishing struct {
	q       *queue
	db      *sqlitedb.Queries
	now     time.Time
	handler string
	own     *calls
}

// finish writes the outcomes of claims that the handler holds all at once, and
// the others, with those of jobs that are there twice, one by one.
func (f finishing) finish(ctx context.Context, outcomes []runtime.Outcome) ([]error, error) {
	times := make(map[snowflake.ID]int, len(outcomes))
	for _, o := range outcomes {
		times[o.JobID]++
	}
	var once []runtime.Outcome
	for _, o := range outcomes {
		if times[o.JobID] == 1 {
			once = append(once, o)
		}
	}
	done, err := f.finishHeld(ctx, once)
	if err != nil {
		return nil, err
	}
	verdicts := make([]error, len(outcomes))
	for i, o := range outcomes {
		if done[int64(o.JobID)] {
			continue
		}
		if verdicts[i], err = f.finishLate(ctx, o); err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

// finishHeld finishes those jobs whose current claims the handler holds, and
// says which.
func (f finishing) finishHeld(ctx context.Context, outcomes []runtime.Outcome) (map[int64]bool, error) {
	if len(outcomes) == 0 {
		return nil, nil
	}
	list, logs := outcomeList(outcomes)
	held, err := f.db.Current(ctx, sqlitedb.CurrentParams{Outcomes: list, Queue: f.q.number, Handler: f.handler})
	if err != nil || len(held) == 0 {
		return nil, err
	}
	err = f.db.Record(ctx, sqlitedb.RecordParams{Now: f.now.UnixMicro(), Logs: logs, Outcomes: list, Queue: f.q.number, Handler: f.handler})
	if err != nil {
		return nil, err
	}
	done := make(map[int64]bool, len(held))
	retries := make(map[int64]bool, len(held))
	for _, row := range held {
		done[row.ID], retries[row.ID] = true, row.Retries
	}
	var over []int64 // jobs to be deleted: completed or dead
	retried, dead := make(map[time.Duration][]int64), make(map[time.Duration][]int64)
	for _, o := range outcomes {
		switch id := int64(o.JobID); {
		case !done[id]:
		case o.Success:
			over = append(over, id)
		case retries[id]:
			retried[max(o.RetryIn, 0)] = append(retried[max(o.RetryIn, 0)], id)
		default:
			over = append(over, id)
			dead[max(o.RetryIn, 0)] = append(dead[max(o.RetryIn, 0)], id)
		}
	}
	for in, ids := range retried {
		err := f.db.Retry(ctx, sqlitedb.RetryParams{Due: f.now.Add(in).UnixMicro(), Ids: idList(ids), Queue: f.q.number, Handler: f.handler})
		if err != nil {
			return nil, err
		}
	}
	for in, ids := range dead {
		err := f.db.End(ctx, sqlitedb.EndParams{
			State: stateDead, Now: f.now.UnixMicro(), Due: sql.NullInt64{Int64: f.now.Add(in).UnixMicro(), Valid: true}, Ids: idList(ids), Queue: f.q.number,
		})
		if err != nil {
			return nil, err
		}
	}
	if len(over) > 0 {
		err := f.db.DeleteClaimed(ctx, sqlitedb.DeleteClaimedParams{Ids: idList(over), Queue: f.q.number, Handler: f.handler})
		if err != nil {
			return nil, err
		}
	}
	if len(retried) > 0 {
		err = f.q.arrive(ctx, f.db, f.own)
	}
	return done, err
}

// outcomeList is outcomes as the statements take them, with the logs one
// after the other.
func outcomeList(outcomes []runtime.Outcome) (string, []byte) {
	var list jsonList
	var logs []byte
	for _, o := range outcomes {
		outcome, reason, log := int64(attemptCompleted), "", runtime.CutLog(o.Log)
		if !o.Success {
			outcome, reason = attemptFailed, runtime.CleanReason(o.Reason)
		}
		list.item(int64(o.JobID), int64(o.AttemptNumber), outcome, reason, int64(len(logs)+1), int64(len(log)))
		logs = append(logs, log...)
	}
	return list.text(), logs
}

// finishLate ends one attempt, whatever has become of its job, and returns
// what became of the outcome; err when that is not known.
func (f finishing) finishLate(ctx context.Context, o runtime.Outcome) (verdict, err error) {
	id, number := int64(o.JobID), int64(o.AttemptNumber)
	jobs, err := f.db.Job(ctx, sqlitedb.JobParams{ID: id, Queue: f.q.number})
	if err != nil {
		return nil, err
	}
	if len(jobs) > 0 && jobs[0].Handler.String == f.handler && jobs[0].Handler.Valid && jobs[0].Attempts == number+1 {
		_, err := f.finishHeld(ctx, []runtime.Outcome{o})
		return nil, err
	}
	states, err := f.db.EndedState(ctx, sqlitedb.EndedStateParams{ID: id, Queue: f.q.number})
	if err != nil {
		return nil, err
	}
	winners, err := f.db.Winner(ctx, sqlitedb.WinnerParams{Job: id, Queue: f.q.number})
	if err != nil {
		return nil, err
	}
	if len(jobs) == 0 && len(states) == 0 && len(winners) == 0 {
		return runtime.ErrJobNotFound, nil
	}
	attempts, err := f.db.Attempt(ctx, sqlitedb.AttemptParams{Job: id, Number: number, Queue: f.q.number, Handler: f.handler})
	if err != nil {
		return nil, err
	}
	if len(attempts) == 0 {
		return fmt.Errorf("%w: attempt %d was never handler %q's", runtime.ErrJobNotClaimed, number, f.handler), nil
	}
	attempt := attempts[0]
	switch {
	case !o.Success && attempt.Outcome == attemptOpen:
		return nil, f.speak(ctx, attempt.Seq, attemptFailed, runtime.CleanReason(o.Reason), o.Log)
	case !o.Success && attempt.Outcome == attemptLost:
		lost := fmt.Errorf("%w: attempt %d has lost its claim", runtime.ErrJobNotClaimed, number)
		return lost, f.speak(ctx, attempt.Seq, attemptFailed, runtime.CleanReason(o.Reason), o.Log)
	case !o.Success:
		return fmt.Errorf("%w: attempt %d is over", runtime.ErrJobNotClaimed, number), nil
	case attempt.Outcome == attemptCompleted:
		return nil, nil
	case attempt.Outcome == attemptFailed:
		return fmt.Errorf("%w: attempt %d has failed", runtime.ErrJobNotClaimed, number), nil
	}
	if len(winners) > 0 {
		superseded := fmt.Errorf("%w: attempt %d has completed it", runtime.ErrJobCancelled, winners[0])
		if attempt.Outcome == attemptSuperseded {
			return superseded, nil
		}
		return superseded, f.speak(ctx, attempt.Seq, attemptSuperseded, superseded.Error(), o.Log)
	}
	if err := f.speak(ctx, attempt.Seq, attemptCompleted, "", o.Log); err != nil {
		return nil, err
	}
	if len(jobs) > 0 {
		return nil, f.finishAway(ctx, id)
	}
	return nil, f.db.DeleteEnded(ctx, sqlitedb.DeleteEndedParams{ID: id, Queue: f.q.number}) // where it was dead
}

// finishAway finishes a job that waits or is under another handler's claim.
func (f finishing) finishAway(ctx context.Context, id int64) error {
	ids := idList([]int64{id})
	ended, err := f.db.Leave(ctx, sqlitedb.LeaveParams{Now: f.now.UnixMicro(), Ids: ids, Queue: f.q.number})
	if err != nil {
		return err
	}
	if err := f.db.DeleteJobs(ctx, sqlitedb.DeleteJobsParams{Ids: ids, Queue: f.q.number}); err != nil || ended == 0 {
		return err
	}
	return f.q.revoke(ctx, f.db, f.own)
}

// speak records what the handler of an attempt said after its claim was over.
func (f finishing) speak(ctx context.Context, seq int64, outcome int64, reason string, log []byte) error {
	log = runtime.CutLog(log)
	if len(log) == 0 {
		log = nil
	}
	return f.db.Speak(ctx, sqlitedb.SpeakParams{Outcome: outcome, Reason: reason, Log: log, Seq: seq})
}
