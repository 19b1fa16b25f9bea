package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// ClaimBatch implements [runtime.BatchClaimer].
func (q *storeQueue) ClaimBatch(ctx context.Context, req runtime.ClaimRequest) (runtime.ClaimedBatch, error) {
	c, err := q.claiming(ctx, req)
	if err != nil || c == nil {
		return runtime.ClaimedBatch{}, err
	}
	rows, err := retry(ctx, func() ([]pgdb.ClaimRow, error) { return q.db.Claim(ctx, c.params) })
	if err != nil {
		return runtime.ClaimedBatch{}, c.failed(err)
	}
	return c.claimed(rows), nil
}

// A claiming is a claim of many jobs on its way.
type claiming struct {
	q      *storeQueue
	req    runtime.ClaimRequest
	view   *view
	look   look
	params pgdb.ClaimParams
	sent   time.Time
}

// claiming prepares a claim; nil where nothing can be claimed.
func (q *storeQueue) claiming(ctx context.Context, req runtime.ClaimRequest) (*claiming, error) {
	if err := runtime.CheckName("handler", req.HandlerID); err != nil {
		return nil, err
	}
	if req.Limit < 1 {
		return nil, fmt.Errorf("claim from queue %q: a limit of %d is less than 1", q.name, req.Limit)
	}
	if len(req.Types) == 0 {
		return nil, nil
	}
	handler, err := q.worker(ctx, req.HandlerID)
	if err != nil {
		return nil, fmt.Errorf("claim from queue %q: handler %q: %w", q.name, req.HandlerID, err)
	}
	v := q.hub.view(req.Types)
	types, err := v.numbers(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("claim from queue %q: %w", q.name, err)
	}
	c := &claiming{q: q, req: req, view: v, sent: time.Now()}
	c.look = v.next(c.sent)
	c.params = pgdb.ClaimParams{
		Queue: q.number, Handler: handler, Types: types, MaxJobs: int32(min(req.Limit, maxBatch)), Priorities: claimOrder,
		Due: c.look.due, After: c.look.after, Sweep: c.look.full, CanDeclareDead: q.ids.canDeclareDead(),
	}
	return c, nil
}

func (c *claiming) failed(err error) error {
	c.view.failed(c.look, c.sent, time.Now())
	return fmt.Errorf("claim from queue %q: %w", c.q.name, err)
}

// claimed makes jobs of what came back, and moves the view on.
func (c *claiming) claimed(rows []pgdb.ClaimRow) runtime.ClaimedBatch {
	var batch runtime.ClaimedBatch
	done := time.Now()
	var last *pgdb.ClaimRow
	if n := len(rows) - 1; n >= 0 && rows[n].Kind == kindEnd {
		last, rows = &rows[n], rows[:n]
	}
	c.view.claimed(c.look, rows, last, c.sent, done)
	slices.SortFunc(rows, func(a, b pgdb.ClaimRow) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.Due.Time.Compare(b.Due.Time), cmp.Compare(a.ID, b.ID))
	})
	batch.Jobs = make([]*runtime.Job, len(rows))
	revoked := false
	for i, row := range rows {
		batch.Jobs[i] = c.q.claimed(c.q, row, c.view.typeOf(row.Type), c.req.HandlerID, c.sent)
		revoked = revoked || row.Revoked
	}
	if revoked {
		c.q.ring(claimsRevoked)
	}
	var late time.Duration
	if len(rows) > 0 && last != nil {
		late = last.Now.Time.Sub(rows[0].Due.Time)
	}
	c.q.hub.crowd.claimed(len(rows), late)
	if last != nil {
		if last.NextDue.Valid {
			batch.NextDue = last.NextDue.Time.Sub(last.Now.Time)
		}
		// Where jobs come in, some may have been committed out of order.
		if sweep := c.view.untilSweep(done); !c.look.full && len(rows) > 0 && (batch.NextDue == 0 || sweep < batch.NextDue) {
			batch.NextDue = sweep
		}
	}
	return batch
}

// The kinds of row that claim and finish_and_claim return, but for a job's.
const (
	kindFinished = "finished"
	kindEnd      = "end"
)

// claimOrder are all priorities, in the order of claiming.
var claimOrder = []int16{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}

// maxBatch is how many jobs one claim takes at most.
const maxBatch = 10_000

// claimed is a job as it was claimed, for its handler.
func (q *queue) claimed(self runtime.JobQueue, row pgdb.ClaimRow, of runtime.TypeVersion, handlerID string, sent time.Time) *runtime.Job {
	return q.catalogue.BindClaim(&runtime.Job{
		ID: snowflake.ID(row.ID), Type: of.Type, Data: row.Payload,
		Created: row.Created.Time.UTC(), Due: row.Due.Time.UTC(), MaxWorkDuration: time.Duration(row.MaxWork) * time.Microsecond,
		AttemptsMade: row.Attempts - 1, AttemptsRemaining: row.MaxAttempts - row.Attempts,
		Priority: row.Priority, PayloadVersion: of.Version,
	}, self, handlerID, sent)
}

