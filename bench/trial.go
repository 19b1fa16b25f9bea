package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// figures are what one measurement found, by name.
type figures map[string]float64

// A trial is one peer's queue under one measurement.
type trial struct {
	queue   queue
	peer    peer
	place   place
	server  *server
	size    size
	profile *profiler
}

// elsewhere does something to a queue on a database, or in a folder, of its
// own.
func (t *trial) elsewhere(ctx context.Context, open func(context.Context, place) (queue, error), do func(*trial) error) error {
	at, drop, err := t.server.place(ctx, t.peer)
	if err != nil {
		return err
	}
	defer drop()
	q, err := open(ctx, at)
	if err != nil {
		return err
	}
	other := *t
	other.queue, other.place = q, at
	err = do(&other)
	return errors.Join(err, q.Close())
}

// A beginning is the state of the clocks when a measurement began.
type beginning struct {
	at             time.Time
	client, server time.Duration
	wal            int64
	trial          *trial
}

// begin has the server write what is outstanding, so that every measurement
// begins alike, and reads the clocks.
func (t *trial) begin(ctx context.Context) beginning {
	if !t.peer.embedded {
		t.server.checkpoint(ctx)
	}
	return t.now(ctx)
}

func (t *trial) now(ctx context.Context) beginning {
	b := beginning{client: t.clientCPU(), server: t.server.cpu(), trial: t}
	if !t.peer.embedded {
		b.wal = t.server.wal(ctx)
	}
	b.at = time.Now()
	return b
}

// clientCPU is what this process and a foreign client have used.
func (t *trial) clientCPU() time.Duration {
	used := clientCPU()
	if f, ok := t.queue.(foreignClient); ok {
		used += f.ClientCPU()
	}
	return used
}

// figures are the rate of n jobs since b and what they cost.
func (b beginning) figures(ctx context.Context, n int64) figures {
	return b.until(b.trial.now(ctx), n)
}

// until is figures for n jobs between b and a later moment.
func (b beginning) until(end beginning, n int64) figures {
	per100k := func(d time.Duration) float64 { return d.Seconds() / float64(n) * 100_000 }
	f := figures{"rate": float64(n) / end.at.Sub(b.at).Seconds()}
	client, server := end.client-b.client, end.server-b.server
	switch {
	case b.trial.peer.embedded:
		server = 0
	case b.wal > 0 && end.wal > 0:
		f["wal"] = float64(end.wal-b.wal) / float64(n)
	}
	if b.trial.peer.embedded || b.trial.server.local() {
		f["client"], f["server"], f["cpu"] = per100k(client), per100k(server), per100k(client+server)
	}
	return f
}

// nothingLost is an error unless each of the jobs 1 to n was handled once,
// none is left, and as many are recorded as finished as handlers were called,
// where the peer keeps a record.
func (t *trial) nothingLost(ctx context.Context, counted *tally, n int64) error {
	if err := counted.check(n); err != nil {
		return err
	}
	if rest, err := t.queue.Remaining(ctx); err != nil || rest != 0 {
		return fmt.Errorf("%d jobs remain, error %w", rest, err)
	}
	return t.allRecorded(ctx, counted, 0)
}

// allRecorded is an error unless as many jobs are recorded as finished as
// handlers were called, besides those that were before.
func (t *trial) allRecorded(ctx context.Context, counted *tally, before int64) error {
	rows, err := t.finished(ctx)
	if err != nil {
		return err
	}
	if calls := counted.calls.Load(); rows != noRecord && rows-before != calls {
		return fmt.Errorf("handlers were called %d times, but %d jobs are recorded as finished", calls, rows-before)
	}
	return nil
}

// finished counts the rows that say that a job has finished, where the peer
// keeps a record.
func (t *trial) finished(ctx context.Context) (int64, error) {
	if f, ok := t.queue.(finishedCounter); ok {
		return f.Finished(ctx)
	}
	return noRecord, nil
}
