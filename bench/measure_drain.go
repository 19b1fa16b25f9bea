package main

import (
	"context"
	"fmt"
	"sync/atomic"
)

// drain works a backlog with a handler that does nothing. The time is from the
// start of the worker until every job has been handled and its completion has
// been recorded; a job that is lost, or handled twice, is an error.
func drain(ctx context.Context, t *trial) (figures, error) { return drainOf(ctx, t, t.size.drain) }

func drainChoices(ctx context.Context, t *trial) (figures, error) {
	return drainOf(ctx, t, t.size.choices)
}

func drainOf(ctx context.Context, t *trial, jobs int) (figures, error) {
	n := max(1, jobs/max(1, t.peer.slow))
	if err := fill(ctx, t.queue, 1, n, t.size.batchOf); err != nil {
		return nil, err
	}
	var counted tally
	counted.grow(int64(n))
	began := t.begin(ctx)
	if err := workFrom(ctx, t, &counted, 1, int64(n)); err != nil {
		return nil, err
	}
	got := began.figures(ctx, int64(n))
	return got, t.nothingLost(ctx, &counted, int64(n))
}

// workFrom works until the n jobs from first on have been handled, and what
// was begun has been recorded.
func workFrom(ctx context.Context, t *trial, counted *tally, first, n int64) error {
	done := make(chan struct{})
	var left atomic.Int64
	left.Store(n)
	defer t.profile.start(t)()
	stop, err := t.queue.Work(ctx, func(seq int64) {
		counted.count(seq)
		if first <= seq && seq < first+n && left.Add(-1) == 0 {
			close(done)
		}
	})
	if err != nil {
		return err
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	if err := stop(); err != nil {
		return err
	}
	return ctx.Err()
}

// workSingly works jobs one at a time, without claiming ahead.
func workSingly(ctx context.Context, t *trial) (figures, error) {
	single, ok := t.queue.(singleWorker)
	if !ok {
		return nil, fmt.Errorf("%s cannot work one job at a time: %w", t.peer.name, errMissing)
	}
	n := t.size.one
	if err := fill(ctx, t.queue, 1, n, 10_000); err != nil {
		return nil, err
	}
	var counted tally
	counted.grow(int64(n))
	began := t.begin(ctx)
	if err := single.WorkSingly(ctx, n, func(seq int64) { counted.count(seq) }); err != nil {
		return nil, err
	}
	got := began.figures(ctx, int64(n))
	return got, t.nothingLost(ctx, &counted, int64(n))
}
