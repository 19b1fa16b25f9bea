package runtime_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/memory"
	"github.com/jobgen/jobgen/runtime/observe"
)

// refuse has q's writes end with err where they have an outcome of the job for
// which bad is true.
func refuse(q *hooked, id *atomic.Int64, bad func(driver.Outcome) bool, err func(ctx context.Context) error) {
	refused := func(ctx context.Context, outcomes []driver.Outcome) error {
		for _, o := range outcomes {
			if int64(o.Job) == id.Load() && bad(o) {
				return err(ctx)
			}
		}
		return nil
	}
	q.finish = func(ctx context.Context, handler string, outcomes []driver.Outcome, next driver.Queue) ([]driver.Result, error) {
		if err := refused(ctx, outcomes); err != nil {
			return nil, err
		}
		return next.Finish(ctx, handler, outcomes)
	}
	q.claim = func(ctx context.Context, req driver.ClaimRequest, next driver.Queue) (driver.Claimed, error) {
		if err := refused(ctx, req.Finish); err != nil {
			return driver.Claimed{}, err
		}
		return next.Claim(ctx, req)
	}
}

func TestOutcomeThatTheStoreRefusesHoldsUpNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		handlers int
		err      func(context.Context) error
		within   time.Duration
	}{
		"refused":              {100, func(context.Context) error { return &driver.RefusedError{Err: errors.New("no")} }, time.Second},
		"refused, one handler": {1, func(context.Context) error { return &driver.RefusedError{Err: errors.New("no")} }, 2 * time.Second},
		"locked":               {100, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 8 * time.Second},
		"fails, not known why": {100, func(context.Context) error { return errors.New("no") }, 3 * time.Second},
		"ignores its context":  {100, func(context.Context) error { time.Sleep(time.Minute); return errors.New("no") }, 8 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, store *memory.Store) {
				var bad atomic.Int64
				q := &hooked{}
				refuse(q, &bad, func(driver.Outcome) bool { return true }, c.err)
				bad.Store(int64(enqueue(t, store, runtime.JobOptions.MaxWorkDuration(time.Hour))))
				for range 20 {
					enqueue(t, store)
				}
				start(t, hook(t, store, q), handle(func(context.Context, *runtime.Job, note) error { return nil }), runtime.WithHandlers(c.handlers), runtime.WithGracePeriod(0))
				synctest.Wait()
				time.Sleep(time.Second)
				for range 100 {
					enqueue(t, store)
				}
				time.Sleep(c.within)
				synctest.Wait()
				if n := unfinished(t, store); n != 1 {
					t.Errorf("%d jobs are unfinished; want the refused one", n)
				}
				bad.Store(0)
				time.Sleep(70 * time.Second)
				synctest.Wait()
				if n := unfinished(t, store); n != 0 {
					t.Errorf("%d jobs are unfinished once the store refuses nothing", n)
				}
			})
		})
	}
}

func TestOutcomeThatTheStoreRefusesForGoodIsAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		var bad atomic.Int64
		var told events
		q := &hooked{}
		refuse(q, &bad, func(o driver.Outcome) bool {
			return o.Kind == driver.Completed || strings.HasPrefix(o.Reason, "no luck") && len(o.Log) > 0
		},
			func(context.Context) error {
				return &driver.RefusedError{Err: errors.New("no replica identity"), Final: true}
			})
		id := enqueue(t, store, runtime.JobOptions.MaxAttempts(2))
		bad.Store(int64(id))
		start(t, hook(t, store, q), handle(func(_ context.Context, job *runtime.Job, _ note) error {
			if job.AttemptNumber == 1 {
				_, _ = job.WriteString("a log that the store refuses, too")
				return errors.New("no luck")
			}
			return nil
		}), runtime.WithObserver(&told))
		time.Sleep(time.Minute)
		synctest.Wait()
		if log := logOf(t, store, id, 0); log.Success || log.FailureReason != "the store refused its outcome: no replica identity" {
			t.Errorf("the first attempt left %+v", log)
		}
		if log := logOf(t, store, id, 1); log.Success || log.FailureReason != "no luck: the store refused its outcome: no replica identity" {
			t.Errorf("the second attempt left %+v", log)
		}
		if n := len(told.of(observe.OutcomeRefused)); n != 2 {
			t.Errorf("told of %d refused outcomes", n)
		}
		if died := told.of(observe.JobDied); len(died) != 1 || died[0].JobID != id {
			t.Errorf("told of dead jobs: %+v", died)
		}
	})
}

func TestOutcomeWhoseFailureIsRefusedTooIsDroppedKnowingly(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		var bad atomic.Int64
		var told events
		q := &hooked{}
		refuse(q, &bad, func(driver.Outcome) bool { return true },
			func(context.Context) error { return &driver.RefusedError{Err: errors.New("no"), Final: true} })
		bad.Store(int64(enqueue(t, store, runtime.JobOptions.MaxWorkDuration(time.Hour))))
		start(t, hook(t, store, q), handle(func(context.Context, *runtime.Job, note) error { return nil }), runtime.WithObserver(&told))
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(told.of(observe.OutcomeDropped)); n != 1 {
			t.Errorf("told of %d dropped outcomes", n)
		}
	})
}

