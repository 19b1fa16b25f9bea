package queuetest

import (
	"context"
	"sync"
	"testing"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

// A bug is one way in which a back end may be wrong, as changes to what goes
// into the calls of the reference's driver and to what comes out. Each is given
// only what it needs; nil changes nothing.
type bug struct {
	name      string
	sentences []string // behaviours that notice it
	// Whether the other two parts of the suite must notice it too. They leave
	// out what many clients at once cannot tell from bad luck.
	byModel, byConcurrency bool

	batch    func(*driver.Batch)
	added    func(w *wreck, q driver.Queue, id snowflake.ID)
	request  func(*driver.ClaimRequest)
	taken    func(w *wreck, handler string, row *driver.Row) // each row that was claimed
	nothing  func(w *wreck) *driver.Row                      // when nothing was
	outcome  func(*driver.Outcome)                           // but for releases
	finished func(w *wreck, q driver.Queue, handler string, o driver.Outcome, r driver.Result) driver.Result
	results  func([]driver.Result)
	release  func(q driver.Queue, handler string, o driver.Outcome)
	cancel   func(w *wreck, q driver.Queue, id snowflake.ID) (driver.Status, error)
	deaf     bool // nothing arrives
	blind    bool // nothing is revoked
	lost     func([]driver.Lost) []driver.Lost
	keeps    bool // a rollback commits
	leaks    bool // what is done in a transaction is done outside
	unburied bool // nothing is said of what was buried
	log      func(*driver.Log)
	stats    func(*driver.Stats)
	revive   func(attempts int32) int32
}

// A claim is what a wreck remembers of one.
type claim struct {
	handler string
	row     driver.Row
}

func (c claim) attempt() driver.Attempt {
	return driver.Attempt{Job: c.row.ID, Number: c.row.Attempts - 1}
}

// A wreck is what a bug may remember of one store.
type wreck struct {
	bug
	mu      sync.Mutex
	calls   int
	known   map[snowflake.ID]bool
	holders map[snowflake.ID]claim // the last claim of each job
	last    *driver.Row
}

func newWreck(b bug) *wreck {
	return &wreck{bug: b, known: make(map[snowflake.ID]bool), holders: make(map[snowflake.ID]claim)}
}

// every is true with each nth call.
func (w *wreck) every(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	return w.calls%n == 0
}

func (w *wreck) holder(id snowflake.ID) (claim, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.holders[id]
	return c, ok
}

// broken is a store with a bug.
type broken struct {
	memoryStore
	wreck *wreck
	inner *sync.Map // of the *runtime.Store of the reference by the broken one
}

func (s *broken) Open(t testing.TB, catalogue *runtime.Catalogue) *runtime.Store {
	inner := s.memoryStore.Open(t, catalogue)
	service := runtime.NewStore(&brokenStore{inner.Driver(), s.wreck}, catalogue)
	s.inner.Store(service, inner)
	return service
}

func (s *broken) Begin(t testing.TB, service *runtime.Store) (bound *runtime.Store, commit, rollback func() error) {
	inner, _ := s.inner.Load(service)
	in := inner.(*runtime.Store)
	bound, commit, rollback = s.memoryStore.Begin(t, in)
	if s.wreck.keeps {
		rollback = commit
	}
	if s.wreck.leaks {
		bound = in
	}
	return service.Bind(&brokenStore{bound.Driver(), s.wreck}), commit, rollback
}

type brokenStore struct {
	driver.Store
	wreck *wreck
}

func (s *brokenStore) Queue(ctx context.Context, name string, open driver.Open) (driver.Queue, error) {
	q, err := s.Store.Queue(ctx, name, open)
	if err != nil {
		return nil, err
	}
	return &brokenQueue{q, s.wreck}, nil
}

type brokenQueue struct {
	driver.Queue
	wreck *wreck
}

func (q *brokenQueue) Add(ctx context.Context, batch driver.Batch) (driver.Added, error) {
	if q.wreck.batch != nil {
		q.wreck.batch(&batch)
	}
	added, err := q.Queue.Add(ctx, batch)
	for _, id := range added.IDs {
		q.wreck.mu.Lock()
		q.wreck.known[id] = true
		q.wreck.mu.Unlock()
		if q.wreck.added != nil {
			q.wreck.added(q.wreck, q.Queue, id)
		}
	}
	q.take(batch.Handler, added.Claimed)
	return added, err
}

// take remembers claims, after what the bug does to them.
func (q *brokenQueue) take(handler string, rows []driver.Row) {
	for i := range rows {
		if q.wreck.taken != nil {
			q.wreck.taken(q.wreck, handler, &rows[i])
		}
		row := rows[i]
		q.wreck.mu.Lock()
		q.wreck.holders[row.ID], q.wreck.last = claim{handler, row}, &row
		q.wreck.mu.Unlock()
	}
}

func (q *brokenQueue) Claim(ctx context.Context, req driver.ClaimRequest) (driver.Claimed, error) {
	finished, err := q.Finish(ctx, req.Handler, req.Finish)
	if err != nil {
		return driver.Claimed{}, err
	}
	req.Finish = nil
	if q.wreck.request != nil {
		q.wreck.request(&req)
	}
	claimed, err := q.Queue.Claim(ctx, req)
	claimed.Finished = finished
	if q.wreck.unburied {
		claimed.Buried = nil
	}
	if err == nil && len(claimed.Rows) == 0 && q.wreck.nothing != nil {
		if row := q.wreck.nothing(q.wreck); row != nil {
			claimed.Rows = []driver.Row{*row}
		}
	} else {
		q.take(req.Handler, claimed.Rows)
	}
	return claimed, err
}

func (q *brokenQueue) Finish(ctx context.Context, handler string, outcomes []driver.Outcome) ([]driver.Result, error) {
	results := make([]driver.Result, len(outcomes))
	for i, o := range outcomes {
		if o.Kind == driver.Released && q.wreck.release != nil {
			q.wreck.release(q.Queue, handler, o)
			continue
		}
		if o.Kind != driver.Released && q.wreck.outcome != nil {
			q.wreck.outcome(&o)
		}
		one, err := q.Queue.Finish(ctx, handler, []driver.Outcome{o})
		if err != nil {
			return nil, err
		}
		if results[i] = one[0]; q.wreck.finished != nil {
			results[i] = q.wreck.finished(q.wreck, q.Queue, handler, o, one[0])
		}
	}
	if q.wreck.results != nil {
		q.wreck.results(results)
	}
	return results, ctx.Err()
}

func (q *brokenQueue) Cancel(ctx context.Context, id snowflake.ID) (driver.Status, error) {
	if q.wreck.cancel != nil {
		return q.wreck.cancel(q.wreck, q.Queue, id)
	}
	return q.Queue.Cancel(ctx, id)
}

func (q *brokenQueue) Arrived() <-chan struct{} {
	if q.wreck.deaf {
		return nil
	}
	return q.Queue.Arrived()
}

func (q *brokenQueue) Revoked(ctx context.Context) <-chan struct{} {
	if q.wreck.blind {
		return nil
	}
	return q.Queue.Revoked(ctx)
}

func (q *brokenQueue) Lost(ctx context.Context, handler string, attempts []driver.Attempt) ([]driver.Lost, error) {
	lost, err := q.Queue.Lost(ctx, handler, attempts)
	if q.wreck.lost != nil {
		lost = q.wreck.lost(lost)
	}
	return lost, err
}

func (q *brokenQueue) Log(ctx context.Context, of driver.Attempt) (driver.Log, bool, error) {
	log, found, err := q.Queue.Log(ctx, of)
	if found && q.wreck.log != nil {
		q.wreck.log(&log)
	}
	return log, found, err
}

func (q *brokenQueue) Stats(ctx context.Context, req driver.StatsRequest) (driver.Stats, error) {
	stats, err := q.Queue.Stats(ctx, req)
	if q.wreck.stats != nil {
		q.wreck.stats(&stats)
	}
	return stats, err
}

func (q *brokenQueue) Revive(ctx context.Context, id snowflake.ID, attempts int32) (driver.Status, error) {
	if q.wreck.revive != nil {
		attempts = q.wreck.revive(attempts)
	}
	return q.Queue.Revive(ctx, id, attempts)
}
