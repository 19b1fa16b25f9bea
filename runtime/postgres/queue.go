package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres/internal/pgdb"
)

// A queue is what the queues of a Store and of a bound service share.
type queue struct {
	*core
	db     *pgdb.Queries
	name   string
	number int32
	hub    *hub
	tx     *boundService // nil outside a caller's transaction
}

// A storeQueue is a queue outside any transaction, which a Worker works on.
type storeQueue struct{ queue }

// A boundQueue is a queue inside a caller's transaction. Once that is over, a
// claim that was made in it is finished outside.
type boundQueue struct {
	queue
	after *storeQueue
}

var (
	_ runtime.JobQueue         = (*storeQueue)(nil)
	_ runtime.BatchAdder       = (*storeQueue)(nil)
	_ runtime.BatchClaimer     = (*storeQueue)(nil)
	_ runtime.BatchFinisher    = (*storeQueue)(nil)
	_ runtime.Retrier          = (*storeQueue)(nil)
	_ runtime.Releaser         = (*storeQueue)(nil)
	_ runtime.ClaimWatcher     = (*storeQueue)(nil)
	_ runtime.DeadLetters      = (*storeQueue)(nil)
	_ runtime.LivenessReporter = (*storeQueue)(nil)

	_ runtime.JobQueue    = (*boundQueue)(nil)
	_ runtime.BatchAdder  = (*boundQueue)(nil)
	_ runtime.Retrier     = (*boundQueue)(nil)
	_ runtime.DeadLetters = (*boundQueue)(nil)
)

// Name implements [runtime.JobQueue].
func (q *queue) Name() string { return q.name }

// errGone says that the queue was deleted, by this process or another.
func (q *queue) errGone(doing string) error {
	q.queues.drop(q.name)
	return noQueue(doing, q.name)
}

// handler returns the number that stands for a handler id. Inside a
// transaction one that is new is made there, and not remembered.
func (q *queue) handler(ctx context.Context, handlerID string) (int32, error) {
	if q.tx == nil {
		return q.handlers.number(ctx, handlerID, q.db.HandlerNumber, q.db.CreateHandler)
	}
	if number, ok := q.handlers.cached(handlerID); ok {
		return number, nil
	}
	return numberOf(ctx, handlerID, q.db.HandlerNumber, q.db.CreateHandler)
}

// worker is handler for a worker, which lives and dies with this process.
func (q *storeQueue) worker(ctx context.Context, handlerID string) (int32, error) {
	if number, ok := q.workers.cached(handlerID); ok {
		return number, nil
	}
	number, err := q.db.WorkerNumber(ctx, pgdb.WorkerNumberParams{Name: handlerID, Holder: q.ids.holder})
	if err == nil {
		q.workers.put(handlerID, number)
		q.handlers.put(handlerID, number)
	}
	return number, err
}

// knownHandler is handler without making one: a handler that the database has
// never heard of holds no claims, and is number 0.
func (q *queue) knownHandler(ctx context.Context, handlerID string) (int32, error) {
	if number, ok := q.handlers.cached(handlerID); ok {
		return number, nil
	}
	numbers, err := q.db.HandlerNumber(ctx, handlerID)
	if err != nil || len(numbers) == 0 {
		return 0, err
	}
	return numbers[0], nil
}

