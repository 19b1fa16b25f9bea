package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A Store is one process's connection to the jobs in a PostgreSQL database.
// Its methods, and those of its queues, may be called from several goroutines
// at once. Close it when nothing uses it any more.
type Store struct {
	*runtime.Store
	db      *database
	ownPool bool
}

// database is what a Store shares with the stores bound to transactions.
type database struct {
	server   server
	schema   *schemaName
	pooled   *pgdb.Queries
	ids      *idSource
	batcher  *insertBatcher
	notifier *notifier
	listener *listener // nil without LISTEN
	states   queueStates
	queues   interned
	handlers interned // by their ids
	workers  interned // those of them that live and die with this process
	types    typeNumbers

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
	if err != nil {
		return nil, fmt.Errorf("open postgres store: %w", err)
	}
	known, err := catalogue.Known()
	if err != nil {
		return nil, fmt.Errorf("open postgres store: %w", err)
	}
	schema := &schemaName{name: o.schema}
	if err := migratePool(ctx, pool, schema, o.migrate); err != nil {
		return nil, fmt.Errorf("open postgres store: %w", err)
	}
	d := &database{schema: schema}
	d.server.pool, d.server.back, d.server.lost = pool, d.back, make(chan struct{}, 1)
	d.pooled = d.queries(hookedPool{pool})
	d.batcher = newInsertBatcher(d.pooled)
	d.notifier = newNotifier(d.pooled, channelName(o.schema))
	if d.ids, err = leaseIDs(ctx, d); err != nil {
		return nil, fmt.Errorf("open postgres store: %w", err)
	}
	d.ids.names = &registry{queues: &d.queues, handlers: &d.handlers, workers: &d.workers, types: &d.types}
	if err := introduce(ctx, d, known); err != nil {
		d.ids.giveBack()
		return nil, fmt.Errorf("open postgres store: %w", err)
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.cancel = cancel
	d.tasks.Go(func() { untilReturned(life, func() { d.ids.renew(life) }) })
	d.tasks.Go(func() { untilReturned(life, func() { upkeep(life, d.pooled, o.retention, d.ids.names) }) })
	if o.listen {
		d.listener = newListener(d)
	}
	return &Store{Store: runtime.NewStore(&store{database: d, db: d.pooled}, catalogue), db: d}, nil
}

// queries returns the store's statements on its pool, or on a connection or a
// transaction of it.
func (d *database) queries(on pgdb.DBTX) *pgdb.Queries {
	return pgdb.New(inSchema{statements{on, &d.server}, d.schema})
}

// inTx runs do in a transaction of the store's own.
func (d *database) inTx(ctx context.Context, do func(*pgdb.Queries) error) (err error) {
	defer hookPanicked(&err)
	conn, err := d.server.pool.Acquire(ctx)
	if err != nil {
		return d.server.ended(err)
	}
	defer conn.Release()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return d.server.ended(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	if err := do(d.queries(tx)); err != nil {
		return err
	}
	return d.server.ended(tx.Commit(ctx))
}

// back wakes everybody once the server is there again, and has the connection
// looked at that listens.
func (d *database) back() {
	if d.listener != nil {
		d.listener.verify()
	}
	d.states.wakeAll()
}

// closePatience is how long Close waits for statements that are under way.
const closePatience = time.Second

// Close stops what the store does in the background, gives its node number
// back and, if Open made them, closes its connections. It returns within some
// seconds, also where the server does not answer. Jobs that are claimed stay so
// until their claims expire: end the workers first. Closing twice is nil.
func (s *Store) Close() error {
	s.db.closed.Do(func() {
		s.db.close()
		if s.ownPool {
			closePool(s.db.server.pool)
		}
	})
	return nil
}

func (d *database) close() {
	d.cancel()
	d.tasks.Wait()
	d.batcher.close()
	if d.listener != nil {
		d.listener.close()
	}
	d.notifier.close()
	d.ids.giveBack()
}

// closePool closes a pool, and waits for no longer than closePatience for
// connections that are in use or that do not answer. They are closed when their
// statements end.
func closePool(pool *pgxpool.Pool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = recover() }() // of a hook
		pool.Close()
	}()
	select {
	case <-done:
	case <-time.After(closePatience):
	}
}

// InTx returns the store bound to the caller's transaction: what it adds,
// completes, fails and cancels commits or rolls back with tx. Use it until tx
// ends and, like tx, from one goroutine at a time. Once tx is over, whatever
// ended it, every call returns an error and changes nothing. A claim that was
// made in tx is finished outside it after that.
//
// A job that is added wakes workers of other processes when tx commits, by
// NOTIFY, which PostgreSQL refuses in a transaction that is prepared for a
// two-phase commit. A store opened [WithoutListen] sends none.
func (s *Store) InTx(tx pgx.Tx) *runtime.Store { return s.bind(pgxTx{tx}) }

// InSQLTx is InTx for a transaction of database/sql, with the driver of pgx
// or any other for PostgreSQL.
func (s *Store) InSQLTx(tx *sql.Tx) *runtime.Store { return s.bind(sqlTx{tx}) }

func (s *Store) bind(tx callersTx) *runtime.Store {
	bound := &boundTx{tx: tx}
	return s.Store.Bind(&store{database: s.db, db: pgdb.New(inSchema{bound, s.db.schema}), tx: bound})
}
