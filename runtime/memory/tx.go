package memory

import (
	"context"
	"errors"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

// A Tx is a transaction of a [Store]: what is done in it is there for others once
// it has committed, and never where it has rolled back. Like those of databases,
// it keeps the jobs that it changes from others until then: claims pass them over,
// and who completes, fails or cancels one waits. Use it from one goroutine at a
// time.
type Tx struct {
	state *state
	done  chan struct{} // closed when it is over

	// Guarded by state.mu.
	over    bool
	waits   *Tx // whose end it waits for; or nil
	records []changed
	queues  []*queue // made or deleted
	revoked map[*queue]bool
}

// changed names a record that a transaction has changed.
type changed struct {
	queue *queue
	id    snowflake.ID
}

// Begin begins a transaction. End it with Commit or Rollback.
func (s *Store) Begin(ctx context.Context) (*Tx, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &Tx{state: s.state, done: make(chan struct{}), revoked: make(map[*queue]bool)}, nil
}

// InTx returns the store bound to a transaction that [Store.Begin] has begun on
// it, or on another Store that was opened on the same queues: what it adds,
// completes, fails and cancels commits with tx or vanishes with it. It has the
// shape of the InTx of packages postgres and sqlite, so that code which takes its
// transaction as a type parameter, or a function that binds it, runs with memory
// in unit tests.
func (s *Store) InTx(tx *Tx) *runtime.Store { return s.Bind(store{s.state, tx}) }

// Commit ends the transaction and lets others see what was done in it;
// [runtime.ErrTxEnded] where it is over.
func (t *Tx) Commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return t.end(true)
}

// Rollback ends the transaction and undoes what was done in it;
// [runtime.ErrTxEnded] where it is over.
func (t *Tx) Rollback(context.Context) error { return t.end(false) }

func (t *Tx) end(commit bool) error {
	t.state.mu.Lock()
	defer t.state.mu.Unlock()
	if t.over {
		return driver.ErrTxEnded
	}
	t.over = true
	defer close(t.done)
	for _, of := range t.records {
		switch r := of.queue.records[of.id]; {
		case commit && r.gone, !commit && r.kept == nil:
			delete(of.queue.records, of.id)
		case commit:
			r.tx, r.kept = nil, nil
		default:
			of.queue.records[of.id] = r.kept
		}
		of.queue.arrived.Wake() // who has passed it over may have it now
	}
	for _, q := range t.queues {
		if q.tx = nil; !commit {
			q.deleted = q.wasDeleted
		}
	}
	for q := range t.revoked {
		if commit {
			q.revoked.Wake()
		}
	}
	return nil
}

// check returns why nothing can be done in the transaction of a store, nil for
// none.
func (t *Tx) check(s *state) error {
	switch {
	case t == nil:
		return nil
	case t.state != s:
		return errors.New("the transaction is of another store")
	case t.over:
		return driver.ErrTxEnded
	}
	return nil
}

// await waits until nobody else holds what is needed; holder returns who does, or
// nil. The store's mutex is held before and after, and not meanwhile.
func (s store) await(ctx context.Context, holder func() *Tx) error {
	for other := holder(); other != nil; other = holder() {
		if s.tx != nil {
			for t := other; t != nil; t = t.waits {
				if t == s.tx {
					return &driver.RefusedError{Err: errors.New("deadlock: two transactions wait for each other")}
				}
			}
			s.tx.waits = other
		}
		s.mu.Unlock()
		var err error
		select {
		case <-other.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
		s.mu.Lock()
		if s.tx != nil {
			s.tx.waits = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
