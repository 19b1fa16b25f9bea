package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/jobgen/jobgen/runtime/internal/wake"
)

// A writer owns the connection that this process writes jobs with. It carries
// out one write after the other, and those that wait at the same time share a
// transaction, so that many callers wait for the disk together.
type writer struct {
	db       *sql.DB
	lock     *writeLock
	identity *identity
	now      func() time.Time
	added    *wake.One

	mu      sync.Mutex
	pending []*write
	closed  bool
}

// A write is one caller's part of a transaction. What do has found out counts
// only once the write has come back without an error.
type write struct {
	do   func(ctx context.Context, op *operation) error
	err  error
	done chan struct{}
}

// maxTogether is how many writes share a transaction at most.
const maxTogether = 256

var errClosed = errors.New("the store is closed")

func newWriter(db *sql.DB, lock *writeLock, id *identity, now func() time.Time) *writer {
	return &writer{db: db, lock: lock, identity: id, now: now, added: wake.NewOne()}
}

// write carries out do and returns once it is committed. When ctx ends before
// the write has begun nothing is written; after that the answer is waited for,
// which takes as long as the disk does.
func (w *writer) write(ctx context.Context, do func(context.Context, *operation) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	one := &write{do: do, done: make(chan struct{})}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed
	}
	w.pending = append(w.pending, one)
	w.mu.Unlock()
	w.added.Wake()
	select {
	case <-one.done:
		return one.err
	case <-ctx.Done():
	}
	w.mu.Lock()
	if i := slices.Index(w.pending, one); i >= 0 {
		w.pending = slices.Delete(w.pending, i, i+1)
		w.mu.Unlock()
		return ctx.Err()
	}
	w.mu.Unlock()
	<-one.done
	return one.err
}

// take returns up to n writes that wait.
func (w *writer) take(n int) []*write {
	w.mu.Lock()
	defer w.mu.Unlock()
	n = min(n, len(w.pending))
	taken := slices.Clone(w.pending[:n])
	w.pending = slices.Delete(w.pending, 0, n)
	return taken
}

func (w *writer) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pending)
}

// run writes until ctx ends. What waits then is refused.
func (w *writer) run(ctx context.Context) {
	var c *connection
	good := true // c can be used
	defer func() {
		w.mu.Lock()
		w.closed = true
		w.mu.Unlock()
		answer(w.take(w.waiting()), errClosed)
		c.close()
	}()
	for {
		for w.waiting() == 0 {
			if w.added.Wait(ctx) != nil {
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		if c == nil || !good {
			fresh, err := connect(ctx, w.db)
			if err != nil {
				answer(w.take(w.waiting()), err)
				continue
			}
			c.close() // not before: the last connection to close removes the log
			c, good = fresh, true
		}
		good = w.commit(ctx, c)
	}
}

func answer(writes []*write, err error) {
	for _, one := range writes {
		if one.err == nil {
			one.err = err
		}
		close(one.done)
	}
}

// commit carries out one transaction. It reports whether the connection is
// good for another.
func (w *writer) commit(ctx context.Context, c *connection) bool {
	waited := w.waiting() // for as long as it takes to begin
	if err := w.lock.acquire(ctx); err != nil {
		answer(w.take(waited), err)
		return true
	}
	defer w.lock.release()
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		answer(w.take(waited), explainBusy(err, w.lock.busy))
		return true
	}
	// From here on nobody's context counts: an interrupted statement would
	// take the others' writes with it.
	ctx = context.WithoutCancel(ctx)
	writes := w.take(maxTogether)
	err := w.carryOut(ctx, c, writes)
	if err == nil && !slices.ContainsFunc(writes, func(one *write) bool { return one.err == nil }) {
		err = errNothing
	}
	if err == nil {
		err = w.identity.check()
	}
	if err == nil {
		err = c.exec(ctx, "COMMIT")
	}
	good := true
	if err != nil {
		good = c.exec(ctx, "ROLLBACK") == nil || errors.Is(err, errNothing)
	}
	answer(writes, err)
	return good
}

// errNothing undoes a transaction in which every write has failed by itself.
var errNothing = errors.New("nothing to commit")

// operation is a new operation on the connection.
func (w *writer) operation(c *connection) *operation {
	return &operation{Queries: c.queries, conn: c, now: w.now()}
}

// carryOut runs the writes one after the other, each in a savepoint of its own
// so that a failing one leaves the others alone. An error is the end of all.
func (w *writer) carryOut(ctx context.Context, c *connection, writes []*write) error {
	if len(writes) == 1 {
		writes[0].err = writes[0].do(ctx, w.operation(c))
		return nil
	}
	for _, one := range writes {
		if err := c.exec(ctx, "SAVEPOINT one"); err != nil {
			return err
		}
		if one.err = one.do(ctx, w.operation(c)); one.err != nil {
			if err := c.exec(ctx, "ROLLBACK TO one"); err != nil {
				return one.err // it has undone the whole transaction
			}
		}
		if err := c.exec(ctx, "RELEASE one"); err != nil {
			return err
		}
	}
	return nil
}

// explainBusy explains an error that is another process's doing.
func explainBusy(err error, waited time.Duration) error {
	if errors.Is(err, sqlite3.BUSY) {
		return fmt.Errorf("another process has kept the file locked for %v: %w", waited, err)
	}
	return err
}
