package sqlite

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// upkeepPause is how long a process leaves between its rounds of upkeep, and upkeepRows
// how many rows it removes at a time, so that others get to write.
const (
	upkeepPause = time.Hour
	upkeepRows  = 2000
)

// upkeep removes what is older than the retention, until ctx ends.
func (d *database) upkeep(ctx context.Context) {
	if d.file.retention == 0 {
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
		_ = d.forget(ctx) // the next round, or another process, will do it
	}
}

// forget removes the logs of attempts and the memory of cancelled jobs that
// are older than the retention.
func (d *database) forget(ctx context.Context) error {
	for more := true; more; {
		err := d.writer.write(ctx, func(ctx context.Context, op *operation) error {
			before := op.now.Add(-d.file.retention).UnixMicro()
			attempts, err := op.ForgetAttempts(ctx, sqlitedb.ForgetAttemptsParams{Before: before, AtMost: upkeepRows})
			if err != nil {
				return err
			}
			jobs, err := op.ForgetCancelled(ctx, sqlitedb.ForgetCancelledParams{Before: before, AtMost: upkeepRows})
			more = attempts == upkeepRows || jobs == upkeepRows
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
