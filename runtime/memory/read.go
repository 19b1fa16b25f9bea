package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
)

// Stats implements [runtime.JobQueue].
func (q *Queue) Stats(ctx context.Context) (runtime.JobQueueStats, error) {
	return locked(ctx, q.store.state, func() (runtime.JobQueueStats, error) {
		var stats runtime.JobQueueStats
		now := q.now()
		for _, r := range q.records {
			if r.state == live {
				r.count(&stats, now)
			}
		}
		return stats, nil
	})
}

// count adds a live job to stats.
func (r *record) count(stats *runtime.JobQueueStats, now time.Time) {
	if r.running(now) {
		stats.Claimed++
	} else {
		stats.Waiting++
	}
	if !r.job.Due.After(now) {
		stats.Due++
	}
}

// StatsByType implements [runtime.TypeCounter].
func (q *Queue) StatsByType(ctx context.Context, limit int64) ([]runtime.TypeStats, error) {
	if limit < 0 {
		return nil, fmt.Errorf("stats of queue %q: a limit of %d is negative", q.name, limit)
	}
	return locked(ctx, q.store.state, func() ([]runtime.TypeStats, error) {
		var some []*record
		for _, r := range q.records {
			if r.state == live {
				some = append(some, r)
			}
		}
		slices.SortFunc(some, func(a, b *record) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
		if limit > 0 && int64(len(some)) > limit {
			some = some[:limit]
		}
		counts := make(map[runtime.TypeVersion]runtime.JobQueueStats)
		for _, r := range some {
			v := runtime.TypeVersion{Type: r.job.Type, Version: r.job.PayloadVersion}
			stats := counts[v]
			r.count(&stats, q.now())
			counts[v] = stats
		}
		var all []runtime.TypeStats
		for v, stats := range counts {
			all = append(all, runtime.TypeStats{TypeVersion: v, JobQueueStats: stats})
		}
		slices.SortFunc(all, func(a, b runtime.TypeStats) int {
			return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Version, b.Version))
		})
		return all, nil
	})
}

// Log implements [runtime.JobQueue].
func (q *Queue) Log(ctx context.Context, jobID snowflake.ID, attemptNumber int32) (*runtime.JobLog, error) {
	return locked(ctx, q.store.state, func() (*runtime.JobLog, error) {
		r := q.records[jobID]
		if r == nil || attemptNumber < 0 || attemptNumber > r.current() {
			return nil, fmt.Errorf("log of job %d attempt %d: %w", jobID, attemptNumber, runtime.ErrJobNotFound)
		}
		a := r.attempts[attemptNumber]
		return &runtime.JobLog{
			AttemptNumber: attemptNumber, HandlerID: a.handler,
			Success: a.ended == completed, FailureReason: a.reason, Log: bytes.Clone(a.log),
		}, nil
	})
}

// DeadJobs implements [runtime.DeadLetters].
func (q *Queue) DeadJobs(ctx context.Context, after snowflake.ID, limit int) ([]*runtime.Job, error) {
	return locked(ctx, q.store.state, func() ([]*runtime.Job, error) {
		var jobs []*runtime.Job
		for _, r := range q.records {
			if r.state == dead && r.job.ID > after {
				jobs = append(jobs, q.store.catalogue.Bind(r.snapshot()))
			}
		}
		slices.SortFunc(jobs, func(a, b *runtime.Job) int { return cmp.Compare(a.ID, b.ID) })
		return jobs[:min(len(jobs), max(limit, 0))], nil
	})
}

// Revive implements [runtime.DeadLetters].
func (q *Queue) Revive(ctx context.Context, jobID snowflake.ID, attempts int32) error {
	if err := runtime.JobMaxAttempts(attempts).Apply(&runtime.Job{}); err != nil {
		return fmt.Errorf("revive job %d: %w", jobID, err)
	}
	_, err := locked(ctx, q.store.state, func() (struct{}, error) {
		r := q.records[jobID]
		if r == nil || r.state != dead {
			return struct{}{}, fmt.Errorf("revive job %d: %w", jobID, runtime.ErrJobNotFound)
		}
		r.revive(attempts, q.now())
		q.arrived.Wake()
		return struct{}{}, nil
	})
	return err
}
