package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

const (
	// claimTimeout is how long a claim may take before its connection is taken
	// for dead, and claimTimeoutMost how long where the store is known to be alive:
	// the first look over a queue passes what a long transaction keeps of finished
	// jobs, one to two million a second on PostgreSQL.
	claimTimeout     = 15 * time.Second
	claimTimeoutMost = 2 * time.Minute
	// silenceMost is how long a store that is alive may not answer what it is asked
	// every few seconds.
	silenceMost = claimTimeout / 2
	// finishTimeout is how long a claim may take that finishes, too: its outcomes
	// may wait for a row that somebody has locked.
	finishTimeout = 5 * time.Second
)

// claim takes up to limit jobs, in a context that outlives a stop, a hard one by
// afterStop: a claim that is called off may be made all the same, even after what
// was released, and would then be held by nobody. So may one that fails.
func (c *claimer) claim(base context.Context, limit int) (claims Batch, nextDue time.Duration, err error) {
	c.rename()
	ctx, cancel := context.WithCancel(context.WithoutCancel(base))
	defer cancel()
	defer context.AfterFunc(base, func() { time.AfterFunc(afterStop, cancel) })()

	req := driver.ClaimRequest{Handler: c.handler, Types: c.cfg.Types, Limit: limit}
	if c.cfg.LowestFirst != nil {
		req.LowestFirst = c.cfg.LowestFirst()
	}
	var batch []pending
	if c.cfg.FinishWithClaim {
		if batch = c.finisher.takeFor(c.handler); len(batch) > 0 {
			req.Finish = outcomes(nil, batch)
		}
	}
	began := time.Now()
	deadline := newClaimDeadline(c.link, began, len(batch) > 0, cancel)
	answered := false
	defer func() {
		if !answered { // the store's code has ended this goroutine
			c.finisher.putBack(batch, ErrGoexit)
		}
	}()
	claimed, err := c.queue.claim(ctx, req)
	answered = true
	deadline.stop()

	took := time.Since(began)
	if claimed.Finished == nil {
		c.finisher.putBack(batch, err)
	} else if len(batch) > 0 {
		c.finisher.wrote(batch, claimed.Finished, took)
	}
	if err != nil {
		c.orphaned()
		if base.Err() == nil {
			c.link.fail(err)
		}
		if took >= finishTimeout {
			err = fmt.Errorf("%w, after %v", err, took.Round(time.Second))
		}
	} else {
		c.link.answer()
	}
	for i := range claimed.Buried {
		b := &claimed.Buried[i]
		c.reporter.report(Event{Kind: JobDied, Of: &Claim{Attempt: b.Attempt, Type: b.Type, Holder: &Holder{Handler: b.Handler}}, Reason: b.Reason})
	}
	n := len(claimed.Rows)
	if now := began.Add(took); n > 0 && c.reporter.wants(now) {
		c.reporter.report(Event{Kind: ClaimsMade, Time: now, N: n, Took: took})
	}
	return Batch{Rows: claimed.Rows, Holder: &Holder{c.handler, began}}, claimed.NextDue, err
}

// A claimDeadline calls a claim off that has taken its time.
type claimDeadline struct {
	link    *link
	began   time.Time
	finish  bool // the claim finishes, too
	callOff func()

	mu      sync.Mutex // guards the rest, which the timer and stop write
	timer   *time.Timer
	over    bool
	suspect bool // the store was silent for a while: the answer may be lost
}

func newClaimDeadline(l *link, began time.Time, finish bool, callOff func()) *claimDeadline {
	d := &claimDeadline{link: l, began: began, finish: finish, callOff: callOff}
	first := silenceMost
	if finish {
		first = finishTimeout
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timer = time.AfterFunc(first, d.look)
	return d
}

func (d *claimDeadline) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	d.timer.Stop()
}

// look calls the claim off, or looks again in a second.
func (d *claimDeadline) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return
	}
	took := time.Since(d.began)
	silence, known := d.link.silence()
	alive := known && silence < silenceMost
	switch {
	case took >= claimTimeoutMost,
		took >= claimTimeout && !alive,
		alive && (d.suspect || d.finish && took >= finishTimeout):
		d.callOff()
		return
	}
	d.suspect = d.suspect || known && !alive
	d.timer.Reset(time.Second)
}
