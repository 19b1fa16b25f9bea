package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jobgen/jobgen/gen/jobs"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// jobgenSpread is jobgen on PostgreSQL with jobs spread evenly over several
// queues, one job type each, and several priorities. One Worker works them.
type jobgenSpread struct {
	jobgenPostgres
	defs       []*runtime.Definition // one a queue
	priorities int
}

func openSpread(queues, priorities int) func(context.Context, place) (queue, error) {
	return func(ctx context.Context, at place) (queue, error) {
		q := &jobgenSpread{priorities: priorities}
		all := make([]*runtime.Definition, queues)
		for i := range queues {
			def := runtime.Define[jobs.EmailJob](runtime.JobType(fmt.Sprintf("email-%d", i)), fmt.Sprintf("emails-%d", i), jobs.EmailJobOptions...)
			q.defs, all[i] = append(q.defs, def), def
		}
		store, err := postgres.Open(ctx, at.dsn, runtime.NewCatalogue(all...))
		if err != nil {
			return nil, fmt.Errorf("open jobgen: %w", err)
		}
		q.dsn, q.service, q.close = at.dsn, store.Store, store.Close
		return q, nil
	}
}

// share says where a job goes.
func (q *jobgenSpread) share(seq int64) (*runtime.Definition, runtime.JobOption) {
	i := int(seq) % (len(q.defs) * q.priorities)
	return q.defs[i%len(q.defs)], runtime.JobOptions.Priority(int16(i / len(q.defs)))
}

func (q *jobgenSpread) Enqueue(ctx context.Context, j job) error {
	def, priority := q.share(j.Seq)
	email := payload(j)
	_, err := runtime.Enqueue(ctx, q.service, def, &email, priority)
	return err
}

// EnqueueBatch takes a transaction for each queue and priority.
func (q *jobgenSpread) EnqueueBatch(ctx context.Context, js []job) error {
	shares := min(len(q.defs)*q.priorities, len(js))
	for first := range shares {
		var payloads []jobs.EmailJob
		for i := first; i < len(js); i += shares {
			payloads = append(payloads, payload(js[i]))
		}
		def, priority := q.share(int64(first))
		if _, err := runtime.EnqueueBatch(ctx, q.service, def, payloads, priority); err != nil {
			return err
		}
	}
	return nil
}

func (q *jobgenSpread) Work(ctx context.Context, handle handler) (func() error, error) {
	mux := runtime.NewMux()
	for _, def := range q.defs {
		mux.Handle(def, func(_ context.Context, _ *runtime.Job, email jobs.EmailJob) error {
			handle(int64(email.AccountID))
			return nil
		})
	}
	return startWorker(ctx, q.service, mux), nil
}

func (q *jobgenSpread) Remaining(ctx context.Context) (n int64, err error) {
	for _, def := range q.defs {
		one, err := q.service.GetQueue(ctx, def.Queue)
		if err != nil {
			return 0, err
		}
		stats, err := one.Stats(ctx)
		if err != nil {
			return 0, err
		}
		n += stats.Waiting + stats.Claimed
	}
	return n, nil
}

// addFuture adds jobs that are due in an hour.
func (q *jobgenPostgres) addFuture(ctx context.Context, n int) error {
	due := runtime.JobOptions.Due(time.Now().Add(time.Hour))
	_, err := jobs.EnqueueEmailBatch(ctx, q.service, make([]jobs.EmailJob, n), due)
	return err
}
