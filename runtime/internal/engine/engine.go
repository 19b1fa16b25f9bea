package engine

import (
	"context"
	"sync"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

// A Config says which queue an engine works, and how.
type Config struct {
	// Queue is the queue.
	Queue driver.Queue
	// Types are what its claims take.
	Types []driver.TypeVersion
	// Handler is the name that claims are made under. After claims that may have
	// been left behind it gets a suffix, "+1" and so on.
	Handler string
	// Size is how many jobs run at once, at least 1.
	Size int
	// MaxFinish is how many outcomes one write may have, at least 1.
	MaxFinish int
	// FinishWithClaim sends outcomes along with the next claim where that is near.
	FinishWithClaim bool
	// Poll is how long an idle engine waits before it looks for jobs by itself.
	Poll time.Duration
	// LowestFirst says whether the next claim begins with the lowest priority. It
	// may be nil.
	LowestFirst func() bool
	// LastAnswer is when the store last answered what it is asked every few
	// seconds. It is nil where that is not known.
	LastAnswer func() time.Time
	// NewTask makes what is run of a claimed row. It must not keep the row, nor panic.
	NewTask func(row *driver.Row, holder *Holder) Task
	// Cancelled and Lost are the causes of contexts whose job was cancelled or
	// whose claim was taken over.
	Cancelled, Lost error

	// Listeners are told of events, one after the other, in one goroutine.
	Listeners []func(Event)
	// Observed says that successes are events too.
	Observed bool
	// Verbose says the same where Observed is false, and is asked now and then. It
	// may be nil.
	Verbose func() bool
}

// Bounds of a stop, all after the end of the handlers' contexts.
const (
	// afterStop is how long a claim under way may take, and handlers that ignore
	// their contexts are waited for.
	afterStop = 5 * time.Second
	// answerTime is how long a call has to return after its context has ended.
	answerTime = 250 * time.Millisecond
	// outcomesAfterStop is how long outcomes are tried after that.
	outcomesAfterStop = 3500 * time.Millisecond
	// lastWords is how long listeners are waited for.
	lastWords = 250 * time.Millisecond
)

// Run works until soft ends, and then until all that runs has ended and is
// written. Handlers' contexts come from base; within ten seconds after its end
// Run returns, whatever the store and the handlers do, with the number of
// handlers that still run.
func Run(soft, base context.Context, cfg Config) (stuck int) {
	v := newReporter(&cfg)
	go v.run()
	within(v.first, answerTime)
	defer v.close(lastWords)

	queue, l := guarded{cfg.Queue}, newLink(&cfg, v.report)
	detached := context.WithoutCancel(base)
	cutoff, cut := context.WithCancel(detached)
	defer cut()
	watch, stopWatch := context.WithCancel(detached)
	defer stopWatch()
	revoked := cfg.Queue.Revoked(watch) // before the first claim, so that no news is missed

	c := newClaimer(&cfg, queue, l, v)
	f := newFinisher(&cfg, queue, l, v, c.orphaned, c.free, cutoff)
	r := newRunner(base, &cfg, f.add, v, c.free)
	c.runner, c.finisher = r, f
	w := &watcher{queue: queue, runner: r, reporter: v, link: l, revoked: revoked, cancelled: cfg.Cancelled, lost: cfg.Lost}
	u := &unhandled{queue: queue, types: cfg.Types, reporter: v}

	f.run()
	var helpers sync.WaitGroup
	helpers.Go(func() { w.run(watch) })
	helpers.Go(func() { u.run(soft) })
	claimed := make(chan struct{})
	go c.run(soft, base, claimed)

	overdue := make(chan struct{})
	stop := context.AfterFunc(base, func() { time.AfterFunc(afterStop, func() { close(overdue) }) })
	defer stop()
	select {
	case <-claimed:
	case <-overdue:
		within(claimed, answerTime)
	}
	c.abandon()
	r.stop()
	select {
	case <-r.idle:
	case <-overdue:
		stuck = r.abandon()
	}
	f.stop()
	defer context.AfterFunc(base, func() { time.AfterFunc(outcomesAfterStop, cut) })()
	select {
	case <-f.done:
	case <-cutoff.Done():
		within(f.done, answerTime)
		f.close()
	}
	stopWatch()
	ended := make(chan struct{})
	go func() { helpers.Wait(); close(ended) }()
	within(ended, answerTime)
	return stuck
}

// within waits for done, but no longer than d, and reports whether it came.
func within(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
