package sqlite

import (
	"context"
	"math"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// Dead implements [driver.Queue].
func (q *queue) Dead(ctx context.Context, after snowflake.ID, limit int) (dead []driver.Row, err error) {
	err = q.read(ctx, func(ctx context.Context, db *sqlitedb.Queries, number int64) error {
		rows, err := db.DeadJobs(ctx, sqlitedb.DeadJobsParams{Queue: number, After: int64(after), MaxJobs: int64(limit)})
		dead = make([]driver.Row, len(rows))
		for i, r := range rows {
			job := jobRow{
				ID: r.ID, Priority: r.Priority, PayloadVersion: r.PayloadVersion, MaxAttempts: r.MaxAttempts,
				Created: r.Created, Due: r.Due, MaxWork: r.MaxWork, Type: r.Type, Payload: []byte(r.Payload),
			}
			dead[i] = job.row(r.Attempts)
		}
		return err
	})
	return dead, err
}

// Revive implements [driver.Queue].
func (q *queue) Revive(ctx context.Context, job snowflake.ID, attempts int32) (status driver.Status, err error) {
	err = q.write(ctx, func(ctx context.Context, op *operation) error {
		rows, err := op.Revive(ctx, sqlitedb.ReviveParams{ID: int64(job), Queue: op.queue})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			status = driver.NotFound
			return nil
		}
		status = driver.Done
		row := rows[0]
		err = op.AddRevived(ctx, sqlitedb.AddRevivedParams{
			ID: row.ID, Queue: row.Queue, Priority: row.Priority, PayloadVersion: row.PayloadVersion,
			Attempts: row.Attempts, MaxAttempts: min(row.Attempts+int64(attempts), math.MaxInt32),
			Created: row.Created, Due: op.at(), MaxWork: row.MaxWork, Type: row.Type, Payload: row.Payload,
		})
		if err != nil {
			return err
		}
		err = op.AddWaiting(ctx, sqlitedb.AddWaitingParams{Queue: row.Queue, Priority: row.Priority, Due: op.at(), Job: row.ID})
		if err != nil {
			return err
		}
		return op.arrive(ctx)
	})
	return status, err
}
