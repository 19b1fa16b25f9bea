package engine

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

const (
	// writeTimeout is how long a write may take before its connection is taken
	// for dead. It is shorter than most claims, so that another has time.
	writeTimeout = 15 * time.Second
	// slowWrite is how long one may take before another lane takes over what is
	// new, and hungWrite how long before it is divided, where the store is known
	// to answer others meanwhile.
	slowWrite = time.Second
	hungWrite = 2 * time.Second
	// releaseTimeout is how long claims may take to be given back.
	releaseTimeout = 5 * time.Second
	// divideBy is into how many parts a batch is divided that fails as a whole.
	divideBy = 8
	// maxMisses is how many parts in a row may fail for reasons that are not
	// known before the store is taken to be away.
	maxMisses = 16
)

// errHung is the error of a write that was called off since it did not return
// while the store answered others: somebody may have locked a row.
var errHung = errors.New("the write did not return while the store answered others")

// write writes the lane's batch, in parts where it fails as a whole: what can
// be written is written, and what fails alone waits apart.
func (l *lane) write() {
	sizes := []int{len(l.batch)} // of the parts to write, the next one last
	for len(l.batch) > 0 && !l.overtaken() {
		n := sizes[len(sizes)-1]
		sizes = sizes[:len(sizes)-1]
		part := l.batch[:n]
		err := l.f.try(l, part)
		if l.overtaken() {
			return
		}
		answered := err == nil || isRefused(err) || err == errHung
		switch {
		case answered && err == nil:
			l.misses = 0
		case part[0].kind == driver.Released && !isRefused(err):
			l.f.notReleased(part, err) // tried once: a second try might hit a newer claim
		case !answered && !l.proved || l.misses > maxMisses:
			l.giveUp(err)
			return
		case n == 1:
			l.f.alone(part[0], err)
		default:
			if !answered {
				l.misses++
			}
			sizes = divided(sizes, n)
			continue
		}
		if !answered {
			l.misses++
		}
		l.advance(n)
	}
	l.proved, l.misses = false, 0
}

// overtaken reports whether the lane's batch is no longer its business, since a
// write ignored the end of its context.
func (l *lane) overtaken() bool {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	return l.abandoned || l.f.closed
}

// divided adds to sizes those of the parts of a part of size n.
func divided(sizes []int, n int) []int {
	for size := (n + divideBy - 1) / divideBy; n > 0; n -= size {
		sizes = append(sizes, min(size, n))
	}
	return sizes
}

// advance says that the first n outcomes of the batch are decided.
func (l *lane) advance(n int) {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	l.batch = l.batch[n:]
}

// giveUp puts back what is left of the batch, since the store does not answer.
func (l *lane) giveUp(err error) {
	if !l.failing && l.f.cutoff.Err() == nil {
		l.f.reporter.report(Event{Kind: OutcomesFailing, N: len(l.batch), Err: err})
	}
	l.failing, l.proved, l.misses = true, false, 0
	l.f.putBack(l.batch, err)
	l.advance(len(l.batch))
}

// probe writes one outcome while the store does not answer. Once it does, all
// others follow.
func (l *lane) probe() {
	if len(l.batch) == 0 {
		return
	}
	err := l.f.try(l, l.batch)
	if l.overtaken() {
		return
	}
	switch {
	case err == nil:
	case l.batch[0].kind == driver.Released && !isRefused(err):
		l.f.notReleased(l.batch, err)
		l.advance(1)
		return
	case isRefused(err), err == errHung:
		l.f.alone(l.batch[0], err)
	default:
		l.giveUp(err)
		return
	}
	l.advance(1)
	l.failing, l.proved, l.retry = false, true, backoff{}
	l.f.reporter.report(Event{Kind: OutcomesWork})
}

// try writes outcomes of one handler once. It returns errHung where the store
// answered others and not this.
func (f *finisher) try(l *lane, batch []pending) error {
	began := time.Now()
	ctx, cancel := context.WithCancel(f.cutoff)
	defer cancel()
	var hung atomic.Bool
	most := writeTimeout
	if batch[0].kind == driver.Released {
		most = releaseTimeout
	}
	var timer *time.Timer
	look := func() {
		took, alive := time.Since(began), f.link.aliveSince(began)
		switch {
		case took >= most+slowWrite && ctx.Err() != nil:
			if l == nil || f.abandon(l, ctx.Err()) {
				return
			}
		case took >= most:
			cancel()
		case hung.Load():
			if l != nil && f.abandon(l, errHung) {
				return
			}
		case alive && took >= hungWrite && most == writeTimeout:
			hung.Store(true)
			cancel()
		case alive && l != nil:
			f.relieve(l)
		}
		timer.Reset(slowWrite)
	}
	timer = newStoppedTimer(look)
	timer.Reset(slowWrite)
	defer timer.Stop()

	var sent []driver.Outcome
	if l != nil {
		sent = l.sent
	}
	sent = outcomes(sent, batch)
	results, err := f.queue.finish(ctx, batch[0].claim.Handler, sent)
	if l != nil {
		clear(sent) // of logs
		l.sent = sent[:0]
	}
	if l != nil && l.overtaken() {
		return errHung
	}
	if err != nil {
		if hung.Load() {
			return errHung
		}
		if f.cutoff.Err() == nil {
			f.link.fail(err)
		}
		return err
	}
	f.link.answer()
	f.wrote(batch, results, time.Since(began))
	return nil
}

