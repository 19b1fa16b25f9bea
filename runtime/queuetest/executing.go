package queuetest

import (
	"context"
	"errors"
	goruntime "runtime"
	"strings"
	"time"

	"github.com/jobgen/jobgen/runtime"
)

var executing = behaviours{
	"Exec completes the claim with the log collected so far": func(x *trial) {
		x.add()
		job := x.claim("h")
		x.must(job.Exec(x.Context(), func(ctx context.Context) error {
			_, err := job.WriteString("written\n")
			runtime.Logger(ctx).Info("logged", "key", "value")
			return err
		}))
		log := x.log(job.ID, 0)
		if !log.Success || !strings.HasPrefix(string(log.Log), "written\n") || !strings.Contains(string(log.Log), "msg=logged") || !strings.Contains(string(log.Log), "key=value") {
			x.Errorf("log: %+v %s", log, log.Log)
		}
		x.over()
	},
	"Exec fails the claim with the error as reason, and returns it": func(x *trial) {
		x.add(runtime.JobOptions.MaxAttempts(1))
		job := x.claim("h")
		errNoLuck := errors.New("no luck")
		x.is(job.Exec(x.Context(), func(context.Context) error {
			_, err := job.WriteString("so far")
			return errors.Join(errNoLuck, err)
		}), errNoLuck)
		x.failed(job, "no luck", "so far")
		x.over()
	},
	"the retry delay, (AttemptsMade+1) × BackoffDuration and up to a tenth more, becomes the next Due": driven(func(x *trial, _ queue) {
		id := x.add(runtime.JobOptions.MaxAttempts(3))
		for n := range 2 {
			job := x.claims("h", id)
			began := time.Now()
			_ = job.Exec(x.Context(), func(context.Context) error { return errors.New("no") }) // its error is tested above
			if took := time.Since(began); took > runtime.BackoffDuration {
				x.Errorf("Exec took %v; it must not sleep", took)
			}
			x.stats(1, 0, 0)
			x.nothingToClaim()
			x.advance(longestRetry(n))
			x.stats(1, 1, 0)
		}
		x.numbers(x.claims("h", id), 2, 0)
	}),
	"a panic is a failure with its stack in the log, and Exec returns it": func(x *trial) {
		x.add(runtime.JobOptions.MaxAttempts(1))
		job := x.claim("h")
		var panicErr *runtime.PanicError
		if err := job.Exec(x.Context(), func(context.Context) error { panic("boom") }); !errors.As(err, &panicErr) {
			x.Errorf("Exec returned %v; want a PanicError", err)
		}
		log := x.log(job.ID, 0)
		if log.Success || log.FailureReason != "panic: boom" || !strings.Contains(string(log.Log), "executing.go") {
			x.Errorf("log %+v: %s", log, log.Log)
		}
		x.over()
	},
	"Goexit is a failure with its stack in the log, and Exec returns it": func(x *trial) {
		x.add(runtime.JobOptions.MaxAttempts(1))
		job := x.claim("h")
		x.refused(job.Exec(x.Context(), func(context.Context) error { goruntime.Goexit(); return nil }), "Goexit")
		log := x.log(job.ID, 0)
		if log.Success || !strings.Contains(log.FailureReason, "Goexit") || !strings.Contains(string(log.Log), "executing.go") {
			x.Errorf("log %+v: %s", log, log.Log)
		}
		x.over()
	},
	"Exec without a claim is ErrJobNotClaimed, and runs nothing": func(x *trial) {
		job := &runtime.Job{ID: x.add()}
		x.is(job.Exec(x.Context(), func(context.Context) error { x.Error("it ran"); return nil }), runtime.ErrJobNotClaimed)
		x.is(job.Complete(x.Context()), runtime.ErrJobNotClaimed)
		x.is(job.Fail(x.Context(), "no"), runtime.ErrJobNotClaimed)
	},
	"the function runs under a deadline of MaxWorkDuration": func(x *trial) {
		x.add(runtime.JobOptions.MaxWorkDuration(time.Hour))
		x.must(x.claim("h").Exec(x.Context(), func(ctx context.Context) error {
			at, ok := ctx.Deadline()
			if left := time.Until(at); !ok || left > time.Hour || left < 50*time.Minute {
				x.Errorf("deadline in %v, %v; want an hour", left, ok)
			}
			return nil
		}))
	},
	"a cancelled parent context releases the job without using up an attempt": driven(func(x *trial, _ queue) {
		id := x.add(runtime.JobOptions.MaxAttempts(1))
		ctx, cancel := context.WithCancel(x.Context())
		x.is(x.claims("h", id).Exec(ctx, func(ctx context.Context) error { cancel(); return ctx.Err() }), context.Canceled)
		x.stats(1, 1, 0)
		x.numbers(x.claims("h", id), 0, 0)
	}),
	"success counts even when the parent context has ended": func(x *trial) {
		id := x.add()
		ctx, cancel := context.WithCancel(x.Context())
		x.must(x.claims("h", id).Exec(ctx, func(context.Context) error { cancel(); return nil }))
		x.over()
	},
	"Exec of a stolen claim returns what completing returned": func(x *trial) {
		first, thief := x.stolen()
		x.must(complete(x, first, ""))
		x.is(thief.Exec(x.Context(), func(context.Context) error { return nil }), runtime.ErrJobCancelled)
	},
}
