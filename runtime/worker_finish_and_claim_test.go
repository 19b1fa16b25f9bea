package runtime_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/memory"
)

// A roundTrips queue counts the round trips of a worker with one handler.
type roundTrips struct {
	hooked
	both, finishes atomic.Int64
	lost           atomic.Bool // the next answer to both
}

func countRoundTrips() *roundTrips {
	q := &roundTrips{}
	q.claim = func(ctx context.Context, req driver.ClaimRequest, next driver.Queue) (driver.Claimed, error) {
		claimed, err := next.Claim(ctx, req)
		if len(req.Finish) > 0 {
			q.both.Add(1)
			if q.lost.CompareAndSwap(true, false) {
				return driver.Claimed{}, errors.New("the connection was lost")
			}
		}
		return claimed, err
	}
	q.finish = func(ctx context.Context, handler string, outcomes []driver.Outcome, next driver.Queue) ([]driver.Result, error) {
		q.finishes.Add(1)
		return next.Finish(ctx, handler, outcomes)
	}
	return q
}

func TestWorkerWithOneHandlerFinishesAJobAndClaimsTheNextInOneTrip(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		q := countRoundTrips()
		for range 20 {
			enqueue(t, store)
		}
		start(t, hook(t, store, &q.hooked), handle(func(context.Context, *runtime.Job, note) error { time.Sleep(time.Second); return nil }), runtime.WithHandlers(1))
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := unfinished(t, store); n != 0 || q.both.Load() < 19 || q.finishes.Load() > 1 {
			t.Errorf("%d jobs are unfinished after %d trips with both and %d with outcomes alone", n, q.both.Load(), q.finishes.Load())
		}
	})
}

func TestOutcomeOfATripWhoseAnswerWasLostIsWrittenAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		q := countRoundTrips()
		var ids []snowflake.ID
		for range 3 {
			ids = append(ids, enqueue(t, store))
		}
		q.lost.Store(true)
		start(t, hook(t, store, &q.hooked), handle(func(context.Context, *runtime.Job, note) error { time.Sleep(time.Second); return nil }), runtime.WithHandlers(1))
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := unfinished(t, store); n != 0 || !logOf(t, store, ids[0], 0).Success || q.finishes.Load() == 0 {
			t.Errorf("%d jobs are unfinished; %d trips with outcomes alone", n, q.finishes.Load())
		}
	})
}

// A job that takes long must not keep the outcomes of those before it.
func TestWorkerWithOneHandlerWritesOutcomesWhileJobsClaimedAheadWait(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		for range 100 {
			enqueue(t, store)
		}
		var runs atomic.Int64
		begun := make(chan struct{})
		start(t, store, handle(func(context.Context, *runtime.Job, note) error {
			if runs.Add(1) < 60 {
				time.Sleep(time.Millisecond)
				return nil
			}
			if runs.Load() == 60 {
				close(begun)
			}
			time.Sleep(20 * time.Second)
			return nil
		}), runtime.WithHandlers(1))
		<-begun
		time.Sleep(time.Second)
		synctest.Wait()
		if n := unfinished(t, store); n != 41 {
			t.Errorf("%d jobs are unfinished a second after the 59th; want 41", n)
		}
	})
}
