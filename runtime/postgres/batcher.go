package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// An insertBatcher writes the jobs that callers of this process add at the same
// time in one statement and one commit. A caller alone waits for nobody and sends
// its job itself. While statements are under way the jobs of other callers
// gather, and the next takes them all. A caller is answered when the commit
// that holds its job has been.
type insertBatcher struct {
	db   *pgdb.Queries
	life context.Context // ends soon after close has been called
	end  context.CancelFunc

	mu       sync.Mutex
	waiting  []*pendingInsert
	inFlight int
	tasks    sync.WaitGroup
}

// One statement is under way at a time, which makes for the largest batches
// and the least work for the server; measured with 16 callers, two at a time
// took half as much again. One that takes longer than batcherPatience is waited
// for no more: others go past it, up to maxInFlight.
const (
	batcherPatience = 20 * time.Millisecond
	maxInFlight     = 4
)

// A pendingInsert is one job of one caller.
type pendingInsert struct {
	params pgdb.AddParams
	ctx    context.Context
	done   chan error // holds one answer
}

func newInsertBatcher(db *pgdb.Queries) *insertBatcher {
	b := &insertBatcher{db: db}
	b.life, b.end = context.WithCancel(context.Background())
	return b
}

// add returns once the job is committed, ErrQueueNotFound for a queue that was
// deleted. When its context ends first, whether the job is added is not known, as
// with every statement.
func (b *insertBatcher) add(ctx context.Context, params pgdb.AddParams) error {
	b.mu.Lock()
	if b.inFlight == 0 {
		b.inFlight++
		b.mu.Unlock()
		defer b.finished()
		return insertAgain(ctx, b.db, params)
	}
	b.mu.Unlock()
	// The caller's context may have methods of the user's. Here alone they are called.
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	one := &pendingInsert{params: params, ctx: waiting, done: make(chan error, 1)}
	b.mu.Lock()
	b.waiting = append(b.waiting, one)
	if b.inFlight == 0 {
		b.begin()
	}
	b.mu.Unlock()
	late := time.NewTimer(batcherPatience)
	defer late.Stop()
	for {
		select {
		case err := <-one.done:
			return err
		case <-waiting.Done():
			return ctx.Err()
		case <-late.C:
			b.mu.Lock()
			if slices.Contains(b.waiting, one) && b.inFlight < maxInFlight {
				b.begin()
			}
			b.mu.Unlock()
		}
	}
}

// finished ends a statement, and starts the next for those who wait.
func (b *insertBatcher) finished() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	if len(b.waiting) > 0 {
		b.begin()
	}
}

// begin starts another statement. The caller has the lock.
func (b *insertBatcher) begin() {
	b.inFlight++
	b.tasks.Go(b.run)
}

// run sends what waits until nothing does.
func (b *insertBatcher) run() {
	var batch []*pendingInsert
	returned := false
	defer func() {
		if returned {
			return
		}
		for _, one := range batch { // those that have their answer need none
			select {
			case one.done <- errHookEnded:
			default:
			}
		}
		b.finished()
	}()
	for {
		b.mu.Lock()
		batch = b.next()
		if len(batch) == 0 {
			b.inFlight--
			b.mu.Unlock()
			returned = true
			return
		}
		b.mu.Unlock()
		b.send(batch)
	}
}

// next takes what goes into the next statement: all that waits, or as much of
// it as one statement may hold. The caller has the lock.
func (b *insertBatcher) next() []*pendingInsert {
	size := 0
	for i, one := range b.waiting {
		if size >= chunkBytes {
			batch := b.waiting[:i:i]
			b.waiting = slices.Clone(b.waiting[i:])
			return batch
		}
		size += len(one.params.Payload)
	}
	batch := b.waiting
	b.waiting = nil
	return batch
}

// send adds the jobs of one batch and answers their callers.
func (b *insertBatcher) send(batch []*pendingInsert) {
	live := batch[:0]
	for _, one := range batch {
		if err := one.ctx.Err(); err != nil {
			one.done <- err
			continue
		}
		live = append(live, one)
	}
	switch len(live) {
	case 0:
	case 1:
		b.sendOne(live[0])
	default:
		b.sendMany(live)
	}
}

func (b *insertBatcher) sendOne(one *pendingInsert) {
	ctx, cancel := b.whileAny([]*pendingInsert{one})
	defer cancel()
	one.done <- insertAgain(ctx, b.db, one.params)
}

// insertAgain is insertOne outside a caller's transaction, where what the
// database gives up in favour of others is repeated.
func insertAgain(ctx context.Context, db *pgdb.Queries, params pgdb.AddParams) error {
	_, err := retry(ctx, func() (struct{}, error) { return struct{}{}, insertOne(ctx, db, params) })
	return err
}

// insertOne adds one job by itself.
func insertOne(ctx context.Context, db *pgdb.Queries, params pgdb.AddParams) error {
	n, err := db.Add(ctx, params)
	if err == nil && n == 0 {
		return driver.ErrQueueNotFound
	}
	return err
}

func (b *insertBatcher) sendMany(batch []*pendingInsert) {
	n := len(batch)
	params := pgdb.AddManyParams{
		Queues: make([]int32, n), Ids: make([]int64, n), Priorities: make([]int16, n), Types: make([]int32, n),
		MaxAttempts: make([]int32, n), Dues: make([]pgtype.Timestamptz, n), MaxWorks: make([]int64, n),
		Payloads: make([]string, n),
	}
	for i, one := range batch {
		job := &one.params
		params.Queues[i], params.Ids[i], params.Priorities[i], params.Types[i] = job.Queue, job.ID, job.Priority, job.Type
		params.MaxAttempts[i], params.Dues[i], params.MaxWorks[i] = job.MaxAttempts, job.Due, job.MaxWork
		params.Payloads[i] = job.Payload
	}
	ctx, cancel := b.whileAny(batch)
	ids, err := retry(ctx, func() ([]int64, error) { return b.db.AddMany(ctx, params) })
	cancel()
	if refused := (*driver.RefusedError)(nil); errors.As(err, &refused) {
		// The database refused the statement, perhaps for one job of them.
		for _, one := range batch {
			b.sendOne(one)
		}
		return
	}
	added := make(map[int64]bool, len(ids))
	for _, id := range ids {
		added[id] = true
	}
	for _, one := range batch {
		answer := err
		if err == nil && !added[one.params.ID] {
			answer = driver.ErrQueueNotFound
		}
		one.done <- answer
	}
}

// whileAny returns a context that ends when no caller waits any more or the
// batcher's life ends, and a function that ends it.
func (b *insertBatcher) whileAny(batch []*pendingInsert) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(b.life)
	var left atomic.Int64
	left.Store(int64(len(batch)))
	stops := make([]func() bool, 0, len(batch))
	for _, one := range batch {
		stops = append(stops, context.AfterFunc(one.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		}))
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}

// close waits for what is under way, and gives it up where the server does not
// answer.
func (b *insertBatcher) close() {
	stop := time.AfterFunc(closePatience, b.end)
	b.tasks.Wait()
	stop.Stop()
	b.end()
}
