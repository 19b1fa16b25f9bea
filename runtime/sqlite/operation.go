package sqlite

import (
	"context"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// An operation is one write, inside the writer's transaction or a caller's: the
// statements of that transaction, the time that counts as its own, and the queue
// that it is about, if it is about one.
type operation struct {
	*sqlitedb.Queries
	conn *connection // the writer's; nil in a caller's transaction
	now  time.Time

	name     string
	queue    int64    // the queue's number; 0 where it does not exist
	counters counters // what the operation has made of the queue's counters; 0 is nothing
}

// at is the operation's time as it is stored.
func (op *operation) at() int64 { return op.now.UnixMicro() }

// find looks the queue up by its name. Its number stays 0 where it does not
// exist.
func (op *operation) find(ctx context.Context, name string) error {
	op.name, op.queue = name, 0
	rows, err := op.QueueNumber(ctx, name)
	if err == nil && len(rows) > 0 {
		op.queue = rows[0].Number
	}
	return err
}

// arrive tells whoever waits that a job may have become claimable.
func (op *operation) arrive(ctx context.Context) error {
	rows, err := op.CountArrival(ctx, sqlitedb.CountArrivalParams{Queue: op.queue, Name: op.name})
	if err == nil && len(rows) > 0 {
		op.counters.arrivals = rows[0]
	}
	return err
}

// arriveAt is arrive, but a queue that does not exist is an error.
func (op *operation) arriveAt(ctx context.Context) error {
	err := op.arrive(ctx)
	if err == nil && op.counters.arrivals == 0 {
		err = driver.ErrQueueNotFound
	}
	return err
}

// revoke tells holders of claims that one may be lost.
func (op *operation) revoke(ctx context.Context) error {
	rows, err := op.CountRevocation(ctx, op.queue)
	if err == nil && len(rows) > 0 {
		op.counters.revoked = rows[0]
	}
	return err
}

// endClaims counts and ends the attempts of those of the jobs that are
// claimed.
func (op *operation) endClaims(ctx context.Context, ids string) error {
	if err := op.CountAttempts(ctx, sqlitedb.CountAttemptsParams{Ids: ids, Queue: op.queue}); err != nil {
		return err
	}
	_, err := op.DeleteClaims(ctx, sqlitedb.DeleteClaimsParams{Ids: ids, Queue: op.queue})
	return err
}

// States of jobs that ended without success.
const (
	stateCancelled = "cancelled"
	stateDead      = "dead"
)

// cancel takes jobs out of claiming. Attempts that run stay open.
func (op *operation) cancel(ctx context.Context, ids string) error {
	if err := op.CloseAsOpen(ctx, sqlitedb.CloseAsOpenParams{Now: op.at(), Ids: ids, Queue: op.queue}); err != nil {
		return err
	}
	if err := op.CountAttempts(ctx, sqlitedb.CountAttemptsParams{Ids: ids, Queue: op.queue}); err != nil {
		return err
	}
	if err := op.End(ctx, sqlitedb.EndParams{State: stateCancelled, Now: op.at(), Ids: ids, Queue: op.queue}); err != nil {
		return err
	}
	_, err := op.remove(ctx, ids)
	return err
}

// remove deletes jobs, waiting or claimed, and returns how many were claimed.
func (op *operation) remove(ctx context.Context, ids string) (claimed int64, err error) {
	if err := op.Dequeue(ctx, sqlitedb.DequeueParams{Ids: ids, Queue: op.queue}); err != nil {
		return 0, err
	}
	if claimed, err = op.DeleteClaims(ctx, sqlitedb.DeleteClaimsParams{Ids: ids, Queue: op.queue}); err != nil {
		return 0, err
	}
	return claimed, op.DeleteJobs(ctx, sqlitedb.DeleteJobsParams{Ids: ids, Queue: op.queue})
}

// timeOf is a time as it is stored.
func timeOf(us int64) time.Time { return time.UnixMicro(us).UTC() }

// durationOf is a duration as it is stored.
func durationOf(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
