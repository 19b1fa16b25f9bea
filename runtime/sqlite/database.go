package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// A database is one process's connections to the file and what it does with
// them in the background. A Store has one, which its bound stores share.
type database struct {
	file     file
	identity *identity
	now      func() time.Time // the file's clock, which is the machine's

	writing  *sql.DB // the writer's
	watching *sql.DB // one connection, the watcher's
	reading  *sql.DB
	callers  *sql.DB // for the application

	writer  *writer
	reader  *sqlitedb.Queries
	ids     *idSource
	queues  queueStates
	watcher *watcher

	cancel    context.CancelFunc // ends the goroutines in tasks
	tasks     sync.WaitGroup
	endWriter context.CancelFunc
	writerEnd sync.WaitGroup
	closing   sync.Once
	closed    atomic.Bool
}

// Connections besides the watcher's.
const (
	// writers is one, and another while it replaces the first.
	writers = 2
	readers = 4
	// maxCallers is how many connections the application may use at once, and
	// idleCallers how many of them are kept.
	maxCallers  = 64
	idleCallers = 8
)

// connect opens the file, without anything in the background.
func (d *database) connect(ctx context.Context) (err error) {
	if d.writing, err = d.pool(writers, "cache_size(-8192)"); err != nil {
		return err
	}
	if err := d.file.prepare(ctx, d.writing); err != nil {
		return err
	}
	if err := migrate(ctx, d.writing, d.now()); err != nil {
		return d.file.explain(err)
	}
	if d.identity, err = identify(d.file.path); err != nil {
		return err
	}
	if d.watching, err = d.pool(1, "query_only(1)", "cache_size(-64)"); err != nil {
		return err
	}
	if d.reading, err = d.pool(readers, "query_only(1)"); err != nil {
		return err
	}
	calling, err := d.connector()
	if err != nil {
		return err
	}
	lock := newWriteLock(d.file.busy)
	d.callers = sql.OpenDB(&lockedConnector{calling, lock, d.identity})
	d.callers.SetMaxOpenConns(maxCallers)
	d.callers.SetMaxIdleConns(idleCallers)
	d.writer = newWriter(d.writing, lock, d.identity, d.now)
	d.reader = sqlitedb.New(newReader(d.reading))
	d.watcher = newWatcher(d.watching, &d.queues)
	return nil
}

// start begins what is done in the background, and tells the file which types
// this program knows.
func (d *database) start(ctx context.Context, known []driver.KnownType) error {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	writerLife, endWriter := context.WithCancel(context.WithoutCancel(ctx))
	d.cancel, d.endWriter = cancel, endWriter
	d.writerEnd.Go(func() { d.writer.run(writerLife) })
	d.ids = &idSource{w: d.writer}
	if err := d.ids.take(ctx); err != nil {
		return err
	}
	if err := d.writer.write(ctx, func(ctx context.Context, op *operation) error { return op.introduce(ctx, known) }); err != nil {
		return fmt.Errorf("introduce the catalogue's job types: %w", err)
	}
	d.tasks.Go(func() { d.ids.renew(life) })
	d.tasks.Go(func() { d.upkeep(life) })
	d.tasks.Go(func() { d.watcher.run(life) })
	return nil
}

func (d *database) disconnect() error {
	var errs []error
	for _, db := range []*sql.DB{d.callers, d.reading, d.watching, d.writing} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// check returns why nothing can be done with the file, or nil.
func (d *database) check() error {
	if d.closed.Load() {
		return errClosed
	}
	return d.identity.check()
}

// close ends what start has begun and disconnects. Closing twice is nil.
func (d *database) close() (err error) {
	d.closing.Do(func() {
		d.closed.Store(true)
		d.cancel()
		d.tasks.Wait()
		d.ids.giveBack()
		d.endWriter()
		d.writerEnd.Wait()
		err = d.disconnect()
	})
	return err
}
