package queuetest

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/jobgen/jobgen/runtime"
)

// contextEnded is a context that has ended.
func contextEnded(x *trial) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(x.Context())
	cancel()
	return ctx, cancel
}

var attempts = behaviours{
	"claims count attempts from 0, and what remains down to 0": func(x *trial) {
		id := x.add(runtime.JobOptions.MaxAttempts(3))
		for n := range int32(3) {
			job := x.claims("h", id)
			x.numbers(job, n, 2-n)
			x.must(fail(x, job, "no", ""))
		}
		x.nothingToClaim()
	},
	"steals count like claims": func(x *trial) {
		id := x.add(runtime.JobOptions.MaxAttempts(3), runtime.JobOptions.MaxWorkDuration(time.Minute))
		x.numbers(x.claims("h0", id), 0, 2)
		x.advance(time.Minute)
		x.numbers(x.steals("h1", id), 1, 1)
		x.advance(time.Minute)
		x.numbers(x.steals("h2", id), 2, 0)
		x.advance(time.Minute)
		x.nothingToSteal()
	},
	"AddAndClaim is attempt 0": func(x *trial) {
		job := x.addAndClaim("h", runtime.JobOptions.MaxAttempts(2))
		x.numbers(job, 0, 1)
		x.must(fail(x, job, "no", ""))
		x.numbers(x.claims("h", job.ID), 1, 0)
	},
	"claims, steals and AddAndClaim together never exceed MaxAttempts": func(x *trial) {
		job := x.addAndClaim("h", runtime.JobOptions.MaxAttempts(4), runtime.JobOptions.MaxWorkDuration(time.Minute))
		x.must(fail(x, job, "no", ""))
		x.numbers(x.claims("h", job.ID), 1, 2)
		x.advance(time.Minute)
		thief := x.steals("thief", job.ID)
		x.numbers(thief, 2, 1)
		x.must(fail(x, thief, "no", ""))
		last := x.claims("h", job.ID)
		x.numbers(last, 3, 0)
		x.advance(time.Minute)
		x.nothingToSteal()
		x.nothingToClaim()
		x.stats(0, 0, 0)
		for n := range int32(4) {
			x.same(x.log(job.ID, n).AttemptNumber, n)
		}
		_, err := x.queue.Log(x.Context(), job.ID, 4)
		x.is(err, runtime.ErrJobNotFound)
	},
	"unlimited attempts count down from MaxInt32": func(x *trial) {
		id := x.add(runtime.JobOptions.MaxWorkDuration(time.Minute))
		job := x.claims("h", id)
		x.numbers(job, 0, math.MaxInt32-1)
		x.must(fail(x, job, "no", ""))
		x.numbers(x.claims("h", id), 1, math.MaxInt32-2)
		x.advance(time.Minute)
		x.numbers(x.steals("thief", id), 2, math.MaxInt32-3)
	},
	"a job that fails with no attempts remaining is dead": func(x *trial) {
		id := x.add(runtime.JobOptions.MaxAttempts(2))
		x.must(fail(x, x.claims("h", id), "first", "log 0"))
		last := x.claims("h", id)
		x.must(fail(x, last, "second", "log 1"))
		x.over()
		x.failed(last, "second", "log 1")
		x.same(x.log(id, 0).FailureReason, "first")
	},
	"a claim that expires with no attempts remaining makes the job dead": func(x *trial) {
		job := x.abandoned("h", runtime.JobOptions.MaxAttempts(1))
		x.stats(1, 1, 0)
		x.nothingToSteal() // and upkeep buries it
		x.failed(job, noAttemptsLeft, "")
		x.over()
	},
	"under contention no attempt is held twice and none is left out": func(x *trial) {
		const handlers, tries = 8, 40
		id := x.add(runtime.JobOptions.MaxAttempts(tries))
		got := make(chan int32, 10*tries)
		together(handlers, func(int) {
			for range 10 * tries {
				job, err := x.queue.TryClaim(x.Context(), "h")
				if errors.Is(err, runtime.ErrJobNotFound) {
					if len(got) == tries {
						return
					}
					continue
				}
				if err != nil {
					x.Errorf("claim: %v", err)
					return
				}
				got <- job.AttemptNumber
				if err := job.Fail(x.Context(), "again"); err != nil {
					x.Errorf("fail: %v", err)
				}
			}
		})
		for job, err := x.queue.TryClaim(x.Context(), "h"); err == nil; job, err = x.queue.TryClaim(x.Context(), "h") {
			got <- job.AttemptNumber
			x.must(job.Fail(x.Context(), "again"))
		}
		close(got)
		seen := make(map[int32]int)
		for n := range got {
			seen[n]++
		}
		for n := range int32(tries) {
			if seen[n] != 1 {
				x.Errorf("attempt %d was held %d times", n, seen[n])
			}
		}
		if len(seen) != tries {
			x.Errorf("%d attempts were made; want %d", len(seen), tries)
		}
		_, err := x.queue.Log(x.Context(), id, tries-1)
		x.must(err)
		x.over()
	},
}
