package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
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
	_, batch, err := q.turn(ctx, nil, req)
	return batch, err
}

// Turn implements [runtime.Turner].
func (q *storeQueue) Turn(ctx context.Context, outcomes []runtime.Outcome, req runtime.ClaimRequest) ([]error, runtime.ClaimedBatch, error) {
	return q.turn(ctx, outcomes, req)
}

// turn writes outcomes, if there are any, and claims, in one transaction.
func (q *storeQueue) turn(ctx context.Context, outcomes []runtime.Outcome, req runtime.ClaimRequest) (verdicts []error, batch runtime.ClaimedBatch, err error) {
	if err := runtime.CheckName("handler", req.HandlerID); err != nil {
		return nil, batch, err
	}
	types := typeList(req.Types)
	sent := time.Now()
	var rows []jobRow
	err = q.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time, own *calls) (err error) {
		if len(outcomes) > 0 {
			f := finishing{q: &q.queue, db: db, now: now, handler: req.HandlerID, own: own}
			if verdicts, err = f.finish(ctx, outcomes); err != nil {
				return err
			}
		}
		c := claiming{q: &q.queue, db: db, now: now, handler: req.HandlerID, own: own, none: math.MaxInt64}
		if rows, err = c.claim(ctx, types, max(req.Limit, 0)); err != nil || len(rows) >= req.Limit {
			return err
		}
		next, err := db.NextDue(ctx, sqlitedb.NextDueParams{Queue: q.number, Now: now.UnixMicro()})
		if next != 0 {
			batch.NextDue = time.Duration(next-now.UnixMicro()) * time.Microsecond
		}
		return err
	})
	if err != nil {
		return nil, runtime.ClaimedBatch{}, fmt.Errorf("claim from queue %q: %w", q.name, err)
	}
	batch.Jobs = make([]*runtime.Job, len(rows))
	for i, row := range rows {
		batch.Jobs[i] = q.claimed(q, row, req.HandlerID, sent)
	}
	if len(rows) > 0 && len(rows) == req.Limit {
		q.hub.arrived.Wake() // there may be another, for another waiter
	}
	return named(verdicts, outcomes), batch, nil
}

// typeList is types as the statements take them.
func typeList(types []runtime.TypeVersion) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = fmt.Sprintf("%d %s", t.Version, t.Type)
	}
	list, _ := json.Marshal(names) // which cannot fail
	return string(list)
}

// A jobRow is a job as it was before it was claimed.
type jobRow = sqlitedb.WaitingRow

// inClaimOrder compares jobs by their place in claim order.
func inClaimOrder(a, b jobRow) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Due, b.Due), cmp.Compare(a.ID, b.ID))
}

// A claiming is one claim of one handler, inside a transaction.
type claiming struct {
	q       *queue
	db      *sqlitedb.Queries
	now     time.Time
	handler string
	own     *calls
	none    int64 // until when no claim of the queue expires
}

// claim takes up to limit jobs of the types in claim order, where expired
// claims of others stand in the place of their jobs. The transaction is the
// writer's.
func (c *claiming) claim(ctx context.Context, types string, limit int) ([]jobRow, error) {
	expired, err := c.bury(ctx)
	if err != nil {
		return nil, err
	}
	waiting, err := c.q.writer.conn.waiting(sqlitedb.WaitingParams{Queue: c.q.number, Now: c.now.UnixMicro(), Types: types, MaxJobs: int64(limit)})
	if err != nil {
		return nil, err
	}
	if !expired {
		return waiting, c.take(ctx, waiting)
	}
	stolen, err := c.expired(ctx, false, types, limit)
	if err != nil {
		return nil, err
	}
	found := slices.SortedFunc(slices.Values(slices.Concat(waiting, stolen)), inClaimOrder)
	found = found[:min(limit, len(found))]
	if err := c.steal(ctx, found, stolen); err != nil {
		return nil, err
	}
	return found, c.db.ExpiresNext(ctx, c.q.number)
}

// expired finds claims of others that can be taken over.
func (c claiming) expired(ctx context.Context, anyType bool, types string, limit int) ([]jobRow, error) {
	rows, err := c.db.Expired(ctx, sqlitedb.ExpiredParams{
		Queue: c.q.number, Now: c.now.UnixMicro(), Handler: c.handler, AnyType: anyType, Types: types, MaxJobs: int64(limit),
	})
	found := make([]jobRow, len(rows))
	for i, row := range rows {
		found[i] = jobRow(row)
	}
	return found, err
}

