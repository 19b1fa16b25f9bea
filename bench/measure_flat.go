package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

var flatColumns = []column{
	serverColumn,
	{"ratio", "to nothing else", 2},
	rateColumn,
	walColumn,
}

// A flatDrain is a drain under one condition. Each has a new database.
type flatDrain struct {
	condition
	// open is the peer's own where nil.
	open func(context.Context, place) (queue, error)
	// prepare makes the condition, and end is called after the drain.
	prepare func(ctx context.Context, t *trial) (end func() error, err error)
	// behind is how many jobs more wait behind those that are drained.
	behind func(size) int
}

const flatPlain = "plain"

// flatJobs is how many jobs are drained under each condition.
func flatJobs(s size) int { return max(1, s.drain/2) }

func flatDrains() []flatDrain {
	return []flatDrain{
		{condition: condition{flatPlain, "nothing else"}},
		{condition: condition{"few", "few waiting behind them"}, behind: func(s size) int { return max(1, s.waiting/1000) }},
		{condition: condition{"many", "many waiting behind them"}, behind: func(s size) int { return s.waiting }},
		{condition: condition{"history", "a long history"}, prepare: makeHistory},
		{condition: condition{"future", "jobs not due yet"}, prepare: addFuture},
		{condition: condition{"priorities", "four priorities"}, open: openSpread(1, 4)},
		{condition: condition{"queues", "fifty queues"}, open: openSpread(50, 1)},
		{condition: condition{"held", "a snapshot held since as many jobs ago"}, prepare: holdThroughDrain},
	}
}

func flatConditions() []condition {
	var all []condition
	for _, d := range flatDrains() {
		all = append(all, d.condition)
	}
	return all
}

// flat makes the same drain under each condition.
func flat(ctx context.Context, t *trial) (figures, error) {
	all := figures{}
	for _, d := range flatDrains() {
		open := d.open
		if open == nil {
			open = t.peer.open
		}
		var got figures
		err := t.elsewhere(ctx, open, func(t *trial) (err error) {
			got, err = d.run(ctx, t)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.title, err)
		}
		for name, value := range got {
			all[figureUnder(d.name, name)] = value
		}
		if base := all[figureUnder(flatPlain, "server")]; base > 0 {
			all[figureUnder(d.name, "ratio")] = got["server"] / base
		}
	}
	return all, nil
}

// run fills, drains and counts. The tables are vacuumed and analysed before,
// so that autovacuum's work on what was just filled does not count.
func (d *flatDrain) run(ctx context.Context, t *trial) (got figures, err error) {
	if d.prepare != nil {
		end, err := d.prepare(ctx, t)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, end()) }()
	}
	n, behind := flatJobs(t.size), 0
	if d.behind != nil {
		behind = d.behind(t.size)
	}
	var counted tally
	counted.grow(int64(n + behind))
	if err := fill(ctx, t.queue, 1, n, 10_000); err != nil {
		return nil, err
	}
	if err := fillTwofold(ctx, t.queue, int64(n)+1, behind); err != nil {
		return nil, err
	}
	if err := t.server.vacuum(ctx, t.place); err != nil {
		return nil, err
	}
	before, err := t.finished(ctx)
	if err != nil {
		return nil, err
	}
	began := t.begin(ctx)
	if err := workFrom(ctx, t, &counted, 1, int64(n)); err != nil {
		return nil, err
	}
	// Some of those that wait were worked too before the worker stopped.
	got = began.figures(ctx, counted.calls.Load())
	return got, errors.Join(counted.check(int64(n)), t.allRecorded(ctx, &counted, before))
}

// fillTwofold is fill by two callers at once, where the order does not matter.
func fillTwofold(ctx context.Context, q queue, first int64, n int) error {
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i, share := range []int{n / 2, n - n/2} {
		from := first + int64(i*(n/2))
		group.Go(func() { errs[i] = fill(ctx, q, from, share, 10_000) })
	}
	group.Wait()
	return errors.Join(errs...)
}

func nothing() error { return nil }

// makeHistory writes the attempts of jobs that have finished, as if they all
// had today, so that those that follow go where they are.
func makeHistory(ctx context.Context, t *trial) (func() error, error) {
	const insert = `
		INSERT INTO jobgen.attempt (queue, job, number, handler, outcome, claimed)
		SELECT 1, n, 0, 1, 1, clock_timestamp() FROM generate_series($1::bigint, $2::bigint) AS n`
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i := range errs {
		from, to := 1+i*t.size.history/2, (i+1)*t.size.history/2
		group.Go(func() {
			conn, err := t.server.connect(ctx, t.place)
			if err == nil {
				_, err = conn.Exec(ctx, insert, from, to)
				err = errors.Join(err, conn.Close(ctx))
			}
			errs[i] = err
		})
	}
	group.Wait()
	return nothing, errors.Join(errs...)
}

// addFuture adds jobs to the same queue that are due in an hour.
func addFuture(ctx context.Context, t *trial) (func() error, error) {
	return nothing, t.queue.(*jobgenPostgres).addFuture(ctx, t.size.future)
}

// holdThroughDrain holds a snapshot and drains once, which leaves a dead row
// and dead index entries for each job, where vacuum may not remove them.
func holdThroughDrain(ctx context.Context, t *trial) (func() error, error) {
	release, err := hold(ctx, t)
	if err != nil {
		return nil, err
	}
	if _, err := drainOf(ctx, t, flatJobs(t.size)); err != nil {
		return nil, errors.Join(err, release())
	}
	return release, nil
}
