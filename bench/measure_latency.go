package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	latencyCallers = 16
	latencyWarmUp  = 5 // jobs that are not counted
)

// latencyAt enqueues single jobs at a rate while a worker runs, and takes the
// time from before each enqueue until its handler starts, the commit included.
func latencyAt(perSecond int) func(context.Context, *trial) (figures, error) {
	return func(ctx context.Context, t *trial) (figures, error) {
		lasts := t.size.latencyFor
		if perSecond > 20 {
			lasts /= 3
		}
		n := max(5, int(lasts.Seconds()*float64(perSecond)))
		return latency(ctx, t, n, time.Second/time.Duration(perSecond))
	}
}

func latency(ctx context.Context, t *trial, n int, gap time.Duration) (figures, error) {
	total := n + latencyWarmUp
	started := make([]time.Time, total)
	var left atomic.Int64
	left.Store(int64(total))
	done := make(chan struct{})
	stop, err := t.queue.Work(ctx, func(seq int64) {
		started[seq] = time.Now()
		if left.Add(-1) == 0 {
			close(done)
		}
	})
	if err != nil {
		return nil, err
	}
	due := arrivals(total, gap)
	sent := make([]time.Time, total)
	errs := make([]error, latencyCallers)
	var next atomic.Int64
	var group sync.WaitGroup
	began := t.now(ctx)
	for c := range latencyCallers {
		group.Go(func() {
			for errs[c] == nil {
				seq := next.Add(1) - 1
				if seq >= int64(total) {
					return
				}
				time.Sleep(time.Until(began.at.Add(due[seq])))
				sent[seq] = time.Now()
				errs[c] = t.queue.Enqueue(ctx, newJob(seq))
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			_ = stop()
			return nil, err
		}
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	if err := stop(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	got := began.figures(ctx, int64(total))
	took := make([]time.Duration, 0, n)
	for seq := latencyWarmUp; seq < total; seq++ {
		took = append(took, started[seq].Sub(sent[seq]))
	}
	slices.Sort(took)
	return figures{
		"p50": milliseconds(took[len(took)*50/100]), "p99": milliseconds(took[len(took)*99/100]), "rate": got["rate"],
	}, nil
}

// arrivals are the times at which jobs are enqueued, half a gap to one and a
// half apart: the same for every peer.
func arrivals(n int, gap time.Duration) []time.Duration {
	random := rand.New(rand.NewPCG(1, 2))
	due := make([]time.Duration, n)
	at := time.Duration(0)
	for i := range due {
		at += gap/2 + time.Duration(random.Int64N(int64(gap)))
		due[i] = at
	}
	return due
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
