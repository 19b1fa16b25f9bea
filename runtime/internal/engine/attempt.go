package engine

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

// A Claim is a job that a handler has claimed.
type Claim struct {
	driver.Attempt
	Type      driver.TypeVersion
	MaxWork   time.Duration
	Remaining int32 // attempts left after this one
	*Holder
	// Task is what is run of the claim; nil before it begins.
	Task Task
}

// A Holder is who holds the claims that were made together.
type Holder struct {
	Handler string
	// Sent is this process's time just before the claims were sent to the store.
	Sent time.Time
}

// set makes a new claim of a row.
func (c *Claim) set(row *driver.Row, holder *Holder) {
	c.Attempt, c.Type, c.MaxWork, c.Remaining = nameOf(row), row.Type, row.MaxWork, row.MaxAttempts-row.Attempts
	c.Holder = holder
}

// Expires returns when the claim ends by this process's monotonic clock. It errs
// to the early side, since it counts from before the claim was sent. A job with
// no MaxWork, whose claim others may take over at once, has no such moment.
func (c *Claim) Expires() (at time.Time, ok bool) {
	if c.MaxWork <= 0 || c.Sent.IsZero() {
		return time.Time{}, false
	}
	return c.Sent.Add(c.MaxWork), true
}

// A Task is what a claim means to whoever runs it. Writing to it appends to the
// attempt's log, and never fails.
type Task interface {
	io.Writer
	// Attempt returns room for the attempt that runs the task.
	Attempt() *Attempt
	// Run runs the user's code.
	Run(ctx context.Context) error
	// Panicked returns the error of an attempt whose code panicked with value.
	Panicked(value any, stack []byte) error
	// RetryIn returns how long after a failure the job is due again.
	RetryIn() time.Duration
	// Bytes returns a copy of the attempt's log.
	Bytes() []byte
}

// TaskKey is the key under which an attempt's context has its [Task].
type TaskKey struct{}

// An Attempt is a claim while this process works on it, and the context that
// its function gets: it ends with the claim, when the claim is lost and when the
// function has returned. A context that ends costs a timer and a place in its
// parent, more than all else about an attempt, so it is made when the function,
// or what it calls, first asks for more than the deadline.
type Attempt struct {
	Claim

	parent context.Context
	began  time.Duration // after Sent

	// How the function ended: written and read by its goroutine alone.
	err      error
	failure  *failure // nil where err is nil
	final    bool     // err is for good
	returned bool

	over   bool // guarded by mu, as is what follows: all that use the context read and write it
	mu     sync.Mutex
	cause  *error  // why it is over; nil where the function has returned
	ending *ending // made for whoever asks first
}

// A failure is how a function failed.
type failure struct {
	reason string // the error's text
	broke  bool   // it panicked or ended its goroutine,
	stack  []byte // here
}

// reason is the text of the error that the function ended with.
func (a *Attempt) reason() string {
	if a.failure == nil {
		return ""
	}
	return a.failure.reason
}

// An ending is a context that ends with an attempt.
type ending struct {
	context context.Context
	cancel  context.CancelFunc
	revoke  context.CancelCauseFunc
}

// End ends the attempt's context: with a cause when the claim is lost, with nil
// when the function has returned. The first one counts.
func (a *Attempt) End(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		a.over = true
		if cause != nil {
			a.cause = &cause
		}
	}
	a.endContext()
}

// endContext is called under a.mu, once the attempt is over.
func (a *Attempt) endContext() {
	if a.ending != nil {
		var cause error
		if a.cause != nil {
			cause = *a.cause
		}
		a.ending.revoke(cause)
		a.ending.cancel()
	}
}

// Last reports whether no other attempt follows where this one has failed. It is
// for listeners of its end.
func (a *Attempt) Last() bool { return a.final || a.Remaining == 0 }

// lost reports whether the claim is known to be lost.
func (a *Attempt) lost() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cause != nil
}

// kind is what becomes of the claim after its function has ended.
func (a *Attempt) kind() driver.OutcomeKind {
	switch {
	case a.err == nil:
		return driver.Completed
	case a.failure.broke, a.final, a.lost(), a.parent.Err() == nil: // a lost claim's log is not lost
		return driver.Failed
	}
	return driver.Released // it was to stop
}

// context returns the context that ends.
func (a *Attempt) context() context.Context {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ending == nil {
		e := &ending{cancel: func() {}}
		e.context, e.revoke = context.WithCancelCause(a.parent)
		if at, ok := a.Expires(); ok {
			e.context, e.cancel = context.WithDeadline(e.context, at)
		}
		if a.ending = e; a.over {
			a.endContext()
		}
	}
	return a.ending.context
}

// Deadline implements [context.Context].
func (a *Attempt) Deadline() (at time.Time, ok bool) {
	at, ok = a.parent.Deadline()
	if expires, limited := a.Expires(); limited && (!ok || expires.Before(at)) {
		return expires, true
	}
	return at, ok
}

// Done implements [context.Context].
func (a *Attempt) Done() <-chan struct{} { return a.context().Done() }

// Err implements [context.Context].
func (a *Attempt) Err() error { return a.context().Err() }

// Value implements [context.Context].
func (a *Attempt) Value(key any) any {
	if key == (TaskKey{}) {
		return a.Task
	}
	return a.context().Value(key)
}

// String names the attempt.
func (a *Attempt) String() string {
	return fmt.Sprintf("%s job %d attempt %d", a.Type.Type, a.Job, a.Number)
}
