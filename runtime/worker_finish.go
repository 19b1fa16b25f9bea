package runtime

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A finisher writes the outcomes of a pool's attempts. While one round trip is
// under way outcomes gather, and the next takes them all: an idle queue is
// answered at once, a busy one in large batches, and no timer decides.
type finisher struct {
	pool  *pool
	added chan struct{}

	mu      sync.Mutex
	waiting []finish
	writing int  // how many are on their way
	turning bool // the next claim takes what waits along
	stopped bool
}

// maxBehind is how many outcomes may not be written yet while more jobs are
// claimed. What cannot be recorded is better not begun: it would be claimed,
// run and be late again elsewhere, and its outcome take its time from others.
const maxBehind = 4 * maxBatch

// A finish is a claim whose job has ended, or will not begin.
type finish struct {
	job     *Job
	verdict verdict
	err     error
}

func newFinisher(p *pool) *finisher { return &finisher{pool: p, added: make(chan struct{}, 1)} }

// add hands over a claim. It never blocks.
func (f *finisher) add(done finish) {
	f.mu.Lock()
	f.waiting = append(f.waiting, done)
	wake := !f.turning
	f.mu.Unlock()
	if wake {
		notify(f.added)
	}
}

// turn says whether the next claim will take along what waits until then.
func (f *finisher) turn(turning bool) {
	f.mu.Lock()
	wake := !turning && len(f.waiting) > 0
	f.turning = turning
	f.mu.Unlock()
	if wake {
		notify(f.added)
	}
}

// takeFor returns the outcomes that wait of attempts that handlerID made. It
// leaves the rest, releases above all, to run.
func (f *finisher) takeFor(handlerID string) (outcomes []finish) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var rest []finish
	for _, done := range f.waiting {
		if len(outcomes) < maxBatch && done.verdict != release && done.job.HandlerID == handlerID {
			outcomes = append(outcomes, done)
		} else {
			rest = append(rest, done)
		}
	}
	if f.waiting = rest; len(rest) > 0 {
		notify(f.added)
	}
	return outcomes
}

// stop ends run once everything is written.
func (f *finisher) stop() {
	f.mu.Lock()
	f.stopped = true
	f.mu.Unlock()
	notify(f.added)
}

// take returns everything that waits, and whether more may come. What it
// returned before has been written.
func (f *finisher) take() (batch []finish, last bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	batch, f.waiting = f.waiting, nil
	f.writing = len(batch)
	return batch, f.stopped
}

// behind reports whether too many outcomes are not written yet.
func (f *finisher) behind() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting)+f.writing > maxBehind
}

func (f *finisher) run() {
	for {
		batch, last := f.take()
		notify(f.pool.freed) // for a claim that waits because of behind
		if len(batch) == 0 {
			if last {
				return
			}
			<-f.added
			continue
		}
		f.write(batch)
	}
}

// write writes a batch, releases apart from outcomes.
func (f *finisher) write(batch []finish) {
	outcomes := batch[:0]
	var releases []finish
	for _, done := range batch {
		if done.verdict == release {
			releases = append(releases, done)
		} else {
			outcomes = append(outcomes, done)
		}
	}
	for len(releases) > 0 {
		n := ofOneHandler(releases)
		f.release(releases[:n])
		releases = releases[n:]
	}
	for len(outcomes) > 0 {
		n := min(ofOneHandler(outcomes), maxBatch)
		f.finish(outcomes[:n])
		outcomes = outcomes[n:]
	}
}

// ofOneHandler is how many claims at the beginning of batch were made under
// the same handler id, which is all of them but after a claim that failed.
func ofOneHandler(batch []finish) int {
	for i, done := range batch {
		if done.job.HandlerID != batch[0].job.HandlerID {
			return i
		}
	}
	return len(batch)
}

// release gives claims back. It is tried once: a claim that is not given back
// expires by itself, while a second try might hit a newer claim.
func (f *finisher) release(batch []finish) {
	releaser, ok := f.pool.queue.(Releaser)
	if !ok {
		for i := range batch {
			batch[i].verdict = fail
			if batch[i].err == nil {
				batch[i].err = errors.New("released before it began")
			}
		}
		f.finish(batch)
		return
	}
	refs := make([]ClaimRef, len(batch))
	for i, done := range batch {
		refs[i] = ClaimRef{JobID: done.job.ID, AttemptNumber: done.job.AttemptNumber}
	}
	ctx, cancel := context.WithTimeout(context.Background(), persistAfterStop)
	defer cancel()
	if err := releaser.Release(ctx, batch[0].job.HandlerID, refs); err != nil {
		f.pool.rename()
		f.pool.logger.Warn("claims not released; they will expire", "jobs", len(refs), "error", err)
	}
}

// finish writes outcomes, trying again until they are written or each one's
// claim has expired.
func (f *finisher) finish(batch []finish) {
	retry, failing := newBackoff(), false
	deadline := time.Now().Add(minPersist)
	for len(batch) > 0 {
		undecided, err := f.try(batch)
		if err == nil {
			if failing {
				f.pool.logger.Info("writing outcomes works again")
			}
			return
		}
		if !failing {
			f.pool.logger.Warn("writing outcomes fails; it will be tried until their claims expire", "jobs", len(undecided), "error", err)
			failing = true
		}
		time.Sleep(retry.next())
		batch = f.dropExpired(undecided, deadline, err)
	}
}

// try writes a batch once and returns what is still to be written, and why.
func (f *finisher) try(batch []finish) (undecided []finish, err error) {
	// Shorter than most claims, so that a connection that has gone silent
	// leaves time for another.
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	finishBatch, ok := f.pool.queue.(BatchFinisher)
	if !ok {
		for _, done := range batch {
			if e := done.job.settle(ctx, done.verdict, done.err); e != nil && !decides(e) {
				undecided, err = append(undecided, done), e
			} else {
				f.report(done, e)
			}
		}
		return undecided, err
	}
	errs, err := finishBatch.FinishBatch(ctx, batch[0].job.HandlerID, outcomesOf(batch))
	if err != nil {
		return batch, err
	}
	for i, done := range batch {
		f.report(done, errs[i])
	}
	return nil, nil
}

// outcomesOf is a batch as stores take it.
func outcomesOf(batch []finish) []Outcome {
	outcomes := make([]Outcome, len(batch))
	for i, done := range batch {
		outcomes[i] = done.job.outcome(done.verdict, done.err)
	}
	return outcomes
}

// report logs what the store said of an outcome.
func (f *finisher) report(done finish, err error) {
	if err != nil {
		f.pool.logger.Info("the attempt's outcome came too late to count", "job", int64(done.job.ID),
			"attempt", done.job.AttemptNumber, "success", done.verdict == complete, "error", err)
	}
}

// dropExpired leaves out, knowingly, what can no longer be written in time.
func (f *finisher) dropExpired(batch []finish, deadline time.Time, cause error) []finish {
	var kept []finish
	now := time.Now()
	for _, done := range batch {
		until := deadline
		if at, ok := done.job.expires(); ok && at.After(until) {
			until = at
		}
		if now.Before(until) {
			kept = append(kept, done)
			continue
		}
		droppedOutcomes.Add(1)
		f.pool.rename()
		f.pool.logger.Error("outcome dropped: the store could not be reached until the claim expired",
			"job", int64(done.job.ID), "attempt", done.job.AttemptNumber, "success", done.verdict == complete, "error", cause)
	}
	return kept
}
