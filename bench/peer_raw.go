package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// rawPeer is the floor: the least that a loop with pgx alone can do on the
// tables jobgen's design comes from. It is not a queue to use.
func rawPeer() peer {
	return peer{
		name:  "raw",
		about: "raw pgx loop: two claimers, 500 jobs a round trip; no stealing, no retries, payload not decoded",
		open:  openRaw,
	}
}

const (
	rawClaimers = 2
	rawBatch    = 500
	rawHandler  = int64(1)
	// rawWindow is how far behind the database's clock a claim looks again
	// once it came back short, for jobs that were committed out of order.
	rawWindow = 300 * time.Millisecond
	// rawNotifyGap is the least time between two notifications.
	rawNotifyGap = 2 * time.Millisecond
)

type rawQueue struct {
	pool    *pgxpool.Pool
	notify  chan struct{}
	stopped chan struct{}
	cancel  context.CancelFunc
}

func openRaw(ctx context.Context, at place) (queue, error) {
	config, err := pgxpool.ParseConfig(at.dsn)
	if err != nil {
		return nil, fmt.Errorf("open raw: %w", err)
	}
	for name, value := range map[string]string{"jit": "off", "enable_seqscan": "off", "plan_cache_mode": "force_custom_plan"} {
		config.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open raw: %w", err)
	}
	if _, err := pool.Exec(ctx, rawSchema); err != nil {
		pool.Close()
		return nil, fmt.Errorf("make raw's tables: %w", err)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	q := &rawQueue{pool: pool, notify: make(chan struct{}, 1), stopped: make(chan struct{}), cancel: cancel}
	go q.notifyLoop(run)
	return q, nil
}

// notifyLoop tells listeners of commits: at once, then not again for a while.
func (q *rawQueue) notifyLoop(ctx context.Context) {
	defer close(q.stopped)
	conn, err := q.pool.Acquire(ctx)
	if err != nil {
		return
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SET synchronous_commit = off"); err != nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.notify:
		}
		if _, err := conn.Exec(ctx, "NOTIFY jobs"); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rawNotifyGap):
		}
	}
}

func (q *rawQueue) added() {
	select {
	case q.notify <- struct{}{}:
	default:
	}
}

func (q *rawQueue) Enqueue(ctx context.Context, j job) error {
	data, err := json.Marshal(emailArgs{AccountID: j.Seq, EmailID: j.Text})
	if err != nil {
		return err
	}
	if _, err := q.pool.Exec(ctx, rawInsert, j.Seq, data); err != nil {
		return err
	}
	q.added()
	return nil
}

func (q *rawQueue) EnqueueBatch(ctx context.Context, js []job) error {
	ids, payloads := make([]int64, len(js)), make([][]byte, len(js))
	for i, j := range js {
		data, err := json.Marshal(emailArgs{AccountID: j.Seq, EmailID: j.Text})
		if err != nil {
			return err
		}
		ids[i], payloads[i] = j.Seq, data
	}
	if _, err := q.pool.Exec(ctx, rawInsertBatch, ids, payloads); err != nil {
		return err
	}
	q.added()
	return nil
}

// rawCursor is how far the process has claimed.
type rawCursor struct {
	mu  sync.Mutex
	due pgtype.Timestamptz
	id  int64
}

func (c *rawCursor) get() (pgtype.Timestamptz, int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.due, c.id
}

// rawClaimed is one batch under work.
type rawClaimed struct {
	ids      []int64
	attempts []int16
	due      pgtype.Timestamptz
	now      time.Time
}

func (q *rawQueue) Work(ctx context.Context, handlers int, handle handler) (func() error, error) {
	claimers, batch := rawClaimers, rawBatch
	if handlers == 1 {
		claimers, batch = 1, 1
	}
	listener, err := q.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("start raw: %w", err)
	}
	if _, err := listener.Exec(ctx, "LISTEN jobs"); err != nil {
		listener.Release()
		return nil, fmt.Errorf("start raw: %w", err)
	}
	run, cancel := context.WithCancel(ctx)
	wake := make(chan struct{}, 1)
	cursor := &rawCursor{due: pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}}
	var group sync.WaitGroup
	errs := make([]error, claimers+1)
	group.Go(func() {
		// A connection whose wait was cut off is closed; it is not put back.
		defer listener.Release()
		for {
			if _, err := listener.Conn().WaitForNotification(run); err != nil {
				if run.Err() == nil {
					errs[claimers] = err
				}
				return
			}
			select {
			case wake <- struct{}{}:
			default:
			}
		}
	})
	for i := range claimers {
		group.Go(func() { errs[i] = q.workLoop(ctx, run, cursor, wake, batch, handle) })
	}
	return func() error {
		cancel()
		group.Wait()
		return errors.Join(errs...)
	}, nil
}

