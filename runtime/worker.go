package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A Worker claims the jobs that a [Mux] has handlers for, and runs them. Each
// queue has its own pool of handlers. Make it with NewWorker and run it once.
//
// The Worker claims and finishes jobs in batches, whose size follows the load: an
// idle queue hands over a new job at once, a backlog is worked in large round
// trips. A [JobQueue] that is not a [*Queue] is worked one job at a time. It claims ahead of its handlers only what
// they are expected to begin within 50 ms.
type Worker struct {
	service  JobService
	mux      *Mux
	settings workerSettings

	started atomic.Bool
	hard    chan struct{} // closed by StopNow
	once    sync.Once
}

// NewWorker returns a Worker for the jobs in service that mux has handlers
// for. What is wrong with mux or options, Run reports.
func NewWorker(service JobService, mux *Mux, opts ...WorkerOption) *Worker {
	return &Worker{service: service, mux: mux, settings: newWorkerSettings(opts), hard: make(chan struct{})}
}

// errWorkerStopped is the cause of the handlers' contexts after a hard stop.
var errWorkerStopped = errors.New("worker stopped")

// Run works until ctx ends, and then stops gracefully: it claims no more,
// releases what it had claimed but not begun, without using up an attempt, and
// lets running handlers finish for as long as the grace period. Then, or at
// once after [Worker.StopNow], it cancels their contexts; what they return an
// error for then is released too. Ten seconds after that Run has returned, whatever
// handlers and the store do; outcomes that could not be written are dropped.
//
// Run returns nil after a clean stop, an error before anything is claimed when
// the Worker cannot work as it is set up, and an error that counts the
// handlers which ignored the end of their context; those alone keep their
// goroutines. A store that is away, or fails, is tried again with growing waits and
// never ends Run, also where it is away from the start: Run says so in its log, and
// begins once it is there. What the store refuses for good before anything is
// claimed, such as a schema or rights that are missing, is an error at once.
func (w *Worker) Run(ctx context.Context) error {
	if !w.started.CompareAndSwap(false, true) {
		return errors.New("run worker: it has run before; make a new one")
	}
	// Handlers outlive ctx, and lose their contexts with base.
	base, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	soft, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // ends with soft
		select {
		case <-w.hard:
			stop()
		case <-soft.Done():
		}
	}()
	if w.mux == nil {
		return errors.New("run worker: the mux is nil")
	}
	if err := errors.Join(w.mux.err, w.settings.check(w.mux)); err != nil {
		return fmt.Errorf("run worker: %w", err)
	}
	queues, err := (&opening{w.service, w.mux, &w.settings}).within(soft)
	switch {
	case err != nil && soft.Err() != nil:
		return nil // stopped before it had begun
	case err != nil:
		return fmt.Errorf("run worker: %w", err)
	}
	w.settings.say(slog.LevelDebug, "worker starts", w.settings.attrs()...)

	var running sync.WaitGroup
	var stuck atomic.Int64
	for _, q := range queues {
		running.Go(func() { stuck.Add(int64(q.run(soft, base))) })
	}
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()

	<-soft.Done()
	w.await(done, w.settings.gracePeriod)
	end(errWorkerStopped)
	<-done
	w.settings.say(slog.LevelDebug, "worker stopped", "handler", w.settings.handlerID)
	if n := stuck.Load(); n > 0 {
		return fmt.Errorf("stop worker: %d handlers still run, though their contexts have ended", n)
	}
	return nil
}

// StopNow is the hard stop: it ends Run, and the contexts of running handlers,
// at once. It may be called at any time and from any goroutine.
func (w *Worker) StopNow() { w.once.Do(func() { close(w.hard) }) }

// await waits for done, a hard stop, or d.
func (w *Worker) await(done <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
	case <-w.hard:
	case <-timer.C:
	}
}
