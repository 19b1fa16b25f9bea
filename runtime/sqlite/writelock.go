package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	sqlitedriver "github.com/ncruces/go-sqlite3/driver"
)

// A writeLock is the right to write, which this process's connections pass on
// in the order they asked for it. SQLite would do it by letting all of them try
// again and again. Other processes are still waited for in that way.
type writeLock struct {
	taken chan struct{}
	busy  time.Duration
}

func newWriteLock(busy time.Duration) *writeLock {
	return &writeLock{taken: make(chan struct{}, 1), busy: busy}
}

// A busyError says that the right to write could not be had in time.
type busyError struct{ waited time.Duration }

func (e *busyError) Error() string {
	return fmt.Sprintf("another transaction of this process has kept the file locked for %v; what belongs to a transaction goes through InTx", e.waited)
}

func (l *writeLock) acquire(ctx context.Context) error {
	select {
	case l.taken <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(l.busy)
	defer timer.Stop()
	select {
	case l.taken <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return &busyError{l.busy}
	}
}

func (l *writeLock) release() { <-l.taken }

// A lockedConnector makes the connections of DB, whose writing transactions
// acquire the lock before they begin.
type lockedConnector struct {
	driver.Connector
	lock     *writeLock
	identity *identity
}

func (c *lockedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &lockedConn{Conn: conn.(sqlitedriver.Conn), lock: c.lock, identity: c.identity}, nil
}

// A lockedConn is one connection of DB. database/sql lets one goroutine at a
// time use it.
type lockedConn struct {
	sqlitedriver.Conn
	lock     *writeLock
	identity *identity
	locked   bool
}

var (
	_ driver.ExecerContext     = (*lockedConn)(nil)
	_ driver.NamedValueChecker = (*lockedConn)(nil)
)

func (c *lockedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if opts.ReadOnly {
		return c.Conn.BeginTx(ctx, opts)
	}
	if err := c.lock.acquire(ctx); err != nil {
		return nil, err
	}
	c.locked = true
	tx, err := c.Conn.BeginTx(ctx, opts)
	if err != nil {
		c.unlock()
		return nil, err
	}
	return &lockedTx{tx, c}, nil
}

// ExecContext and CheckNamedValue are the driver's.
func (c *lockedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *lockedConn) CheckNamedValue(arg *driver.NamedValue) error {
	return c.Conn.(driver.NamedValueChecker).CheckNamedValue(arg)
}

func (c *lockedConn) Close() error {
	defer c.unlock()
	return c.Conn.Close()
}

func (c *lockedConn) unlock() {
	if c.locked {
		c.locked = false
		c.lock.release()
	}
}

// A lockedTx is a writing transaction of DB.
type lockedTx struct {
	driver.Tx
	conn *lockedConn
}

// Commit rolls back instead where the file is not the one that is open.
func (t *lockedTx) Commit() error {
	defer t.conn.unlock()
	if err := t.conn.identity.check(); err != nil {
		_ = t.Tx.Rollback() // which leaves nothing, whatever it says
		return err
	}
	return t.Tx.Commit()
}

func (t *lockedTx) Rollback() error {
	defer t.conn.unlock()
	return t.Tx.Rollback()
}
