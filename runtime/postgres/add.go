package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A large batch is sent in chunks of so many jobs, or bytes of payload, so that
// the server stores some while this process encodes the next, and no statement
// grows to what the server refuses, a gigabyte.
const (
	chunkJobs  = 1000
	chunkBytes = 16 << 20
)

// Add implements [driver.Queue].
func (q *queue) Add(ctx context.Context, batch driver.Batch) (driver.Added, error) {
	if q.learned {
		// A savepoint may have been rolled back since, and the queue with it.
		if err := q.open(ctx); err != nil {
			return driver.Added{}, err
		}
	}
	jobType, err := q.typeNumber(ctx, batch.Type)
	if err != nil {
		return driver.Added{}, err
	}
	switch {
	case batch.Handler != "":
		return q.addClaimed(ctx, batch, jobType)
	case batch.Len == 1:
		return q.addOne(ctx, batch, jobType)
	}
	return q.addMany(ctx, batch, jobType)
}

func (q *queue) addOne(ctx context.Context, batch driver.Batch, jobType int32) (driver.Added, error) {
	params, err := q.addParams(ctx, batch, jobType)
	if err != nil {
		return driver.Added{}, err
	}
	if q.tx == nil {
		err = q.batcher.add(ctx, params)
	} else {
		err = insertOne(ctx, q.notifying(jobArrived), params)
	}
	if err != nil {
		return driver.Added{}, q.insertFailed("insert", err)
	}
	q.added(batch.Options)
	return driver.Added{IDs: []snowflake.ID{snowflake.ID(params.ID)}}, nil
}

