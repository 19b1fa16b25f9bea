package runtime

import (
	"math/rand/v2"
	"time"
)

// Bounds of the waits between tries on a store that fails.
const (
	firstWait = 50 * time.Millisecond
	maxWait   = 5 * time.Second
)

// A backoff makes growing, jittered waits between tries on a store that fails.
// It has nothing to do with the delay of failed jobs.
type backoff struct{ wait time.Duration }

func newBackoff() *backoff { return &backoff{wait: firstWait} }

// next returns how long to wait before the next try: half to all of a time
// that doubles up to maxWait.
func (b *backoff) next() time.Duration {
	wait := b.wait/2 + jitter(b.wait/2)
	b.wait = min(2*b.wait, maxWait)
	return wait
}

// jitter returns a random duration from 0 to d.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d + 1)
}
