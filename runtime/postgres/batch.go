package postgres

import (
	"context"
	"fmt"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// addChunk is how many jobs of a large batch are sent at a time, so that the
// server stores some while this process encodes the next.
const addChunk = 1000

// AddBatch implements [runtime.BatchAdder].
func (q *queue) AddBatch(ctx context.Context, t runtime.JobType, payloads []any, opts ...runtime.JobOption) ([]snowflake.ID, error) {
	if len(payloads) == 0 {
		return nil, nil
	}
	ids := make([]snowflake.ID, len(payloads))
	for i := range ids {
		var err error
		if ids[i], err = q.ids.next(ctx); err != nil {
			return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
		}
	}
	var first *runtime.Job
	var err error
	if q.tx == nil && len(payloads) > addChunk {
		first, err = q.addChunks(ctx, ids, t, payloads, opts)
	} else {
		first, err = q.addAll(ctx, ids, t, payloads, opts)
	}
	if err != nil {
		return nil, err
	}
	return ids, q.added(ctx, first)
}

// addAll encodes all and adds them in one statement. It returns the first job.
func (q *queue) addAll(ctx context.Context, ids []snowflake.ID, t runtime.JobType, payloads []any, opts []runtime.JobOption) (*runtime.Job, error) {
	c := q.encode(ids, t, payloads, 0, len(payloads), opts)
	if c.err != nil {
		return nil, c.err
	}
	return c.first, q.send(ctx, q.db, c)
}

// addChunks adds chunk after chunk in one transaction, while another goroutine
// encodes ahead.
func (q *queue) addChunks(ctx context.Context, ids []snowflake.ID, t runtime.JobType, payloads []any, opts []runtime.JobOption) (*runtime.Job, error) {
	encoding, stop := context.WithCancel(ctx)
	encoded := make(chan addedChunk, 1)
	go func() {
		defer close(encoded)
		for from := 0; from < len(payloads) && encoding.Err() == nil; from += addChunk {
			select {
			case encoded <- q.encode(ids, t, payloads, from, min(from+addChunk, len(payloads)), opts):
			case <-encoding.Done():
			}
		}
	}()
	defer func() {
		stop()
		for range encoded { // the payloads are the caller's again after this
		}
	}()

	tx, err := q.pool.Begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	db := pgdb.New(inSchema{tx, q.schema})
	var first *runtime.Job
	for c := range encoded {
		if c.err != nil {
			return nil, c.err
		}
		if first == nil {
			first = c.first
		}
		if err := q.send(ctx, db, c); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err) // encoding stopped early
	}
	if err := tx.Commit(ctx); err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	return first, nil
}

// An addedChunk is a piece of a batch as it is sent.
type addedChunk struct {
	params pgdb.AddBatchParams
	first  *runtime.Job
	err    error
}

// encode checks and encodes the payloads from from to to.
func (q *queue) encode(ids []snowflake.ID, t runtime.JobType, payloads []any, from, to int, opts []runtime.JobOption) (c addedChunk) {
	c.params.Ids, c.params.Payloads = make([]int64, to-from), make([]string, to-from)
	fail := func(i int, err error) addedChunk {
		c.err = fmt.Errorf("add to queue %q: payload %d of %d: %w", q.name, from+i, len(payloads), err)
		return c
	}
	// The options, which all have in common, are checked with the first.
	var err error
	if c.first, err = q.catalogue.NewJob(t, payloads[from], opts...); err != nil {
		return fail(0, err)
	}
	encoded := make([]byte, 0, min((to-from)*(len(c.first.Data)+len(c.first.Data)/8), 1<<20))
	ends := make([]int, to-from)
	for i := range ends {
		if encoded, err = q.catalogue.AppendPayload(encoded, t, payloads[from+i]); err != nil {
			return fail(i, err)
		}
		ends[i] = len(encoded)
	}
	text, began := string(encoded), 0
	for i, end := range ends {
		c.params.Ids[i], c.params.Payloads[i] = int64(ids[from+i]), text[began:end]
		began = end
	}
	job := c.first
	c.params.Queue, c.params.Priority = q.number, job.Priority
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
