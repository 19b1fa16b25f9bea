package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

var (
	_ runtime.StatsLimiter = (*queue)(nil)
	_ runtime.TypeCounter  = (*queue)(nil)
)

// Stats implements [runtime.JobQueue]. Counting millions of jobs takes the
// better part of a second, so those who ask while somebody's count is under
// way share the next one. What they get was counted after they asked.
func (q *queue) Stats(ctx context.Context) (runtime.JobQueueStats, error) {
	count := func(ctx context.Context) (runtime.JobQueueStats, error) {
		row, err := q.db.Stats(ctx, q.number)
		return runtime.JobQueueStats{Waiting: row.Waiting, Due: row.Due, Claimed: row.Claimed}, err
	}
	var stats runtime.JobQueueStats
	var err error
	if q.tx == nil {
		stats, err = q.hub.counts.share(ctx, count)
	} else {
		stats, err = count(ctx) // only the transaction sees what is in it
	}
	if err != nil {
		return runtime.JobQueueStats{}, fmt.Errorf("stats of queue %q: %w", q.name, err)
	}
	return stats, nil
}

// StatsUpTo implements [runtime.StatsLimiter].
func (q *queue) StatsUpTo(ctx context.Context, limit int64) (stats runtime.JobQueueStats, more bool, err error) {
	if limit < 1 {
		return stats, false, fmt.Errorf("stats of queue %q: a limit of %d is less than 1", q.name, limit)
	}
	row, err := q.db.StatsUpTo(ctx, pgdb.StatsUpToParams{Queue: q.number, MaxJobs: limit})
	if err != nil {
		return stats, false, fmt.Errorf("stats of queue %q: %w", q.name, err)
	}
	return runtime.JobQueueStats{Waiting: row.Waiting, Due: row.Due, Claimed: row.Claimed}, row.More, nil
}

// StatsByType implements [runtime.TypeCounter].
func (q *queue) StatsByType(ctx context.Context, limit int64) ([]runtime.TypeStats, error) {
	if limit < 0 {
		return nil, fmt.Errorf("stats of queue %q: a limit of %d is negative", q.name, limit)
	}
	if limit == 0 {
		limit = math.MaxInt64
	}
	rows, err := q.db.StatsByType(ctx, pgdb.StatsByTypeParams{Queue: q.number, MaxJobs: limit})
	if err != nil {
		return nil, fmt.Errorf("stats of queue %q by type: %w", q.name, err)
	}
	counts := make([]runtime.TypeStats, len(rows))
	for i, row := range rows {
		counts[i] = runtime.TypeStats{
			TypeVersion:   runtime.TypeVersion{Type: runtime.JobType(row.Name), Version: row.Version},
			JobQueueStats: runtime.JobQueueStats{Waiting: row.Waiting, Due: row.Due, Claimed: row.Claimed},
		}
	}
	return counts, nil
}

// Shared answers callers that want the same at the same time: one asks for
// all that came before it began.
type shared[T any] struct {
	mu   sync.Mutex
	next *asking[T]    // not begun yet; who comes now may join
	turn chan struct{} // holds a value while somebody asks
}

func newShared[T any]() *shared[T] { return &shared[T]{turn: make(chan struct{}, 1)} }

type asking[T any] struct {
	done   chan struct{}
	answer T
	err    error
}

// share returns what ask does, called by this caller or another after this one
// came.
func (s *shared[T]) share(ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	for {
		s.mu.Lock()
		one := s.next
		first := one == nil
		if first {
			one = &asking[T]{done: make(chan struct{})}
			s.next = one
		}
		s.mu.Unlock()
		if first {
			s.lead(ctx, one, ask)
			return one.answer, one.err
		}
		select {
		case <-one.done:
		case <-ctx.Done():
			return one.answer, ctx.Err()
		}
		// The one that asked may have been called off, and this caller not.
		if !errors.Is(one.err, context.Canceled) && !errors.Is(one.err, context.DeadlineExceeded) || ctx.Err() != nil {
			return one.answer, one.err
		}
	}
}

// lead waits for its turn and asks.
func (s *shared[T]) lead(ctx context.Context, one *asking[T], ask func(context.Context) (T, error)) {
	defer close(one.done)
	begin := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.next = nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
		begin()
		one.answer, one.err = ask(ctx)
	case <-ctx.Done():
		begin()
		one.err = ctx.Err()
	}
}
