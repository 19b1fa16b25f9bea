package sqlite

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// upkeepPause is how long a process leaves between its turns, and upkeepRows
// how many rows it removes at a time, so that others get to write.
const (
	upkeepPause = time.Hour
	upkeepRows  = 2000
)

// upkeep removes what is older than the retention, until ctx ends.
func (c *core) upkeep(ctx context.Context) {
	if c.file.retention == 0 {
		return
	}
	for wait := rand.N(time.Minute); ; wait = upkeepPause/2 + rand.N(upkeepPause) {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		_ = c.forget(ctx) // the next turn, or another process, will do it
	}
}

// forget removes the logs of attempts and the memory of cancelled jobs that
// are older than the retention.
func (c *core) forget(ctx context.Context) error {
	for more := true; more; {
		err := c.writer.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time) error {
			before := now.Add(-c.file.retention).UnixMicro()
			attempts, err := db.ForgetAttempts(ctx, sqlitedb.ForgetAttemptsParams{Before: before, AtMost: upkeepRows})
			if err != nil {
				return err
			}
			jobs, err := db.ForgetCancelled(ctx, sqlitedb.ForgetCancelledParams{Before: before, AtMost: upkeepRows})
			more = attempts == upkeepRows || jobs == upkeepRows
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
