package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
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

// Finish implements [driver.Queue].
func (q *queue) Finish(ctx context.Context, handler string, outcomes []driver.Outcome) (results []driver.Result, err error) {
	err = q.write(ctx, func(ctx context.Context, op *operation) (err error) {
		f := finishCall{operation: op, handler: handler}
		results, err = f.finish(ctx, outcomes)
		return err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// A finishCall is the writing of one handler's outcomes, inside a transaction.
// Those of current claims are written together. What is left are stale ones, of
// claims that are over, and jobs that occur more than once, whose outcomes count
// in their order.
type finishCall struct {
	*operation
	handler string
}

func (f finishCall) finish(ctx context.Context, outcomes []driver.Outcome) ([]driver.Result, error) {
	done, err := f.finishCurrent(ctx, outcomes)
	if err != nil {
		return nil, err
	}
	results := make([]driver.Result, len(outcomes))
	for i, o := range outcomes {
		if done[i] {
			continue
		}
		if results[i], err = f.finishAny(ctx, o); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// finishCurrent finishes those jobs that occur once and whose current claims
// the handler has, and says which outcomes are done with that.
func (f finishCall) finishCurrent(ctx context.Context, outcomes []driver.Outcome) ([]bool, error) {
	done := make([]bool, len(outcomes))
	repeated := repeatedJobs(outcomes)
	if err := f.completeCurrent(ctx, outcomes, repeated, done); err != nil {
		return nil, err
	}
	if err := f.failCurrent(ctx, outcomes, repeated, done); err != nil {
		return nil, err
	}
	return done, f.releaseCurrent(ctx, outcomes, repeated, done)
}

// repeatedJobs are the jobs that occur more than once.
func repeatedJobs(outcomes []driver.Outcome) map[snowflake.ID]bool {
	ids := make([]snowflake.ID, len(outcomes))
	for i, o := range outcomes {
		ids[i] = o.Job
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

// A completion is successes that one statement records: of attempts with the
// same number, with logs or without.
type completion struct {
	number  int32
	logged  bool
	indexes []int // of the outcomes
	ids     []int64
	logs    spans
}

// completions are the successes among the outcomes of jobs that occur once.
func completions(outcomes []driver.Outcome, repeated map[snowflake.ID]bool) []*completion {
	var all []*completion
	var last *completion
	for i, o := range outcomes {
		if o.Kind != driver.Completed || repeated[o.Job] {
			continue
		}
		logged := len(o.Log) > 0
		if last == nil || !last.takes(o.Number, logged) {
			last = nil
			for _, c := range all {
				if c.takes(o.Number, logged) {
					last = c
				}
			}
			if last == nil {
				last = &completion{number: o.Number, logged: logged}
				all = append(all, last)
			}
		}
		last.indexes = append(last.indexes, i)
		last.ids = append(last.ids, int64(o.Job))
		if logged {
			last.logs.add(int64(o.Job), o.Log)
		}
	}
	return all
}

func (c *completion) takes(number int32, logged bool) bool {
	return c.number == number && c.logged == logged && !c.logs.full()
}

// completeCurrent records the successes of current claims, marks them as done
// and deletes their jobs.
func (f finishCall) completeCurrent(ctx context.Context, outcomes []driver.Outcome, repeated map[snowflake.ID]bool, done []bool) (err error) {
	var over []int64
	for _, c := range completions(outcomes, repeated) {
		list := idList(c.ids)
		var n int64
		if c.logged {
			n, err = f.CompleteLogged(ctx, sqlitedb.CompleteLoggedParams{
				Now: f.at(), Logs: c.logs.bytes, Spans: c.logs.text(), Queue: f.queue, Handler: f.handler, Number: int64(c.number),
			})
		} else {
			n, err = f.Complete(ctx, sqlitedb.CompleteParams{Now: f.at(), Ids: list, Queue: f.queue, Handler: f.handler, Number: int64(c.number)})
		}
		if err != nil {
			return err
		}
		if n == int64(len(c.ids)) {
			over = append(over, c.ids...)
			for _, i := range c.indexes {
				done[i] = true
			}
			continue
		}
		rows, err := f.CurrentClaims(ctx, sqlitedb.CurrentClaimsParams{Ids: list, Queue: f.queue, Handler: f.handler, Number: int64(c.number)})
		if err != nil {
			return err
		}
		over = append(over, rows...)
		current := make(map[int64]bool, len(rows))
		for _, id := range rows {
			current[id] = true
		}
		for k, i := range c.indexes {
			done[i] = current[c.ids[k]]
		}
	}
	if len(over) == 0 {
		return nil
	}
	list := idList(over)
	if _, err := f.DeleteClaims(ctx, sqlitedb.DeleteClaimsParams{Ids: list, Queue: f.queue}); err != nil {
		return err
	}
	return f.DeleteJobs(ctx, sqlitedb.DeleteJobsParams{Ids: list, Queue: f.queue})
}

// failCurrent records the failures of current claims and marks them as done. A
// job with attempts left waits again, and another is dead, as is one that failed
// for good.
func (f finishCall) failCurrent(ctx context.Context, outcomes []driver.Outcome, repeated map[snowflake.ID]bool, done []bool) error {
	var failed, over, again []int64
	retried, dead := make(map[time.Duration][]int64), make(map[time.Duration][]int64)
	for i, o := range outcomes {
		if o.Kind != driver.Failed || repeated[o.Job] {
			continue
		}
		id, in := int64(o.Job), o.RetryIn
		retries, err := f.Fail(ctx, sqlitedb.FailParams{
			Now: f.at(), Reason: o.Reason, Log: storedLog(o.Log), Job: id, Queue: f.queue, Handler: f.handler, Number: int64(o.Number),
		})
		if err != nil {
			return err
		}
		if len(retries) == 0 {
			continue
		}
		done[i] = true
		failed = append(failed, id)
		if retries[0] && !o.Final {
			again, retried[in] = append(again, id), append(retried[in], id)
		} else {
			over, dead[in] = append(over, id), append(dead[in], id)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	if err := f.endClaims(ctx, idList(failed)); err != nil {
		return err
	}
	for in, ids := range retried {
		if err := f.Retry(ctx, sqlitedb.RetryParams{Due: f.now.Add(in).UnixMicro(), Ids: idList(ids), Queue: f.queue}); err != nil {
			return err
		}
	}
	if err := f.enqueue(ctx, again); err != nil {
		return err
	}
	for in, ids := range dead {
		err := f.End(ctx, sqlitedb.EndParams{
			State: stateDead, Now: f.at(), Due: sql.NullInt64{Int64: f.now.Add(in).UnixMicro(), Valid: true}, Ids: idList(ids), Queue: f.queue,
		})
		if err != nil {
			return err
		}
	}
	if len(over) == 0 {
		return nil
	}
	return f.DeleteJobs(ctx, sqlitedb.DeleteJobsParams{Ids: idList(over), Queue: f.queue})
}

// releaseCurrent gives current claims back, and marks all that are to be
// released as done: of a claim that is over nothing is left to release.
func (f finishCall) releaseCurrent(ctx context.Context, outcomes []driver.Outcome, repeated map[snowflake.ID]bool, done []bool) error {
	var attempts []driver.Attempt
	for i, o := range outcomes {
		if o.Kind == driver.Released && !repeated[o.Job] {
			attempts = append(attempts, o.Attempt)
			done[i] = true
		}
	}
	if len(attempts) == 0 {
		return nil
	}
	ids, err := f.Release(ctx, sqlitedb.ReleaseParams{Claims: attemptList(attempts), Queue: f.queue, Handler: f.handler})
	if err != nil {
		return err
	}
	return f.enqueue(ctx, ids)
}

// enqueue makes jobs wait that are not claimed any more.
func (f finishCall) enqueue(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	if err := f.Enqueue(ctx, sqlitedb.EnqueueParams{Ids: idList(ids), Queue: f.queue}); err != nil {
		return err
	}
	return f.arrive(ctx)
}

// finishAny writes one outcome, whatever has become of its job.
func (f finishCall) finishAny(ctx context.Context, o driver.Outcome) (result driver.Result, err error) {
	id := int64(o.Job)
	jobs, err := f.Job(ctx, sqlitedb.JobParams{ID: id, Queue: f.queue})
	if err != nil {
		return result, err
	}
	current := len(jobs) > 0 && jobs[0].Handler == (sql.NullString{String: f.handler, Valid: true}) && jobs[0].Number.Int64 == int64(o.Number)
	if current || o.Kind == driver.Released {
		_, err := f.finishCurrent(ctx, []driver.Outcome{o})
		return result, err
	}
	states, err := f.EndedState(ctx, sqlitedb.EndedStateParams{ID: id, Queue: f.queue})
	if err != nil {
		return result, err
	}
	winners, err := f.Winner(ctx, sqlitedb.WinnerParams{Job: id, Queue: f.queue})
	if err != nil {
		return result, err
	}
	if len(jobs) == 0 && len(states) == 0 && len(winners) == 0 {
		return driver.Result{Status: driver.NotFound}, nil
	}
	attempts, err := f.Attempt(ctx, sqlitedb.AttemptParams{Job: id, Number: int64(o.Number), Queue: f.queue, Handler: f.handler})
	switch {
	case err != nil:
		return result, err
	case len(attempts) == 0:
		return driver.Result{Status: driver.NotHeld}, nil
	case o.Kind == driver.Failed:
		return f.failStale(ctx, o, attempts[0])
	}
	return f.completeStale(ctx, o, attempts[0], winners, len(jobs) > 0)
}

// failStale writes the failure of an attempt whose claim is over.
func (f finishCall) failStale(ctx context.Context, o driver.Outcome, attempt sqlitedb.AttemptRow) (driver.Result, error) {
	switch attempt.Outcome {
	case attemptOpen:
		return driver.Result{Recorded: true}, f.recordStale(ctx, attempt, attemptFailed, o.Reason, o.Log)
	case attemptLost:
		return driver.Result{Status: driver.ClaimLost}, f.recordStale(ctx, attempt, attemptFailed, o.Reason, o.Log)
	}
	return driver.Result{Status: driver.AlreadyEnded}, nil
}

// completeStale writes the success of an attempt whose claim is over, and
// finishes its job unless another attempt has. Unfinished says that the job
// waits or is under another handler's claim; otherwise it is cancelled or dead.
func (f finishCall) completeStale(ctx context.Context, o driver.Outcome, attempt sqlitedb.AttemptRow, winners []int64, unfinished bool) (result driver.Result, err error) {
	switch {
	case attempt.Outcome == attemptCompleted:
		return result, nil
	case attempt.Outcome == attemptFailed:
		return driver.Result{Status: driver.AlreadyFailed}, nil
	case len(winners) > 0:
		result = driver.Result{Status: driver.Superseded, By: int32(winners[0])}
		if attempt.Outcome == attemptSuperseded {
			return result, nil
		}
		reason := fmt.Sprintf("job cancelled: attempt %d has completed it", result.By)
		return result, f.recordStale(ctx, attempt, attemptSuperseded, reason, o.Log)
	}
	if err := f.recordStale(ctx, attempt, attemptCompleted, "", o.Log); err != nil {
		return result, err
	}
	if !unfinished {
		return result, f.DeleteEnded(ctx, sqlitedb.DeleteEndedParams{ID: int64(o.Job), Queue: f.queue}) // where it was dead
	}
	ids := idList([]snowflake.ID{o.Job})
	if err := f.CloseAsOpen(ctx, sqlitedb.CloseAsOpenParams{Now: f.at(), Ids: ids, Queue: f.queue}); err != nil {
		return result, err
	}
	claimed, err := f.remove(ctx, ids)
	if err != nil || claimed == 0 {
		return result, err
	}
	return result, f.revoke(ctx)
}

// recordStale records the outcome of an attempt whose claim is over.
func (f finishCall) recordStale(ctx context.Context, attempt sqlitedb.AttemptRow, outcome int64, reason string, log []byte) error {
	return f.RecordStale(ctx, sqlitedb.RecordStaleParams{Outcome: outcome, Reason: reason, Log: storedLog(log), Seq: attempt.Seq})
}

// storedLog is a log as it is stored: an empty one is null.
func storedLog(log []byte) []byte {
	if len(log) == 0 {
		return nil
	}
	return log
}
