package runtime

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// prefetchTime is how much of its handlers' expected work a pool claims
	// ahead, and maxBatch the most it claims at once.
	prefetchTime = 50 * time.Millisecond
	maxBatch     = 1000
	// claimTimeout is how long a claim may take before its connection is taken
	// for dead, and claimTimeoutMost how long where the back end is known to be
	// alive: the first look over a queue passes what a long transaction keeps of
	// finished jobs, one to two million a second on PostgreSQL.
	claimTimeout     = 15 * time.Second
	claimTimeoutMost = 2 * time.Minute
	// claimPause keeps a pool with a backlog and few free handlers from
	// claiming jobs one by one.
	claimPause = 5 * time.Millisecond
)

// claimLoop claims jobs until soft ends: at once again while there is more
// than it can take, and otherwise when it is notified, at the poll interval,
// or when the next job becomes due.
func (p *pool) claimLoop(soft, base context.Context) {
	defer p.finisher.turn(false)
	retry, failing := newBackoff(), false
	more := true     // there may be a job to claim
	foreign := false // the last claim took a job that this worker gives back
	var wait time.Duration
	for soft.Err() == nil {
		switch {
		case foreign:
			sleep(soft, wait) // giving it back would end any other wait at once
		case !more:
			p.await(soft, wait)
		}
		limit := p.room(soft)
		if limit == 0 {
			return
		}
		jobs, nextDue, err := p.claimIn(base, limit)
		if soft.Err() != nil {
			p.keep(jobs) // to be released
			return
		}
		p.accept(base, jobs)
		if err != nil || len(jobs) < limit {
			p.finisher.turn(false) // the next claim may be long in coming
		}
		if err != nil {
			if !failing {
				p.logger.Warn("claiming fails; it will be tried until it works", "error", err)
			}
			failing, more = true, true
			sleep(soft, retry.next())
			continue
		}
		if failing {
			p.logger.Info("claiming works again")
			failing, retry = false, newBackoff()
		}
		more, foreign = len(jobs) >= limit, p.foreign(jobs)
		wait = p.settings.pollInterval*9/10 + jitter(p.settings.pollInterval/5)
		if nextDue > 0 && nextDue < wait {
			wait = nextDue + time.Millisecond // due times have microseconds
		}
	}
}

// await waits for a notification, or for d.
func (p *pool) await(ctx context.Context, d time.Duration) {
	_ = waitForJob(ctx, p.queue, d)
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// room waits until jobs can be taken and returns how many; 0 when ctx ends.
// Under a backlog it lets a few places gather before it claims, and while
// outcomes are far behind it claims nothing.
func (p *pool) room(ctx context.Context) int {
	var pause <-chan time.Time
	for ctx.Err() == nil {
		p.mu.Lock()
		free := p.size - p.handlers
		ahead := p.prefetch()
		room := min(free+ahead-len(p.ready), maxBatch)
		next := room > 0 || len(p.ready) == 0 // the next job that ends makes for a claim
		p.mu.Unlock()
		p.finisher.turn(p.turner != nil && next)
		enough := max(1, min(p.size+ahead, maxBatch)/4)
		if p.finisher.behind() {
			room = 0
		} else if room >= enough || free == p.size {
			return max(room, 1)
		}
		if room > 0 && pause == nil {
			timer := time.NewTimer(claimPause)
			defer timer.Stop()
			pause = timer.C
		}
		select {
		case <-p.freed:
		case <-pause:
			if room > 0 {
				return room
			}
			pause = nil
		case <-ctx.Done():
		}
	}
	return 0
}

// prefetch is how many jobs the handlers will begin within prefetchTime.
func (p *pool) prefetch() int {
	if p.mean <= 0 {
		return 0
	}
	return int(min(time.Duration(p.size)*prefetchTime/p.mean, maxBatch))
}

// claimIn is claim in a context that outlives a stop, a hard one by as long as
// releases may take: a claim that is called off may be made all the same, even
// after what was released, and would then be held by nobody. So may one that
// fails.
func (p *pool) claimIn(base context.Context, limit int) ([]*Job, time.Duration, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(base))
	defer cancel()
	stop := context.AfterFunc(base, func() { time.AfterFunc(persistAfterStop, cancel) })
	defer stop()
	began := time.Now()
	defer p.callOff(ctx, cancel, began).Stop()
	jobs, nextDue, err := p.claim(ctx, limit)
	if err != nil {
		p.rename()
		if took := time.Since(began); took >= claimTimeout {
			err = fmt.Errorf("%w, after %v", err, took.Round(time.Second))
		}
	}
	return jobs, nextDue, err
}

