package postgres

import (
	"math/rand/v2"
	"sync"
	"time"
)

// A damping decides which notifications of other processes this one answers. All
// processes receive each of them, and when hundreds are idle, all but one claim
// in vain. So a process that is woken in vain skips more of them from then on,
// and one that gets a job skips fewer. Eight processes or fewer answer all. A
// job that nobody answered is found by the next poll of any of them, which then
// answers all again.
//
// Where n processes answer, one gets the job and n-1 are woken in vain. Their
// shares stay as they are on average when the one gain undoes the losses, at
// n-1 = ln(dampingMore) / -ln(dampingFewer) = 6.3. So some seven processes answer
// however many are idle, and the chance that none does is about exp(-7), 0.1 %.
// A share falls to a tenth within seven vain wake-ups and recovers from a
// hundredth within three jobs.
type damping struct {
	mu    sync.Mutex
	skip  float64 // the share of notifications not answered
	woken bool    // by one, since the last claim
}

const (
	dampingFewer = 0.72
	dampingMore  = 8
	dampingLeast = 8 // processes that answer, on average, at the least
	// dampingLate is how long a job that a poll finds may have been due without
	// a notification having been skipped for it.
	dampingLate = 100 * time.Millisecond
)

// answers reports whether to answer a notification that so many processes
// receive.
func (d *damping) answers(processes int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if rand.Float64() < d.skip && rand.IntN(max(processes, 1)) >= dampingLeast {
		return false
	}
	d.woken = true
	return true
}

// claimed learns from a claim: how many jobs it took, and for how long the
// first had been due.
func (d *damping) claimed(jobs int, late time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	share := 1 - d.skip
	switch woken := d.woken; {
	case jobs == 0 && woken:
		share *= dampingFewer
	case jobs > 0 && woken:
		share = min(share*dampingMore, 1)
	case jobs > 0 && late > dampingLate:
		share = 1
	}
	d.skip, d.woken = 1-share, false
}
