package queuetest

import (
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
)

// finishAndClaim takes one job, or none, in the same call that writes outcomes, and holds
// that these were the answers.
func (x *trial) finishAndClaim(q queue, handler string, outcomes []attemptEnd, want ...error) *runtime.Job {
	x.Helper()
	results, batch, err := q.FinishAndClaim(x.Context(), outcomes, claimRequest{HandlerID: handler, Types: bothTypes, Limit: 1})
	x.must(err)
	if len(results) != len(outcomes) {
		x.Fatalf("%d results of %d outcomes", len(results), len(outcomes))
	}
	for i, result := range results {
		x.is(result, want[i])
	}
	if len(batch.Jobs) == 0 {
		return nil
	}
	return batch.Jobs[0]
}

var finishingAndClaiming = behaviours{
	"FinishAndClaim finishes a job and claims the next, until there is none": driven(func(x *trial, q queue) {
		added := []snowflake.ID{x.add(), x.add(), x.add()}
		var outcomes []attemptEnd
		var answers []error
		for _, id := range added {
			job := x.finishAndClaim(q, "h", outcomes, answers...)
			if job == nil || job.ID != id {
				x.Fatalf("claimed %v; want job %d", job, id)
			}
			x.numbers(job, 0, job.AttemptsRemaining)
			outcomes, answers = []attemptEnd{outcome(job, "done")}, []error{nil}
		}
		if job := x.finishAndClaim(q, "h", outcomes, nil); job != nil {
			x.Errorf("claimed %v", job)
		}
		for _, id := range added {
			x.same(x.log(id, 0), runtime.JobLog{HandlerID: "h", Success: true, Log: []byte("done")})
		}
		x.over()
	}),
	"FinishAndClaim answers each outcome as Complete or Fail would, and claims all the same": driven(func(x *trial, q queue) {
		next := x.add(runtime.JobOptions.Priority(1))
		good, bad := x.addAndClaim("h"), x.addAndClaim("h", runtime.JobOptions.MaxAttempts(2))
		foreign := x.addAndClaim("stranger")
		retry := failure(bad, "no", "log")
		retry.RetryIn = time.Hour
		job := x.finishAndClaim(q, "h", []attemptEnd{outcome(good, "0"), retry, outcome(foreign, ""), {JobID: 1, Success: true}},
			nil, nil, runtime.ErrJobNotClaimed, runtime.ErrJobNotFound)
		if job == nil || job.ID != next {
			x.Errorf("claimed %v; want job %d", job, next)
		}
		x.succeeded(good, "0")
		x.failed(bad, "no", "log")
		if job = x.finishAndClaim(q, "h", []attemptEnd{outcome(good, "again"), outcome(foreign, "")}, nil, runtime.ErrJobNotClaimed); job != nil {
			x.Errorf("claimed %v", job)
		}
		x.succeeded(good, "0")
		x.must(complete(x, foreign, ""))
	}),
	"FinishAndClaim answers for attempts that were stolen": driven(func(x *trial, q queue) {
		first, thief := x.stolen()
		if job := x.finishAndClaim(q, first.HandlerID, []attemptEnd{outcome(first, "late")}, nil); job != nil {
			x.Errorf("claimed %v", job)
		}
		x.is(complete(x, thief, ""), runtime.ErrJobCancelled)
		x.succeeded(first, "late")
		x.over()
	}),
	"FinishAndClaim of no types writes its outcomes all the same": driven(func(x *trial, q queue) {
		x.add()
		job := x.claim("h")
		results, batch, err := q.FinishAndClaim(x.Context(), []attemptEnd{outcome(job, "done")}, claimRequest{HandlerID: "h", Limit: 1})
		x.must(err)
		x.same(len(results), 1)
		x.same(len(batch.Jobs), 0)
		x.succeeded(job, "done")
	}),
	"FinishAndClaim of no outcomes is a claim": driven(func(x *trial, q queue) {
		id := x.add()
		if job := x.finishAndClaim(q, "h", nil); job == nil || job.ID != id {
			x.Errorf("claimed %v; want job %d", job, id)
		}
	}),
}
