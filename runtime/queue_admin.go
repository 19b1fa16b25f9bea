package runtime

import (
	"context"
	"fmt"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
)

// TypeStats are the statistics of a queue's jobs of one type and version.
type TypeStats struct {
	Type    JobType
	Version int16 // of the payload
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

// StatsByType counts the unfinished jobs of each type and version, by name and
// version. A limit of at least 1 is for a page that asks often: of a longer
// queue the first limit jobs in claim order are counted, and more says that
// there are others, "10,000+". Where limit is 0 all are counted.
func (q *Queue) StatsByType(ctx context.Context, limit int64) (stats []TypeStats, more bool, err error) {
	if limit < 0 {
		return nil, false, q.failed("stats of", fmt.Errorf("a limit of %d is negative", limit))
	}
	counted, err := q.driver.Stats(ctx, driver.StatsRequest{Limit: limit, ByType: true})
	if err != nil {
		return nil, false, q.failed("stats of", err)
	}
	stats = make([]TypeStats, len(counted.ByType))
	for i, c := range counted.ByType {
		stats[i] = TypeStats{Type: JobType(c.Type), Version: c.Version, JobQueueStats: JobQueueStats(c.Counts)}
	}
	return stats, counted.More, nil
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
