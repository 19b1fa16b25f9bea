package queuetest

import (
	"math"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
)

var cancelling = behaviours{
	"a cancelled job is not claimed": func(x *trial) {
		gone, kept := x.add(), x.add()
		x.must(x.queue.Cancel(x.Context(), gone))
		x.stats(1, 1, 0)
		x.must(complete(x, x.claims("h", kept), ""))
		x.over()
	},
	"cancelling twice is nil": func(x *trial) {
		id := x.add()
		x.must(x.queue.Cancel(x.Context(), id))
		x.must(x.queue.Cancel(x.Context(), id))
		held := x.addAndClaim("h")
		x.must(x.queue.Cancel(x.Context(), held.ID))
		x.must(x.queue.Cancel(x.Context(), held.ID))
	},
	"cancelling an unknown job is ErrJobNotFound": func(x *trial) {
		for _, id := range []snowflake.ID{0, 1, -1, math.MaxInt64, math.MinInt64} {
			x.is(x.queue.Cancel(x.Context(), id), runtime.ErrJobNotFound)
		}
	},
	"cancelling a finished job is ErrJobNotFound": func(x *trial) {
		job := x.addAndClaim("h")
		x.must(complete(x, job, ""))
		x.is(x.queue.Cancel(x.Context(), job.ID), runtime.ErrJobNotFound)
	},
	"cancelling a dead job is ErrJobNotFound": func(x *trial) {
		failed := x.addAndClaim("h", runtime.JobOptions.MaxAttempts(1))
		x.must(fail(x, failed, "no", ""))
		x.is(x.queue.Cancel(x.Context(), failed.ID), runtime.ErrJobNotFound)
		buried := x.abandoned("h", runtime.JobOptions.MaxAttempts(1))
		x.nothingToSteal()
		x.is(x.queue.Cancel(x.Context(), buried.ID), runtime.ErrJobNotFound)
	},
	"a cancelled job's handler may complete it": func(x *trial) {
		id := x.add()
		job := x.claims("h", id)
		x.must(x.queue.Cancel(x.Context(), id))
		x.stats(0, 0, 0)
		x.failed(job, "", "")
		x.must(complete(x, job, "all the same"))
		x.succeeded(job, "all the same")
		x.must(complete(x, job, "twice"))
		x.succeeded(job, "all the same")
		x.over()
	},
	"a cancelled job's handler may fail it, and it is not requeued": func(x *trial) {
		id := x.add()
		job := x.claims("h", id)
		x.must(x.queue.Cancel(x.Context(), id))
		x.must(fail(x, job, "stopped", "so far"))
		x.failed(job, "stopped", "so far")
		x.is(complete(x, job, ""), runtime.ErrJobNotClaimed)
		x.over()
	},
	"a cancelled job's handler may fail it with a retry time, and it is not requeued": driven(func(x *trial, q queue) {
		id := x.add()
		x.claims("h", id)
		x.must(x.queue.Cancel(x.Context(), id))
		x.must(q.FailAndRetry(x.Context(), id, "h", 0, "stopped", nil, 1))
		x.over()
	}),
	"a cancelled job's strangers may do neither": func(x *trial) {
		id := x.add()
		x.claims("h", id)
		x.must(x.queue.Cancel(x.Context(), id))
		x.is(x.queue.Complete(x.Context(), id, "stranger", 0, nil), runtime.ErrJobNotClaimed)
		x.is(x.queue.Fail(x.Context(), id, "stranger", 0, "no", nil), runtime.ErrJobNotClaimed)
		x.is(x.queue.Complete(x.Context(), id, "h", 1, nil), runtime.ErrJobNotClaimed)
	},
	"of a cancelled job's attempts the first success wins": func(x *trial) {
		first, thief := x.stolen()
		x.must(x.queue.Cancel(x.Context(), first.ID))
		x.must(complete(x, first, "first"))
		x.is(complete(x, thief, "second"), runtime.ErrJobCancelled)
		x.succeeded(first, "first")
		x.failed(thief, superseded(0), "second")

		first, thief = x.stolen()
		x.must(x.queue.Cancel(x.Context(), first.ID))
		x.must(complete(x, thief, "second"))
		x.is(complete(x, first, "first"), runtime.ErrJobCancelled)
		x.failed(first, superseded(1), "first")
		x.over()
	},
	"a failed job that waits again is cancelled, logs and all kept": func(x *trial) {
		job := x.addAndClaim("h")
		x.must(fail(x, job, "no", "log"))
		x.must(x.queue.Cancel(x.Context(), job.ID))
		x.failed(job, "no", "log")
		x.over()
	},
	"a job is cancelled by another process": func(x *trial) {
		id := x.add()
		job := x.claims("h", id)
		_, another := x.process()
		x.must(another.Cancel(x.Context(), id))
		x.must(another.Cancel(x.Context(), id))
		x.stats(0, 0, 0)
		x.must(complete(x, job, "done"))
	},
	"cancelled jobs are not dead": driven(func(x *trial, q queue) {
		job := x.addAndClaim("h", runtime.JobOptions.MaxAttempts(1))
		x.must(x.queue.Cancel(x.Context(), job.ID))
		x.must(fail(x, job, "no", ""))
		x.dead(q)
		x.is(q.Revive(x.Context(), job.ID, 1), runtime.ErrJobNotFound)
	}),
}
