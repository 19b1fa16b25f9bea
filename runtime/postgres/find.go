package postgres

import (
	"context"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// Find implements [driver.Store]. It asks one queue after the other, by the keys
// that begin with its number: a job never changes its queue.
func (s *store) Find(ctx context.Context, id snowflake.ID) (driver.Found, bool, error) {
	queues, err := s.db.QueueNumbers(ctx)
	if err != nil {
		return driver.Found{}, false, err
	}
	for _, q := range queues {
		rows, err := s.db.FindJob(ctx, pgdb.FindJobParams{Queue: q.Number, ID: int64(id)})
		if err != nil {
			return driver.Found{}, false, err
		}
		if len(rows) > 0 {
			return foundIn(q.Name, id, &rows[0]), true, nil
		}
	}
	return driver.Found{}, false, nil
}

func foundIn(queue string, id snowflake.ID, row *pgdb.FindJobRow) driver.Found {
	found := driver.Found{Queue: queue, State: driver.JobState(row.State), Handler: row.Handler}
	found.Row = driver.Row{
		ID: id, Type: driver.TypeVersion{Type: row.Type, Version: row.Version}, Payload: row.Payload,
		MaxWork: time.Duration(row.MaxWork) * time.Microsecond, Attempts: row.Attempts, MaxAttempts: row.MaxAttempts, Priority: row.Priority,
	}
	found.Created, found.Due, found.Ended = timeOf(row.Created), timeOf(row.Due), timeOf(row.Ended)
	return found
}

// timeOf is a time of the database, and the zero time for null.
func timeOf(at pgtype.Timestamptz) time.Time {
	if !at.Valid {
		return time.Time{}
	}
	return at.Time.UTC()
}
