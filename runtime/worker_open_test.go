package runtime_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/memory"
	"github.com/jobgen/jobgen/runtime/observe"
)

// A lateService hands out the queues of a store once nothing is in its way.
type lateService struct {
	runtime.JobService
	calls atomic.Int64
	get   func(ctx context.Context) error
}

func (s *lateService) GetQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	s.calls.Add(1)
	if err := s.get(ctx); err != nil {
		return nil, err
	}
	return s.JobService.GetQueue(ctx, name)
}

func done(context.Context, *runtime.Job, note) error { return nil }

func TestRunBeginsOnceAStoreThatWasAwayAtItsStartIsThere(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		var there atomic.Bool
		service := &lateService{JobService: store, get: func(context.Context) error {
			if !there.Load() {
				return errors.New("connection refused")
			}
			return nil
		}}
		var lines syncBuilder
		var told events
		_, stop := start(t, service, handle(done), runtime.WithLogger(slog.New(slog.NewTextHandler(&lines, nil))), runtime.WithObserver(&told))
		id := enqueue(t, store)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := service.calls.Load(); n < 2000 || n > 6000 {
			t.Errorf("%d tries in ten minutes", n)
		}
		if n := strings.Count(lines.String(), "cannot begin"); n < 9 || n > 11 || !strings.Contains(lines.String(), `level=WARN msg="the worker cannot begin`) ||
			!strings.Contains(lines.String(), `queue=notes error="connection refused"`) {
			t.Errorf("%d lines in ten minutes:\n%s", n, lines.String())
		}
		there.Store(true)
		time.Sleep(time.Second)
		synctest.Wait()
		if !logOf(t, store, id, 0).Success || !strings.Contains(lines.String(), "the worker can begin") {
			t.Errorf("the job has not run a second after the store came, and the log says\n%s", lines.String())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if away, back := told.of(observe.StoreAway), told.of(observe.StoreBack); len(away) != 1 || len(back) != 1 || away[0].Queue != "notes" || away[0].Err == nil {
			t.Errorf("told of %+v and %+v", away, back)
		}
	})
}

func TestRunEndsWithItsContextWhileTheStoreIsAway(t *testing.T) {
	for name, c := range map[string]struct {
		get  func(ctx context.Context) error
		took time.Duration // to stop, at most
	}{
		"refusing connections":        {func(context.Context) error { return errors.New("connection refused") }, 0},
		"silent":                      {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 0},
		"silent, ignoring the caller": {nil, 5 * time.Second},
	} {
		for how, end := range map[string]func(w *runtime.Worker, cancel func()){
			"its context":  func(_ *runtime.Worker, cancel func()) { cancel() },
			"StopNow":      func(w *runtime.Worker, _ func()) { w.StopNow() },
			"both at once": func(w *runtime.Worker, cancel func()) { cancel(); w.StopNow() },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				inBubble(t, func(t *testing.T, store *memory.Store) {
					service, answer := &lateService{JobService: store, get: c.get}, make(chan struct{})
					if c.get == nil {
						service.get = func(context.Context) error { <-answer; return errors.New("at last") }
					}
					defer func() { close(answer); synctest.Wait() }()
					w := runtime.NewWorker(service, handle(done), runtime.WithLogger(nil), runtime.WithGracePeriod(time.Hour))
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					ended := make(chan error, 1)
					go func() { ended <- w.Run(ctx) }()
					time.Sleep(time.Minute)
					began := time.Now()
					end(w, cancel)
					if err := <-ended; err != nil {
						t.Error(err)
					}
					if took := time.Since(began); took > c.took {
						t.Errorf("Run took %v to end; want %v, whatever the grace period", took, c.took)
					}
				})
			})
		}
	}
}

func TestRunTriesAgainWhereTheStoreDoesNotAnswerInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		first := true
		service := &lateService{JobService: store}
		service.get = func(ctx context.Context) error {
			if first {
				first = false
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		id := enqueue(t, store)
		start(t, service, handle(done))
		time.Sleep(16 * time.Second)
		synctest.Wait()
		if !logOf(t, store, id, 0).Success {
			t.Error("the job has not run")
		}
	})
}

func TestWhatTheStoreRefusesForGoodEndsRunAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		refused := &driver.RefusedError{Err: errors.New("permission denied for schema"), Final: true}
		for what, get := range map[string]func(context.Context) error{
			"permission denied":         func(context.Context) error { return refused },
			"job queue not found":       func(context.Context) error { return runtime.ErrJobQueueNotFound },
			"transaction has ended":     func(context.Context) error { return runtime.ErrTxEnded },
			"panic: out of cheese":      func(context.Context) error { panic("out of cheese") },
			"255 that it may have":      nil,
			"job type \"note\" has two": nil,
		} {
			mux, service := handle(done), &lateService{JobService: store, get: get}
			switch what {
			case "255 that it may have":
				mux = runtime.NewMux()
				mux.Handle(runtime.Define[note]("note", strings.Repeat("q", 256)), done)
			case "job type \"note\" has two":
				mux.Handle(noteJob, done)
			}
			began := time.Now()
			err := runtime.NewWorker(service, mux, runtime.WithLogger(nil)).Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), what) || time.Since(began) > 0 || service.calls.Load() > 1 {
				t.Errorf("%s: %v, after %v and %d calls", what, err, time.Since(began), service.calls.Load())
			}
		}
	})
}
