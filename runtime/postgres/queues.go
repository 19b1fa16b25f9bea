package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A store is the database as a back end, by itself or inside a transaction of
// the caller.
type store struct {
	*database
	db *pgdb.Queries
	tx *boundTx // nil outside a caller's transaction
}

var _ driver.Store = (*store)(nil)

// Queue implements [driver.Store]. The queue of a bound store is for one
// transaction, and remembers nothing beyond it.
func (s *store) Queue(ctx context.Context, name string, open driver.Open) (driver.Queue, error) {
	q := &queue{store: s, name: name}
	var err error
	switch open {
	case driver.OpenExisting:
		err = q.find(ctx)
	case driver.CreateNew:
		err = q.create(ctx)
	default:
		err = q.open(ctx)
	}
	if err != nil {
		return nil, err
	}
	return q, nil
}

// find asks the database, since another process may have deleted the queue.
func (q *queue) find(ctx context.Context) error {
	numbers, err := q.db.QueueNumber(ctx, q.name)
	switch {
	case err != nil:
		return fmt.Errorf("look up: %w", err)
	case len(numbers) == 0:
		q.queues.drop(q.name)
		return driver.ErrQueueNotFound
	}
	q.use(numbers[0])
	return nil
}

func (q *queue) create(ctx context.Context) error {
	numbers, err := q.db.CreateQueue(ctx, q.name)
	switch {
	case err != nil:
		return fmt.Errorf("create: %w", err)
	case len(numbers) == 0:
		return driver.ErrQueueExists
	}
	q.use(numbers[0])
	return nil
}

// open uses the number that is remembered, or asks for it and makes the queue
// where it is not there.
func (q *queue) open(ctx context.Context) error {
	if number, ok := q.queues.cached(q.name); ok {
		q.number, q.learned, q.state = number, false, q.states.get(number)
		return nil
	}
	number, err := numberOf(ctx, q.name, q.db.QueueNumber, q.db.CreateQueue)
	if err != nil {
		return fmt.Errorf("look up or create: %w", err)
	}
	q.use(number)
	return nil
}

// use takes the number that the database has given to the queue. What was read
// in a transaction may never be committed, and is not remembered.
func (q *queue) use(number int32) {
	q.number, q.state = number, q.states.get(number)
	if q.learned = q.tx != nil; !q.learned {
		q.queues.put(q.name, number)
	}
}

// Queues implements [driver.Store].
func (s *store) Queues(ctx context.Context) ([]string, error) { return s.db.Queues(ctx) }

// Drain implements [driver.Store].
func (s *store) Drain(ctx context.Context, name string) (int64, error) {
	q := &queue{store: s, name: name}
	if err := q.find(ctx); err != nil {
		return 0, err
	}
	n, err := again(ctx, s, func() (int64, error) { return s.db.DrainQueue(ctx, q.number) })
	if err != nil {
		return 0, err
	}
	return n, q.tell(ctx, claimsRevoked)
}

// Delete implements [driver.Store].
func (s *store) Delete(ctx context.Context, name string) (unfinished int64, err error) {
	remove := func() (int64, error) { return s.db.DeleteQueue(ctx, name) }
	if s.tx == nil {
		unfinished, err = lockRetry(ctx, remove)
	} else {
		unfinished, err = remove()
	}
	s.queues.drop(name)
	if err == nil && unfinished < 0 {
		return 0, driver.ErrQueueNotFound
	}
	return unfinished, err
}

// LastAnswer implements [driver.Store].
func (s *store) LastAnswer() time.Time { return s.ids.lastAnswer() }

// again is retry outside a transaction; inside one there is no second try.
func again[T any](ctx context.Context, s *store, do func() (T, error)) (T, error) {
	if s.tx != nil {
		return do()
	}
	return retry(ctx, do)
}
