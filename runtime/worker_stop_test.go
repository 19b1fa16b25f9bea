package runtime_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/memory"
)

func TestGracefulStopFinishesWhatRunsAndReleasesWhatDoesNot(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		// Quick jobs first, so that the worker claims ahead of its handlers.
		proceed := make(chan struct{})
		var began atomic.Int64
		_, stop := start(t, store, handle(func(ctx context.Context, job *runtime.Job, _ note) error {
			if job.Priority == 0 {
				time.Sleep(time.Millisecond)
				return nil
			}
			began.Add(1)
			<-proceed
			return ctx.Err() // still alive: nil
		}), runtime.WithHandlers(2))
		for range 100 {
			enqueue(t, store)
		}
		for range 20 {
			enqueue(t, store, runtime.JobOptions.Priority(9))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		stats, err := notes(t, store).Stats(t.Context())
		if err != nil || began.Load() != 2 || stats.Claimed <= 2 {
			t.Fatalf("%d slow jobs began and %+v, %v: nothing was claimed ahead", began.Load(), stats, err)
		}
		stopped := make(chan error, 1)
		go func() { stopped <- stop() }()
		synctest.Wait()
		close(proceed)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if stats, err = notes(t, store).Stats(t.Context()); err != nil || stats.Claimed != 0 || stats.Waiting != 18 {
			t.Errorf("after the stop: %+v, %v; want 18 waiting", stats, err)
		}
		job, err := notes(t, store).TryClaim(t.Context(), "next")
		if err != nil || job.AttemptNumber != 0 || job.AttemptsRemaining != 2 {
			t.Errorf("a released job came back as %v, %v", job, err)
		}
	})
}

func TestHandlersAreReleasedWhenTheGracePeriodEndsAndAtOnceByStopNow(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		mux := handle(func(ctx context.Context, _ *runtime.Job, _ note) error { <-ctx.Done(); return ctx.Err() })
		enqueue(t, store, runtime.JobOptions.MaxWorkDuration(time.Hour))
		for _, stopNow := range []bool{false, true} {
			w, stop := start(t, store, mux, runtime.WithGracePeriod(7*time.Second))
			synctest.Wait()
			began, want := time.Now(), 7*time.Second
			if stopNow {
				w.StopNow()
				want = 0
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took != want {
				t.Errorf("stop took %v, not %v", took, want)
			}
			if stats, err := notes(t, store).Stats(t.Context()); err != nil || stats.Waiting != 1 {
				t.Errorf("%+v, %v: the job was not released", stats, err)
			}
		}
	})
}

func TestStopNamesHandlersThatIgnoreTheirContext(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		proceed := make(chan struct{})
		_, stop := start(t, store, handle(func(context.Context, *runtime.Job, note) error { <-proceed; return nil }),
			runtime.WithGracePeriod(0))
		enqueue(t, store)
		synctest.Wait()
		if err := stop(); err == nil || !strings.Contains(err.Error(), "1 handlers still run") {
			t.Errorf("stop: %v", err)
		}
		close(proceed)
	})
}

// A slowClaim queue's claims are made at once and answered late, whatever becomes
// of their context.
type slowClaim struct {
	hooked
	claiming, proceed chan struct{}
}

func claimSlowly() *slowClaim {
	q := &slowClaim{claiming: make(chan struct{}), proceed: make(chan struct{})}
	q.claim = func(ctx context.Context, req driver.ClaimRequest, next driver.Queue) (driver.Claimed, error) {
		q.claiming <- struct{}{}
		claimed, err := next.Claim(context.WithoutCancel(ctx), req)
		select {
		case <-q.proceed:
			return claimed, err
		case <-ctx.Done():
			return driver.Claimed{}, ctx.Err()
		}
	}
	return q
}

func TestStopReleasesWhatAClaimUnderWayTakes(t *testing.T) {
	for _, grace := range []time.Duration{time.Minute, 0} {
		inBubble(t, func(t *testing.T, store *memory.Store) {
			s := claimSlowly()
			id := enqueue(t, store)
			_, stop := start(t, hook(t, store, &s.hooked), handle(func(context.Context, *runtime.Job, note) error { t.Error("a job began"); return nil }), runtime.WithGracePeriod(grace))
			<-s.claiming
			stopped := make(chan error, 1)
			go func() { stopped <- stop() }()
			synctest.Wait()
			close(s.proceed)
			if err := <-stopped; err != nil {
				t.Error(err)
			}
			job, err := notes(t, store).TryClaim(t.Context(), "next")
			if err != nil || job.ID != id || job.AttemptNumber != 0 {
				t.Errorf("grace period %v: after the stop %v is claimable, %v", grace, job, err)
			}
		})
	}
}

func TestHardStopWaitsFiveSecondsForAClaimUnderWay(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		s := claimSlowly()
		_, stop := start(t, hook(t, store, &s.hooked), handle(func(context.Context, *runtime.Job, note) error { return nil }), runtime.WithGracePeriod(0))
		<-s.claiming
		began := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("stop took %v", took)
		}
	})
}

func TestStopBeforeTheWorkerHasBegunIsClean(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w := runtime.NewWorker(store, handle(func(context.Context, *runtime.Job, note) error { return nil }), runtime.WithLogger(nil))
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
}