// insertFailed is the error of a statement, after which a queue that is not there
// any more is looked up anew. The errors of payloads do not come here: their
// methods are the user's.
func (q *queue) insertFailed(doing string, err error) error {
	if errors.Is(err, driver.ErrQueueNotFound) {
		q.queues.drop(q.name)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// addParams encodes the one job of a batch.
func (q *queue) addParams(ctx context.Context, batch driver.Batch, jobType int32) (params pgdb.AddParams, err error) {
	payload, err := batch.Payload(nil, 0)
	if err != nil {
		return params, err
	}
	id, err := q.ids.next(ctx)
	if err != nil {
		return params, err
	}
	o := &batch.Options
	return pgdb.AddParams{
		Queue: q.number, ID: int64(id), Priority: o.Priority, Type: jobType, MaxAttempts: o.MaxAttempts,
		Due: dueParam(o.Due), MaxWork: o.MaxWork.Microseconds(), Payload: string(payload),
	}, nil
}

// added wakes those who wait for jobs. In a transaction a notification does so
// once it commits.
func (q *queue) added(o driver.Options) {
	if !o.Due.IsZero() {
		q.state.setBack(o.Priority, o.Due)
	}
	if q.tx == nil {
		q.notify(jobArrived)
	}
}

// addClaimed stores a job under a claim.
func (q *queue) addClaimed(ctx context.Context, batch driver.Batch, jobType int32) (driver.Added, error) {
	handler, err := q.handler(ctx, batch.Handler)
	if err != nil {
		return driver.Added{}, err
	}
	p, err := q.addParams(ctx, batch, jobType)
	if err != nil {
		return driver.Added{}, err
	}
	rows, err := again(ctx, q.store, func() ([]pgdb.AddClaimedRow, error) {
		return q.db.AddClaimed(ctx, pgdb.AddClaimedParams{
			Queue: p.Queue, ID: p.ID, Priority: p.Priority, Type: p.Type, MaxAttempts: p.MaxAttempts,
			Handler: handler, Due: p.Due, MaxWork: p.MaxWork, Payload: p.Payload,
		})
	})
	if err == nil && len(rows) == 0 {
		err = driver.ErrQueueNotFound
	}
	if err != nil {
		return driver.Added{}, q.insertFailed("insert claimed", err)
	}
	id := snowflake.ID(p.ID)
	return driver.Added{IDs: []snowflake.ID{id}, Claimed: []driver.Row{{
		ID: id, Type: batch.Type, Payload: []byte(p.Payload),
		Created: rows[0].Created.Time.UTC(), Due: rows[0].Due.Time.UTC(), MaxWork: batch.Options.MaxWork,
		Attempts: 1, MaxAttempts: p.MaxAttempts, Priority: p.Priority,
	}}}, nil
}

// A batchInsert is one call's many jobs on their way.
type batchInsert struct {
	*queue
	batch   driver.Batch
	jobType int32
	ids     []snowflake.ID
	buffer  []byte // for encoding, of the largest chunk so far
	// notEncoded is why a payload was not encoded in addChunks.
	notEncoded error
}

func (q *queue) addMany(ctx context.Context, batch driver.Batch, jobType int32) (driver.Added, error) {
	b := batchInsert{queue: q, batch: batch, jobType: jobType, ids: make([]snowflake.ID, batch.Len)}
	for i := range b.ids {
		var err error
		if b.ids[i], err = q.ids.next(ctx); err != nil {
			return driver.Added{}, err
		}
	}
	first := b.encode(0)
	var err error
	switch {
	case first.err != nil:
		err = first.err
	case q.tx != nil:
		err = b.addBound(ctx, first)
	case first.to == batch.Len:
		_, err = again(ctx, q.store, func() (struct{}, error) { return struct{}{}, b.insert(ctx, q.db, first) })
	default:
		_, err = again(ctx, q.store, func() (struct{}, error) { return struct{}{}, b.addChunks(ctx, first) })
		if b.notEncoded != nil {
			err = b.notEncoded
		}
	}
	if err != nil {
		return driver.Added{}, err
	}
	q.added(batch.Options)
	return driver.Added{IDs: b.ids}, nil
}

// addBound adds chunk after chunk in the caller's transaction. All are encoded
// first, since what cannot be must leave nothing in it. The last one notifies.
func (b *batchInsert) addBound(ctx context.Context, first chunk) error {
	chunks := []chunk{first}
	for to := first.to; to < b.batch.Len; {
		c := b.encode(to)
		if c.err != nil {
			return c.err
		}
		chunks, to = append(chunks, c), c.to
	}
	for i, c := range chunks {
		db := b.db
		if i == len(chunks)-1 {
			db = b.notifying(jobArrived)
		}
		if err := b.insert(ctx, db, c); err != nil {
			return err
		}
	}
	return nil
}

var (
	// errPayloadEnded is the error of a batch of which the method of a payload has
	// ended the goroutine that encodes ahead.
	errPayloadEnded = errors.New("a method of a payload ended its goroutine")
	errNotEncoded   = errors.New("a payload was not encoded")
)

// addChunks adds chunk after chunk in one transaction, while another goroutine
// encodes ahead. It may be called again: all but the first chunk is encoded anew.
func (b *batchInsert) addChunks(ctx context.Context, first chunk) error {
	encoding, stop := context.WithCancel(ctx)
	encoded := make(chan chunk, 1)
	send := func(c chunk) {
		select {
		case encoded <- c:
		case <-encoding.Done():
		}
	}
	go func() {
		defer close(encoded)
		returned := false
		defer func() {
			if !returned { // or what was encoded so far would be taken for all
				_ = recover()
				send(chunk{err: errPayloadEnded})
			}
		}()
		for to := first.to; to < b.batch.Len && encoding.Err() == nil; {
			c := b.encode(to)
			send(c)
			if to = c.to; c.err != nil {
				break
			}
		}
		returned = true
	}()
	defer func() {
		stop()
		for range encoded { // the payloads are the caller's again after this
		}
	}()
	return b.inTx(ctx, func(db *pgdb.Queries) error {
		if err := b.insert(ctx, db, first); err != nil {
			return err
		}
		for c := range encoded {
			if c.err != nil {
				b.notEncoded = c.err
				return errNotEncoded
			}
			if err := b.insert(ctx, db, c); err != nil {
				return err
			}
		}
		return ctx.Err() // encoding may have stopped early
	})
}

// A chunk is a piece of a batch as it is sent, up to its job to.
type chunk struct {
	params pgdb.AddBatchParams
	to     int
	err    error
}

// encode encodes jobs from from on, as many as go together.
func (b *batchInsert) encode(from int) (c chunk) {
	room := min(b.batch.Len-from, chunkJobs)
	encoded, ends := b.buffer[:0], make([]int, 0, room)
	for len(ends) < room && len(encoded) < chunkBytes {
		if encoded, c.err = b.batch.Payload(encoded, from+len(ends)); c.err != nil {
			return c
		}
		ends = append(ends, len(encoded))
	}
	b.buffer = encoded
	c.to = from + len(ends)
	ids, payloads := make([]int64, len(ends)), make([]string, len(ends))
	text, began := string(encoded), 0
	for i, end := range ends {
		ids[i], payloads[i] = int64(b.ids[from+i]), text[began:end]
		began = end
	}
	o := &b.batch.Options
	c.params = pgdb.AddBatchParams{
		Queue: b.number, Type: b.jobType, Priority: o.Priority, MaxAttempts: o.MaxAttempts,
		MaxWork: o.MaxWork.Microseconds(), Due: dueParam(o.Due), Ids: ids, Payloads: payloads,
	}
	return c
}

// insert adds the jobs of a chunk.
func (b *batchInsert) insert(ctx context.Context, db *pgdb.Queries, c chunk) error {
	n, err := db.AddBatch(ctx, c.params)
	if err == nil && n == 0 {
		err = driver.ErrQueueNotFound
	}
	if err != nil {
		return b.insertFailed(fmt.Sprintf("insert %d", len(c.params.Ids)), err)
	}
	return nil
}
