package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

// A runner runs claimed jobs: up to size at once, the others in the order in
// which they were claimed.
type runner struct {
	size     int
	newTask  func(row *driver.Row, holder *Holder) Task
	finish   func(pending)
	reporter *reporter
	base     context.Context // of the handlers
	ended    func(*Attempt)  // runner.end, made once

	free    chan struct{} // holds a value after a handler has become free
	shorter chan struct{} // holds a value after shortest has shrunk
	idle    chan struct{} // closed once stop was called and no handler runs

	mu        sync.Mutex            // guards what is below, which handlers, claimer and watcher read and write
	ready     []Batch               // claimed, and not begun; none is empty
	waiting   int                   // jobs in ready
	running   map[*Attempt]struct{} // begun, and not ended
	handlers  int                   // goroutines that run jobs
	mean      time.Duration         // of a job's run, recent ones counting more
	shortest  time.Duration         // MaxWork met so far
	stopped   bool                  // nothing begins any more
	abandoned bool                  // whoever still runs is not waited for
}

func newRunner(base context.Context, cfg *Config, finish func(pending), v *reporter, free chan struct{}) *runner {
	r := &runner{
		size: cfg.Size, newTask: cfg.NewTask, finish: finish, reporter: v, base: base,
		free: free, shorter: make(chan struct{}, 1), idle: make(chan struct{}),
		running: make(map[*Attempt]struct{}),
	}
	r.ended = r.end
	return r
}

// A Batch is rows that were claimed together.
type Batch struct {
	Rows []driver.Row
	*Holder
	got time.Time // when the runner was given them
}

// keep takes claims over that are not to begin.
func (r *runner) keep(b Batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(b)
}

// add is called under r.mu.
func (r *runner) add(b Batch) {
	if len(b.Rows) > 0 {
		b.got = time.Now()
		r.ready = append(r.ready, b)
		r.waiting += len(b.Rows)
	}
}

// start takes claims over: as many as there are free handlers begin.
func (r *runner) start(b Batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(b)
	for i := range b.Rows {
		if d := b.Rows[i].MaxWork; d > 0 && (r.shortest == 0 || d < r.shortest) {
			r.shortest = d
			notify(r.shorter)
		}
	}
	for n := min(r.waiting, r.size-r.handlers); n > 0; n-- {
		r.handlers++
		go r.handle()
	}
}

// A load is how much a runner has to do.
type load struct {
	free     int // handlers without a job
	prefetch int // jobs that the handlers will begin within prefetchTime
	ready    int // jobs claimed, and not begun
}

func (r *runner) load() load {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := load{free: r.size - r.handlers, ready: r.waiting}
	if r.mean > 0 {
		l.prefetch = int(min(time.Duration(r.size)*prefetchTime/r.mean, maxBatch))
	}
	return l
}

// handle runs ready jobs, one after the other, until there are none.
func (r *runner) handle() {
	again := true
	defer func() {
		if again { // the job's function has ended this goroutine
			go r.handle()
		}
	}()
	for {
		row, holder, got := r.next()
		if row == nil {
			again = false
			return
		}
		r.work(row, holder, got)
	}
}

// next returns the next ready job with who holds it and when the runner was given
// it, or nil once the handler has been counted as free. The row is the caller's,
// to be cleared once it has been read.
func (r *runner) next() (row *driver.Row, holder *Holder, got time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer notify(r.free)
	if r.waiting == 0 || r.stopped {
		r.handlers--
		r.checkIdle()
		return nil, nil, got
	}
	b := &r.ready[0]
	row, holder, got = &b.Rows[0], b.Holder, b.got
	b.Rows = b.Rows[1:]
	r.waiting--
	if len(b.Rows) == 0 {
		r.ready[0] = Batch{}
		r.ready = r.ready[1:]
	}
	return row, holder, got
}

