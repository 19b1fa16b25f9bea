package engine

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

const (
	// maxBacklog is how many outcomes may not be written yet while more jobs are
	// claimed. What cannot be recorded is better not begun: it would be claimed,
	// run and be late again elsewhere, and its outcome take its time from others.
	maxBacklog = 4 * maxBatch
	// maxLanes is how many writes may be slow side by side, and so how many
	// connections slow writes take.
	maxLanes = 4
)

// A finisher writes outcomes. While one write is under way outcomes gather, and
// the next takes them all: an idle queue is answered at once, a busy one in large
// batches, and no timer decides.
//
// Outcomes are written by lanes, of which there is one unless a write is slow
// though the store answers others: then another takes over what is new. What is
// refused alone waits apart. While the store does not answer, everything waits
// together, and one outcome after the other is the probe.
type finisher struct {
	queue    guarded
	link     *link
	reporter *reporter
	orphaned func()        // a claim may have been left behind
	maxBatch int           // outcomes in one write
	free     chan struct{} // is told when the backlog has shrunk

	cutoff context.Context // ends when what is not written is dropped
	back   <-chan struct{} // holds a value after the store has come back
	added  chan struct{}   // holds a value when a lane has to look
	due    chan struct{}   // holds a value when there is something new apart
	done   chan struct{}   // closed once everything is written or dropped

	mu        sync.Mutex         // guards what is below, which lanes, runner and claimer read and write
	waiting   []pending          // not on their way
	apart     []pending          // refused alone, or not known why not written
	lanes     map[*lane]struct{} // those that write what waits
	writing   map[*lane]struct{} // those that write what waited apart
	spare     []pending          // room that no batch needs any more
	claimNext bool               // the next claim takes what waits along
	stopped   bool               // nothing is added any more
	closed    bool               // done is closed
}

// A lane writes batches, one after the other.
type lane struct {
	f        *finisher
	batch    []pending // taken and not decided yet; guarded by f.mu
	room     []pending // what batch was taken from; guarded by f.mu
	replaced bool      // another has taken over; guarded by f.mu
	// abandoned says that its batch is no longer its business; guarded by f.mu.
	abandoned bool
	began     time.Time // of the batch; guarded by f.mu

	// Written and read by the lane's goroutine alone.
	failing bool             // the store does not answer
	proved  bool             // it has just answered a probe
	retry   backoff          // while failing
	misses  int              // parts that failed in a row, not known why
	sent    []driver.Outcome // room for what is sent to the store
}

func newFinisher(cfg *Config, queue guarded, l *link, v *reporter, orphaned func(), free chan struct{}, cutoff context.Context) *finisher {
	return &finisher{
		queue: queue, link: l, reporter: v, orphaned: orphaned, maxBatch: min(max(cfg.MaxFinish, 1), maxBatch), free: free,
		cutoff: cutoff, back: l.subscribe(),
		added: make(chan struct{}, 1), due: make(chan struct{}, 1), done: make(chan struct{}),
		lanes: make(map[*lane]struct{}), writing: make(map[*lane]struct{}),
	}
}

// run begins to write.
func (f *finisher) run() {
	f.mu.Lock()
	f.open()
	f.mu.Unlock()
	go f.runApart()
}

// add hands over an outcome. It never blocks.
func (f *finisher) add(p pending) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		f.drop(p, f.cutoff.Err())
		return
	}
	f.waiting = append(f.waiting, p)
	wake := !f.claimNext
	f.mu.Unlock()
	if wake {
		notify(f.added)
	}
}

// putBack returns outcomes that were not written, before all that wait.
func (f *finisher) putBack(batch []pending, err error) {
	if len(batch) == 0 {
		return
	}
	for i := range batch {
		batch[i].failed(err)
	}
	f.mu.Lock()
	closed := f.closed
	if !closed {
		f.waiting = slices.Concat(batch, f.waiting)
	}
	f.mu.Unlock()
	if closed { // and so they have been dropped
		return
	}
	notify(f.added)
}

// awaitClaim says whether the next claim takes along what waits until then.
func (f *finisher) awaitClaim(next bool) {
	f.mu.Lock()
	wake := !next && f.claimNext && len(f.waiting) > 0
	f.claimNext = next
	f.mu.Unlock()
	if wake {
		notify(f.added)
	}
}

// takeFor returns the outcomes of handler's attempts that a claim may take along:
// those that were not tried before, but for releases.
func (f *finisher) takeFor(handler string) (batch []pending) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) == 0 {
		return nil
	}
	batch = f.take(f.maxBatch, func(p *pending) bool {
		return p.trouble == nil && p.kind != driver.Released && p.claim.Handler == handler
	})
	if len(f.waiting) > 0 {
		notify(f.added)
	}
	return batch
}

// take takes up to limit of those that wait and are wanted, in their order. It is
// called under f.mu.
func (f *finisher) take(limit int, wanted func(*pending) bool) (batch []pending) {
	batch, f.spare = f.spare[:0], nil
	rest := f.waiting[:0]
	for i := range f.waiting {
		if p := &f.waiting[i]; len(batch) < limit && wanted(p) {
			batch = append(batch, *p)
		} else {
			rest = append(rest, *p)
		}
	}
	clear(f.waiting[len(rest):])
	f.waiting = rest
	return batch
}

