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
		name: "raw", module: "github.com/jackc/pgx/v5",
		about: "a loop with pgx alone: two claimers, 500 jobs a round trip; no stealing, no retries, payload not decoded",
		open:  openRaw(rawChoice{}),
	}
}

// A rawChoice makes one design choice otherwise.
type rawChoice struct {
	notifyEach, finishEach, noLog, noCursor, wide bool
}

// rawVariants are the raw loop with one design choice made otherwise.
func rawVariants() []peer {
	variant := func(name, about string, slow int, c rawChoice) peer {
		return peer{name: "raw-" + name, about: "raw, but " + about, variant: true, slow: slow, open: openRaw(c)}
	}
	return []peer{
		variant("notify-each", "each enqueue notifies in its own transaction", 1, rawChoice{notifyEach: true}),
		variant("finish-each", "each job is finished in a transaction of its own", 40, rawChoice{finishEach: true}),
		variant("no-log", "a finished job leaves no row in the log", 1, rawChoice{noLog: true}),
		variant("no-cursor", "each claim looks from the beginning of the queue", 1, rawChoice{noCursor: true}),
		variant("wide", "a claim looks at ten priorities, four of them in use, job types and payload versions", 1, rawChoice{wide: true}),
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
	choice  rawChoice
	pool    *pgxpool.Pool
	notify  chan struct{}
	stopped chan struct{}
	cancel  context.CancelFunc
}

func openRaw(choice rawChoice) func(context.Context, place) (queue, error) {
	return func(ctx context.Context, at place) (queue, error) { return startRaw(ctx, at, choice) }
}

func startRaw(ctx context.Context, at place, choice rawChoice) (queue, error) {
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
	schema := rawSchema
	if choice.wide {
		schema = rawWideSchema
	}
	if _, err := pool.Exec(ctx, schema); err != nil {
		pool.Close()
		return nil, fmt.Errorf("make raw's tables: %w", err)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	q := &rawQueue{choice: choice, pool: pool, notify: make(chan struct{}, 1), stopped: make(chan struct{}), cancel: cancel}
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
	if q.choice.notifyEach {
		_, err := q.pool.Exec(ctx, rawInsertNotify, j.Seq, data)
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
	insert := rawInsertBatch
	if q.choice.wide {
		insert = rawWideInsertBatch
	}
	if _, err := q.pool.Exec(ctx, insert, ids, payloads); err != nil {
		return err
	}
	q.added()
	return nil
}

// rawCursor is how far the process has claimed, by priority.
type rawCursor struct {
	mu  sync.Mutex
	due []pgtype.Timestamptz
	id  []int64
}

var rawBeginning = pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}

func newRawCursor(priorities int) *rawCursor {
	c := &rawCursor{due: make([]pgtype.Timestamptz, priorities), id: make([]int64, priorities)}
	c.set(rawBeginning)
	return c
}

func (c *rawCursor) get() ([]pgtype.Timestamptz, []int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.due), slices.Clone(c.id)
}

// set moves every priority's cursor.
func (c *rawCursor) set(due pgtype.Timestamptz) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.due {
		c.due[i], c.id[i] = due, 0
	}
}

// advance moves one priority's cursor, and never back.
func (c *rawCursor) advance(priority int16, due time.Time, id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := &c.due[priority]
	if at.InfinityModifier != pgtype.Finite || due.After(at.Time) || due.Equal(at.Time) && id > c.id[priority] {
		*at, c.id[priority] = pgtype.Timestamptz{Time: due, Valid: true}, id
	}
}

// rawClaimed is one batch under work.
type rawClaimed struct {
	ids      []int64
	attempts []int16
}

func (q *rawQueue) Work(ctx context.Context, handle handler) (func() error, error) {
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
	cursor := q.newCursor()
	var group sync.WaitGroup
	errs := make([]error, rawClaimers+1)
	group.Go(func() {
		// A connection whose wait was cut off is closed; it is not put back.
		defer listener.Release()
		for {
			if _, err := listener.Conn().WaitForNotification(run); err != nil {
				if run.Err() == nil {
					errs[rawClaimers] = err
				}
				return
			}
			select {
			case wake <- struct{}{}:
			default:
			}
		}
	})
	for i := range rawClaimers {
		group.Go(func() { errs[i] = q.workLoop(ctx, run, cursor, wake, handle) })
	}
	return func() error {
		cancel()
		group.Wait()
		return errors.Join(errs...)
	}, nil
}

