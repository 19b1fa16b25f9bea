package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/engine"
	"github.com/jobgen/jobgen/runtime/observe"
)

const (
	// openAfterStop is how long Run waits, once it is to stop, for queues that are
	// being opened.
	openAfterStop = 5 * time.Second
	// openTimeout is how long one try to open a queue may take before its
	// connection is taken for dead.
	openTimeout = 15 * time.Second
	// openRepeat is how often a Worker says again that it cannot begin yet.
	openRepeat = time.Minute
)

// An opening opens the queues that a [Worker] works.
type opening struct {
	service  JobService
	mux      *Mux
	settings *workerSettings
}

// within is open, and an error where opening ignores the end of ctx.
func (o *opening) within(ctx context.Context) ([]*workedQueue, error) {
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
		all.queues, all.err = o.open(ctx)
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
func (o *opening) open(ctx context.Context) ([]*workedQueue, error) {
	names := o.settings.queues
	if len(names) == 0 {
		names = o.mux.queues()
	}
	for _, name := range names {
		if err := driver.CheckName("queue", name); err != nil {
			return nil, err
		}
	}
	queues := make([]*workedQueue, len(names))
	for i, name := range names {
		queue, err := o.openQueue(ctx, name)
		if err != nil {
			return nil, err
		}
		if err := checkWorkable(queue); err != nil {
			return nil, fmt.Errorf("queue %q: %w", name, err)
		}
		queues[i] = newWorkedQueue(name, queue, o.mux, o.settings)
	}
	return queues, nil
}

// openQueue opens a queue, and tries until that works or ctx ends while the store
// is away.
func (o *opening) openQueue(ctx context.Context, name string) (queue JobQueue, err error) {
	var away bool
	var said time.Time
	engine.Retry(ctx, func() bool {
		try, cancel := context.WithTimeout(ctx, openTimeout)
		defer cancel()
		queue, err = o.service.GetQueue(try, name)
		if err == nil || isForGood(err) || ctx.Err() != nil {
			return true
		}
		if !away {
			o.settings.tell(observe.Event{Kind: observe.StoreAway, Queue: name, Err: err})
		}
		if away = true; said.IsZero() || time.Since(said) > openRepeat {
			said = time.Now()
			o.settings.say(slog.LevelWarn, "the worker cannot begin; it will try until it works", "queue", name, "error", engine.ErrorText(err))
		}
		return false
	})
	if away && err == nil {
		o.settings.say(slog.LevelInfo, "the worker can begin", "queue", name)
		o.settings.tell(observe.Event{Kind: observe.StoreBack, Queue: name})
	}
	return queue, err
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

// isForGood reports whether opening a queue again would fail again, for what the
// program, the schema or the rights are.
func isForGood(err error) bool {
	if refused := engine.Refusal(err); refused != nil {
		return refused.Final
	}
	for _, mistake := range []error{ErrJobQueueNotFound, ErrJobQueueAlreadyExists, ErrInvalidJobType, ErrTxEnded} {
		if engine.Is(err, mistake) {
			return true
		}
	}
	return false
}
