package runtime

import (
	"context"
	"time"

	"github.com/bwmarrin/snowflake"
)

// A BatchAdder is a [JobQueue] that adds many jobs of one type in one
// transaction: all of them or none. Without it, EnqueueBatch adds one by one.
type BatchAdder interface {
	// AddBatch returns the new ids in the order of payloads. The options
	// apply to each job. It must not keep payloads.
	AddBatch(ctx context.Context, jobType JobType, payloads []any, opts ...JobOption) ([]snowflake.ID, error)
}

// A BatchClaimer is a [JobQueue] that claims many jobs in one round trip and
// does the queue's upkeep on the way: it takes over expired claims, buries
// expired jobs without attempts, and picks up what came in out of order.
// Without it a [Worker] claims and steals one by one.
type BatchClaimer interface {
	ClaimBatch(ctx context.Context, req ClaimRequest) (ClaimedBatch, error)
}

// A ClaimRequest says what a [BatchClaimer] may take.
type ClaimRequest struct {
	// HandlerID will hold the claims.
	HandlerID string
	// Types are what the handler understands; other job types, and other
	// versions of their payloads, are left.
	Types []TypeVersion
	// Limit is the most jobs to take, at least 1.
	Limit int
}

// A ClaimedBatch is what a [BatchClaimer] took.
type ClaimedBatch struct {
	// Jobs are claimed, in claim order, where an expired claim stands in the
	// place of its job. Fewer than Limit means that nothing more is claimable
	// at the moment.
	Jobs []*Job
	// NextDue is how long until the next job of the queue becomes due, or a
	// claim of it expires, as far as the back end knows; 0 when it does not.
	NextDue time.Duration
}

// An Outcome is how one attempt ended.
type Outcome struct {
	// JobID and AttemptNumber name the attempt.
	JobID         snowflake.ID
	AttemptNumber int32
	// Success is Complete; otherwise it is Fail with Reason.
	Success bool
	Reason  string
	// RetryIn is how long after a failure the job becomes due again.
	RetryIn time.Duration
	// Log is the attempt's log.
	Log []byte
}

// A BatchFinisher is a [JobQueue] that writes many outcomes in one round
// trip. Without it a [Worker] completes and fails one by one.
type BatchFinisher interface {
	// FinishBatch writes the outcomes of attempts that handlerID made. The
	// first result holds, for each outcome, what Complete or Fail would have
	// returned. The second is set when the outcomes could not be written, or
	// it is not known whether they were; the call may then be repeated.
	FinishBatch(ctx context.Context, handlerID string, outcomes []Outcome) ([]error, error)
}

// A Turner is a [JobQueue] that writes outcomes and claims in one round trip
// and one commit. A [Worker] with one handler for a queue uses it; without it,
// and with more handlers, it does the one beside the other.
type Turner interface {
	// Turn is FinishBatch for attempts that req.HandlerID made, and then
	// ClaimBatch. When err is set, what was claimed is still returned where that
	// is known, and what is not known may have happened; outcomes may be given
	// again.
	Turn(ctx context.Context, outcomes []Outcome, req ClaimRequest) (verdicts []error, claimed ClaimedBatch, err error)
}

// A Retrier is a [JobQueue] that can set when a failed job becomes due again.
// Without it a failed job is claimable at once.
type Retrier interface {
	// FailAndRetry is Fail, but a job with attempts remaining becomes due
	// again retryIn from now by the store's clock.
	FailAndRetry(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, reason string, log []byte, retryIn time.Duration) error
}

// A ClaimRef names one attempt of a job.
type ClaimRef struct {
	JobID         snowflake.ID
	AttemptNumber int32
}

// A Releaser is a [JobQueue] that can give claims back as if they had never
// been made. Without it they are failed, which uses up an attempt.
type Releaser interface {
	// Release makes the jobs claimable again under the same attempt number,
	// where handlerID still holds them; others are passed over in silence. A
	// call whose outcome is unknown must not be repeated once the handler may
	// have claimed again.
	Release(ctx context.Context, handlerID string, claims []ClaimRef) error
}

