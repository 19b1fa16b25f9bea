package runtime

import (
	"context"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
)

// What the Worker still finds by type assertion, until it works on driver.Queue.

func drivenTypes(types []TypeVersion) []driver.TypeVersion {
	list := make([]driver.TypeVersion, len(types))
	for i, t := range types {
		list[i] = driver.TypeVersion{Type: string(t.Type), Version: t.Version}
	}
	return list
}

func driven(outcomes []Outcome) []driver.Outcome {
	list := make([]driver.Outcome, len(outcomes))
	for i, o := range outcomes {
		list[i] = driver.Outcome{Attempt: driver.Attempt{Job: o.JobID, Number: o.AttemptNumber}, Log: driver.CutLog(o.Log, 0)}
		if !o.Success {
			list[i].Kind, list[i].Reason, list[i].RetryIn = driver.Failed, driver.CleanReason(o.Reason), max(o.RetryIn, 0)
		}
	}
	return list
}

func (q *Queue) claimedBatch(req ClaimRequest, sent time.Time, claimed driver.Claimed) ClaimedBatch {
	jobs := make([]*Job, len(claimed.Rows))
	for i := range claimed.Rows {
		jobs[i] = q.bind(&claimed.Rows[i], req.HandlerID, sent)
	}
	return ClaimedBatch{Jobs: jobs, NextDue: claimed.NextDue}
}

func (q *Queue) ClaimBatch(ctx context.Context, req ClaimRequest) (ClaimedBatch, error) {
	_, batch, err := q.Turn(ctx, nil, req)
	return batch, err
}

func (q *Queue) Turn(ctx context.Context, outcomes []Outcome, req ClaimRequest) ([]error, ClaimedBatch, error) {
	sent, list := time.Now(), driven(outcomes)
	claimed, err := q.driver.Claim(ctx, driver.ClaimRequest{
		Handler: req.HandlerID, Types: drivenTypes(req.Types), Limit: req.Limit, Finish: list, LowestFirst: q.store.claims.lowestFirst(q.name),
	})
	var verdicts []error
	if claimed.Finished != nil || len(list) == 0 {
		verdicts = make([]error, len(list))
		for i, r := range claimed.Finished {
			verdicts[i] = resultError(req.HandlerID, list[i], r)
		}
	}
	return verdicts, q.claimedBatch(req, sent, claimed), err
}

func (q *Queue) FinishBatch(ctx context.Context, handlerID string, outcomes []Outcome) ([]error, error) {
	if len(outcomes) == 0 {
		return nil, nil
	}
	list := driven(outcomes)
	results, err := q.driver.Finish(ctx, handlerID, list)
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(list))
	for i, r := range results {
		errs[i] = resultError(handlerID, list[i], r)
	}
	return errs, nil
}

func (q *Queue) FailAndRetry(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, reason string, log []byte, retryIn time.Duration) error {
	return q.finish(ctx, handlerID, driven([]Outcome{{JobID: jobID, AttemptNumber: attemptNumber, Reason: reason, Log: log, RetryIn: retryIn}})[0])
}

func (q *Queue) Release(ctx context.Context, handlerID string, claims []ClaimRef) error {
	list := make([]driver.Outcome, len(claims))
	for i, c := range claims {
		list[i] = driver.Outcome{Attempt: driver.Attempt{Job: c.JobID, Number: c.AttemptNumber}, Kind: driver.Released}
	}
	if len(list) == 0 {
		return nil
	}
	_, err := q.driver.Finish(ctx, handlerID, list)
	return err
}

func (q *Queue) WatchClaims(ctx context.Context) <-chan struct{} { return q.driver.Revoked(ctx) }

func (q *Queue) LostClaims(ctx context.Context, handlerID string, claims []ClaimRef) ([]LostClaim, error) {
	list := make([]driver.Attempt, len(claims))
	for i, c := range claims {
		list[i] = driver.Attempt{Job: c.JobID, Number: c.AttemptNumber}
	}
	if len(list) == 0 {
		return nil, nil
	}
	lost, err := q.driver.Lost(ctx, handlerID, list)
	refs := make([]LostClaim, len(lost))
	for i, l := range lost {
		refs[i] = LostClaim{ClaimRef: ClaimRef{JobID: l.Job, AttemptNumber: l.Number}, Cause: ErrJobNotClaimed}
		if l.Cancelled {
			refs[i].Cause = ErrJobCancelled
		}
	}
	return refs, err
}

func (q *Queue) LastAnswer() time.Time { return q.store.driver.LastAnswer() }
