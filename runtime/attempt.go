package runtime

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// An attempt is a claimed job while this process works on it. It is the context
// that the job's function gets: it ends with the claim, when the claim is lost
// and when the function has returned. A context that ends costs a timer and a
// place in its parent, more than all else about an attempt, so it is made when
// the function, or what it calls, first asks for more than the deadline.
type attempt struct {
	job    *Job
	base   *slog.Logger
	parent context.Context

	logging sync.Once
	log     *slog.Logger

	begin  sync.Once
	ending context.Context // made by begin

	mu     sync.Mutex
	cancel context.CancelFunc // of ending
	revoke context.CancelCauseFunc
	over   bool
	cause  error // why it is over
}

// newAttempt returns the attempt at a claimed job as the context of its
// function. Its end is to be called.
func newAttempt(parent context.Context, job *Job, base *slog.Logger) *attempt {
	return &attempt{job: job, base: base, parent: parent}
}

// end ends the attempt's context: with a cause when the claim is lost, with nil
// when the function has returned. The first one counts.
func (a *attempt) end(cause error) {
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

// lost returns why the attempt's work is in vain, or was to stop: its claim is
// lost, or the parent context has ended. The end of the claim's time is none.
func (a *attempt) lost() error {
	a.mu.Lock()
	cause := a.cause
	a.mu.Unlock()
	if cause == nil {
		cause = context.Cause(a.parent)
	}
	return cause
}

// context returns the context that ends.
func (a *attempt) context() context.Context {
	a.begin.Do(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.ending, a.revoke = context.WithCancelCause(a.parent)
		a.cancel = func() {}
		if at, ok := a.job.expires(); ok {
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
func (a *attempt) Deadline() (at time.Time, ok bool) {
	at, ok = a.parent.Deadline()
	if expires, limited := a.job.expires(); limited && (!ok || expires.Before(at)) {
		return expires, true
	}
	return at, ok
}

// Done implements [context.Context].
func (a *attempt) Done() <-chan struct{} { return a.context().Done() }

// Err implements [context.Context].
func (a *attempt) Err() error { return a.context().Err() }

// Value implements [context.Context].
func (a *attempt) Value(key any) any {
	if key == (attemptKey{}) {
		return a
	}
	return a.context().Value(key)
}

// String names the attempt.
func (a *attempt) String() string { return a.job.String() }
