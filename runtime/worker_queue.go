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
	mux      *Mux
	settings *workerSettings
}

// run works until soft ends and then until its handlers have returned, whose
// contexts come from base. It returns how many have not.
func (w *workedQueue) run(soft, base context.Context) (stuck int) {
	lines := &report{attempts: w.settings.logger, own: w.settings.logger.With("queue", w.name)}
	cfg := engine.Config{
		Handler: w.settings.handlerID, Types: w.types(), Size: w.settings.handlers, Poll: w.settings.pollInterval,
		Cancelled: ErrJobCancelled, Lost: ErrJobNotClaimed,
		Listeners: []func(engine.Event){lines.log}, Verbose: lines.verbose,
	}
	if n, ok := w.settings.queueHandlers[w.name]; ok {
		cfg.Size = n
	}
	if observer := w.settings.observer; observer != nil {
		cfg.Observed, cfg.Listeners = true, append(cfg.Listeners, observing(observer, w.name))
	}
	var newTaskOf func(*driver.Row, *engine.Claim) *task
	if q, ok := w.queue.(*Queue); ok {
		cfg.Queue, cfg.LastAnswer, cfg.MaxFinish, cfg.FinishWithClaim = q.driver, q.store.driver.LastAnswer, maxFinish, cfg.Size == 1
		cfg.LowestFirst = func() bool { return q.store.claims.lowestFirst(q.name) }
		newTaskOf = func(row *driver.Row, c *engine.Claim) *task { return newTask(row, c, q) }
	} else {
		ctx, cancel := context.WithCancel(context.WithoutCancel(soft))
		defer cancel()
		q := newPlainQueue(ctx, w.queue, cfg.Types, cfg.Poll)
		cfg.Queue, cfg.MaxFinish = q, 1
		newTaskOf = func(_ *driver.Row, c *engine.Claim) *task { return q.newTask(c, w.name) }
	}
	cfg.NewTask = func(row *driver.Row, c *engine.Claim) engine.Task {
		t := newTaskOf(row, c)
		t.run, t.base, t.observer = w.mux.handlers[t.job.Type].run, w.settings.logger, w.settings.observer
		return t
	}
	return engine.Run(soft, base, cfg)
}

// maxFinish is how many outcomes are written at once.
const maxFinish = 1000

// types are the types and versions of the mux that go to the queue.
func (w *workedQueue) types() []driver.TypeVersion {
	var types []driver.TypeVersion
	for _, t := range w.mux.Types() {
		entry := w.mux.handlers[t]
		if entry.queue != w.name {
			continue
		}
		for _, v := range entry.versions {
			types = append(types, driver.TypeVersion{Type: string(v.Type), Version: v.Version})
		}
	}
	return types
}
