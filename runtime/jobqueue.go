package runtime

import (
	"context"

	"github.com/bwmarrin/snowflake"
)

// A JobService hands out queues. Back ends implement it; its methods may be
// called from several goroutines at once.
type JobService interface {
	// GetQueue returns the queue of that name, making it on first use. Any
	// text of 1 to 255 bytes is a name. Many processes may ask at once.
	GetQueue(ctx context.Context, name string) (JobQueue, error)
}

// A JobQueue holds jobs until a handler has finished them. All methods may be
// called from several goroutines, and from any process that shares the store.
// Whether a job is due, or a claim over, is decided by the store's clock.
type JobQueue interface {
	// Name returns the queue's name.
	Name() string

	// Add stores a job and returns its id. The payload is the job type's own
	// struct or a pointer to it; anything else, like a type the store's
	// catalogue does not know, is [ErrInvalidJobType]. Only the options given
	// apply; without any the job is due now, its attempts are unlimited and a
	// claim lasts [DefaultMaxWorkDuration].
	Add(ctx context.Context, jobType JobType, payload any, opts ...JobOption) (snowflake.ID, error)

	// AddAndClaim stores a job that handlerID holds from the start, whatever
	// its Due.
	AddAndClaim(ctx context.Context, jobType JobType, payload any, handlerID string, opts ...JobOption) (*Job, error)

	// WaitForJob blocks until there may be a job to claim, or until ctx ends,
	// and then returns ctx.Err(). It may return without there being one. A job
	// committed since the caller's last TryClaim ends the wait at once.
	WaitForJob(ctx context.Context) error

	// TryClaim claims the first job that is due, by priority, Due and ID, and
	// returns [ErrJobNotFound] when there is none.
	TryClaim(ctx context.Context, handlerID string) (*Job, error)

	// TrySteal takes over a job whose claim by another handler has expired and
	// that has attempts remaining; [ErrJobNotFound] when there is none. The
	// attempt it takes over is logged as failed.
	TrySteal(ctx context.Context, handlerID string) (*Job, error)

	// Cancel keeps a job from being claimed or stolen again. A handler that
	// holds it may still complete or fail it. Cancelling twice is nil; an
	// unknown or finished job is [ErrJobNotFound].
	Cancel(ctx context.Context, jobID snowflake.ID) error

	// Complete says that the attempt succeeded, and finishes the job, even
	// when the attempt has been stolen meanwhile. Completing the same attempt
	// twice is nil. It returns [ErrJobCancelled] when another attempt has
	// completed the job before, [ErrJobNotClaimed] when handlerID never held
	// the attempt or has failed it, and [ErrJobNotFound] for an unknown job.
	Complete(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, log []byte) error

	// Fail says that the attempt failed. With attempts remaining the job is
	// claimable again at once; without, it is dead. Of an attempt that was
	// stolen it keeps the log, changes nothing else and returns
	// [ErrJobNotClaimed], as it does for an attempt that is over.
	Fail(ctx context.Context, jobID snowflake.ID, handlerID string, attemptNumber int32, reason string, log []byte) error

	// Stats counts, in one snapshot, the jobs that are not finished, cancelled
	// or dead.
	Stats(ctx context.Context) (JobQueueStats, error)

	// Log returns what one attempt left behind. Of a running attempt that is
	// its handler and an empty log. [ErrJobNotFound] when there was none.
	Log(ctx context.Context, jobID snowflake.ID, attemptNumber int32) (*JobLog, error)
}

// JobQueueStats counts a queue's unfinished jobs. Waiting + Claimed is all of
// them.
type JobQueueStats struct {
	// Waiting counts jobs that are not under an unexpired claim, due or not.
	Waiting int64
	// Due counts jobs whose Due has passed, waiting or claimed.
	Due int64
	// Claimed counts jobs under an unexpired claim.
	Claimed int64
}

// A JobLog is what one attempt left behind.
type JobLog struct {
	// AttemptNumber counts the job's attempts from 0.
	AttemptNumber int32
	// HandlerID is the handler that made the attempt.
	HandlerID string
	// Success says that the attempt completed and that its success counted.
	Success bool
	// FailureReason is what Fail was given, or how the attempt ended without.
	FailureReason string
	// Log is what the handler wrote, at most [driver.MaxLogSize] bytes.
	Log []byte
}
