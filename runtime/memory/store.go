package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/internal/wake"
)

// A Store is one process's view of a set of queues in memory. Its methods, and
// those of its queues, may be called from several goroutines at once.
type Store struct {
	state     *state
	catalogue *runtime.Catalogue
}

var (
	_ runtime.JobService = (*Store)(nil)
	_ runtime.QueueAdmin = (*Store)(nil)
)

// state is what all Stores opened on it share.
type state struct {
	mu     sync.Mutex
	now    func() time.Time
	ids    *snowflake.Node
	queues map[string]*contents
}

// contents is one queue: its records, and who wants to hear of changes.
type contents struct {
	deleted bool // until the queue is made anew
	records map[snowflake.ID]*record
	arrived *wake.One
	revoked wake.All
}

// An Option changes how New makes a Store.
type Option func(*state)

// WithClock makes now the store's clock, by which jobs become due and claims
// expire; [Clock.Now] is made for it. The default is time.Now.
func WithClock(now func() time.Time) Option { return func(s *state) { s.now = now } }

// New returns an empty store that knows the catalogue's job types. The error
// is the catalogue's.
func New(catalogue *runtime.Catalogue, opts ...Option) (*Store, error) {
	ids, err := snowflake.NewNode(0)
	if err != nil {
		return nil, fmt.Errorf("open memory store: %w", err)
	}
	s := &Store{state: &state{now: time.Now, ids: ids, queues: make(map[string]*contents)}}
	for _, opt := range opts {
		opt(s.state)
	}
	return s.Open(catalogue)
}

// Open returns another Store on the same queues, as a second process has it.
func (s *Store) Open(catalogue *runtime.Catalogue) (*Store, error) {
	if err := catalogue.Err(); err != nil {
		return nil, fmt.Errorf("open memory store: %w", err)
	}
	return &Store{state: s.state, catalogue: catalogue}, nil
}

// GetQueue returns the queue of that name, making it on first use.
func (s *Store) GetQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	queue, err := s.CreateQueue(ctx, name)
	if errors.Is(err, runtime.ErrJobQueueAlreadyExists) {
		return s.LookupQueue(ctx, name)
	}
	return queue, err
}

// CreateQueue implements [runtime.QueueAdmin].
func (s *Store) CreateQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	if err := runtime.CheckName("queue", name); err != nil {
		return nil, err
	}
	return locked(ctx, s.state, func() (runtime.JobQueue, error) {
		c := s.state.queues[name]
		switch {
		case c == nil:
			c = &contents{records: make(map[snowflake.ID]*record), arrived: wake.NewOne()}
			s.state.queues[name] = c
		case !c.deleted:
			return nil, fmt.Errorf("create queue %q: %w", name, runtime.ErrJobQueueAlreadyExists)
		}
		c.deleted = false
		return &Queue{store: s, name: name, contents: c}, nil
	})
}

// LookupQueue implements [runtime.QueueAdmin].
func (s *Store) LookupQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	return locked(ctx, s.state, func() (runtime.JobQueue, error) {
		c, err := s.state.queue("look up", name)
		if err != nil {
			return nil, err
		}
		return &Queue{store: s, name: name, contents: c}, nil
	})
}

// Queues implements [runtime.QueueAdmin].
func (s *Store) Queues(ctx context.Context) ([]string, error) {
	return locked(ctx, s.state, func() ([]string, error) {
		names := make([]string, 0, len(s.state.queues))
		for name, c := range s.state.queues {
			if !c.deleted {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names, nil
	})
}

// DrainQueue implements [runtime.QueueAdmin].
func (s *Store) DrainQueue(ctx context.Context, name string) (int64, error) {
	return locked(ctx, s.state, func() (int64, error) {
		c, err := s.state.queue("drain", name)
		if err != nil {
			return 0, err
		}
		var n int64
		for _, r := range c.records {
			if r.state == live {
				r.state = cancelled
				n++
			}
		}
		c.revoked.Wake()
		return n, nil
	})
}

// DeleteQueue implements [runtime.QueueAdmin].
func (s *Store) DeleteQueue(ctx context.Context, name string) error {
	_, err := locked(ctx, s.state, func() (struct{}, error) {
		c, err := s.state.queue("delete", name)
		if err != nil {
			return struct{}{}, err
		}
		unfinished := 0
		for _, r := range c.records {
			if r.state == live {
				unfinished++
			}
		}
		if unfinished > 0 {
			return struct{}{}, fmt.Errorf("delete queue %q: it holds %d unfinished jobs; drain it first", name, unfinished)
		}
		c.deleted = true
		clear(c.records)
		return struct{}{}, nil
	})
	return err
}

func (s *state) queue(doing, name string) (*contents, error) {
	c := s.queues[name]
	if c == nil || c.deleted {
		return nil, fmt.Errorf("%s queue %q: %w", doing, name, runtime.ErrJobQueueNotFound)
	}
	return c, nil
}

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
