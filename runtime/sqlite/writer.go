package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// A writer owns the connection that this process writes jobs with. It carries
// out one write after the other, and those that wait at the same time share a
// transaction, so that many callers wait for the disk together.
type writer struct {
	db   *sql.DB
	turn *turn
	now  func() time.Time
	conn *connection // of the write under way, which alone may use it

	mu      sync.Mutex
	pending []*write
	closed  bool
	added   chan struct{}
}

// A write is one caller's part of a transaction. What do has found out counts
// only once the write has come back without an error.
type write struct {
	do   func(ctx context.Context, db *sqlitedb.Queries, now time.Time) error
	err  error
	done chan struct{}
}

// maxTogether is how many writes share a transaction at most.
const maxTogether = 256

var errClosed = errors.New("the store is closed")

func newWriter(db *sql.DB, turn *turn, now func() time.Time) *writer {
	return &writer{db: db, turn: turn, now: now, added: make(chan struct{}, 1)}
}

// write carries out do and returns once it is committed. When ctx ends before
// its turn has come nothing is written; after that the answer is waited for,
// which takes as long as the disk does.
func (w *writer) write(ctx context.Context, do func(context.Context, *sqlitedb.Queries, time.Time) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	one := &write{do: do, done: make(chan struct{})}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed
	}
	w.pending = append(w.pending, one)
	w.mu.Unlock()
	w.wake()
	select {
	case <-one.done:
		return one.err
	case <-ctx.Done():
	}
	w.mu.Lock()
	if i := slices.Index(w.pending, one); i >= 0 {
		w.pending = slices.Delete(w.pending, i, i+1)
		w.mu.Unlock()
		return ctx.Err()
	}
	w.mu.Unlock()
	<-one.done
	return one.err
}

func (w *writer) wake() {
	select {
	case w.added <- struct{}{}:
	default:
	}
}

// take returns up to n writes that wait.
func (w *writer) take(n int) []*write {
	w.mu.Lock()
	defer w.mu.Unlock()
	n = min(n, len(w.pending))
	taken := slices.Clone(w.pending[:n])
	w.pending = slices.Delete(w.pending, 0, n)
	return taken
}

func (w *writer) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pending)
}

// run writes until ctx ends. What waits then is refused.
func (w *writer) run(ctx context.Context) {
	var c *connection
	defer func() {
		w.conn = nil
		w.mu.Lock()
		w.closed = true
		w.mu.Unlock()
		answer(w.take(w.waiting()), errClosed)
		c.close()
	}()
	for {
		for w.waiting() == 0 {
			select {
			case <-w.added:
			case <-ctx.Done():
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		if c == nil {
			var err error
			if c, err = connect(ctx, w.db); err != nil {
				answer(w.take(w.waiting()), err)
				continue
			}
			w.conn = c
		}
		if !w.commit(ctx, c) {
			c.close()
			c = nil
		}
	}
}

func answer(writes []*write, err error) {
	for _, one := range writes {
		if one.err == nil {
			one.err = err
		}
		close(one.done)
	}
}

// commit carries out one transaction. It reports whether the connection is
// good for another.
func (w *writer) commit(ctx context.Context, c *connection) bool {
	waited := w.waiting() // for as long as it takes to begin
	if err := w.turn.take(ctx); err != nil {
		answer(w.take(waited), err)
		return true
	}
	defer w.turn.release()
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		answer(w.take(waited), locked(err, w.turn.busy))
		return true
	}
	// From here on nobody's context counts: an interrupted statement would
	// take the others' writes with it.
	ctx = context.WithoutCancel(ctx)
	writes := w.take(maxTogether)
	err := w.carryOut(ctx, c, writes)
	if err == nil && !slices.ContainsFunc(writes, func(one *write) bool { return one.err == nil }) {
		err = errNothing
	}
	if err == nil {
		err = c.exec(ctx, "COMMIT")
	}
	good := true
	if err != nil {
		good = c.exec(ctx, "ROLLBACK") == nil || errors.Is(err, errNothing)
	}
	answer(writes, err)
	return good
}

// errNothing undoes a transaction in which every write has failed by itself.
var errNothing = errors.New("nothing to commit")

// carryOut runs the writes one after the other, each in a savepoint of its own
// so that a failing one leaves the others be. An error is the end of all.
func (w *writer) carryOut(ctx context.Context, c *connection, writes []*write) error {
	if len(writes) == 1 {
		writes[0].err = writes[0].do(ctx, c.queries, w.now())
		return nil
	}
	for _, one := range writes {
		if err := c.exec(ctx, "SAVEPOINT one"); err != nil {
			return err
		}
		if one.err = one.do(ctx, c.queries, w.now()); one.err != nil {
			if err := c.exec(ctx, "ROLLBACK TO one"); err != nil {
				return one.err // it has undone the whole transaction
			}
		}
		if err := c.exec(ctx, "RELEASE one"); err != nil {
			return err
		}
	}
	return nil
}

// locked explains an error that is another process's doing.
func locked(err error, waited time.Duration) error {
	if errors.Is(err, sqlite3.BUSY) {
		return fmt.Errorf("another process has held the file for %v: %w", waited, err)
	}
	return err
}

// A connection is one connection with its prepared statements. It is the
// DBTX of the statements that sqlc made.
type connection struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	native   *sqlite3.Stmt // of waiting
	queries  *sqlitedb.Queries
}

func connect(ctx context.Context, db *sql.DB) (*connection, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &connection{conn: conn, prepared: make(map[string]*sql.Stmt)}
	c.queries = sqlitedb.New(c)
	return c, nil
}

// close ends the connection, whatever it was doing.
func (c *connection) close() {
	if c == nil {
		return
	}
	for _, stmt := range c.prepared {
		stmt.Close()
	}
	_ = c.conn.Raw(func(any) error {
		c.native.Close()
		return driver.ErrBadConn // not to be used again
	})
	c.conn.Close()
}

func (c *connection) exec(ctx context.Context, query string) error {
	_, err := c.ExecContext(ctx, query)
	return err
}

// PrepareContext returns the statement of that text, prepared once.
func (c *connection) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := c.prepared[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := c.conn.PrepareContext(ctx, query)
	if err == nil {
		c.prepared[query] = stmt
	}
	return stmt, err
}

func (c *connection) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

func (c *connection) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (c *connection) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := c.PrepareContext(ctx, query)
	if err != nil {
		return c.conn.QueryRowContext(ctx, query, args...) // which fails alike
	}
	return stmt.QueryRowContext(ctx, args...)
}