// steal takes what was found, and ends the claims that it is under.
func (c claiming) steal(ctx context.Context, found, claimed []jobRow) error {
	under := make(map[int64]bool, len(claimed))
	for _, row := range claimed {
		under[row.ID] = true
	}
	var waiting []jobRow
	var ids []int64
	for i, row := range found {
		if !under[row.ID] {
			waiting = append(waiting, row)
			continue
		}
		ids = append(ids, row.ID)
		found[i].Attempts++
	}
	if len(ids) > 0 {
		if err := c.lose(ctx, idList(ids), reasonStolen); err != nil {
			return err
		}
	}
	if err := c.unwait(ctx, waiting); err != nil {
		return err
	}
	return c.hold(ctx, found)
}

// lose ends the claims of the jobs as lost.
func (c claiming) lose(ctx context.Context, ids, reason string) error {
	if err := c.db.Lose(ctx, sqlitedb.LoseParams{Now: c.now.UnixMicro(), Reason: reason, Ids: ids, Queue: c.q.number}); err != nil {
		return err
	}
	if _, err := endClaims(ctx, c.db, c.q.number, ids); err != nil {
		return err
	}
	return c.q.revoke(ctx, c.db, c.own)
}

// endClaims counts and ends the attempts of those of the jobs that are
// claimed, and returns how many.
func endClaims(ctx context.Context, db *sqlitedb.Queries, queue int64, ids string) (int64, error) {
	if err := db.CountAttempts(ctx, sqlitedb.CountAttemptsParams{Ids: ids, Queue: queue}); err != nil {
		return 0, err
	}
	return db.DeleteClaims(ctx, sqlitedb.DeleteClaimsParams{Ids: ids, Queue: queue})
}

// take claims jobs that wait, which are in claim order.
func (c claiming) take(ctx context.Context, waiting []jobRow) error {
	if len(waiting) == 0 {
		return nil
	}
	if err := c.unwait(ctx, waiting); err != nil {
		return err
	}
	if err := c.hold(ctx, waiting); err != nil {
		return err
	}
	first := int64(math.MaxInt64)
	for _, row := range waiting {
		first = min(first, c.now.UnixMicro()+row.MaxWork)
	}
	if first >= c.none {
		return nil
	}
	return c.db.ExpiresBy(ctx, sqlitedb.ExpiresByParams{Expires: first, Queue: c.q.number})
}

