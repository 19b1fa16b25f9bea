package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// Reasons that stand in the log of an attempt whose handler said nothing.
const (
	reasonStolen = "claim expired; taken over"
	reasonBuried = "claim expired; no attempts left"
)

// ClaimBatch implements [runtime.BatchClaimer].
func (q *storeQueue) ClaimBatch(ctx context.Context, req runtime.ClaimRequest) (runtime.ClaimedBatch, error) {
	var batch runtime.ClaimedBatch
	if err := runtime.CheckName("handler", req.HandlerID); err != nil {
		return batch, err
	}
	names := make([]runtime.JobType, len(req.Types))
	for i, t := range req.Types {
		names[i] = t.Type
	}
	types, _ := json.Marshal(names) // which cannot fail
	sent := time.Now()
	var rows []sqlitedb.JobgenJob
	err := q.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time, own *calls) (err error) {
		c := claiming{q: &q.queue, db: db, now: now, handler: req.HandlerID, own: own}
		if rows, err = c.claim(ctx, string(types), max(req.Limit, 0)); err != nil || len(rows) >= req.Limit {
			return err
		}
		next, err := db.NextDue(ctx, sqlitedb.NextDueParams{Queue: q.number, Now: now.UnixMicro()})
		if next != 0 {
			batch.NextDue = time.Duration(next-now.UnixMicro()) * time.Microsecond
		}
		return err
	})
	if err != nil {
		return runtime.ClaimedBatch{}, fmt.Errorf("claim from queue %q: %w", q.name, err)
	}
	batch.Jobs = make([]*runtime.Job, len(rows))
	for i, row := range rows {
		batch.Jobs[i] = q.claimed(q, row, req.HandlerID, sent)
	}
	if len(rows) > 0 && len(rows) == req.Limit {
		q.hub.arrived.Ring() // there may be another, for another waiter
	}
	return batch, nil
}

// A claiming is one claim of one handler, inside a transaction.
type claiming struct {
	q       *queue
	db      *sqlitedb.Queries
	now     time.Time
	handler string
	own     *calls
}

// claim takes up to limit jobs of the types in claim order, where expired
// claims of others stand in the place of their jobs.
func (c claiming) claim(ctx context.Context, types string, limit int) ([]sqlitedb.JobgenJob, error) {
	expired, err := c.bury(ctx)
	if err != nil {
		return nil, err
	}
	if !expired {
		rows, err := c.db.ClaimWaiting(ctx, sqlitedb.ClaimWaitingParams{
			Handler: c.handler, Now: c.now.UnixMicro(), Queue: c.q.number, Types: types, MaxJobs: int64(limit),
		})
		return inOrder(rows), err
	}
	waiting, err := c.db.Waiting(ctx, sqlitedb.WaitingParams{Queue: c.q.number, Now: c.now.UnixMicro(), Types: types, MaxJobs: int64(limit)})
	if err != nil {
		return nil, err
	}
	found, err := c.expired(ctx, false, types, limit)
	if err != nil {
		return nil, err
	}
	for _, row := range waiting {
		found = append(found, sqlitedb.ExpiredRow(row))
	}
	slices.SortFunc(found, func(a, b sqlitedb.ExpiredRow) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Due, b.Due), cmp.Compare(a.ID, b.ID))
	})
	return c.take(ctx, found[:min(limit, len(found))])
}

// inOrder puts claimed jobs into claim order.
func inOrder(rows []sqlitedb.JobgenJob) []sqlitedb.JobgenJob {
	slices.SortFunc(rows, func(a, b sqlitedb.JobgenJob) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Due, b.Due), cmp.Compare(a.ID, b.ID))
	})
	return rows
}

// expired finds claims of others that can be taken over.
func (c claiming) expired(ctx context.Context, anyType bool, types string, limit int) ([]sqlitedb.ExpiredRow, error) {
	return c.db.Expired(ctx, sqlitedb.ExpiredParams{
		Queue: c.q.number, Now: c.now.UnixMicro(), Handler: c.handler, AnyType: anyType, Types: types, MaxJobs: int64(limit),
	})
}

// take claims jobs, and ends the claims of others that they are under.
func (c claiming) take(ctx context.Context, found []sqlitedb.ExpiredRow) ([]sqlitedb.JobgenJob, error) {
	if len(found) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(found))
	for i, row := range found {
		ids[i] = row.ID
	}
	list := idList(ids)
	if err := c.db.Lose(ctx, sqlitedb.LoseParams{Now: c.now.UnixMicro(), Reason: reasonStolen, Ids: list, Queue: c.q.number}); err != nil {
		return nil, err
	}
	if err := c.q.revoke(ctx, c.db, c.own); err != nil {
		return nil, err
	}
	rows, err := c.db.ClaimJobs(ctx, sqlitedb.ClaimJobsParams{Handler: c.handler, Now: c.now.UnixMicro(), Ids: list, Queue: c.q.number})
	return inOrder(rows), err
}

