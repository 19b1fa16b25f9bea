package memory

import (
	"context"
	"slices"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

// first returns the first record, in claim order, of those wanted that no other
// transaction has changed.
func (q access) first(lowestFirst bool, wanted func(*record) bool) *record {
	var best *record
	for r := range q.changeable() {
		if r.state == live && wanted(r) && r.before(best, lowestFirst) {
			best = r
		}
	}
	return best
}

// Claim implements [driver.Queue].
func (q access) Claim(ctx context.Context, req driver.ClaimRequest) (driver.Claimed, error) {
	return locked(ctx, q.store, func() (claimed driver.Claimed, err error) {
		if claimed.Finished, err = q.finish(ctx, req.Handler, req.Finish); err != nil {
			return driver.Claimed{}, err
		}
		now := q.store.time()
		if req.From != driver.FromWaiting {
			buried := q.bury(now)
			if req.From == driver.FromAll {
				claimed.Buried = buried
			}
		}
		for len(claimed.Rows) < req.Limit {
			r := q.first(req.LowestFirst, func(r *record) bool {
				return (req.Types == nil || slices.Contains(req.Types, r.job.Type)) &&
					(req.From != driver.FromExpired && r.claimable(now) || req.From != driver.FromWaiting && r.stealable(req.Handler, now))
			})
			if r == nil {
				break
			}
			if q.own(r).claimed {
				r.lose(reasonStolen)
				q.revoke()
			}
			claimed.Rows = append(claimed.Rows, q.claim(r, req.Handler))
		}
		slices.SortFunc(claimed.Rows, inClaimOrder)
		claimed.NextDue = q.nextDue(now)
		if len(claimed.Rows) == req.Limit {
			q.arrived.Wake() // there may be another, for another waiter
		}
		return claimed, nil
	})
}

// claim begins r's next attempt and returns it to its handler.
func (q access) claim(r *record, handler string) driver.Row {
	r.claim(handler, q.store.time())
	return r.snapshot()
}

// Reasons that stand in the log of an attempt whose handler said nothing.
const (
	reasonStolen = "claim expired; taken over"
	reasonBuried = "claim expired; no attempts left"
)

// bury makes jobs dead whose last attempt has expired, and returns them.
func (q access) bury(now time.Time) (buried []driver.Burial) {
	for r := range q.changeable() {
		if r.state == live && r.expired(now) && r.left == 0 {
			q.own(r).lose(reasonBuried)
			r.end(dead, now)
			q.revoke()
			buried = append(buried, driver.Burial{
				Attempt: driver.Attempt{Job: r.job.ID, Number: r.current()}, Type: r.job.Type,
				Handler: r.attempts[r.current()].handler, Reason: reasonBuried,
			})
		}
	}
	return buried
}

// nextDue is how long until a waiting job becomes due or a claim expires.
func (q access) nextDue(now time.Time) time.Duration {
	var next time.Duration
	for r := range q.visible() {
		at := r.job.Due
		if r.claimed {
			at = r.expires
		}
		if wait := at.Sub(now); r.state == live && wait > 0 && (next == 0 || wait < next) {
			next = wait
		}
	}
	return next
}
