package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// A completion is successes that one statement records: of attempts with the
// same number, with logs or without.
type completion struct {
	number  int32
	logged  bool
	indexes []int // of the outcomes
	ids     []int64
	logs    spans
}

// completions are the successes among the outcomes of jobs that are there once.
func completions(outcomes []runtime.Outcome) []*completion {
	several := twice(outcomes)
	var all []*completion
	var last *completion
	for i, o := range outcomes {
		if !o.Success || several[o.JobID] {
			continue
		}
		log := runtime.CutLog(o.Log)
		logged := len(log) > 0
		if last == nil || last.number != o.AttemptNumber || last.logged != logged {
			last = nil
			for _, c := range all {
				if c.number == o.AttemptNumber && c.logged == logged {
					last = c
				}
			}
			if last == nil {
				last = &completion{number: o.AttemptNumber, logged: logged}
				all = append(all, last)
			}
		}
		last.indexes = append(last.indexes, i)
		last.ids = append(last.ids, int64(o.JobID))
		if logged {
			last.logs.add(int64(o.JobID), log)
		}
	}
	return all
}

// completeHeld records the successes among the outcomes whose current claims
// the handler holds, marks them as done and returns their jobs.
func (f finishing) completeHeld(ctx context.Context, outcomes []runtime.Outcome, done []bool) (over []int64, err error) {
	for _, c := range completions(outcomes) {
		list := idList(c.ids)
		var n int64
		if c.logged {
			n, err = f.db.CompleteLogged(ctx, sqlitedb.CompleteLoggedParams{
				Now: f.now.UnixMicro(), Logs: c.logs.bytes, Spans: c.logs.text(),
				Queue: f.q.number, Handler: f.handler, Number: int64(c.number),
			})
		} else {
			n, err = f.db.Complete(ctx, sqlitedb.CompleteParams{Now: f.now.UnixMicro(), Ids: list, Queue: f.q.number, Handler: f.handler, Number: int64(c.number)})
		}
		if err != nil {
			return nil, err
		}
		if n == int64(len(c.ids)) {
			over = append(over, c.ids...)
			for _, i := range c.indexes {
				done[i] = true
			}
			continue
		}
		rows, err := f.db.Held(ctx, sqlitedb.HeldParams{Ids: list, Queue: f.q.number, Handler: f.handler, Number: int64(c.number)})
		if err != nil {
			return nil, err
		}
		held := make(map[int64]bool, len(rows))
		for _, id := range rows {
			held[id] = true
		}
		over = append(over, rows...)
		for k, i := range c.indexes {
			done[i] = held[c.ids[k]]
		}
	}
	return over, nil
}

// failHeld records the failures among the outcomes of jobs that are there once
// and whose current claims the handler holds, and marks them as done. A job
// with attempts left waits again, and another is dead.
func (f finishing) failHeld(ctx context.Context, outcomes []runtime.Outcome, done []bool) error {
	var failed, over, again []int64
	retried, dead := make(map[time.Duration][]int64), make(map[time.Duration][]int64)
	several := twice(outcomes)
	for i, o := range outcomes {
		if o.Success || several[o.JobID] {
			continue
		}
		id, in := int64(o.JobID), max(o.RetryIn, 0)
		retries, err := f.db.Fail(ctx, sqlitedb.FailParams{
			Now: f.now.UnixMicro(), Reason: runtime.CleanReason(o.Reason), Log: cutLog(o.Log),
			Job: id, Queue: f.q.number, Handler: f.handler, Number: int64(o.AttemptNumber),
		})
		if err != nil {
			return err
		}
		if len(retries) == 0 {
			continue
		}
		done[i] = true
		failed = append(failed, id)
		if retries[0] {
			again, retried[in] = append(again, id), append(retried[in], id)
		} else {
			over, dead[in] = append(over, id), append(dead[in], id)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	if _, err := endClaims(ctx, f.db, f.q.number, idList(failed)); err != nil {
		return err
	}
	for in, ids := range retried {
		if err := f.db.Retry(ctx, sqlitedb.RetryParams{Due: f.now.Add(in).UnixMicro(), Ids: idList(ids), Queue: f.q.number}); err != nil {
			return err
		}
	}
	if len(again) > 0 {
		if err := f.db.Wait(ctx, sqlitedb.WaitParams{Ids: idList(again), Queue: f.q.number}); err != nil {
			return err
		}
		if err := f.q.arrive(ctx, f.db, f.own); err != nil {
			return err
		}
	}
	for in, ids := range dead {
		err := f.db.End(ctx, sqlitedb.EndParams{
			State: stateDead, Now: f.now.UnixMicro(), Due: sql.NullInt64{Int64: f.now.Add(in).UnixMicro(), Valid: true}, Ids: idList(ids), Queue: f.q.number,
		})
		if err != nil {
			return err
		}
	}
	if len(over) == 0 {
		return nil
	}
	return f.db.DeleteJobs(ctx, sqlitedb.DeleteJobsParams{Ids: idList(over), Queue: f.q.number})
}

// cutLog is a log as it is stored: none is null.
func cutLog(log []byte) []byte {
	if log = runtime.CutLog(log); len(log) == 0 {
		return nil
	}
	return log
}
