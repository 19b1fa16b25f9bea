package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A Store is one process's connection to the jobs in a PostgreSQL database.
// Its methods, and those of its queues, may be called from several goroutines
// at once. Close it when nothing uses it any more.
type Store struct {
	*core
	db      *pgdb.Queries
	ownPool bool
}

var (
	_ runtime.JobService = (*Store)(nil)
	_ runtime.QueueAdmin = (*Store)(nil)
)

// core is what a Store shares with the services bound to transactions.
type core struct {
	pool      *pgxpool.Pool
	schema    *schemaName
	catalogue *runtime.Catalogue
	ids       *idSource
	adder     *adder
	notifier  *notifier
	listener  *listener // nil without LISTEN
	hubs      hubs
	queues    interned
	handlers  interned // by their ids
	workers   interned // those of them that live and die with this process
	types     typeNumbers

	cancel context.CancelFunc // ends the goroutines in tasks
	tasks  sync.WaitGroup
	closed sync.Once
}

// Open connects to the database at dsn, a URL or keyword/value string as
// [pgxpool.ParseConfig] reads it, brings its schema up to date and returns a
// Store that knows the catalogue's job types. Close closes the connections.
func Open(ctx context.Context, dsn string, catalogue *runtime.Catalogue, opts ...Option) (*Store, error) {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("open postgres store: %w", err)
	}
	store, err := New(ctx, pool, catalogue, opts...)
	if err != nil {
		pool.Close()
		return nil, err
	}
	store.ownPool = true
	return store, nil
}

// New is Open on the caller's pool, which Close leaves open. A Store holds one
// more connection than the pool counts, for LISTEN, once somebody waits.
func New(ctx context.Context, pool *pgxpool.Pool, catalogue *runtime.Catalogue, opts ...Option) (*Store, error) {
	o, err := newOptions(opts)
	if err == nil {
		err = catalogue.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("open postgres store: %w", err)
	}
	schema := &schemaName{name: o.schema}
	if err := migratePool(ctx, pool, schema, o.migrate); err != nil {
		return nil, fmt.Errorf("open postgres store: %w", err)
	}
	c := &core{pool: pool, schema: schema, catalogue: catalogue}
	s := &Store{core: c, db: pgdb.New(inSchema{&writable{Pool: pool}, schema})}
	c.adder = &adder{db: s.db}
	c.notifier = newNotifier(s.db, channelName(o.schema))
	if c.ids, err = leaseIDs(ctx, s.db, pool, schema); err != nil {
		return nil, fmt.Errorf("open postgres store: %w", err)
	}
	c.ids.names = &registry{queues: &c.queues, handlers: &c.handlers, workers: &c.workers, types: &c.types}
	if err := c.types.open(ctx, s.db, catalogue.Versions()); err != nil {
		c.ids.giveBack()
		return nil, fmt.Errorf("open postgres store: %w", err)
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	c.tasks.Go(func() { c.ids.renew(life) })
	c.tasks.Go(func() { upkeep(life, s.db, o.retention, c.ids.names) })
	if o.listen {
		c.listener = newListener(pool, c.notifier, &c.hubs)
		c.listener.processes = c.ids.processes
	}
	return s, nil
}

// Close stops what the store does in the background, gives its node number
// back and, if Open made them, closes its connections. Jobs that are claimed
// stay so until their claims expire: end the workers first. Closing twice is
// nil.
func (s *Store) Close() error {
	s.closed.Do(func() {
		s.cancel()
		s.tasks.Wait()
		s.adder.close()
		if s.listener != nil {
			s.listener.close()
		}
		s.notifier.close()
		s.ids.giveBack()
		if s.ownPool {
			s.pool.Close()
		}
	})
	return nil
}

// InTx returns the service bound to the caller's transaction: what it adds,
// completes, fails and cancels commits with tx or vanishes with it. It serves
// until tx ends and, as tx, one goroutine at a time.
func (s *Store) InTx(tx pgx.Tx) runtime.JobService { return s.bind(tx) }

// InSQLTx is InTx for a transaction of database/sql, with the driver of pgx
// or any other for PostgreSQL.
func (s *Store) InSQLTx(tx *sql.Tx) runtime.JobService { return s.bind(sqlTx{tx}) }

func (s *Store) bind(tx pgdb.DBTX) *boundService {
	return &boundService{store: s, db: pgdb.New(inSchema{tx, s.schema}), queues: make(map[string]int32), told: make(map[string]bool)}
}

// GetQueue returns the queue of that name, making it on first use.
func (s *Store) GetQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	if err := runtime.CheckName("queue", name); err != nil {
		return nil, err
	}
	number, err := s.queues.number(ctx, name, s.db.QueueNumber, s.db.CreateQueue)
	if err != nil {
		return nil, fmt.Errorf("get queue %q: %w", name, err)
	}
	return s.queue(name, number), nil
}

func (s *Store) queue(name string, number int32) *storeQueue {
	return &storeQueue{queue: queue{core: s.core, db: s.db, name: name, number: number, hub: s.hubs.get(number)}}
}

