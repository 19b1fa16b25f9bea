package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/bwmarrin/snowflake"
)

// What stands here refers to each other: a queue holds jobs, a claimed job its
// claim, and a claim the queue. What they do is in other files.

// DefaultMaxWorkDuration is how long a claim lasts for a job that was added
// without a [JobMaxWorkDuration].
const DefaultMaxWorkDuration = time.Minute

// JobType names a kind of job, such as "email".
type JobType string

// A Job is one piece of work as its queue holds it. A claimed job carries its
// [JobClaim]; JobClaim is nil otherwise. The struct is a copy of the stored
// row: changing it changes nothing in the queue.
type Job struct {
	// ID is unique in the store and grows with time.
	ID snowflake.ID
	// Type is the key under which catalogue and Mux know the job.
	Type JobType
	// Data is the payload as JSON. See Payload for the decoded struct.
	Data json.RawMessage
	// Created is when the job was added, by the database's clock.
	Created time.Time
	// Due is when the job becomes claimable, by the database's clock.
	Due time.Time
	// MaxWorkDuration is how long one claim lasts before it may be stolen.
	MaxWorkDuration time.Duration
	// AttemptsMade counts the attempts before this one, so on a claimed job it
	// equals the claim's AttemptNumber.
	AttemptsMade int32
	// AttemptsRemaining counts the attempts left after this one; on a job that
	// is not claimed, the attempts left. math.MaxInt32 stands for unlimited.
	AttemptsRemaining int32
	// Priority orders claimable jobs before Due does: 0, the default, is
	// claimed first and 9 last.
	Priority int16
	// PayloadVersion is the version of the payload's schema that Data was
	// written with, counted from 1.
	PayloadVersion int16

	*JobClaim

	payloads  payloads  // of the store that the job is from
	claimedAt time.Time // this process's monotonic clock, just before the claim
}

// payloads decode the payloads of a store's jobs: its [Catalogue].
type payloads interface {
	decode(ctx context.Context, t JobType, version int16, data []byte) (any, error)
}

// A JobClaim is a handler's hold on one attempt of a job. What is written to
// it becomes the attempt's log, kept by Complete and Fail; its methods may be
// called from several goroutines at once. Beyond [driver.MaxLogSize] the middle of
// the log is dropped, so a chatty handler cannot exhaust memory.
type JobClaim struct {
	bytes.Buffer

	// JobID is the claimed job.
	JobID snowflake.ID
	// HandlerID is who holds the claim.
	HandlerID string
	// AttemptNumber counts the job's attempts from 0.
	AttemptNumber int32
	// Queue is where Complete and Fail go.
	Queue JobQueue

	mu      sync.Mutex
	dropped int64
}

// A JobOption sets one property of a job that is being added. Where two set
// the same property, the later one holds. Apply returns an error, and nothing
// is written, for a value that no job can have.
type JobOption interface {
	Apply(job *Job) error
}

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
