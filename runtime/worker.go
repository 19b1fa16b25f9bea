package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A Worker claims the jobs that a [Mux] has handlers for, and runs them. Each
// queue has its own pool of handlers. Make it with NewWorker and run it once.
//
// Where a back end can, the Worker claims and finishes jobs in batches, whose
// size follows the load: an idle queue hands over a new job at once, a backlog
// is worked in large round trips. It claims ahead of its handlers only what
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

// afterHardStop is how long Run waits for handlers whose contexts have ended.
const afterHardStop = 5 * time.Second

// Run works until ctx ends, and then stops gracefully: it claims no more,
// releases what it had claimed but not begun, without using up an attempt, and
// lets running handlers finish for as long as the grace period. Then, or at
// once after [Worker.StopNow], it cancels their contexts; what they return an
// error for then is released too.
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
	queues, err := w.open(ctx)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil // stopped before it had begun
	}
	if err != nil {
		return fmt.Errorf("run worker: %w", err)
	}
	w.settings.logger.Debug("worker starts", w.settings.attrs()...)

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

	var pools sync.WaitGroup
	for _, q := range queues {
		pools.Go(func() { q.run(soft, base) })
	}
	done := make(chan struct{})
	go func() { pools.Wait(); close(done) }()

	<-soft.Done()
	w.await(done, w.settings.gracePeriod)
	end(errWorkerStopped)
	stuck := 0
	select {
	case <-done:
	case <-time.After(afterHardStop):
		for _, q := range queues {
			stuck += q.abandon()
		}
		<-done
	}
	w.settings.logger.Debug("worker stopped", "handler", w.settings.handlerID)
	if stuck > 0 {
		return fmt.Errorf("stop worker: %d handlers still run, %v after their contexts have ended", stuck, afterHardStop)
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

// open checks the settings and opens the queues to work.
func (w *Worker) open(ctx context.Context) ([]*pool, error) {
	if err := errors.Join(w.mux.err, w.settings.check(w.mux)); err != nil {
		return nil, err
	}
	names := w.settings.queues
	if len(names) == 0 {
		names = w.mux.Queues()
	}
	if len(names) == 0 {
		return nil, errors.New("the mux has no handlers")
	}
	pools := make([]*pool, len(names))
	for i, name := range names {
		queue, err := w.service.GetQueue(ctx, name)
		if err != nil {
			return nil, err
		}
		pools[i] = newPool(w, queue)
	}
	return pools, nil
}
