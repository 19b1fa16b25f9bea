package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	mixedBatch = 1000
	// mixedBacklog is how many jobs may wait before the producer does, so that
	// a peer is measured at work, and not at piling jobs up.
	mixedBacklog = 20_000
)

// mixed produces and works at once: one producer that enqueues batches as fast
// as the worker takes them. All jobs are worked in the end, and the time and
// costs are those until then.
func mixed(ctx context.Context, t *trial) (figures, error) {
	got, _, err := produceAndWork(ctx, t, t.size.mixedFor)
	return got, err
}

// held is mixed while another connection holds a snapshot, which keeps dead
// rows from being removed: the rate and the server's CPU time in the first and
// in the last fifth.
func held(ctx context.Context, t *trial) (figures, error) { return heldFor(ctx, t, t.size.heldFor) }

func heldBriefly(ctx context.Context, t *trial) (figures, error) {
	return heldFor(ctx, t, t.size.heldFor/8)
}

func heldFor(ctx context.Context, t *trial, d time.Duration) (figures, error) {
	release, err := hold(ctx, t)
	if err != nil {
		return nil, err
	}
	got, err := firstAndLast(ctx, t, d)
	return got, errors.Join(err, release())
}

// hold has another connection hold a snapshot until release is called, whose
// error says that the snapshot was not there to the end.
func hold(ctx context.Context, t *trial) (release func() error, err error) {
	conn, err := t.server.connect(ctx, t.place)
	if err != nil {
		return nil, err
	}
	const look = "SELECT count(*) FROM pg_class"
	var n int64
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err == nil {
		err = tx.QueryRow(ctx, look).Scan(&n)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("hold a snapshot: %w", err), conn.Close(context.WithoutCancel(ctx)))
	}
	return func() error {
		ctx := context.WithoutCancel(ctx)
		return errors.Join(tx.QueryRow(ctx, look).Scan(&n), tx.Rollback(ctx), conn.Close(ctx))
	}, nil
}

// control is held without the snapshot.
func control(ctx context.Context, t *trial) (figures, error) {
	return firstAndLast(ctx, t, t.size.heldFor)
}

func firstAndLast(ctx context.Context, t *trial, d time.Duration) (figures, error) {
	all, samples, err := produceAndWork(ctx, t, d)
	if err != nil {
		return nil, err
	}
	first, last := samples.part(0, 1), samples.part(fifths-1, fifths)
	return figures{
		"rate": all["rate"], "server": all["server"], "wal": all["wal"],
		"firstrate": first["rate"], "firstserver": first["server"],
		"lastrate": last["rate"], "lastserver": last["server"],
	}, nil
}

const fifths = 5

// samples are the state of the clocks, and how many jobs had been handled, at
// the beginning and after each fifth of a run.
type samples struct {
	at      []beginning
	handled []int64
}

func (s *samples) take(now beginning, handled int64) {
	s.at, s.handled = append(s.at, now), append(s.handled, handled)
}

func (s *samples) part(from, to int) figures {
	return s.at[from].until(s.at[to], max(1, s.handled[to]-s.handled[from]))
}

func produceAndWork(ctx context.Context, t *trial, d time.Duration) (figures, *samples, error) {
	var counted tally
	counted.grow(mixedBatch)
	var made atomic.Int64
	var over atomic.Bool
	done := make(chan struct{})     // every job has been handled
	room := make(chan struct{}, 1)  // some have been
	finished := make(chan error, 1) // the producer has
	began := t.begin(ctx)
	s := &samples{}
	s.take(began, 0)
	stop, err := t.queue.Work(ctx, func(seq int64) {
		calls := counted.count(seq)
		if calls%mixedBatch == 0 {
			select {
			case room <- struct{}{}:
			default:
			}
		}
		if over.Load() && calls == made.Load() {
			close(done)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	go func() { finished <- produce(ctx, t, &counted, &made, room, began.at.Add(d)) }()

	tick := time.NewTicker(d / fifths)
	defer tick.Stop()
	for len(s.at) <= fifths {
		select {
		case <-tick.C:
			s.take(t.now(ctx), counted.calls.Load())
		case <-ctx.Done():
			return nil, nil, errors.Join(ctx.Err(), stop())
		}
	}
	if err := <-finished; err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	// One more job, produced after all others are counted, ends the run: its
	// number of calls is known before it is handled.
	n := made.Add(1)
	counted.grow(n)
	over.Store(true)
	if err := t.queue.EnqueueBatch(ctx, []job{newJob(n)}); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	if err := stop(); err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	got := began.figures(ctx, n)
	return got, s, t.nothingLost(ctx, &counted, n)
}

// produce enqueues batches until the deadline, and waits while there is
// enough to work.
func produce(ctx context.Context, t *trial, counted *tally, made *atomic.Int64, room <-chan struct{}, deadline time.Time) error {
	batch := mixedBatch
	if t.size.batchOf < batch { // of a trial run
		batch = t.size.batchOf
	}
	timeout := time.NewTimer(time.Until(deadline))
	defer timeout.Stop()
	for time.Now().Before(deadline) {
		if made.Load()-counted.calls.Load() > mixedBacklog {
			select {
			case <-room:
			case <-timeout.C:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		first := made.Load() + 1
		counted.grow(made.Add(int64(batch)))
		if err := fill(ctx, t.queue, first, batch, batch); err != nil {
			return fmt.Errorf("produce: %w", err)
		}
	}
	return nil
}
