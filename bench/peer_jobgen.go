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
			q.service, q.close = store, store.Close
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
	service runtime.JobService
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
	emails, err := q.service.GetQueue(ctx, jobs.EmailQueue)
	if err != nil {
		return err
	}
	turn := apart{emails}.Turn
	if turner, ok := emails.(runtime.Turner); ok {
		turn = turner.Turn
	}
	request := runtime.ClaimRequest{HandlerID: "single", Types: []runtime.TypeVersion{{Type: jobs.EmailJobType, Version: 1}}, Limit: 1}
	var outcomes []runtime.Outcome
	for done := 0; ; done++ {
		verdicts, claimed, err := turn(ctx, outcomes, request)
		if err := errors.Join(append(verdicts, err)...); err != nil || done == n {
			return err
		}
		if len(claimed.Jobs) != 1 {
			return fmt.Errorf("%d jobs were claimed", len(claimed.Jobs))
		}
		j := claimed.Jobs[0]
		payload, err := j.Payload()
		if err != nil {
			return err
		}
		handle(int64(payload.(*jobs.EmailJob).AccountID))
		outcomes = []runtime.Outcome{{JobID: j.ID, AttemptNumber: j.AttemptNumber, Success: true}}
	}
}

// apart finishes and claims on a queue that cannot do both in one call.
type apart struct{ queue runtime.JobQueue }

func (a apart) Turn(ctx context.Context, outcomes []runtime.Outcome, req runtime.ClaimRequest) (verdicts []error, claimed runtime.ClaimedBatch, err error) {
	finisher, finishes := a.queue.(runtime.BatchFinisher)
	claimer, claims := a.queue.(runtime.BatchClaimer)
	if !finishes || !claims {
		return nil, claimed, errors.New("the queue claims or finishes no batches")
	}
	if len(outcomes) > 0 {
		if verdicts, err = finisher.FinishBatch(ctx, req.HandlerID, outcomes); err != nil {
			return nil, claimed, err
		}
	}
	claimed, err = claimer.ClaimBatch(ctx, req)
	return verdicts, claimed, err
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
