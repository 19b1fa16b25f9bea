package runtime

import (
	"errors"
	"fmt"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/engine"
)

// Errors that a caller decides on. They come wrapped with what was being done
// to which job, so match them with errors.Is.
var (
	// ErrInvalidJobType is returned by Add and its relatives when the store's
	// catalogue does not know the job type or the payload is not that type's
	// struct, and by [Job.Payload] for a type the store was not opened with.
	// Nothing has been written.
	ErrInvalidJobType = errors.New("invalid job type")

	// ErrJobCancelled is returned by Complete when the attempt's success no
	// longer counts because another attempt has completed the job meanwhile.
	// It is also the cause of a handler's context when its job was cancelled
	// or completed elsewhere. Undo what can be undone: roll back.
	ErrJobCancelled = errors.New("job cancelled")

	// ErrJobCanceled is ErrJobCancelled in its other spelling.
	ErrJobCanceled = ErrJobCancelled

	// ErrJobNotFound is returned by TryClaim and TrySteal when there is
	// nothing to take now, by Cancel for an unknown or finished job, by
	// Complete and Fail for an unknown job, and by Log for an unknown attempt.
	ErrJobNotFound = errors.New("job not found")

	// ErrJobNotClaimed is returned by Complete, Fail and Exec when the handler
	// does not hold that attempt: never did, lost it to a steal, or has
	// finished it already in another way. The current claim is untouched.
	ErrJobNotClaimed = errors.New("job not claimed")

	// ErrJobQueueAlreadyExists is returned by [Store.CreateQueue] when the queue
	// exists.
	ErrJobQueueAlreadyExists = driver.ErrQueueExists

	// ErrJobQueueNotFound is returned by the methods of a [Store] that look up,
	// drain or delete a queue which does not exist, and by those of a queue that
	// was deleted. GetQueue never returns it.
	ErrJobQueueNotFound = driver.ErrQueueNotFound

	// ErrTxEnded is returned by whatever is bound to a transaction that has been
	// committed or rolled back. Nothing has been changed.
	ErrTxEnded = driver.ErrTxEnded
)

// A PayloadError says why a payload cannot be stored or read back. Nothing was
// written, or, on the way back, the attempt fails. In a Worker the job whose data
// does not decode is dead at once, whatever attempts it has left; where an upgrade
// to the current version fails, the job is tried again.
type PayloadError struct {
	// Type is the job's type.
	Type JobType
	// Field is the JSON path of the offending value, such as "to[2].name";
	// empty where the payload as a whole is meant.
	Field string
	// Err says what is wrong with it.
	Err error

	garbage bool // the data does not decode
}

func (e *PayloadError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("payload of job type %q: %v", e.Type, e.Err)
	}
	return fmt.Sprintf("payload of job type %q: field %s: %v", e.Type, e.Field, e.Err)
}

// Unwrap returns the reason.
func (e *PayloadError) Unwrap() error { return e.Err }

// A TooLargeError says that something is larger than it may be, and that
// nothing was written: a payload (within a [*PayloadError]), the name of a queue,
// handler or job type, or a batch.
type TooLargeError = driver.TooLargeError

// A TypeConflictError says that this program and another one mean different
// payloads by one version of a job type. A store returns it when it is opened,
// while unfinished jobs of that type and version exist or the other program
// runs, before either program fails the other's jobs.
type TypeConflictError = driver.TypeConflictError

// A PanicError is the error of an attempt whose function panicked. The stack
// is in the attempt's log too.
type PanicError struct {
	// Value is what the function panicked with.
	Value any
	// Stack is the goroutine's stack at that point: functions and lines. The
	// words that were passed to them are left out, since a payload may be in
	// those.
	Stack []byte
}

// Error returns "panic: " and the text of the value. Nothing is unwrapped: a panic
// is a failure, whatever error it was given.
func (e *PanicError) Error() string { return engine.PanicText(e.Value) }
