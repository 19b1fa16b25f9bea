package engine

import (
	"context"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

const (
	// minWatch bounds how often the claims of jobs with a very short MaxWork are
	// checked, and maxWatch how seldom any are.
	minWatch = 100 * time.Millisecond
	maxWatch = time.Minute
	// watchTimeout is how long asking for lost claims may take.
	watchTimeout = 5 * time.Second
)

// A watcher ends the contexts of attempts whose claims are lost: as soon as the
// queue says that some may be, and at least every third of the shortest MaxWork.
// While nothing runs it asks nothing. It has no state.
type watcher struct {
	queue           guarded
	runner          *runner
	reporter        *reporter
	link            *link
	revoked         <-chan struct{}
	cancelled, lost error
}

func (w *watcher) run(ctx context.Context) {
	returned := false
	defer func() {
		if !returned && ctx.Err() == nil {
			go w.run(ctx) // the store's code has ended this goroutine
		}
	}()
	timer := time.NewTimer(w.interval())
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-w.runner.shorter:
		case <-w.revoked:
			w.drop(ctx)
		case <-timer.C:
			w.drop(ctx)
		}
		timer.Reset(w.interval())
	}
	returned = true
}

func (w *watcher) interval() time.Duration {
	shortest := w.runner.shortestClaim()
	if shortest == 0 {
		shortest = maxWatch
	}
	return max(shortest/3, minWatch)
}

// drop asks which claims are lost, ends the contexts of those that run, and has
// those forgotten that have not begun.
func (w *watcher) drop(ctx context.Context) {
	running, names := w.runner.claims()
	for handler, attempts := range names {
		asked, cancel := context.WithTimeout(ctx, watchTimeout)
		lost, err := w.queue.lost(asked, handler, attempts)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				w.reporter.report(Event{Kind: LostUnknown, Err: err})
			}
			continue
		}
		w.link.answer()
		w.end(running, lost)
	}
}

func (w *watcher) end(running map[driver.Attempt]*Attempt, lost []driver.Lost) {
	if len(lost) == 0 {
		return
	}
	names := make(map[driver.Attempt]bool, len(lost))
	for _, l := range lost {
		names[l.Attempt] = true
		cause := w.lost
		if l.Cancelled {
			cause = w.cancelled
		}
		if a := running[l.Attempt]; a != nil {
			a.End(cause)
			w.reporter.report(Event{Kind: ClaimLost, Attempt: a, Err: cause})
		}
	}
	w.runner.forget(names)
}
