package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// claimList is claims as the statements take them.
func claimList(claims []runtime.ClaimRef) string {
	var list jsonList
	for _, c := range claims {
		list.item(int64(c.JobID), int64(c.AttemptNumber))
	}
	return list.text()
}

// Release implements [runtime.Releaser].
func (q *storeQueue) Release(ctx context.Context, handlerID string, claims []runtime.ClaimRef) error {
	err := q.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, _ time.Time, own *calls) error {
		ids, err := db.Release(ctx, sqlitedb.ReleaseParams{Claims: claimList(claims), Queue: q.number, Handler: handlerID})
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := db.Wait(ctx, sqlitedb.WaitParams{Ids: idList(ids), Queue: q.number}); err != nil {
			return err
		}
		return q.arrive(ctx, db, own)
	})
	if err != nil {
		return fmt.Errorf("release %d claims of queue %q: %w", len(claims), q.name, err)
	}
	return nil
}

// WatchClaims implements [runtime.ClaimWatcher].
func (q *storeQueue) WatchClaims(ctx context.Context) <-chan struct{} {
	q.watcher.enter()
	context.AfterFunc(ctx, q.watcher.leave)
	return q.hub.revoked.Subscribe(ctx)
}

// LostClaims implements [runtime.ClaimWatcher].
func (q *storeQueue) LostClaims(ctx context.Context, handlerID string, claims []runtime.ClaimRef) ([]runtime.LostClaim, error) {
	rows, err := q.db.LostClaims(ctx, sqlitedb.LostClaimsParams{Queue: q.number, Claims: claimList(claims), Handler: handlerID})
	if err != nil {
		return nil, fmt.Errorf("look after %d claims of queue %q: %w", len(claims), q.name, err)
	}
	lost := make([]runtime.LostClaim, len(rows))
	for i, row := range rows {
		lost[i] = runtime.LostClaim{
			ClaimRef: runtime.ClaimRef{JobID: snowflake.ID(row.ID), AttemptNumber: int32(row.Number)},
			Cause:    runtime.ErrJobNotClaimed,
		}
		if row.Cancelled {
			lost[i].Cause = runtime.ErrJobCancelled
		}
	}
	return lost, nil
}
