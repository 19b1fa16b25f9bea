package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// A Store is one process's hold on the jobs in an SQLite file. Its methods,
// and those of its queues, may be called from several goroutines at once.
// Close it when nothing uses it any more.
type Store struct{ *core }

var (
	_ runtime.JobService = (*Store)(nil)
	_ runtime.QueueAdmin = (*Store)(nil)
)

// core is what a Store shares with the services bound to transactions.
type core struct {
	file      file
	catalogue *runtime.Catalogue
	now       func() time.Time // the file's clock, which is the machine's

	writing  *sql.DB // one connection, the writer's
	watching *sql.DB // one connection, the watcher's
	reading  *sql.DB
	callers  *sql.DB // for the application

	writer  *writer
	reader  *sqlitedb.Queries
	ids     *idSource
	hubs    hubs
	watcher *watcher

	cancel    context.CancelFunc // ends the goroutines in tasks
	tasks     sync.WaitGroup
	endWriter context.CancelFunc
	writerEnd sync.WaitGroup
	closed    sync.Once
}

// Connections besides the writer's and the watcher's.
const (
	readers = 4
	// maxCallers is how many connections the application may use at once, and
	// idleCallers how many of them are kept.
	maxCallers  = 64
	idleCallers = 8
)

// Open opens the SQLite file at path, or makes it, brings its tables up to
// date and returns a Store that knows the catalogue's job types. Any number of
// processes of one machine may have the file open. The directory must be there.
func Open(ctx context.Context, path string, catalogue *runtime.Catalogue, opts ...Option) (*Store, error) {
	s, err := open(ctx, path, catalogue, time.Now, opts)
	if err != nil {
		return nil, fmt.Errorf("open sqlite store: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, path string, catalogue *runtime.Catalogue, now func() time.Time, opts []Option) (*Store, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	if err := catalogue.Err(); err != nil {
		return nil, err
	}
	f, err := locate(path, o)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c := &core{file: f, catalogue: catalogue, now: now}
	if err := c.connect(ctx); err != nil {
		c.disconnect()
		return nil, err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	writerLife, endWriter := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel, c.endWriter = cancel, endWriter
	c.writerEnd.Go(func() { c.writer.run(writerLife) })
	s := &Store{c}
	c.ids = &idSource{w: c.writer}
	if err := c.ids.take(ctx); err != nil {
		s.Close()
		return nil, err
	}
	c.tasks.Go(func() { c.ids.renew(life) })
	c.tasks.Go(func() { c.upkeep(life) })
	c.tasks.Go(func() { c.watcher.run(life) })
	return s, nil
}

func (c *core) connect(ctx context.Context) (err error) {
	if c.writing, err = c.file.pool(1, "cache_size(-8192)"); err != nil {
		return err
	}
	if err := c.file.prepare(ctx, c.writing); err != nil {
		return err
	}
	if err := migrate(ctx, c.writing, c.now()); err != nil {
		return c.file.explain(err)
	}
	if c.watching, err = c.file.pool(1, "query_only(1)", "cache_size(-64)"); err != nil {
		return err
	}
	if c.reading, err = c.file.pool(readers, "query_only(1)"); err != nil {
		return err
	}
	calling, err := c.file.connector()
	if err != nil {
		return err
	}
	turn := newTurn(c.file.busy)
	c.callers = sql.OpenDB(&turnConnector{calling, turn})
	c.callers.SetMaxOpenConns(maxCallers)
	c.callers.SetMaxIdleConns(idleCallers)
	c.writer = newWriter(c.writing, turn, c.now)
	c.reader = sqlitedb.New(newReader(c.reading))
	c.watcher = &watcher{core: c, wanted: make(chan struct{}, 1)}
	return nil
}

func (c *core) disconnect() error {
	var errs []error
	for _, db := range []*sql.DB{c.callers, c.reading, c.watching, c.writing} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Close stops what the store does in the background, gives its node number
// back and closes its connections, those of DB included. Jobs that are claimed
// stay so until their claims expire: end the workers first. Closing twice is
// nil.
func (s *Store) Close() (err error) {
	s.closed.Do(func() {
		s.cancel()
		s.tasks.Wait()
		s.ids.giveBack()
		s.endWriter()
		s.writerEnd.Wait()
		if err = s.disconnect(); err != nil {
			err = fmt.Errorf("close sqlite store: %w", err)
		}
	})
	return err
}

// DB returns connections to the file for the application's own tables, whose
// names must not begin with jobgen_. Its transactions begin as immediate ones,
// unless they are read-only, in turn with the store's writes; while one is
// open, only reading goes on beside it, and what the transaction's goroutine
// wants to write goes through the transaction or [Store.InTx]. Close closes
// them.
func (s *Store) DB() *sql.DB { return s.callers }

// InTx returns the service bound to the caller's transaction, which one of
// DB's is: what it adds, completes, fails and cancels commits with tx or
// vanishes with it. It serves until tx ends and, as tx, one goroutine at a
// time.
func (s *Store) InTx(tx *sql.Tx) runtime.JobService {
	return &boundService{store: s, db: sqlitedb.New(tx), queues: make(map[string]int64)}
}

// GetQueue returns the queue of that name, making it on first use.
func (s *Store) GetQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	if err := runtime.CheckName("queue", name); err != nil {
		return nil, err
	}
	rows, err := s.reader.QueueNumber(ctx, name)
	if err == nil && len(rows) == 0 {
		err = s.writer.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, _ time.Time) (err error) {
			rows, err = numberOf(ctx, db, name)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("get queue %q: %w", name, err)
	}
	return s.queue(name, rows[0]), nil
}

// numberOf returns the row of a queue, which it makes if it is not there.
func numberOf(ctx context.Context, db *sqlitedb.Queries, name string) ([]sqlitedb.QueueNumberRow, error) {
	if _, err := db.CreateQueue(ctx, name); err != nil {
		return nil, err
	}
	rows, err := db.QueueNumber(ctx, name)
	if err == nil && len(rows) == 0 {
		err = errors.New("it was made and is not there")
	}
	return rows, err
}

func (s *Store) queue(name string, row sqlitedb.QueueNumberRow) *storeQueue {
	return &storeQueue{queue{core: s.core, db: s.reader, name: name, number: row.Number, hub: s.hubs.get(row.Number, calls{row.Arrivals, row.Revoked})}}
}

// CreateQueue implements [runtime.QueueAdmin].
func (s *Store) CreateQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	if err := runtime.CheckName("queue", name); err != nil {
		return nil, err
	}
	var numbers []int64
	err := s.writer.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, _ time.Time) (err error) {
		numbers, err = db.CreateQueue(ctx, name)
		if err == nil && len(numbers) == 0 {
			err = runtime.ErrJobQueueAlreadyExists
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create queue %q: %w", name, err)
	}
	return s.queue(name, sqlitedb.QueueNumberRow{Number: numbers[0]}), nil
}

// LookupQueue implements [runtime.QueueAdmin].
func (s *Store) LookupQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	row, err := lookup(ctx, s.reader, name)
	if err != nil {
		return nil, fmt.Errorf("look up queue %q: %w", name, err)
	}
	return s.queue(name, row), nil
}

