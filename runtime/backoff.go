package runtime

import (
	"math/rand/v2"
	"time"
)

// BackoffDuration is the unit of the delay before a failed job is tried again:
// after attempt n (from 0) the job becomes due (n+1) × BackoffDuration later, and
// up to a tenth of that more, chosen at random, so that jobs which failed together
// do not come back together. Set it before any job runs; it is not guarded.
var BackoffDuration = 5 * time.Second

// maxBackoff keeps the delay of a job that has failed very often in range.
const maxBackoff = 100 * 365 * 24 * time.Hour

// retryDelay is how long after an attempt's failure its job is due again.
func retryDelay(attempt int32) time.Duration {
	unit, n := max(BackoffDuration, 0), max(time.Duration(attempt), 0)+1
	if unit > maxBackoff/n {
		return maxBackoff
	}
	delay := n * unit
	return delay + rand.N(delay/10+1)
}
