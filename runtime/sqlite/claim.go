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

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// Reasons that stand in the log of an attempt whose handler reported nothing.
const (
	reasonTakenOver = "claim expired; taken over"
	reasonExhausted = "claim expired; no attempts left"
)

// Claim implements [driver.Queue].
func (q *queue) Claim(ctx context.Context, req driver.ClaimRequest) (driver.Claimed, error) {
	var claimed driver.Claimed
	var rows []jobRow
	may := wantedOf(req)
	err := q.write(ctx, func(ctx context.Context, op *operation) (err error) {
		claimed.Buried = nil
		if len(req.Finish) > 0 {
			f := finishCall{operation: op, handler: req.Handler}
			if claimed.Finished, err = f.finish(ctx, req.Finish); err != nil {
				return err
			}
		}
		c := claimCall{operation: op, handler: req.Handler, wanted: may}
		rows, err = c.claim(ctx, req.From)
		if req.From == driver.FromAll {
			claimed.Buried = c.buried
		}
		if err != nil || req.From != driver.FromAll || len(rows) == req.Limit {
			return err
		}
		next, err := op.NextDue(ctx, sqlitedb.NextDueParams{Queue: op.queue, Now: op.at()})
		if next != 0 {
			claimed.NextDue = durationOf(next - op.at())
		}
		return err
	})
	if err != nil {
		return driver.Claimed{}, err
	}
	if req.LowestFirst { // which is the order of choosing alone
		slices.SortFunc(rows, wanted{}.before)
	}
	claimed.Rows = make([]driver.Row, len(rows))
	for i, row := range rows {
		claimed.Rows[i] = row.claimed()
	}
	if len(rows) == req.Limit && req.From != driver.FromExpired {
		q.state.arrived.Wake() // there may be another, for another waiter
	}
	return claimed, nil
}

// wanted is which jobs a claim may take, as the statements take it.
type wanted struct {
	anyType     bool
	types       string // array; a type has the version of its payload before it
	limit       int
	lowestFirst bool
}

func wantedOf(req driver.ClaimRequest) wanted {
	names := make([]string, len(req.Types))
	for i, t := range req.Types {
		names[i] = fmt.Sprintf("%d %s", t.Version, t.Type)
	}
	list, _ := json.Marshal(names) // which cannot fail
	return wanted{anyType: req.Types == nil, types: string(list), limit: req.Limit, lowestFirst: req.LowestFirst}
}

// before compares jobs by their place in the order of the claim.
func (w wanted) before(a, b jobRow) int {
	priorities := cmp.Compare(a.Priority, b.Priority)
	if w.lowestFirst {
		priorities = -priorities
	}
	return cmp.Or(priorities, cmp.Compare(a.Due, b.Due), cmp.Compare(a.ID, b.ID))
}

// A jobRow is a job before it is claimed: attempts are over.
type jobRow struct {
	ID, Priority, PayloadVersion, Attempts, MaxAttempts, Created, Due, MaxWork int64
	Type                                                                       string
	Payload                                                                    []byte
}

func rowOf(r sqlitedb.WaitingRow) jobRow {
	return jobRow{r.ID, r.Priority, r.PayloadVersion, r.Attempts, r.MaxAttempts, r.Created, r.Due, r.MaxWork, r.Type, []byte(r.Payload)}
}

// row is the job as it is, with attempts that have begun.
func (r jobRow) row(attempts int64) driver.Row {
	return driver.Row{
		ID: snowflake.ID(r.ID), Type: driver.TypeVersion{Type: r.Type, Version: int16(r.PayloadVersion)}, Payload: r.Payload,
		Created: timeOf(r.Created), Due: timeOf(r.Due), MaxWork: durationOf(r.MaxWork),
		Attempts: int32(attempts), MaxAttempts: int32(r.MaxAttempts), Priority: int16(r.Priority),
	}
}

// claimed is the job once it is claimed.
func (r jobRow) claimed() driver.Row { return r.row(r.Attempts + 1) }

// A claimCall is one claim of one handler, inside a transaction.
type claimCall struct {
	*operation
	handler string
	wanted

	noQueue bool  // the queue was deleted
	expires int64 // no claim of the queue expires before
	latest  int64 // no claim of the queue was made after
	buried  []driver.Burial
}