func lookup(ctx context.Context, db *sqlitedb.Queries, name string) (row sqlitedb.QueueNumberRow, err error) {
	if runtime.CheckName("queue", name) != nil {
		return row, runtime.ErrJobQueueNotFound // no queue can be called that
	}
	rows, err := db.QueueNumber(ctx, name)
	if err != nil {
		return row, err
	}
	if len(rows) == 0 {
		return row, runtime.ErrJobQueueNotFound
	}
	return rows[0], nil
}

// Queues implements [runtime.QueueAdmin].
func (s *Store) Queues(ctx context.Context) ([]string, error) {
	names, err := s.reader.Queues(ctx)
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	return names, nil
}

// DrainQueue implements [runtime.QueueAdmin].
func (s *Store) DrainQueue(ctx context.Context, name string) (int64, error) {
	var ids []int64
	var row sqlitedb.QueueNumberRow
	var own calls
	err := s.writer.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time) (err error) {
		if row, err = lookup(ctx, db, name); err != nil {
			return err
		}
		if ids, err = db.JobIDs(ctx, row.Number); err != nil {
			return err
		}
		if err := cancelJobs(ctx, db, row.Number, idList(ids), now); err != nil {
			return err
		}
		own.revoked, err = call(db.Revoke(ctx, row.Number))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("drain queue %q: %w", name, err)
	}
	s.queue(name, row).hub.made(own)
	return int64(len(ids)), nil
}

// DeleteQueue implements [runtime.QueueAdmin].
func (s *Store) DeleteQueue(ctx context.Context, name string) error {
	err := s.writer.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time) error {
		row, err := lookup(ctx, db, name)
		if err != nil {
			return err
		}
		stats, err := db.Stats(ctx, sqlitedb.StatsParams{Queue: row.Number, Now: now.UnixMicro()})
		if err != nil {
			return err
		}
		if unfinished := stats.Unclaimed + stats.Expired + stats.Claimed; unfinished > 0 {
			return fmt.Errorf("it holds %d unfinished jobs; drain it first", unfinished)
		}
		for _, remove := range []func(context.Context, int64) error{db.DeleteQueueEnded, db.DeleteQueueAttempts, db.DeleteQueue} {
			if err := remove(ctx, row.Number); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete queue %q: %w", name, err)
	}
	return nil
}

// A boundService is a Store inside a caller's transaction.
type boundService struct {
	store  *Store
	db     *sqlitedb.Queries
	queues map[string]int64
}

// GetQueue implements [runtime.JobService].
func (b *boundService) GetQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	if err := runtime.CheckName("queue", name); err != nil {
		return nil, err
	}
	number, ok := b.queues[name]
	if !ok {
		rows, err := b.db.QueueNumber(ctx, name)
		if err == nil && len(rows) == 0 {
			rows, err = numberOf(ctx, b.db, name)
		}
		if err != nil {
			return nil, fmt.Errorf("get queue %q: %w", name, err)
		}
		number = rows[0].Number
		b.queues[name] = number
	}
	return &boundQueue{
		queue: queue{core: b.store.core, db: b.db, name: name, number: number, bound: true},
		after: &storeQueue{queue{core: b.store.core, db: b.store.reader, name: name, number: number, hub: b.store.hubs.get(number, calls{})}},
	}, nil
}
