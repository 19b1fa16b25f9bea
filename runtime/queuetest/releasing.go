package queuetest

import (
	"time"

	"github.com/jobgen/jobgen/runtime"
)

func ref(job *runtime.Job) claimRef {
	return claimRef{JobID: job.ID, AttemptNumber: job.AttemptNumber}
}

var releasing = behaviours{
	"a released claim is claimable again under the same number, with no log row": driven(func(x *trial, q queue) {
		id := x.add(runtime.JobOptions.MaxAttempts(2))
		job := x.claims("h", id)
		x.must(q.Release(x.Context(), "h", []claimRef{ref(job)}))
		x.stats(1, 1, 0)
		_, err := x.queue.Log(x.Context(), id, 0)
		x.is(err, runtime.ErrJobNotFound)
		again := x.claims("another", id)
		x.numbers(again, 0, 1)
		x.failed(again, "", "")
		x.must(fail(x, again, "no", ""))
		x.numbers(x.claims("h", id), 1, 0)
	}),
	"many are released at once": driven(func(x *trial, q queue) {
		ids := addMany(x, 5, runtime.JobOptions.MaxAttempts(1))
		var refs []claimRef
		for range ids {
			refs = append(refs, ref(x.claim("h")))
		}
		x.must(q.Release(x.Context(), "h", refs))
		x.stats(5, 5, 0)
		for range ids {
			x.numbers(x.claim("h"), 0, 0)
		}
	}),
	"claims that the handler no longer holds are passed over in silence": driven(func(x *trial, q queue) {
		done, failed, cancelled := x.addAndClaim("h"), x.addAndClaim("h"), x.addAndClaim("h")
		x.must(complete(x, done, "log"))
		x.must(fail(x, failed, "no", ""))
		x.must(x.queue.Cancel(x.Context(), cancelled.ID))
		dead := x.addAndClaim("h", runtime.JobOptions.MaxAttempts(1))
		x.must(fail(x, dead, "no", ""))
		foreign := x.addAndClaim("stranger")
		kept := x.addAndClaim("h")
		x.must(q.Release(x.Context(), "h", []claimRef{
			ref(done), ref(failed), ref(cancelled), ref(dead), ref(foreign),
			{JobID: 1},
			{JobID: kept.ID, AttemptNumber: 1},
			{JobID: kept.ID, AttemptNumber: -1},
		}))
		x.stats(1, 3, 2)
		x.succeeded(done, "log")
		x.failed(failed, "no", "")
		x.must(complete(x, foreign, ""))
		x.must(complete(x, kept, ""))
		x.must(complete(x, cancelled, ""))
	}),
	"a stolen claim is not released from under its thief": driven(func(x *trial, q queue) {
		first, thief := x.stolen()
		x.must(q.Release(x.Context(), "first", []claimRef{ref(first), ref(thief)}))
		x.stats(0, 1, 1)
		x.failed(first, takenOver, "")
		x.must(complete(x, thief, ""))
	}),
	"an expired claim is released while nobody has taken it over": driven(func(x *trial, q queue) {
		job := x.abandoned("h", runtime.JobOptions.MaxAttempts(1))
		x.must(q.Release(x.Context(), "h", []claimRef{ref(job)}))
		x.nothingToSteal()
		x.numbers(x.claims("h", job.ID), 0, 0)
	}),
	"a released steal leaves the stolen attempt as it was": driven(func(x *trial, q queue) {
		first, thief := x.stolen(runtime.JobOptions.MaxAttempts(2))
		x.must(q.Release(x.Context(), "thief", []claimRef{ref(thief)}))
		x.failed(first, takenOver, "")
		_, err := x.queue.Log(x.Context(), first.ID, 1)
		x.is(err, runtime.ErrJobNotFound)
		x.numbers(x.claims("third", first.ID), 1, 0)
		x.is(fail(x, first, "late", ""), runtime.ErrJobNotClaimed)
	}),
	"after a release the former claim is over": driven(func(x *trial, q queue) {
		job := x.addAndClaim("h")
		x.must(q.Release(x.Context(), "h", []claimRef{ref(job)}))
		x.is(complete(x, job, ""), runtime.ErrJobNotClaimed)
		x.is(fail(x, job, "no", ""), runtime.ErrJobNotClaimed)
		x.stats(1, 1, 0)
	}),
	"releasing nothing is nothing": driven(func(x *trial, q queue) {
		x.must(q.Release(x.Context(), "h", nil))
	}),
	"a job claimed before its Due is due again when it was": driven(func(x *trial, q queue) {
		job := x.addAndClaim("h", runtime.JobOptions.Due(time.Now().Add(time.Hour)))
		x.must(q.Release(x.Context(), "h", []claimRef{ref(job)}))
		x.stats(1, 0, 0)
		x.nothingToClaim()
	}),
}
