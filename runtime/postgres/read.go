package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// Stats implements [driver.Queue].
func (q *queue) Stats(ctx context.Context, req driver.StatsRequest) (stats driver.Stats, err error) {
	if req.ByType {
		stats, err = q.countByType(ctx, req.Limit)
	} else {
		stats.Counts, err = q.count(ctx)
	}
	if err != nil {
		return driver.Stats{}, fmt.Errorf("count: %w", err)
	}
	return stats, nil
}

// count counts all jobs. With millions of them that takes the better part of a
// second, so those who ask while somebody's count is under way share the next
// one. What they get was counted after they asked.
func (q *queue) count(ctx context.Context) (driver.Counts, error) {
	count := func(ctx context.Context) (driver.Counts, error) {
		row, err := q.db.Stats(ctx, q.number)
		return driver.Counts{Waiting: row.Waiting, Due: row.Due, Claimed: row.Claimed}, err
	}
	if q.tx != nil {
		return count(ctx) // only the transaction sees what is in it
	}
	return q.state.counts.share(ctx, count)
}

func (q *queue) countByType(ctx context.Context, limit int64) (stats driver.Stats, err error) {
	if limit == 0 {
		limit = math.MaxInt64
	}
	rows, err := q.db.StatsByType(ctx, pgdb.StatsByTypeParams{Queue: q.number, MaxJobs: limit})
	stats.ByType = make([]driver.TypeCounts, len(rows))
	for i, row := range rows {
		c := driver.Counts{Waiting: row.Waiting, Due: row.Due, Claimed: row.Claimed}
		stats.ByType[i] = driver.TypeCounts{TypeVersion: driver.TypeVersion{Type: row.Name, Version: row.Version}, Counts: c}
		stats.More = row.More
		stats.Waiting, stats.Due, stats.Claimed = stats.Waiting+c.Waiting, stats.Due+c.Due, stats.Claimed+c.Claimed
	}
	return stats, err
}

// Log implements [driver.Queue].
func (q *queue) Log(ctx context.Context, attempt driver.Attempt) (driver.Log, bool, error) {
	rows, err := q.db.Log(ctx, pgdb.LogParams{Queue: q.number, Job: int64(attempt.Job), Number: attempt.Number})
	if err != nil || len(rows) == 0 {
		return driver.Log{}, false, err
	}
	row := &rows[0]
	return driver.Log{Handler: row.Name, Success: row.Success, Reason: row.Reason, Text: row.Log}, true, nil
}

// Dead implements [driver.Queue].
func (q *queue) Dead(ctx context.Context, after snowflake.ID, limit int) ([]driver.Row, error) {
	rows, err := q.db.DeadJobs(ctx, pgdb.DeadJobsParams{Queue: q.number, After: int64(after), MaxJobs: int32(min(limit, math.MaxInt32))})
	if err != nil {
		return nil, err
	}
	dead := make([]driver.Row, len(rows))
	for i := range rows {
		row := &rows[i]
		dead[i] = driver.Row{
			ID: snowflake.ID(row.ID), Type: driver.TypeVersion{Type: row.Name, Version: row.Version}, Payload: row.Payload,
			Created: row.Created.Time.UTC(), Due: row.Due.Time.UTC(), MaxWork: time.Duration(row.MaxWork) * time.Microsecond,
			Attempts: row.Attempts, MaxAttempts: row.MaxAttempts, Priority: row.Priority,
		}
	}
	return dead, nil
}

// Lost implements [driver.Queue].
func (q *queue) Lost(ctx context.Context, handler string, attempts []driver.Attempt) ([]driver.Lost, error) {
	if len(attempts) == 0 {
		return nil, nil
	}
	number, err := q.knownHandler(ctx, handler)
	if err != nil {
		return nil, err
	}
	ids, numbers := split(attempts)
	rows, err := q.db.LostClaims(ctx, pgdb.LostClaimsParams{Queue: q.number, Handler: number, Ids: ids, Numbers: numbers})
	if err != nil {
		return nil, fmt.Errorf("look up %d claims: %w", len(attempts), err)
	}
	lost := make([]driver.Lost, len(rows))
	for i, row := range rows {
		lost[i] = driver.Lost{Attempt: driver.Attempt{Job: snowflake.ID(row.ID), Number: row.Number}, Cancelled: row.Cancelled}
	}
	return lost, nil
}
