package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

func TestWorkerRunsEachJobOnceAndCompletesIt(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		const jobs = 1000
		var runs sync.Map
		_, stop := start(t, store, handle(func(_ context.Context, job *runtime.Job, n note) error {
			if n.Text != "x" {
				return fmt.Errorf("payload %q", n.Text)
			}
			if _, again := runs.LoadOrStore(job.ID, true); again {
				return errors.New("ran twice")
			}
			return nil
		}), runtime.WithHandlers(7))
		for range jobs {
			enqueue(t, store)
		}
		synctest.Wait()
		if n := unfinished(t, store); n != 0 {
			t.Errorf("%d jobs are unfinished", n)
		}
		n := 0
		runs.Range(func(id, _ any) bool {
			n++
			return logOf(t, store, id.(snowflake.ID), 0).Success
		})
		if n != jobs {
			t.Errorf("%d jobs ran and succeeded, not %d", n, jobs)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestFailedJobIsTriedAgainAfterItsBackoffAndDiesWithoutAttempts(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		var at []time.Duration
		began := time.Now()
		start(t, store, handle(func(context.Context, *runtime.Job, note) error {
			at = append(at, time.Since(began))
			return errors.New("no luck")
		}))
		id := enqueue(t, store)
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(at) != 3 || !between(at[1]-at[0], 5*time.Second, 5510*time.Millisecond) || !between(at[2]-at[1], 10*time.Second, 11010*time.Millisecond) {
			t.Errorf("attempts began at %v; want 5 s and 10 s between them, and up to a tenth more", at)
		}
		if log := logOf(t, store, id, 2); log.Success || log.FailureReason != "no luck" {
			t.Errorf("last attempt's log: %+v", log)
		}
		dead, err := notes(t, store).DeadJobs(t.Context(), 0, 10)
		if err != nil || len(dead) != 1 || dead[0].ID != id {
			t.Errorf("dead jobs %v, %v", dead, err)
		}
	})
}

func between(d, least, most time.Duration) bool { return d >= least && d <= most }

func TestPanicAndGoexitAreFailuresWithTheirStackAndTheWorkerLivesOn(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		start(t, store, handle(func(_ context.Context, job *runtime.Job, _ note) error {
			switch job.AttemptNumber {
			case 0:
				panic("boom")
			case 1:
				goruntime.Goexit()
			}
			return nil
		}), runtime.WithHandlers(1))
		id := enqueue(t, store)
		time.Sleep(time.Minute)
		synctest.Wait()
		if log := logOf(t, store, id, 0); log.Success || log.FailureReason != "panic: boom" || !strings.Contains(string(log.Log), "worker_test.go") {
			t.Errorf("log of the panic: %q %q", log.FailureReason, log.Log)
		}
		if log := logOf(t, store, id, 1); log.Success || !strings.Contains(log.FailureReason, "Goexit") {
			t.Errorf("log of the Goexit: %q", log.FailureReason)
		}
		if !logOf(t, store, id, 2).Success {
			t.Error("the third attempt did not succeed")
		}
	})
}

func TestUndecodablePayloadFailsWithItsFieldAndTheWorkerLivesOn(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		type wrong struct {
			Text int `json:"text"`
		}
		other, err := store.Open(runtime.NewCatalogue(runtime.Define[wrong]("note", "notes")))
		if err != nil {
			t.Fatal(err)
		}
		id, err := notes(t, other).Add(t.Context(), "note", wrong{Text: 1}, runtime.JobOptions.MaxAttempts(1))
		if err != nil {
			t.Fatal(err)
		}
		start(t, store, handle(func(context.Context, *runtime.Job, note) error { return nil }))
		good := enqueue(t, store)
		synctest.Wait()
		if log := logOf(t, store, id, 0); log.Success || !strings.Contains(log.FailureReason, `field text`) {
			t.Errorf("log of the undecodable job: %+v", log)
		}
		if !logOf(t, store, good, 0).Success {
			t.Error("the job after it did not run")
		}
	})
}

