package engine

import (
	"context"
	"errors"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

// persistAfterStop is how long Exec tries to write an outcome once the caller's
// context has ended.
const persistAfterStop = 5 * time.Second

// ErrDropped is the error of an outcome that could not be written in time.
var ErrDropped = errors.New("outcome dropped")

// Exec runs task, which has the claim, by itself, and has write write the
// outcome: write returns a nil error once the store has decided on it. It returns
// the task's error, and why the outcome was not written.
func Exec(ctx context.Context, claim Claim, task Task, write func(context.Context, driver.Outcome) error) (err, writeErr error) {
	a := task.Attempt()
	a.Claim, a.parent = claim, ctx
	a.Task = task
	ended := make(chan struct{})
	go func() { // its own goroutine, since the task may end the one that it runs on
		a.call(func(*Attempt) { close(ended) })
	}()
	<-ended
	kind := a.kind()
	a.End(nil)
	p := newPending(a, kind, time.Now())
	return a.err, persist(ctx, &p, write)
}

// persist writes an outcome, with a context that outlives ctx, until the store
// has decided on it or the claim has expired. What the store refuses for good
// becomes a failure. A release is tried once: a second try might hit a newer
// claim.
func persist(ctx context.Context, p *pending, write func(context.Context, driver.Outcome) error) error {
	stopped := ctx.Done()
	detached, cancel := context.WithDeadline(context.WithoutCancel(ctx), p.until())
	defer cancel()
	for retry := (backoff{}); ; {
		err := write(detached, p.outcome())
		if err == nil || p.kind == driver.Released {
			return err
		}
		if isFinal(err) {
			if !p.refuse(err) {
				return errors.Join(ErrDropped, err)
			}
			continue
		}
		timer := time.NewTimer(retry.next(maxWait))
		select {
		case <-timer.C:
		case <-stopped:
			timer.Stop()
			stopped = nil
			time.AfterFunc(persistAfterStop, cancel)
		case <-detached.Done():
			timer.Stop()
			return errors.Join(ErrDropped, err)
		}
	}
}
