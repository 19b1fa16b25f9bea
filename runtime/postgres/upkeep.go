package postgres

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// upkeepPause is how long a process leaves between its turns. Days change
// slowly, and partitions are made days ahead.
const upkeepPause = time.Hour

// upkeep makes and drops the partitions that hold the logs, until ctx ends. A
// role that may not leaves it to those that may.
func upkeep(ctx context.Context, db *pgdb.Queries, retention time.Duration) {
	days := int32(retention / (24 * time.Hour))
	for wait := time.Duration(0); ; wait = upkeepPause/2 + rand.N(upkeepPause) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		turn, cancel := context.WithTimeout(ctx, time.Minute)
		err := db.Upkeep(turn, days) // the next turn, or another process, will do what failed
		cancel()
		if sqlState(err) == notPermitted {
			return
		}
	}
}
