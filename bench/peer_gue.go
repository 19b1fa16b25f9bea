package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vgarvardt/gue/v5"
	"github.com/vgarvardt/gue/v5/adapter/pgxv5"
)

// guePeer is gue with a pool of 16 workers, each of which holds a transaction
// of its own while it works a job, and the shortest sensible poll: gue has no
// notifications.
func guePeer() peer {
	return peer{
		name: "gue", module: "github.com/vgarvardt/gue/v5",
		about: "16 workers, each polling every 5 ms when idle",
		slow:  16,
		open:  openGue,
	}
}

// gueSchema is the table and index of gue's own migrations/schema.sql.
const gueSchema = `
CREATE TABLE gue_jobs (
  job_id text NOT NULL PRIMARY KEY, priority smallint NOT NULL, run_at timestamptz NOT NULL,
  job_type text NOT NULL, args bytea NOT NULL, error_count integer NOT NULL DEFAULT 0,
  last_error text, queue text NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE INDEX idx_gue_jobs_selector ON gue_jobs (queue, run_at, priority);`

const (
	gueQueueName = "emails"
	gueWorkers   = 16
)

type gueQueue struct {
	pool   *pgxpool.Pool
	client *gue.Client
}

func openGue(ctx context.Context, at place) (queue, error) {
	pool, err := pgxpool.New(ctx, at.dsn)
	if err != nil {
		return nil, fmt.Errorf("open gue: %w", err)
	}
	if _, err := pool.Exec(ctx, gueSchema); err != nil {
		pool.Close()
		return nil, fmt.Errorf("make gue's table: %w", err)
	}
	client, err := gue.NewClient(pgxv5.NewConnPool(pool))
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open gue: %w", err)
	}
	return &gueQueue{pool: pool, client: client}, nil
}

func gueJob(j job) (*gue.Job, error) {
	args, err := json.Marshal(emailArgs{AccountID: j.Seq, EmailID: j.Text})
	return &gue.Job{Type: "email", Queue: gueQueueName, Args: args}, err
}

func (q *gueQueue) Enqueue(ctx context.Context, j job) error {
	g, err := gueJob(j)
	if err != nil {
		return err
	}
	return q.client.Enqueue(ctx, g)
}

// EnqueueBatch splits the jobs over several statements of one transaction,
// because one statement takes no more than 65,535 parameters.
func (q *gueQueue) EnqueueBatch(ctx context.Context, js []job) error {
	tx, err := q.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	batch := make([]*gue.Job, 0, 1000)
	for len(js) > 0 {
		n := min(len(js), cap(batch))
		batch = batch[:0]
		for _, j := range js[:n] {
			g, err := gueJob(j)
			if err != nil {
				return err
			}
			batch = append(batch, g)
		}
		if err := q.client.EnqueueBatchTx(ctx, batch, pgxv5.NewTx(tx)); err != nil {
			return err
		}
		js = js[n:]
	}
	return tx.Commit(ctx)
}

func (q *gueQueue) Work(ctx context.Context, handle handler) (func() error, error) {
	work := gue.WorkMap{"email": func(_ context.Context, g *gue.Job) error {
		var args emailArgs
		if err := json.Unmarshal(g.Args, &args); err != nil {
			return err
		}
		handle(args.AccountID)
		return nil
	}}
	// Without a context of their own, handlers lose theirs when the pool stops.
	graceful := gue.WithPoolGracefulShutdown(func() context.Context { return context.WithoutCancel(ctx) })
	pool, err := gue.NewWorkerPool(q.client, work, gueWorkers,
		gue.WithPoolQueue(gueQueueName), gue.WithPoolPollInterval(5*time.Millisecond), graceful)
	if err != nil {
		return nil, fmt.Errorf("start gue: %w", err)
	}
	run, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- pool.Run(run) }()
	return func() error {
		cancel()
		return <-ended
	}, nil
}

func (q *gueQueue) Remaining(ctx context.Context) (n int64, err error) {
	err = q.pool.QueryRow(ctx, "SELECT count(*) FROM gue_jobs").Scan(&n)
	return n, err
}

func (q *gueQueue) Close() error {
	q.pool.Close()
	return nil
}
