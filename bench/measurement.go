package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// figures are what one measurement found, by name.
type figures map[string]float64

// A measurement is one thing that is done to every peer alike.
type measurement struct {
	name string
	// rows are its figures, in the order of the table.
	rows []row
	run  func(ctx context.Context, t *trial) (figures, error)
}

// A row is one line of the table.
type row struct {
	figure, title string
	digits        int // after the point
}

// A trial is one peer's queue under one measurement.
type trial struct {
	queue  queue
	peer   peer
	server *server
	size   size
}

func measurements() []measurement {
	return []measurement{
		{"enqueue1", []row{{"rate", "enqueue, 1 client: jobs/s", 0}, {"cpu", "… CPU s per 100,000", 1}}, enqueueWith(1)},
		{"enqueue16", []row{{"rate", "enqueue, 16 clients: jobs/s", 0}, {"cpu", "… CPU s per 100,000", 1}}, enqueueWith(16)},
		{"batch", []row{{"rate", "enqueue in batches, 1 client: jobs/s", 0}, {"cpu", "… CPU s per 100,000", 2}}, enqueueBatches},
		{"drain", []row{
			{"rate", "drain: jobs/s", 0},
			{"cpu", "… CPU s per 100,000", 2},
			{"server", "… of which the server", 2},
			{"percpu", "… jobs per CPU second", 0},
		}, drain},
		{"latency", []row{{"p50", "latency, p50: ms", 2}, {"p99", "latency, p99: ms", 2}}, latency},
	}
}

// chooseMeasurements returns those named in a comma-separated list; all for "".
func chooseMeasurements(list string) ([]measurement, error) {
	all := measurements()
	if list == "" {
		return all, nil
	}
	var chosen []measurement
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(m measurement) bool { return m.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only: no measurement is called %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// enqueueWith has clients enqueue one job after the other for a while.
func enqueueWith(clients int) func(context.Context, *trial) (figures, error) {
	return func(ctx context.Context, t *trial) (figures, error) {
		if err := t.queue.Enqueue(ctx, newJob(0)); err != nil { // open connections, make the queue
			return nil, err
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
		return began.figures(next.Load()), nil
	}
}

// enqueueBatches has one client enqueue batches one after the other.
func enqueueBatches(ctx context.Context, t *trial) (figures, error) {
	if err := t.queue.EnqueueBatch(ctx, []job{newJob(0)}); err != nil {
		return nil, err
	}
	n := t.size.batches * t.size.batchOf
	began := t.begin(ctx)
	if err := fill(ctx, t.queue, n, t.size.batchOf); err != nil {
		return nil, err
	}
	return began.figures(int64(n)), nil
}

// fill enqueues jobs 1 to n in batches.
func fill(ctx context.Context, q queue, n, batchOf int) error {
	for first := 1; first <= n; first += batchOf {
		js := make([]job, min(batchOf, n-first+1))
		for i := range js {
			js[i] = newJob(int64(first + i))
		}
		if err := q.EnqueueBatch(ctx, js); err != nil {
			return err
		}
	}
	return nil
}

// drain works a backlog with a handler that does nothing. The time is from the
// start of the worker until every job has been handled once and its completion
// has been recorded; a job that is never handled, or handled twice, is an error.
func drain(ctx context.Context, t *trial) (figures, error) {
	n := max(1, t.size.drain/max(1, t.peer.slow))
	if err := fill(ctx, t.queue, n, t.size.batchOf); err != nil {
		return nil, err
	}
	handled := make([]atomic.Int32, n+1)
	var left atomic.Int64
	left.Store(int64(n))
	done := make(chan struct{})
	began := t.begin(ctx)
	stop, err := t.queue.Work(ctx, 0, func(seq int64) {
		handled[seq].Add(1)
		if left.Add(-1) == 0 {
			close(done)
		}
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	if err := stop(); err != nil {
		return nil, err
	}
	got := began.figures(int64(n))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for seq := 1; seq <= n; seq++ {
		if c := handled[seq].Load(); c != 1 {
			return nil, fmt.Errorf("job %d was handled %d times", seq, c)
		}
	}
	if rest, err := t.queue.Remaining(ctx); err != nil || rest != 0 {
		return nil, fmt.Errorf("%d jobs remain after the drain, %w", rest, err)
	}
	return got, nil
}

// latency enqueues single jobs while a worker is idle, and takes the time from
// before each enqueue until its handler starts, the commit included.
func latency(ctx context.Context, t *trial) (figures, error) {
	n := t.size.latency
	const warmUp = 20
	total := n + warmUp
	started := make([]time.Time, total)
	var left atomic.Int64
	left.Store(int64(total))
	done := make(chan struct{})
	stop, err := t.queue.Work(ctx, 0, func(seq int64) {
		started[seq] = time.Now()
		if left.Add(-1) == 0 {
			close(done)
		}
	})
	if err != nil {
		return nil, err
	}
	sent := make([]time.Time, total)
	random := rand.New(rand.NewPCG(1, 2)) // the same gaps for every peer
	for seq := range total {
		time.Sleep(t.size.latencyGap/2 + time.Duration(random.Int64N(int64(t.size.latencyGap))))
		sent[seq] = time.Now()
		if err := t.queue.Enqueue(ctx, newJob(int64(seq))); err != nil {
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
	took := make([]time.Duration, 0, n)
	for seq := warmUp; seq < total; seq++ {
		took = append(took, started[seq].Sub(sent[seq]))
	}
	slices.Sort(took)
	return figures{"p50": milliseconds(took[len(took)*50/100]), "p99": milliseconds(took[len(took)*99/100])}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// A beginning is the state of the clocks when a measurement began.
type beginning struct {
	at             time.Time
	client, server time.Duration
	trial          *trial
}

// begin has the server write what is outstanding, so that every measurement
// begins alike, and reads the clocks.
func (t *trial) begin(ctx context.Context) beginning {
	if !t.peer.embedded {
		t.server.checkpoint(ctx)
	}
	return beginning{client: clientCPU(), server: t.server.cpu(), at: time.Now(), trial: t}
}

// figures are the rate of n jobs and what they cost.
func (b beginning) figures(n int64) figures {
	took := time.Since(b.at)
	client := clientCPU() - b.client
	per100k := func(d time.Duration) float64 { return d.Seconds() / float64(n) * 100_000 }
	f := figures{"rate": float64(n) / took.Seconds()}
	server := b.trial.server.cpu() - b.server
	switch {
	case b.trial.peer.embedded:
		server = 0
	case !b.trial.server.local():
		return f
	}
	f["server"], f["cpu"] = per100k(server), per100k(client+server)
	f["percpu"] = float64(n) / (client + server).Seconds()
	return f
}
