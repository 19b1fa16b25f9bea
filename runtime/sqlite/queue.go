package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// A queue is what the queues of a Store and of a bound service share.
type queue struct {
	*core
	db     *sqlitedb.Queries // for reading, or the caller's transaction
	name   string
	number int64
	hub    *hub // nil inside a caller's transaction, whose commit the watcher sees
	bound  bool
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
	_ runtime.JobQueue      = (*storeQueue)(nil)
	_ runtime.BatchAdder    = (*storeQueue)(nil)
	_ runtime.BatchClaimer  = (*storeQueue)(nil)
	_ runtime.BatchFinisher = (*storeQueue)(nil)
	_ runtime.Retrier       = (*storeQueue)(nil)
	_ runtime.Releaser      = (*storeQueue)(nil)
	_ runtime.ClaimWatcher  = (*storeQueue)(nil)
	_ runtime.DeadLetters   = (*storeQueue)(nil)
	_ runtime.TypeCounter   = (*storeQueue)(nil)
	_ runtime.Turner        = (*storeQueue)(nil)

	_ runtime.JobQueue    = (*boundQueue)(nil)
	_ runtime.BatchAdder  = (*boundQueue)(nil)
	_ runtime.Retrier     = (*boundQueue)(nil)
	_ runtime.DeadLetters = (*boundQueue)(nil)
)

// Name implements [runtime.JobQueue].
func (q *queue) Name() string { return q.name }

// write carries out do in a transaction, the caller's if there is one, and
// then passes on the calls that it made.
func (q *queue) write(ctx context.Context, do func(ctx context.Context, db *sqlitedb.Queries, now time.Time, own *calls) error) error {
	if q.bound {
		return do(ctx, q.db, q.now(), &calls{})
	}
	var own calls
	err := q.writer.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time) error {
		return do(ctx, db, now, &own)
	})
	if err == nil {
		q.hub.made(own)
	}
	return err
}

// call is the counter that a statement has moved, or 0 where the queue is gone.
func call(counter []int64, err error) (int64, error) {
	if err != nil || len(counter) == 0 {
		return 0, err
	}
	return counter[0], nil
}

func (q *queue) arrive(ctx context.Context, db *sqlitedb.Queries, own *calls) (err error) {
	own.arrivals, err = call(db.Arrive(ctx, q.number))
	return err
}

func (q *queue) revoke(ctx context.Context, db *sqlitedb.Queries, own *calls) (err error) {
	own.revoked, err = call(db.Revoke(ctx, q.number))
	return err
}

// arriveOrGone is arrive, but a queue that was deleted is an error.
func (q *queue) arriveOrGone(ctx context.Context, db *sqlitedb.Queries, own *calls) error {
	err := q.arrive(ctx, db, own)
	if err == nil && own.arrivals == 0 {
		err = runtime.ErrJobQueueNotFound
	}
	return err
}

// Add implements [runtime.JobQueue].
func (q *queue) Add(ctx context.Context, t runtime.JobType, payload any, opts ...runtime.JobOption) (snowflake.ID, error) {
	job, err := q.catalogue.NewJob(t, payload, opts...)
	if err == nil {
		err = q.add(ctx, job)
	}
	if err != nil {
		return 0, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	return job.ID, nil
}

func (q *queue) add(ctx context.Context, job *runtime.Job) error {
	ids, err := q.ids.next(ctx, 1)
	if err != nil {
		return err
	}
	job.ID = ids[0]
	return q.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time, own *calls) error {
		if err := q.arriveOrGone(ctx, db, own); err != nil {
			return err
		}
		if err := db.Add(ctx, q.addParams(job, now)); err != nil {
			return err
		}
		return db.AddWaiting(ctx, sqlitedb.AddWaitingParams{Queue: q.number, Priority: int64(job.Priority), Due: dueOf(job, now), Job: int64(job.ID)})
	})
}

func (q *queue) addParams(job *runtime.Job, now time.Time) sqlitedb.AddParams {
	return sqlitedb.AddParams{
		ID: int64(job.ID), Queue: q.number, Priority: int64(job.Priority), PayloadVersion: int64(job.PayloadVersion),
		MaxAttempts: int64(job.AttemptsRemaining), Created: now.UnixMicro(), Due: dueOf(job, now), MaxWork: job.MaxWorkDuration.Microseconds(),
		Type: string(job.Type), Payload: string(job.Data),
	}
}

// dueOf is when a new job is due.
func dueOf(job *runtime.Job, now time.Time) int64 {
	if job.Due.IsZero() {
		return now.UnixMicro()
	}
	return job.Due.UnixMicro()
}