// CreateQueue implements [runtime.QueueAdmin].
func (s *Store) CreateQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	if err := runtime.CheckName("queue", name); err != nil {
		return nil, err
	}
	numbers, err := s.db.CreateQueue(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("create queue %q: %w", name, err)
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("create queue %q: %w", name, runtime.ErrJobQueueAlreadyExists)
	}
	s.queues.put(name, numbers[0])
	return s.queue(name, numbers[0]), nil
}

// LookupQueue implements [runtime.QueueAdmin].
func (s *Store) LookupQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	number, err := s.lookup(ctx, "look up", name)
	if err != nil {
		return nil, err
	}
	return s.queue(name, number), nil
}

// lookup asks the database, since another process may have deleted the queue.
func (s *Store) lookup(ctx context.Context, doing, name string) (int32, error) {
	if runtime.CheckName("queue", name) != nil {
		return 0, noQueue(doing, name)
	}
	numbers, err := s.db.QueueNumber(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("%s queue %q: %w", doing, name, err)
	}
	if len(numbers) == 0 {
		s.queues.drop(name)
		return 0, noQueue(doing, name)
	}
	s.queues.put(name, numbers[0])
	return numbers[0], nil
}

// Queues implements [runtime.QueueAdmin].
func (s *Store) Queues(ctx context.Context) ([]string, error) {
	names, err := s.db.Queues(ctx)
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	return names, nil
}

// DrainQueue implements [runtime.QueueAdmin].
func (s *Store) DrainQueue(ctx context.Context, name string) (int64, error) {
	number, err := s.lookup(ctx, "drain", name)
	if err != nil {
		return 0, err
	}
	n, err := retry(ctx, func() (int64, error) { return s.db.DrainQueue(ctx, number) })
	if err != nil {
		return 0, fmt.Errorf("drain queue %q: %w", name, err)
	}
	s.queue(name, number).tell(ctx, claimsRevoked)
	return n, nil
}

// DeleteQueue implements [runtime.QueueAdmin].
func (s *Store) DeleteQueue(ctx context.Context, name string) error {
	if runtime.CheckName("queue", name) != nil {
		return noQueue("delete", name)
	}
	unfinished, err := lockRetry(ctx, func() (int64, error) { return s.db.DeleteQueue(ctx, name) })
	s.queues.drop(name)
	switch {
	case err != nil:
		return fmt.Errorf("delete queue %q: %w", name, err)
	case unfinished < 0:
		return noQueue("delete", name)
	case unfinished > 0:
		return fmt.Errorf("delete queue %q: it holds %d unfinished jobs; drain it first", name, unfinished)
	}
	return nil
}

// noQueue is the error of doing something to a queue that is not there, as one
// whose name no queue can have never is.
func noQueue(doing, name string) error {
	return fmt.Errorf("%s queue %q: %w", doing, name, runtime.ErrJobQueueNotFound)
}

// A boundService is a Store inside a caller's transaction.
type boundService struct {
	store  *Store
	db     *pgdb.Queries
	queues map[string]int32 // those that the transaction made, perhaps in vain
	told   map[string]bool  // notifications that will go out with the commit
}

// GetQueue implements [runtime.JobService].
func (b *boundService) GetQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	if err := runtime.CheckName("queue", name); err != nil {
		return nil, err
	}
	number, ok := b.store.queues.cached(name)
	if !ok {
		number, ok = b.queues[name]
	}
	if !ok {
		var err error
		if number, err = numberOf(ctx, name, b.db.QueueNumber, b.db.CreateQueue); err != nil {
			return nil, fmt.Errorf("get queue %q: %w", name, err)
		}
		b.queues[name] = number
	}
	return &boundQueue{
		queue: queue{core: b.store.core, db: b.db, name: name, number: number, hub: b.store.hubs.get(number), tx: b},
		after: b.store.queue(name, number),
	}, nil
}

// interned remembers the numbers that the database has given to names.
type interned struct {
	mu      sync.Mutex
	numbers map[string]int32
}

// maxInterned keeps a program that makes up names without end from
// remembering them all.
const maxInterned = 10_000

func (i *interned) cached(name string) (int32, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	number, ok := i.numbers[name]
	return number, ok
}

func (i *interned) put(name string, number int32) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.numbers == nil || len(i.numbers) >= maxInterned {
		i.numbers = make(map[string]int32)
	}
	i.numbers[name] = number
}

func (i *interned) drop(name string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.numbers, name)
}

type numbersByName = func(ctx context.Context, name string) ([]int32, error)

// number returns the number of name, which create gives it on first use.
func (i *interned) number(ctx context.Context, name string, look, create numbersByName) (int32, error) {
	if number, ok := i.cached(name); ok {
		return number, nil
	}
	number, err := numberOf(ctx, name, look, create)
	if err == nil {
		i.put(name, number)
	}
	return number, err
}

var errVanished = errors.New("it is made and deleted all the time")

func numberOf(ctx context.Context, name string, look, create numbersByName) (int32, error) {
	for range 5 { // whoever else makes it at the same time may delete it again
		for _, ask := range []numbersByName{look, create} {
			numbers, err := ask(ctx, name)
			if err != nil {
				return 0, err
			}
			if len(numbers) > 0 {
				return numbers[0], nil
			}
		}
	}
	return 0, errVanished
}
