package engine

import (
	"context"
	"sync"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

// A runner runs claimed jobs: up to size at once, the others in the order in
// which they were claimed.
type runner struct {
	size    int
	newTask func(*Claim) Task
	finish  func(pending)
	voice   *voice
	base    context.Context // of the handlers
	ended   func(*Attempt)  // runner.end, made once

	free    chan struct{} // holds a value after a handler has become free
	shorter chan struct{} // holds a value after shortest has shrunk
	idle    chan struct{} // closed once stop was called and no handler runs

	mu        sync.Mutex            // guards what is below, which handlers, claimer and watcher read and write
	ready     []Claim               // claimed, and not begun
	running   map[*Attempt]struct{} // begun, and not ended
	handlers  int                   // goroutines that run jobs
	mean      time.Duration         // of a job's run, recent ones counting more
	shortest  time.Duration         // MaxWork met so far
	stopped   bool                  // nothing begins any more
	abandoned bool                  // whoever still runs is not waited for
}

func newRunner(base context.Context, cfg *Config, finish func(pending), v *voice, free chan struct{}) *runner {
	r := &runner{
		size: cfg.Size, newTask: cfg.NewTask, finish: finish, voice: v, base: base,
		free: free, shorter: make(chan struct{}, 1), idle: make(chan struct{}),
		running: make(map[*Attempt]struct{}),
	}
	r.ended = r.end
	return r
}

// start takes claims over: as many as there are free handlers begin.
func (r *runner) start(claims []Claim) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = append(r.ready, claims...)
	if r.stopped {
		return
	}
	for i := range claims {
		if d := claims[i].Row.MaxWork; d > 0 && (r.shortest == 0 || d < r.shortest) {
			r.shortest = d
			notify(r.shorter)
		}
	}
	for n := min(len(r.ready), r.size-r.handlers); n > 0; n-- {
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
	l := load{free: r.size - r.handlers, ready: len(r.ready)}
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
		claim, ok := r.next()
		if !ok {
			again = false
			return
		}
		r.work(claim)
	}
}

// next returns the next ready job, or false once the handler has been counted
// as free.
func (r *runner) next() (claim Claim, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer notify(r.free)
	if len(r.ready) == 0 || r.stopped {
		r.handlers--
		r.checkIdle()
		return claim, false
	}
	claim = r.ready[0]
	r.ready[0] = Claim{}
	r.ready = r.ready[1:]
	return claim, true
}

// work runs one job.
func (r *runner) work(claim Claim) {
	began := time.Now()
	if claim.tooOld(began) {
		r.finish(released(&claim))
		return
	}
	a := NewAttempt(r.base, claim, nil)
	a.began = began
	a.Task = r.newTask(&a.Claim)
	r.mu.Lock()
	r.running[a] = struct{}{}
	r.mu.Unlock()
	a.call(r.ended)
}

// end hands the outcome of an attempt to the finisher.
func (r *runner) end(a *Attempt) {
	now := time.Now()
	took := now.Sub(a.began)
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
	if kind != driver.Completed || r.voice.wants(now) || a.overran(now) {
		r.voice.say(Event{
			Kind: AttemptEnded, Time: now, Attempt: a, Outcome: kind, Took: took, Waited: a.began.Sub(a.Sent), Err: a.err, Reason: a.reason,
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
	r.ready = nil
	r.checkIdle()
	r.mu.Unlock()
	for i := range ready {
		r.finish(released(&ready[i]))
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
		name := a.Name()
		running[name] = a
		names[a.Handler] = append(names[a.Handler], name)
	}
	for i := range r.ready {
		claim := &r.ready[i]
		names[claim.Handler] = append(names[claim.Handler], claim.Name())
	}
	return running, names
}

// forget drops ready jobs whose claims are lost.
func (r *runner) forget(lost map[driver.Attempt]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.ready[:0]
	for _, claim := range r.ready {
		if !lost[claim.Name()] {
			kept = append(kept, claim)
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