// AddBatch implements [runtime.BatchAdder].
func (q *queue) AddBatch(ctx context.Context, t runtime.JobType, payloads []any, opts ...runtime.JobOption) ([]snowflake.ID, error) {
	jobs, err := q.catalogue.NewJobs(t, payloads, opts...)
	if err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	if err := ctx.Err(); err != nil || len(jobs) == 0 {
		return nil, err
	}
	ids, err := q.ids.next(ctx, len(jobs))
	if err == nil {
		for i, job := range jobs {
			job.ID = ids[i]
		}
		parts := payloadsOf(jobs)
		err = q.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time, own *calls) error {
			if err := q.arriveOrGone(ctx, db, own); err != nil {
				return err
			}
			first := jobs[0]
			for _, part := range parts {
				err := db.AddBatch(ctx, sqlitedb.AddBatchParams{
					Queue: q.number, Priority: int64(first.Priority), PayloadVersion: int64(first.PayloadVersion),
					MaxAttempts: int64(first.AttemptsRemaining), Created: now.UnixMicro(), Due: dueOf(first, now), MaxWork: first.MaxWorkDuration.Microseconds(),
					Type: string(t), Payloads: part.bytes, Spans: part.text(),
				})
				if err != nil {
					return err
				}
			}
			return db.AddBatchWaiting(ctx, sqlitedb.AddBatchWaitingParams{Queue: q.number, Priority: int64(first.Priority), Due: dueOf(first, now), Ids: idList(ids)})
		})
	}
	if err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	return ids, nil
}

// maxPart is about how many bytes of payloads go into one statement.
const maxPart = 4 << 20

// payloadsOf are the payloads of jobs as AddBatch takes them.
func payloadsOf(jobs []*runtime.Job) (parts []*spans) {
	for _, job := range jobs {
		if len(parts) == 0 || len(parts[len(parts)-1].bytes) > maxPart {
			parts = append(parts, &spans{})
		}
		parts[len(parts)-1].add(int64(job.ID), job.Data)
	}
	return parts
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
	sent := time.Now()
	ids, err := q.ids.next(ctx, 1)
	if err == nil {
		job.ID = ids[0]
		err = q.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time, own *calls) error {
			// Only to see whether the queue is there: nobody is called.
			if rows, err := db.QueueNumber(ctx, q.name); err != nil {
				return err
			} else if len(rows) == 0 || rows[0].Number != q.number {
				return runtime.ErrJobQueueNotFound
			}
			at := now.UnixMicro()
			job.Created, job.Due = timeOf(at), timeOf(dueOf(job, now))
			if err := db.Add(ctx, q.addParams(job, now)); err != nil {
				return err
			}
			expires := at + job.MaxWorkDuration.Microseconds()
			err := db.AddClaim(ctx, sqlitedb.AddClaimParams{
				Job: int64(job.ID), Queue: q.number, MaxAttempts: int64(job.AttemptsRemaining), Claimed: at, Expires: expires, Handler: handlerID,
			})
			if err != nil {
				return err
			}
			return db.ExpiresBy(ctx, sqlitedb.ExpiresByParams{Expires: expires, Queue: q.number})
		})
	}
	if err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	job.AttemptsRemaining--
	return q.catalogue.BindClaim(job, self, handlerID, sent), nil
}

// timeOf is a time as it is stored.
func timeOf(us int64) time.Time { return time.UnixMicro(us).UTC() }

// AddAndClaim implements [runtime.JobQueue].
func (q *storeQueue) AddAndClaim(ctx context.Context, t runtime.JobType, payload any, handlerID string, opts ...runtime.JobOption) (*runtime.Job, error) {
	return q.addClaimed(ctx, q, t, payload, handlerID, opts)
}

// AddAndClaim implements [runtime.JobQueue].
func (q *boundQueue) AddAndClaim(ctx context.Context, t runtime.JobType, payload any, handlerID string, opts ...runtime.JobOption) (*runtime.Job, error) {
	return q.addClaimed(ctx, q, t, payload, handlerID, opts)
}

// WaitForJob implements [runtime.JobQueue].
func (q *storeQueue) WaitForJob(ctx context.Context) error {
	q.watcher.enter()
	defer q.watcher.leave()
	return q.hub.arrived.Wait(ctx)
}

// WaitForJob implements [runtime.JobQueue].
func (q *boundQueue) WaitForJob(ctx context.Context) error { return q.after.WaitForJob(ctx) }

