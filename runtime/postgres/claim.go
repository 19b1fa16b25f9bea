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
	if err := call.send(ctx, func() error { return q.db.EachClaimed(ctx, call.params, call.take) }); err != nil {
		return claimed, err
	}
	err = call.claimed(ctx, &claimed)
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
	p := &call.params
	err = call.send(ctx, func() error {
		return q.db.EachFinishedAndClaimed(ctx, pgdb.FinishAndClaimParams{
			Queue: p.Queue, Handler: p.Handler, Ids: f.done.Ids, Numbers: f.done.Numbers, Logs: f.done.Logs,
			Types: p.Types, MaxJobs: p.MaxJobs, Priorities: p.Priorities, Due: p.Due, After: p.After,
			Sweep: p.Sweep, CanDeclareDead: p.CanDeclareDead,
		}, call.take)
	})
	if err != nil {
		return claimed, err
	}
	f.note(call.finished)
	if err := call.claimed(ctx, &claimed); err != nil {
		return claimed, err
	}
	claimed.Finished, err = q.finishRest(ctx, p.Handler, f)
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
	answer
}

// An answer is what came back of a claim.
type answer struct {
	rows     []driver.Row
	unnamed  []unnamed       // rows whose types are not among the cursor's
	buried   []pgdb.ClaimRow // jobs that have died
	finished []int64         // jobs
	end      *pgdb.ClaimRow  // nil where as many jobs were claimed as asked for
	revoked  bool
}

// An unnamed is a row whose type has only a number yet.
type unnamed struct {
	row    int
	number int32
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

// send sends the claim, by a statement that gives each row to take.
func (c *claimCall) send(ctx context.Context, statement func() error) error {
	_, err := again(ctx, c.q.store, func() (struct{}, error) {
		c.answer = answer{rows: make([]driver.Row, 0, c.cursor.expected(c.req.Limit))}
		return struct{}{}, statement()
	})
	if err != nil {
		return c.failed(err)
	}
	return nil
}

// typeOf returns the type of the cursor with that number.
func (c *claimCall) typeOf(number int32) (t driver.TypeVersion, ok bool) {
	i := slices.Index(c.params.Types, number)
	if i < 0 {
		return t, false
	}
	return c.cursor.types[i], true
}

// take takes a row of the answer down.
func (c *claimCall) take(row *pgdb.ClaimRow) {
	switch row.Kind {
	case kindFinished:
		c.finished = append(c.finished, row.ID)
	case kindEnd:
		end := *row
		c.end = &end
	case kindBuried:
		c.buried = append(c.buried, *row)
	default:
		jobType, ok := c.typeOf(row.Type)
		if !ok {
			c.unnamed = append(c.unnamed, unnamed{len(c.rows), row.Type})
		}
		c.rows = append(c.rows, driver.Row{
			ID: snowflake.ID(row.ID), Type: jobType, Payload: row.Payload,
			Created: row.Created.Time.UTC(), Due: row.Due.Time.UTC(), MaxWork: time.Duration(row.MaxWork) * time.Microsecond,
			Attempts: row.Attempts, MaxAttempts: row.MaxAttempts, Priority: row.Priority,
		})
		c.revoked = c.revoked || row.Revoked
	}
}

// claimed returns the rows that came back, and moves the cursor on.
func (c *claimCall) claimed(ctx context.Context, claimed *driver.Claimed) error {
	done := time.Now()
	for _, u := range c.unnamed {
		var err error
		if c.rows[u.row].Type, err = c.q.types.named(ctx, c.q.db, u.number); err != nil {
			return c.failed(err)
		}
	}
	for i := range c.buried {
		row := &c.buried[i]
		jobType, err := c.q.types.named(ctx, c.q.db, row.Type)
		if err != nil {
			return c.failed(err)
		}
		claimed.Buried = append(claimed.Buried, c.q.burial(ctx, row, jobType))
	}
	var dbNow time.Time
	if c.end != nil {
		dbNow = c.end.Now.Time
	}
	claimed.Rows = c.rows
	c.cursor.claimed(c.scan, claimed.Rows, dbNow, c.sent, done)
	sortRows(claimed.Rows, c.req.LowestFirst)
	n := len(claimed.Rows)
	if c.q.tx == nil {
		var late time.Duration
		if n > 0 && c.end != nil {
			late = dbNow.Sub(claimed.Rows[0].Due)
		}
		c.q.state.damping.claimed(n, late)
	}
	if c.end != nil {
		if c.end.NextDue.Valid {
			claimed.NextDue = c.end.NextDue.Time.Sub(dbNow)
		}
		// Where jobs come in, some may have been committed out of order.
		if sweep := c.cursor.untilSweep(done); !c.scan.full && n > 0 && (claimed.NextDue == 0 || sweep < claimed.NextDue) {
			claimed.NextDue = sweep
		}
	}
	return c.q.afterClaim(ctx, c.revoked, c.end == nil)
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

// sortRows sorts into claim order, in which they usually come.
func sortRows(rows []driver.Row, lowestFirst bool) {
	compare := func(a, b *driver.Row) int {
		byPriority := cmp.Compare(a.Priority, b.Priority)
		if lowestFirst {
			byPriority = -byPriority
		}
		return cmp.Or(byPriority, a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	}
	for i := 1; i < len(rows); i++ {
		if compare(&rows[i-1], &rows[i]) > 0 {
			slices.SortFunc(rows, func(a, b driver.Row) int { return compare(&a, &b) })
			return
		}
	}
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

// dueParam is a job's due as a parameter; null is the time of the statement.
func dueParam(due time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: due, Valid: !due.IsZero()}
}
