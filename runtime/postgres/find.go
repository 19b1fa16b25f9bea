package postgres

import (
	"context"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jobgen/jobgen/runtime/driver"
)

// Find implements [driver.Store].
func (s *store) Find(ctx context.Context, id snowflake.ID) (driver.Found, bool, error) {
	rows, err := s.db.FindJob(ctx, int64(id))
	if err != nil || len(rows) == 0 {
		return driver.Found{}, false, err
	}
	row := &rows[0]
	found := driver.Found{Queue: row.Queue, State: driver.JobState(row.State), Handler: row.Handler}
	found.Row = driver.Row{
		ID: id, Type: driver.TypeVersion{Type: row.Type, Version: row.Version}, Payload: row.Payload,
		MaxWork: time.Duration(row.MaxWork) * time.Microsecond, Attempts: row.Attempts, MaxAttempts: row.MaxAttempts, Priority: row.Priority,
	}
	found.Created, found.Due, found.Ended = timeOf(row.Created), timeOf(row.Due), timeOf(row.Ended)
	return found, true, nil
}

// timeOf is a time of the database, and the zero time for null.
func timeOf(at pgtype.Timestamptz) time.Time {
	if !at.Valid {
		return time.Time{}
	}
	return at.Time.UTC()
}
