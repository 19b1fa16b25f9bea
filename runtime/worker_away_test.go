package runtime_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// flaky fails every call while it is broken.
type flaky struct {
	*memory.Store
	broken *atomic.Bool
	calls  *atomic.Int64
}

type flakyQueue struct {
	*memory.Queue
	flaky
}

func (s flaky) GetQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	queue, err := s.Store.GetQueue(ctx, name)
	return flakyQueue{queue.(*memory.Queue), s}, err
}

func (s flaky) err() error {
	s.calls.Add(1)
	if s.broken.Load() {
		return errors.New("the store is away")
	}
	return nil
}

func (q flakyQueue) ClaimBatch(ctx context.Context, req runtime.ClaimRequest) (runtime.ClaimedBatch, error) {
	if err := q.err(); err != nil {
		return runtime.ClaimedBatch{}, err
	}
	return q.Queue.ClaimBatch(ctx, req)
}

func (q flakyQueue) FinishBatch(ctx context.Context, handlerID string, outcomes []runtime.Outcome) ([]error, error) {
	if err := q.err(); err != nil {
		return nil, err
	}
	return q.Queue.FinishBatch(ctx, handlerID, outcomes)
}

func TestWorkerOutlivesAStoreThatIsAway(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		s := flaky{store, new(atomic.Bool), new(atomic.Int64)}
		start(t, s, handle(func(context.Context, *runtime.Job, note) error { return nil }))
		s.broken.Store(true)
		for range 50 {
			enqueue(t, store)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := s.calls.Load(); n < 50 || n > 1000 {
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
		s := flaky{store, new(atomic.Bool), new(atomic.Int64)}
		ran := make(chan struct{})
		start(t, s, handle(func(context.Context, *runtime.Job, note) error {
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
		s := flaky{store, new(atomic.Bool), new(atomic.Int64)}
		before := runtime.DroppedOutcomes()
		start(t, s, handle(func(context.Context, *runtime.Job, note) error { s.broken.Store(true); return nil }))
		id := enqueue(t, store)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := runtime.DroppedOutcomes() - before; n != 1 {
			t.Errorf("%d outcomes were counted as dropped", n)
		}
		if log := logOf(t, store, id, 0); log.Success || log.FailureReason != "" {
			t.Errorf("a dropped outcome became %+v", log)
		}
	})
}

// sluggishQueue takes long to claim, and has last answered something else as long
// ago as silent says.
type sluggishQueue struct {
	*source
	takes, silent time.Duration
	calledOff     atomic.Int64
}

func (q *sluggishQueue) GetQueue(context.Context, string) (runtime.JobQueue, error) { return q, nil }

func (q *sluggishQueue) LastAnswer() time.Time { return time.Now().Add(-q.silent) }

func (q *sluggishQueue) ClaimBatch(ctx context.Context, req runtime.ClaimRequest) (runtime.ClaimedBatch, error) {
	select {
	case <-time.After(q.takes):
		return q.source.ClaimBatch(ctx, req)
	case <-ctx.Done():
		q.calledOff.Add(1)
		return runtime.ClaimedBatch{}, ctx.Err()
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
				q := &sluggishQueue{source: newSource(1), takes: c.takes, silent: c.silent}
				var runs atomic.Int64
				_, stop := start(t, q, handle(func(context.Context, *runtime.Job, note) error { runs.Add(1); return nil }))
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

// lossy makes one claim whose answer never arrives.
type lossy struct {
	*memory.Store
	lose *atomic.Bool
}

type lossyQueue struct {
	*memory.Queue
	lose *atomic.Bool
}

func (s lossy) GetQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	queue, err := s.Store.GetQueue(ctx, name)
	return lossyQueue{queue.(*memory.Queue), s.lose}, err
}

func (q lossyQueue) ClaimBatch(ctx context.Context, req runtime.ClaimRequest) (runtime.ClaimedBatch, error) {
	batch, err := q.Queue.ClaimBatch(ctx, req)
	if err == nil && len(batch.Jobs) > 0 && q.lose.CompareAndSwap(true, false) {
		return runtime.ClaimedBatch{}, errors.New("the connection was lost")
	}
	return batch, err
}

func TestWorkerTakesOverWhatItClaimedWithoutKnowing(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		s := lossy{store, new(atomic.Bool)}
		s.lose.Store(true)
		start(t, s, handle(func(context.Context, *runtime.Job, note) error { return nil }))
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
		s := flaky{store, new(atomic.Bool), new(atomic.Int64)}
		var runs atomic.Int64
		start(t, s, handle(func(context.Context, *runtime.Job, note) error { s.broken.Store(runs.Add(1) == 1); return nil }))
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
		start(t, q, handle(func(context.Context, *runtime.Job, note) error { q.runs.Add(1); return nil }))
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
