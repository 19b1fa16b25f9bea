package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	sqlitedriver "github.com/ncruces/go-sqlite3/driver"
)

// A turn is the right to write, which this process's connections hand on in
// the order they asked for it. SQLite would do it by letting all of them try
// again and again. Other processes are still waited for in that way.
type turn struct {
	held chan struct{}
	busy time.Duration
}

func newTurn(busy time.Duration) *turn { return &turn{held: make(chan struct{}, 1), busy: busy} }

// A busyError says that the right to write could not be had in time.
type busyError struct{ waited time.Duration }

func (e *busyError) Error() string {
	return fmt.Sprintf("another transaction of this process has held the file for %v; what belongs to a transaction goes through InTx", e.waited)
}

func (t *turn) take(ctx context.Context) error {
	select {
	case t.held <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(t.busy)
	defer timer.Stop()
	select {
	case t.held <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return &busyError{t.busy}
	}
}

func (t *turn) release() { <-t.held }

// A turnConnector makes the connections of DB, whose writing transactions take
// the turn before they begin.
type turnConnector struct {
	driver.Connector
	turn *turn
}

func (c *turnConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &turnConn{Conn: conn.(sqlitedriver.Conn), turn: c.turn}, nil
}

// A turnConn is one connection of DB. database/sql lets one goroutine at a
// time use it.
type turnConn struct {
	sqlitedriver.Conn
	turn *turn
	held bool
}

var (
	_ driver.ExecerContext     = (*turnConn)(nil)
	_ driver.NamedValueChecker = (*turnConn)(nil)
)

func (c *turnConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if opts.ReadOnly {
		return c.Conn.BeginTx(ctx, opts)
	}
	if err := c.turn.take(ctx); err != nil {
		return nil, err
	}
	c.held = true
	tx, err := c.Conn.BeginTx(ctx, opts)
	if err != nil {
		c.end()
		return nil, err
	}
	return turnTx{tx, c}, nil
}

// ExecContext and CheckNamedValue are the driver's.
func (c *turnConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *turnConn) CheckNamedValue(arg *driver.NamedValue) error {
	return c.Conn.(driver.NamedValueChecker).CheckNamedValue(arg)
}

func (c *turnConn) Close() error {
	defer c.end()
	return c.Conn.Close()
}

func (c *turnConn) end() {
	if c.held {
		c.held = false
		c.turn.release()
	}
}

type turnTx struct {
	driver.Tx
	conn *turnConn
}

func (t turnTx) Commit() error {
	defer t.conn.end()
	return t.Tx.Commit()
}

func (t turnTx) Rollback() error {
	defer t.conn.end()
	return t.Tx.Rollback()
}
