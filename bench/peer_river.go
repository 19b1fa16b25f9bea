package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverPeer is River with the settings that make it fastest.
func riverPeer() peer {
	config := river.Config{FetchCooldown: river.FetchCooldownMin, FetchPollInterval: 100 * time.Millisecond}
	return peer{
		name: "river", module: "github.com/riverqueue/river",
		about: "at its best: InsertManyFast, FetchCooldown 1 ms, FetchPollInterval 100 ms, 2,000 workers",
		slow:  4,
		open: func(ctx context.Context, at place) (queue, error) {
			return openRiver(ctx, at.dsn, config, 2000, true)
		},
	}
}

// riverDefaultsPeer is River as its own first example sets it up.
func riverDefaultsPeer() peer {
	return peer{
		name: "river-defaults", module: "github.com/riverqueue/river",
		about: "at its defaults: InsertMany, FetchCooldown 100 ms, FetchPollInterval 1 s, and the 100 workers of its documentation",
		slow:  80,
		open: func(ctx context.Context, at place) (queue, error) {
			return openRiver(ctx, at.dsn, river.Config{}, 100, false)
		},
	}
}

// emailArgs has the fields of jobgen's email job.
type emailArgs struct {
	AccountID int64  `json:"account_id,string"`
	EmailID   string `json:"email_id"`
}

func (emailArgs) Kind() string { return "email" }

type riverQueue struct {
	pool    *pgxpool.Pool
	config  river.Config
	workers int
	fast    bool
	insert  *river.Client[pgx.Tx]
}

func openRiver(ctx context.Context, dsn string, config river.Config, workers int, fast bool) (queue, error) {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("open river: %w", err)
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	config.Logger = quiet
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
	if err == nil {
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("migrate river: %w", err)
	}
	insert, err := river.NewClient(driver, &river.Config{Logger: quiet})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open river: %w", err)
	}
	return &riverQueue{pool: pool, config: config, workers: workers, fast: fast, insert: insert}, nil
}

func (q *riverQueue) Enqueue(ctx context.Context, j job) error {
	_, err := q.insert.Insert(ctx, emailArgs{AccountID: j.Seq, EmailID: j.Text}, nil)
	return err
}

func (q *riverQueue) EnqueueBatch(ctx context.Context, js []job) error {
	params := make([]river.InsertManyParams, len(js))
	for i, j := range js {
		params[i].Args = emailArgs{AccountID: j.Seq, EmailID: j.Text}
	}
	var err error
	if q.fast {
		_, err = q.insert.InsertManyFast(ctx, params)
	} else {
		_, err = q.insert.InsertMany(ctx, params)
	}
	return err
}

func (q *riverQueue) Work(ctx context.Context, handle handler) (func() error, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(_ context.Context, j *river.Job[emailArgs]) error {
		handle(j.Args.AccountID)
		return nil
	}))
	config := q.config
	config.Workers = workers
	config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: q.workers}}
	client, err := river.NewClient(riverpgxv5.New(q.pool), &config)
	if err != nil {
		return nil, fmt.Errorf("start river: %w", err)
	}
	if err := client.Start(ctx); err != nil {
		return nil, fmt.Errorf("start river: %w", err)
	}
	return func() error { return client.Stop(context.WithoutCancel(ctx)) }, nil
}

func (q *riverQueue) Remaining(ctx context.Context) (n int64, err error) {
	err = q.pool.QueryRow(ctx, "SELECT count(*) FROM river_job WHERE finalized_at IS NULL").Scan(&n)
	return n, err
}

// Finished counts completed jobs, which River keeps for a day.
func (q *riverQueue) Finished(ctx context.Context) (n int64, err error) {
	err = q.pool.QueryRow(ctx, "SELECT count(*) FROM river_job WHERE state = 'completed'").Scan(&n)
	return n, err
}

// Idle listens where an idle client does.
func (q *riverQueue) Idle(ctx context.Context) (func(), error) {
	return listen(ctx, q.pool, "public.river_insert")
}

func (q *riverQueue) Close() error {
	q.pool.Close()
	return nil
}
