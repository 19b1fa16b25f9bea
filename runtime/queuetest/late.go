package queuetest

import (
	"time"

	"github.com/jobgen/jobgen/runtime"
)

// late is about attempts that end after their claims have.
var late = behaviours{
	"Complete by a stolen attempt finishes the job": func(x *trial) {
		first, thief := x.stolen()
		x.must(complete(x, first, "late but good"))
		x.succeeded(first, "late but good")
		x.failed(thief, "", "")
		x.over()
	},
	"then the thief's Complete is ErrJobCancelled, with its log and the reason recorded": func(x *trial) {
		first, thief := x.stolen()
		x.must(complete(x, first, "first"))
		x.is(complete(x, thief, "in vain"), runtime.ErrJobCancelled)
		x.failed(thief, superseded(0), "in vain")
		x.is(complete(x, thief, "again"), runtime.ErrJobCancelled)
		x.failed(thief, superseded(0), "in vain")
		x.succeeded(first, "first")
		x.over()
	},
	"then the thief's Fail is nil, recorded, and requeues nothing": func(x *trial) {
		first, thief := x.stolen()
		x.must(complete(x, first, ""))
		x.must(fail(x, thief, "no luck", "in vain"))
		x.failed(thief, "no luck", "in vain")
		x.is(complete(x, thief, "again"), runtime.ErrJobNotClaimed)
		x.failed(thief, "no luck", "in vain")
		x.over()
	},
	"Complete by the thief first makes the stolen attempt's Complete ErrJobCancelled": func(x *trial) {
		first, thief := x.stolen()
		x.must(complete(x, thief, "second"))
		x.is(complete(x, first, "late"), runtime.ErrJobCancelled)
		x.failed(first, superseded(1), "late")
		x.succeeded(thief, "second")
		x.over()
	},
	"completing twice by a stolen attempt is nil, and the first log stays": func(x *trial) {
		first, _ := x.stolen()
		x.must(complete(x, first, "one"))
		x.must(complete(x, first, "two"))
		x.succeeded(first, "one")
	},
	"Fail by a stolen attempt records its log and does not release the thief's claim": func(x *trial) {
		first, thief := x.stolen()
		x.is(fail(x, first, "late", "what I saw"), runtime.ErrJobNotClaimed)
		x.failed(first, "late", "what I saw")
		x.stats(0, 1, 1)
		x.nothingToClaim()
		x.nothingToSteal("first")
		x.is(fail(x, first, "again", "more"), runtime.ErrJobNotClaimed)
		x.failed(first, "late", "what I saw")
		x.must(complete(x, thief, "done"))
		x.succeeded(thief, "done")
	},
	"Complete after Fail by a stolen attempt is ErrJobNotClaimed": func(x *trial) {
		first, thief := x.stolen()
		x.is(fail(x, first, "late", ""), runtime.ErrJobNotClaimed)
		x.is(complete(x, first, ""), runtime.ErrJobNotClaimed)
		x.must(complete(x, thief, ""))
	},
	"a stolen attempt that completes while the job waits again finishes it": func(x *trial) {
		first, thief := x.stolen()
		x.must(fail(x, thief, "no", ""))
		x.stats(1, 1, 0)
		x.must(complete(x, first, "late"))
		x.succeeded(first, "late")
		x.failed(thief, "no", "")
		x.over()
	},
	"each of several stolen attempts may be the one that completes": func(x *trial) {
		first, second := x.stolen()
		x.advance(time.Minute)
		third := x.steals("third", first.ID)
		x.must(complete(x, second, "second"))
		x.is(complete(x, first, "first"), runtime.ErrJobCancelled)
		x.is(complete(x, third, "third"), runtime.ErrJobCancelled)
		x.failed(first, superseded(1), "first")
		x.succeeded(second, "second")
		x.failed(third, superseded(1), "third")
		x.over()
	},
	"one handler may hold an attempt after losing another of the same job": func(x *trial) {
		first := x.abandoned("h")
		x.steals("thief", first.ID)
		x.advance(time.Minute)
		again := x.steals("h", first.ID)
		x.is(fail(x, first, "late", "0"), runtime.ErrJobNotClaimed)
		x.must(complete(x, again, "2"))
		x.failed(first, "late", "0")
		x.succeeded(again, "2")
	},
	"a buried attempt that completes late finishes the job": func(x *trial) {
		job := x.abandoned("h", runtime.JobOptions.MaxAttempts(1))
		x.nothingToSteal()
		x.failed(job, noAttemptsLeft, "")
		x.must(complete(x, job, "late"))
		x.succeeded(job, "late")
		x.is(x.queue.Cancel(x.Context(), job.ID), runtime.ErrJobNotFound)
		x.dead(x.queue)
		x.is(x.queue.Revive(x.Context(), job.ID, 1), runtime.ErrJobNotFound)
		x.over()
	},
	"a buried attempt that fails late is ErrJobNotClaimed, with its log recorded": func(x *trial) {
		job := x.abandoned("h", runtime.JobOptions.MaxAttempts(1))
		x.nothingToSteal()
		x.is(fail(x, job, "late", "what I saw"), runtime.ErrJobNotClaimed)
		x.failed(job, "late", "what I saw")
		x.dead(x.queue, job.ID)
		x.over()
	},
	"a stolen attempt that completes after the job has died finishes it": func(x *trial) {
		first, thief := x.stolen(runtime.JobOptions.MaxAttempts(2))
		x.must(fail(x, thief, "no", ""))
		x.dead(x.queue, first.ID)
		x.must(complete(x, first, "late"))
		x.succeeded(first, "late")
		x.dead(x.queue)
		x.over()
	},
	"the attempt that failed last does not complete its dead job": func(x *trial) {
		x.add(runtime.JobOptions.MaxAttempts(1))
		job := x.claim("h")
		x.must(fail(x, job, "no", ""))
		x.is(complete(x, job, "late"), runtime.ErrJobNotClaimed)
		x.failed(job, "no", "")
	},
	"another process learns of it when it finishes": func(x *trial) {
		first, thief := x.stolen()
		_, another := x.process()
		x.must(another.Complete(x.Context(), first.ID, "first", 0, []byte("there")))
		x.is(complete(x, thief, "here"), runtime.ErrJobCancelled)
		x.succeeded(first, "there")
	},
}