// workLoop claims and completes until run ends; what it has claimed by then it
// completes under ctx.
func (q *rawQueue) workLoop(ctx, run context.Context, cursor *rawCursor, wake <-chan struct{}, batch int, handle handler) error {
	poll := time.NewTicker(time.Second)
	defer poll.Stop()
	var finished rawClaimed
	for run.Err() == nil {
		claimed, err := q.trip(ctx, cursor, finished, batch, handle)
		if err != nil {
			return err
		}
		finished = claimed
		if batch > 1 && len(finished.ids) > 0 {
			if err := q.complete(ctx, finished); err != nil {
				return err
			}
			finished = rawClaimed{}
		}
		if len(claimed.ids) == batch {
			continue
		}
		if len(finished.ids) > 0 {
			continue // completed with the next claim, which follows at once
		}
		select {
		case <-run.Done():
		case <-wake:
		case <-poll.C:
			cursor.mu.Lock()
			cursor.due.InfinityModifier = pgtype.NegativeInfinity
			cursor.mu.Unlock()
		}
	}
	return q.complete(ctx, finished)
}

func (q *rawQueue) complete(ctx context.Context, c rawClaimed) error {
	if len(c.ids) == 0 {
		return nil
	}
	slices.Sort(c.ids) // of one queue, first attempts all: the attempts stay aligned
	_, err := q.pool.Exec(ctx, rawComplete, rawHandler, c.ids, c.attempts)
	return err
}

// trip completes what is finished and claims more in one round trip and one
// transaction, then calls the handler for each job claimed.
func (q *rawQueue) trip(ctx context.Context, cursor *rawCursor, finished rawClaimed, limit int, handle handler) (rawClaimed, error) {
	due, id := cursor.get()
	var b pgx.Batch
	if len(finished.ids) > 0 {
		b.Queue(rawComplete, rawHandler, finished.ids, finished.attempts)
	}
	var c rawClaimed
	var last int64
	b.Queue(rawClaim, rawHandler, limit, due, id).Query(func(rows pgx.Rows) error {
		var jobID int64
		var attempt int16
		var payload []byte
		_, err := pgx.ForEachRow(rows, []any{&jobID, &c.due, &attempt, (*rawBytes)(&payload), &c.now}, func() error {
			c.ids, c.attempts, last = append(c.ids, jobID), append(c.attempts, attempt), max(last, jobID)
			handle(jobID)
			return nil
		})
		return err
	})
	if len(finished.ids) == 0 {
		b.Queue("SELECT now()").QueryRow(func(row pgx.Row) error { return row.Scan(&c.now) })
	}
	if err := q.pool.SendBatch(ctx, &b).Close(); err != nil {
		return c, err
	}
	cursor.mu.Lock()
	defer cursor.mu.Unlock()
	switch {
	case len(c.ids) < limit:
		if !c.now.IsZero() {
			cursor.due, cursor.id = pgtype.Timestamptz{Time: c.now.Add(-rawWindow), Valid: true}, 0
		}
	case cursor.due.InfinityModifier != pgtype.Finite || c.due.Time.After(cursor.due.Time):
		cursor.due, cursor.id = c.due, last
	}
	return c, nil
}

// rawBytes borrows a row's bytes instead of copying them.
type rawBytes []byte

func (b *rawBytes) ScanBytes(v []byte) error {
	*b = v
	return nil
}

func (q *rawQueue) Remaining(ctx context.Context) (n int64, err error) {
	err = q.pool.QueryRow(ctx, "SELECT count(*) FROM job").Scan(&n)
	return n, err
}

func (q *rawQueue) Close() error {
	q.cancel()
	<-q.stopped
	q.pool.Close()
	return nil
}
