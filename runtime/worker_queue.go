package runtime

import (
	"context"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/internal/engine"
)

// A workedQueue is one of the queues that a [Worker] works, each by an engine of
// its own.
type workedQueue struct {
	name     string
	queue    JobQueue
	settings *workerSettings
	types    []driver.TypeVersion // that it has handlers for
	works    map[string]*work     // by type
}

// run works until soft ends and then until its handlers have returned, whose
// contexts come from base. It returns how many have not.
func (w *workedQueue) run(soft, base context.Context) (stuck int) {
	lines := &report{queue: w.name, attempts: w.settings.logger}
	cfg := engine.Config{
		Handler: w.settings.handlerID, Types: w.types, Size: w.settings.handlers, Poll: w.settings.pollInterval,
		Cancelled: ErrJobCancelled, Lost: ErrJobNotClaimed,
		Listeners: []func(engine.Event){lines.log}, Verbose: lines.verbose,
	}
	if n, ok := w.settings.queueHandlers[w.name]; ok {
		cfg.Size = n
	}
	if observer := w.settings.observer; observer != nil {
		cfg.Observed, cfg.Listeners = true, append(cfg.Listeners, observing(observer, w.name))
	}
	if q, ok := w.queue.(*Queue); ok {
		cfg.Queue, cfg.LastAnswer, cfg.MaxFinish, cfg.FinishWithClaim = q.driver, q.store.driver.LastAnswer, maxFinish, cfg.Size == 1
		cfg.LowestFirst = func() bool { return q.store.claims.lowestFirst(q.name) }
		cfg.NewTask = func(row *driver.Row, holder *engine.Holder) engine.Task {
			return newTask(w.works[row.Type.Type], q, row, holder)
		}
	} else {
		ctx, cancel := context.WithCancel(context.WithoutCancel(soft))
		defer cancel()
		q := newPlainQueue(ctx, w.queue, cfg.Types, cfg.Poll)
		cfg.Queue, cfg.MaxFinish = q, 1
		cfg.NewTask = func(row *driver.Row, holder *engine.Holder) engine.Task {
			return q.newTask(w.works[row.Type.Type], row, holder.Handler, holder.Sent)
		}
	}
	return engine.Run(soft, base, cfg)
}

// maxFinish is how many outcomes are written at once.
const maxFinish = 1000

// newWorkedQueue returns a queue that is worked as mux and settings say.
func newWorkedQueue(name string, queue JobQueue, mux *Mux, settings *workerSettings) *workedQueue {
	w := &workedQueue{name: name, queue: queue, settings: settings, works: make(map[string]*work)}
	for _, t := range mux.types() {
		entry := mux.handlers[t]
		if entry.queue != name {
			continue
		}
		w.works[string(t)] = &work{queue: name, run: entry.run, base: settings.logger, observer: settings.observer}
		w.types = append(w.types, entry.versions...)
	}
	return w
}
