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
	"github.com/jobgen/jobgen/runtime/internal/wake"
)

// A Store is one process's view of a set of queues in memory. Its methods, and
// those of its queues, may be called from several goroutines at once.
type Store struct {
	*runtime.Store
	state *state
}

// state is what all Stores opened on it share. It implements driver.Store.
type state struct {
	mu     sync.Mutex
	now    func() time.Time
	ids    *snowflake.Node
	queues map[string]*queue
}

var _ driver.Store = (*state)(nil)

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
	if err := catalogue.Err(); err != nil {
		return nil, fmt.Errorf("open memory store: %w", err)
	}
	return &Store{Store: runtime.NewStore(s, catalogue), state: s}, nil
}

// Queue implements [driver.Store].
func (s *state) Queue(ctx context.Context, name string, open driver.Open) (driver.Queue, error) {
	return locked(ctx, s, func() (driver.Queue, error) {
		q := s.queues[name]
		exists := q != nil && !q.deleted
		switch {
		case exists && open == driver.CreateNew:
			return nil, driver.ErrQueueExists
		case !exists && open == driver.OpenExisting:
			return nil, driver.ErrQueueNotFound
		case q == nil:
			q = &queue{store: s, records: make(map[snowflake.ID]*record), arrived: wake.NewOne()}
			s.queues[name] = q
		}
		q.deleted = false
		return q, nil
	})
}

// Queues implements [driver.Store].
func (s *state) Queues(ctx context.Context) ([]string, error) {
	return locked(ctx, s, func() ([]string, error) {
		names := make([]string, 0, len(s.queues))
		for name, q := range s.queues {
			if !q.deleted {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names, nil
	})
}

// Drain implements [driver.Store].
func (s *state) Drain(ctx context.Context, name string) (int64, error) {
	return locked(ctx, s, func() (int64, error) {
		q, err := s.existing(name)
		if err != nil {
			return 0, err
		}
		var n int64
		for _, r := range q.records {
			if r.state == live {
				r.state = cancelled
				n++
			}
		}
		q.revoked.Wake()
		return n, nil
	})
}

// Delete implements [driver.Store].
func (s *state) Delete(ctx context.Context, name string) (int64, error) {
	return locked(ctx, s, func() (int64, error) {
		q, err := s.existing(name)
		if err != nil {
			return 0, err
		}
		var unfinished int64
		for _, r := range q.records {
			if r.state == live {
				unfinished++
			}
		}
		if unfinished == 0 {
			q.deleted = true
			clear(q.records)
		}
		return unfinished, nil
	})
}

// LastAnswer implements [driver.Store].
func (s *state) LastAnswer() time.Time { return time.Now() }

func (s *state) existing(name string) (*queue, error) {
	q := s.queues[name]
	if q == nil || q.deleted {
		return nil, driver.ErrQueueNotFound
	}
	return q, nil
}

// time is the store's time, to the microsecond as the other back ends keep it.
func (s *state) time() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// locked runs do under the store's mutex, unless ctx has ended.
func locked[T any](ctx context.Context, s *state, do func() (T, error)) (T, error) {
	if err := ctx.Err(); err != nil {
		var none T
		return none, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return do()
}
