package queuetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jobgen/jobgen/runtime"
)

// A client is one goroutine of a storm, with dice and a record of its own.
type client struct {
	*storm
	ctx     context.Context
	number  int
	dice    *rand.Rand
	log     *clientLog
	life    int // counts the handler ids that it has had
	strange int // errors that no behaviour names
}

func (s *storm) client(number int) *client {
	return &client{
		storm: s, ctx: s.t.Context(), number: number,
		dice: rand.New(rand.NewPCG(s.seed, uint64(number))),
		log:  s.rec.client(),
	}
}

// chance is true n times in a hundred.
func (c *client) chance(n int) bool { return c.dice.IntN(100) < n }

// upTo draws a duration below d.
func (c *client) upTo(d time.Duration) time.Duration { return time.Duration(c.dice.Int64N(int64(d))) }

func (c *client) handler() string { return fmt.Sprintf("h%d.%d", c.number, c.life) }

// stopped reports whether the run is over, or this client cannot go on.
func (c *client) stopped() bool {
	select {
	case <-c.stop:
		return true
	default:
		return c.strange > 3
	}
}

// pause lets time pass, the work of a handler; it synchronises nothing.
func (c *client) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
}

// failed records an error that concerns no job.
func (c *client) failed(call time.Duration, kind opKind, err error) {
	c.strange++
	c.log.record(call, op{kind: kind, err: err})
}

// claimed records a claim.
func (c *client) claimed(call time.Duration, kind opKind, job *runtime.Job, batch bool) {
	c.log.record(call, op{
		kind: kind, job: job.ID, attempt: job.AttemptNumber, handler: job.HandlerID,
		remaining: job.AttemptsRemaining, batch: batch,
	})
	if job.AttemptsMade != job.AttemptNumber || job.HandlerID != c.handler() {
		c.t.Errorf("%v, claimed by %s, says handler %s and %d attempts made", job, c.handler(), job.HandlerID, job.AttemptsMade)
	}
}

// handle claims and works until the run is over.
func (c *client) handle() {
	for !c.stopped() {
		q := c.queues[c.dice.IntN(len(c.queues))][c.dice.IntN(len(stormQueues))]
		if c.chance(5) {
			c.life++ // a restart
		}
		var found bool
		if c.number%4 == 0 {
			found = c.handleBatch(q)
		} else {
			found = c.handleOne(q)
		}
		if !found {
			wait, cancel := context.WithTimeout(c.ctx, 5*time.Millisecond)
			_ = q.WaitForJob(wait) // its error is the time out
			cancel()
		}
	}
}

func (c *client) handleOne(q queue) bool {
	kind, take := opClaim, q.TryClaim
	if c.chance(30) {
		kind, take = opSteal, q.TrySteal
	}
	call := c.log.now()
	job, err := take(c.ctx, c.handler())
	switch {
	case errors.Is(err, runtime.ErrJobNotFound):
		return false
	case err != nil:
		c.failed(call, kind, err)
		return false
	}
	c.claimed(call, kind, job, false)
	c.work(q, job)
	return true
}

// A fate is what a handler does with a claim.
type fate int

const (
	fateComplete fate = iota
	fateCompleteTwice
	fateIntruder // another handler tries to finish it first
	fateFail
	fateRetry
	fateForget
	fateLateComplete
	fateLateFail
	fateRelease
)

// fate draws one. Claims that last long are never forgotten, since the run
// would wait for them, and claims that do not are never released: whether
// that came in time, the answer does not say.
func (c *client) fate(job *runtime.Job) fate {
	short := job.MaxWorkDuration < time.Second
	switch p := c.dice.IntN(100); {
	case p < 10 && short:
		return fateForget
	case p < 10:
		return fateRelease
	case p < 17 && short:
		return fateLateComplete
	case p < 24 && short:
		return fateLateFail
	case p < 34:
		return fateFail
	case p < 44:
		return fateRetry
	case p < 49:
		return fateCompleteTwice
	case p < 54:
		return fateIntruder
	}
	return fateComplete
}

// work lives out one claim.
func (c *client) work(q queue, job *runtime.Job) {
	if c.chance(30) {
		c.pause(c.upTo(3 * time.Millisecond))
	}
	switch f := c.fate(job); f {
	case fateForget:
		c.life++ // as if the process had been killed
	case fateRelease:
		c.release(q, job)
	case fateLateComplete, fateLateFail:
		c.pause(job.MaxWorkDuration + c.upTo(10*time.Millisecond))
		c.finish(q, job, c.outcome(job, f))
	case fateCompleteTwice:
		c.finish(q, job, c.outcome(job, f))
		again := c.outcome(job, f)
		again.Log = []byte("a second time")
		c.finish(q, job, again)
	case fateIntruder:
		c.intrude(q, job)
		c.finish(q, job, c.outcome(job, f))
	default:
		c.finish(q, job, c.outcome(job, f))
	}
}

