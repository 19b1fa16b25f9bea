package postgres

import (
	"context"
	"slices"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

var _ runtime.Turner = (*storeQueue)(nil)

// Turn implements [runtime.Turner]. Successes share the statement and the
// commit of the claim; failures have theirs first, and so has what comes with
// no types to claim.
func (q *storeQueue) Turn(ctx context.Context, outcomes []runtime.Outcome, req runtime.ClaimRequest) ([]error, runtime.ClaimedBatch, error) {
	if len(outcomes) == 0 || len(req.Types) == 0 || slices.ContainsFunc(outcomes, func(o runtime.Outcome) bool { return !o.Success }) {
		verdicts, err := q.FinishBatch(ctx, req.HandlerID, outcomes)
		if err != nil {
			return nil, runtime.ClaimedBatch{}, err
		}
		batch, err := q.ClaimBatch(ctx, req)
		return verdicts, batch, err
	}
	c, err := q.claiming(ctx, req)
	if err != nil || c == nil {
		return nil, runtime.ClaimedBatch{}, err
	}
	f := newFinishing(outcomes)
	rows, err := retry(ctx, func() ([]pgdb.FinishAndClaimRow, error) {
		return q.db.FinishAndClaim(ctx, pgdb.FinishAndClaimParams{
			Queue: c.params.Queue, Handler: c.params.Handler, Ids: f.done.Ids, Numbers: f.done.Numbers, Logs: f.done.Logs,
			Types: c.params.Types, MaxJobs: c.params.MaxJobs, Priorities: c.params.Priorities, Due: c.params.Due,
			After: c.params.After, Sweep: c.params.Sweep, CanDeclareDead: c.params.CanDeclareDead,
		})
	})
	if err != nil {
		return nil, runtime.ClaimedBatch{}, c.failed(err)
	}
	claimed := make([]pgdb.ClaimRow, 0, len(rows))
	for _, row := range rows {
		if row.Kind == kindFinished {
			f.finished[row.ID] = true
		} else {
			claimed = append(claimed, pgdb.ClaimRow(row))
		}
	}
	batch := c.claimed(claimed)
	verdicts, err := q.finishRest(ctx, c.params.Handler, req.HandlerID, f)
	return verdicts, batch, err
}
