package sqlite

import (
	"context"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// Find implements [driver.Store].
func (s *store) Find(ctx context.Context, id snowflake.ID) (found driver.Found, ok bool, err error) {
	err = s.read(ctx, func(ctx context.Context, db *sqlitedb.Queries) error {
		rows, err := db.FindJob(ctx, sqlitedb.FindJobParams{Now: s.now().UnixMicro(), ID: int64(id)})
		if err != nil || len(rows) == 0 {
			return err
		}
		row := rows[0]
		job := jobRow{
			ID: int64(id), Priority: row.Priority, PayloadVersion: row.Version, MaxAttempts: row.MaxAttempts,
			Created: row.Created, Due: row.Due, MaxWork: row.MaxWork, Type: row.Type, Payload: []byte(row.Payload),
		}
		found, ok = driver.Found{Row: job.row(row.Attempts), Queue: row.Queue, State: driver.JobState(row.State), Handler: row.Handler}, true
		if row.Payload == "" { // nothing else of it is known
			found.Row = driver.Row{ID: found.ID, Type: found.Type, Attempts: found.Attempts}
		}
		if row.Ended != 0 {
			found.Ended = timeOf(row.Ended)
		}
		return nil
	})
	return found, ok, err
}
