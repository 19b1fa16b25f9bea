package queuetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

// A queue is a queue under test. What a Worker alone asks of a back end goes to
// the driver, in calls of the same shape as those that users make.
type queue struct{ *runtime.Queue }

// A claimRequest says what ClaimBatch may take.
type claimRequest struct {
	HandlerID string
	Types     []driver.TypeVersion
	Limit     int
}

// A claimedBatch is what ClaimBatch took.
type claimedBatch struct {
	Jobs    []*runtime.Job
	NextDue time.Duration
}

// A claimRef names one attempt of a job.
type claimRef struct {
	JobID         snowflake.ID
	AttemptNumber int32
}

func (r claimRef) attempt() driver.Attempt {
	return driver.Attempt{Job: r.JobID, Number: r.AttemptNumber}
}

// A lostClaim is a claim that its handler no longer holds, and why.
type lostClaim struct {
	claimRef
	Cause error
}

// An attemptEnd is how an attempt ended.
type attemptEnd struct {
	JobID         snowflake.ID
	AttemptNumber int32
	Success       bool
	Reason        string
	RetryIn       time.Duration
	Final         bool
	Log           []byte
}

func outcomes(ends []attemptEnd) []driver.Outcome {
	list := make([]driver.Outcome, len(ends))
	for i, e := range ends {
		list[i] = driver.Outcome{Attempt: driver.Attempt{Job: e.JobID, Number: e.AttemptNumber}, Log: driver.CutLog(e.Log, 0)}
		if !e.Success {
			list[i].Kind, list[i].Reason, list[i].RetryIn, list[i].Final = driver.Failed, driver.CleanReason(e.Reason), max(e.RetryIn, 0), e.Final
		}
	}
	return list
}

// answers are results as the errors that Complete and Fail return for them.
func answers(results []driver.Result) []error {
	errs := make([]error, len(results))
	for i, r := range results {
		switch r.Status {
		case driver.Done:
		case driver.NotFound:
			errs[i] = runtime.ErrJobNotFound
		case driver.Superseded:
			errs[i] = fmt.Errorf("%w by attempt %d", runtime.ErrJobCancelled, r.By)
		case driver.NotHeld, driver.AlreadyFailed, driver.AlreadyEnded, driver.ClaimLost:
			errs[i] = runtime.ErrJobNotClaimed
		default:
			errs[i] = fmt.Errorf("unknown status %d", r.Status)
		}
	}
	return errs
}

func (q queue) ClaimBatch(ctx context.Context, req claimRequest) (claimedBatch, error) {
	_, batch, err := q.FinishAndClaim(ctx, nil, req)
	return batch, err
}

func (q queue) FinishAndClaim(ctx context.Context, ends []attemptEnd, req claimRequest) ([]error, claimedBatch, error) {
	types := append([]driver.TypeVersion{}, req.Types...) // nil would be every type
	claimed, err := q.Driver().Claim(ctx, driver.ClaimRequest{Handler: req.HandlerID, Types: types, Limit: req.Limit, Finish: outcomes(ends)})
	batch := claimedBatch{NextDue: claimed.NextDue}
	for i := range claimed.Rows {
		batch.Jobs = append(batch.Jobs, q.job(&claimed.Rows[i], req.HandlerID))
	}
	return answers(claimed.Finished), batch, err
}

// job is a row that handlerID has claimed, as the job that a Worker makes of it.
func (q queue) job(row *driver.Row, handlerID string) *runtime.Job {
	made := row.Attempts - 1 // the current one is not over
	return &runtime.Job{
		ID: row.ID, Type: runtime.JobType(row.Type.Type), Data: row.Payload, PayloadVersion: row.Type.Version,
		Created: row.Created, Due: row.Due, MaxWorkDuration: row.MaxWork, Priority: row.Priority,
		AttemptsMade: made, AttemptsRemaining: row.MaxAttempts - row.Attempts,
		JobClaim: &runtime.JobClaim{JobID: row.ID, HandlerID: handlerID, AttemptNumber: made, Queue: q.Queue},
	}
}

func (q queue) FinishBatch(ctx context.Context, handlerID string, ends []attemptEnd) ([]error, error) {
	results, err := q.Driver().Finish(ctx, handlerID, outcomes(ends))
	return answers(results), err
}

func (q queue) FailAndRetry(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, reason string, log []byte, retryIn time.Duration) error {
	errs, err := q.FinishBatch(ctx, handlerID, []attemptEnd{{JobID: jobID, AttemptNumber: attemptNumber, Reason: reason, Log: log, RetryIn: retryIn}})
	if err != nil {
		return err
	}
	return errs[0]
}

func (q queue) Release(ctx context.Context, handlerID string, claims []claimRef) error {
	list := make([]driver.Outcome, len(claims))
	for i, c := range claims {
		list[i] = driver.Outcome{Attempt: c.attempt(), Kind: driver.Released}
	}
	results, err := q.Driver().Finish(ctx, handlerID, list)
	return errors.Join(append(answers(results), err)...)
}

func (q queue) WatchClaims(ctx context.Context) <-chan struct{} { return q.Driver().Revoked(ctx) }

func (q queue) LostClaims(ctx context.Context, handlerID string, claims []claimRef) ([]lostClaim, error) {
	list := make([]driver.Attempt, len(claims))
	for i, c := range claims {
		list[i] = c.attempt()
	}
	lost, err := q.Driver().Lost(ctx, handlerID, list)
	all := make([]lostClaim, len(lost))
	for i, l := range lost {
		all[i] = lostClaim{claimRef{l.Job, l.Number}, runtime.ErrJobNotClaimed}
		if l.Cancelled {
			all[i].Cause = runtime.ErrJobCancelled
		}
	}
	return all, err
}
