package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/runtime/driver"
)

// The pool is the caller's, and so are its hooks: tracers, BeforeConnect and the
// like. A hook that panics makes the statement fail that met it, and gives its
// connection back, in whatever goroutine that was.

// hookPause is how long what a hook has ended waits before it goes on.
const hookPause = time.Second

// errHookEnded is the error of a statement whose goroutine a hook has ended.
var errHookEnded = errors.New("a hook of the connection pool ended the goroutine of a statement")

// hookPanicked makes an error of a panic. It is one statement's and says nothing
// of the server.
func hookPanicked(err *error) {
	if value := recover(); value != nil {
		*err = &driver.RefusedError{Err: fmt.Errorf("a hook of the connection pool panicked: %s", textOf(value))}
	}
}

// textOf is the text of what a hook has panicked with, or its type where it cannot
// be read.
func textOf(value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a %T", value)
		}
	}()
	return fmt.Sprint(value)
}

// untilReturned calls do until it has returned, again where a hook panics in it or
// ends its goroutine.
func untilReturned(ctx context.Context, do func()) {
	for ctx.Err() == nil {
		returned := make(chan bool, 1)
		go func() {
			ok := false
			defer func() {
				_ = recover()
				returned <- ok
			}()
			do()
			ok = true
		}()
		if <-returned {
			return
		}
		select {
		case <-time.After(hookPause):
		case <-ctx.Done():
		}
	}
}

// A hookedPool runs statements on connections of a pool, which go back to it
// however the statements end.
type hookedPool struct{ pool *pgxpool.Pool }

func (p hookedPool) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return p.pool.Exec(ctx, sql, args...)
}

func (p hookedPool) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	rows := &hookedRows{conn: conn}
	defer func() {
		if rows.Rows == nil {
			conn.Release()
		}
	}()
	open, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	rows.Rows = open
	return rows, nil
}

func (p hookedPool) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := p.Query(ctx, sql, args...)
	return onlyRow{rows, err}
}

// hookedRows give their connection back once they are closed.
type hookedRows struct {
	pgx.Rows
	conn *pgxpool.Conn
}

func (r *hookedRows) Close() {
	if conn := r.conn; conn != nil {
		r.conn = nil
		defer conn.Release()
	}
	r.Rows.Close()
}

func (r *hookedRows) Next() (next bool) {
	defer func() {
		if !next {
			r.Close()
		}
	}()
	return r.Rows.Next()
}

func (r *hookedRows) Scan(dest ...any) (err error) {
	err = errHookEnded
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	return r.Rows.Scan(dest...)
}
