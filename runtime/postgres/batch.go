package postgres

import (
	"context"
	"fmt"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A large batch is sent in pieces of so many jobs, or bytes of payload, so that
// the server stores some while this process encodes the next, and no statement
// grows to what the server refuses, a gigabyte.
const (
	addChunk = 1000
	addBytes = 16 << 20
)

// AddBatch implements [runtime.BatchAdder].
func (q *queue) AddBatch(ctx context.Context, t runtime.JobType, payloads []any, opts ...runtime.JobOption) ([]snowflake.ID, error) {
	if len(payloads) == 0 {
		return nil, nil
	}
	if err := runtime.CheckBatch(len(payloads)); err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	b := batch{queue: q, jobType: t, payloads: payloads, opts: opts, ids: make([]snowflake.ID, len(payloads))}
	for i := range b.ids {
		var err error
		if b.ids[i], err = q.ids.next(ctx); err != nil {
			return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
		}
	}
	first := b.encode(0)
	var err error
	switch {
	case first.err != nil:
		err = first.err
	case first.to == len(payloads):
		err = q.send(ctx, q.db, first)
	case q.tx != nil:
		err = b.addBound(ctx, first)
	default:
		err = b.addChunks(ctx, first)
	}
	if err != nil {
		return nil, err
	}
	return b.ids, q.added(ctx, first.first)
}

// A batch is what one call adds.
type batch struct {
	*queue
	jobType  runtime.JobType
	payloads []any
	opts     []runtime.JobOption
	ids      []snowflake.ID
}

// addBound adds chunk after chunk in the caller's transaction. All are encoded
// first, since what cannot be must leave nothing in it.
func (b *batch) addBound(ctx context.Context, first addedChunk) error {
	chunks := []addedChunk{first}
	for to := first.to; to < len(b.payloads); {
		c := b.encode(to)
		if c.err != nil {
			return c.err
		}
		chunks, to = append(chunks, c), c.to
	}
	for _, c := range chunks {
		if err := b.send(ctx, b.db, c); err != nil {
			return err
		}
	}
	return nil
}

// addChunks adds chunk after chunk in one transaction, while another goroutine
// encodes ahead.
func (b *batch) addChunks(ctx context.Context, first addedChunk) error {
	encoding, stop := context.WithCancel(ctx)
	encoded := make(chan addedChunk, 1)
	go func() {
		defer close(encoded)
		for to := first.to; to < len(b.payloads) && encoding.Err() == nil; {
			c := b.encode(to)
			select {
			case encoded <- c:
			case <-encoding.Done():
			}
			if to = c.to; c.err != nil {
				return
			}
		}
	}()
	defer func() {
		stop()
		for range encoded { // the payloads are the caller's again after this
		}
	}()

	tx, err := b.pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("add to queue %q: %w", b.name, err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	db := pgdb.New(inSchema{tx, b.schema})
	if err := b.send(ctx, db, first); err != nil {
		return err
	}
	for c := range encoded {
		if c.err != nil {
			return c.err
		}
		if err := b.send(ctx, db, c); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("add to queue %q: %w", b.name, err) // encoding stopped early
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("add to queue %q: %w", b.name, err)
	}
	return nil
}

// An addedChunk is a piece of a batch as it is sent, up to its payload to.
type addedChunk struct {
	params pgdb.AddBatchParams
	first  *runtime.Job
	to     int
	err    error
}

// encode checks and encodes payloads from from on, as many as go together.
func (b *batch) encode(from int) (c addedChunk) {
	room := min(len(b.payloads)-from, addChunk)
	fail := func(i int, err error) addedChunk {
		c.err = fmt.Errorf("add to queue %q: payload %d of %d: %w", b.name, i, len(b.payloads), err)
		return c
	}
	// The options, which all have in common, are checked with the first.
	var err error
	if c.first, err = b.catalogue.NewJob(b.jobType, b.payloads[from], b.opts...); err != nil {
		return fail(from, err)
	}
	encoded := make([]byte, 0, min(room*(len(c.first.Data)+len(c.first.Data)/8), 1<<20))
	ends := make([]int, 0, room)
	for len(ends) < room && len(encoded) < addBytes {
		i := from + len(ends)
		if encoded, err = b.catalogue.AppendPayload(encoded, b.jobType, b.payloads[i]); err != nil {
			return fail(i, err)
		}
		ends = append(ends, len(encoded))
	}
	c.to = from + len(ends)
	c.params.Ids, c.params.Payloads = make([]int64, len(ends)), make([]string, len(ends))
	text, began := string(encoded), 0
	for i, end := range ends {
		c.params.Ids[i], c.params.Payloads[i] = int64(b.ids[from+i]), text[began:end]
		began = end
	}
	job := c.first
	c.params.Queue, c.params.Priority = b.number, job.Priority
	c.params.MaxAttempts, c.params.MaxWork = job.AttemptsRemaining, job.MaxWorkDuration.Microseconds()
	c.params.Due = dueParam(job.Due)
	return c
}

func (q *queue) send(ctx context.Context, db *pgdb.Queries, c addedChunk) error {
	var n int64
	jobType, err := q.typeNumber(ctx, c.first)
	if err == nil {
		c.params.Type = jobType
		n, err = db.AddBatch(ctx, c.params)
	}
	if err != nil {
		return fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	if n == 0 {
		return q.errGone("add to")
	}
	return nil
}