// Cancel implements [runtime.JobQueue].
func (q *queue) Cancel(ctx context.Context, jobID snowflake.ID) error {
	err := q.write(ctx, func(ctx context.Context, db *sqlitedb.Queries, now time.Time, own *calls) error {
		id := int64(jobID)
		jobs, err := db.Job(ctx, sqlitedb.JobParams{ID: id, Queue: q.number})
		if err != nil {
			return err
		}
		if len(jobs) > 0 {
			if err := cancelJobs(ctx, db, q.number, idList([]int64{id}), now); err != nil {
				return err
			}
			if jobs[0].Handler.Valid {
				return q.revoke(ctx, db, own)
			}
			return nil
		}
		states, err := db.EndedState(ctx, sqlitedb.EndedStateParams{ID: id, Queue: q.number})
		if err == nil && (len(states) == 0 || states[0] != stateCancelled) {
			err = runtime.ErrJobNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("cancel job %d: %w", jobID, err)
	}
	return nil
}

// States of jobs that ended without success.
const (
	stateCancelled = "cancelled"
	stateDead      = "dead"
)

// cancelJobs takes jobs out of claiming. Attempts that run stay open.
func cancelJobs(ctx context.Context, db *sqlitedb.Queries, queue int64, ids string, now time.Time) error {
	if err := db.Leave(ctx, sqlitedb.LeaveParams{Now: now.UnixMicro(), Ids: ids, Queue: queue}); err != nil {
		return err
	}
	if err := db.CountAttempts(ctx, sqlitedb.CountAttemptsParams{Ids: ids, Queue: queue}); err != nil {
		return err
	}
	if err := db.End(ctx, sqlitedb.EndParams{State: stateCancelled, Now: now.UnixMicro(), Ids: ids, Queue: queue}); err != nil {
		return err
	}
	_, err := remove(ctx, db, queue, ids)
	return err
}

// remove deletes jobs, waiting or claimed, and returns how many were claimed.
func remove(ctx context.Context, db *sqlitedb.Queries, queue int64, ids string) (claimed int64, err error) {
	if err := db.Unwait(ctx, sqlitedb.UnwaitParams{Ids: ids, Queue: queue}); err != nil {
		return 0, err
	}
	if claimed, err = db.DeleteClaims(ctx, sqlitedb.DeleteClaimsParams{Ids: ids, Queue: queue}); err != nil {
		return 0, err
	}
	return claimed, db.DeleteJobs(ctx, sqlitedb.DeleteJobsParams{Ids: ids, Queue: queue})
}

// Stats implements [runtime.JobQueue].
func (q *queue) Stats(ctx context.Context) (runtime.JobQueueStats, error) {
	row, err := q.db.Stats(ctx, sqlitedb.StatsParams{Queue: q.number, Now: q.now().UnixMicro()})
	if err != nil {
		return runtime.JobQueueStats{}, fmt.Errorf("stats of queue %q: %w", q.name, err)
	}
	return runtime.JobQueueStats{Waiting: row.Unclaimed + row.Expired, Due: row.Due, Claimed: row.Claimed}, nil
}

// StatsByType implements [runtime.TypeCounter].
func (q *queue) StatsByType(ctx context.Context, limit int64) ([]runtime.TypeStats, error) {
	if limit < 0 {
		return nil, fmt.Errorf("stats of queue %q: a limit of %d is negative", q.name, limit)
	}
	if limit == 0 {
		limit = -1 // all
	}
	rows, err := q.db.StatsByType(ctx, sqlitedb.StatsByTypeParams{Queue: q.number, Now: q.now().UnixMicro(), MaxJobs: limit})
	if err != nil {
		return nil, fmt.Errorf("stats of queue %q by type: %w", q.name, err)
	}
	counts := make([]runtime.TypeStats, len(rows))
	for i, row := range rows {
		counts[i] = runtime.TypeStats{
			TypeVersion:   runtime.TypeVersion{Type: runtime.JobType(row.Type), Version: int16(row.PayloadVersion)},
			JobQueueStats: runtime.JobQueueStats{Waiting: row.Waiting, Due: row.Due, Claimed: row.Claimed},
		}
	}
	return counts, nil
}

// Log implements [runtime.JobQueue]. A claim may end between the looks at the
// finished attempts and at the running one, hence the third.
func (q *queue) Log(ctx context.Context, jobID snowflake.ID, attemptNumber int32) (*runtime.JobLog, error) {
	log, err := q.log(ctx, int64(jobID), int64(attemptNumber))
	if err != nil {
		return nil, fmt.Errorf("log of job %d attempt %d: %w", jobID, attemptNumber, err)
	}
	return log, nil
}

func (q *queue) log(ctx context.Context, job, number int64) (*runtime.JobLog, error) {
	for range 2 {
		rows, err := q.db.Log(ctx, sqlitedb.LogParams{Job: job, Number: number, Queue: q.number})
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 {
			row := rows[0]
			return &runtime.JobLog{
				AttemptNumber: int32(number), HandlerID: row.Handler,
				Success: row.Success, FailureReason: row.Reason, Log: row.Log,
			}, nil
		}
		handlers, err := q.db.Running(ctx, sqlitedb.RunningParams{Job: job, Queue: q.number, Number: number})
		if err != nil {
			return nil, err
		}
		if len(handlers) > 0 {
			return &runtime.JobLog{AttemptNumber: int32(number), HandlerID: handlers[0]}, nil
		}
	}
	return nil, runtime.ErrJobNotFound
}
