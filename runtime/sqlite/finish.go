package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
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
	return named(verdicts, outcomes), nil
}

// named says in each verdict whose it is.
func named(verdicts []error, outcomes []runtime.Outcome) []error {
	for i, verdict := range verdicts {
		if verdict != nil {
			verdicts[i] = fmt.Errorf("%s job %d: %w", verb(outcomes[i]), outcomes[i].JobID, verdict)
		}
	}
	return verdicts
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
	done, err := f.finishHeld(ctx, outcomes)
	if err != nil {
		return nil, err
	}
	verdicts := make([]error, len(outcomes))
	for i, o := range outcomes {
		if done[i] {
			continue
		}
		if verdicts[i], err = f.finishLate(ctx, o); err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

// finishHeld finishes those jobs that are there once and whose current claims
// the handler holds, and says which outcomes it has written.
func (f finishing) finishHeld(ctx context.Context, outcomes []runtime.Outcome) ([]bool, error) {
	done := make([]bool, len(outcomes))
	over, err := f.completeHeld(ctx, outcomes, done)
	if err != nil {
		return nil, err
	}
	if len(over) > 0 {
		list := idList(over)
		if _, err := f.db.DeleteClaims(ctx, sqlitedb.DeleteClaimsParams{Ids: list, Queue: f.q.number}); err != nil {
			return nil, err
		}
		if err := f.db.DeleteJobs(ctx, sqlitedb.DeleteJobsParams{Ids: list, Queue: f.q.number}); err != nil {
			return nil, err
		}
	}
	return done, f.failHeld(ctx, outcomes, done)
}

// twice are the jobs that are there more than once.
func twice(outcomes []runtime.Outcome) map[snowflake.ID]bool {
	ids := make([]snowflake.ID, len(outcomes))
	for i, o := range outcomes {
		ids[i] = o.JobID
	}
	slices.Sort(ids)
	var found map[snowflake.ID]bool
	for i := 1; i < len(ids); i++ {
		if ids[i] == ids[i-1] {
			if found == nil {
				found = make(map[snowflake.ID]bool)
			}
			found[ids[i]] = true
		}
	}
	return found
}

// speak records what the handler of an attempt said after its claim was over.
func (f finishing) speak(ctx context.Context, seq int64, outcome int64, reason string, log []byte) error {
	return f.db.Speak(ctx, sqlitedb.SpeakParams{Outcome: outcome, Reason: reason, Log: cutLog(log), Seq: seq})
}
