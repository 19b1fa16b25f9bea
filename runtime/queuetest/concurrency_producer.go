package queuetest

import (
	"errors"
	"math"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
)

// produce adds this producer's share of the jobs.
func (c *client) produce() {
	for left := c.jobs / stormProducers; left > 0 && !c.stopped(); {
		n := min(left, 1+c.dice.IntN(5))
		tx, transacts := c.store.(Transactor)
		switch {
		case transacts && c.number < 2 && c.chance(50):
			c.addInTx(tx, n)
		case c.chance(20):
			n = 1
			c.addAndClaim()
		default:
			c.add(c.service(), n)
		}
		left -= n
		c.pause(c.upTo(2 * time.Millisecond))
	}
}

func (c *client) service() *runtime.Store { return c.services[c.dice.IntN(len(c.services))] }

// order draws what to ask of a new job.
func (c *client) order() (op, []runtime.JobOption) {
	o := op{kind: opAdd, max: math.MaxInt32, work: runtime.DefaultMaxWorkDuration, queue: c.dice.IntN(len(stormQueues))}
	opts := []runtime.JobOption{runtime.JobOptions.Priority(int16(c.dice.IntN(3)))}
	if c.chance(60) {
		o.max = int32(1 + c.dice.IntN(5))
		opts = append(opts, runtime.JobOptions.MaxAttempts(o.max))
	}
	if c.chance(60) {
		o.work = 3*time.Millisecond + c.upTo(30*time.Millisecond).Truncate(time.Microsecond)
		opts = append(opts, runtime.JobOptions.MaxWorkDuration(o.work))
	}
	if c.chance(30) {
		var due time.Time
		due, o.due = c.dueIn(c.upTo(50 * time.Millisecond))
		opts = append(opts, runtime.JobOptions.Due(due))
	}
	return o, opts
}

func (c *client) jobType() runtime.JobType {
	if c.chance(50) {
		return stormTypeA
	}
	return stormTypeB
}

// add adds n jobs, in one batch where the queue can, and returns the ops as
// recorded, so that a transaction can record them again.
func (c *client) add(service *runtime.Store, n int) {
	o, opts := c.order()
	call := c.log.now()
	ids, err := c.send(service, o.queue, n, opts)
	if err != nil {
		c.failed(call, opAdd, err)
		return
	}
	c.added(call, o, ids)
}

func (c *client) send(service *runtime.Store, queue, n int, opts []runtime.JobOption) ([]snowflake.ID, error) {
	q, err := getQueue(c.ctx, service, stormQueues[queue])
	if err != nil {
		return nil, err
	}
	if n > 1 {
		payloads := make([]any, n)
		for i := range payloads {
			payloads[i] = stormPayload{N: i}
		}
		return q.AddBatch(c.ctx, c.jobType(), payloads, opts...)
	}
	ids := make([]snowflake.ID, 0, n)
	for range n {
		id, err := q.Add(c.ctx, c.jobType(), &stormPayload{}, opts...)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// added records jobs of which an answer has just come.
func (c *client) added(call time.Duration, o op, ids []snowflake.ID) {
	for _, id := range ids {
		o.job = id
		c.log.record(call, o)
		if !o.withdrew {
			c.mu.Lock()
			c.known = append(c.known, target{id, o.queue})
			c.mu.Unlock()
		}
	}
}

// addInTx adds jobs that others see only some time after their ids were made,
// or never.
func (c *client) addInTx(tx Transactor, n int) {
	bound, commit, rollback := tx.Begin(c.t, c.service())
	o, opts := c.order()
	call := c.log.now()
	ids, err := c.send(bound, o.queue, n, opts)
	end := commit
	if err != nil || c.chance(20) {
		o.withdrew, end = true, rollback
	}
	c.pause(c.upTo(5 * time.Millisecond))
	if err = errors.Join(err, end()); err != nil {
		c.failed(call, opAdd, err)
		return
	}
	c.added(call, o, ids)
}

func (c *client) addAndClaim() {
	o, opts := c.order()
	o.held = true
	q := c.queues[c.dice.IntN(len(c.queues))][o.queue]
	call := c.log.now()
	job, err := q.AddAndClaim(c.ctx, c.jobType(), stormPayload{}, c.handler(), opts...)
	if err != nil {
		c.failed(call, opAdd, err)
		return
	}
	o.job = job.ID
	c.log.record(call, o)
	c.claimed(call, opClaim, job, false)
	c.work(q, job)
}
