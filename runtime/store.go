package runtime

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jobgen/jobgen/runtime/driver"
)

// A Store is the jobs of a catalogue's types in one back end: the type that
// the packages runtime/postgres, runtime/sqlite and runtime/memory give to their
// users. It is a [JobService].
//
// The methods of a Store, and those of its queues, may be called from several
// goroutines at once. A Store that is bound to a transaction serves that
// transaction alone: use it only until the transaction ends and, like the
// transaction, from one goroutine at a time. After that each call returns
// [ErrTxEnded] and changes nothing.
type Store struct {
	driver    driver.Store
	catalogue *Catalogue
	claims    *claimCounts
	outside   *Store // the store that a bound one was made from; nil elsewhere
}

var _ JobService = (*Store)(nil)

// A Queue is the queue of a [Store]: a [JobQueue], with batches, dead jobs and
// further statistics. Its methods may be called from several goroutines at
// once, unless its store is bound to a transaction.
type Queue struct {
	name   string
	driver driver.Queue
	store  *Store
	// claimed is set on the queue that a claim made in a transaction goes back to:
	// once the transaction is over, it finishes the claim outside.
	claimed bool
}

var _ JobQueue = (*Queue)(nil)

// NewStore returns the store of the catalogue's job types over a back end. Back
// ends call it.
func NewStore(d driver.Store, catalogue *Catalogue) *Store {
	return &Store{driver: d, catalogue: catalogue, claims: new(claimCounts)}
}

// Bind returns a store over a back end that is bound to a transaction. What is
// claimed in the transaction is finished there, or by s once it is over. Back
// ends call it.
func (s *Store) Bind(d driver.Store) *Store {
	return &Store{driver: d, catalogue: s.catalogue, claims: s.claims, outside: s}
}

// GetQueue returns the queue of that name, making it on first use, as a
// JobQueue that is a [*Queue].
func (s *Store) GetQueue(ctx context.Context, name string) (JobQueue, error) {
	queue, err := s.open(ctx, "get", name, driver.OpenOrCreate)
	if err != nil {
		return nil, err
	}
	return queue, nil
}

// Queue returns the queue of that name, and never makes it; [ErrJobQueueNotFound]
// if it does not exist. A back end that is opened makes the queues of its
// catalogue's job types, so those exist unless they were deleted.
func (s *Store) Queue(ctx context.Context, name string) (*Queue, error) {
	if driver.CheckName("queue", name) != nil {
		return nil, fmt.Errorf("look up queue %q: %w", name, ErrJobQueueNotFound)
	}
	return s.open(ctx, "look up", name, driver.OpenExisting)
}

// CreateQueue makes a queue; [ErrJobQueueAlreadyExists] if it exists.
func (s *Store) CreateQueue(ctx context.Context, name string) (*Queue, error) {
	return s.open(ctx, "create", name, driver.CreateNew)
}

func (s *Store) open(ctx context.Context, doing, name string, open driver.Open) (*Queue, error) {
	if err := driver.CheckName("queue", name); err != nil {
		return nil, err
	}
	d, err := s.driver.Queue(ctx, name, open)
	if err != nil {
		return nil, fmt.Errorf("%s queue %q: %w", doing, name, err)
	}
	return &Queue{name: name, driver: d, store: s}, nil
}

// Queues returns the names of all queues, in byte order.
func (s *Store) Queues(ctx context.Context) ([]string, error) {
	names, err := s.driver.Queues(ctx)
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	return names, nil
}

// DrainQueue cancels all jobs of the queue and returns how many;
// [ErrJobQueueNotFound] if the queue does not exist.
func (s *Store) DrainQueue(ctx context.Context, name string) (int64, error) {
	n, err := int64(0), ErrJobQueueNotFound
	if driver.CheckName("queue", name) == nil {
		n, err = s.driver.Drain(ctx, name)
	}
	if err != nil {
		return 0, fmt.Errorf("drain queue %q: %w", name, err)
	}
	return n, nil
}

// DeleteQueue removes a queue with its dead jobs and logs;
// [ErrJobQueueNotFound] if the queue does not exist. A queue that still holds
// unfinished jobs is refused: drain it first.
func (s *Store) DeleteQueue(ctx context.Context, name string) error {
	unfinished, err := int64(0), ErrJobQueueNotFound
	if driver.CheckName("queue", name) == nil {
		unfinished, err = s.driver.Delete(ctx, name)
	}
	if err == nil && unfinished > 0 {
		err = fmt.Errorf("it holds %d unfinished jobs; drain it first", unfinished)
	}
	if err != nil {
		return fmt.Errorf("delete queue %q: %w", name, err)
	}
	return nil
}

// claimCounts counts the claims of each queue, so that one in sixteen begins
// with the lowest priority and nothing starves.
type claimCounts struct{ byQueue sync.Map } // of *atomic.Uint64

// lowestFirstEvery is how many claims of a queue there are to one that begins
// with the lowest priority.
const lowestFirstEvery = 16

func (c *claimCounts) lowestFirst(queue string) bool {
	n, ok := c.byQueue.Load(queue)
	if !ok {
		n, _ = c.byQueue.LoadOrStore(queue, new(atomic.Uint64))
	}
	return n.(*atomic.Uint64).Add(1)%lowestFirstEvery == 0
}

// Driver returns the back end, for tests of back ends and for what wraps one.
func (s *Store) Driver() driver.Store { return s.driver }
