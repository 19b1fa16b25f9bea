package runtime

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// unhandledPause is how often a pool looks for jobs that it cannot handle,
	// and unhandledLimit how far it looks in claim order.
	unhandledPause = time.Minute
	unhandledLimit = 10_000
	// unhandledDuty is how many times as long as a look took the next one waits
	// at least: it is slow while a transaction keeps the rows of finished jobs.
	unhandledDuty = 60
	// unhandledRepeat is how often it says the same again.
	unhandledRepeat = time.Hour
)

var unhandledJobs atomic.Int64

// UnhandledJobs is how many due jobs wait in the queues of this process's
// workers that those have no handler for, by type or by version of the
// payload, when last looked at, once a minute, or less often while looking takes
// more than a second. Each queue counts up to 10,000.
// A worker leaves such jobs for one that understands them, as old programs do
// with the jobs of new ones during a deployment; when none comes, they wait
// for good.
func UnhandledJobs() int64 { return unhandledJobs.Load() }

// watchUnhandled counts and reports jobs that the pool has no handler for,
// until ctx ends.
func (p *pool) watchUnhandled(ctx context.Context, counter TypeCounter) {
	var seen int64 // by this pool
	var said []TypeVersion
	var saidAt time.Time
	defer func() { unhandledJobs.Add(-seen) }()
	for pause := unhandledPause; ; {
		sleep(ctx, pause*9/10+jitter(pause/5))
		if ctx.Err() != nil {
			return
		}
		began := time.Now()
		asked, cancel := context.WithTimeout(ctx, claimTimeout)
		counts, err := counter.StatsByType(asked, unhandledLimit)
		cancel()
		pause = max(unhandledPause, unhandledDuty*time.Since(began))
		if err != nil {
			continue // whatever it is, claiming meets it too
		}
		var n int64
		var types []TypeVersion
		for _, c := range counts {
			if c.Due > c.Claimed && !slices.Contains(p.types, c.TypeVersion) {
				n += c.Due - c.Claimed
				types = append(types, c.TypeVersion)
			}
		}
		unhandledJobs.Add(n - seen)
		seen = n
		if len(types) > 0 && (!slices.Equal(types, said) || time.Since(saidAt) > unhandledRepeat) {
			p.logger.Warn("jobs wait that this worker has no handler for; a program that understands them has to run", "types", types, "jobs", n)
			saidAt = time.Now()
		}
		said = types
	}
}