// Add implements [runtime.JobQueue].
func (q *queue) Add(ctx context.Context, t runtime.JobType, payload any, opts ...runtime.JobOption) (snowflake.ID, error) {
	job, err := q.catalogue.NewJob(t, payload, opts...)
	if err != nil {
		return 0, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	if job.ID, err = q.ids.next(ctx); err != nil {
		return 0, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	one := &addition{queue: q.number, job: job, ctx: ctx}
	if one.jobType, err = q.typeNumber(ctx, job); err != nil {
		return 0, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	if q.tx == nil {
		err = q.adder.add(one)
	} else {
		err = sendOne(q.db, one)
	}
	if errors.Is(err, errQueueGone) {
		return 0, q.errGone("add to")
	}
	if err != nil {
		return 0, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	return job.ID, q.added(ctx, job)
}

// added tells of new jobs like job.
func (q *queue) added(ctx context.Context, job *runtime.Job) error {
	if !job.Due.IsZero() {
		q.hub.setBack(job.Priority, job.Due)
	}
	return q.tell(ctx, jobArrived)
}

// dueParam is a job's due as a parameter; null is the time of the statement.
func dueParam(due time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: due, Valid: !due.IsZero()}
}

// addClaimed stores a job under a claim of handlerID.
func (q *queue) addClaimed(ctx context.Context, self runtime.JobQueue, t runtime.JobType, payload any, handlerID string, opts []runtime.JobOption) (*runtime.Job, error) {
	if err := runtime.CheckName("handler", handlerID); err != nil {
		return nil, err
	}
	job, err := q.catalogue.NewJob(t, payload, opts...)
	if err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	handler, err := q.handler(ctx, handlerID)
	if err != nil {
		return nil, fmt.Errorf("add to queue %q: handler %q: %w", q.name, handlerID, err)
	}
	if job.ID, err = q.ids.next(ctx); err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	jobType, err := q.typeNumber(ctx, job)
	if err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	sent := time.Now()
	rows, err := q.db.AddClaimed(ctx, pgdb.AddClaimedParams{
		Queue: q.number, ID: int64(job.ID), Priority: job.Priority, Type: jobType,
		MaxAttempts: job.AttemptsRemaining, Handler: handler, Due: dueParam(job.Due), MaxWork: job.MaxWorkDuration.Microseconds(),
		Payload: string(job.Data),
	})
	if err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	if len(rows) == 0 {
		return nil, q.errGone("add to")
	}
	job.Created, job.Due = rows[0].Created.Time.UTC(), rows[0].Due.Time.UTC()
	job.AttemptsRemaining--
	return q.catalogue.BindClaim(job, self, handlerID, sent), nil
}

// AddAndClaim implements [runtime.JobQueue].
func (q *storeQueue) AddAndClaim(ctx context.Context, t runtime.JobType, payload any, handlerID string, opts ...runtime.JobOption) (*runtime.Job, error) {
	return q.addClaimed(ctx, q, t, payload, handlerID, opts)
}

// AddAndClaim implements [runtime.JobQueue].
func (q *boundQueue) AddAndClaim(ctx context.Context, t runtime.JobType, payload any, handlerID string, opts ...runtime.JobOption) (*runtime.Job, error) {
	return q.addClaimed(ctx, q, t, payload, handlerID, opts)
}

// WaitForJob implements [runtime.JobQueue].
func (q *queue) WaitForJob(ctx context.Context) error {
	if q.listener != nil {
		q.listener.start()
	}
	return q.hub.arrived.Wait(ctx)
}

// Cancel implements [runtime.JobQueue].
func (q *queue) Cancel(ctx context.Context, jobID snowflake.ID) error {
	verdict, err := again(ctx, q, func() (string, error) {
		return q.db.Cancel(ctx, pgdb.CancelParams{Queue: q.number, ID: int64(jobID)})
	})
	if err != nil {
		return fmt.Errorf("cancel job %d: %w", jobID, err)
	}
	if verdict == "unknown" {
		return fmt.Errorf("cancel job %d: %w", jobID, runtime.ErrJobNotFound)
	}
	if verdict == "revoked" {
		return q.tell(ctx, claimsRevoked)
	}
	return nil
}

// again is retry outside a transaction; inside one there is no second try.
func again[T any](ctx context.Context, q *queue, do func() (T, error)) (T, error) {
	if q.tx != nil {
		return do()
	}
	return retry(ctx, do)
}

// Log implements [runtime.JobQueue].
func (q *queue) Log(ctx context.Context, jobID snowflake.ID, attemptNumber int32) (*runtime.JobLog, error) {
	rows, err := q.db.Log(ctx, pgdb.LogParams{Queue: q.number, Job: int64(jobID), Number: attemptNumber})
	if err == nil && len(rows) == 0 {
		err = runtime.ErrJobNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("log of job %d attempt %d: %w", jobID, attemptNumber, err)
	}
	row := rows[0]
	return &runtime.JobLog{
		AttemptNumber: attemptNumber, HandlerID: row.Name,
		Success: row.Success, FailureReason: row.Reason, Log: row.Log,
	}, nil
}

// DeadJobs implements [runtime.DeadLetters].
func (q *queue) DeadJobs(ctx context.Context, after snowflake.ID, limit int) ([]*runtime.Job, error) {
	rows, err := q.db.DeadJobs(ctx, pgdb.DeadJobsParams{Queue: q.number, After: int64(after), MaxJobs: int32(min(max(limit, 0), 1<<30))})
	if err != nil {
		return nil, fmt.Errorf("dead jobs of queue %q: %w", q.name, err)
	}
	jobs := make([]*runtime.Job, len(rows))
	for i, row := range rows {
		jobs[i] = q.catalogue.Bind(&runtime.Job{
			ID: snowflake.ID(row.ID), Type: runtime.JobType(row.Name), Data: row.Payload,
			Created: row.Created.Time.UTC(), Due: row.Due.Time.UTC(), MaxWorkDuration: time.Duration(row.MaxWork) * time.Microsecond,
			AttemptsMade: row.Attempts, AttemptsRemaining: row.MaxAttempts - row.Attempts,
			Priority: row.Priority, PayloadVersion: row.Version,
		})
	}
	return jobs, nil
}

// Revive implements [runtime.DeadLetters].
func (q *queue) Revive(ctx context.Context, jobID snowflake.ID, attempts int32) error {
	err := runtime.JobMaxAttempts(attempts).Apply(&runtime.Job{})
	if err == nil {
		var revived bool
		revived, err = q.db.Revive(ctx, pgdb.ReviveParams{Queue: q.number, ID: int64(jobID), Attempts: attempts})
		if err == nil && !revived {
			err = runtime.ErrJobNotFound
		}
	}
	if err != nil {
		return fmt.Errorf("revive job %d: %w", jobID, err)
	}
	return q.tell(ctx, jobArrived)
}

// tell lets those who wait in this and other processes know what happened,
// at once or, inside a transaction, when that commits.
func (q *queue) tell(ctx context.Context, what event) error {
	if q.tx == nil {
		what.ring(q.hub)
		q.notifier.send(what, q.number)
		return nil
	}
	message := what.message(q.number, "")
	if q.tx.told[message] {
		return nil
	}
	err := q.db.Notify(ctx, pgdb.NotifyParams{Channel: q.notifier.channel, Payload: message})
	if err != nil {
		return fmt.Errorf("notify of queue %q: %w", q.name, err)
	}
	q.tx.told[message] = true
	return nil
}
