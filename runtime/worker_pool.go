package runtime

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A pool works one queue: one goroutine claims, one writes outcomes, one
// watches the claims, and up to size handlers run jobs.
type pool struct {
	queue    JobQueue
	mux      *Mux
	types    []TypeVersion // those of the mux that go to this queue
	settings *workerSettings
	logger   *slog.Logger
	size     int
	finisher *finisher
	turner   Turner // the queue, where one handler works it; or nil

	freed   chan struct{} // holds a value after a handler has become free, or outcomes have been written
	shorter chan struct{} // holds a value after shortest has shrunk

	mu       sync.Mutex
	claimant string // the handler id that claims are made under
	renames  int
	ready    []*Job // claimed, and not begun
	running  map[*attempt]struct{}
	handlers int           // goroutines that run jobs
	mean     time.Duration // of a job's run, recent ones counting more
	shortest time.Duration // MaxWorkDuration met so far
	idle     sync.WaitGroup
	left     bool // Run has given up on handlers that do not return
	gone     chan struct{}
}

func newPool(w *Worker, queue JobQueue) *pool {
	p := &pool{
		queue: queue, mux: w.mux, settings: &w.settings,
		logger:   w.settings.logger.With("queue", queue.Name()),
		size:     w.settings.handlers,
		claimant: w.settings.handlerID,
		freed:    make(chan struct{}, 1),
		shorter:  make(chan struct{}, 1),
		running:  make(map[*attempt]struct{}),
		gone:     make(chan struct{}),
	}
	if n, ok := w.settings.queueHandlers[queue.Name()]; ok {
		p.size = n
	}
	for _, t := range w.mux.Types() {
		if entry := w.mux.handlers[t]; entry.queue == queue.Name() {
			p.types = append(p.types, entry.versions...)
		}
	}
	p.finisher = newFinisher(p)
	if p.size == 1 {
		p.turner, _ = queue.(Turner)
	}
	return p
}

// name returns the handler id to claim under.
func (p *pool) name() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.claimant
}

// rename makes the pool claim under another handler id from now on. A handler
// never steals from itself, so a worker that may have left a claim behind which
// it does not know of, or has given up, could not take it over.
func (p *pool) rename() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.renames++
	p.claimant = suffixed(p.settings.handlerID, p.renames)
}

// run works until soft ends and then until its handlers have returned, whose
// contexts come from base.
func (p *pool) run(soft, base context.Context) {
	watch, stopWatch := context.WithCancel(context.WithoutCancel(base))
	var helpers sync.WaitGroup
	if watcher, ok := p.queue.(ClaimWatcher); ok {
		revoked := watcher.WatchClaims(watch) // before the first claim, so that no news is missed
		helpers.Go(func() { p.watch(watch, watcher, revoked) })
	}
	helpers.Go(p.finisher.run)
	if counter, ok := p.queue.(TypeCounter); ok {
		helpers.Go(func() { p.watchUnhandled(soft, counter) })
	}

	p.claimLoop(soft, base)
	p.releaseReady()
	returned := make(chan struct{})
	go func() { p.idle.Wait(); close(returned) }()
	select {
	case <-returned:
	case <-p.gone:
	}
	stopWatch()
	p.finisher.stop()
	helpers.Wait()
}

// abandon gives up on handlers that still run, and returns how many.
func (p *pool) abandon() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.left {
		p.left = true
		close(p.gone)
	}
	return len(p.running)
}

// keep takes claimed jobs over without beginning any.
func (p *pool) keep(jobs []*Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = append(p.ready, jobs...)
}

// accept takes claimed jobs over: as many as there are free handlers begin.
func (p *pool) accept(base context.Context, jobs []*Job) {
	p.keep(jobs)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, job := range jobs {
		if d := job.MaxWorkDuration; d > 0 && (p.shortest == 0 || d < p.shortest) {
			p.shortest = d
			notify(p.shorter)
		}
	}
	for n := min(len(p.ready), p.size-p.handlers); n > 0; n-- {
		p.handlers++
		p.idle.Add(1)
		go p.handle(base)
	}
}

// handle runs ready jobs, one after the other, until there are none.
func (p *pool) handle(base context.Context) {
	again := true
	defer func() {
		if again { // the job's function has ended this goroutine
			go p.handle(base)
			return
		}
		p.idle.Done()
	}()
	for {
		job := p.next()
		if job == nil {
			again = false
			return
		}
		p.work(base, job)
	}
}

// next returns the next ready job, or nil once the handler has been counted
// as free.
func (p *pool) next() *Job {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer notify(p.freed)
	if len(p.ready) == 0 {
		p.handlers--
		return nil
	}
	job := p.ready[0]
	p.ready[0] = nil
	p.ready = p.ready[1:]
	return job
}

// work runs one job and hands its outcome to the finisher.
func (p *pool) work(base context.Context, job *Job) {
	began := time.Now()
	if tooOld(job, began) {
		p.finisher.add(finish{job: job, verdict: release})
		return
	}
	if !p.mux.reads(job) {
		p.logger.Debug("job of an unknown type left for another worker", "job", int64(job.ID), "type", string(job.Type), "version", job.PayloadVersion)
		p.finisher.add(finish{job: job, verdict: release})
		return
	}
	entry := p.mux.handlers[job.Type]
	a := newAttempt(base, job, p.settings.logger)
	defer a.end(nil)

	p.mu.Lock()
	p.running[a] = struct{}{}
	p.mu.Unlock()
	call(a, job.JobClaim, func(ctx context.Context) error { return entry.run(ctx, job) }, func(err error) {
		ended := time.Now()
		took := ended.Sub(began)
		p.mu.Lock()
		delete(p.running, a)
		p.mean += (took - p.mean) / 16
		late := p.left
		p.mu.Unlock()
		v := complete
		if err != nil {
			v = judge(a.lost(), err)
		}
		p.report(a, v, err, ended, took)
		if !late { // or the finisher is gone, and the claim expires by itself
			p.finisher.add(finish{job: job, verdict: v, err: err})
		}
	})
}

// tooOld reports whether half of a job's claim has passed before it begins, as
// can happen after a long pause of the process. Another try is safer.
func tooOld(job *Job, now time.Time) bool {
	return job.MaxWorkDuration > 0 && now.Sub(job.claimedAt) > job.MaxWorkDuration/2
}

// report logs how an attempt ended.
func (p *pool) report(a *attempt, v verdict, err error, ended time.Time, took time.Duration) {
	switch {
	case v == fail:
		p.settings.logger.Warn("attempt failed", append(a.attrs(),
			"error", err, "attempts_remaining", a.job.AttemptsRemaining, "took", took)...)
	case v == release:
		p.settings.logger.Info("attempt released", append(a.attrs(), "error", err)...)
	case p.settings.logger.Enabled(context.Background(), slog.LevelDebug):
		p.settings.logger.Debug("attempt done", append(a.attrs(), "took", took)...)
	}
	if at, ok := a.job.expires(); ok && ended.After(at) && v != release {
		p.settings.logger.Warn("handler ran past its max work duration; the job may have been stolen",
			append(a.attrs(), "max_work_duration", a.job.MaxWorkDuration, "took", took)...)
	}
}

// releaseReady gives back what was claimed and not begun.
func (p *pool) releaseReady() {
	p.mu.Lock()
	ready := p.ready
	p.ready = nil
	p.mu.Unlock()
	for _, job := range ready {
		p.finisher.add(finish{job: job, verdict: release})
	}
}

// notify puts a value into a channel of size one that may hold one already.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
