package postgres

import (
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jobgen/jobgen/runtime/driver"
)

// A cursor is how far this process has claimed a queue's jobs of certain types:
// a position per priority. A scan looks only past the positions, so it costs the
// same however many index entries of finished jobs lie before them, also while
// a long transaction keeps vacuum from removing those.
//
// What turns up behind the positions is found by sweeps: a recent one over the
// last moments, for transactions that committed late, and a full one, which
// takes over expired claims as well. Each may take only so much of the time.
type cursor struct {
	types []driver.TypeVersion // nil for all

	mu         sync.Mutex
	numbers    []int32               // of types, in their order; nil until asked for
	due        [priorities]time.Time // zero: from the beginning
	after      [priorities]int64
	recentNext time.Time // when the next recent sweep is allowed, by this process's clock
	fullNext   time.Time
	failing    int       // how many times its time a failed full sweep has to wait; 0 while none fails
	dbNow      time.Time // the database's time, as known at
	at         time.Time
	always     bool // sweep with every claim
	taken      int  // jobs by the last claim
}

// A sweep is followed by a pause of so many times what it took, so that sweeps
// have a bounded share of a claimer's time, whatever the server makes of them:
// recent ones 1/16, or 6 %, and full ones 1/51, or 2 %. These are budgets, not
// measurements: a recent sweep usually takes less than a millisecond and its
// pause of 20 ms rules.
const (
	priorities = driver.MaxPriority + 1
	// recentWindow is how long the usual transaction that adds jobs may take to
	// commit without its jobs having to wait for the full sweep.
	recentWindow = 300 * time.Millisecond
	recentPause  = 20 * time.Millisecond
	recentDuty   = 15
	fullPause    = time.Second
	fullDuty     = 50
	// fullMost bounds a full sweep's pause, and so how late an expired claim is
	// taken over, unless sweeps take longer than 100 ms because a transaction keeps
	// the rows of finished jobs: then they may have 1/31 of the time, or 3 %.
	fullMost     = 3 * time.Second
	fullMostDuty = 30
)

// A scan is one claim's way of looking; due and after stand in its order of
// priorities.
type scan struct {
	due          []pgtype.Timestamptz
	after        []int64
	recent, full bool
}

// next says how the next claim is to look, in its order of priorities.
func (c *cursor) next(now time.Time, lowestFirst bool) scan {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := scan{due: make([]pgtype.Timestamptz, priorities), after: make([]int64, priorities)}
	switch {
	case c.always || !now.Before(c.fullNext):
		s.full = true
		c.fullNext = now.Add(fullPause) // for others, until this one is done
	case !now.Before(c.recentNext) && !c.at.IsZero():
		s.recent = true
		c.recentNext = now.Add(recentPause)
	}
	recent := c.dbNow.Add(now.Sub(c.at) - recentWindow)
	for n, p := range claimOrder(lowestFirst) {
		due, after := c.due[p], c.after[p]
		if s.recent && due.After(recent) {
			due, after = recent, 0
		}
		s.due[n] = pgtype.Timestamptz{Time: due, Valid: true}
		if due.IsZero() {
			s.due[n] = pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
		}
		s.after[n] = after
	}
	return s
}

// claimed moves the positions past what a claim took. Where it came back short,
// dbNow is the database's time, up to which there was nothing more, and zero
// otherwise.
func (c *cursor) claimed(s scan, rows []driver.Row, dbNow, sent, done time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken = len(rows)
	for i := range rows {
		c.advance(rows[i].Priority, rows[i].Due, int64(rows[i].ID))
	}
	if !dbNow.IsZero() {
		if dbNow.Before(c.dbNow.Add(-recentWindow)) { // the database's clock was set back
			c.due, c.after = [priorities]time.Time{}, [priorities]int64{}
		}
		c.dbNow, c.at = dbNow, done
		for p := range int16(priorities) {
			c.advance(p, dbNow.Add(-recentWindow), 0)
		}
	}
	took := done.Sub(sent)
	if s.recent {
		c.recentNext = done.Add(max(recentPause, recentDuty*took))
	}
	if s.full {
		c.failing = 0
		c.fullNext = done.Add(max(fullPause, min(fullDuty*took, max(fullMost, fullMostDuty*took))))
	}
}

// expected is how many jobs the next claim is given room for: as many as the
// last one took and some more.
func (c *cursor) expected(limit int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return min(limit, c.taken+c.taken/4+8)
}

// failed has a full sweep that failed wait for as long as it took, and for longer
// each time: it may have met its deadline, since a transaction keeps the rows of
// many finished jobs, and what waits past the positions can be claimed meanwhile.
// Where another scan fails too, it is the database, and the sweep is due.
func (c *cursor) failed(s scan, sent, done time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s.full:
		c.failing = min(max(1, 2*c.failing), fullMostDuty)
		c.fullNext = done.Add(done.Sub(sent) * time.Duration(c.failing))
	case c.failing > 0:
		c.failing, c.fullNext = 0, time.Time{}
	}
}

func (c *cursor) advance(priority int16, due time.Time, id int64) {
	if due.After(c.due[priority]) || due.Equal(c.due[priority]) && id > c.after[priority] {
		c.due[priority], c.after[priority] = due, id
	}
}

// untilSweep is how long the next full sweep has to wait.
func (c *cursor) untilSweep(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.fullNext.Sub(now), time.Millisecond)
}

func (c *cursor) setBack(priority int16, due time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.due[priority].After(due) {
		c.due[priority], c.after[priority] = due, 0
	}
}

// sweepSoon makes the next claim a full sweep.
func (c *cursor) sweepSoon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fullNext = time.Time{}
}
