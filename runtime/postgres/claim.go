package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// The kinds of row that claim and finish_and_claim return. They are numbers,
// because each claimed job has one.
const (
	kindEnd      = 1 // the last row, where fewer jobs were claimable than asked for
	kindFinished = 2 // a job that was finished
	kindBuried   = 3 // a job that has died without its handler
)

// claimOrder are all priorities in the order of claiming.
func claimOrder(lowestFirst bool) []int16 {
	if lowestFirst {
		return lowestFirstOrder
	}
	return highestFirstOrder
}

var (
	highestFirstOrder = []int16{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	lowestFirstOrder  = []int16{9, 8, 7, 6, 5, 4, 3, 2, 1, 0}
)

// Claim implements [driver.Queue]. Completions share the statement and the
// commit of a claim from all jobs; other outcomes have theirs first.
func (q *queue) Claim(ctx context.Context, req driver.ClaimRequest) (claimed driver.Claimed, err error) {
	nothing := req.Types != nil && len(req.Types) == 0
	if len(req.Finish) > 0 {
		if req.From == driver.FromAll && !nothing && allCompleted(req.Finish) {
			return q.finishAndClaim(ctx, req)
		}
		if claimed.Finished, err = q.Finish(ctx, req.Handler, req.Finish); err != nil {
			return driver.Claimed{}, err
		}
	}
	if nothing {
		return claimed, nil
	}
	if req.From != driver.FromAll {
		err = q.claimFirst(ctx, req, &claimed)
		return claimed, err
	}
	call, err := q.newClaimCall(ctx, req)
	if err != nil {
		return claimed, err
	}
	rows, err := again(ctx, q.store, func() ([]pgdb.ClaimRow, error) { return q.db.Claim(ctx, call.params) })
	if err != nil {
		return claimed, call.failed(err)
	}
	err = call.claimed(ctx, rows, &claimed)
	return claimed, err
}

func allCompleted(outcomes []driver.Outcome) bool {
	return !slices.ContainsFunc(outcomes, func(o driver.Outcome) bool { return o.Kind != driver.Completed })
}

// finishAndClaim is Claim for outcomes that are all completions.
func (q *queue) finishAndClaim(ctx context.Context, req driver.ClaimRequest) (claimed driver.Claimed, err error) {
	call, err := q.newClaimCall(ctx, req)
	if err != nil {
		return claimed, err
	}
	f := newFinishCall(req.Finish)
	rows, err := again(ctx, q.store, func() ([]pgdb.FinishAndClaimRow, error) {
		p := &call.params
		return q.db.FinishAndClaim(ctx, pgdb.FinishAndClaimParams{
			Queue: p.Queue, Handler: p.Handler, Ids: f.done.Ids, Numbers: f.done.Numbers, Logs: f.done.Logs,
			Types: p.Types, MaxJobs: p.MaxJobs, Priorities: p.Priorities, Due: p.Due, After: p.After,
			Sweep: p.Sweep, CanDeclareDead: p.CanDeclareDead,
		})
	})
	if err != nil {
		return claimed, call.failed(err)
	}
	taken := make([]pgdb.ClaimRow, 0, len(rows))
	for _, row := range rows {
		if row.Kind == kindFinished {
			f.finished[row.ID] = true
		} else {
			taken = append(taken, pgdb.ClaimRow(row))
		}
	}
	if err := call.claimed(ctx, taken, &claimed); err != nil {
		return claimed, err
	}
	claimed.Finished, err = q.finishRest(ctx, call.params.Handler, f)
	return claimed, err
}

// A claimCall is a claim from all jobs on its way. In a transaction it begins
// nowhere and moves no cursor: what it takes may be rolled back.
type claimCall struct {
	q      *queue
	req    *driver.ClaimRequest
	cursor *cursor
	scan   scan
	params pgdb.ClaimParams
	sent   time.Time
}

func (q *queue) newClaimCall(ctx context.Context, req driver.ClaimRequest) (*claimCall, error) {
	handler, err := q.worker(ctx, req.Handler)
	if err != nil {
		return nil, fmt.Errorf("number handler: %w", err)
	}
	c := &claimCall{q: q, req: &req, cursor: &cursor{types: req.Types, always: true}}
	if q.tx == nil {
		c.cursor = q.state.cursor(req.Types)
	}
	types, err := c.cursor.typeNumbers(ctx, q)
	if err != nil {
		return nil, err
	}
	c.sent = time.Now()
	c.scan = c.cursor.next(c.sent, req.LowestFirst)
	c.params = pgdb.ClaimParams{
		Queue: q.number, Handler: handler, Types: types, MaxJobs: int32(min(req.Limit, math.MaxInt32)),
		Priorities: claimOrder(req.LowestFirst), Due: c.scan.due, After: c.scan.after, Sweep: c.scan.full,
		CanDeclareDead: q.ids.canDeclareDead(),
	}
	return c, nil
}

func (c *claimCall) failed(err error) error {
	c.cursor.failed(c.scan, c.sent, time.Now())
	return fmt.Errorf("claim: %w", err)
}

// claimed makes rows of what came back, and moves the cursor on.
func (c *claimCall) claimed(ctx context.Context, rows []pgdb.ClaimRow, claimed *driver.Claimed) error {
	done := time.Now()
	var last *pgdb.ClaimRow
	if n := len(rows) - 1; n >= 0 && rows[n].Kind == kindEnd {
		last, rows = &rows[n], rows[:n]
	}
	var dbNow time.Time
	if last != nil {
		dbNow = last.Now.Time
	}
	claimed.Rows = make([]driver.Row, 0, len(rows))
	revoked := false
	for i := range rows {
		row := &rows[i]
		jobType, err := c.cursor.typeOf(ctx, c.q, row.Type)
		if err != nil {
			return c.failed(err)
		}
		if row.Kind == kindBuried {
			claimed.Buried = append(claimed.Buried, c.q.burial(ctx, row, jobType))
			continue
		}
		claimed.Rows = append(claimed.Rows, claimedRow(row, jobType))
		revoked = revoked || row.Revoked
	}
	c.cursor.claimed(c.scan, claimed.Rows, dbNow, c.sent, done)
	sortRows(claimed.Rows, c.req.LowestFirst)
	if c.q.tx == nil {
		var late time.Duration
		if len(claimed.Rows) > 0 && last != nil {
			late = dbNow.Sub(claimed.Rows[0].Due)
		}
		c.q.state.damping.claimed(len(claimed.Rows), late)
	}
	if last != nil {
		if last.NextDue.Valid {
			claimed.NextDue = last.NextDue.Time.Sub(dbNow)
		}
		// Where jobs come in, some may have been committed out of order.
		if sweep := c.cursor.untilSweep(done); !c.scan.full && len(claimed.Rows) > 0 && (claimed.NextDue == 0 || sweep < claimed.NextDue) {
			claimed.NextDue = sweep
		}
	}
	return c.q.afterClaim(ctx, revoked, last == nil)
}

// afterClaim wakes those who have to know of a claim: others whose claims it
// took over, and one more who looks for jobs where there may be more.
func (q *queue) afterClaim(ctx context.Context, revoked, more bool) error {
	if more {
		q.state.arrived.Wake()
	}
	if revoked {
		return q.tell(ctx, claimsRevoked)
	}
	return nil
}

// claimedRow is a job as it was claimed.
func claimedRow(row *pgdb.ClaimRow, jobType driver.TypeVersion) driver.Row {
	return driver.Row{
		ID: snowflake.ID(row.ID), Type: jobType, Payload: row.Payload,
		Created: row.Created.Time.UTC(), Due: row.Due.Time.UTC(), MaxWork: time.Duration(row.MaxWork) * time.Microsecond,
		Attempts: row.Attempts, MaxAttempts: row.MaxAttempts, Priority: row.Priority,
	}
}

// burial is a job that has died as its last attempt's log says, which may be
// there no longer: the claim has been made, and does not fail for that.
func (q *queue) burial(ctx context.Context, row *pgdb.ClaimRow, jobType driver.TypeVersion) driver.Burial {
	b := driver.Burial{Attempt: driver.Attempt{Job: snowflake.ID(row.ID), Number: row.Attempts - 1}, Type: jobType}
	log, _, err := q.Log(ctx, b.Attempt)
	if b.Handler, b.Reason = log.Handler, log.Reason; err != nil || b.Reason == "" {
		b.Reason = "the claim is over; no attempts left"
	}
	return b
}

// sortRows sorts into claim order.
func sortRows(rows []driver.Row, lowestFirst bool) {
	slices.SortFunc(rows, func(a, b driver.Row) int {
		byPriority := cmp.Compare(a.Priority, b.Priority)
		if lowestFirst {
			byPriority = -byPriority
		}
		return cmp.Or(byPriority, a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	})
}

// claimFirst claims the first job that waits, wherever it stands, or the first
// claim of another handler that is over.
func (q *queue) claimFirst(ctx context.Context, req driver.ClaimRequest, claimed *driver.Claimed) error {
	handler, err := q.handler(ctx, req.Handler)
	if err != nil {
		return fmt.Errorf("number handler: %w", err)
	}
	var types []int32
	if req.Types != nil {
		if types, err = q.types.of(ctx, q.db, req.Types, q.tx == nil); err != nil {
			return err
		}
	}
	order := claimOrder(req.LowestFirst)
	rows, err := again(ctx, q.store, func() ([]pgdb.StealRow, error) {
		if req.From == driver.FromExpired {
			return q.db.Steal(ctx, pgdb.StealParams{
				Queue: q.number, Handler: handler, Types: types, Priorities: order, CanDeclareDead: q.ids.canDeclareDead(),
			})
		}
		rows, err := q.db.ClaimOne(ctx, pgdb.ClaimOneParams{Queue: q.number, Handler: handler, Types: types, Priorities: order})
		taken := make([]pgdb.StealRow, len(rows))
		for i, row := range rows {
			taken[i] = pgdb.StealRow(row)
		}
		return taken, err
	})
	if err != nil {
		return fmt.Errorf("claim first: %w", err)
	}
	revoked := false
	for _, row := range rows {
		claimed.Rows = append(claimed.Rows, driver.Row{
			ID: snowflake.ID(row.ID), Type: driver.TypeVersion{Type: row.Name, Version: row.Version}, Payload: row.Payload,
			Created: row.Created.Time.UTC(), Due: row.Due.Time.UTC(), MaxWork: time.Duration(row.MaxWork) * time.Microsecond,
			Attempts: row.Attempts, MaxAttempts: row.MaxAttempts, Priority: row.Priority,
		})
		revoked = revoked || row.Revoked
	}
	return q.afterClaim(ctx, revoked, len(rows) == req.Limit)
}

// typeNumbers returns the numbers of the cursor's types; nil for all.
func (c *cursor) typeNumbers(ctx context.Context, q *queue) ([]int32, error) {
	c.mu.Lock()
	numbers := c.numbers
	c.mu.Unlock()
	if numbers != nil || c.types == nil {
		return numbers, nil
	}
	numbers, err := q.types.of(ctx, q.db, c.types, q.tx == nil)
	if err == nil {
		c.mu.Lock()
		c.numbers = numbers
		c.mu.Unlock()
	}
	return numbers, err
}

// typeOf returns the type with that number.
func (c *cursor) typeOf(ctx context.Context, q *queue, number int32) (driver.TypeVersion, error) {
	c.mu.Lock()
	i := slices.Index(c.numbers, number)
	c.mu.Unlock()
	if i >= 0 {
		return c.types[i], nil
	}
	return q.types.named(ctx, q.db, number)
}

// dueParam is a job's due as a parameter; null is the time of the statement.
func dueParam(due time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: due, Valid: !due.IsZero()}
}
