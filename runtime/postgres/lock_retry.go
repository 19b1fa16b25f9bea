package postgres

import (
	"context"
	"time"
)

// lockPause is how long others have the lock that was not to be had.
const lockPause = 250 * time.Millisecond

// lockRetry is retry for what waits for a table's lock. All others who use the
// table wait behind it, so the database gives up soon, and it is tried again
// until ctx ends.
func lockRetry[T any](ctx context.Context, do func() (T, error)) (T, error) {
	for {
		result, err := retry(ctx, do)
		if sqlState(err) != lockNotAvailable {
			return result, err
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return result, err
		}
	}
}
