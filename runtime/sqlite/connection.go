package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/ncruces/go-sqlite3"

	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// A connection is one connection with its prepared statements. It is the
// DBTX of the statements that sqlc made.
type connection struct {
	conn                *sql.Conn
	prepared            map[string]*sql.Stmt
	raw, rawLowestFirst *sqlite3.Stmt // of waiting
	queries             *sqlitedb.Queries
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
		c.raw.Close()
		c.rawLowestFirst.Close()
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
