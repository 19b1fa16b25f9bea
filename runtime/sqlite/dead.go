package sqlite

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// DeadJobs implements [runtime.DeadLetters].
func (q *queue) DeadJobs(ctx context.Context, after snowflake.ID, limit int) ([]*runtime.Job, error) {
	rows, err := q.db.DeadJobs(ctx, sqlitedb.DeadJobsParams{Queue: q.number, After: int64(after), MaxJobs: int64(max(limit, 0))})
	if err != nil {
		return nil, fmt.Errorf("dead jobs of queue %q: %w", q.name, err)
	}
	jobs := make([]*runtime.Job, len(rows))
	for i, row := range rows {
		jobs[i] = q.catalogue.Bind(&runtime.Job{
			ID: snowflake.ID(row.ID), Type: runtime.JobType(row.Type), Data: []byte(row.Payload),
			Created: timeOf(row.Created), Due: timeOf(row.Due), MaxWorkDuration: time.Duration(row.MaxWork) * time.Microsecond,
			AttemptsMade: int32(row.Attempts), AttemptsRemaining: int32(row.MaxAttempts - row.Attempts),
			Priority: int16(row.Priority), PayloadVersion: int16(row.PayloadVersion),
		})
	}
	return jobs, nil
}

// Revive implements [runtime.DeadLetters].
func (q *queue) Revive(ctx context.Context, jobID snowflake.ID, attempts int32) error {
	err := runtime.JobMaxAttempts(attempts).Apply(&runtime.Job{})
	if err == nil {
		err = q.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time, own *calls) error {
			rows, err := db.Revive(ctx, sqlitedb.ReviveParams{ID: int64(jobID), Queue: q.number})
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				return runtime.ErrJobNotFound
			}
			row := rows[0]
			err = db.AddRevived(ctx, sqlitedb.AddRevivedParams{
				ID: row.ID, Queue: row.Queue, Priority: row.Priority, PayloadVersion: row.PayloadVersion,
				Attempts: row.Attempts, MaxAttempts: min(row.Attempts+int64(attempts), math.MaxInt32),
				Created: row.Created, Due: now.UnixMicro(), MaxWork: row.MaxWork, Type: row.Type, Payload: row.Payload,
			})
			if err != nil {
				return err
			}
			err = db.AddWaiting(ctx, sqlitedb.AddWaitingParams{Queue: row.Queue, Priority: row.Priority, Due: now.UnixMicro(), Job: row.ID})
			if err != nil {
				return err
			}
			return q.arrive(ctx, db, own)
		})
	}
	if err != nil {
		return fmt.Errorf("revive job %d: %w", jobID, err)
	}
	return nil
}
