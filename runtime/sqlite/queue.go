package sqlite

import (
	"context"
	"sync/atomic"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// A queue is a queue of a store. In a caller's transaction each call looks it
// up by its name, since a savepoint that was rolled back may have taken the
// queue along and its number may be another queue's by now.
//
// Outside of one, jobs are added under the number that this process remembers,
// since a statement compares it with the name. Everything else looks the queue up
// once, in case another process has deleted it and made it again.
type queue struct {
	store
	name   string
	open   driver.Open
	state  *queueState
	number int64        // as remembered; 0 in a caller's transaction
	found  atomic.Int64 // as looked up; 0 before
}

var _ driver.Queue = (*queue)(nil)

// write carries out do in one transaction, all of it or nothing, and wakes
// whoever has to know. In a caller's transaction that is left to the watcher,
// which sees the commit.
func (q *queue) write(ctx context.Context, do func(ctx context.Context, op *operation) error) error {
	number, err := q.lookUp(ctx)
	if err != nil {
		return err
	}
	return q.writeTo(ctx, number, do)
}

// lookUp returns the number of the queue. Where the queue is gone, it is that of
// the one that was there.
func (q *queue) lookUp(ctx context.Context) (int64, error) {
	number := q.found.Load()
	if q.tx != nil || number != 0 {
		return number, nil
	}
	row, err := q.find(ctx, q.name)
	if err != nil {
		return 0, err
	}
	if number = q.number; row != nil {
		number = row.Number
		q.state.opened(row.Number, counters{row.Arrivals, row.Revoked})
	}
	q.found.Store(number)
	return number, nil
}

// writeTo is write for the queue with that number.
func (q *queue) writeTo(ctx context.Context, number int64, do func(ctx context.Context, op *operation) error) error {
	var made counters
	err := q.store.write(ctx, func(ctx context.Context, op *operation) error {
		op.name, op.queue = q.name, number
		if q.tx != nil {
			if err := op.find(ctx, q.name); err != nil {
				return err
			}
		}
		err := do(ctx, op)
		made = op.counters
		return err
	})
	if err == nil && q.tx == nil {
		q.state.made(number, made)
	}
	return err
}

// read carries out do, which writes nothing.
func (q *queue) read(ctx context.Context, do func(ctx context.Context, db *sqlitedb.Queries, number int64) error) error {
	number, err := q.lookUp(ctx)
	if err != nil {
		return err
	}
	return q.store.read(ctx, func(ctx context.Context, db *sqlitedb.Queries) error {
		if q.tx != nil {
			rows, err := db.QueueNumber(ctx, q.name)
			if err != nil {
				return err
			}
			if len(rows) > 0 {
				number = rows[0].Number
			}
		}
		return do(ctx, db, number)
	})
}

// Arrived implements [driver.Queue].
func (q *queue) Arrived() <-chan struct{} {
	q.state.awaited.Do(q.watcher.enter) // for as long as the store is open
	return q.state.arrived.C()
}

// Revoked implements [driver.Queue].
func (q *queue) Revoked(ctx context.Context) <-chan struct{} {
	q.watcher.enter()
	context.AfterFunc(ctx, q.watcher.leave)
	return q.state.revoked.Subscribe(ctx)
}

// Cancel implements [driver.Queue].
func (q *queue) Cancel(ctx context.Context, job snowflake.ID) (status driver.Status, err error) {
	id := int64(job)
	err = q.write(ctx, func(ctx context.Context, op *operation) error {
		status = driver.Done
		jobs, err := op.Job(ctx, sqlitedb.JobParams{ID: id, Queue: op.queue})
		if err != nil {
			return err
		}
		if len(jobs) > 0 {
			if err := op.cancel(ctx, idList([]int64{id})); err != nil || !jobs[0].Handler.Valid {
				return err
			}
			return op.revoke(ctx)
		}
		states, err := op.EndedState(ctx, sqlitedb.EndedStateParams{ID: id, Queue: op.queue})
		if err == nil && (len(states) == 0 || states[0] != stateCancelled) {
			status = driver.NotFound
		}
		return err
	})
	return status, err
}

// Lost implements [driver.Queue].
func (q *queue) Lost(ctx context.Context, handler string, attempts []driver.Attempt) (lost []driver.Lost, err error) {
	err = q.read(ctx, func(ctx context.Context, db *sqlitedb.Queries, number int64) error {
		rows, err := db.LostClaims(ctx, sqlitedb.LostClaimsParams{Queue: number, Claims: attemptList(attempts), Handler: handler})
		if err != nil {
			return err
		}
		lost = make([]driver.Lost, len(rows))
		for i, row := range rows {
			lost[i] = driver.Lost{Attempt: driver.Attempt{Job: snowflake.ID(row.ID), Number: int32(row.Number)}, Cancelled: row.Cancelled}
		}
		return nil
	})
	return lost, err
}
