package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A writable is a pool that is not content with connections which can only
// read. A server that was demoted, or was read-only for a while, leaves such
// connections open, and a pool would keep them for as long as an hour. One
// that was refused for that reason makes the pool close what it has and connect
// anew, once a second at most: perhaps the name leads elsewhere by now.
type writable struct {
	*pgxpool.Pool

	mu    sync.Mutex
	reset time.Time
}

const resetPause = time.Second

// answered looks at the error of a statement, and returns it.
func (w *writable) answered(err error) error {
	if err == nil || sqlState(err) != readOnlyTransaction {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.reset) > resetPause {
		w.reset = time.Now()
		w.Reset()
	}
	return err
}

func (w *writable) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	tag, err := w.Pool.Exec(ctx, sql, args...)
	return tag, w.answered(err)
}

func (w *writable) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := w.Pool.Query(ctx, sql, args...)
	return writableRows{rows, w}, w.answered(err)
}

func (w *writable) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return writableRow{w.Pool.QueryRow(ctx, sql, args...), w}
}

type writableRows struct {
	pgx.Rows
	pool *writable
}

func (r writableRows) Err() error { return r.pool.answered(r.Rows.Err()) }

type writableRow struct {
	pgx.Row
	pool *writable
}

func (r writableRow) Scan(dest ...any) error { return r.pool.answered(r.Row.Scan(dest...)) }
