package sqlite

import (
	"context"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// Stats implements [driver.Queue].
func (q *queue) Stats(ctx context.Context, req driver.StatsRequest) (stats driver.Stats, err error) {
	err = q.read(ctx, func(ctx context.Context, db *sqlitedb.Queries, number int64) error {
		if req.ByType {
			stats, err = q.statsByType(ctx, db, number, req.Limit)
			return err
		}
		row, err := db.Stats(ctx, sqlitedb.StatsParams{Queue: number, Now: q.now().UnixMicro()})
		stats.Counts = driver.Counts{Waiting: row.Unclaimed + row.Expired, Due: row.Due, Claimed: row.Claimed}
		return err
	})
	return stats, err
}

func (q *queue) statsByType(ctx context.Context, db *sqlitedb.Queries, number int64, most int64) (stats driver.Stats, err error) {
	limit := most
	if limit == 0 {
		limit = -1 // all
	}
	rows, err := db.StatsByType(ctx, sqlitedb.StatsByTypeParams{Queue: number, Now: q.now().UnixMicro(), MaxJobs: limit})
	for _, row := range rows {
		counts := driver.Counts{Waiting: row.Waiting, Due: row.Due, Claimed: row.Claimed}
		stats.Waiting += counts.Waiting
		stats.Due += counts.Due
		stats.Claimed += counts.Claimed
		stats.More = row.More && most > 0
		stats.ByType = append(stats.ByType, driver.TypeCounts{TypeVersion: driver.TypeVersion{Type: row.Type, Version: int16(row.PayloadVersion)}, Counts: counts})
	}
	return stats, err
}

// Log implements [driver.Queue]. A claim may end between the look at the
// attempts that are over and that at the running one, hence the third.
func (q *queue) Log(ctx context.Context, attempt driver.Attempt) (log driver.Log, found bool, err error) {
	job, n := int64(attempt.Job), int64(attempt.Number)
	err = q.read(ctx, func(ctx context.Context, db *sqlitedb.Queries, number int64) error {
		for range 2 {
			rows, err := db.Log(ctx, sqlitedb.LogParams{Job: job, Number: n, Queue: number})
			if err != nil {
				return err
			}
			if len(rows) > 0 {
				log = driver.Log{Handler: rows[0].Handler, Success: rows[0].Success, Reason: rows[0].Reason, Text: rows[0].Log}
				found = true
				return nil
			}
			handlers, err := db.Running(ctx, sqlitedb.RunningParams{Job: job, Queue: number, Number: n})
			if err != nil {
				return err
			}
			if len(handlers) > 0 {
				log, found = driver.Log{Handler: handlers[0]}, true
				return nil
			}
		}
		return nil
	})
	return log, found, err
}
