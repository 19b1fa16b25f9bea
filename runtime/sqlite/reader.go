package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// A reader is the reading connections with their prepared statements, as the
// statements that sqlc made need it. It may be used from several goroutines.
type reader struct {
	db *sql.DB

	mu       sync.Mutex
	prepared map[string]*sql.Stmt
}

func newReader(db *sql.DB) *reader { return &reader{db: db, prepared: make(map[string]*sql.Stmt)} }

// PrepareContext returns the statement of that text, prepared once on each
// connection. The pool closes it.
func (r *reader) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stmt := r.prepared[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := r.db.PrepareContext(ctx, query)
	if err == nil {
		r.prepared[query] = stmt
	}
	return stmt, err
}

// ExecContext is of no use here: nothing is written through a reader.
func (r *reader) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return r.db.ExecContext(ctx, query, args...)
}

func (r *reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := r.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (r *reader) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := r.PrepareContext(ctx, query)
	if err != nil {
		return r.db.QueryRowContext(ctx, query, args...) // which fails alike
	}
	return stmt.QueryRowContext(ctx, args...)
}
