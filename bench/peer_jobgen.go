package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// jobgenPeer is jobgen on PostgreSQL through its generated code, with no
// setting changed.
func jobgenPeer() peer {
	return peer{
		name:  "jobgen",
		about: "PostgreSQL, generated code, every setting at its default",
		open: func(ctx context.Context, at place) (queue, error) {
			store, err := postgres.Open(ctx, at.dsn, jobs.Catalogue)
			if err != nil {
				return nil, fmt.Errorf("open jobgen: %w", err)
			}
			q := &jobgenPostgres{dsn: at.dsn}
			q.service, q.close = store.Store, store.Close
			return q, nil
		},
	}
}

// jobgenPostgres adds what only PostgreSQL's store is asked.
type jobgenPostgres struct {
	jobgenQueue
	dsn string
}

// Idle has 16 callers wait for jobs through a store of their own, as idle
// workers of another process do.
func (q *jobgenPostgres) Idle(ctx context.Context) (func(), error) {
	store, err := postgres.Open(ctx, q.dsn, jobs.Catalogue)
	if err != nil {
		return nil, fmt.Errorf("open jobgen: %w", err)
	}
	emails, err := store.GetQueue(ctx, jobs.EmailQueue)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	run, cancel := context.WithCancel(ctx)
	var waiting sync.WaitGroup
	for range 16 {
		waiting.Go(func() {
			for emails.WaitForJob(run) == nil {
			}
		})
	}
	return func() {
		cancel()
		waiting.Wait()
		_ = store.Close() // nothing was written through it
	}, nil
}

func (q *jobgenPostgres) Finished(ctx context.Context) (n int64, err error) {
	pool, err := pgxpool.New(ctx, q.dsn)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	err = pool.QueryRow(ctx, "SELECT count(*) FROM jobgen.attempt WHERE outcome = 1").Scan(&n)
	return n, err
}

// jobgenQueue is jobgen on any back end.
type jobgenQueue struct {
	service *runtime.Store
	close   func() error
}

func payload(j job) jobs.EmailJob { return jobs.NewEmailJob(snowflake.ID(j.Seq), j.Text) }

func (q *jobgenQueue) Enqueue(ctx context.Context, j job) error {
	_, err := jobs.EnqueueEmail(ctx, q.service, payload(j))
	return err
}

func (q *jobgenQueue) EnqueueBatch(ctx context.Context, js []job) error {
	payloads := make([]jobs.EmailJob, len(js))
	for i, j := range js {
		payloads[i] = payload(j)
	}
	_, err := jobs.EnqueueEmailBatch(ctx, q.service, payloads)
	return err
}

func (q *jobgenQueue) Work(ctx context.Context, handle handler) (func() error, error) {
	mux := runtime.NewMux()
	jobs.HandleEmail(mux, func(_ context.Context, _ *runtime.Job, email jobs.EmailJob) error {
		handle(int64(email.AccountID))
		return nil
	})
	return startWorker(ctx, q.service, mux), nil
}

// startWorker starts a Worker, with no setting changed, and returns what stops
// it.
func startWorker(ctx context.Context, service runtime.JobService, mux *runtime.Mux) (stop func() error) {
	worker := runtime.NewWorker(service, mux)
	run, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(run) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// WorkSingly does one job after the other by the calls that a Worker with one
// handler makes.
func (q *jobgenQueue) WorkSingly(ctx context.Context, n int, handle handler) error {
	emails, err := q.service.Queue(ctx, jobs.EmailQueue)
	if err != nil {
		return err
	}
	const single = "single"
	request := driver.ClaimRequest{Handler: single, Types: []driver.TypeVersion{{Type: string(jobs.EmailJobType), Version: 1}}, Limit: 1}
	for done := 0; ; done++ {
		claimed, err := emails.Driver().Claim(ctx, request)
		if err != nil || done == n {
			return err
		}
		if len(claimed.Rows) != 1 {
			return fmt.Errorf("%d jobs were claimed", len(claimed.Rows))
		}
		for _, finished := range claimed.Finished {
			if finished.Status != driver.Done {
				return fmt.Errorf("a job was not completed: status %d", finished.Status)
			}
		}
		row := &claimed.Rows[0]
		j := &runtime.Job{
			ID: row.ID, Type: jobs.EmailJobType, Data: row.Payload, PayloadVersion: row.Type.Version,
			JobClaim: &runtime.JobClaim{JobID: row.ID, HandlerID: single, AttemptNumber: row.Attempts - 1, Queue: emails},
		}
		payload, err := j.Payload()
		if err != nil {
			return err
		}
		handle(int64(payload.(*jobs.EmailJob).AccountID))
		request.Finish = []driver.Outcome{{Attempt: driver.Attempt{Job: j.ID, Number: j.AttemptNumber}}}
	}
}

func (q *jobgenQueue) Remaining(ctx context.Context) (int64, error) {
	emails, err := q.service.GetQueue(ctx, jobs.EmailQueue)
	if err != nil {
		return 0, err
	}
	stats, err := emails.Stats(ctx)
	return stats.Waiting + stats.Claimed, err
}

func (q *jobgenQueue) Close() error { return q.close() }
