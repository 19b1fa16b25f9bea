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
)

var statsColumns = []column{
	{"callers", "callers at once", 0},
	{"ms", "median ms", 2},
	{"longest", "longest ms", 2},
	{"calls", "calls", 0},
	{"counts", "counts that the server made", 0},
}

// statsLimit is that of a page that shows "10,000+".
const statsLimit = 10_000

// A counting is a way to count a queue's jobs.
type counting struct {
	condition
	statement       string // its name in the log
	callers, rounds int
	count           func(ctx context.Context, q *runtime.Queue) (int64, error)
}

func countings() []counting {
	exact := func(ctx context.Context, q *runtime.Queue) (int64, error) {
		s, err := q.Stats(ctx)
		return s.Waiting, err
	}
	waiting := func(types []runtime.TypeStats, _ bool, err error) (n int64, _ error) {
		for _, one := range types {
			n += one.Waiting
		}
		return n, err
	}
	byType := func(ctx context.Context, q *runtime.Queue) (int64, error) {
		return waiting(q.StatsByType(ctx, 0))
	}
	capped := func(ctx context.Context, q *runtime.Queue) (int64, error) {
		return waiting(q.StatsByType(ctx, statsLimit))
	}
	return []counting{
		{condition{"exact", "Stats"}, "Stats", 1, 5, exact},
		{condition{"type", "StatsByType, no limit"}, "StatsByType", 1, 3, byType},
		{condition{"capped", "StatsByType, 10,000"}, "StatsByType", 1, 25, capped},
		{condition{"shared", "Stats"}, "Stats", 50, 1, exact},
	}
}

func statsConditions() (all []condition) {
	for _, c := range countings() {
		all = append(all, c.condition)
	}
	return all
}

// stats counts many waiting jobs in each way.
func stats(ctx context.Context, t *trial) (all figures, err error) {
	err = t.elsewhere(ctx, t.server.logged(t.peer.open), func(t *trial) error {
		all, err = statsOf(ctx, t)
		return err
	})
	return all, err
}

func statsOf(ctx context.Context, t *trial) (figures, error) {
	if err := fillTwofold(ctx, t.queue, 1, t.size.waiting); err != nil {
		return nil, err
	}
	if err := t.server.vacuum(ctx, t.place); err != nil {
		return nil, err
	}
	emails, err := t.queue.(*jobgenPostgres).service.Queue(ctx, jobs.EmailQueue)
	if err != nil {
		return nil, err
	}
	all := figures{}
	for _, c := range countings() {
		want := int64(t.size.waiting)
		if c.name == "capped" {
			want = min(want, statsLimit)
		}
		from, err := t.server.logEnd()
		if err != nil {
			return nil, err
		}
		var took []time.Duration
		for range c.rounds {
			some, err := c.at(ctx, emails, want)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.title, err)
			}
			took = append(took, some...)
		}
		asked, err := t.server.statements(t.place, from)
		if err != nil {
			return nil, err
		}
		slices.Sort(took)
		all[figureUnder(c.name, "callers")] = float64(c.callers)
		all[figureUnder(c.name, "ms")] = milliseconds(took[len(took)/2])
		all[figureUnder(c.name, "longest")] = milliseconds(took[len(took)-1])
		all[figureUnder(c.name, "calls")] = float64(len(took))
		all[figureUnder(c.name, "counts")] = float64(asked.asked[c.statement])
	}
	return all, nil
}

// at has the callers count at once, and returns how long each took.
func (c *counting) at(ctx context.Context, q *runtime.Queue, want int64) ([]time.Duration, error) {
	took := make([]time.Duration, c.callers)
	errs := make([]error, c.callers)
	var group sync.WaitGroup
	for i := range c.callers {
		group.Go(func() {
			began := time.Now()
			n, err := c.count(ctx, q)
			took[i] = time.Since(began)
			if err == nil && n != want {
				err = fmt.Errorf("%d of %d waiting jobs were counted", n, want)
			}
			errs[i] = err
		})
	}
	group.Wait()
	return took, errors.Join(errs...)
}