// callOff ends a claim that has taken its time since it began; stopping the timer
// keeps it from that.
func (p *pool) callOff(ctx context.Context, cancel context.CancelFunc, began time.Time) *time.Timer {
	reporter, reports := p.queue.(LivenessReporter)
	var look func()
	look = func() {
		switch {
		case ctx.Err() != nil:
		case reports && time.Since(reporter.LastAnswer()) < claimTimeout/2 && time.Since(began) < claimTimeoutMost:
			time.AfterFunc(claimTimeout/2, look)
		default:
			cancel()
		}
	}
	return time.AfterFunc(claimTimeout, look)
}

// claim takes up to limit jobs, in one round trip where the queue can.
func (p *pool) claim(ctx context.Context, limit int) ([]*Job, time.Duration, error) {
	if batch, ok := p.queue.(BatchClaimer); ok {
		req := ClaimRequest{HandlerID: p.name(), Types: p.types, Limit: limit}
		if p.turner != nil {
			if outcomes := p.finisher.takeFor(req.HandlerID); len(outcomes) > 0 {
				return p.turn(ctx, outcomes, req)
			}
		}
		claimed, err := batch.ClaimBatch(ctx, req)
		return claimed.Jobs, claimed.NextDue, err
	}
	var jobs []*Job
	for len(jobs) < limit {
		job, err := p.claimOne(ctx)
		if errors.Is(err, ErrJobNotFound) {
			break
		}
		if err != nil {
			return jobs, 0, err
		}
		jobs = append(jobs, job)
		if p.foreign(jobs) {
			break // it goes back, and would be claimed again at once
		}
	}
	return jobs, 0, nil
}

// turn writes outcomes and claims in one round trip. What may not be written is
// left to the finisher, which tries again.
func (p *pool) turn(ctx context.Context, done []finish, req ClaimRequest) ([]*Job, time.Duration, error) {
	verdicts, claimed, err := p.turner.Turn(ctx, outcomesOf(done), req)
	for i, d := range done {
		if verdicts == nil {
			p.finisher.add(d)
		} else {
			p.finisher.report(d, verdicts[i])
		}
	}
	return claimed.Jobs, claimed.NextDue, err
}

// foreign reports whether the last of jobs is one that the worker has no
// handler for. Only a queue that is no [BatchClaimer] hands out such jobs.
func (p *pool) foreign(jobs []*Job) bool {
	if len(jobs) == 0 {
		return false
	}
	return !p.mux.reads(jobs[len(jobs)-1])
}

// stealChance is how often a pool looks for expired claims first, on a queue
// whose back end does not see to that by itself.
const stealChance = 0.1

func (p *pool) claimOne(ctx context.Context) (*Job, error) {
	stealFirst := rand.Float64() < stealChance
	if stealFirst {
		if job, err := p.queue.TrySteal(ctx, p.name()); !errors.Is(err, ErrJobNotFound) {
			return job, err
		}
	}
	job, err := p.queue.TryClaim(ctx, p.name())
	if errors.Is(err, ErrJobNotFound) && !stealFirst {
		return p.queue.TrySteal(ctx, p.name())
	}
	return job, err
}