// outcome is how an attempt ends by its fate.
func (c *client) outcome(job *runtime.Job, f fate) attemptEnd {
	o := attemptEnd{
		JobID: job.ID, AttemptNumber: job.AttemptNumber, Success: true,
		Log: fmt.Appendf(nil, "%s on %d", job.HandlerID, job.AttemptNumber),
	}
	if f == fateFail || f == fateRetry || f == fateLateFail {
		o.Success, o.Reason = false, "no luck for "+job.HandlerID
	}
	if f == fateRetry {
		o.RetryIn = time.Millisecond + c.upTo(20*time.Millisecond).Truncate(time.Microsecond)
	}
	return o
}

// finish writes one outcome by itself.
func (c *client) finish(q queue, job *runtime.Job, o attemptEnd) {
	call := c.log.now()
	var err error
	switch {
	case o.Success:
		err = q.Complete(c.ctx, o.JobID, job.HandlerID, o.AttemptNumber, o.Log)
	case o.RetryIn > 0:
		err = q.FailAndRetry(c.ctx, o.JobID, job.HandlerID, o.AttemptNumber, o.Reason, o.Log, o.RetryIn)
	default:
		o.RetryIn = 0
		err = q.Fail(c.ctx, o.JobID, job.HandlerID, o.AttemptNumber, o.Reason, o.Log)
	}
	c.finished(call, job.HandlerID, o, err, false)
}

// finished records the answer to an outcome.
func (c *client) finished(call time.Duration, handler string, o attemptEnd, err error, batch bool) {
	kind := opFail
	if o.Success {
		kind = opComplete
	}
	c.log.record(call, op{
		kind: kind, job: o.JobID, attempt: o.AttemptNumber, handler: handler, err: err, batch: batch,
		log: string(o.Log), reason: o.Reason, retryIn: o.RetryIn,
	})
}

// intrude finishes what another handler holds, and may not.
func (c *client) intrude(q queue, job *runtime.Job) {
	call := c.log.now()
	o := attemptEnd{JobID: job.ID, AttemptNumber: job.AttemptNumber, Success: c.chance(50), Reason: "intruded", Log: []byte("intruded")}
	var err error
	if o.Success {
		err = q.Complete(c.ctx, o.JobID, "intruder", o.AttemptNumber, o.Log)
	} else {
		err = q.Fail(c.ctx, o.JobID, "intruder", o.AttemptNumber, o.Reason, o.Log)
	}
	c.finished(call, "intruder", o, err, false)
}

// release gives a claim back.
func (c *client) release(q queue, job *runtime.Job) {
	call := c.log.now()
	err := q.Release(c.ctx, job.HandlerID, []claimRef{{JobID: job.ID, AttemptNumber: job.AttemptNumber}})
	c.log.record(call, op{kind: opRelease, job: job.ID, attempt: job.AttemptNumber, handler: job.HandlerID, err: err})
}

// handleBatch claims several jobs and finishes together those that it
// finishes.
func (c *client) handleBatch(q queue) bool {
	types := firstVersions(stormTypeA, stormTypeB)
	if c.chance(20) {
		types = types[:1]
	}
	call := c.log.now()
	got, err := q.ClaimBatch(c.ctx, claimRequest{HandlerID: c.handler(), Types: types, Limit: 1 + c.dice.IntN(8)})
	if err != nil {
		c.failed(call, opClaim, err)
		return false
	}
	for _, job := range got.Jobs {
		c.claimed(call, opClaim, job, true)
	}
	var outcomes []attemptEnd
	late, forgot := time.Duration(0), false
	for _, job := range got.Jobs {
		switch f := c.fate(job); f {
		case fateForget:
			forgot = true
		case fateRelease:
			c.release(q, job)
		default:
			if f == fateLateComplete || f == fateLateFail {
				late = max(late, job.MaxWorkDuration+time.Millisecond)
			}
			outcomes = append(outcomes, c.outcome(job, f))
		}
	}
	c.pause(late)
	c.finishBatch(q, outcomes)
	if forgot {
		c.life++
	}
	return len(got.Jobs) > 0
}

func (c *client) finishBatch(q queue, outcomes []attemptEnd) {
	if len(outcomes) == 0 {
		return
	}
	call := c.log.now()
	errs, err := q.FinishBatch(c.ctx, c.handler(), outcomes)
	if err != nil || len(errs) != len(outcomes) {
		c.failed(call, opComplete, fmt.Errorf("FinishBatch of %d returned %d results: %w", len(outcomes), len(errs), err))
		return
	}
	for i, o := range outcomes {
		c.finished(call, c.handler(), o, errs[i], true)
	}
}

// cancel cancels one job in fifteen, some of them twice.
func (c *client) cancel() {
	for left := c.jobs / 15; left > 0 && !c.stopped(); left-- {
		c.pause(c.upTo(4 * time.Millisecond))
		c.mu.Lock()
		if len(c.known) == 0 {
			c.mu.Unlock()
			left++
			continue
		}
		// The youngest are the likeliest to live.
		young := c.known[max(0, len(c.known)-20):]
		victim := young[c.dice.IntN(len(young))]
		c.mu.Unlock()
		for range 1 + c.dice.IntN(2) {
			call := c.log.now()
			err := c.queues[c.dice.IntN(len(c.queues))][victim.queue].Cancel(c.ctx, victim.id)
			c.log.record(call, op{kind: opCancel, job: victim.id, err: err})
		}
	}
}
