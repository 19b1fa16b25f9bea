package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/jobgen/jobgen/runtime/driver"
)

const (
	// prefetchTime is how much of the handlers' expected work is claimed ahead, and
	// maxBatch the most that is claimed at once.
	prefetchTime = 50 * time.Millisecond
	maxBatch     = 1000
	// gatherTime keeps an engine with a backlog and few free handlers from
	// claiming jobs one by one.
	gatherTime = 5 * time.Millisecond
)

// A claimer decides when and how much to claim: at once again while there is
// more than it can take, and otherwise when it is told of a job, at the poll
// interval, or when the next job becomes due.
type claimer struct {
	cfg      *Config
	queue    guarded
	link     *link
	reporter *reporter
	runner   *runner
	finisher *finisher
	back     <-chan struct{} // holds a value after the store has come back
	free     chan struct{}   // holds a value after a handler has become free, or outcomes have been written

	orphans   atomic.Bool // claims may have been left behind: set by all, read and cleared by run
	abandoned atomic.Bool // nobody waits for run any more: set by Run, read by run

	// Written and read by run's goroutine alone.
	handler string // who claims
	renames int
	retry   backoff
	failing bool
	more    bool          // there may be a job to claim
	wait    time.Duration // until the next look where nothing tells of a job
}

func newClaimer(cfg *Config, queue guarded, l *link, v *reporter) *claimer {
	return &claimer{
		cfg: cfg, queue: queue, link: l, reporter: v, back: l.subscribe(), free: make(chan struct{}, 1),
		handler: cfg.Handler, more: true,
	}
}

// orphaned says that a claim may have been left behind.
func (c *claimer) orphaned() { c.orphans.Store(true) }

// abandon says that nobody waits for run any more.
func (c *claimer) abandon() { c.abandoned.Store(true) }

// rename makes claims go under another name where some may have been left
// behind. A handler never takes over its own claims, so it could not take over
// those that it does not know of, or has given up.
func (c *claimer) rename() {
	if c.orphans.Swap(false) {
		c.renames++
		c.handler = suffixed(c.cfg.Handler, c.renames)
	}
}

// suffixed is a name for the n-th time that a handler goes on under another, cut
// where the two together would be too long.
func suffixed(name string, n int) string {
	suffix := fmt.Sprintf("+%d", n)
	at := min(len(name), driver.MaxNameSize-len(suffix))
	for at < len(name) && !utf8.RuneStart(name[at]) {
		at--
	}
	return name[:at] + suffix
}

// run claims until soft ends, and then closes done.
func (c *claimer) run(soft, base context.Context, done chan<- struct{}) {
	returned := false
	defer func() {
		if !returned && soft.Err() == nil { // the store's code has ended this goroutine
			c.orphaned()
			go c.run(soft, base, done)
			return
		}
		c.finisher.awaitClaim(false)
		close(done)
	}()
	for soft.Err() == nil {
		if !c.more {
			c.await(soft)
		}
		limit := c.capacity(soft)
		if limit == 0 {
			break
		}
		claims, nextDue, err := c.claim(base, limit)
		if soft.Err() != nil {
			c.giveBack(claims)
			break
		}
		c.runner.start(claims)
		if err != nil || len(claims.Rows) < limit {
			c.finisher.awaitClaim(false) // the next claim may be long in coming
		}
		if err != nil {
			c.fail(soft, err)
			continue
		}
		c.succeed(len(claims.Rows), limit, nextDue)
	}
	returned = true
}

// fail waits before the next try.
func (c *claimer) fail(soft context.Context, err error) {
	if !c.failing {
		c.reporter.report(Event{Kind: ClaimsFailing, Err: err})
	}
	c.failing, c.more = true, true
	wait := c.retry.next(maxWait)
	if !sleep(soft, min(wait, minPause)) {
		return
	}
	timer := time.NewTimer(max(wait-minPause, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.cfg.Queue.Arrived(): // which a store is told that it is back with, too
	case <-c.back:
	case <-soft.Done():
	}
}

// succeed plans the next claim.
func (c *claimer) succeed(n, limit int, nextDue time.Duration) {
	if c.failing {
		c.reporter.report(Event{Kind: ClaimsWork})
		c.failing, c.retry = false, backoff{}
	}
	c.more = n >= limit
	c.wait = c.cfg.Poll*9/10 + jitter(c.cfg.Poll/5)
	if nextDue > 0 && nextDue < c.wait {
		c.wait = nextDue + time.Millisecond // due times have microseconds
	}
}

// await waits until there may be a job.
func (c *claimer) await(soft context.Context) {
	timer := time.NewTimer(c.wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.cfg.Queue.Arrived():
	case <-soft.Done():
	}
}

// giveBack has claims released that come too late to begin.
func (c *claimer) giveBack(claims Batch) {
	if !c.abandoned.Load() {
		c.runner.keep(claims)
		return
	}
	for i := range claims.Rows { // nobody writes any more
		ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
		p := released(&claims.Rows[i], claims.Holder)
		_, _ = c.queue.finish(ctx, claims.Handler, []driver.Outcome{p.outcome()}) // or it expires
		cancel()
	}
}

// capacity waits until jobs can be taken and returns how many; 0 when soft ends.
// With a backlog of jobs it lets a quarter of what fits gather before it claims,
// so that a claim is worth its round trip, and with a backlog of outcomes it
// claims nothing.
func (c *claimer) capacity(soft context.Context) int {
	var gathered <-chan time.Time
	for soft.Err() == nil {
		load := c.runner.load()
		capacity := min(load.free+load.prefetch-load.ready, maxBatch)
		near := capacity > 0 || load.ready == 0 // the next job that ends makes for a claim
		c.finisher.awaitClaim(c.cfg.FinishWithClaim && near)
		least := max(1, min(c.cfg.Size+load.prefetch, maxBatch)/4)
		if c.finisher.backlog() {
			capacity = 0
		} else if capacity >= least || load.free == c.cfg.Size {
			return max(capacity, 1)
		}
		if capacity > 0 && gathered == nil {
			timer := time.NewTimer(gatherTime)
			defer timer.Stop()
			gathered = timer.C
		}
		select {
		case <-c.free:
		case <-gathered:
			if capacity > 0 {
				return capacity
			}
			gathered = nil
		case <-soft.Done():
		}
	}
	return 0
}