// claim takes jobs in the order of the claim, where expired claims of others
// stand in the place of their jobs.
func (c *claimCall) claim(ctx context.Context, from driver.ClaimFrom) ([]jobRow, error) {
	if err := c.prepare(ctx); err != nil || c.noQueue {
		return nil, err
	}
	expired := false
	if from != driver.FromWaiting && c.expires <= c.at() {
		if err := c.buryExhausted(ctx); err != nil {
			return nil, err
		}
		expired = true
	}
	var waiting []jobRow
	var err error
	if from != driver.FromExpired {
		if waiting, err = c.waiting(ctx, c.wanted); err != nil {
			return nil, err
		}
	}
	if !expired {
		return waiting, c.take(ctx, waiting)
	}
	others, err := c.takeable(ctx)
	if err != nil {
		return nil, err
	}
	found := slices.SortedFunc(slices.Values(slices.Concat(waiting, others)), c.before)
	found = found[:min(c.limit, len(found))]
	if err := c.takeOver(ctx, found, others); err != nil {
		return nil, err
	}
	c.latest = c.latestNow()
	return found, c.ResetClaimBounds(ctx, sqlitedb.ResetClaimBoundsParams{Claimed: c.latest, Queue: c.queue})
}

// clockSlack is how far into the future the bound of when claims were made
// lies, so that it need not be moved with every claim. A clock that is set back
// by less may go unnoticed, and such a claim expires that much later.
const clockSlack = time.Second

func (c *claimCall) latestNow() int64 { return c.now.Add(clockSlack).UnixMicro() }

// prepare reads the bounds of the queue's claims. Claims that were made in the
// future, before the machine's clock was set back, begin anew: they would last
// longer than their jobs' max work duration otherwise.
func (c *claimCall) prepare(ctx context.Context) error {
	bounds, err := c.ClaimBounds(ctx, sqlitedb.ClaimBoundsParams{Queue: c.queue, Name: c.name})
	if err != nil {
		return err
	}
	if len(bounds) == 0 {
		c.noQueue = true
		return nil
	}
	c.expires, c.latest = bounds[0].Expires, bounds[0].Claimed
	if c.latest <= c.latestNow() {
		return nil
	}
	if err := c.RedateClaims(ctx, sqlitedb.RedateClaimsParams{Now: c.at(), Queue: c.queue}); err != nil {
		return err
	}
	if err := c.ResetClaimBounds(ctx, sqlitedb.ResetClaimBoundsParams{Claimed: c.latestNow(), Queue: c.queue}); err != nil {
		return err
	}
	return c.prepare(ctx)
}

// takeable finds claims of others that can be taken over.
func (c *claimCall) takeable(ctx context.Context) ([]jobRow, error) {
	direction := int64(1)
	if c.lowestFirst {
		direction = -1
	}
	rows, err := c.Expired(ctx, sqlitedb.ExpiredParams{
		Direction: direction, Queue: c.queue, Now: c.at(), Handler: c.handler, AnyType: c.anyType, Types: c.types, MaxJobs: int64(c.limit),
	})
	found := make([]jobRow, len(rows))
	for i, row := range rows {
		found[i] = rowOf(sqlitedb.WaitingRow(row))
	}
	return found, err
}

// takeOver takes what was found, and ends the claims that some of it is under.
func (c *claimCall) takeOver(ctx context.Context, found, claimed []jobRow) error {
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
		if err := c.lose(ctx, idList(ids), reasonTakenOver); err != nil {
			return err
		}
	}
	if err := c.dequeue(ctx, waiting); err != nil {
		return err
	}
	return c.assign(ctx, found)
}

// lose ends the claims of the jobs as lost.
func (c *claimCall) lose(ctx context.Context, ids, reason string) error {
	if err := c.CloseAsLost(ctx, sqlitedb.CloseAsLostParams{Now: c.at(), Reason: reason, Ids: ids, Queue: c.queue}); err != nil {
		return err
	}
	if err := c.endClaims(ctx, ids); err != nil {
		return err
	}
	return c.revoke(ctx)
}

