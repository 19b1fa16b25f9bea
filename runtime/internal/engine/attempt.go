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
	// Row is the job. Its current attempt is number Row.Attempts-1.
	Row driver.Row
	// Handler holds the claim.
	Handler string
	// Sent is this process's time just before the claim was sent to the store.
	Sent time.Time
}

// Name names the current attempt.
func (c *Claim) Name() driver.Attempt {
	return driver.Attempt{Job: c.Row.ID, Number: c.Row.Attempts - 1}
}

// Expires returns when the claim ends by this process's monotonic clock. It errs
// to the early side, since it counts from before the claim was sent. A job with
// no MaxWork, whose claim others may take over at once, has no such moment.
func (c *Claim) Expires() (at time.Time, ok bool) {
	if c.Row.MaxWork <= 0 || c.Sent.IsZero() {
		return time.Time{}, false
	}
	return c.Sent.Add(c.Row.MaxWork), true
}

// tooOld reports whether half of the claim has passed before the job begins, as
// can happen after a long pause of the process. Another try is safer.
func (c *Claim) tooOld(now time.Time) bool {
	return c.Row.MaxWork > 0 && now.Sub(c.Sent) > c.Row.MaxWork/2
}

// A Task is what a claim means to whoever runs it. Writing to it appends to the
// attempt's log, and never fails.
type Task interface {
	io.Writer
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
	Task Task

	parent context.Context
	began  time.Time

	// How the function ended: written and read by its goroutine alone.
	err             error
	reason          string // err's text
	stack           []byte // where it broke
	returned, broke bool

	begin  sync.Once
	ending context.Context // made by begin

	mu     sync.Mutex
	cancel context.CancelFunc // of ending
	revoke context.CancelCauseFunc
	over   bool
	cause  error // why it is over
}

// NewAttempt returns the attempt at a claim as the context of its function. Its
// End is to be called.
func NewAttempt(parent context.Context, claim Claim, task Task) *Attempt {
	return &Attempt{Claim: claim, Task: task, parent: parent}
}

// End ends the attempt's context: with a cause when the claim is lost, with nil
// when the function has returned. The first one counts.
func (a *Attempt) End(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		a.over, a.cause = true, cause
	}
	if a.revoke != nil {
		a.revoke(a.cause)
		a.cancel()
	}
}

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
	case a.broke, a.lost(), a.parent.Err() == nil: // a lost claim's log is not lost
		return driver.Failed
	}
	return driver.Released // it was to stop
}

// context returns the context that ends.
func (a *Attempt) context() context.Context {
	a.begin.Do(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.ending, a.revoke = context.WithCancelCause(a.parent)
		a.cancel = func() {}
		if at, ok := a.Expires(); ok {
			a.ending, a.cancel = context.WithDeadline(a.ending, at)
		}
		if a.over {
			a.revoke(a.cause)
			a.cancel()
		}
	})
	return a.ending
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
	return fmt.Sprintf("%s job %d attempt %d", a.Row.Type.Type, a.Row.ID, a.Row.Attempts-1)
}
