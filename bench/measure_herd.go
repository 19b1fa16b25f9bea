package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

var herdColumns = []column{
	{"idleclaims", "claims a second, no jobs", 1},
	{"claims", "one job a second", 1},
	{"idlestatements", "statements a second, no jobs", 1},
	{"statements", "one job a second", 1},
	{"pings", "of them pings", 1},
	{"idleserver", "server CPU ms a second, no jobs", 1},
	{"server", "one job a second", 1},
	{"p50", "p50 ms", 2},
	{"longest", "longest ms", 2},
}

func herdConditions() []condition {
	return []condition{{"one", "one worker"}, {"herd", "many workers"}}
}

const (
	herdRate = 1 // jobs a second
	// herdJobs is how many jobs there are at least, in a trial run faster.
	herdJobs = 5
)

// herd has the workers of many processes wait on one queue, first for nothing
// and then for one job a second.
func herd(ctx context.Context, t *trial) (figures, error) {
	all := figures{}
	for i, row := range herdConditions() {
		workers, lasts := t.size.herd, t.size.herdFor
		if i == 0 {
			workers, lasts = 1, lasts/3 // to compare with
		}
		var got figures
		err := t.elsewhere(ctx, t.server.logged(t.peer.open), func(t *trial) (err error) {
			got, err = herdOf(ctx, t, workers, lasts)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", row.title, err)
		}
		for name, value := range got {
			all[figureUnder(row.name, name)] = value
		}
	}
	return all, nil
}

func herdOf(ctx context.Context, t *trial, workers int, lasts time.Duration) (got figures, err error) {
	n := max(herdJobs, int(lasts.Seconds()*herdRate))
	var counted tally
	counted.grow(int64(n))
	started := make([]time.Time, n+1)
	stop, err := startHerd(ctx, t.place, workers, func(seq int64) {
		started[seq] = time.Now()
		counted.count(seq)
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err = errors.Join(err, stop()); err == nil {
			err = t.nothingLost(ctx, &counted, int64(n))
		}
	}()
	idleFor := lasts / 3
	idle, idleCPU, err := t.watch(ctx, lasts/6, idleFor)
	if err != nil {
		return nil, err
	}
	from, err := t.server.logEnd()
	if err != nil {
		return nil, err
	}
	began, cpu := time.Now(), t.server.cpu()
	sent := make([]time.Time, n+1)
	gap := lasts / time.Duration(n)
	for seq := 1; seq <= n; seq++ {
		sent[seq] = time.Now()
		if err := t.queue.Enqueue(ctx, newJob(int64(seq))); err != nil {
			return nil, err
		}
		if err := pause(ctx, time.Until(began.Add(time.Duration(seq)*gap))); err != nil {
			return nil, err
		}
	}
	lasted := time.Since(began)
	cpu = t.server.cpu() - cpu
	asked, err := t.server.statements(t.place, from)
	if err != nil {
		return nil, err
	}
	for calls := counted.calls.Load(); calls < int64(n); calls = counted.calls.Load() {
		if err := pause(ctx, 10*time.Millisecond); err != nil { // the last job, where the machine is busy
			return nil, err
		}
	}
	took := make([]time.Duration, 0, n)
	for seq := 1; seq <= n; seq++ {
		took = append(took, started[seq].Sub(sent[seq]))
	}
	slices.Sort(took)
	perSecond := func(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }
	return figures{
		"idleclaims": perSecond(idle.asked["Claim"], idleFor), "claims": perSecond(asked.asked["Claim"], lasted),
		"idlestatements": perSecond(idle.total(), idleFor), "statements": perSecond(asked.total(), lasted),
		"pings":      perSecond(asked.allPings(), lasted),
		"idleserver": milliseconds(idleCPU) / idleFor.Seconds(), "server": milliseconds(cpu) / lasted.Seconds(),
		"p50": milliseconds(took[len(took)/2]), "longest": milliseconds(took[len(took)-1]),
	}, nil
}

// startHerd starts workers, each with a store of its own, as those of as many
// processes have, and returns what stops them.
func startHerd(ctx context.Context, at place, workers int, handle handler) (stop func() error, err error) {
	stops := make([]func() error, workers)
	errs := make([]error, workers)
	stop = func() error {
		errs := make([]error, workers)
		var group sync.WaitGroup
		for i, stop := range stops {
			if stop != nil {
				group.Go(func() { errs[i] = stop() })
			}
		}
		group.Wait()
		return errors.Join(errs...)
	}
	opening := make(chan struct{}, 8)
	var group sync.WaitGroup
	for i := range workers {
		opening <- struct{}{}
		group.Go(func() {
			defer func() { <-opening }()
			stops[i], errs[i] = startOneOfHerd(ctx, at, handle)
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}

func startOneOfHerd(ctx context.Context, at place, handle handler) (func() error, error) {
	dsn, err := at.withConns(2)
	if err != nil {
		return nil, err
	}
	store, err := postgres.Open(ctx, dsn, jobs.Catalogue)
	if err != nil {
		return nil, fmt.Errorf("open jobgen: %w", err)
	}
	mux := runtime.NewMux()
	jobs.HandleEmail(mux, func(_ context.Context, _ *runtime.Job, email jobs.EmailJob) error {
		handle(int64(email.AccountID))
		return nil
	})
	stop := startWorker(ctx, store, mux)
	return func() error { return errors.Join(stop(), store.Close()) }, nil
}
