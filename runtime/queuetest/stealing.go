package queuetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jobgen/jobgen/runtime"
)

var stealing = behaviours{
	"a claim is stolen once it is older than MaxWorkDuration, and not before": func(x *trial) {
		id := x.add(runtime.JobOptions.MaxWorkDuration(10 * time.Minute))
		x.claims("h", id)
		x.nothingToSteal()
		x.advance(9 * time.Minute)
		x.nothingToSteal()
		x.advance(time.Minute)
		x.steals("thief", id)
	},
	"each claim lasts MaxWorkDuration anew": func(x *trial) {
		first, thief := x.stolen()
		x.nothingToSteal("first")
		x.advance(50 * time.Second)
		x.nothingToSteal("first")
		x.advance(10 * time.Second)
		again := x.steals("first", first.ID)
		x.numbers(again, 2, again.AttemptsRemaining)
		x.failed(thief, takenOver, "")
	},
	"nobody steals from itself": func(x *trial) {
		job := x.abandoned("h")
		_, err := x.queue.TrySteal(x.Context(), "h")
		x.is(err, runtime.ErrJobNotFound)
		x.steals("thief", job.ID)
	},
	"what a stolen attempt left behind says so": func(x *trial) {
		first, thief := x.stolen()
		x.failed(first, takenOver, "")
		x.failed(thief, "", "")
	},
	"an unclaimed job is not stolen": func(x *trial) {
		x.add(runtime.JobOptions.MaxWorkDuration(0))
		x.add(runtime.JobOptions.MaxWorkDuration(time.Minute))
		x.advance(time.Hour)
		x.nothingToSteal()
	},
	"a failed job is not stolen": func(x *trial) {
		x.add(runtime.JobOptions.MaxWorkDuration(0), runtime.JobOptions.MaxAttempts(2))
		x.must(fail(x, x.claim("h"), "no", ""))
		x.nothingToSteal()
		x.advance(time.Hour)
		x.nothingToSteal()
	},
	"a finished job is not stolen": func(x *trial) {
		x.must(complete(x, x.abandoned("h"), ""))
		x.over()
	},
	"a cancelled job is not stolen": func(x *trial) {
		job := x.abandoned("h")
		x.must(x.queue.Cancel(x.Context(), job.ID))
		x.over()
	},
	"a dead job is not stolen": func(x *trial) {
		x.must(fail(x, x.abandoned("h", runtime.JobOptions.MaxAttempts(1)), "no", ""))
		x.over()
	},
	"a released claim is not stolen": driven(func(x *trial, q queue) {
		job := x.abandoned("h")
		x.must(q.Release(x.Context(), "h", []claimRef{{JobID: job.ID, AttemptNumber: 0}}))
		x.nothingToSteal()
		x.numbers(x.claims("h", job.ID), 0, job.AttemptsRemaining)
	}),
	"MaxWorkDuration(0) is stealable at once, and counted as waiting": func(x *trial) {
		id := x.add(runtime.JobOptions.MaxWorkDuration(0), runtime.JobOptions.MaxAttempts(3))
		x.stats(1, 1, 0)
		x.claims("h", id)
		x.stats(1, 1, 0)
		x.nothingToClaim()
		thief := x.steals("thief", id)
		x.numbers(thief, 1, 1)
		x.stats(1, 1, 0)
		x.must(complete(x, thief, ""))
		x.over()
	},
	"MaxWorkDuration(0) of AddAndClaim is stealable at once": func(x *trial) {
		job := x.addAndClaim("h", runtime.JobOptions.MaxWorkDuration(0))
		x.stats(1, 1, 0)
		x.steals("thief", job.ID)
	},
	"expired claims are stolen by priority, Due and id": func(x *trial) {
		base := time.Now().Add(-time.Hour)
		late := x.add(runtime.JobOptions.Due(base.Add(time.Minute)), runtime.JobOptions.MaxWorkDuration(time.Minute))
		low := x.add(runtime.JobOptions.Due(base), runtime.JobOptions.Priority(1), runtime.JobOptions.MaxWorkDuration(time.Minute))
		early := x.add(runtime.JobOptions.Due(base), runtime.JobOptions.MaxWorkDuration(time.Minute))
		for range 3 {
			x.claim("h")
		}
		x.advance(2 * time.Minute)
		x.steals("thief", early)
		x.steals("thief", late)
		x.steals("thief", low)
		x.nothingToSteal()
	},
	"the last attempt of an expired claim is buried, and nobody steals it": func(x *trial) {
		first := x.abandoned("first", runtime.JobOptions.MaxAttempts(2))
		last := x.steals("last", first.ID)
		x.advance(time.Minute)
		x.nothingToSteal("first")
		x.failed(first, takenOver, "")
		x.failed(last, noAttemptsLeft, "")
		x.over()
	},
	"an expired claim is stolen, or buried, before its job's Due": func(x *trial) {
		due := runtime.JobOptions.Due(time.Now().Add(24 * time.Hour))
		job := x.addAndClaim("h", due, runtime.JobOptions.MaxWorkDuration(time.Minute), runtime.JobOptions.MaxAttempts(2))
		x.advance(time.Minute)
		x.numbers(x.steals("thief", job.ID), 1, 0)
		x.advance(time.Minute)
		x.nothingToSteal("h")
		x.stats(0, 0, 0)
	},
	"of many thieves one gets the job": func(x *trial) {
		job := x.abandoned("h", runtime.JobOptions.MaxAttempts(20))
		queues := []queue{x.queue}
		_, another := x.process()
		queues = append(queues, another)
		var got atomic.Int64
		together(16, func(i int) {
			stolen, err := queues[i%2].TrySteal(x.Context(), fmt.Sprint("thief ", i))
			switch {
			case err == nil && stolen.ID == job.ID && stolen.AttemptNumber == 1:
				got.Add(1)
			case !errors.Is(err, runtime.ErrJobNotFound):
				x.Errorf("stole %v, %v", stolen, err)
			}
		})
		x.same(got.Load(), int64(1))
		x.stats(0, 1, 1)
	},
	"a handler of another process steals": func(x *trial) {
		job := x.abandoned("h")
		_, another := x.process()
		stolen, err := another.TrySteal(x.Context(), "thief")
		x.must(err)
		x.same(stolen.ID, job.ID)
		x.must(stolen.Complete(x.Context()))
		x.is(complete(x, job, "late"), runtime.ErrJobCancelled)
	},
}
