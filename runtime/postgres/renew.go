package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// While the server is away it is asked for at this pace, with jitter, each time
// on a connection of its own: one that was made before may be lost without
// anybody having said so. As many tries as fit into their time go on at once.
const (
	probePause = 250 * time.Millisecond
	probeTime  = time.Second
	probesMost = int(probeTime / probePause)
)

// probeWait is how long to wait before the next try.
func probeWait() time.Duration { return probePause/2 + rand.N(probePause/2) }

// renew prolongs the lease until ctx ends, every few seconds and as soon as a
// statement finds the server away. It is then the first to learn that the server
// is back.
func (s *idSource) renew(ctx context.Context) {
	for {
		select {
		case <-time.After(leaseRenew):
		case <-s.db.server.lost:
		case <-ctx.Done():
			return
		}
		for wait := time.Duration(0); ; {
			err := s.renewOnce(ctx, s.insist)
			if err != nil && ctx.Err() == nil {
				wait, err = s.renewAway(ctx, err)
			}
			if err == nil || ctx.Err() != nil {
				break
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
	}
}

// renewAway is what follows a renewal that failed: it renews the lease once the
// server is reached. With an error it says how long to wait.
func (s *idSource) renewAway(ctx context.Context, err error) (time.Duration, error) {
	if refused := (*driver.RefusedError)(nil); errors.As(err, &refused) || errors.Is(err, errNoNode) {
		return time.Second, err // it is there
	}
	s.db.server.missed()
	conn, err := s.reach(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	db := s.db.queries(conn)
	err = s.renewOnce(ctx, func(ctx context.Context, do func(context.Context, *pgdb.Queries) error) error {
		ctx, cancel := context.WithTimeout(ctx, leaseRenew/2)
		defer cancel()
		return do(ctx, db)
	})
	return probeWait(), err
}

// reach connects to a server that is away, as soon as it is there.
func (s *idSource) reach(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	var tries sync.WaitGroup
	defer tries.Wait()
	defer cancel()
	reached, slots := make(chan *pgx.Conn), make(chan struct{}, probesMost)
	try := func() {
		defer func() { <-slots }()
		defer func() { _ = recover() }() // of a hook
		limited, stop := context.WithTimeout(ctx, probeTime)
		defer stop()
		conn, err := s.connect(limited)
		if err != nil {
			return
		}
		select {
		case reached <- conn:
		case <-ctx.Done():
			conn.Close(context.WithoutCancel(ctx))
		}
	}
	for {
		select {
		case slots <- struct{}{}:
			tries.Go(try)
		default:
		}
		select {
		case conn := <-reached:
			return conn, nil
		case <-time.After(probeWait()):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// A runner runs statements on some connection.
type runner = func(ctx context.Context, do func(context.Context, *pgdb.Queries) error) error

// insist runs do on the pool or, where that has no connection to spare, on one
// of its own: a process whose handlers hold all connections is alive.
func (s *idSource) insist(ctx context.Context, do func(context.Context, *pgdb.Queries) error) error {
	try, cancel := context.WithTimeout(ctx, leaseRenew/2)
	err := do(try, s.db.pooled)
	cancel()
	if err == nil || !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return err
	}
	try, cancel = context.WithTimeout(ctx, leaseRenew)
	defer cancel()
	conn, err := s.connect(try)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(try))
	return do(try, s.db.queries(conn))
}

// connect makes a connection as the pool makes its own.
func (s *idSource) connect(ctx context.Context) (*pgx.Conn, error) {
	config := s.db.server.pool.Config()
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
			return nil, err
		}
	}
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}
