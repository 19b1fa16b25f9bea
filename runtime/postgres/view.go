package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A view is how far this process has claimed a queue's jobs of certain types:
// a cursor per priority. A claim looks only past the cursors, so it costs the
// same however many index entries of finished jobs lie before them, also while
// a long transaction keeps vacuum from removing those.
//
// What turns up behind the cursors is found by sweeps: a near one over the
// last moments, for transactions that committed late, and a full one, which
// takes over expired claims as well. Each may take only so much of the time.
type view struct {
	types []runtime.TypeVersion

	mu       sync.Mutex
	known    []int32               // the numbers of types, in their order; nil until asked for
	due      [priorities]time.Time // zero: from the beginning
	after    [priorities]int64
	nearNext time.Time // when the next near sweep is allowed, by this process's clock
	fullNext time.Time
	failing  int       // how many times its time a failed full sweep has to wait; 0 while none fails
	dbNow    time.Time // the database's time, as known at
	at       time.Time
	always   bool // sweep with every claim
}

const (
	priorities = 10
	// nearWindow is how long the usual transaction that adds jobs may take
	// to commit without its jobs having to wait for the full sweep.
	nearWindow = 300 * time.Millisecond
	nearPause  = 20 * time.Millisecond
	nearDuty   = 15 // a near sweep is followed by 15 times its time without one
	fullPause  = time.Second
	fullDuty   = 50
	// fullMost bounds that, unless sweeps take long because a transaction keeps
	// the rows of finished jobs: then they may have a thirtieth of the time.
	fullMost    = 3 * time.Second
	fullMostFor = 30
)

// numbers returns the numbers of the view's types.
func (v *view) numbers(ctx context.Context, q *storeQueue) ([]int32, error) {
	v.mu.Lock()
	known := v.known
	v.mu.Unlock()
	if known != nil {
		return known, nil
	}
	known, err := q.types.of(ctx, q.db, v.types, true)
	if err == nil {
		v.mu.Lock()
		v.known = known
		v.mu.Unlock()
	}
	return known, err
}

// typeOf returns the type with that number, which the view has claimed.
func (v *view) typeOf(number int32) runtime.TypeVersion {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.types[slices.Index(v.known, number)]
}

// A look is one claim's way of looking.
type look struct {
	due        []pgtype.Timestamptz
	after      []int64
	near, full bool
}

// next says how the next claim is to look.
func (v *view) next(now time.Time) look {
	v.mu.Lock()
	defer v.mu.Unlock()
	l := look{due: make([]pgtype.Timestamptz, priorities), after: make([]int64, priorities)}
	switch {
	case v.always || !now.Before(v.fullNext):
		l.full = true
		v.fullNext = now.Add(fullPause) // for others, until this one is done
	case !now.Before(v.nearNext) && !v.at.IsZero():
		l.near = true
		v.nearNext = now.Add(nearPause)
	}
	near := v.dbNow.Add(now.Sub(v.at) - nearWindow)
	for p := range priorities {
		due, after := v.due[p], v.after[p]
		if l.near && due.After(near) {
			due, after = near, 0
		}
		l.due[p] = pgtype.Timestamptz{Time: due, Valid: true}
		if due.IsZero() {
			l.due[p] = pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
		}
		l.after[p] = after
	}
	return l
}

// claimed moves the cursors past what a claim took. Where it came back short,
// last is its trailer, and there was nothing more up to the database's time.
func (v *view) claimed(l look, rows []pgdb.ClaimRow, last *pgdb.ClaimRow, sent, done time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, row := range rows {
		v.advance(row.Priority, row.Due.Time, row.ID)
	}
	if last != nil {
		v.dbNow, v.at = last.Now.Time, done
		for p := range int16(priorities) {
			v.advance(p, last.Now.Time.Add(-nearWindow), 0)
		}
	}
	took := done.Sub(sent)
	if l.near {
		v.nearNext = done.Add(max(nearPause, nearDuty*took))
	}
	if l.full {
		v.failing = 0
		v.fullNext = done.Add(max(fullPause, min(fullDuty*took, max(fullMost, fullMostFor*took))))
	}
}

// failed has a full sweep that failed wait for as long as it took, and for longer
// each time: it may have met its deadline, since a transaction keeps the rows of
// many finished jobs, and what waits past the cursors can be claimed meanwhile.
// Where another look fails too, it is the database, and the sweep is due.
func (v *view) failed(l look, sent, done time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case l.full:
		v.failing = min(max(1, 2*v.failing), fullMostFor)
		v.fullNext = done.Add(done.Sub(sent) * time.Duration(v.failing))
	case v.failing > 0:
		v.failing, v.fullNext = 0, time.Time{}
	}
}

func (v *view) advance(priority int16, due time.Time, id int64) {
	if due.After(v.due[priority]) || due.Equal(v.due[priority]) && id > v.after[priority] {
		v.due[priority], v.after[priority] = due, id
	}
}

// untilSweep is how long the next full sweep has to wait.
func (v *view) untilSweep(now time.Time) time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return max(v.fullNext.Sub(now), time.Millisecond)
}

func (v *view) setBack(priority int16, due time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.due[priority].After(due) {
		v.due[priority], v.after[priority] = due, 0
	}
}

// sweepSoon makes the next claim a full sweep.
func (v *view) sweepSoon() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fullNext = time.Time{}
}
