package memory

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/wake"
)

// A queue is one queue: its records, and who wants to hear of changes. It
// implements [driver.Queue].
type queue struct {
	store   *state
	deleted bool // until the queue is made anew
	records map[snowflake.ID]*record
	arrived *wake.One
	revoked wake.All
}

var _ driver.Queue = (*queue)(nil)

// Arrived implements [driver.Queue].
func (q *queue) Arrived() <-chan struct{} { return q.arrived.C() }

// Revoked implements [driver.Queue].
func (q *queue) Revoked(ctx context.Context) <-chan struct{} { return q.revoked.Subscribe(ctx) }

// Add implements [driver.Queue].
func (q *queue) Add(ctx context.Context, batch driver.Batch) (driver.Added, error) {
	payloads := make([][]byte, batch.Len)
	for i := range payloads {
		data, err := batch.Payload(nil, i)
		if err != nil {
			return driver.Added{}, err
		}
		payloads[i] = bytes.Clone(data)
	}
	return locked(ctx, q.store, func() (added driver.Added, err error) {
		if q.deleted {
			return added, driver.ErrQueueNotFound
		}
		for _, payload := range payloads {
			r := q.insert(batch, payload)
			added.IDs = append(added.IDs, r.job.ID)
			if batch.Handler != "" {
				added.Claimed = append(added.Claimed, q.claim(r, batch.Handler))
			}
		}
		q.arrived.Wake()
		return added, nil
	})
}

// insert makes a record of a new job.
func (q *queue) insert(batch driver.Batch, payload []byte) *record {
	now := q.store.time()
	due := batch.Options.Due
	if due.IsZero() {
		due = now
	}
	r := &record{
		job: driver.Row{
			ID: q.store.ids.Generate(), Type: batch.Type, Payload: payload, Created: now, Due: due,
			MaxWork: batch.Options.MaxWork, Priority: batch.Options.Priority,
		},
		left: batch.Options.MaxAttempts, winner: none,
	}
	q.records[r.job.ID] = r
	return r
}

// Cancel implements [driver.Queue].
func (q *queue) Cancel(ctx context.Context, id snowflake.ID) (driver.Status, error) {
	return locked(ctx, q.store, func() (driver.Status, error) {
		r := q.records[id]
		if r == nil || r.state == finished || r.state == dead {
			return driver.NotFound, nil
		}
		r.state = cancelled
		q.revoked.Wake()
		return driver.Done, nil
	})
}

// Revive implements [driver.Queue].
func (q *queue) Revive(ctx context.Context, id snowflake.ID, attempts int32) (driver.Status, error) {
	return locked(ctx, q.store, func() (driver.Status, error) {
		r := q.records[id]
		if r == nil || r.state != dead {
			return driver.NotFound, nil
		}
		r.revive(attempts, q.store.time())
		q.arrived.Wake()
		return driver.Done, nil
	})
}

// Finish implements [driver.Queue].
func (q *queue) Finish(ctx context.Context, handler string, outcomes []driver.Outcome) ([]driver.Result, error) {
	return locked(ctx, q.store, func() ([]driver.Result, error) { return q.finish(handler, outcomes), nil })
}

func (q *queue) finish(handler string, outcomes []driver.Outcome) []driver.Result {
	results := make([]driver.Result, len(outcomes))
	for i, o := range outcomes {
		results[i] = q.finishOne(handler, o)
	}
	return results
}

func (q *queue) finishOne(handler string, o driver.Outcome) (result driver.Result) {
	r := q.records[o.Job]
	if o.Kind == driver.Released {
		if r != nil && r.holds(handler, o.Number) {
			r.release()
			q.arrived.Wake()
		}
		return result
	}
	if r == nil {
		return driver.Result{Status: driver.NotFound}
	}
	log := bytes.Clone(o.Log)
	if o.Kind == driver.Completed {
		var revoked bool
		if result, revoked = r.complete(handler, o.Number, log); revoked {
			q.revoked.Wake()
		}
		return result
	}
	result = r.fail(handler, o.Number, o.Reason, log, q.store.time().Add(o.RetryIn), o.Final)
	q.arrived.Wake()
	return result
}

// Lost implements [driver.Queue].
func (q *queue) Lost(ctx context.Context, handler string, attempts []driver.Attempt) ([]driver.Lost, error) {
	return locked(ctx, q.store, func() ([]driver.Lost, error) {
		var lost []driver.Lost
		for _, a := range attempts {
			r := q.records[a.Job]
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

// first returns the first record, in claim order, of those wanted.
func (q *queue) first(lowestFirst bool, wanted func(*record) bool) *record {
	var best *record
	for _, r := range q.records {
		if r.state == live && wanted(r) && r.before(best, lowestFirst) {
			best = r
		}
	}
	return best
}

// Claim implements [driver.Queue].
func (q *queue) Claim(ctx context.Context, req driver.ClaimRequest) (driver.Claimed, error) {
	return locked(ctx, q.store, func() (claimed driver.Claimed, err error) {
		claimed.Finished = q.finish(req.Handler, req.Finish)
		now := q.store.time()
		if req.From != driver.FromWaiting {
			buried := q.bury(now)
			if req.From == driver.FromAll {
				claimed.Buried = buried
			}
		}
		for len(claimed.Rows) < req.Limit {
			r := q.first(req.LowestFirst, func(r *record) bool {
				return (req.Types == nil || slices.Contains(req.Types, r.job.Type)) &&
					(req.From != driver.FromExpired && r.claimable(now) || req.From != driver.FromWaiting && r.stealable(req.Handler, now))
			})
			if r == nil {
				break
			}
			if r.claimed {
				r.lose(reasonStolen)
				q.revoked.Wake()
			}
			claimed.Rows = append(claimed.Rows, q.claim(r, req.Handler))
		}
		slices.SortFunc(claimed.Rows, inClaimOrder)
		claimed.NextDue = q.nextDue(now)
		if len(claimed.Rows) == req.Limit {
			q.arrived.Wake() // there may be another, for another waiter
		}
		return claimed, nil
	})
}

// claim begins r's next attempt and returns it to its handler.
func (q *queue) claim(r *record, handler string) driver.Row {
	r.claim(handler, q.store.time())
	return r.snapshot()
}

// Reasons that stand in the log of an attempt whose handler said nothing.
const (
	reasonStolen = "claim expired; taken over"
	reasonBuried = "claim expired; no attempts left"
)

// bury makes jobs dead whose last attempt has expired, and returns them.
func (q *queue) bury(now time.Time) (buried []driver.Burial) {
	for id, r := range q.records {
		if r.state == live && r.expired(now) && r.left == 0 {
			r.lose(reasonBuried)
			r.state = dead
			q.revoked.Wake()
			buried = append(buried, driver.Burial{
				Attempt: driver.Attempt{Job: id, Number: r.current()}, Type: r.job.Type,
				Handler: r.attempts[r.current()].handler, Reason: reasonBuried,
			})
		}
	}
	return buried
}

// nextDue is how long until a waiting job becomes due or a claim expires.
func (q *queue) nextDue(now time.Time) time.Duration {
	var next time.Duration
	for _, r := range q.records {
		at := r.job.Due
		if r.claimed {
			at = r.expires
		}
		if wait := at.Sub(now); r.state == live && wait > 0 && (next == 0 || wait < next) {
			next = wait
		}
	}
	return next
}
