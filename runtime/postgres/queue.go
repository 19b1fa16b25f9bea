package postgres

import (
	"context"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A queue is one queue of a store.
type queue struct {
	*store
	name   string
	number int32
	state  *queueState
	// learned says that the number was read in the caller's transaction.
	learned bool
}

var _ driver.Queue = (*queue)(nil)

// handler returns the number that stands for a handler id. Inside a
// transaction one that is new is made there, and not remembered.
func (q *queue) handler(ctx context.Context, handler string) (int32, error) {
	if q.tx == nil {
		return q.handlers.number(ctx, handler, q.db.HandlerNumber, q.db.CreateHandler)
	}
	if number, ok := q.handlers.cached(handler); ok {
		return number, nil
	}
	return numberOf(ctx, handler, q.db.HandlerNumber, q.db.CreateHandler)
}

// worker is handler for a worker, which lives and dies with this process.
// Whether a caller's transaction will commit it is not known.
func (q *queue) worker(ctx context.Context, handler string) (int32, error) {
	if q.tx != nil {
		return q.handler(ctx, handler)
	}
	if number, ok := q.workers.cached(handler); ok {
		return number, nil
	}
	number, err := q.db.WorkerNumber(ctx, pgdb.WorkerNumberParams{Name: handler, Holder: q.ids.holder})
	if err == nil {
		q.workers.put(handler, number)
		q.handlers.put(handler, number)
	}
	return number, err
}

// knownHandler is handler without making one: a handler that the database has
// never heard of holds no claims, and is number 0.
func (q *queue) knownHandler(ctx context.Context, handler string) (int32, error) {
	if number, ok := q.handlers.cached(handler); ok {
		return number, nil
	}
	numbers, err := q.db.HandlerNumber(ctx, handler)
	if err != nil || len(numbers) == 0 {
		return 0, err
	}
	return numbers[0], nil
}

// Revive implements [driver.Queue].
func (q *queue) Revive(ctx context.Context, id snowflake.ID, attempts int32) (driver.Status, error) {
	revived, err := q.db.Revive(ctx, pgdb.ReviveParams{Queue: q.number, ID: int64(id), Attempts: attempts})
	if err != nil || !revived {
		return driver.NotFound, err
	}
	return driver.Done, q.tell(ctx, jobArrived)
}

// Arrived implements [driver.Queue].
func (q *queue) Arrived() <-chan struct{} {
	q.listen()
	return q.state.arrived.C()
}

// Revoked implements [driver.Queue].
func (q *queue) Revoked(ctx context.Context) <-chan struct{} {
	q.listen()
	return q.state.revoked.Subscribe(ctx)
}

func (q *queue) listen() {
	if q.listener != nil {
		q.listener.start()
	}
}
