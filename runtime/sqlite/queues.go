package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// A store is the queues of a database, outside of transactions or inside one of
// the caller's.
type store struct {
	*database
	tx *transaction // nil outside
}

var _ driver.Store = (*store)(nil)

// write carries out do in one transaction, all of it or nothing.
func (s *store) write(ctx context.Context, do func(ctx context.Context, op *operation) error) error {
	if s.tx == nil {
		return refused(s.writer.write(ctx, do))
	}
	if err := s.check(); err != nil {
		return refused(err)
	}
	return refused(s.tx.write(ctx, func(ctx context.Context) error {
		return do(ctx, &operation{Queries: s.tx.queries, now: s.now()})
	}))
}

// read carries out do, which writes nothing. Outside of a caller's transaction
// each of its statements has a snapshot of its own.
func (s *store) read(ctx context.Context, do func(ctx context.Context, db *sqlitedb.Queries) error) error {
	if err := s.check(); err != nil {
		return refused(err)
	}
	if s.tx == nil {
		return refused(do(ctx, s.reader))
	}
	return refused(s.tx.read(ctx, func(ctx context.Context) error { return do(ctx, s.tx.queries) }))
}

// Queue implements [driver.Store]. Every enqueue begins with it, so it does not
// read the file for a queue that this process remembers.
func (s *store) Queue(ctx context.Context, name string, open driver.Open) (driver.Queue, error) {
	if s.tx == nil && open == driver.OpenOrCreate && !s.closed.Load() {
		state := s.queues.get(name)
		if number := state.known(); number != 0 {
			return &queue{store: *s, name: name, open: open, number: number, state: state}, nil
		}
	}
	row, err := s.find(ctx, name)
	if err == nil && row == nil {
		row, err = s.make(ctx, name, open)
	} else if err == nil && open == driver.CreateNew {
		err = driver.ErrQueueExists
	}
	if err != nil {
		return nil, err
	}
	q := &queue{store: *s, name: name, open: open, state: s.queues.get(name)}
	if s.tx == nil { // what a transaction has seen may never come to be
		q.number = row.Number
		q.found.Store(row.Number)
		q.state.opened(row.Number, counters{row.Arrivals, row.Revoked})
	}
	return q, nil
}

// find returns the row of a queue, nil where it does not exist. It leaves the
// check of the file to what is done next.
func (s *store) find(ctx context.Context, name string) (row *sqlitedb.QueueNumberRow, err error) {
	find := func(ctx context.Context, db *sqlitedb.Queries) error {
		rows, err := db.QueueNumber(ctx, name)
		if err == nil && len(rows) > 0 {
			row = &rows[0]
		}
		return err
	}
	if s.tx == nil {
		err = refused(find(ctx, s.reader))
	} else {
		err = s.read(ctx, find)
	}
	return row, err
}

// make creates a queue that did not exist a moment ago.
func (s *store) make(ctx context.Context, name string, open driver.Open) (row *sqlitedb.QueueNumberRow, err error) {
	if open == driver.OpenExisting {
		return nil, driver.ErrQueueNotFound
	}
	err = s.write(ctx, func(ctx context.Context, op *operation) error {
		created, err := op.CreateQueue(ctx, name)
		if err != nil {
			return err
		}
		if len(created) == 0 && open == driver.CreateNew {
			return driver.ErrQueueExists
		}
		rows, err := op.QueueNumber(ctx, name)
		if err == nil && len(rows) == 0 {
			err = errors.New("the queue was created and does not exist")
		}
		if err == nil {
			row = &rows[0]
		}
		return err
	})
	return row, err
}

// Queues implements [driver.Store].
func (s *store) Queues(ctx context.Context) (names []string, err error) {
	err = s.read(ctx, func(ctx context.Context, db *sqlitedb.Queries) (err error) {
		names, err = db.Queues(ctx)
		return err
	})
	return names, err
}

// Drain implements [driver.Store].
func (s *store) Drain(ctx context.Context, name string) (int64, error) {
	var ids []int64
	var done *operation
	err := s.write(ctx, func(ctx context.Context, op *operation) (err error) {
		if err := op.find(ctx, name); err != nil {
			return err
		}
		if op.queue == 0 {
			return driver.ErrQueueNotFound
		}
		if ids, err = op.JobIDs(ctx, op.queue); err != nil {
			return err
		}
		if err := op.cancel(ctx, idList(ids)); err != nil {
			return err
		}
		done = op
		return op.revoke(ctx)
	})
	if err != nil {
		return 0, err
	}
	if s.tx == nil {
		s.queues.get(name).made(done.queue, done.counters)
	}
	return int64(len(ids)), nil
}

// Delete implements [driver.Store].
func (s *store) Delete(ctx context.Context, name string) (unfinished int64, err error) {
	err = s.write(ctx, func(ctx context.Context, op *operation) error {
		if err := op.find(ctx, name); err != nil {
			return err
		}
		if op.queue == 0 {
			return driver.ErrQueueNotFound
		}
		stats, err := op.Stats(ctx, sqlitedb.StatsParams{Queue: op.queue, Now: op.at()})
		if err != nil {
			return err
		}
		if unfinished = stats.Unclaimed + stats.Expired + stats.Claimed; unfinished > 0 {
			return nil
		}
		for _, remove := range []func(context.Context, int64) error{op.DeleteQueueEnded, op.DeleteQueueAttempts, op.DeleteQueue} {
			if err := remove(ctx, op.queue); err != nil {
				return err
			}
		}
		return nil
	})
	if state := s.queues.known(name); state != nil && err == nil {
		state.gone(state.known())
	}
	return unfinished, err
}

// LastAnswer implements [driver.Store]: the file is part of the machine.
func (s *store) LastAnswer() time.Time { return time.Now() }
