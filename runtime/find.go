package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
)

// A FoundJob is a job as [Store.Find] found it.
type FoundJob struct {
	// Job is the job, without a claim. Its AttemptsMade counts all attempts that
	// have begun, the current one included, so that the last one is number
	// AttemptsMade-1. Of a job that is done, and whose payload was not kept, it has ID,
	// Type, PayloadVersion and AttemptsMade alone: Data is nil.
	Job *Job
	// Queue is the name of the queue that the job is in.
	Queue string
	// State is "waiting", "claimed", "done", "cancelled" or "dead"; package driver
	// says what each means.
	State driver.JobState
	// HandlerID holds the claim, where the state is "claimed".
	HandlerID string
	// Ended is when the job was done or cancelled, or died, by the database's clock;
	// the zero time before.
	Ended time.Time
}

// Find returns a job by its id alone, whatever its queue and its state. A job
// that is done or cancelled is found for as long as its attempts are kept, or its
// payload; after that, and where there was never such a job, Find returns
// [ErrJobNotFound]. It asks all queues, and is for people, not for each job.
func (s *Store) Find(ctx context.Context, id snowflake.ID) (*FoundJob, error) {
	found, ok, err := s.driver.Find(ctx, id)
	if err == nil && !ok {
		err = ErrJobNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find job %d: %w", id, err)
	}
	job := newJob(&found.Row, s.catalogue)
	if found.State == driver.JobDone {
		job.AttemptsRemaining = 0
	}
	return &FoundJob{Job: &job, Queue: found.Queue, State: found.State, HandlerID: found.Handler, Ended: found.Ended}, nil
}