// hold gives the handler jobs that neither wait nor are claimed: those that
// are alike but for their ids by one statement.
func (c claiming) hold(ctx context.Context, jobs []jobRow) error {
	type terms struct{ attempts, maxAttempts, maxWork int64 }
	alike := make(map[terms][]int64)
	for _, job := range jobs {
		t := terms{job.Attempts, job.MaxAttempts, job.MaxWork}
		alike[t] = append(alike[t], job.ID)
	}
	for t, ids := range alike {
		err := c.db.Claim(ctx, sqlitedb.ClaimParams{
			Queue: c.q.number, Number: t.attempts, MaxAttempts: t.maxAttempts,
			Claimed: c.now.UnixMicro(), Expires: c.now.UnixMicro() + t.maxWork, Handler: c.handler, Ids: idList(ids),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func rowList(rows []jobRow) string {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return idList(ids)
}

// fewJobs is how many jobs are taken out of the waiting ones by their ids
// rather than as a range, which takes more statements.
const fewJobs = 8

// unwait takes jobs out of those that wait. They are in claim order, and where
// no others wait between them they are taken out all at once.
func (c claiming) unwait(ctx context.Context, jobs []jobRow) error {
	for len(jobs) > 0 {
		n := 1
		for n < len(jobs) && jobs[n].Priority == jobs[0].Priority {
			n++
		}
		if err := c.unwaitOf(ctx, jobs[:n]); err != nil {
			return err
		}
		jobs = jobs[n:]
	}
	return nil
}

// unwaitOf is unwait for jobs of one priority.
func (c claiming) unwaitOf(ctx context.Context, jobs []jobRow) error {
	last := jobs[len(jobs)-1]
	if len(jobs) >= fewJobs {
		n, err := c.db.Before(ctx, sqlitedb.BeforeParams{Queue: c.q.number, Priority: last.Priority, Due: last.Due, Job: last.ID})
		if err != nil {
			return err
		}
		if n == int64(len(jobs)) {
			err := c.db.UnwaitBefore(ctx, sqlitedb.UnwaitBeforeParams{Queue: c.q.number, Priority: last.Priority, Due: last.Due})
			if err != nil {
				return err
			}
			return c.db.UnwaitAt(ctx, sqlitedb.UnwaitAtParams{Queue: c.q.number, Priority: last.Priority, Due: last.Due, Job: last.ID})
		}
	}
	return c.db.Unwait(ctx, sqlitedb.UnwaitParams{Ids: rowList(jobs), Queue: c.q.number})
}

// bury makes jobs dead whose last attempt has expired, and reports whether any
// claim has expired at all.
func (c *claiming) bury(ctx context.Context) (expired bool, err error) {
	none, err := c.db.NoneExpired(ctx, c.q.number)
	if err != nil {
		return false, err
	}
	c.none = math.MaxInt64 // of a queue that is gone
	if len(none) > 0 {
		c.none = none[0]
	}
	if c.none > c.now.UnixMicro() {
		return false, nil
	}
	ids, err := c.db.Buried(ctx, sqlitedb.BuriedParams{Queue: c.q.number, Now: c.now.UnixMicro()})
	if err != nil || len(ids) == 0 {
		return true, err
	}
	list := idList(ids)
	if err := c.lose(ctx, list, reasonBuried); err != nil {
		return true, err
	}
	if err := c.db.End(ctx, sqlitedb.EndParams{State: stateDead, Now: c.now.UnixMicro(), Ids: list, Queue: c.q.number}); err != nil {
		return true, err
	}
	return true, c.db.DeleteJobs(ctx, sqlitedb.DeleteJobsParams{Ids: list, Queue: c.q.number})
}

// claimed is a job as it was claimed, for its handler.
func (q *queue) claimed(self runtime.JobQueue, row jobRow, handlerID string, sent time.Time) *runtime.Job {
	return q.catalogue.BindClaim(&runtime.Job{
		ID: snowflake.ID(row.ID), Type: runtime.JobType(row.Type), Data: []byte(row.Payload),
		Created: timeOf(row.Created), Due: timeOf(row.Due), MaxWorkDuration: time.Duration(row.MaxWork) * time.Microsecond,
		AttemptsMade: int32(row.Attempts), AttemptsRemaining: int32(row.MaxAttempts - row.Attempts - 1),
		Priority: int16(row.Priority), PayloadVersion: int16(row.PayloadVersion),
	}, self, handlerID, sent)
}

// tryClaim claims the first job that waits.
func (q *queue) tryClaim(ctx context.Context, self runtime.JobQueue, handlerID string) (*runtime.Job, error) {
	return q.one(ctx, self, "claim", handlerID, func(ctx context.Context, c claiming) ([]jobRow, error) {
		rows, err := c.db.First(ctx, sqlitedb.FirstParams{Queue: q.number, Now: c.now.UnixMicro()})
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		first := []jobRow{jobRow(rows[0])}
		return first, c.take(ctx, first)
	})
}

// trySteal takes over the first claim that has expired, and buries what has
// no attempts left. The burials stay when there is nothing to steal.
func (q *queue) trySteal(ctx context.Context, self runtime.JobQueue, handlerID string) (*runtime.Job, error) {
	return q.one(ctx, self, "steal", handlerID, func(ctx context.Context, c claiming) ([]jobRow, error) {
		if expired, err := c.bury(ctx); err != nil || !expired {
			return nil, err
		}
		found, err := c.expired(ctx, true, "[]", 1)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			if err := c.steal(ctx, found, found); err != nil {
				return nil, err
			}
		}
		return found, c.db.ExpiresNext(ctx, q.number)
	})
}

// one claims one job in the way of take.
func (q *queue) one(ctx context.Context, self runtime.JobQueue, verb, handlerID string, take func(context.Context, claiming) ([]jobRow, error)) (*runtime.Job, error) {
	if err := runtime.CheckName("handler", handlerID); err != nil {
		return nil, err
	}
	sent := time.Now()
	var rows []jobRow
	err := q.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time, own *calls) (err error) {
		rows, err = take(ctx, claiming{q: q, db: db, now: now, handler: handlerID, own: own, none: math.MaxInt64})
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
