package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// An adder writes the jobs that callers of this process add at the same time
// in one statement and one commit. A caller alone waits for nobody and sends its
// job itself. While statements are under way the jobs of other callers
// gather, and the next takes them all. A caller is answered when the commit
// that holds its job has been.
type adder struct {
	db *pgdb.Queries

	mu       sync.Mutex
	waiting  []*addition
	inFlight int
	tasks    sync.WaitGroup
}

// One statement is under way at a time, which makes for the largest batches
// and the least work for the server; measured with 16 callers, two at a time
// took half as much again. One that takes longer than adderPatience is waited
// for no more: others go past it, up to maxInFlight.
const (
	adderPatience = 20 * time.Millisecond
	maxInFlight   = 4
)

// An addition is one job of one caller.
type addition struct {
	queue   int32
	job     *runtime.Job
	jobType int32 // the number of its type and version
	ctx     context.Context
	done    chan error // holds one answer; errQueueGone for a queue that is not there
}

var errQueueGone = errors.New("the queue is gone")

// add returns once the job is committed. When its context ends first, whether the job
// is added is not known, as with every statement.
func (a *adder) add(one *addition) error {
	a.mu.Lock()
	if a.inFlight == 0 {
		a.inFlight++
		a.mu.Unlock()
		defer a.goOn()
		return sendOne(a.db, one)
	}
	one.done = make(chan error, 1)
	a.waiting = append(a.waiting, one)
	a.mu.Unlock()
	late := time.NewTimer(adderPatience)
	defer late.Stop()
	for {
		select {
		case err := <-one.done:
			return err
		case <-one.ctx.Done():
			return one.ctx.Err()
		case <-late.C:
			a.mu.Lock()
			if slices.Contains(a.waiting, one) && a.inFlight < maxInFlight {
				a.begin()
			}
			a.mu.Unlock()
		}
	}
}

// goOn ends a statement, and starts the next for those who wait.
func (a *adder) goOn() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inFlight--
	if len(a.waiting) > 0 {
		a.begin()
	}
}

// begin starts another statement. The caller has the lock.
func (a *adder) begin() {
	a.inFlight++
	a.tasks.Go(a.run)
}

// run sends what waits until nothing does.
func (a *adder) run() {
	for {
		a.mu.Lock()
		batch := a.next()
		if len(batch) == 0 {
			a.inFlight--
			a.mu.Unlock()
			return
		}
		a.mu.Unlock()
		a.send(batch)
	}
}

// next takes what goes into the next statement: all that waits, or as much of
// it as one statement may hold. The caller has the lock.
func (a *adder) next() []*addition {
	size := 0
	for i, one := range a.waiting {
		if size >= addBytes {
			batch := a.waiting[:i:i]
			a.waiting = slices.Clone(a.waiting[i:])
			return batch
		}
		size += len(one.job.Data)
	}
	batch := a.waiting
	a.waiting = nil
	return batch
}

// send adds the jobs of one batch and answers their callers.
func (a *adder) send(batch []*addition) {
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
		live[0].done <- sendOne(a.db, live[0])
	default:
		a.sendMany(live)
	}
}

// sendOne adds one job by itself.
func sendOne(db *pgdb.Queries, one *addition) error {
	job := one.job
	n, err := db.Add(one.ctx, pgdb.AddParams{
		Queue: one.queue, ID: int64(job.ID), Priority: job.Priority, Type: one.jobType,
		MaxAttempts: job.AttemptsRemaining, Due: dueParam(job.Due), MaxWork: job.MaxWorkDuration.Microseconds(),
		Payload: string(job.Data),
	})
	if err == nil && n == 0 {
		err = errQueueGone
	}
	return err
}

func (a *adder) sendMany(batch []*addition) {
	n := len(batch)
	params := pgdb.AddManyParams{
		Queues: make([]int32, n), Ids: make([]int64, n), Priorities: make([]int16, n), Types: make([]int32, n),
		MaxAttempts: make([]int32, n), Dues: make([]pgtype.Timestamptz, n), MaxWorks: make([]int64, n),
		Payloads: make([]string, n),
	}
	for i, one := range batch {
		job := one.job
		params.Queues[i], params.Ids[i], params.Priorities[i], params.Types[i] = one.queue, int64(job.ID), job.Priority, one.jobType
		params.MaxAttempts[i], params.Dues[i], params.MaxWorks[i] = job.AttemptsRemaining, dueParam(job.Due), job.MaxWorkDuration.Microseconds()
		params.Payloads[i] = string(job.Data)
	}
	ctx, cancel := whileAny(batch)
	ids, err := a.db.AddMany(ctx, params)
	cancel()
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		// The database refused the statement, perhaps for one job of them.
		for _, one := range batch {
			one.done <- sendOne(a.db, one)
		}
		return
	}
	added := make(map[int64]bool, len(ids))
	for _, id := range ids {
		added[id] = true
	}
	for _, one := range batch {
		answer := err
		if err == nil && !added[int64(one.job.ID)] {
			answer = errQueueGone
		}
		one.done <- answer
	}
}

// whileAny returns a context that ends when no caller waits any more, and a
// function that ends it.
func whileAny(batch []*addition) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
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

// close waits for what is under way.
func (a *adder) close() { a.tasks.Wait() }
