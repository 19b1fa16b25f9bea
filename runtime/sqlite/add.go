package sqlite

import (
	"context"
	"errors"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// Add implements [driver.Queue]. The payloads are encoded before the write, so
// that nobody waits for that.
func (q *queue) Add(ctx context.Context, batch driver.Batch) (added driver.Added, err error) {
	if err := ctx.Err(); err != nil {
		return driver.Added{}, err
	}
	if batch.Len == 1 {
		added, err = q.addOne(ctx, batch)
	} else {
		added, err = q.addMany(ctx, batch)
	}
	if errors.Is(err, driver.ErrQueueNotFound) {
		q.state.gone(q.number)
	}
	return added, err
}

func (q *queue) addMany(ctx context.Context, batch driver.Batch) (driver.Added, error) {
	ids, err := q.ids.next(ctx, batch.Len)
	if err != nil {
		return driver.Added{}, err
	}
	parts, err := payloadsOf(batch, ids)
	if err != nil {
		return driver.Added{}, err
	}
	err = q.writeTo(ctx, q.number, func(ctx context.Context, op *operation) error {
		if err := q.arriveAt(ctx, op); err != nil {
			return err
		}
		due := op.due(batch.Options)
		for _, part := range parts {
			err := op.AddBatch(ctx, sqlitedb.AddBatchParams{
				Queue: op.queue, Priority: int64(batch.Options.Priority), PayloadVersion: int64(batch.Type.Version),
				MaxAttempts: int64(batch.Options.MaxAttempts), Created: op.at(), Due: due, MaxWork: batch.Options.MaxWork.Microseconds(),
				Type: batch.Type.Type, Payloads: part.bytes, Spans: part.text(),
			})
			if err != nil {
				return err
			}
		}
		return op.AddBatchWaiting(ctx, sqlitedb.AddBatchWaitingParams{Queue: op.queue, Priority: int64(batch.Options.Priority), Due: due, Ids: idList(ids)})
	})
	if err != nil {
		return driver.Added{}, err
	}
	return driver.Added{IDs: ids}, nil
}

// payloadsOf encodes the payloads of a batch as AddBatch takes them.
func payloadsOf(batch driver.Batch, ids []snowflake.ID) ([]*spans, error) {
	part := &spans{}
	parts := []*spans{part}
	for i, id := range ids {
		if part.full() {
			part = &spans{}
			parts = append(parts, part)
		}
		before := len(part.bytes)
		bytes, err := batch.Payload(part.bytes, i)
		if err != nil {
			return nil, err
		}
		part.took(int64(id), bytes, before)
	}
	return parts, nil
}

// addOne adds one job, under a claim where the batch has a handler.
func (q *queue) addOne(ctx context.Context, batch driver.Batch) (added driver.Added, err error) {
	payload, err := batch.Payload(nil, 0)
	if err != nil {
		return added, err
	}
	ids, err := q.ids.next(ctx, 1)
	if err != nil {
		return added, err
	}
	job := sqlitedb.AddParams{
		ID: int64(ids[0]), Priority: int64(batch.Options.Priority), PayloadVersion: int64(batch.Type.Version),
		MaxAttempts: int64(batch.Options.MaxAttempts), MaxWork: batch.Options.MaxWork.Microseconds(),
		Type: batch.Type.Type, Payload: string(payload),
	}
	err = q.writeTo(ctx, q.number, func(ctx context.Context, op *operation) error {
		job.Created, job.Due = op.at(), op.due(batch.Options)
		if batch.Handler != "" {
			return q.addClaimed(ctx, op, batch.Handler, &job)
		}
		if err := q.arriveAt(ctx, op); err != nil {
			return err
		}
		job.Queue = op.queue
		if err := op.Add(ctx, job); err != nil {
			return err
		}
		return op.AddWaiting(ctx, sqlitedb.AddWaitingParams{Queue: job.Queue, Priority: job.Priority, Due: job.Due, Job: job.ID})
	})
	if err != nil {
		return driver.Added{}, err
	}
	added.IDs = ids
	if batch.Handler != "" {
		added.Claimed = []driver.Row{{
			ID: ids[0], Type: batch.Type, Payload: payload, Created: timeOf(job.Created), Due: timeOf(job.Due),
			MaxWork: batch.Options.MaxWork, Attempts: 1, MaxAttempts: batch.Options.MaxAttempts, Priority: batch.Options.Priority,
		}}
	}
	return added, nil
}

// addClaimed adds a job under a claim of the handler. Nobody is woken.
func (q *queue) addClaimed(ctx context.Context, op *operation, handler string, job *sqlitedb.AddParams) error {
	if err := q.ensure(ctx, op); err != nil {
		return err
	}
	c := claimCall{operation: op, handler: handler}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	if c.noQueue {
		return driver.ErrQueueNotFound
	}
	job.Queue = op.queue
	if err := op.Add(ctx, *job); err != nil {
		return err
	}
	return c.assign(ctx, []jobRow{{ID: job.ID, MaxAttempts: job.MaxAttempts, MaxWork: job.MaxWork}})
}

// arriveAt tells whoever waits of new jobs; [driver.ErrQueueNotFound] where
// the queue does not exist.
func (q *queue) arriveAt(ctx context.Context, op *operation) error {
	if err := q.ensure(ctx, op); err != nil {
		return err
	}
	return op.arriveAt(ctx)
}

// ensure makes a queue again whose creation in a caller's transaction was rolled
// back to a savepoint, if it may be made on use.
func (q *queue) ensure(ctx context.Context, op *operation) error {
	if q.tx == nil || op.queue != 0 || q.open != driver.OpenOrCreate {
		return nil
	}
	created, err := op.CreateQueue(ctx, q.name)
	if err == nil && len(created) > 0 {
		op.queue = created[0]
	}
	return err
}

// due is when jobs with these options are due.
func (op *operation) due(options driver.Options) int64 {
	if options.Due.IsZero() {
		return op.at()
	}
	return options.Due.UnixMicro()
}