// tryClaim claims the first job that waits, wherever it stands.
func (q *queue) tryClaim(ctx context.Context, self runtime.JobQueue, handlerID string) (*runtime.Job, error) {
	return q.take(ctx, self, "claim", handlerID, func(handler int32) ([]pgdb.ClaimOneRow, error) {
		return q.db.ClaimOne(ctx, pgdb.ClaimOneParams{Queue: q.number, Handler: handler, Priorities: claimOrder})
	})
}

func (q *queue) trySteal(ctx context.Context, self runtime.JobQueue, handlerID string) (*runtime.Job, error) {
	return q.take(ctx, self, "steal", handlerID, func(handler int32) ([]pgdb.ClaimOneRow, error) {
		rows, err := q.db.Steal(ctx, pgdb.StealParams{Queue: q.number, Handler: handler, CanDeclareDead: q.ids.canDeclareDead()})
		same := make([]pgdb.ClaimOneRow, len(rows))
		for i, row := range rows {
			same[i] = pgdb.ClaimOneRow(row)
		}
		return same, err
	})
}

// take claims or steals one job.
func (q *queue) take(ctx context.Context, self runtime.JobQueue, verb, handlerID string, from func(handler int32) ([]pgdb.ClaimOneRow, error)) (*runtime.Job, error) {
	if err := runtime.CheckName("handler", handlerID); err != nil {
		return nil, err
	}
	handler, err := q.handler(ctx, handlerID)
	if err != nil {
		return nil, fmt.Errorf("%s from queue %q: handler %q: %w", verb, q.name, handlerID, err)
	}
	sent := time.Now()
	rows, err := from(handler)
	if err != nil {
		return nil, fmt.Errorf("%s from queue %q: %w", verb, q.name, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s from queue %q: %w", verb, q.name, runtime.ErrJobNotFound)
	}
	if rows[0].Revoked {
		if err := q.tell(ctx, claimsRevoked); err != nil {
			return nil, err
		}
	}
	row := rows[0]
	return q.claimed(self, pgdb.ClaimRow{
		ID: row.ID, Priority: row.Priority, Attempts: row.Attempts, MaxAttempts: row.MaxAttempts,
		Created: row.Created, Due: row.Due, MaxWork: row.MaxWork, Payload: row.Payload,
	}, runtime.TypeVersion{Type: runtime.JobType(row.Name), Version: row.Version}, handlerID, sent), nil
}

// TryClaim implements [runtime.JobQueue].
func (q *storeQueue) TryClaim(ctx context.Context, handlerID string) (*runtime.Job, error) {
	job, err := q.tryClaim(ctx, q, handlerID)
	if err == nil {
		q.hub.arrived.Wake() // there may be another, for another waiter
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

// Release implements [runtime.Releaser].
func (q *storeQueue) Release(ctx context.Context, handlerID string, claims []runtime.ClaimRef) error {
	if len(claims) == 0 {
		return nil
	}
	handler, err := q.knownHandler(ctx, handlerID)
	if err == nil {
		ids, numbers := split(claims)
		_, err = q.db.Release(ctx, pgdb.ReleaseParams{Queue: q.number, Handler: handler, Ids: ids, Numbers: numbers})
	}
	if err != nil {
		return fmt.Errorf("release %d claims of queue %q: %w", len(claims), q.name, err)
	}
	q.hub.forget() // they may lie behind the cursors
	q.ring(jobArrived)
	return nil
}

// split returns the claims in the order of their ids, in which every
// statement locks jobs.
func split(claims []runtime.ClaimRef) (ids []int64, numbers []int32) {
	sorted := slices.SortedFunc(slices.Values(claims), func(a, b runtime.ClaimRef) int { return cmp.Compare(a.JobID, b.JobID) })
	ids, numbers = make([]int64, len(sorted)), make([]int32, len(sorted))
	for i, c := range sorted {
		ids[i], numbers[i] = int64(c.JobID), c.AttemptNumber
	}
	return ids, numbers
}

// LastAnswer implements [runtime.LivenessReporter].
func (q *storeQueue) LastAnswer() time.Time { return q.ids.lastAnswer() }

// WatchClaims implements [runtime.ClaimWatcher].
func (q *storeQueue) WatchClaims(ctx context.Context) <-chan struct{} {
	if q.listener != nil {
		q.listener.start()
	}
	return q.hub.revoked.Subscribe(ctx)
}

// LostClaims implements [runtime.ClaimWatcher].
func (q *storeQueue) LostClaims(ctx context.Context, handlerID string, claims []runtime.ClaimRef) ([]runtime.LostClaim, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	handler, err := q.knownHandler(ctx, handlerID)
	var rows []pgdb.LostClaimsRow
	if err == nil {
		ids, numbers := split(claims)
		rows, err = q.db.LostClaims(ctx, pgdb.LostClaimsParams{Queue: q.number, Handler: handler, Ids: ids, Numbers: numbers})
	}
	if err != nil {
		return nil, fmt.Errorf("look after %d claims of queue %q: %w", len(claims), q.name, err)
	}
	lost := make([]runtime.LostClaim, len(rows))
	for i, row := range rows {
		lost[i] = runtime.LostClaim{
			ClaimRef: runtime.ClaimRef{JobID: snowflake.ID(row.ID), AttemptNumber: row.Number},
			Cause:    runtime.ErrJobNotClaimed,
		}
		if row.Cancelled {
			lost[i].Cause = runtime.ErrJobCancelled
		}
	}
	return lost, nil
}