// bury makes jobs dead whose last attempt has expired, and reports whether any
// claim has expired at all.
func (c claiming) bury(ctx context.Context) (expired bool, err error) {
	some, err := c.db.ExpiredClaims(ctx, sqlitedb.ExpiredClaimsParams{Queue: c.q.number, Now: c.now.UnixMicro()})
	if err != nil || !some {
		return false, err
	}
	ids, err := c.db.Buried(ctx, sqlitedb.BuriedParams{Queue: c.q.number, Now: c.now.UnixMicro()})
	if err != nil || len(ids) == 0 {
		return true, err
	}
	list := idList(ids)
	if err := c.db.Lose(ctx, sqlitedb.LoseParams{Now: c.now.UnixMicro(), Reason: reasonBuried, Ids: list, Queue: c.q.number}); err != nil {
		return true, err
	}
	if err := c.db.End(ctx, sqlitedb.EndParams{State: stateDead, Now: c.now.UnixMicro(), Ids: list, Queue: c.q.number}); err != nil {
		return true, err
	}
	if err := c.db.DeleteJobs(ctx, sqlitedb.DeleteJobsParams{Ids: list, Queue: c.q.number}); err != nil {
		return true, err
	}
	return true, c.q.revoke(ctx, c.db, c.own)
}

// claimed is a job as it was claimed, for its handler.
func (q *queue) claimed(self runtime.JobQueue, row sqlitedb.JobgenJob, handlerID string, sent time.Time) *runtime.Job {
	return q.catalogue.BindClaim(&runtime.Job{
		ID: snowflake.ID(row.ID), Type: runtime.JobType(row.Type), Data: []byte(row.Payload),
		Created: timeOf(row.Created), Due: timeOf(row.Due), MaxWorkDuration: time.Duration(row.MaxWork) * time.Microsecond,
		AttemptsMade: int32(row.Attempts - 1), AttemptsRemaining: int32(row.MaxAttempts - row.Attempts),
		Priority: int16(row.Priority), PayloadVersion: int16(row.PayloadVersion),
	}, self, handlerID, sent)
}

// tryClaim claims the first job that waits.
func (q *queue) tryClaim(ctx context.Context, self runtime.JobQueue, handlerID string) (*runtime.Job, error) {
	return q.one(ctx, self, "claim", handlerID, func(ctx context.Context, c claiming) ([]sqlitedb.JobgenJob, error) {
		return c.db.ClaimFirst(ctx, sqlitedb.ClaimFirstParams{Handler: c.handler, Now: c.now.UnixMicro(), Queue: q.number})
	})
}

// trySteal takes over the first claim that has expired, and buries what has
// no attempts left. The burials stay when there is nothing to steal.
func (q *queue) trySteal(ctx context.Context, self runtime.JobQueue, handlerID string) (*runtime.Job, error) {
	return q.one(ctx, self, "steal", handlerID, func(ctx context.Context, c claiming) ([]sqlitedb.JobgenJob, error) {
		if expired, err := c.bury(ctx); err != nil || !expired {
			return nil, err
		}
		found, err := c.expired(ctx, true, "[]", 1)
		if err != nil {
			return nil, err
		}
		return c.take(ctx, found)
	})
}

// one claims one job in the way of take.
func (q *queue) one(ctx context.Context, self runtime.JobQueue, verb, handlerID string, take func(context.Context, claiming) ([]sqlitedb.JobgenJob, error)) (*runtime.Job, error) {
	if err := runtime.CheckName("handler", handlerID); err != nil {
		return nil, err
	}
	sent := time.Now()
	var rows []sqlitedb.JobgenJob
	err := q.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time, own *calls) (err error) {
		rows, err = take(ctx, claiming{q: q, db: db, now: now, handler: handlerID, own: own})
		return err
	})
	if err == nil && len(rows) == 0 {
		err = runtime.ErrJobNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("%s from queue %q: %w", verb, q.name, err)
	}
	return q.claimed(self, rows[0], handlerID, sent), nil
}

// TryClaim implements [runtime.JobQueue].
func (q *storeQueue) TryClaim(ctx context.Context, handlerID string) (*runtime.Job, error) {
	job, err := q.tryClaim(ctx, q, handlerID)
	if err == nil {
		q.hub.arrived.Ring() // there may be another, for another waiter
	}
	return job, err
}

// TrySteal implements [runtime.JobQueue].
func (q *storeQueue) TrySteal(ctx context.Context, handlerID string) (*runtime.Job, error) {
	return q.trySteal(ctx, q, handlerID)
}

// TryClaim implements [runtime.JobQueue].
func (q *boundQueue) TryClaim(ctx context.Context, handlerID string) (*runtime.Job, error) {
	return q.tryClaim(ctx, q, handlerID)
}

// TrySteal implements [runtime.JobQueue].
func (q *boundQueue) TrySteal(ctx context.Context, handlerID string) (*runtime.Job, error) {
	return q.trySteal(ctx, q, handlerID)
}

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
		n, err := db.Release(ctx, sqlitedb.ReleaseParams{Claims: claimList(claims), Queue: q.number, Handler: handlerID})
		if err != nil || n == 0 {
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
