package memory

import (
	"bytes"
	"context"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
)

// Finish implements [driver.Queue].
func (q access) Finish(ctx context.Context, handler string, outcomes []driver.Outcome) ([]driver.Result, error) {
	return locked(ctx, q.store, func() ([]driver.Result, error) { return q.finish(ctx, handler, outcomes) })
}

func (q access) finish(ctx context.Context, handler string, outcomes []driver.Outcome) ([]driver.Result, error) {
	ids := make([]snowflake.ID, len(outcomes))
	for i, o := range outcomes {
		ids[i] = o.Job
	}
	if err := q.await(ctx, ids...); err != nil {
		return nil, err
	}
	results := make([]driver.Result, len(outcomes))
	for i, o := range outcomes {
		results[i] = q.finishOne(handler, o)
	}
	return results, nil
}

func (q access) finishOne(handler string, o driver.Outcome) (result driver.Result) {
	r := q.get(o.Job)
	if r != nil {
		q.own(r)
	}
	if o.Kind == driver.Released {
		if r != nil && r.holds(handler, o.Number) {
			r.release()
			q.arrive()
		}
		return result
	}
	if r == nil {
		return driver.Result{Status: driver.NotFound}
	}
	log, now := bytes.Clone(o.Log), q.store.time()
	if o.Kind == driver.Completed {
		var revoked bool
		if result, revoked = r.complete(handler, o.Number, log, now); revoked {
			q.revoke()
		}
		return result
	}
	result = r.fail(handler, o.Number, o.Reason, log, now, now.Add(o.RetryIn), o.Final)
	q.arrive()
	return result
}

// Lost implements [driver.Queue].
func (q access) Lost(ctx context.Context, handler string, attempts []driver.Attempt) ([]driver.Lost, error) {
	return locked(ctx, q.store, func() ([]driver.Lost, error) {
		var lost []driver.Lost
		for _, a := range attempts {
			r := q.get(a.Job)
			switch {
			case r != nil && r.winner != none && r.winner == a.Number && r.attempts[r.winner].handler == handler:
				// The handler has completed it, in a transaction of its own.
			case r != nil && (r.state == cancelled || r.state == finished):
				lost = append(lost, driver.Lost{Attempt: a, Cancelled: true})
			case r == nil || !r.holds(handler, a.Number):
				lost = append(lost, driver.Lost{Attempt: a})
			}
		}
		return lost, nil
	})
}
