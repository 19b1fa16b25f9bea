package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jobgen/jobgen/runtime/internal/engine"
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

// openAfterStop is how long Run waits, once it is to stop, for queues that are
// being opened.
const openAfterStop = 5 * time.Second

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
// goroutines. A store that is away, or fails, after Run has begun is tried
// again with growing waits and never ends Run.
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
	queues, err := w.openWithin(soft)
	switch {
	case err != nil && soft.Err() != nil:
		return nil // stopped before it had begun
	case err != nil:
		return fmt.Errorf("run worker: %w", err)
	}
	w.say("worker starts", w.settings.attrs()...)

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
	w.say("worker stopped", "handler", w.settings.handlerID)
	if n := stuck.Load(); n > 0 {
		return fmt.Errorf("stop worker: %d handlers still run, though their contexts have ended", n)
	}
	return nil
}

// sayTime is how long the logger may take to say that the Worker starts or has
// stopped.
const sayTime = 100 * time.Millisecond

// say logs a line. The logger is the user's and may block, or end its goroutine.
func (w *Worker) say(line string, attrs ...any) {
	said := make(chan struct{})
	go func() {
		defer close(said)
		w.settings.logger.Debug(line, attrs...)
	}()
	timer := time.NewTimer(sayTime)
	defer timer.Stop()
	select {
	case <-said:
	case <-timer.C:
	}
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

// openWithin is open, and an error where opening ignores the end of ctx.
func (w *Worker) openWithin(ctx context.Context) ([]*workedQueue, error) {
	type opened struct {
		queues []*workedQueue
		err    error
	}
	done := make(chan opened, 1)
	go func() {
		all := opened{err: errors.New("open queues: the service ended the goroutine")}
		defer func() {
			if value := recover(); value != nil {
				all.err = errors.New("open queues: " + engine.PanicText(value))
			}
			done <- all
		}()
		all.queues, all.err = w.open(ctx)
	}()
	overdue := make(chan struct{})
	defer context.AfterFunc(ctx, func() { time.AfterFunc(openAfterStop, func() { close(overdue) }) })()
	select {
	case all := <-done:
		return all.queues, all.err
	case <-overdue:
		return nil, ctx.Err()
	}
}

// open opens the queues to work.
func (w *Worker) open(ctx context.Context) ([]*workedQueue, error) {
	names := w.settings.queues
	if len(names) == 0 {
		names = w.mux.queues()
	}
	queues := make([]*workedQueue, len(names))
	for i, name := range names {
		queue, err := w.service.GetQueue(ctx, name)
		if err != nil {
			return nil, err
		}
		if err := checkWorkable(queue); err != nil {
			return nil, fmt.Errorf("queue %q: %w", name, err)
		}
		queues[i] = newWorkedQueue(name, queue, w.mux, &w.settings)
	}
	return queues, nil
}

// checkWorkable says why a Worker cannot work the queue that a service has
// returned, or returns nil.
func checkWorkable(queue JobQueue) error {
	q, ours := queue.(*Queue)
	switch {
	case queue == nil, ours && (q == nil || q.driver == nil || q.store == nil):
		return errors.New("the service returned no queue")
	case ours && q.store.outside != nil:
		return errors.New("its store is bound to a transaction, which serves one goroutine")
	}
	return nil
}