// A ClaimWatcher is a [JobQueue] that tells holders when their claims end
// early: the job was cancelled, completed by a former holder, or stolen.
// Without it a handler learns that when it finishes.
type ClaimWatcher interface {
	// WatchClaims returns a channel that holds a value whenever a claim on a
	// job of this queue may have been revoked, several counting as one. Each
	// call is a subscription of its own; the channel is closed when ctx ends.
	WatchClaims(ctx context.Context) <-chan struct{}
	// LostClaims returns those of claims that handlerID no longer holds.
	LostClaims(ctx context.Context, handlerID string, claims []ClaimRef) ([]LostClaim, error)
}

// A LostClaim is a claim that its handler no longer holds.
type LostClaim struct {
	ClaimRef
	// Cause is [ErrJobCancelled] where the job was cancelled or completed by
	// another attempt, and [ErrJobNotClaimed] where it was stolen.
	Cause error
}

// DeadLetters is a [JobQueue] whose dead jobs can be seen and given another
// chance.
type DeadLetters interface {
	// DeadJobs lists up to limit dead jobs with an ID above after, by ID.
	DeadJobs(ctx context.Context, after snowflake.ID, limit int) ([]*Job, error)
	// Revive makes a dead job claimable at once with that many more attempts,
	// at least 1; its attempt numbers go on. [ErrJobNotFound] for any other.
	Revive(ctx context.Context, jobID snowflake.ID, attempts int32) error
}

// QueueAdmin is a [JobService] that lets operators see to its queues.
type QueueAdmin interface {
	// CreateQueue makes a queue; [ErrJobQueueAlreadyExists] if it is there.
	CreateQueue(ctx context.Context, name string) (JobQueue, error)
	// LookupQueue returns a queue; [ErrJobQueueNotFound] if it is not there.
	LookupQueue(ctx context.Context, name string) (JobQueue, error)
	// Queues lists the names of all queues in order.
	Queues(ctx context.Context) ([]string, error)
	// DrainQueue cancels all jobs of the queue and returns how many;
	// [ErrJobQueueNotFound] if it is not there.
	DrainQueue(ctx context.Context, name string) (int64, error)
	// DeleteQueue removes a queue with its dead jobs and logs;
	// [ErrJobQueueNotFound] if it is not there. A queue that still holds
	// unfinished jobs is refused: drain it first.
	DeleteQueue(ctx context.Context, name string) error
}

// TypeStats are the statistics of a queue's jobs of one type and version.
type TypeStats struct {
	TypeVersion
	JobQueueStats
}

// A TypeCounter is a [JobQueue] that counts its jobs by type and version of
// the payload, so that those which no running program understands are seen.
// Without it a [Worker] does not look for them.
type TypeCounter interface {
	// StatsByType counts the first limit unfinished jobs in claim order, or
	// all of them where limit is 0, and returns the types that it met, by name
	// and version.
	StatsByType(ctx context.Context, limit int64) ([]TypeStats, error)
}

// A LivenessReporter is a [JobQueue] that knows its back end to be alive by other
// means than the calls made on the queue. Without it a [Worker] takes a claim
// that is long in coming for lost.
type LivenessReporter interface {
	// LastAnswer is when the back end last answered what is asked of it every
	// few seconds, by this process's clock.
	LastAnswer() time.Time
}

// A StatsLimiter is a [JobQueue] that can count a long queue without looking
// at all of it. [StatsUpTo] uses it.
type StatsLimiter interface {
	// StatsUpTo counts the first limit unfinished jobs in claim order, which
	// is all of them unless it reports more.
	StatsUpTo(ctx context.Context, limit int64) (stats JobQueueStats, more bool, err error)
}

// StatsUpTo is [JobQueue.Stats] for a page that asks often: of a queue with
// more than limit unfinished jobs it counts the first limit in claim order and
// reports that there are more, "10,000+". Where the queue is no [StatsLimiter]
// it counts them all.
func StatsUpTo(ctx context.Context, queue JobQueue, limit int64) (stats JobQueueStats, more bool, err error) {
	if limiter, ok := queue.(StatsLimiter); ok {
		return limiter.StatsUpTo(ctx, limit)
	}
	stats, err = queue.Stats(ctx)
	return stats, false, err
}