// work runs one job.
func (r *runner) work(row *driver.Row, holder *Holder, got time.Time) {
	began := time.Now()
	if tooOld(row.MaxWork, began.Sub(holder.Sent), began.Sub(got)) {
		r.finish(released(row, holder))
		return
	}
	task := r.newTask(row, holder)
	a := task.Attempt()
	a.set(row, holder)
	a.Task, a.parent = task, r.base
	*row = driver.Row{} // others of its batch may stay for long
	a.began = began.Sub(holder.Sent)
	r.mu.Lock()
	r.running[a] = struct{}{}
	r.mu.Unlock()
	a.call(r.ended)
}

const (
	// shortWait is how long a job waits for its handler at most where one is free,
	// and longClaim how long a claim takes only where something is wrong.
	shortWait = 10 * time.Millisecond
	longClaim = time.Second
)

// tooOld reports whether so much of a claim of maxWork has passed before the job
// begins that another try is safer: since it was sent half of it has, and that is
// because the job has waited here for others, or because this process was paused.
// A claim that is shorter than a round trip would be no older with another try,
// and is not given back again and again.
func tooOld(maxWork, sinceSent, waited time.Duration) bool {
	return maxWork > 0 && sinceSent > maxWork/2 && (waited > shortWait || sinceSent > longClaim)
}

// end hands the outcome of an attempt to the finisher.
func (r *runner) end(a *Attempt) {
	now := time.Now()
	took := now.Sub(a.Sent) - a.began
	r.mu.Lock()
	delete(r.running, a)
	r.mean += (took - r.mean) / 16
	late := r.abandoned
	r.mu.Unlock()
	kind := a.kind()
	a.End(nil)
	if !late { // or the finisher has ended, and the claim expires by itself
		r.finish(newPending(a, kind, now))
	}
	if kind != driver.Completed || r.reporter.wants(now) || a.overran(now) {
		r.reporter.report(Event{
			Kind: AttemptEnded, Time: now, Attempt: a, Outcome: kind, Took: took, Waited: a.began, Err: a.err, Reason: a.reason(),
		})
	}
}

// overran reports whether the function ran on after the end of its claim.
func (a *Attempt) overran(now time.Time) bool {
	at, ok := a.Expires()
	return ok && now.After(at)
}

// stop lets nothing begin any more, and gives back what has not begun.
func (r *runner) stop() {
	r.mu.Lock()
	r.stopped = true
	ready := r.ready
	r.ready, r.waiting = nil, 0
	r.checkIdle()
	r.mu.Unlock()
	for _, b := range ready {
		for i := range b.Rows {
			r.finish(released(&b.Rows[i], b.Holder))
		}
	}
}

// checkIdle closes idle where nothing runs any more. It is called under r.mu.
func (r *runner) checkIdle() {
	if r.stopped && r.handlers == 0 {
		select {
		case <-r.idle:
		default:
			close(r.idle)
		}
	}
}

// abandon gives up on handlers that still run, and returns how many.
func (r *runner) abandon() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.abandoned = true
	return len(r.running)
}

// claims returns the running attempts by their names, and the names of all
// claims by the handlers that hold them, those of ready jobs included.
func (r *runner) claims() (map[driver.Attempt]*Attempt, map[string][]driver.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	running, names := make(map[driver.Attempt]*Attempt, len(r.running)), make(map[string][]driver.Attempt)
	for a := range r.running {
		running[a.Attempt] = a
		names[a.Handler] = append(names[a.Handler], a.Attempt)
	}
	for _, b := range r.ready {
		for i := range b.Rows {
			names[b.Handler] = append(names[b.Handler], nameOf(&b.Rows[i]))
		}
	}
	return running, names
}

func nameOf(row *driver.Row) driver.Attempt {
	return driver.Attempt{Job: row.ID, Number: row.Attempts - 1}
}

// forget drops ready jobs whose claims are lost.
func (r *runner) forget(lost map[driver.Attempt]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = 0
	kept := r.ready[:0]
	for _, b := range r.ready {
		b.Rows = slices.DeleteFunc(b.Rows, func(row driver.Row) bool { return lost[nameOf(&row)] })
		if r.waiting += len(b.Rows); len(b.Rows) > 0 {
			kept = append(kept, b)
		}
	}
	clear(r.ready[len(kept):])
	r.ready = kept
}

// shortestClaim returns the shortest MaxWork met so far, or 0.
func (r *runner) shortestClaim() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shortest
}
