package runtime

import (
	"context"
	"fmt"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
)

// TypeStats are the statistics of a queue's jobs of one type and version.
type TypeStats struct {
	TypeVersion
	JobQueueStats
}

// Stats implements [JobQueue].
func (q *Queue) Stats(ctx context.Context) (JobQueueStats, error) {
	stats, err := q.driver.Stats(ctx, driver.StatsRequest{})
	if err != nil {
		return JobQueueStats{}, q.failed("stats of", err)
	}
	return JobQueueStats(stats.Counts), nil
}

// StatsUpTo is Stats for a page that asks often: of a queue with more than
// limit unfinished jobs it counts the first limit in claim order and reports
// that there are more, "10,000+". The limit is at least 1.
func (q *Queue) StatsUpTo(ctx context.Context, limit int64) (stats JobQueueStats, more bool, err error) {
	if limit < 1 {
		return stats, false, q.failed("stats of", fmt.Errorf("a limit of %d is less than 1", limit))
	}
	counted, err := q.driver.Stats(ctx, driver.StatsRequest{Limit: limit})
	if err != nil {
		return stats, false, q.failed("stats of", err)
	}
	return JobQueueStats(counted.Counts), counted.More, nil
}

// StatsByType counts the first limit unfinished jobs in claim order, or all of
// them where limit is 0, and returns the types that it met, by name and version.
func (q *Queue) StatsByType(ctx context.Context, limit int64) ([]TypeStats, error) {
	if limit < 0 {
		return nil, q.failed("stats of", fmt.Errorf("a limit of %d is negative", limit))
	}
	counted, err := q.driver.Stats(ctx, driver.StatsRequest{Limit: limit, ByType: true})
	if err != nil {
		return nil, q.failed("stats of", err)
	}
	stats := make([]TypeStats, len(counted.ByType))
	for i, c := range counted.ByType {
		stats[i] = TypeStats{TypeVersion: TypeVersion{JobType(c.Type), c.Version}, JobQueueStats: JobQueueStats(c.Counts)}
	}
	return stats, nil
}

// DeadJobs returns up to limit dead jobs with an ID above after, by ID.
func (q *Queue) DeadJobs(ctx context.Context, after snowflake.ID, limit int) ([]*Job, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := q.driver.Dead(ctx, after, limit)
	if err != nil {
		return nil, q.failed("dead jobs of", err)
	}
	jobs := make([]*Job, len(rows))
	for i := range rows {
		job := newJob(&rows[i], q.store.catalogue)
		jobs[i] = &job
	}
	return jobs, nil
}

// Revive makes a dead job claimable at once with that many more attempts, at
// least 1; its attempt numbers go on. [ErrJobNotFound] for any other job.
func (q *Queue) Revive(ctx context.Context, jobID snowflake.ID, attempts int32) error {
	err := JobMaxAttempts(attempts).Apply(new(Job))
	if err == nil {
		var status driver.Status
		if status, err = q.driver.Revive(ctx, jobID, attempts); err == nil && status == driver.NotFound {
			err = ErrJobNotFound
		}
	}
	if err != nil {
		return fmt.Errorf("revive job %d: %w", jobID, err)
	}
	return nil
}