func (q *rawQueue) newCursor() *rawCursor {
	if q.choice.wide {
		return newRawCursor(10)
	}
	return newRawCursor(1)
}

// workLoop claims and completes until run ends; what it has claimed by then it
// completes under ctx.
func (q *rawQueue) workLoop(ctx, run context.Context, cursor *rawCursor, wake <-chan struct{}, handle handler) error {
	poll := time.NewTicker(time.Second)
	defer poll.Stop()
	for run.Err() == nil {
		claimed, err := q.trip(ctx, cursor, rawClaimed{}, rawBatch, handle)
		if err != nil {
			return err
		}
		if err := q.complete(ctx, claimed); err != nil {
			return err
		}
		if len(claimed.ids) > 0 {
			continue
		}
		select {
		case <-run.Done():
		case <-wake:
		case <-poll.C:
			cursor.set(rawBeginning)
		}
	}
	return nil
}

// WorkSingly completes each job in one round trip with the claim of the next.
func (q *rawQueue) WorkSingly(ctx context.Context, n int, handle handler) error {
	cursor := q.newCursor()
	var claimed rawClaimed
	for range n {
		var err error
		if claimed, err = q.trip(ctx, cursor, claimed, 1, handle); err != nil {
			return err
		}
	}
	return q.complete(ctx, claimed)
}

func (q *rawQueue) completion() string {
	if q.choice.noLog {
		return rawCompleteWithoutLog
	}
	return rawComplete
}

func (q *rawQueue) complete(ctx context.Context, c rawClaimed) error {
	if !q.choice.finishEach {
		if len(c.ids) == 0 {
			return nil
		}
		slices.Sort(c.ids) // first attempts all, so the attempts stay aligned
		_, err := q.pool.Exec(ctx, q.completion(), rawHandler, c.ids, c.attempts)
		return err
	}
	for i := range c.ids {
		if _, err := q.pool.Exec(ctx, q.completion(), rawHandler, c.ids[i:i+1], c.attempts[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// trip completes what is finished and claims more in one round trip and one
// transaction, then calls the handler for each job claimed.
func (q *rawQueue) trip(ctx context.Context, cursor *rawCursor, finished rawClaimed, limit int, handle handler) (rawClaimed, error) {
	var b pgx.Batch
	if len(finished.ids) > 0 {
		b.Queue(q.completion(), rawHandler, finished.ids, finished.attempts)
	}
	due, id := cursor.get()
	var claim *pgx.QueuedQuery
	if q.choice.wide {
		claim = b.Queue(rawWideClaim, rawHandler, limit, due, id)
	} else {
		claim = b.Queue(rawClaim, rawHandler, limit, due[0], id[0])
	}
	var c rawClaimed
	claim.Query(func(rows pgx.Rows) error {
		var jobID int64
		var attempt, priority int16
		var at, now time.Time
		var payload []byte
		_, err := pgx.ForEachRow(rows, []any{&jobID, &at, &attempt, (*rawBytes)(&payload), &now, &priority}, func() error {
			c.ids, c.attempts = append(c.ids, jobID), append(c.attempts, attempt)
			if !q.choice.noCursor {
				cursor.advance(priority, at, jobID)
			}
			handle(jobID)
			return nil
		})
		return err
	})
	var now time.Time
	if len(finished.ids) == 0 {
		b.Queue("SELECT now()").QueryRow(func(row pgx.Row) error { return row.Scan(&now) })
	}
	if err := q.pool.SendBatch(ctx, &b).Close(); err != nil {
		return c, err
	}
	if len(c.ids) < limit && !q.choice.noCursor && !now.IsZero() {
		cursor.set(pgtype.Timestamptz{Time: now.Add(-rawWindow), Valid: true})
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

// Finished counts the log's rows.
func (q *rawQueue) Finished(ctx context.Context) (n int64, err error) {
	if q.choice.noLog {
		return noRecord, nil
	}
	err = q.pool.QueryRow(ctx, "SELECT count(*) FROM joblog").Scan(&n)
	return n, err
}

// Idle listens where an idle loop does.
func (q *rawQueue) Idle(ctx context.Context) (func(), error) { return listen(ctx, q.pool, "jobs") }

func (q *rawQueue) Close() error {
	q.cancel()
	<-q.stopped
	q.pool.Close()
	return nil
}
