package postgres

import (
	"math/rand/v2"
	"sync"
	"time"
)

// A crowd decides which notifications of other processes this one answers. All
// processes hear each of them, and when hundreds are idle, all but one claim in
// vain. So a process that is woken in vain answers fewer of them from then on,
// and one that gets a job answers more: some ten answer in the end, however
// many are idle. Eight processes or fewer answer all. A job that nobody answered
// is found by the next poll of any of them, which then answers all again.
type crowd struct {
	mu    sync.Mutex
	deaf  float64 // the share of notifications not answered
	woken bool    // by one, since the last claim
}

const (
	crowdFewer = 0.72
	crowdMore  = 8
	crowdLeast = 8 // processes that answer, on average, at the least
	// crowdLate is how long a job that a poll finds may have been due without
	// having been missed.
	crowdLate = 100 * time.Millisecond
)

// answers reports whether to answer a notification that so many processes hear.
func (c *crowd) answers(processes int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if rand.Float64() < c.deaf && rand.IntN(max(processes, 1)) >= crowdLeast {
		return false
	}
	c.woken = true
	return true
}

// claimed learns from a claim: how many jobs it took, and for how long the
// first had been due.
func (c *crowd) claimed(jobs int, late time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	share := 1 - c.deaf
	switch woken := c.woken; {
	case jobs == 0 && woken:
		share *= crowdFewer
	case jobs > 0 && woken:
		share = min(share*crowdMore, 1)
	case jobs > 0 && late > crowdLate:
		share = 1
	}
	c.deaf, c.woken = 1-share, false
}
