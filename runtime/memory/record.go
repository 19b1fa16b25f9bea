package memory

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/jobgen/jobgen/runtime"
)

// A record is a job and everything that has happened to it. Only its state
// live is claimable; the others are final, but for a dead job that is revived.
type record struct {
	job      runtime.Job // as it was added, with the current Due
	state    lifecycle
	left     int32     // attempts left
	attempts []attempt // all that were made, by number
	claimed  bool      // the last attempt holds the claim
	expires  time.Time // when that claim may be stolen
	winner   int32     // the attempt whose success counted, or none
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
	r.claimed, r.expires = true, now.Add(r.job.MaxWorkDuration)
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

// attempt returns attempt n if handler made it.
func (r *record) attempt(handler string, n int32) (*attempt, error) {
	if n < 0 || n > r.current() || r.attempts[n].handler != handler {
		return nil, fmt.Errorf("%w: attempt %d was never handler %q's", runtime.ErrJobNotClaimed, n, handler)
	}
	return &r.attempts[n], nil
}

// complete records that attempt n succeeded. revoked says that another
// handler's claim has ended with it.
func (r *record) complete(handler string, n int32, log []byte) (revoked bool, err error) {
	a, err := r.attempt(handler, n)
	if err != nil {
		return false, err
	}
	switch {
	case a.ended == completed:
		return false, nil
	case a.ended == failed:
		return false, fmt.Errorf("%w: attempt %d has failed", runtime.ErrJobNotClaimed, n)
	case a.ended == superseded:
		return false, supersededError(r.winner)
	case r.winner != none:
		a.ended, a.reason, a.log = superseded, supersededError(r.winner).Error(), log
		return false, supersededError(r.winner)
	}
	a.ended, a.reason, a.log = completed, "", log
	r.winner = n
	revoked = r.claimed && r.current() != n
	if r.state != cancelled {
		r.state = finished
	}
	r.claimed = false
	return revoked, nil
}

func supersededError(winner int32) error {
	return fmt.Errorf("%w: attempt %d has completed it", runtime.ErrJobCancelled, winner)
}

// fail records that attempt n failed; a live job becomes due again at due, or
// is dead without attempts left.
func (r *record) fail(handler string, n int32, reason string, log []byte, due time.Time) error {
	a, err := r.attempt(handler, n)
	if err != nil {
		return err
	}
	if a.ended != open {
		return fmt.Errorf("%w: attempt %d is over", runtime.ErrJobNotClaimed, n)
	}
	a.ended, a.reason, a.log = failed, reason, log
	if a.lost {
		return fmt.Errorf("%w: attempt %d has lost its claim", runtime.ErrJobNotClaimed, n)
	}
	r.claimed = false
	if r.state != live {
		return nil
	}
	r.job.Due = due
	if r.left == 0 {
		r.state = dead
	}
	return nil
}

// snapshot returns a copy of the job that shares nothing with the record.
func (r *record) snapshot() *runtime.Job {
	job := r.job
	job.Data = bytes.Clone(r.job.Data)
	job.AttemptsRemaining = r.left
	job.AttemptsMade = int32(len(r.attempts))
	if r.claimed {
		job.AttemptsMade--
	}
	return &job
}

// before is the claim order: priority, due, id.
func (r *record) before(o *record) bool {
	switch {
	case o == nil:
		return true
	case r.job.Priority != o.job.Priority:
		return r.job.Priority < o.job.Priority
	case !r.job.Due.Equal(o.job.Due):
		return r.job.Due.Before(o.job.Due)
	}
	return r.job.ID < o.job.ID
}

// revive gives a dead job more attempts.
func (r *record) revive(attempts int32, now time.Time) {
	r.state, r.left, r.job.Due = live, min(attempts, math.MaxInt32-int32(len(r.attempts))), now
}