// wrote tells of outcomes that were written.
func (f *finisher) wrote(batch []pending, results []driver.Result, took time.Duration) {
	f.report(batch, results)
	if now := time.Now(); f.reporter.wants(now) {
		f.reporter.report(Event{Kind: OutcomesWritten, Time: now, N: len(batch), Took: took})
	}
}

// newStoppedTimer returns a timer that calls do once it is reset.
func newStoppedTimer(do func()) *time.Timer {
	timer := time.AfterFunc(time.Hour, do)
	timer.Stop()
	return timer
}

// relieve has another lane write what is new, since this one is slow.
func (f *finisher) relieve(l *lane) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !l.replaced && len(f.lanes) < maxLanes && !f.closed {
		l.replaced = true
		f.open()
	}
}

// abandon gives up on a lane whose write ignores the end of its context. What it
// has not written is tried apart, or dropped where that may not be repeated.
func (f *finisher) abandon(l *lane, err error) bool {
	f.mu.Lock()
	if l.abandoned || f.closed {
		f.mu.Unlock()
		return true
	}
	batch := slices.Clone(l.batch)
	l.abandoned, l.batch = true, nil
	delete(f.lanes, l)
	if !l.replaced {
		l.replaced = true
		f.open()
	}
	f.mu.Unlock()
	for _, p := range batch {
		f.alone(p, err)
	}
	return true
}

// report tells what the store said of outcomes.
func (f *finisher) report(batch []pending, results []driver.Result) {
	for i := range batch {
		p := &batch[i]
		switch {
		case results[i].Status != driver.Done:
			f.reporter.report(Event{Kind: OutcomeLate, Of: p.claim, Outcome: p.kind, Result: results[i], Reason: p.reason()})
		case p.kind == driver.Failed && (p.claim.Remaining == 0 || p.said.final):
			kind := JobDied
			if results[i].Recorded {
				kind = FailureRecorded
			}
			f.reporter.report(Event{Kind: kind, Of: p.claim, Reason: p.reason()})
		}
	}
}

// notReleased tells of claims that were not given back. They expire.
func (f *finisher) notReleased(batch []pending, err error) {
	f.orphaned()
	f.reporter.report(Event{Kind: ReleaseFailed, N: len(batch), Err: err})
}

// alone deals with an outcome that failed by itself: what the store refuses for
// good becomes a failure, and all else waits apart.
func (f *finisher) alone(p pending, err error) {
	p.failed(err)
	wait := p.trouble.retry.next(maxWaitApart)
	if p.kind == driver.Released {
		f.notReleased([]pending{p}, err)
		return
	}
	if isRefused(err) && p.trouble.refused == 0 {
		f.reporter.report(Event{Kind: OutcomeRefused, Of: p.claim, Outcome: p.kind, Err: err})
	}
	if isFinal(err) {
		if !p.refuse(err) {
			f.drop(p, err)
			return
		}
		wait = 0
	}
	p.trouble.at = time.Now().Add(wait)
	if p.trouble.at.After(p.until()) && wait > 0 {
		f.drop(p, err)
		return
	}
	f.mu.Lock()
	closed := f.closed
	if !closed {
		f.apart = append(f.apart, p)
	}
	f.mu.Unlock()
	if closed {
		f.drop(p, err)
		return
	}
	notify(f.due)
}

// runApart tries the outcomes that wait apart, each when it is due and by
// itself.
func (f *finisher) runApart() {
	slots := make(chan struct{}, maxLanes)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		l, wait := f.takeApart()
		if l == nil {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-f.due:
			case <-f.cutoff.Done():
				return
			case <-f.done:
				return
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-f.cutoff.Done():
			return
		}
		go func() {
			defer func() { <-slots }()
			l.runAlone()
		}()
	}
}

// takeApart takes an outcome that is due into a lane of its own, or returns how
// long none is.
func (f *finisher) takeApart() (*lane, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	wait, now := time.Hour, time.Now()
	for i := range f.apart {
		p := f.apart[i]
		if until := p.trouble.at.Sub(now); until > 0 {
			wait = min(wait, until)
			continue
		}
		last := len(f.apart) - 1
		f.apart[i] = f.apart[last]
		f.apart[last] = pending{}
		f.apart = f.apart[:last]
		l := &lane{f: f, batch: []pending{p}, began: now, replaced: true}
		f.writing[l] = struct{}{}
		return l, 0
	}
	return nil, wait
}

// runAlone writes an outcome that waited apart.
func (l *lane) runAlone() {
	f, p := l.f, l.batch[0]
	returned := false
	defer func() {
		f.mu.Lock()
		delete(f.writing, l)
		if !returned && !f.closed { // the store's code has ended this goroutine
			p.trouble.at = time.Now().Add(maxWaitApart)
			f.apart = append(f.apart, p)
		}
		f.checkDone()
		f.mu.Unlock()
		notify(f.free)
	}()
	if err := f.try(nil, l.batch); err != nil {
		f.alone(p, err)
	}
	returned = true
}
