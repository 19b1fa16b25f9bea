package driver

import (
	"context"
	"errors"
	"time"

	"github.com/bwmarrin/snowflake"
)

// A Store is where queues live: one process's connection to a database, or a
// transaction of the caller. The methods of a store that is not bound to a
// transaction may be called from several goroutines at once.
type Store interface {
	// Queue returns the queue of that name as open says. It returns
	// [ErrQueueNotFound] or [ErrQueueExists] where open forbids the other.
	Queue(ctx context.Context, name string, open Open) (Queue, error)

	// Queues returns the names of all queues, in byte order.
	Queues(ctx context.Context) ([]string, error)

	// Drain cancels all jobs of the queue and returns how many there were;
	// [ErrQueueNotFound] where the queue does not exist.
	Drain(ctx context.Context, name string) (int64, error)

	// Delete removes the queue with its dead jobs and logs, unless it holds
	// unfinished jobs, and returns how many those are; [ErrQueueNotFound] where
	// the queue does not exist.
	Delete(ctx context.Context, name string) (unfinished int64, err error)

	// Find returns the job with that id, in whatever queue and state it is, and
	// false where it is not there, or not any more.
	Find(ctx context.Context, id snowflake.ID) (Found, bool, error)

	// LastAnswer is when the store last answered what it is asked every few
	// seconds, by this process's clock. A store that is part of the process
	// returns the current time.
	LastAnswer() time.Time
}

// Open says what [Store.Queue] may do.
type Open uint8

// The ways to open a queue.
const (
	OpenOrCreate Open = iota // make it where it does not exist
	OpenExisting             // never make it
	CreateNew                // always make it
)

// A Queue holds jobs until a handler has finished them. A Queue of a store that
// is not bound to a transaction may be used from several goroutines at once.
// Whether a job is due, or a claim over, is decided by the store's clock.
//
// Each method wakes whoever has to know of what it did, in this process and in
// others: see Arrived and Revoked. An error means that nothing was done, or that it
// is not known whether it was; a [*RefusedError] is the store's own answer, after
// which nothing was done. Once the transaction that a store is bound to is over,
// every method returns [ErrTxEnded] and changes nothing.
type Queue interface {
	// Add stores the jobs of a batch, all or none. It returns [ErrQueueNotFound]
	// where the queue was deleted, and an error of batch.Payload as it is.
	Add(ctx context.Context, batch Batch) (Added, error)

	// Claim takes jobs for a handler. Before that it finishes req.Finish, in the
	// same round trip and commit where the store can.
	Claim(ctx context.Context, req ClaimRequest) (Claimed, error)

	// Finish writes how attempts of one handler ended, each fenced by its job,
	// handler and attempt number, and returns what became of each outcome. The
	// call may be repeated, except for outcomes that are [Released]: once the
	// handler may have claimed again, a repetition could release the newer claim.
	// The slice is the caller's again once Finish has returned.
	Finish(ctx context.Context, handler string, outcomes []Outcome) ([]Result, error)

	// Cancel keeps a job from being claimed again: [Done], also where the job was
	// cancelled before, or [NotFound].
	Cancel(ctx context.Context, id snowflake.ID) (Status, error)

	// Revive makes a dead job claimable at once, with that many more attempts:
	// [Done], or [NotFound] for any other job.
	Revive(ctx context.Context, id snowflake.ID, attempts int32) (Status, error)

	// Lost returns those of attempts whose claims the handler no longer holds. An
	// attempt that the handler itself has completed is not lost.
	Lost(ctx context.Context, handler string, attempts []Attempt) ([]Lost, error)

	// Stats counts the unfinished jobs, in one snapshot.
	Stats(ctx context.Context, req StatsRequest) (Stats, error)

	// Log returns what an attempt left behind, and false where the attempt was
	// never made. Of a running attempt the log is empty.
	Log(ctx context.Context, attempt Attempt) (Log, bool, error)

	// Dead returns up to limit dead jobs with an ID above after, by ID.
	Dead(ctx context.Context, after snowflake.ID, limit int) ([]Row, error)

	// Arrived returns a channel that holds a value while there may be a job to
	// claim, several reasons counting as one. Whoever receives the value looks;
	// where more may be left than it took, Claim makes the channel hold another.
	// The queue's users in one process share the channel. It is never closed.
	Arrived() <-chan struct{}

	// Revoked returns a channel that holds a value whenever a claim on a job of
	// this queue may have been lost, several counting as one. Each call is a
	// subscription of its own; the channel is closed when ctx ends.
	Revoked(ctx context.Context) <-chan struct{}
}

// Errors that package runtime decides on. A back end wraps them or returns them
// as they are.
var (
	ErrQueueNotFound = errors.New("job queue not found")
	ErrQueueExists   = errors.New("job queue already exists")
	// ErrTxEnded says that the transaction which a store is bound to has been
	// committed or rolled back, so that nothing can be done in it.
	ErrTxEnded = errors.New("the transaction has ended")
)

// A RefusedError is a store's own answer that it did not do what it was asked,
// unlike an error that leaves open whether it did.
type RefusedError struct {
	// Err is the answer.
	Err error
	// Final says that asking again would be refused again: the data, the schema
	// or the rights are the reason, not the moment.
	Final bool
}

func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *RefusedError) Unwrap() error { return e.Err }
