package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

// A Store is one process's view of a set of queues in memory. Its methods, and
// those of its queues, may be called from several goroutines at once.
type Store struct {
	*runtime.Store
	state *state
}

// state is what all Stores opened on it share.
type state struct {
	mu     sync.Mutex
	now    func() time.Time
	ids    *snowflake.Node
	queues map[string]*queue
}

// store is the state as a back end, by itself or inside a transaction.
type store struct {
	*state
	tx *Tx // nil outside
}

var _ driver.Store = store{}

// An Option changes how New makes a Store.
type Option interface{ applyTo(*state) }

type option func(*state)

func (o option) applyTo(s *state) { o(s) }

// WithClock makes now the store's clock, by which jobs become due and claims
// expire; [Clock.Now] is made for it. The default is time.Now.
func WithClock(now func() time.Time) Option { return option(func(s *state) { s.now = now }) }

// New returns an empty store that knows the catalogue's job types. The error
// is the catalogue's.
func New(catalogue *runtime.Catalogue, opts ...Option) (*Store, error) {
	ids, err := snowflake.NewNode(0)
	if err != nil {
		return nil, fmt.Errorf("open memory store: %w", err)
	}
	s := &state{now: time.Now, ids: ids, queues: make(map[string]*queue)}
	for _, opt := range opts {
		opt.applyTo(s)
	}
	return s.open(catalogue)
}

// Open returns another Store on the same queues, as a second process has it.
func (s *Store) Open(catalogue *runtime.Catalogue) (*Store, error) { return s.state.open(catalogue) }

func (s *state) open(catalogue *runtime.Catalogue) (*Store, error) {
	known, err := catalogue.Known()
	if err != nil {
		return nil, fmt.Errorf("open memory store: %w", err)
	}
	for _, known := range known {
		if known.Queue == "" {
			continue
		}
		if _, err := (store{state: s}).Queue(context.Background(), known.Queue, driver.OpenOrCreate); err != nil {
			return nil, fmt.Errorf("open memory store: make queue %q: %w", known.Queue, err)
		}
	}
	return &Store{Store: runtime.NewStore(store{state: s}, catalogue), state: s}, nil
}

// Queue implements [driver.Store].
func (s store) Queue(ctx context.Context, name string, open driver.Open) (driver.Queue, error) {
	return locked(ctx, s, func() (driver.Queue, error) {
		q := s.queues[name]
		if !q.exists(s.tx) && open != driver.OpenExisting {
			if q == nil {
				q = newQueue()
				s.queues[name] = q
			}
			if err := s.await(ctx, func() *Tx { return q.other(s.tx) }); err != nil { // which may be making it
				return nil, err
			}
		}
		exists := q.exists(s.tx)
		switch {
		case exists && open == driver.CreateNew:
			return nil, driver.ErrQueueExists
		case !exists && open == driver.OpenExisting:
			return nil, driver.ErrQueueNotFound
		case !exists:
			q.setDeleted(s.tx, false)
		}
		return access{q, s}, nil
	})
}

// Queues implements [driver.Store].
func (s store) Queues(ctx context.Context) ([]string, error) {
	return locked(ctx, s, func() ([]string, error) {
		names := make([]string, 0, len(s.queues))
		for name, q := range s.queues {
			if q.exists(s.tx) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names, nil
	})
}

// Drain implements [driver.Store].
func (s store) Drain(ctx context.Context, name string) (int64, error) {
	return locked(ctx, s, func() (n int64, err error) {
		q := access{s.queues[name], s}
		if !q.exists(s.tx) {
			return 0, driver.ErrQueueNotFound
		}
		if err := q.awaitAll(ctx); err != nil {
			return 0, err
		}
		if !q.exists(s.tx) { // any more
			return 0, driver.ErrQueueNotFound
		}
		for r := range q.visible() {
			if r.state == live {
				q.own(r).end(cancelled, s.time())
				n++
			}
		}
		q.revoke()
		return n, nil
	})
}

// Delete implements [driver.Store].
func (s store) Delete(ctx context.Context, name string) (int64, error) {
	return locked(ctx, s, func() (unfinished int64, err error) {
		q := access{s.queues[name], s}
		if !q.exists(s.tx) {
			return 0, driver.ErrQueueNotFound
		}
		if err := q.awaitAll(ctx); err != nil {
			return 0, err
		}
		if !q.exists(s.tx) { // any more
			return 0, driver.ErrQueueNotFound
		}
		for r := range q.visible() {
			if r.state == live {
				unfinished++
			}
		}
		if unfinished == 0 {
			q.setDeleted(s.tx, true)
			for r := range q.visible() {
				q.remove(r)
			}
		}
		return unfinished, nil
	})
}

// LastAnswer implements [driver.Store].
func (s store) LastAnswer() time.Time { return time.Now() }

// time is the store's time, to the microsecond as the other back ends keep it.
func (s *state) time() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// locked runs do under the store's mutex, unless ctx or the transaction has
// ended.
func locked[T any](ctx context.Context, s store, do func() (T, error)) (none T, err error) {
	if err := ctx.Err(); err != nil {
		return none, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.tx.check(s.state); err != nil {
		return none, err
	}
	return do()
}
