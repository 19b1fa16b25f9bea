package postgres

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A server is what this process knows of whether the database serves, by how its
// statements end. The first answer after the server was away wakes whoever
// waits, and connections that can only read are replaced: a server that was
// demoted, or was read-only for a while, leaves such connections open, and a
// pool would keep them for as long as an hour. An error that says so makes the
// pool close what it has and connect anew, once a second at most: perhaps the
// name leads elsewhere by now.
type server struct {
	pool *pgxpool.Pool
	back func()        // called after the first answer of a server that was away
	lost chan struct{} // holds a value when it is noticed that the server is away

	away atomic.Bool

	mu    sync.Mutex
	since time.Time // when the server was first found away
	reset time.Time
}

const (
	resetPause = time.Second
	// connectionsLast is how long the server may be away before none of the
	// connections is trusted any more: where packets were lost, TCP takes as long
	// again to send the next, while a new connection serves at once.
	connectionsLast = time.Second
)

// ended looks at how a statement ended, and returns its error for the caller.
func (s *server) ended(err error) error {
	if err == nil || errors.Is(err, pgx.ErrNoRows) {
		s.answered()
		return err
	}
	if _, known := err.(*driver.RefusedError); known {
		return err
	}
	switch state := sqlState(err); {
	case state == readOnlyTransaction:
		s.missed()
		s.mu.Lock()
		defer s.mu.Unlock()
		if time.Since(s.reset) > resetPause {
			s.reset = time.Now()
			s.pool.Reset()
		}
	case state != "" && !away(state):
		s.answered()
	case !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
		s.missed()
	}
	return classify(err)
}

// missed notes that the server did not serve.
func (s *server) missed() {
	if s.away.Swap(true) {
		return
	}
	s.mu.Lock()
	s.since = time.Now()
	s.mu.Unlock()
	select {
	case s.lost <- struct{}{}:
	default:
	}
}

// answered notes that the server serves. Whatever happened while it was away went
// by unnoticed.
func (s *server) answered() {
	if !s.away.Load() || !s.away.CompareAndSwap(true, false) {
		return
	}
	s.mu.Lock()
	long := time.Since(s.since) > connectionsLast
	s.mu.Unlock()
	if long {
		s.pool.Reset()
	}
	s.back()
}

// statements runs statements on the store's pool, or one of its connections or
// transactions. What they end with is noted, and becomes an error as package
// driver describes.
type statements struct {
	on     pgdb.DBTX
	server *server
}

func (s statements) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	tag, err := s.exec(ctx, sql, args)
	return tag, s.server.ended(err)
}

func (s statements) exec(ctx context.Context, sql string, args []any) (tag pgconn.CommandTag, err error) {
	defer hookPanicked(&err)
	return s.on.Exec(ctx, sql, args...)
}

func (s statements) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := s.query(ctx, sql, args)
	if err != nil {
		return rows, s.server.ended(err)
	}
	return &endedRows{Rows: rows, server: s.server}, nil
}

func (s statements) query(ctx context.Context, sql string, args []any) (rows pgx.Rows, err error) {
	defer hookPanicked(&err)
	return s.on.Query(ctx, sql, args...)
}

func (s statements) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := s.Query(ctx, sql, args...)
	return onlyRow{rows, err}
}

// endedRows are the rows of a statement, whose error is looked at.
type endedRows struct {
	pgx.Rows
	server *server
	err    error // a hook's
}

func (r *endedRows) Next() bool {
	defer hookPanicked(&r.err)
	return r.Rows.Next()
}

func (r *endedRows) Scan(dest ...any) (err error) {
	defer hookPanicked(&err)
	return r.Rows.Scan(dest...)
}

func (r *endedRows) Close() {
	defer hookPanicked(&r.err)
	r.Rows.Close()
}

func (r *endedRows) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.server.ended(r.Rows.Err())
}
