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
	"github.com/jobgen/jobgen/runtime/memory"
)

// turning counts the round trips of a worker with one handler.
type turning struct {
	*memory.Store
	turns, finishes *atomic.Int64
	lost            *atomic.Bool // the next turn's answer is
}

type turningQueue struct {
	*memory.Queue
	turning
}

func (s turning) GetQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	queue, err := s.Store.GetQueue(ctx, name)
	return turningQueue{queue.(*memory.Queue), s}, err
}

func (q turningQueue) FinishBatch(ctx context.Context, handlerID string, outcomes []runtime.Outcome) ([]error, error) {
	q.finishes.Add(1)
	return q.Queue.FinishBatch(ctx, handlerID, outcomes)
}

func (q turningQueue) Turn(ctx context.Context, outcomes []runtime.Outcome, req runtime.ClaimRequest) ([]error, runtime.ClaimedBatch, error) {
	q.turns.Add(1)
	verdicts, batch, err := q.Queue.Turn(ctx, outcomes, req)
	if q.lost.CompareAndSwap(true, false) {
		return nil, runtime.ClaimedBatch{}, errors.New("the connection was lost")
	}
	return verdicts, batch, err
}

func TestWorkerWithOneHandlerFinishesAJobAndClaimsTheNextInOneTrip(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		s := turning{store, new(atomic.Int64), new(atomic.Int64), new(atomic.Bool)}
		for range 20 {
			enqueue(t, store)
		}
		start(t, s, handle(func(context.Context, *runtime.Job, note) error { time.Sleep(time.Second); return nil }), runtime.WithHandlers(1))
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := unfinished(t, store); n != 0 || s.turns.Load() < 19 || s.finishes.Load() > 1 {
			t.Errorf("%d jobs are unfinished after %d turns and %d outcomes by themselves", n, s.turns.Load(), s.finishes.Load())
		}
	})
}

func TestOutcomeOfATurnWhoseAnswerWasLostIsWrittenAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		s := turning{store, new(atomic.Int64), new(atomic.Int64), new(atomic.Bool)}
		var ids []snowflake.ID
		for range 3 {
			ids = append(ids, enqueue(t, store))
		}
		s.lost.Store(true)
		start(t, s, handle(func(context.Context, *runtime.Job, note) error { time.Sleep(time.Second); return nil }), runtime.WithHandlers(1))
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := unfinished(t, store); n != 0 || !logOf(t, store, ids[0], 0).Success || s.finishes.Load() == 0 {
			t.Errorf("%d jobs are unfinished; %d outcomes were written by themselves", n, s.finishes.Load())
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
