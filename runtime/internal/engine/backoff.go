package engine

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// firstWait is the first wait between tries on a store that fails, and
	// maxWait the longest: once the store is back, work goes on soon after.
	firstWait = 50 * time.Millisecond
	maxWait   = 250 * time.Millisecond
	// maxWaitApart is the longest wait between tries of an outcome that the store
	// refuses while it takes others.
	maxWaitApart = 5 * time.Second
	// minPause is how long a failed call waits before a sign that the store is
	// back can end the wait, so that false signs do not make it hammer.
	minPause = 25 * time.Millisecond
)

// A backoff makes growing waits with jitter between tries on a store that
// fails. It has nothing to do with the delay of failed jobs. The zero value is
// ready.
type backoff struct{ wait time.Duration }

// next returns how long to wait before the next try: half to all of a time
// that doubles up to most.
func (b *backoff) next(most time.Duration) time.Duration {
	b.wait = min(max(2*b.wait, firstWait), most)
	return b.wait/2 + jitter(b.wait/2)
}

// Retry calls try until it returns true or ctx ends, with growing waits.
func Retry(ctx context.Context, try func() (done bool)) {
	for retry := (backoff{}); !try() && sleep(ctx, retry.next(maxWait)); {
	}
}

// jitter returns a random duration from 0 to d.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d + 1)
}
