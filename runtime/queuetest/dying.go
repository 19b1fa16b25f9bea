package queuetest

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/observe"
)

// A witness takes down what a worker says of jobs that die, and lines of its
// log that are warnings or worse. It is an [observe.Observer].
type witness struct {
	mu    sync.Mutex
	died  []observe.Event
	lines strings.Builder
}

func (*witness) AttemptBegins(ctx context.Context, _ observe.Event) context.Context { return ctx }

func (w *witness) Observe(event observe.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if event.Kind == observe.JobDied {
		w.died = append(w.died, event)
	}
}

func (w *witness) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lines.Write(line)
}

// options are those of a worker that the witness listens to.
func (w *witness) options() []runtime.WorkerOption {
	logger := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return []runtime.WorkerOption{runtime.WithLogger(logger), runtime.WithObserver(w)}
}

// of returns the deaths of a job that were told of and how many of the lines
// that have all of the words there are.
func (w *witness) of(id snowflake.ID, words ...string) (died []observe.Event, lines int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, event := range w.died {
		if event.JobID == id {
			died = append(died, event)
		}
	}
	for line := range strings.Lines(w.lines.String()) {
		has := strings.Contains(line, "job="+id.String()+" ")
		for _, word := range words {
			has = has && strings.Contains(line, word)
		}
		if has {
			lines++
		}
	}
	return died, lines
}

