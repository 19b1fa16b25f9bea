package queuetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
)

// workerPoll is how soon a worker finds what a test's clock has made due.
const workerPoll = 20 * time.Millisecond

// handling is a mux with one handler of typeA.
func handling(handler func(ctx context.Context, job *runtime.Job) error) *runtime.Mux {
	mux := runtime.NewMux()
	mux.Handle(jobA, func(ctx context.Context, job *runtime.Job, _ payloadA) error { return handler(ctx, job) })
	return mux
}

// work runs a worker as one more process until the test ends, or until the
// returned stop is called, which returns what Run did.
func (x *trial) work(mux *runtime.Mux, opts ...runtime.WorkerOption) (stop func() error) {
	x.Helper()
	return x.workOn(x.store.Open(x, catalogue), mux, opts...)
}

// workOn is work on a service that is open.
func (x *trial) workOn(service *runtime.Store, mux *runtime.Mux, opts ...runtime.WorkerOption) (stop func() error) {
	x.Helper()
	opts = append([]runtime.WorkerOption{
		runtime.WithLogger(nil), runtime.WithPollInterval(workerPoll), runtime.WithHandlers(4),
	}, opts...)
	w := runtime.NewWorker(service, mux, opts...)
	ctx, cancel := context.WithCancel(context.WithoutCancel(x.Context()))
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceValue(func() error { // from any goroutine, so it must not end the test
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(limit):
			return fmt.Errorf("after %v still not: the end of the worker", limit)
		}
	})
	x.Cleanup(func() { x.must(stop()) }) // before its service is closed
	return stop
}

// awaits holds that the queue's statistics come to be these.
func (x *trial) awaits(want runtime.JobQueueStats) {
	x.Helper()
	var got runtime.JobQueueStats
	x.Cleanup(func() {
		if got != want {
			x.Logf("the last stats were %+v; awaited %+v", got, want)
		}
	})
	x.eventually("the awaited stats", func() bool {
		var err error
		got, err = x.queue.Stats(x.Context())
		x.must(err)
		return got == want
	})
}

// awaitsEnd waits until attempt has ended, and returns what it left.
func (x *trial) awaitsEnd(id snowflake.ID, attempt int32) runtime.JobLog {
	x.Helper()
	var end runtime.JobLog
	x.eventually("the attempt's end", func() bool {
		log, err := x.queue.Log(x.Context(), id, attempt)
		if errors.Is(err, runtime.ErrJobNotFound) {
			return false // not claimed yet
		}
		x.must(err)
		end = *log
		return log.Success || log.FailureReason != ""
	})
	return end
}

// blocking is a worker whose handler waits for the end of its context, and
// passes on the cause.
func (x *trial) blocking(opts ...runtime.WorkerOption) (started <-chan *runtime.Job, causes <-chan error) {
	x.Helper()
	begun, ended := make(chan *runtime.Job, 8), make(chan error, 8)
	x.work(handling(func(ctx context.Context, job *runtime.Job) error {
		begun <- job
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	}), append(opts, runtime.WithGracePeriod(0))...)
	return begun, ended
}

// ends holds that a handler's context has ended with this cause. A process
// that is not told finds out within a third of the claim.
func (x *trial) ends(causes <-chan error, want error) {
	x.Helper()
	x.is(receive(x, causes, "the end of the handler's context"), want)
}

// workerClaim is long for a handler that waits in a test, and short where a
// worker has to look after its claims by itself.
const workerClaim = 9 * time.Second

