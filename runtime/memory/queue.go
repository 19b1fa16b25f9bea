package memory

import (
	"bytes"
	"context"
	"iter"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/wake"
)

// A queue is one queue: its records, and who wants to hear of changes.
type queue struct {
	records map[snowflake.ID]*record
	arrived *wake.One
	revoked wake.All

	deleted    bool // until the queue is made anew
	tx         *Tx  // that has made or deleted it and is not over; or nil
	wasDeleted bool // before that
}

func newQueue() *queue {
	return &queue{records: make(map[snowflake.ID]*record), arrived: wake.NewOne(), deleted: true}
}

// exists reports whether the queue is there for a transaction, or for nobody's.
func (q *queue) exists(tx *Tx) bool {
	if q == nil {
		return false
	}
	if q.other(tx) != nil {
		return !q.wasDeleted
	}
	return !q.deleted
}

// other is the transaction, other than tx, that has made or deleted the queue.
func (q *queue) other(tx *Tx) *Tx {
	if q.tx != tx {
		return q.tx
	}
	return nil
}

// setDeleted makes or deletes a queue that no other transaction has.
func (q *queue) setDeleted(tx *Tx, deleted bool) {
	if tx != nil && q.tx == nil {
		q.tx, q.wasDeleted = tx, q.deleted
		tx.queues = append(tx.queues, q)
	}
	q.deleted = deleted
}

// An access is a queue by itself or inside a transaction. It implements
// [driver.Queue]. What is not exported is called under the store's mutex.
type access struct {
	*queue
	store store
}

var _ driver.Queue = access{}

// visible are the records that are there.
func (q access) visible() iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for _, r := range q.records {
			if seen := r.seenBy(q.store.tx); seen != nil && !yield(seen) {
				return
			}
		}
	}
}

// changeable are those of the visible records that no other transaction has
// changed.
func (q access) changeable() iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for _, r := range q.records {
			if q.free(r) && !r.gone && !yield(r) {
				return
			}
		}
	}
}

// get returns the record of a job, nil where it is not there. To change it takes
// [access.await] before and [access.own] after.
func (q access) get(id snowflake.ID) *record {
	if r := q.records[id]; r != nil {
		return r.seenBy(q.store.tx)
	}
	return nil
}

// free reports whether no other transaction has changed the record.
func (q access) free(r *record) bool { return r.tx == nil || r.tx == q.store.tx }

// own has the transaction, if this is one, keep what it is about to change.
func (q access) own(r *record) *record {
	if tx := q.store.tx; tx != nil && r.tx == nil {
		kept := r.clone()
		r.tx, r.kept = tx, kept
		tx.records = append(tx.records, changed{q.queue, r.job.ID})
	}
	return r
}

// remove takes out a record that no other transaction has changed.
func (q access) remove(r *record) {
	if q.store.tx == nil {
		delete(q.records, r.job.ID)
	} else {
		q.own(r).gone = true
	}
}

// await waits until no other transaction has changed any of the jobs that are
// there.
func (q access) await(ctx context.Context, ids ...snowflake.ID) error {
	return q.store.await(ctx, func() *Tx {
		for _, id := range ids {
			if r := q.records[id]; r != nil && r.kept != nil && !q.free(r) {
				return r.tx
			}
		}
		return nil
	})
}

// awaitAll waits until no other transaction has the queue, or a job of it.
func (q access) awaitAll(ctx context.Context) error {
	return q.store.await(ctx, func() *Tx {
		for _, r := range q.records {
			if !q.free(r) {
				return r.tx
			}
		}
		return q.other(q.store.tx)
	})
}

// arrive wakes who waits for jobs, once others see what was done.
func (q access) arrive() {
	if q.store.tx == nil {
		q.arrived.Wake()
	} // or the end of the transaction does
}

// revoke wakes who watches claims, once others see what was done.
func (q access) revoke() {
	if tx := q.store.tx; tx != nil {
		tx.revoked[q.queue] = true
	} else {
		q.revoked.Wake()
	}
}

// Arrived implements [driver.Queue].
func (q access) Arrived() <-chan struct{} { return q.arrived.C() }

// Revoked implements [driver.Queue].
func (q access) Revoked(ctx context.Context) <-chan struct{} { return q.revoked.Subscribe(ctx) }

// Add implements [driver.Queue].
func (q access) Add(ctx context.Context, batch driver.Batch) (driver.Added, error) {
	payloads := make([][]byte, batch.Len)
	for i := range payloads {
		data, err := batch.Payload(nil, i)
		if err != nil {
			return driver.Added{}, err
		}
		payloads[i] = bytes.Clone(data)
	}
	return locked(ctx, q.store, func() (added driver.Added, err error) {
		if err := q.store.await(ctx, func() *Tx { return q.other(q.store.tx) }); err != nil {
			return added, err
		}
		if q.deleted {
			return added, driver.ErrQueueNotFound
		}
		for _, payload := range payloads {
			r := q.insert(batch, payload)
			added.IDs = append(added.IDs, r.job.ID)
			if batch.Handler != "" {
				added.Claimed = append(added.Claimed, q.claim(r, batch.Handler))
			}
		}
		q.arrive()
		return added, nil
	})
}

// insert makes a record of a new job.
func (q access) insert(batch driver.Batch, payload []byte) *record {
	now := q.store.time()
	due := batch.Options.Due
	if due.IsZero() {
		due = now
	}
	r := &record{
		job: driver.Row{
			ID: q.store.ids.Generate(), Type: batch.Type, Payload: payload, Created: now, Due: due,
			MaxWork: batch.Options.MaxWork, Priority: batch.Options.Priority,
		},
		left: batch.Options.MaxAttempts, winner: none, tx: q.store.tx,
	}
	q.records[r.job.ID] = r
	if tx := q.store.tx; tx != nil {
		tx.records = append(tx.records, changed{q.queue, r.job.ID})
	}
	return r
}

// Cancel implements [driver.Queue].
func (q access) Cancel(ctx context.Context, id snowflake.ID) (driver.Status, error) {
	return locked(ctx, q.store, func() (driver.Status, error) {
		if err := q.await(ctx, id); err != nil {
			return 0, err
		}
		r := q.get(id)
		if r == nil || r.state == finished || r.state == dead {
			return driver.NotFound, nil
		}
		q.own(r).end(cancelled, q.store.time())
		q.revoke()
		return driver.Done, nil
	})
}

// Revive implements [driver.Queue].
func (q access) Revive(ctx context.Context, id snowflake.ID, attempts int32) (driver.Status, error) {
	return locked(ctx, q.store, func() (driver.Status, error) {
		if err := q.await(ctx, id); err != nil {
			return 0, err
		}
		r := q.get(id)
		if r == nil || r.state != dead {
			return driver.NotFound, nil
		}
		q.own(r).revive(attempts, q.store.time())
		q.arrive()
		return driver.Done, nil
	})
}
