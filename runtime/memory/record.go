package memory

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

// A record is a job and everything that has happened to it. Only its state
// live is claimable; the others are final, but for a dead job that is revived.
type record struct {
	job      driver.Row // as it was added, with the current Due
	state    lifecycle
	left     int32     // attempts left
	attempts []attempt // all that were made, by number
	claimed  bool      // the last attempt holds the claim
	expires  time.Time // when that claim may be stolen
	winner   int32     // the attempt whose success counted, or none
	over     time.Time // when it was finished or cancelled, or died

	tx   *Tx     // that has changed it and is not over; or nil
	kept *record // as others see it meanwhile; nil where tx has added it
	gone bool    // tx has removed it
}

// seenBy is the record as a transaction sees it, or nobody's; nil where it is not
// there.
func (r *record) seenBy(tx *Tx) *record {
	switch {
	case r.tx != tx && r.tx != nil:
		return r.kept
	case r.gone:
		return nil
	}
	return r
}

type lifecycle int

const (
	live lifecycle = iota
	finished
	cancelled
	dead
)

const none = -1

// An attempt is one claim and what came of it.
type attempt struct {
	handler string
	lost    bool   // the claim was stolen, or expired without attempts left
	ended   ending // what the handler said of it
	reason  string
	log     []byte
}

type ending int

const (
	open       ending = iota // nothing yet
	completed                // and its success counted
	superseded               // completed after another attempt had
	failed
)

// running reports whether the record is under a claim that has not expired.
func (r *record) running(now time.Time) bool { return r.claimed && r.expires.After(now) }

// expired reports whether the record is under a claim that may be stolen.
func (r *record) expired(now time.Time) bool { return r.claimed && !r.expires.After(now) }

// current is the number of the last attempt.
func (r *record) current() int32 { return int32(len(r.attempts) - 1) }

// claim begins the next attempt.
func (r *record) claim(handler string, now time.Time) {
	r.attempts = append(r.attempts, attempt{handler: handler})
	r.left--
	r.claimed, r.expires = true, now.Add(r.job.MaxWork)
}

// lose ends the current claim without its handler having said anything.
func (r *record) lose(reason string) {
	a := &r.attempts[r.current()]
	a.lost, a.reason = true, reason
	r.claimed = false
}

// release takes the current claim back as if it had never been made.
func (r *record) release() {
	r.attempts = r.attempts[:r.current()]
	r.left++
	r.claimed = false
}

// attempt returns attempt n if handler made it, else nil.
func (r *record) attempt(handler string, n int32) *attempt {
	if n < 0 || n > r.current() || r.attempts[n].handler != handler {
		return nil
	}
	return &r.attempts[n]
}

// holds reports whether handler's attempt n holds the claim.
func (r *record) holds(handler string, n int32) bool {
	return r.state == live && r.claimed && r.current() == n && r.attempts[n].handler == handler
}

// complete records that attempt n succeeded. revoked says that another
// handler's claim has ended with it.
func (r *record) complete(handler string, n int32, log []byte, now time.Time) (result driver.Result, revoked bool) {
	a := r.attempt(handler, n)
	switch {
	case a == nil:
		return driver.Result{Status: driver.NotHeld}, false
	case a.ended == completed:
		return driver.Result{}, false
	case a.ended == failed:
		return driver.Result{Status: driver.AlreadyFailed}, false
	case r.winner != none:
		if a.ended == open {
			a.ended, a.reason, a.log = superseded, supersededReason(r.winner), log
		}
		return driver.Result{Status: driver.Superseded, By: r.winner}, false
	}
	a.ended, a.reason, a.log = completed, "", log
	r.winner = n
	revoked = r.claimed && r.current() != n
	if r.state != cancelled {
		r.end(finished, now)
	}
	r.claimed = false
	return driver.Result{}, revoked
}

func supersededReason(winner int32) string {
	return fmt.Sprintf("job cancelled: attempt %d has completed it", winner)
}

// fail records that attempt n failed; a live job becomes due again at due, or
// is dead now without attempts left, which a final failure takes away.
func (r *record) fail(handler string, n int32, reason string, log []byte, now, due time.Time, final bool) driver.Result {
	a := r.attempt(handler, n)
	switch {
	case a == nil:
		return driver.Result{Status: driver.NotHeld}
	case a.ended != open:
		return driver.Result{Status: driver.AlreadyEnded}
	}
	a.ended, a.reason, a.log = failed, reason, log
	if a.lost {
		return driver.Result{Status: driver.ClaimLost}
	}
	r.claimed = false
	if r.state != live {
		return driver.Result{Recorded: true}
	}
	r.job.Due = due
	if final {
		r.left = 0
	}
	if r.left == 0 {
		r.end(dead, now)
	}
	return driver.Result{}
}

// end ends the job.
func (r *record) end(how lifecycle, now time.Time) { r.state, r.over = how, now }

// clone is a copy that the record's changes leave alone.
func (r *record) clone() *record {
	c := *r
	c.attempts = slices.Clone(r.attempts)
	return &c
}

// snapshot returns a copy of the job that shares nothing with the record.
func (r *record) snapshot() driver.Row {
	row := r.job
	row.Payload = bytes.Clone(r.job.Payload)
	row.Attempts = int32(len(r.attempts))
	row.MaxAttempts = row.Attempts + r.left
	return row
}

// before is the claim order, in which the priority counts the other way round
// with lowestFirst.
func (r *record) before(o *record, lowestFirst bool) bool {
	if o != nil && lowestFirst && r.job.Priority != o.job.Priority {
		return r.job.Priority > o.job.Priority
	}
	return o == nil || inClaimOrder(r.job, o.job) < 0
}

// revive gives a dead job more attempts.
func (r *record) revive(attempts int32, now time.Time) {
	r.over = time.Time{}
	r.state, r.left, r.job.Due = live, min(attempts, math.MaxInt32-int32(len(r.attempts))), now
}

// inClaimOrder compares two jobs by priority, due and id.
func inClaimOrder(a, b driver.Row) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
}

// claimable reports whether r waits and is due.
func (r *record) claimable(now time.Time) bool { return !r.claimed && !r.job.Due.After(now) }

// stealable reports whether handler may steal r.
func (r *record) stealable(handler string, now time.Time) bool {
	return r.expired(now) && r.left > 0 && r.attempts[r.current()].handler != handler
}
