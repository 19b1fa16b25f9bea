package queuetest

import (
	"context"
	"errors"
	"time"

	"github.com/jobgen/jobgen/runtime"
)

// waiter claims the next job of queue, woken by notifications alone where
// they are to be had.
func (x *trial) waiter(queue queue) <-chan *runtime.Job {
	poll := time.Hour
	if x.polls() {
		poll = 50 * time.Millisecond
	}
	claimed := make(chan *runtime.Job, 1)
	ctx := x.within(limit)
	go func() {
		job, err := runtime.Claim(ctx, queue, "waiter", poll, 0)
		if err == nil {
			claimed <- job
		} else if x.Context().Err() == nil {
			x.Errorf("waiting for a job: %v", err)
		}
	}()
	return claimed
}

// woken waits for a notification.
func (x *trial) woken(queue queue) error {
	return queue.WaitForJob(x.within(limit))
}

var waiting = behaviours{
	"a job added wakes one who waits": func(x *trial) {
		claimed := x.waiter(x.queue)
		id := x.add()
		x.same(receive(x, claimed, "the added job").ID, id)
	},
	"a job added by another process wakes one who waits": func(x *trial) {
		_, another := x.process()
		claimed := x.waiter(another)
		id := x.add()
		x.same(receive(x, claimed, "the added job").ID, id)
	},
	"a job added between a claim and the wait is not missed": func(x *trial) {
		x.nothingToClaim()
		x.add()
		x.must(x.woken(x.queue))
	},
	"a job added by another process between a claim and the wait is not missed": func(x *trial) {
		_, another := x.process()
		_, err := another.TryClaim(x.Context(), "h")
		x.is(err, runtime.ErrJobNotFound)
		x.add()
		if !x.polls() {
			x.must(x.woken(another))
		}
		_, err = another.TryClaim(x.Context(), "h")
		x.must(err)
	},
	"a failed job wakes one who waits": func(x *trial) {
		job := x.addAndClaim("h")
		claimed := x.waiter(x.queue)
		x.must(fail(x, job, "no", ""))
		x.same(receive(x, claimed, "the failed job").ID, job.ID)
	},
	"a failed job wakes one who waits in another process": func(x *trial) {
		job := x.addAndClaim("h")
		_, another := x.process()
		claimed := x.waiter(another)
		x.must(fail(x, job, "no", ""))
		x.same(receive(x, claimed, "the failed job").ID, job.ID)
	},
	"a released job wakes one who waits": driven(func(x *trial, q queue) {
		job := x.addAndClaim("h")
		claimed := x.waiter(x.queue)
		x.must(q.Release(x.Context(), "h", []claimRef{{JobID: job.ID}}))
		x.same(receive(x, claimed, "the released job").ID, job.ID)
	}),
	"a batch wakes as many as wait": func(x *trial) {
		_, another := x.process()
		waiters := []<-chan *runtime.Job{x.waiter(x.queue), x.waiter(x.queue), x.waiter(another)}
		addMany(x, len(waiters))
		for _, claimed := range waiters {
			receive(x, claimed, "a job for each")
		}
	},
	"waiting ends with its context": func(x *trial) {
		for _, d := range []time.Duration{0, 10 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(x.Context(), d)
			err := waitOut(ctx, x.queue)
			if !errors.Is(err, context.DeadlineExceeded) {
				x.Errorf("waiting ended with %v; want %v", err, context.DeadlineExceeded)
			}
			cancel()
		}
		ctx, cancel := context.WithCancel(x.Context())
		ended := make(chan error, 1)
		go func() { ended <- waitOut(ctx, x.queue) }()
		cancel()
		x.is(receive(x, ended, "the end of the wait"), context.Canceled)
	},
	"a job that waits already is there for one who comes later": func(x *trial) {
		id := x.add()
		_, another := x.process()
		x.same(receive(x, x.waiter(another), "the job").ID, id)
	},
	"a job that comes due is found within a poll": func(x *trial) {
		id := x.add(runtime.JobOptions.Due(time.Now().Add(time.Hour)))
		claimed := make(chan *runtime.Job, 1)
		ctx := x.within(limit)
		go func() {
			job, err := runtime.Claim(ctx, x.queue, "h", 10*time.Millisecond, 0)
			if err != nil {
				x.Errorf("claim: %v", err)
			}
			claimed <- job
		}()
		x.advance(2 * time.Hour)
		if job := receive(x, claimed, "the due job"); job != nil {
			x.same(job.ID, id)
		}
	},
	"a claim that expires is stolen within a poll": func(x *trial) {
		x.add(runtime.JobOptions.MaxWorkDuration(time.Hour))
		held := x.claim("h")
		claimed := make(chan *runtime.Job, 1)
		ctx := x.within(limit)
		go func() {
			job, err := runtime.Claim(ctx, x.queue, "thief", 10*time.Millisecond, 1)
			if err != nil {
				x.Errorf("claim: %v", err)
			}
			claimed <- job
		}()
		x.advance(time.Hour)
		if job := receive(x, claimed, "the stolen job"); job != nil {
			x.same(job.ID, held.ID)
		}
	},
}

// waitOut waits until ctx ends, whatever wakes it before.
func waitOut(ctx context.Context, queue queue) error {
	for {
		if err := queue.WaitForJob(ctx); err != nil {
			return err
		}
	}
}
