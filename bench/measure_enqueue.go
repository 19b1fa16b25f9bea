package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// enqueueWith has clients enqueue one job after the other for a while. Peers
// that notify have idle workers to wake.
func enqueueWith(clients int) func(context.Context, *trial) (figures, error) {
	return func(ctx context.Context, t *trial) (figures, error) {
		if err := t.queue.Enqueue(ctx, newJob(0)); err != nil { // open connections, make the queue
			return nil, err
		}
		if i, ok := t.queue.(idler); ok {
			stop, err := i.Idle(ctx)
			if err != nil {
				return nil, err
			}
			defer stop()
		}
		var next atomic.Int64
		errs := make([]error, clients)
		var group sync.WaitGroup
		began := t.begin(ctx)
		end := began.at.Add(t.size.enqueueFor)
		for c := range clients {
			group.Go(func() {
				for time.Now().Before(end) && errs[c] == nil {
					errs[c] = t.queue.Enqueue(ctx, newJob(next.Add(1)))
				}
			})
		}
		group.Wait()
		for _, err := range errs {
			if err != nil {
				return nil, err
			}
		}
		return began.figures(ctx, next.Load()), nil
	}
}

// enqueueBatches has one client enqueue batches one after the other.
func enqueueBatches(ctx context.Context, t *trial) (figures, error) {
	if err := t.queue.EnqueueBatch(ctx, []job{newJob(0)}); err != nil {
		return nil, err
	}
	n := t.size.batches * t.size.batchOf
	began := t.begin(ctx)
	if err := fill(ctx, t.queue, 1, n, t.size.batchOf); err != nil {
		return nil, err
	}
	return began.figures(ctx, int64(n)), nil
}

// fill enqueues n jobs, numbered from first, in batches.
func fill(ctx context.Context, q queue, first int64, n, batchOf int) error {
	for n > 0 {
		js := make([]job, min(batchOf, n))
		for i := range js {
			js[i] = newJob(first + int64(i))
		}
		if err := q.EnqueueBatch(ctx, js); err != nil {
			return err
		}
		first += int64(len(js))
		n -= len(js)
	}
	return nil
}
