package postgres

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// upkeepPause is how long a process leaves between its turns. Days change
// slowly, and partitions are made days ahead.
const upkeepPause = time.Hour

// upkeep makes and drops the partitions that hold the logs, until ctx ends. A
// role that may not leaves it to those that may. What fails is logged: the next
// turn, or another process, will try it again.
func upkeep(ctx context.Context, db *pgdb.Queries, retention time.Duration, names *registry) {
	days := int32(retention / (24 * time.Hour))
	permitted := true
	for wait := time.Duration(0); ; wait = upkeepPause/2 + rand.N(upkeepPause) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		if err := names.used(ctx, db); err != nil && ctx.Err() == nil {
			warn(ctx, "upkeep of the job tables: keep the names of handlers", err)
		}
		if permitted {
			permitted = upkeepOnce(ctx, db, days)
		}
	}
}

// upkeepOnce reports whether it makes sense to try again later.
func upkeepOnce(ctx context.Context, db *pgdb.Queries, days int32) bool {
	turn, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	failures, err := db.Upkeep(turn, days)
	switch {
	case sqlState(err) == notPermitted:
		return false
	case err != nil && ctx.Err() == nil:
		warn(ctx, "upkeep of the job tables failed", err)
	}
	for _, failure := range failures {
		warn(ctx, "upkeep of the job tables: a part failed and is tried again later", failure)
	}
	return true
}

// warn logs what failed. The logger is the user's: a panic of its handler is lost
// with the line.
func warn(ctx context.Context, message string, failed any) {
	defer func() { _ = recover() }()
	slog.WarnContext(ctx, message, "error", failed)
}
