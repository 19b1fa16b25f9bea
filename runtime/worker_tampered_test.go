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

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/memory"
)

// What the Worker says and writes of an attempt used to come from the Job that
// the handler has in its hands.
func TestAHandlerMayChangeItsJob(t *testing.T) {
	changes := map[string]func(*runtime.Job){
		"attempts made": func(job *runtime.Job) { job.AttemptsMade, job.AttemptNumber = -1, -1 },
		"everything":    func(job *runtime.Job) { *job = runtime.Job{} },
		"no claim":      func(job *runtime.Job) { job.JobClaim = nil },
		"no queue":      func(job *runtime.Job) { job.Queue = nil },
		"log":           func(job *runtime.Job) { job.WriteString("some"); job.Next(3); job.Truncate(0) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, store *memory.Store) {
				var lines syncBuilder
				began := time.Now()
				var second time.Duration
				start(t, store, handle(func(_ context.Context, job *runtime.Job, _ note) error {
					if job.AttemptNumber == 1 {
						second = time.Since(began)
						return nil
					}
					change(job)
					return errors.New("no luck")
				}), runtime.WithLogger(slog.New(slog.NewTextHandler(&lines, nil))))
				id := enqueue(t, store)
				time.Sleep(time.Minute)
				synctest.Wait()
				if log := logOf(t, store, id, 0); log.FailureReason != "no luck" {
					t.Errorf("the attempt left %+v", log)
				}
				if !logOf(t, store, id, 1).Success || !between(second, 5*time.Second, 5510*time.Millisecond) {
					t.Errorf("the second attempt began after %v; want 5 s and up to a tenth more", second)
				}
				if want := "job=" + id.String() + " type=note attempt=0"; !strings.Contains(lines.String(), want) {
					t.Errorf("logged without %q:\n%s", want, &lines)
				}
			})
		})
	}
}

func TestRunRefusesAServiceWithoutAQueue(t *testing.T) {
	t.Parallel()
	bound, err := memory.New(runtime.NewCatalogue(noteJob))
	if err != nil {
		t.Fatal(err)
	}
	for name, service := range map[string]runtime.JobService{
		"no queue":        serviceOf(func() runtime.JobQueue { return nil }),
		"a nil queue":     serviceOf(func() runtime.JobQueue { return (*runtime.Queue)(nil) }),
		"an empty queue":  serviceOf(func() runtime.JobQueue { return new(runtime.Queue) }),
		"an empty store":  new(runtime.Store),
		"none":            nil,
		"one that panics": serviceOf(func() runtime.JobQueue { panic("no queue") }),
		// As in a transaction, which cannot serve the goroutines of a Worker.
		"a bound store": bound.Bind(bound.Driver()),
	} {
		err := runtime.NewWorker(service, handle(func(context.Context, *runtime.Job, note) error { return nil })).Run(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "run worker: ") {
			t.Errorf("%s: %v, want an error", name, err)
		}
	}
	if err := runtime.NewWorker(bound, nil).Run(t.Context()); err == nil {
		t.Error("no mux: no error")
	}
}

type serviceOf func() runtime.JobQueue

func (s serviceOf) GetQueue(context.Context, string) (runtime.JobQueue, error) { return s(), nil }

// A repeatingQueue hands out each job that it claims again and again.
type repeatingQueue struct {
	outsideQueue
	job *runtime.Job
}

func (q *repeatingQueue) TryClaim(ctx context.Context, handler string) (_ *runtime.Job, err error) {
	if q.job == nil {
		q.job, err = q.outsideQueue.TryClaim(ctx, handler)
		return q.job, err
	}
	again := *q.job
	return &again, nil
}

func TestAQueueOfSomebodyElseMayHandOutAnAttemptTwice(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		enqueue(t, store)
		queue := &repeatingQueue{outsideQueue: outsideQueue{notes(t, store)}}
		runs := 0
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		mux := handle(func(context.Context, *runtime.Job, note) error {
			if runs++; runs == 100 {
				cancel()
			}
			time.Sleep(time.Millisecond)
			return nil
		})
		if err := runtime.NewWorker(serviceOf(func() runtime.JobQueue { return queue }), mux, runtime.WithHandlers(1)).Run(ctx); err != nil {
			t.Error(err)
		}
	})
}