// buryExhausted makes jobs dead whose last attempt has expired.
func (c *claimCall) buryExhausted(ctx context.Context) error {
	rows, err := c.Exhausted(ctx, sqlitedb.ExhaustedParams{Queue: c.queue, Now: c.at()})
	if err != nil || len(rows) == 0 {
		return err
	}
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.Job
		c.buried = append(c.buried, driver.Burial{
			Attempt: driver.Attempt{Job: snowflake.ID(row.Job), Number: int32(row.Number)},
			Type:    driver.TypeVersion{Type: row.Type, Version: int16(row.PayloadVersion)}, Handler: row.Handler, Reason: reasonExhausted,
		})
	}
	list := idList(ids)
	if err := c.lose(ctx, list, reasonExhausted); err != nil {
		return err
	}
	if err := c.End(ctx, sqlitedb.EndParams{State: stateDead, Now: c.at(), Ids: list, Queue: c.queue}); err != nil {
		return err
	}
	return c.DeleteJobs(ctx, sqlitedb.DeleteJobsParams{Ids: list, Queue: c.queue})
}

// take claims jobs that wait, which are in the order of the claim.
func (c *claimCall) take(ctx context.Context, waiting []jobRow) error {
	if len(waiting) == 0 {
		return nil
	}
	if err := c.dequeue(ctx, waiting); err != nil {
		return err
	}
	return c.assign(ctx, waiting)
}

// assign gives the handler jobs that neither wait nor are claimed: those that
// are alike but for their ids by one statement.
func (c *claimCall) assign(ctx context.Context, jobs []jobRow) error {
	type terms struct{ attempts, maxAttempts, maxWork int64 }
	alike := make(map[terms][]int64)
	for _, job := range jobs {
		t := terms{job.Attempts, job.MaxAttempts, job.MaxWork}
		alike[t] = append(alike[t], job.ID)
	}
	first := int64(math.MaxInt64)
	for t, ids := range alike {
		expires := c.at() + t.maxWork
		first = min(first, expires)
		err := c.Claim(ctx, sqlitedb.ClaimParams{
			Queue: c.queue, Number: t.attempts, MaxAttempts: t.maxAttempts,
			Claimed: c.at(), Expires: expires, Handler: c.handler, Ids: idList(ids),
		})
		if err != nil {
			return err
		}
	}
	if len(jobs) == 0 || first >= c.expires && c.at() <= c.latest {
		return nil
	}
	return c.WidenClaimBounds(ctx, sqlitedb.WidenClaimBoundsParams{Expires: first, Claimed: c.latestNow(), Queue: c.queue})
}

// fewJobs is how many jobs are taken out of the waiting ones by their ids
// rather than as a range, which takes more statements.
const fewJobs = 8

// dequeue takes jobs out of those that wait. They are in the order of the
// claim, and where no others wait between them they are taken out all at once.
func (c *claimCall) dequeue(ctx context.Context, jobs []jobRow) error {
	for len(jobs) > 0 {
		n := 1
		for n < len(jobs) && jobs[n].Priority == jobs[0].Priority {
			n++
		}
		if err := c.dequeueAlike(ctx, jobs[:n]); err != nil {
			return err
		}
		jobs = jobs[n:]
	}
	return nil
}

// dequeueAlike is dequeue for jobs of one priority.
func (c *claimCall) dequeueAlike(ctx context.Context, jobs []jobRow) error {
	last := jobs[len(jobs)-1]
	if len(jobs) >= fewJobs {
		n, err := c.Before(ctx, sqlitedb.BeforeParams{Queue: c.queue, Priority: last.Priority, Due: last.Due, Job: last.ID})
		if err != nil {
			return err
		}
		if n == int64(len(jobs)) {
			err := c.DequeueBefore(ctx, sqlitedb.DequeueBeforeParams{Queue: c.queue, Priority: last.Priority, Due: last.Due})
			if err != nil {
				return err
			}
			return c.DequeueAt(ctx, sqlitedb.DequeueAtParams{Queue: c.queue, Priority: last.Priority, Due: last.Due, Job: last.ID})
		}
	}
	ids := make([]int64, len(jobs))
	for i, job := range jobs {
		ids[i] = job.ID
	}
	return c.Dequeue(ctx, sqlitedb.DequeueParams{Ids: idList(ids), Queue: c.queue})
}