// backlog reports whether too many outcomes are not written yet.
func (f *finisher) backlog() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.waiting) + len(f.apart) + len(f.writing)
	for l := range f.lanes {
		n += len(l.batch)
	}
	return n > maxBacklog
}

// stop says that nothing is added any more. Done is closed once everything is
// written or dropped.
func (f *finisher) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped, f.claimNext = true, false
	f.checkDone()
	notify(f.added)
}

// checkDone closes done where nothing is left. It is called under f.mu.
func (f *finisher) checkDone() {
	if !f.stopped || f.closed || len(f.waiting) > 0 || len(f.apart) > 0 || len(f.writing) > 0 {
		return
	}
	for l := range f.lanes {
		if len(l.batch) > 0 {
			return
		}
	}
	f.closed = true
	close(f.done)
}

// close drops what is not written.
func (f *finisher) close() {
	f.mu.Lock()
	left := append(f.waiting, f.apart...)
	for l := range f.lanes {
		left = append(left, l.batch...)
	}
	for l := range f.writing {
		left = append(left, l.batch...)
	}
	f.waiting, f.apart = nil, nil
	if f.closed {
		left = nil
	} else {
		f.closed = true
		close(f.done)
	}
	f.mu.Unlock()
	for _, p := range left {
		f.drop(p, f.cutoff.Err())
	}
}

// drop gives an outcome up, and reports it.
func (f *finisher) drop(p pending, err error) {
	err = p.why(err)
	f.orphaned()
	if p.kind == driver.Released {
		f.reporter.report(Event{Kind: ReleaseFailed, N: 1, Err: err})
		return
	}
	f.reporter.report(Event{Kind: OutcomeDropped, Of: p.claim, Outcome: p.kind, Err: err, Reason: p.reason()})
}

// open makes another lane. It is called under f.mu.
func (f *finisher) open() {
	l := &lane{f: f}
	f.lanes[l] = struct{}{}
	go l.run()
}

// run writes until everything is written or another lane has taken over.
func (l *lane) run() {
	f := l.f
	returned := false
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.lanes, l)
		if !returned && !f.closed { // the store's code has ended this goroutine
			f.waiting = append(f.waiting, l.batch...)
			if !l.replaced {
				f.open()
			}
		}
	}()
	for l.take() {
		if l.failing {
			l.probe()
		} else {
			l.write()
		}
		if l.finished() {
			break
		}
	}
	returned = true
}

// take waits for outcomes that can be written together and takes them: one that
// probes while the store does not answer. It returns false at the end.
func (l *lane) take() bool {
	f := l.f
	if l.failing {
		l.pause()
		f.dropExpired()
	}
	for {
		if f.cutoff.Err() != nil {
			return false // what is left is about to be dropped
		}
		f.mu.Lock()
		if f.closed {
			f.mu.Unlock()
			return false
		}
		if n := len(f.waiting); n > 0 {
			if l.failing {
				i := rand.IntN(n) // so that it is not always one that is refused
				f.waiting[0], f.waiting[i] = f.waiting[i], f.waiting[0]
			}
			like, limit := f.waiting[0], f.maxBatch
			if l.failing {
				limit = 1
			}
			l.batch = f.take(limit, func(p *pending) bool {
				return p.claim.Handler == like.claim.Handler && (p.kind == driver.Released) == (like.kind == driver.Released)
			})
			l.began, l.room = time.Now(), l.batch
			f.mu.Unlock()
			return true
		}
		f.checkDone()
		f.mu.Unlock()
		if l.failing {
			l.failing = false // nothing is left that fails
		}
		select {
		case <-f.added:
		case <-f.cutoff.Done():
		case <-f.done:
			return false
		}
	}
}

// finished says that the lane's batch is no longer its business, and returns
// whether the lane has been replaced.
func (l *lane) finished() bool {
	f := l.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.abandoned {
		return true
	}
	clear(l.room)
	if cap(l.room) > cap(f.spare) {
		f.spare = l.room[:0]
	}
	l.batch, l.room = nil, nil
	f.checkDone()
	notify(f.free)
	return l.replaced
}

// pause waits between tries, or until something shows that the store is back.
func (l *lane) pause() {
	wait := l.retry.next(maxWait)
	if !sleep(l.f.cutoff, min(wait, minPause)) {
		return
	}
	timer := time.NewTimer(max(wait-minPause, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.f.back:
	case <-l.f.cutoff.Done():
	}
}

// dropExpired drops what waits and can no longer be written in time.
func (f *finisher) dropExpired() {
	now := time.Now()
	f.mu.Lock()
	late, rest := []pending(nil), f.waiting[:0]
	for _, p := range f.waiting {
		if now.After(p.until()) {
			late = append(late, p)
		} else {
			rest = append(rest, p)
		}
	}
	clear(f.waiting[len(rest):])
	f.waiting = rest
	f.checkDone()
	f.mu.Unlock()
	for _, p := range late {
		f.drop(p, nil)
	}
	if len(late) > 0 {
		notify(f.free)
	}
}

// sleep waits for d, or returns false when ctx ends.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
