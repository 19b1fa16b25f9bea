package queuetest

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"

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
