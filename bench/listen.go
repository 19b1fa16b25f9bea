package main

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// listen keeps a connection that listens to channels and reads what comes, as
// an idle worker's does, until stop is called.
func listen(ctx context.Context, pool *pgxpool.Pool, channel string) (stop func(), err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		conn.Release()
		return nil, err
	}
	run, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer conn.Release() // closed, because its wait was cut off
		for {
			if _, err := conn.Conn().WaitForNotification(run); err != nil {
				return
			}
		}
	})
	return func() {
		cancel()
		reading.Wait()
	}, nil
}