func TestJobOfAnUnhandledTypeIsLeftForAnotherWorker(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		for _, service := range []runtime.JobService{store, plainService{store}} {
			id, err := runtime.Enqueue(t.Context(), service, otherJob, &note{})
			if err != nil {
				t.Fatal(err)
			}
			_, stop := start(t, service, handle(func(context.Context, *runtime.Job, note) error { return nil }))
			time.Sleep(time.Minute)
			synctest.Wait()
			if err := stop(); err != nil {
				t.Error(err)
			}
			job, err := notes(t, store).TryClaim(t.Context(), "another")
			if err != nil || job.ID != id {
				t.Fatalf("%T: claimed %v, %v; want job %d", service, job, err, id)
			}
			if _, plain := service.(plainService); !plain && job.AttemptNumber != 0 {
				t.Errorf("attempt %d; want 0, since the worker left the job", job.AttemptNumber)
			} else if plain && (job.AttemptNumber < 5 || job.AttemptNumber > 20 || !strings.Contains(logOf(t, store, id, 0).FailureReason, "no handler for jobs of type other")) {
				t.Errorf("attempt %d, and the first left %+v", job.AttemptNumber, logOf(t, store, id, 0))
			}
			if err := job.Complete(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// plainService hides that its queues are a store's own.
type plainService struct{ *memory.Store }

type plainQueue struct{ runtime.JobQueue }

func (s plainService) GetQueue(ctx context.Context, name string) (runtime.JobQueue, error) {
	queue, err := s.Store.GetQueue(ctx, name)
	return plainQueue{queue}, err
}

func TestWorkerWorksAQueueThatSomebodyElseWrote(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		var n atomic.Int64
		start(t, plainService{store}, handle(func(_ context.Context, job *runtime.Job, _ note) error {
			if job.AttemptNumber == 0 && n.Add(1)%10 == 0 {
				return errors.New("once")
			}
			return nil
		}), runtime.WithHandlers(3))
		for range 200 {
			enqueue(t, store)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := unfinished(t, store); n != 0 {
			t.Errorf("%d jobs are unfinished", n)
		}
	})
}

func TestCancelEndsTheHandlersContextWithItsCause(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		causes := make(chan error, 1)
		start(t, store, handle(func(ctx context.Context, _ *runtime.Job, _ note) error {
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return ctx.Err()
		}))
		id := enqueue(t, store)
		synctest.Wait()
		if err := notes(t, store).Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case cause := <-causes:
			if !errors.Is(cause, runtime.ErrJobCancelled) {
				t.Errorf("cause %v", cause)
			}
		default:
			t.Error("the handler's context did not end at once")
		}
		synctest.Wait()
		if log := logOf(t, store, id, 0); log.Success || log.FailureReason == "" {
			t.Errorf("log of the cancelled attempt: %+v", log)
		}
	})
}

func TestThiefIsCancelledWhenTheStolenAttemptCompletesTheJob(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		id := enqueue(t, store)
		first, err := notes(t, store).TryClaim(t.Context(), "first")
		if err != nil {
			t.Fatal(err)
		}
		causes := make(chan error, 1)
		start(t, store, handle(func(ctx context.Context, _ *runtime.Job, _ note) error {
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return nil // as one that does not look at its context
		}))
		time.Sleep(31 * time.Second) // the claim expires and is stolen
		synctest.Wait()
		if err := first.Complete(t.Context()); err != nil {
			t.Fatalf("complete of the stolen attempt: %v", err)
		}
		synctest.Wait()
		if cause := <-causes; !errors.Is(cause, runtime.ErrJobCancelled) {
			t.Errorf("the thief's cause: %v", cause)
		}
		synctest.Wait()
		if log := logOf(t, store, id, 1); log.Success || !strings.Contains(log.FailureReason, "attempt 0") {
			t.Errorf("the thief's log: %+v", log)
		}
	})
}

func TestHandlerGetsTheEndOfItsClaimAsDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		var took time.Duration
		start(t, store, handle(func(ctx context.Context, _ *runtime.Job, _ note) error {
			began := time.Now()
			<-ctx.Done()
			took = time.Since(began)
			return ctx.Err()
		}))
		id := enqueue(t, store, runtime.JobOptions.MaxAttempts(1))
		time.Sleep(time.Minute)
		synctest.Wait()
		if took != 30*time.Second {
			t.Errorf("the context ended after %v, not 30s", took)
		}
		if log := logOf(t, store, id, 0); log.FailureReason != context.DeadlineExceeded.Error() {
			t.Errorf("log: %+v", log)
		}
	})
}

