package main

import (
	"context"
	"fmt"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// jobgenPeer is jobgen on PostgreSQL through its generated code.
func jobgenPeer() peer {
	return peer{
		name:  "jobgen",
		about: "jobgen on PostgreSQL, generated code, 2,000 handlers, all else at its defaults",
		open: func(ctx context.Context, at place) (queue, error) {
			store, err := postgres.Open(ctx, at.dsn, jobs.Catalogue)
			if err != nil {
				return nil, fmt.Errorf("open jobgen: %w", err)
			}
			return &jobgenQueue{service: store, handlers: 2000, close: store.Close}, nil
		},
	}
}

type jobgenQueue struct {
	service  runtime.JobService
	handlers int
	close    func() error
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

func (q *jobgenQueue) Work(ctx context.Context, handlers int, handle handler) (func() error, error) {
	if handlers == 0 {
		handlers = q.handlers
	}
	mux := runtime.NewMux()
	jobs.HandleEmail(mux, func(_ context.Context, _ *runtime.Job, email jobs.EmailJob) error {
		handle(int64(email.AccountID))
		return nil
	})
	worker := runtime.NewWorker(q.service, mux, runtime.WithHandlers(handlers), runtime.WithLogger(nil),
		runtime.WithGracePeriod(time.Minute))
	run, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(run) }()
	return func() error {
		cancel()
		return <-ended
	}, nil
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
