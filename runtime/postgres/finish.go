package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// Finish implements [driver.Queue]. Claims that the handler still holds are
// finished by one statement for those that completed and one for those that
// failed; what comes too late by a third. A round trip for each of those would
// make the next ones late too. Claims are released last, since that alone must
// not be repeated.
func (q *queue) Finish(ctx context.Context, handler string, outcomes []driver.Outcome) ([]driver.Result, error) {
	number, err := q.knownHandler(ctx, handler)
	if err != nil {
		return nil, fmt.Errorf("look up handler: %w", err)
	}
	f := newFinishCall(outcomes)
	if len(f.done.Ids) > 0 {
		f.done.Queue, f.done.Handler = q.number, number
		ids, err := again(ctx, q.store, func() ([]int64, error) { return q.db.Complete(ctx, f.done) })
		if err != nil {
			return nil, fmt.Errorf("complete %d: %w", len(f.done.Ids), err)
		}
		f.note(ids)
	}
	if len(f.failed.Ids) > 0 {
		f.failed.Queue, f.failed.Handler = q.number, number
		ids, err := again(ctx, q.store, func() ([]int64, error) { return q.db.Fail(ctx, f.failed) })
		if err == nil && len(ids) > 0 {
			err = q.tell(ctx, jobArrived)
		}
		if err != nil {
			return nil, fmt.Errorf("fail %d: %w", len(f.failed.Ids), err)
		}
		f.note(ids)
	}
	results, err := q.finishRest(ctx, number, f)
	if err == nil && len(f.released) > 0 {
		err = q.release(ctx, number, f.released)
	}
	if err != nil {
		return nil, err
	}
	return results, nil
}

// A finishCall is outcomes on their way.
type finishCall struct {
	outcomes []driver.Outcome
	order    []int // of the outcomes that are not released, by the ids of their jobs; decided where finished
	done     pgdb.CompleteParams
	failed   pgdb.FailParams
	released []driver.Attempt
}

// decided stands in a finishCall's order for an outcome that a quick statement
// has written.
const decided = -1

// newFinishCall puts outcomes into the order of ids, in which every statement
// locks jobs. A job that is there twice is finished by its first outcome; the
// second is left to finishRest.
func newFinishCall(outcomes []driver.Outcome) *finishCall {
	f := &finishCall{outcomes: outcomes, order: make([]int, 0, len(outcomes))}
	completed, logs := 0, false
	for i := range outcomes {
		switch o := &outcomes[i]; o.Kind {
		case driver.Released:
			f.released = append(f.released, o.Attempt)
			continue
		case driver.Completed:
			completed++
			logs = logs || len(o.Log) > 0
		}
		f.order = append(f.order, i)
	}
	slices.SortStableFunc(f.order, func(a, b int) int { return cmp.Compare(outcomes[a].Job, outcomes[b].Job) })
	if completed > 0 {
		f.done.Ids, f.done.Numbers = make([]int64, 0, completed), make([]int32, 0, completed)
	}
	for k, i := range f.order {
		o := &outcomes[i]
		if k > 0 && outcomes[f.order[k-1]].Job == o.Job {
			continue
		}
		if o.Kind == driver.Completed {
			f.done.Ids, f.done.Numbers = append(f.done.Ids, int64(o.Job)), append(f.done.Numbers, o.Number)
			if logs { // or the server takes every log for empty
				f.done.Logs = append(f.done.Logs, o.Log)
			}
			continue
		}
		f.failed.Ids, f.failed.Numbers, f.failed.Logs = append(f.failed.Ids, int64(o.Job)), append(f.failed.Numbers, o.Number), append(f.failed.Logs, o.Log)
		f.failed.Reasons, f.failed.Retries = append(f.failed.Reasons, o.Reason), append(f.failed.Retries, retryParam(o))
	}
	return f
}

// retryParam is how long a failed job waits, in microseconds; negative where it
// does not.
func retryParam(o *driver.Outcome) int64 {
	if o.Final {
		return -1
	}
	return max(o.RetryIn, 0).Microseconds()
}

// note takes down the jobs that a quick statement has finished.
func (f *finishCall) note(ids []int64) {
	slices.Sort(ids)
	for k, i := range f.order {
		if i != decided && len(ids) > 0 && int64(f.outcomes[i].Job) == ids[0] {
			f.order[k], ids = decided, ids[1:]
		}
	}
}