func TestDelayedJobRunsWhenItIsDueWithoutWaitingForThePoll(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		var ran time.Time
		start(t, store, handle(func(context.Context, *runtime.Job, note) error { ran = time.Now(); return nil }),
			runtime.WithPollInterval(time.Hour))
		synctest.Wait()
		due := time.Now().Add(90 * time.Second)
		enqueue(t, store, runtime.JobOptions.Due(due))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if late := ran.Sub(due); late < 0 || late > 10*time.Millisecond {
			t.Errorf("the job ran %v after it was due", late)
		}
	})
}

func TestIdleWorkerAsksAtMostTwentyTimesAMinute(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		s := newFlaky()
		start(t, hook(t, store, &s.hooked), handle(func(context.Context, *runtime.Job, note) error { return nil }))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := s.calls.Load(); n > 200 {
			t.Errorf("%d calls in ten idle minutes", n)
		}
	})
}

func TestRunNamesEveryMistakeBeforeItClaims(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		mux := handle(func(context.Context, *runtime.Job, note) error { return nil })
		mux.Handle(noteJob, func(context.Context, *runtime.Job, note) error { return nil })
		mux.Handle(otherJob, nil)
		err := runtime.NewWorker(store, mux, runtime.WithHandlers(0), runtime.WithQueues("note"),
			runtime.WithQueueHandlers("notes", -1), runtime.WithPollInterval(0), runtime.WithGracePeriod(-1),
			runtime.WithHandlerID("")).Run(t.Context())
		for _, want := range []string{
			`"note" has two handlers`, `"other" is nil`, "0 handlers", `WithQueues("note")`, "-1 handlers",
			"WithPollInterval: 0s", "WithGracePeriod: -1ns", "WithHandlerID",
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the error does not mention %s:\n%v", want, err)
			}
		}
		if err := runtime.NewWorker(store, runtime.NewMux()).Run(t.Context()); err == nil {
			t.Error("an empty mux is no error")
		}
	})
}

func TestOptionsOfQueuesThatAWorkerDoesNotWorkAreIgnored(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		var most, running atomic.Int64
		_, stop := start(t, store, handle(func(context.Context, *runtime.Job, note) error {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Second)
			running.Add(-1)
			return nil
		}), runtime.WithQueueHandlers("erp", 3), runtime.WithQueueHandlers("notes", 2))
		for range 10 {
			enqueue(t, store)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := unfinished(t, store); n != 0 || most.Load() != 2 {
			t.Errorf("%d jobs are unfinished, and %d ran at once; want 2", n, most.Load())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if err := runtime.NewWorker(store, handle(func(context.Context, *runtime.Job, note) error { return nil }),
			runtime.WithQueueHandlers("erp", 0)).Run(t.Context()); err == nil || !strings.Contains(err.Error(), `WithQueueHandlers("erp")`) {
			t.Errorf("0 handlers of a queue that is not worked: %v", err)
		}
	})
}

func TestLoggerWritesToTheAttemptsLogAndTheWorkersLogger(t *testing.T) {
	inBubble(t, func(t *testing.T, store *memory.Store) {
		var own syncBuilder
		start(t, store, handle(func(ctx context.Context, _ *runtime.Job, _ note) error {
			runtime.Logger(ctx).Info("half-way", "percent", 50)
			return nil
		}), runtime.WithLogger(slog.New(slog.NewTextHandler(&own, nil))), runtime.WithHandlerID("me"))
		id := enqueue(t, store)
		synctest.Wait()
		for what, text := range map[string]string{"attempt's log": string(logOf(t, store, id, 0).Log), "worker's logger": own.String()} {
			for _, want := range []string{"half-way", "percent=50", "queue=notes", fmt.Sprint("job=", int64(id)), "type=note", "attempt=0", "handler=me"} {
				if !strings.Contains(text, want) {
					t.Errorf("the %s lacks %s: %s", what, want, text)
				}
			}
		}
	})
}