// A slowQueue takes its time for each claim.
type slowQueue struct{ outsideQueue }

func (q slowQueue) TryClaim(ctx context.Context, handler string) (*runtime.Job, error) {
	time.Sleep(100 * time.Millisecond)
	return q.outsideQueue.TryClaim(ctx, handler)
}

// All that there are handlers for used to be claimed before the first began,
// which was too late for it by then.
func TestJobsOfASlowQueueOfSomebodyElseBeginWhileOthersAreClaimed(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		for range 50 {
			enqueue(t, store, runtime.JobOptions.MaxAttempts(1), runtime.JobOptions.MaxWorkDuration(2*time.Second))
		}
		queue := slowQueue{outsideQueue{notes(t, store)}}
		var runs atomic.Int64
		start(t, serviceOf(func() runtime.JobQueue { return queue }), handle(func(context.Context, *runtime.Job, note) error {
			runs.Add(1)
			return nil
		}))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if runs.Load() != 50 || unfinished(t, store) != 0 {
			t.Errorf("%d of 50 jobs ran, %d are unfinished", runs.Load(), unfinished(t, store))
		}
	})
}

// A job whose claim is shorter than a round trip used to be given back and
// claimed again without end.
func TestAJobWhoseClaimIsShorterThanARoundTripRuns(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		late := hook(t, store, &hooked{claim: func(ctx context.Context, req driver.ClaimRequest, next driver.Queue) (driver.Claimed, error) {
			claimed, err := next.Claim(ctx, req)
			time.Sleep(5 * time.Millisecond)
			return claimed, err
		}})
		// Each attempt is over by the time it begins, and may be taken over before.
		id := enqueue(t, store, runtime.JobOptions.MaxWorkDuration(time.Millisecond), runtime.JobOptions.MaxAttempts(1000))
		var runs atomic.Int64
		start(t, late, handle(func(context.Context, *runtime.Job, note) error { runs.Add(1); return nil }))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if runs.Load() == 0 || unfinished(t, store) != 0 {
			t.Errorf("job %d ran %d times, and %d jobs are unfinished", id, runs.Load(), unfinished(t, store))
		}
	})
}

// An illQueue fails every second call with an error whose methods do harm.
type illQueue struct {
	outsideQueue
	calls *atomic.Int64
	err   error
}

func (q illQueue) fails() bool { return q.calls.Add(1)%2 == 1 }

func (q illQueue) TryClaim(ctx context.Context, handler string) (*runtime.Job, error) {
	if q.fails() {
		return nil, q.err
	}
	return q.outsideQueue.TryClaim(ctx, handler)
}

func (q illQueue) Complete(ctx context.Context, id snowflake.ID, handler string, attempt int32, log []byte) error {
	if q.fails() {
		return q.err
	}
	return q.outsideQueue.Complete(ctx, id, handler, attempt, log)
}

type endlessError struct{}

func (endlessError) Error() string { return "endless" }
func (endlessError) Unwrap() error { return endlessError{} }

func TestErrorsOfAQueueOfSomebodyElseMayDoHarm(t *testing.T) {
	for name, err := range map[string]error{
		"endless": endlessError{},
		"panics":  &hostileError{harm: func() { panic(hostileValue{}) }},
		"nil":     (*typedNil)(nil),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, store *memory.Store) {
				for range 20 {
					enqueue(t, store)
				}
				queue := illQueue{outsideQueue{notes(t, store)}, new(atomic.Int64), err}
				start(t, illService{queue}, handle(func(context.Context, *runtime.Job, note) error { return nil }),
					runtime.WithHandlers(1), runtime.WithObserver(new(events)))
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if n := unfinished(t, store); n != 0 {
					t.Errorf("%d jobs are unfinished", n)
				}
			})
		})
	}
}

// An illService hands out its queue the second time.
type illService struct{ queue illQueue }

func (s illService) GetQueue(context.Context, string) (runtime.JobQueue, error) {
	if s.queue.fails() {
		return nil, s.queue.err
	}
	return s.queue, nil
}