var working = behaviours{
	"a worker handles every job once, and completes it with its log": func(x *trial) {
		const jobs = 300
		var mu sync.Mutex
		runs := make(map[snowflake.ID]int)
		x.work(handling(func(ctx context.Context, job *runtime.Job) error {
			mu.Lock()
			defer mu.Unlock()
			runs[job.ID]++
			_, err := job.WriteString("handled")
			return err
		}))
		ids := addMany(x, jobs/2)
		for range jobs / 2 {
			ids = append(ids, x.add())
		}
		x.awaits(runtime.JobQueueStats{})
		mu.Lock()
		defer mu.Unlock()
		x.same(len(runs), jobs)
		for _, id := range ids {
			if log := x.log(id, 0); runs[id] != 1 || !log.Success || string(log.Log) != "handled" {
				x.Errorf("job %d ran %d times and left %+v", id, runs[id], log)
			}
		}
		x.over()
	},
	"several workers share a queue, and each job is handled once": func(x *trial) {
		const jobs = 400
		var runs atomic.Int64
		for range 3 {
			x.work(handling(func(context.Context, *runtime.Job) error { runs.Add(1); return nil }))
		}
		addMany(x, jobs)
		x.awaits(runtime.JobQueueStats{})
		x.same(runs.Load(), int64(jobs))
	},
	"a failed job is tried again after its backoff, and is dead after its last attempt": func(x *trial) {
		var runs atomic.Int64
		x.work(handling(func(context.Context, *runtime.Job) error { runs.Add(1); return errors.New("no luck") }))
		id := x.add(runtime.JobOptions.MaxAttempts(3))
		for attempt := range int32(3) {
			x.same(x.awaitsEnd(id, attempt).FailureReason, "no luck")
			x.same(runs.Load(), int64(attempt)+1)
			if attempt < 2 {
				x.stats(1, 0, 0) // not due before its backoff
				x.advance(longestRetry(int(attempt)))
			}
		}
		x.over()
		x.dead(x.queue, id)
		x.same(runs.Load(), int64(3))
	},
	"a panic is a failed attempt with its stack in the log, and the worker lives on": func(x *trial) {
		x.work(handling(func(_ context.Context, job *runtime.Job) error {
			if job.AttemptsRemaining == 0 {
				panic("out of cheese")
			}
			return nil
		}))
		bad := x.add(runtime.JobOptions.MaxAttempts(1))
		log := x.awaitsEnd(bad, 0)
		x.same(log.FailureReason, "panic: out of cheese")
		if !strings.Contains(string(log.Log), "out of cheese") || !strings.Contains(string(log.Log), "worker.go:") {
			x.Errorf("no stack in the log: %s", log.Log)
		}
		good := x.add()
		x.same(x.awaitsEnd(good, 0).Success, true)
	},
	"jobs of a type without a handler are left for another worker, under attempt 0": func(x *trial) {
		id, err := x.queue.Add(x.Context(), typeB, payloadB{})
		x.must(err)
		stop := x.work(handling(func(context.Context, *runtime.Job) error { return nil }))
		x.same(x.awaitsEnd(x.add(), 0).Success, true)
		x.must(stop())
		job := x.claims("another", id)
		x.same(job.AttemptNumber, int32(0))
	},
	"a graceful stop finishes what runs, and releases what was claimed ahead without using up an attempt": func(x *trial) {
		const quick, slow, handlers = 60, 12, 2
		proceed := make(chan struct{})
		begun := make(chan *runtime.Job, slow)
		stop := x.work(handling(func(ctx context.Context, job *runtime.Job) error {
			if job.Priority == 0 {
				return nil // quick, so that the worker claims ahead of its handlers
			}
			begun <- job
			<-proceed
			return ctx.Err() // still alive: nil
		}), runtime.WithHandlers(handlers))
		addMany(x, quick)
		x.awaits(runtime.JobQueueStats{})
		addMany(x, slow, runtime.JobOptions.Priority(9), runtime.JobOptions.MaxAttempts(3))
		var running []*runtime.Job
		for range handlers {
			running = append(running, receive(x, begun, "a slow job"))
		}
		x.eventually("jobs are claimed ahead", func() bool {
			stats, err := x.queue.Stats(x.Context())
			x.must(err)
			return stats.Claimed > handlers
		})
		stopped := make(chan error, 1)
		go func() { stopped <- stop() }()
		x.awaits(runtime.JobQueueStats{Waiting: slow - handlers, Due: slow, Claimed: handlers})
		close(proceed)
		x.must(receive(x, stopped, "the stop"))
		x.stats(slow-handlers, slow-handlers, 0)
		for _, job := range running {
			x.same(x.log(job.ID, 0).Success, true)
		}
		for range slow - handlers {
			x.numbers(x.claim("next"), 0, 2)
		}
		x.nothingToClaim()
	},
	"a hard stop releases what runs": func(x *trial) {
		begun := make(chan *runtime.Job, 1)
		stop := x.work(handling(func(ctx context.Context, job *runtime.Job) error {
			begun <- job
			<-ctx.Done()
			return ctx.Err()
		}), runtime.WithGracePeriod(0))
		id := x.add(runtime.JobOptions.MaxAttempts(2))
		receive(x, begun, "the job")
		x.must(stop())
		x.stats(1, 1, 0)
		x.numbers(x.claims("next", id), 0, 1)
	},
	"cancelling a running job ends its handler's context, and it is not tried again": func(x *trial) {
		begun, causes := x.blocking()
		id := x.add(runtime.JobOptions.MaxWorkDuration(workerClaim))
		receive(x, begun, "the job")
		x.must(x.queue.Cancel(x.Context(), id))
		x.ends(causes, runtime.ErrJobCancelled)
		if log := x.awaitsEnd(id, 0); log.Success {
			x.Errorf("left %+v", log)
		}
		x.over()
	},
	"a worker whose claim was stolen has its handler's context ended, and the thief keeps the job": func(x *trial) {
		begun, causes := x.blocking()
		id := x.add(runtime.JobOptions.MaxWorkDuration(workerClaim))
		first := receive(x, begun, "the job")
		x.advance(workerClaim)
		thief := x.steals("thief", id)
		x.ends(causes, runtime.ErrJobNotClaimed)
		x.eventually("the stolen attempt's end", func() bool { return x.log(id, 0).FailureReason != takenOver })
		x.same(x.log(id, 0).HandlerID, first.HandlerID)
		x.stats(0, 1, 1)
		x.must(complete(x, thief, "by the thief"))
		x.succeeded(thief, "by the thief")
		x.over()
	},
	"a worker that stole has its handler's context ended when the stolen attempt completes the job": func(x *trial) {
		id := x.add(runtime.JobOptions.MaxWorkDuration(workerClaim))
		first := x.claims("first", id)
		begun, causes := x.blocking()
		x.advance(workerClaim)
		thief := receive(x, begun, "the stolen job")
		x.numbers(thief, 1, thief.AttemptsRemaining)
		x.must(complete(x, first, "late but good"))
		x.ends(causes, runtime.ErrJobCancelled)
		x.succeeded(first, "late but good")
		if log := x.awaitsEnd(id, 1); log.Success {
			x.Errorf("the thief left %+v", log)
		}
		x.over()
	},
	"a worker takes over what a worker that crashed has left": func(x *trial) {
		job := x.abandoned("crashed", runtime.JobOptions.MaxAttempts(2))
		x.work(handling(func(context.Context, *runtime.Job) error { return nil }))
		x.same(x.awaitsEnd(job.ID, 1).Success, true)
		x.failed(job, takenOver, "")
		x.over()
	},
	"a worker buries what nobody may try again": func(x *trial) {
		job := x.abandoned("crashed", runtime.JobOptions.MaxAttempts(1))
		x.work(handling(func(context.Context, *runtime.Job) error { return errors.New("never to be called") }))
		x.same(x.awaitsEnd(job.ID, 0).FailureReason, noAttemptsLeft)
		x.over()
	},
	"a worker works several queues at once": func(x *trial) {
		second := runtime.Define[payloadB](typeB, "second queue")
		var a, b atomic.Int64
		mux := handling(func(context.Context, *runtime.Job) error { a.Add(1); return nil })
		mux.Handle(second, func(_ context.Context, job *runtime.Job, _ payloadB) error {
			if job.Queue.Name() != second.Queue {
				return errors.New("from queue " + job.Queue.Name())
			}
			b.Add(1)
			return nil
		})
		x.work(mux)
		other := x.open(x.service, second.Queue)
		for range 20 {
			x.add()
			_, err := other.Add(x.Context(), typeB, payloadB{})
			x.must(err)
		}
		x.awaits(runtime.JobQueueStats{})
		x.queue = other
		x.awaits(runtime.JobQueueStats{})
		x.same([]int64{a.Load(), b.Load()}, []int64{20, 20})
	},
	"a delayed job runs once it is due, and not before": func(x *trial) {
		begun := make(chan *runtime.Job, 2)
		x.work(handling(func(_ context.Context, job *runtime.Job) error { begun <- job; return nil }))
		later := x.add(runtime.JobOptions.Due(time.Now().Add(time.Hour)))
		now := x.add()
		x.same(receive(x, begun, "the job that is due").ID, now)
		x.awaits(runtime.JobQueueStats{Waiting: 1})
		x.advance(61 * time.Minute)
		x.same(receive(x, begun, "the delayed job").ID, later)
		x.awaits(runtime.JobQueueStats{})
	},
	"what a handler commits with the job's completion happens once": transacted(func(x *trial, s Transactor) {
		x.work(handling(func(ctx context.Context, job *runtime.Job) error {
			bound, commit, rollback := s.Begin(x, x.service)
			queue, err := bound.GetQueue(ctx, "queue")
			if err == nil {
				_, err = queue.Add(ctx, typeB, payloadB{Amount: 1})
			}
			if err == nil {
				err = job.CompleteIn(ctx, bound)
			}
			if err != nil {
				return errors.Join(err, rollback())
			}
			return commit()
		}))
		id := x.add()
		x.same(x.awaitsEnd(id, 0).Success, true)
		x.same(x.claim("h").Type, typeB)
		x.nothingToClaim()
	}),
}
