package memory

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
)

// A Queue is one process's view of a queue of a [Store].
type Queue struct {
	*contents
	store *Store
	name  string
}

var (
	_ runtime.JobQueue      = (*Queue)(nil)
	_ runtime.BatchAdder    = (*Queue)(nil)
	_ runtime.BatchClaimer  = (*Queue)(nil)
	_ runtime.BatchFinisher = (*Queue)(nil)
	_ runtime.Retrier       = (*Queue)(nil)
	_ runtime.Releaser      = (*Queue)(nil)
	_ runtime.ClaimWatcher  = (*Queue)(nil)
	_ runtime.DeadLetters   = (*Queue)(nil)
	_ runtime.TypeCounter   = (*Queue)(nil)
	_ runtime.Turner        = (*Queue)(nil)
)

// Name implements [runtime.JobQueue].
func (q *Queue) Name() string { return q.name }

// now is the store's time, to the microsecond as the other back ends keep it.
func (q *Queue) now() time.Time { return q.store.state.now().UTC().Truncate(time.Microsecond) }

// Add implements [runtime.JobQueue].
func (q *Queue) Add(ctx context.Context, t runtime.JobType, payload any, opts ...runtime.JobOption) (snowflake.ID, error) {
	ids, err := q.AddBatch(ctx, t, []any{payload}, opts...)
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// AddBatch implements [runtime.BatchAdder].
func (q *Queue) AddBatch(ctx context.Context, t runtime.JobType, payloads []any, opts ...runtime.JobOption) ([]snowflake.ID, error) {
	jobs, err := q.store.catalogue.NewJobs(t, payloads, opts...)
	if err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	return locked(ctx, q.store.state, func() ([]snowflake.ID, error) {
		if _, err := q.store.state.queue("add to", q.name); err != nil && len(jobs) > 0 {
			return nil, err
		}
		ids := make([]snowflake.ID, len(jobs))
		for i, job := range jobs {
			ids[i] = q.insert(job).job.ID
		}
		if len(ids) > 0 {
			q.arrived.Wake()
		}
		return ids, nil
	})
}

// AddAndClaim implements [runtime.JobQueue].
func (q *Queue) AddAndClaim(ctx context.Context, t runtime.JobType, payload any, handlerID string, opts ...runtime.JobOption) (*runtime.Job, error) {
	if err := runtime.CheckName("handler", handlerID); err != nil {
		return nil, err
	}
	job, err := q.store.catalogue.NewJob(t, payload, opts...)
	if err != nil {
		return nil, fmt.Errorf("add to queue %q: %w", q.name, err)
	}
	return locked(ctx, q.store.state, func() (*runtime.Job, error) {
		if _, err := q.store.state.queue("add to", q.name); err != nil {
			return nil, err
		}
		return q.claim(q.insert(job), handlerID), nil
	})
}

// insert makes a record of a new job.
func (q *Queue) insert(job *runtime.Job) *record {
	job.ID, job.Created = q.store.state.ids.Generate(), q.now()
	if job.Due.IsZero() {
		job.Due = job.Created
	}
	r := &record{job: *job, left: job.AttemptsRemaining, winner: none}
	q.records[job.ID] = r
	return r
}

// claim begins r's next attempt and returns it to its handler.
func (q *Queue) claim(r *record, handlerID string) *runtime.Job {
	r.claim(handlerID, q.now())
	return q.store.catalogue.BindClaim(r.snapshot(), q, handlerID, time.Now())
}

// first returns the first record, in claim order, of those wanted.
func (q *Queue) first(wanted func(*record) bool) *record {
	var best *record
	for _, r := range q.records {
		if r.state == live && wanted(r) && r.before(best) {
			best = r
		}
	}
	return best
}

// claimable reports whether r waits and is due.
func (q *Queue) claimable(r *record, now time.Time) bool {
	return !r.claimed && !r.job.Due.After(now)
}

// stealable reports whether handlerID may steal r.
func (q *Queue) stealable(r *record, handlerID string, now time.Time) bool {
	return r.expired(now) && r.left > 0 && r.attempts[r.current()].handler != handlerID
}

// WaitForJob implements [runtime.JobQueue].
func (q *Queue) WaitForJob(ctx context.Context) error { return q.arrived.Wait(ctx) }

// TryClaim implements [runtime.JobQueue].
func (q *Queue) TryClaim(ctx context.Context, handlerID string) (*runtime.Job, error) {
	if err := runtime.CheckName("handler", handlerID); err != nil {
		return nil, err
	}
	return locked(ctx, q.store.state, func() (*runtime.Job, error) {
		now := q.now()
		r := q.first(func(r *record) bool { return q.claimable(r, now) })
		if r == nil {
			return nil, fmt.Errorf("claim from queue %q: %w", q.name, runtime.ErrJobNotFound)
		}
		q.arrived.Wake() // there may be another, for another waiter
		return q.claim(r, handlerID), nil
	})
}

// TrySteal implements [runtime.JobQueue].
func (q *Queue) TrySteal(ctx context.Context, handlerID string) (*runtime.Job, error) {
	if err := runtime.CheckName("handler", handlerID); err != nil {
		return nil, err
	}
	return locked(ctx, q.store.state, func() (*runtime.Job, error) {
		now := q.now()
		q.bury(now)
		r := q.first(func(r *record) bool { return q.stealable(r, handlerID, now) })
		if r == nil {
			return nil, fmt.Errorf("steal from queue %q: %w", q.name, runtime.ErrJobNotFound)
		}
		q.lose(r)
		return q.claim(r, handlerID), nil
	})
}

// Reasons that stand in the log of an attempt whose handler said nothing.
const (
	reasonStolen = "claim expired; taken over"
	reasonBuried = "claim expired; no attempts left"
)

// lose ends r's claim in favour of another handler.
func (q *Queue) lose(r *record) {
	r.lose(reasonStolen)
	q.revoked.Wake()
}

// bury makes jobs dead whose last attempt has expired.
func (q *Queue) bury(now time.Time) {
	for _, r := range q.records {
		if r.state == live && r.expired(now) && r.left == 0 {
			r.lose(reasonBuried)
			r.state = dead
			q.revoked.Wake()
		}
	}
}

// ClaimBatch implements [runtime.BatchClaimer].
func (q *Queue) ClaimBatch(ctx context.Context, req runtime.ClaimRequest) (runtime.ClaimedBatch, error) {
	if err := runtime.CheckName("handler", req.HandlerID); err != nil {
		return runtime.ClaimedBatch{}, err
	}
	return locked(ctx, q.store.state, func() (runtime.ClaimedBatch, error) { return q.claimBatch(req), nil })
}

func (q *Queue) claimBatch(req runtime.ClaimRequest) (batch runtime.ClaimedBatch) {
	now := q.now()
	q.bury(now)
	for len(batch.Jobs) < req.Limit {
		r := q.first(func(r *record) bool {
			return slices.Contains(req.Types, runtime.TypeVersion{Type: r.job.Type, Version: r.job.PayloadVersion}) && (q.claimable(r, now) || q.stealable(r, req.HandlerID, now))
		})
		if r == nil {
			break
		}
		if r.claimed {
			q.lose(r)
		}
		batch.Jobs = append(batch.Jobs, q.claim(r, req.HandlerID))
	}
	batch.NextDue = q.nextDue()
	return batch
}

// Turn implements [runtime.Turner].
func (q *Queue) Turn(ctx context.Context, outcomes []runtime.Outcome, req runtime.ClaimRequest) (verdicts []error, batch runtime.ClaimedBatch, err error) {
	if err := runtime.CheckName("handler", req.HandlerID); err != nil {
		return nil, batch, err
	}
	_, err = locked(ctx, q.store.state, func() (struct{}, error) {
		verdicts = q.finishBatch(req.HandlerID, outcomes)
		batch = q.claimBatch(req)
		return struct{}{}, nil
	})
	return verdicts, batch, err
}

// nextDue is how long until a waiting job becomes due or a claim expires.
func (q *Queue) nextDue() time.Duration {
	var next time.Duration
	now := q.now()
	for _, r := range q.records {
		at := r.job.Due
		if r.claimed {
			at = r.expires
		}
		if wait := at.Sub(now); r.state == live && wait > 0 && (next == 0 || wait < next) {
			next = wait
		}
	}
	return next
}

// Release implements [runtime.Releaser].
func (q *Queue) Release(ctx context.Context, handlerID string, claims []runtime.ClaimRef) error {
	_, err := locked(ctx, q.store.state, func() (struct{}, error) {
		for _, c := range claims {
			r := q.records[c.JobID]
			if r != nil && r.state == live && r.claimed && r.current() == c.AttemptNumber && r.attempts[c.AttemptNumber].handler == handlerID {
				r.release()
				q.arrived.Wake()
			}
		}
		return struct{}{}, nil
	})
	return err
}

// Cancel implements [runtime.JobQueue].
func (q *Queue) Cancel(ctx context.Context, jobID snowflake.ID) error {
	_, err := locked(ctx, q.store.state, func() (struct{}, error) {
		r := q.records[jobID]
		if r == nil || r.state == finished || r.state == dead {
			return struct{}{}, fmt.Errorf("cancel job %d: %w", jobID, runtime.ErrJobNotFound)
		}
		r.state = cancelled
		q.revoked.Wake()
		return struct{}{}, nil
	})
	return err
}

// Complete implements [runtime.JobQueue].
func (q *Queue) Complete(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, log []byte) error {
	return q.finish(ctx, handlerID, runtime.Outcome{JobID: jobID, AttemptNumber: attemptNumber, Success: true, Log: log})
}

// Fail implements [runtime.JobQueue].
func (q *Queue) Fail(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, reason string, log []byte) error {
	return q.FailAndRetry(ctx, jobID, handlerID, attemptNumber, reason, log, 0)
}

// FailAndRetry implements [runtime.Retrier].
func (q *Queue) FailAndRetry(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, reason string, log []byte, retryIn time.Duration) error {
	return q.finish(ctx, handlerID, runtime.Outcome{JobID: jobID, AttemptNumber: attemptNumber, Reason: reason, Log: log, RetryIn: retryIn})
}

func (q *Queue) finish(ctx context.Context, handlerID string, o runtime.Outcome) error {
	errs, err := q.FinishBatch(ctx, handlerID, []runtime.Outcome{o})
	if err != nil {
		return err
	}
	return errs[0]
}

// FinishBatch implements [runtime.BatchFinisher].
func (q *Queue) FinishBatch(ctx context.Context, handlerID string, outcomes []runtime.Outcome) ([]error, error) {
	return locked(ctx, q.store.state, func() ([]error, error) { return q.finishBatch(handlerID, outcomes), nil })
}

func (q *Queue) finishBatch(handlerID string, outcomes []runtime.Outcome) []error {
	errs := make([]error, len(outcomes))
	for i, o := range outcomes {
		errs[i] = q.finishOne(handlerID, o)
	}
	return errs
}

func (q *Queue) finishOne(handlerID string, o runtime.Outcome) error {
	verb := "fail"
	if o.Success {
		verb = "complete"
	}
	r := q.records[o.JobID]
	if r == nil {
		return fmt.Errorf("%s job %d: %w", verb, o.JobID, runtime.ErrJobNotFound)
	}
	log := bytes.Clone(runtime.CutLog(o.Log))
	var err error
	if o.Success {
		var revoked bool
		if revoked, err = r.complete(handlerID, o.AttemptNumber, log); revoked {
			q.revoked.Wake()
		}
	} else {
		err = r.fail(handlerID, o.AttemptNumber, runtime.CleanReason(o.Reason), log, q.now().Add(max(o.RetryIn, 0)))
		q.arrived.Wake()
	}
	if err != nil {
		return fmt.Errorf("%s job %d: %w", verb, o.JobID, err)
	}
	return nil
}

// WatchClaims implements [runtime.ClaimWatcher].
func (q *Queue) WatchClaims(ctx context.Context) <-chan struct{} { return q.revoked.Subscribe(ctx) }

// LostClaims implements [runtime.ClaimWatcher].
func (q *Queue) LostClaims(ctx context.Context, handlerID string, claims []runtime.ClaimRef) ([]runtime.LostClaim, error) {
	return locked(ctx, q.store.state, func() ([]runtime.LostClaim, error) {
		var lost []runtime.LostClaim
		for _, c := range claims {
			r := q.records[c.JobID]
			switch {
			case r != nil && r.winner != none && r.winner == c.AttemptNumber && r.attempts[r.winner].handler == handlerID:
				// The handler has completed it, in a transaction of its own.
			case r != nil && (r.state == cancelled || r.state == finished):
				lost = append(lost, runtime.LostClaim{ClaimRef: c, Cause: runtime.ErrJobCancelled})
			case r == nil || !r.claimed || r.current() != c.AttemptNumber || r.attempts[c.AttemptNumber].handler != handlerID:
				lost = append(lost, runtime.LostClaim{ClaimRef: c, Cause: runtime.ErrJobNotClaimed})
			}
		}
		return lost, nil
	})
}