var dying = behaviours{
	"a job that dies is one error line and one event, with its attempts and its last error": func(x *trial) {
		var w witness
		id := x.add(runtime.JobOptions.MaxAttempts(2))
		stop := x.work(handling(func(_ context.Context, job *runtime.Job) error {
			return errors.New("no luck " + strings.Repeat("again", int(job.AttemptNumber)))
		}), w.options()...)
		x.awaitsEnd(id, 0)
		x.advance(longestRetry(0))
		last := x.awaitsEnd(id, 1)
		x.must(stop())
		died, _ := w.of(id)
		if len(died) != 1 || died[0].AttemptNumber != 1 || died[0].Reason != "no luck again" || died[0].HandlerID != last.HandlerID ||
			died[0].JobType != string(typeA) || died[0].Queue != "queue" || died[0].AttemptsRemaining != 0 {
			x.Errorf("told of %+v", died)
		}
		_, dead := w.of(id, "level=ERROR", `msg="job dead"`, "queue=queue", "type=a", "attempts=2", `error="no luck again"`)
		_, first := w.of(id, "level=WARN", "attempt=0", `error="no luck "`, "attempts_remaining=1")
		_, all := w.of(id)
		x.same([]int{dead, first, all}, []int{1, 1, 2})
	},
	"a worker that buries a job says so once": func(x *trial) {
		var w witness
		job := x.abandoned("crashed", runtime.JobOptions.MaxAttempts(1))
		stop := x.work(handling(func(context.Context, *runtime.Job) error { return nil }), w.options()...)
		x.awaitsEnd(job.ID, 0)
		x.same(x.awaitsEnd(x.add(), 0).Success, true)
		x.must(stop())
		died, _ := w.of(job.ID)
		if len(died) != 1 || died[0].AttemptNumber != 0 || died[0].Reason != noAttemptsLeft || died[0].HandlerID != "crashed" || died[0].JobType != string(typeA) {
			x.Errorf("told of %+v", died)
		}
		_, lines := w.of(job.ID, "level=ERROR", `msg="job dead"`, "attempts=1", "handler=crashed", noAttemptsLeft)
		x.same(lines, 1)
	},
	"a cancelled job does not die when its last attempt fails": func(x *trial) {
		var w witness
		begun := make(chan *runtime.Job, 1)
		stop := x.work(handling(func(ctx context.Context, job *runtime.Job) error {
			begun <- job
			<-ctx.Done()
			return errors.New("cut short")
		}), w.options()...)
		id := x.add(runtime.JobOptions.MaxAttempts(1), runtime.JobOptions.MaxWorkDuration(workerClaim))
		receive(x, begun, "the job")
		x.must(x.queue.Cancel(x.Context(), id))
		x.same(x.awaitsEnd(id, 0).FailureReason, "cut short")
		x.must(stop())
		died, lines := w.of(id, "level=WARN", `error="cut short"`)
		x.same([]int{len(died), lines}, []int{0, 1})
		x.dead(x.queue)
	},
	"a failure for good makes the job dead at once, whatever attempts it has left": driven(func(x *trial, q queue) {
		var ends []attemptEnd
		for i, opts := range [][]runtime.JobOption{{}, {runtime.JobOptions.MaxAttempts(1)}, {runtime.JobOptions.MaxAttempts(7)}} {
			job := x.addAndClaim("h", opts...)
			ends = append(ends, attemptEnd{JobID: job.ID, Reason: "for good", RetryIn: time.Minute, Final: true, Log: []byte{'0' + byte(i)}})
		}
		errs, err := q.FinishBatch(x.Context(), "h", ends)
		x.must(errors.Join(append(errs, err)...))
		x.dead(q, ends[0].JobID, ends[1].JobID, ends[2].JobID)
		jobs, err := q.DeadJobs(x.Context(), 0, 10)
		x.must(err)
		for _, job := range jobs {
			x.same([]int32{job.AttemptsMade, job.AttemptsRemaining}, []int32{1, 0})
		}
		x.over()
		x.same(string(x.log(ends[2].JobID, 0).Log), "2")
		x.must(q.Revive(x.Context(), ends[2].JobID, 2))
		x.numbers(x.claims("h", ends[2].JobID), 1, 1)
	}),
	"a failure for good of a stolen attempt leaves the job to the thief": driven(func(x *trial, q queue) {
		first, thief := x.stolen(runtime.JobOptions.MaxAttempts(4))
		errs, err := q.FinishBatch(x.Context(), first.HandlerID, []attemptEnd{{JobID: first.ID, Reason: "for good", Final: true}})
		x.must(err)
		x.is(errs[0], runtime.ErrJobNotClaimed)
		x.dead(q)
		x.failed(first, "for good", "")
		x.must(complete(x, thief, ""))
		x.over()
	}),
	"data that does not decode makes its job dead at once, and a program that reads it handles the revived job": func(x *trial) {
		type incompatible struct {
			N float64 `json:"n"` // a number, as programs that can share a store have it
		}
		other := runtime.Define[incompatible](typeA, "queue")
		service := x.store.Open(x, runtime.NewCatalogue(other))
		bad, err := runtime.Enqueue(x.Context(), service, other, &incompatible{0.5}, runtime.JobOptions.MaxAttempts(5))
		x.must(err)
		var w witness
		stop := x.work(handling(func(context.Context, *runtime.Job) error { return nil }), w.options()...)
		reason := x.awaitsEnd(bad, 0).FailureReason
		if !strings.Contains(reason, "field n: decode: ") {
			x.Errorf("the reason is %q", reason)
		}
		x.dead(x.queue, bad)
		x.same(x.awaitsEnd(x.add(), 0).Success, true) // the worker lives on
		x.must(stop())
		died, lines := w.of(bad)
		_, dead := w.of(bad, "level=ERROR", `msg="job dead"`, "attempts=1 ", "field n: decode: ")
		if len(died) != 1 || died[0].Reason != reason || lines != 1 || dead != 1 {
			x.Errorf("told of %+v, in %d lines of %d", died, dead, lines)
		}
		handled := make(chan float64, 1)
		mux := runtime.NewMux()
		mux.Handle(other, func(_ context.Context, _ *runtime.Job, p incompatible) error { handled <- p.N; return nil })
		x.must(x.queue.Revive(x.Context(), bad, 1))
		x.workOn(service, mux)
		x.same(receive(x, handled, "the revived job"), 0.5)
		x.same(x.awaitsEnd(bad, 1).Success, true)
	},
	"an upgrade that fails is a failure like any other, and the job is tried again": func(x *trial) {
		var tries atomic.Int32
		fickle := at(runtime.Define[payloadA2](typeA, "queue"), 2, runtime.UpgradeFrom(1, func(ctx context.Context, old payloadA) (payloadA2, error) {
			if tries.Add(1) == 1 {
				return payloadA2{}, errors.New("not now")
			}
			return upgradeA(ctx, old)
		}))
		handled := make(chan payloadA2, 1)
		mux := runtime.NewMux()
		mux.Handle(fickle, func(_ context.Context, _ *runtime.Job, p payloadA2) error { handled <- p; return nil })
		id := x.add(runtime.JobOptions.MaxAttempts(2))
		x.workOn(x.store.Open(x, runtime.NewCatalogue(fickle)), mux)
		if reason := x.awaitsEnd(id, 0).FailureReason; !strings.Contains(reason, "upgrade a from payload version 1: not now") {
			x.Errorf("the reason is %q", reason)
		}
		x.dead(x.queue)
		x.advance(longestRetry(0))
		x.same(receive(x, handled, "the job"), payloadA2{N: 1, Text: "upgraded"})
	},
	"a failure of unlimited attempts says that they are": func(x *trial) {
		var w witness
		id := x.add()
		stop := x.work(handling(func(context.Context, *runtime.Job) error { return errors.New("no") }), w.options()...)
		x.awaitsEnd(id, 0)
		x.must(stop())
		_, lines := w.of(id, "attempts_remaining=unlimited")
		x.same(lines, 1)
	},
}
