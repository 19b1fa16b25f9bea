package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
)

// Name returns the queue's name.
func (q *Queue) Name() string { return q.name }

// payloads decode the payloads of the queue's jobs.
func (q *Queue) payloads() payloads { return q.store.catalogue }

// Driver returns the back end's queue, for tests of back ends.
func (q *Queue) Driver() driver.Queue { return q.driver }

// Add implements [JobQueue].
func (q *Queue) Add(ctx context.Context, jobType JobType, payload any, opts ...JobOption) (snowflake.ID, error) {
	added, err := q.addOne(ctx, jobType, payload, "", opts)
	if err != nil {
		return 0, err
	}
	return added.IDs[0], nil
}

// AddBatch adds many jobs of one type in one transaction, all or none, and
// returns their ids in the order of payloads. The options apply to each job.
func (q *Queue) AddBatch(ctx context.Context, jobType JobType, payloads []any, opts ...JobOption) ([]snowflake.ID, error) {
	if len(payloads) == 0 {
		return nil, nil
	}
	if err := driver.CheckBatch(len(payloads)); err != nil {
		return nil, q.failed("add to", err)
	}
	batch, def, err := q.store.catalogue.newBatch(jobType, opts)
	if err != nil {
		return nil, q.failed("add to", err)
	}
	batch.Len = len(payloads)
	batch.Payload = func(dst []byte, i int) ([]byte, error) {
		data, err := def.encode(dst, payloads[i], q.store.catalogue.maxPayload)
		if err != nil {
			return dst, fmt.Errorf("payload %d of %d: %w", i, len(payloads), err)
		}
		return data, nil
	}
	added, err := q.driver.Add(ctx, batch)
	if err != nil {
		return nil, q.failed("add to", err)
	}
	return added.IDs, nil
}

// AddAndClaim implements [JobQueue].
func (q *Queue) AddAndClaim(ctx context.Context, jobType JobType, payload any, handlerID string, opts ...JobOption) (*Job, error) {
	if err := driver.CheckName("handler", handlerID); err != nil {
		return nil, err
	}
	sent := time.Now()
	added, err := q.addOne(ctx, jobType, payload, handlerID, opts)
	if err != nil {
		return nil, err
	}
	return q.bind(&added.Claimed[0], handlerID, sent), nil
}

// addOne adds one job, under a claim where handlerID is not empty.
func (q *Queue) addOne(ctx context.Context, jobType JobType, payload any, handlerID string, opts []JobOption) (driver.Added, error) {
	batch, def, err := q.store.catalogue.newBatch(jobType, opts)
	if err != nil {
		return driver.Added{}, q.failed("add to", err)
	}
	data, err := encodePayload(def, payload, q.store.catalogue.maxPayload)
	if err != nil {
		return driver.Added{}, q.failed("add to", err)
	}
	batch.Len, batch.Handler = 1, handlerID
	batch.Payload = func(dst []byte, _ int) ([]byte, error) {
		if dst == nil {
			return data, nil
		}
		return append(dst, data...), nil
	}
	added, err := q.driver.Add(ctx, batch)
	if err != nil {
		return driver.Added{}, q.failed("add to", err)
	}
	return added, nil
}

// failed is the error of doing something to the queue.
func (q *Queue) failed(doing string, err error) error {
	return fmt.Errorf("%s queue %q: %w", doing, q.name, err)
}