// finishRest finishes what the quick statements have passed over, and returns
// what became of all.
func (q *queue) finishRest(ctx context.Context, handler int32, f *finishCall) ([]driver.Result, error) {
	results := make([]driver.Result, len(f.outcomes))
	rest := slices.DeleteFunc(f.order, func(i int) bool { return i == decided })
	if len(rest) == 0 {
		return results, nil
	}
	if err := q.finishExactly(ctx, handler, f.outcomes, rest, results); err != nil {
		return nil, fmt.Errorf("finish %d: %w", len(rest), err)
	}
	return results, nil
}

// finishExactly writes those outcomes, whatever has become of their jobs, and
// fills in their results.
func (q *queue) finishExactly(ctx context.Context, handler int32, outcomes []driver.Outcome, which []int, results []driver.Result) error {
	n := len(which)
	params := pgdb.FinishParams{
		Queue: q.number, Handler: handler, Ids: make([]int64, n), Numbers: make([]int32, n), Successes: make([]bool, n),
		Reasons: make([]string, n), Retries: make([]int64, n), Logs: make([][]byte, n),
	}
	for k, i := range which {
		o := &outcomes[i]
		params.Ids[k], params.Numbers[k], params.Successes[k] = int64(o.Job), o.Number, o.Kind == driver.Completed
		params.Reasons[k], params.Retries[k], params.Logs[k] = o.Reason, retryParam(o), o.Log
	}
	rows, err := again(ctx, q.store, func() ([]pgdb.FinishRow, error) { return q.db.Finish(ctx, params) })
	if err != nil {
		return err
	}
	arrived, revoked := false, false
	for _, row := range rows {
		i := which[row.N-1]
		status, ok := statuses[row.Verdict]
		if !ok {
			return fmt.Errorf("the database answered %q for job %d", row.Verdict, outcomes[i].Job)
		}
		results[i] = driver.Result{Status: status, Recorded: row.Verdict == "recorded"}
		if status == driver.Superseded {
			results[i].By = row.Winner
		}
		arrived = arrived || row.Verdict == "done" && outcomes[i].Kind == driver.Failed
		revoked = revoked || row.Verdict == "revoked"
	}
	if arrived {
		err = q.tell(ctx, jobArrived)
	}
	if revoked && err == nil {
		err = q.tell(ctx, claimsRevoked)
	}
	return err
}

// statuses are the answers of the function finish.
var statuses = map[string]driver.Status{
	"done":       driver.Done,
	"recorded":   driver.Done,
	"revoked":    driver.Done,
	"unknown":    driver.NotFound,
	"never":      driver.NotHeld,
	"failed":     driver.AlreadyFailed,
	"over":       driver.AlreadyEnded,
	"lost":       driver.ClaimLost,
	"superseded": driver.Superseded,
}

// release gives claims back.
func (q *queue) release(ctx context.Context, handler int32, attempts []driver.Attempt) error {
	ids, numbers := split(attempts)
	_, err := again(ctx, q.store, func() (int64, error) {
		return q.db.Release(ctx, pgdb.ReleaseParams{Queue: q.number, Handler: handler, Ids: ids, Numbers: numbers})
	})
	if err != nil {
		return fmt.Errorf("release %d: %w", len(attempts), err)
	}
	q.state.sweepSoon() // they may lie behind the cursors
	return q.tell(ctx, jobArrived)
}

// split returns attempts in the order of their jobs' ids, in which every
// statement locks jobs.
func split(attempts []driver.Attempt) (ids []int64, numbers []int32) {
	sorted := slices.SortedFunc(slices.Values(attempts), func(a, b driver.Attempt) int { return cmp.Compare(a.Job, b.Job) })
	ids, numbers = make([]int64, len(sorted)), make([]int32, len(sorted))
	for i, a := range sorted {
		ids[i], numbers[i] = int64(a.Job), a.Number
	}
	return ids, numbers
}

// Cancel implements [driver.Queue].
func (q *queue) Cancel(ctx context.Context, id snowflake.ID) (driver.Status, error) {
	verdict, err := again(ctx, q.store, func() (string, error) {
		return q.db.Cancel(ctx, pgdb.CancelParams{Queue: q.number, ID: int64(id)})
	})
	switch {
	case err != nil:
		return 0, err
	case verdict == "unknown":
		return driver.NotFound, nil
	case verdict == "revoked":
		return driver.Done, q.tell(ctx, claimsRevoked)
	}
	return driver.Done, nil
}
