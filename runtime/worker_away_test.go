package runtime_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/memory"
	"github.com/jobgen/jobgen/runtime/observe"
)

// A flaky queue fails every call while it is broken.
type flaky struct {
	hooked
	broken atomic.Bool
	calls  atomic.Int64
}

func newFlaky() *flaky {
	q := &flaky{}
	failed := func() error {
		q.calls.Add(1)
		if q.broken.Load() {
			return errors.New("the store is away")
		}
		return nil
	}
	q.claim = func(ctx context.Context, req driver.ClaimRequest, next driver.Queue) (driver.Claimed, error) {
		if err := failed(); err != nil {
			return driver.Claimed{}, err
		}
		return next.Claim(ctx, req)
	}
	q.finish = func(ctx context.Context, handler string, outcomes []driver.Outcome, next driver.Queue) ([]driver.Result, error) {
		if err := failed(); err != nil {
			return nil, err
		}
		return next.Finish(ctx, handler, outcomes)
	}
	return q
}

func TestWorkerOutlivesAStoreThatIsAway(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		s := newFlaky()
		start(t, hook(t, store, &s.hooked), handle(func(context.Context, *runtime.Job, note) error { return nil }))
		s.broken.Store(true)
		for range 50 {
			enqueue(t, store)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := s.calls.Load(); n < 2000 || n > 6000 {
			t.Errorf("%d calls in ten minutes without the store", n)
		}
		s.broken.Store(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := unfinished(t, store); n != 0 {
			t.Errorf("%d jobs are unfinished ten seconds after the store came back", n)
		}
	})
}

func TestOutcomeIsWrittenWhenTheStoreComesBackBeforeTheClaimExpires(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		s := newFlaky()
		ran := make(chan struct{})
		start(t, hook(t, store, &s.hooked), handle(func(context.Context, *runtime.Job, note) error {
			s.broken.Store(true)
			close(ran)
			return nil
		}))
		id := enqueue(t, store)
		<-ran
		time.Sleep(20 * time.Second)
		synctest.Wait()
		s.broken.Store(false)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if !logOf(t, store, id, 0).Success {
			t.Error("the outcome was not written")
		}
	})
}

func TestOutcomeIsDroppedKnowinglyOnceTheClaimHasExpired(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		s := newFlaky()
		var told events
		start(t, hook(t, store, &s.hooked), handle(func(context.Context, *runtime.Job, note) error { s.broken.Store(true); return nil }), runtime.WithObserver(&told))
		id := enqueue(t, store)
		time.Sleep(time.Minute)
		synctest.Wait()
		if dropped := told.of(observe.OutcomeDropped); len(dropped) != 1 || dropped[0].JobID != id || dropped[0].Outcome != "completed" {
			t.Errorf("told of dropped outcomes: %+v", dropped)
		}
		if log := logOf(t, store, id, 0); log.Success || log.FailureReason != "" {
			t.Errorf("a dropped outcome became %+v", log)
		}
	})
}

// A sluggishQueue takes long to claim.
type sluggishQueue struct {
	*source
	takes     time.Duration
	calledOff atomic.Int64
}

func (q *sluggishQueue) Claim(ctx context.Context, req driver.ClaimRequest) (driver.Claimed, error) {
	select {
	case <-time.After(q.takes):
		return q.source.Claim(ctx, req)
	case <-ctx.Done():
		q.calledOff.Add(1)
		return driver.Claimed{}, ctx.Err()
	}
}

func TestAClaimMayTakeLongWhereTheBackEndIsKnownToBeAlive(t *testing.T) {
	for name, c := range map[string]struct {
		takes, silent time.Duration
		runs          int64
		least, most   int64 // claims that are called off in ten minutes
	}{
		"alive and slow":     {time.Minute, time.Second, 1, 0, 0},
		"alive and too slow": {time.Hour, time.Second, 0, 3, 5},
		"silent":             {time.Minute, 10 * time.Second, 0, 23, 40},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, _ *memory.Store) {
				q := &sluggishQueue{source: newSource(1), takes: c.takes}
				var runs atomic.Int64
				lastAnswer := func() time.Time { return time.Now().Add(-c.silent) }
				service := runtime.NewStore(oneQueue{queue: q, lastAnswer: lastAnswer}, catalogue)
				_, stop := start(t, service, handle(func(context.Context, *runtime.Job, note) error { runs.Add(1); return nil }))
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if n := runs.Load(); n != c.runs {
					t.Errorf("%d jobs ran; want %d", n, c.runs)
				}
				if n := q.calledOff.Load(); n < c.least || n > c.most {
					t.Errorf("%d claims were called off; want %d to %d", n, c.least, c.most)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestWorkerTakesOverWhatItClaimedWithoutKnowing(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		lose, q := true, &hooked{}
		q.claim = func(ctx context.Context, req driver.ClaimRequest, next driver.Queue) (driver.Claimed, error) {
			claimed, err := next.Claim(ctx, req)
			if lose && len(claimed.Rows) > 0 {
				lose = false
				return driver.Claimed{}, errors.New("the connection was lost")
			}
			return claimed, err
		}
		start(t, hook(t, store, q), handle(func(context.Context, *runtime.Job, note) error { return nil }))
		id := enqueue(t, store)
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if n := unfinished(t, store); n != 1 {
			t.Fatalf("%d jobs are unfinished before the claim has expired", n)
		}
		time.Sleep(7 * time.Second) // its end, and a poll
		synctest.Wait()
		if first, second := logOf(t, store, id, 0), logOf(t, store, id, 1); first.Success || !second.Success || first.HandlerID == second.HandlerID {
			t.Errorf("the attempts left %+v and %+v", first, second)
		}
	})
}

func TestWorkerTakesOverWhatItsDroppedOutcomeLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		s := newFlaky()
		var runs atomic.Int64
		start(t, hook(t, store, &s.hooked), handle(func(context.Context, *runtime.Job, note) error { s.broken.Store(runs.Add(1) == 1); return nil }))
		id := enqueue(t, store)
		time.Sleep(time.Minute)
		s.broken.Store(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := unfinished(t, store); n != 0 || !logOf(t, store, id, 1).Success {
			t.Errorf("%d jobs are unfinished", n)
		}
	})
}

func TestWorkerClaimsNoMoreWhileOutcomesAreFarBehind(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *memory.Store) {
		const jobs, most = 50_000, 6_000
		q := newSource(jobs)
		q.broken.Store(true)
		start(t, q.store(), handle(func(context.Context, *runtime.Job, note) error { q.runs.Add(1); return nil }))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := q.runs.Load(); n == 0 || n > most {
			t.Errorf("%d jobs were run whose outcomes cannot be written; want no more than %d", n, most)
		}
		q.broken.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if runs, finished := q.runs.Load(), q.finished.Load(); runs != jobs || finished != jobs {
			t.Errorf("of %d jobs %d have run and %d are finished, a minute after outcomes can be written again", jobs, runs, finished)
		}
	})
}