// WaitForJob implements [JobQueue].
func (q *Queue) WaitForJob(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-q.driver.Arrived():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TryClaim implements [JobQueue].
func (q *Queue) TryClaim(ctx context.Context, handlerID string) (*Job, error) {
	return q.claimOne(ctx, "claim from", handlerID, driver.FromWaiting, q.store.claims.lowestFirst(q.name))
}

// TrySteal implements [JobQueue].
func (q *Queue) TrySteal(ctx context.Context, handlerID string) (*Job, error) {
	return q.claimOne(ctx, "steal from", handlerID, driver.FromExpired, false)
}

func (q *Queue) claimOne(ctx context.Context, doing, handlerID string, from driver.ClaimFrom, lowestFirst bool) (*Job, error) {
	if err := driver.CheckName("handler", handlerID); err != nil {
		return nil, err
	}
	sent := time.Now()
	claimed, err := q.driver.Claim(ctx, driver.ClaimRequest{Handler: handlerID, From: from, Limit: 1, LowestFirst: lowestFirst})
	if err == nil && len(claimed.Rows) == 0 {
		err = ErrJobNotFound
	}
	if err != nil {
		return nil, q.failed(doing, err)
	}
	return q.bind(&claimed.Rows[0], handlerID, sent), nil
}

// bind is a row as the job that handlerID has claimed; sent is this process's
// time before the claim was sent to the store.
func (q *Queue) bind(row *driver.Row, handlerID string, sent time.Time) *Job {
	if q.store.outside != nil && !q.claimed {
		q = &Queue{name: q.name, driver: q.driver, store: q.store, claimed: true}
	}
	job := newJob(row, q.store.catalogue)
	job.AttemptsMade-- // the current one is not over
	job.JobClaim = &JobClaim{JobID: job.ID, HandlerID: handlerID, AttemptNumber: job.AttemptsMade, Queue: q}
	job.claimedAt = sent
	return &job
}

// newJob is a row as a job that nobody has claimed.
func newJob(row *driver.Row, catalogue *Catalogue) (job Job) {
	job.set(row, catalogue)
	return job
}

// set makes a new job of a row.
func (j *Job) set(row *driver.Row, catalogue *Catalogue) {
	j.ID, j.Type, j.Data, j.PayloadVersion = row.ID, JobType(row.Type.Type), row.Payload, row.Type.Version
	j.Created, j.Due, j.MaxWorkDuration, j.Priority = row.Created, row.Due, row.MaxWork, row.Priority
	j.AttemptsMade, j.AttemptsRemaining = row.Attempts, row.MaxAttempts-row.Attempts
	j.payloads = catalogue
}

// Cancel implements [JobQueue].
func (q *Queue) Cancel(ctx context.Context, jobID snowflake.ID) error {
	status, err := q.driver.Cancel(ctx, jobID)
	if err == nil && status == driver.NotFound {
		err = ErrJobNotFound
	}
	if err != nil {
		return fmt.Errorf("cancel job %d: %w", jobID, err)
	}
	return nil
}

// Complete implements [JobQueue].
func (q *Queue) Complete(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, log []byte) error {
	return q.finish(ctx, handlerID, driver.Outcome{
		Attempt: driver.Attempt{Job: jobID, Number: attemptNumber}, Kind: driver.Completed, Log: driver.CutLog(log, 0),
	})
}

// Fail implements [JobQueue].
func (q *Queue) Fail(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, reason string, log []byte) error {
	return q.finish(ctx, handlerID, driver.Outcome{
		Attempt: driver.Attempt{Job: jobID, Number: attemptNumber}, Kind: driver.Failed,
		Reason: driver.CleanReason(reason), Log: driver.CutLog(log, 0),
	})
}

// finish writes one outcome.
func (q *Queue) finish(ctx context.Context, handlerID string, o driver.Outcome) error {
	answer, err := q.finishOnce(ctx, handlerID, o)
	if err != nil {
		return err
	}
	return answer
}

// finishOnce writes one outcome. It returns the store's answer, nil where the
// outcome counts, or an error where there is none.
func (q *Queue) finishOnce(ctx context.Context, handlerID string, o driver.Outcome) (answer, err error) {
	results, err := q.driver.Finish(ctx, handlerID, []driver.Outcome{o})
	if q.claimed && errors.Is(err, driver.ErrTxEnded) {
		outside, openErr := q.store.outside.open(ctx, "get", q.name, driver.OpenExisting)
		if openErr != nil {
			return nil, fmt.Errorf("%s: %w", describe(o), openErr)
		}
		return outside.finishOnce(ctx, handlerID, o)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", describe(o), err)
	}
	return resultError(handlerID, o, results[0]), nil
}

// describe says what an outcome does to which job.
func describe(o driver.Outcome) string {
	doing := [...]string{driver.Completed: "complete", driver.Failed: "fail", driver.Released: "release"}
	return fmt.Sprintf("%s job %d", doing[o.Kind], o.Job)
}

// resultError is what became of an outcome of handlerID's attempt as an error
// that callers decide on, or nil.
func resultError(handlerID string, o driver.Outcome, r driver.Result) error {
	var err error
	switch r.Status {
	case driver.Done:
		return nil
	case driver.NotFound:
		err = ErrJobNotFound
	case driver.NotHeld:
		err = fmt.Errorf("%w: attempt %d was never handler %q's", ErrJobNotClaimed, o.Number, handlerID)
	case driver.AlreadyFailed:
		err = fmt.Errorf("%w: attempt %d has failed", ErrJobNotClaimed, o.Number)
	case driver.AlreadyEnded:
		err = fmt.Errorf("%w: attempt %d is over", ErrJobNotClaimed, o.Number)
	case driver.ClaimLost:
		err = fmt.Errorf("%w: attempt %d has lost its claim", ErrJobNotClaimed, o.Number)
	case driver.Superseded:
		err = fmt.Errorf("%w: attempt %d has completed it", ErrJobCancelled, r.By)
	default:
		err = fmt.Errorf("the store answered with the unknown status %d", r.Status)
	}
	return fmt.Errorf("%s: %w", describe(o), err)
}

// Log implements [JobQueue].
func (q *Queue) Log(ctx context.Context, jobID snowflake.ID, attemptNumber int32) (*JobLog, error) {
	log, found, err := q.driver.Log(ctx, driver.Attempt{Job: jobID, Number: attemptNumber})
	if err == nil && !found {
		err = ErrJobNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("log of job %d attempt %d: %w", jobID, attemptNumber, err)
	}
	return &JobLog{
		AttemptNumber: attemptNumber, HandlerID: log.Handler,
		Success: log.Success, FailureReason: log.Reason, Log: log.Text,
	}, nil
}
