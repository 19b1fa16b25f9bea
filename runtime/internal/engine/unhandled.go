package engine

import (
	"context"
	"slices"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

const (
	// unhandledPause is how often an engine looks for jobs that it does not
	// understand, and unhandledLimit how far it looks in claim order.
	unhandledPause = time.Minute
	unhandledLimit = 10_000
	// unhandledDuty is how many times as long as a look took the next one waits
	// at least: it is slow while a transaction keeps the rows of finished jobs.
	unhandledDuty = 60
)

// An unhandled looks for due jobs whose types nobody here understands, and tells
// of them with each look, and once more when there are none any longer.
type unhandled struct {
	queue    guarded
	types    []driver.TypeVersion
	reporter *reporter

	seen bool // some were there with the last look; run's alone
}

func (u *unhandled) run(ctx context.Context) {
	returned := false
	defer func() {
		if !returned && ctx.Err() == nil {
			go u.run(ctx) // the store's code has ended this goroutine
		}
	}()
	for pause := unhandledPause; sleep(ctx, pause*9/10+jitter(pause/5)); {
		began := time.Now()
		asked, cancel := context.WithTimeout(ctx, claimTimeout)
		stats, err := u.queue.stats(asked, driver.StatsRequest{Limit: unhandledLimit, ByType: true})
		cancel()
		pause = max(unhandledPause, unhandledDuty*time.Since(began))
		if err == nil { // or claiming meets it too, whatever it is
			u.tell(stats.ByType)
		}
	}
	returned = true
}

func (u *unhandled) tell(counts []driver.TypeCounts) {
	var waiting []driver.TypeCounts
	n := 0
	for _, c := range counts {
		if c.Due > c.Claimed && !slices.Contains(u.types, c.TypeVersion) {
			waiting = append(waiting, c)
			n += int(c.Due - c.Claimed)
		}
	}
	if n > 0 || u.seen {
		u.reporter.report(Event{Kind: UnhandledWaiting, Types: waiting, N: n})
	}
	u.seen = n > 0
}