func TestStoreThatDoesNotAnswerIsAskedWithOneOutcomeAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		s := newFlaky()
		for range 100 {
			enqueue(t, store)
		}
		start(t, hook(t, store, &s.hooked), handle(func(context.Context, *runtime.Job, note) error { s.broken.Store(true); return nil }))
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if n := s.calls.Load(); n < 100 || n > 400 {
			t.Errorf("%d calls in 20 s without the store", n)
		}
		s.broken.Store(false)
		time.Sleep(time.Second)
		synctest.Wait()
		if n := unfinished(t, store); n != 0 {
			t.Errorf("%d jobs are unfinished a second after the store came back", n)
		}
	})
}

// A gone store hangs, whatever becomes of the contexts of calls, or fails.
func TestRunReturnsInTimeWhateverTheStoreDoes(t *testing.T) {
	const grace = 3 * time.Second
	for name, call := range map[string]func(context.Context) error{
		"fails":               func(context.Context) error { return errors.New("away") },
		"refuses":             func(context.Context) error { return &driver.RefusedError{Err: errors.New("read only")} },
		"refuses for good":    func(context.Context) error { return &driver.RefusedError{Err: errors.New("no rights"), Final: true} },
		"hangs":               func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"ignores its context": func(context.Context) error { time.Sleep(time.Hour); return errors.New("late") },
	} {
		for _, stopNow := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, store *memory.Store) {
					var gone atomic.Bool
					var told events
					q := &hooked{}
					q.claim = func(ctx context.Context, req driver.ClaimRequest, next driver.Queue) (driver.Claimed, error) {
						if gone.Load() {
							return driver.Claimed{}, call(ctx)
						}
						return next.Claim(ctx, req)
					}
					q.finish = func(ctx context.Context, handler string, outcomes []driver.Outcome, next driver.Queue) ([]driver.Result, error) {
						if gone.Load() {
							return nil, call(ctx)
						}
						return next.Finish(ctx, handler, outcomes)
					}
					for range 30 {
						enqueue(t, store, runtime.JobOptions.MaxWorkDuration(10*time.Minute))
					}
					began := make(chan struct{}, 30)
					w, stop := start(t, hook(t, store, q), handle(func(ctx context.Context, _ *runtime.Job, _ note) error {
						began <- struct{}{}
						time.Sleep(time.Second)
						return nil
					}), runtime.WithGracePeriod(grace), runtime.WithHandlers(10), runtime.WithObserver(&told))
					<-began
					gone.Store(true)
					time.Sleep(10 * time.Second)
					stopped := time.Now()
					most := grace + 10*time.Second
					if stopNow {
						most = 10 * time.Second
						w.StopNow()
					}
					if err := stop(); err != nil {
						t.Error(err)
					}
					if took := time.Since(stopped); took > most {
						t.Errorf("Run returned %v after its stop", took)
					}
					if n := len(told.of(observe.OutcomeDropped)); n != 10 && n != 30 {
						t.Errorf("told of %d dropped outcomes of the 10 jobs that ran", n)
					}
					time.Sleep(2 * time.Hour) // for what ignores its context
				})
			})
		}
	}
}

func TestJobsStartSoonAfterTheStoreIsBack(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		s := newFlaky()
		var ran []time.Time
		var told events
		start(t, hook(t, store, &s.hooked), handle(func(context.Context, *runtime.Job, note) error { ran = append(ran, time.Now()); return nil }), runtime.WithObserver(&told))
		synctest.Wait()
		s.broken.Store(true)
		id := enqueue(t, store)
		time.Sleep(15 * time.Second)
		s.broken.Store(false)
		back := time.Now()
		time.Sleep(time.Second)
		synctest.Wait()
		if len(ran) != 1 || ran[0].Sub(back) > 250*time.Millisecond || !logOf(t, store, id, 0).Success {
			t.Errorf("the job ran at %v; the store was back at %v", ran, back)
		}
		if len(told.of(observe.StoreAway)) != 1 || len(told.of(observe.StoreBack)) != 1 {
			t.Errorf("told of %+v", told.all)
		}
	})
}

func TestRetriesOfJobsThatFailedTogetherAreSpread(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		began := time.Now()
		at := make(map[time.Duration]bool)
		var ids []snowflake.ID
		start(t, store, handle(func(_ context.Context, job *runtime.Job, _ note) error {
			if job.AttemptNumber == 0 {
				return errors.New("together")
			}
			after := time.Since(began)
			if after < runtime.BackoffDuration || after > runtime.BackoffDuration*11/10+50*time.Millisecond {
				t.Errorf("tried again after %v", after)
			}
			at[after.Truncate(10*time.Millisecond)] = true
			return nil
		}), runtime.WithHandlers(1))
		for range 300 {
			ids = append(ids, enqueue(t, store))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(at) < 30 {
			t.Errorf("%d jobs were tried again in %d of 50 spans of 10 ms", len(ids), len(at))
		}
	})
}
