package queuetest

import (
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

// finds holds where a job is found, and returns it.
func (x *trial) finds(id snowflake.ID, state driver.JobState, handler string) *runtime.FoundJob {
	x.Helper()
	found, err := x.service.Find(x.Context(), id)
	x.must(err)
	if found.Job.ID != id || found.Job.Type != typeA || found.Job.PayloadVersion != 1 || found.Job.JobClaim != nil {
		x.Errorf("found %+v; want job %d", found.Job, id)
	}
	x.same([]any{found.Queue, found.State, found.HandlerID}, []any{"queue", state, handler})
	if ended := state != driver.JobWaiting && state != driver.JobClaimed; ended == found.Ended.IsZero() {
		x.Errorf("%s, ended %v", state, found.Ended)
	}
	return found
}

// whole holds that a job was found with all that it was added with.
func (x *trial) whole(found *runtime.FoundJob, attempts, left int32) {
	x.Helper()
	job := found.Job
	payload, err := job.Payload()
	x.must(err)
	x.same(payload, &payloadA{N: 1})
	x.same([]any{job.AttemptsMade, job.AttemptsRemaining, job.MaxWorkDuration, job.Priority}, []any{attempts, left, 5 * time.Minute, int16(3)})
	if job.Created.IsZero() || job.Due.IsZero() {
		x.Errorf("created %v, due %v", job.Created, job.Due)
	}
}

var finding = behaviours{
	"a job is found in each of its states, by its id alone": func(x *trial) {
		opts := []runtime.JobOption{runtime.JobOptions.MaxAttempts(3), runtime.JobOptions.MaxWorkDuration(5 * time.Minute), runtime.JobOptions.Priority(3)}
		for range 3 { // others beside it
			x.add(runtime.JobOptions.Priority(9))
		}
		x.open(x.service, "another queue")
		id := x.add(opts...)
		x.whole(x.finds(id, driver.JobWaiting, ""), 0, 3)
		job := x.claims("h", id)
		x.whole(x.finds(id, driver.JobClaimed, "h"), 1, 2)
		x.must(fail(x, job, "no", ""))
		x.whole(x.finds(id, driver.JobWaiting, ""), 1, 2)
		x.claims("h", id)
		x.advance(5 * time.Minute)
		x.whole(x.finds(id, driver.JobWaiting, ""), 2, 1) // its claim has expired
		thief := x.steals("thief", id)
		x.whole(x.finds(id, driver.JobClaimed, "thief"), 3, 0)
		x.must(fail(x, thief, "no", ""))
		x.whole(x.finds(id, driver.JobDead, ""), 3, 0)
		x.must(x.queue.Revive(x.Context(), id, 2))
		x.whole(x.finds(id, driver.JobWaiting, ""), 3, 2)
		x.must(complete(x, x.claims("h", id), ""))
		done := x.finds(id, driver.JobDone, "")
		x.same([]any{done.Job.AttemptsMade, done.Job.AttemptsRemaining, len(done.Job.Data)}, []any{int32(4), int32(0), 0})
		cancelled := x.add(opts...)
		x.must(x.queue.Cancel(x.Context(), cancelled))
		x.whole(x.finds(cancelled, driver.JobCancelled, ""), 0, 3)
	},
	"a job that a stolen attempt has completed is done, with all its attempts": func(x *trial) {
		first, thief := x.stolen()
		x.must(complete(x, first, ""))
		x.same(x.finds(first.ID, driver.JobDone, "").Job.AttemptsMade, thief.AttemptNumber+1)
	},
	"another process finds it, and a cancelled job stays cancelled though its handler completes it": func(x *trial) {
		job := x.addAndClaim("h")
		x.service, _ = x.process()
		x.finds(job.ID, driver.JobClaimed, "h")
		x.must(x.queue.Cancel(x.Context(), job.ID))
		x.finds(job.ID, driver.JobCancelled, "")
		x.must(complete(x, job, ""))
		x.finds(job.ID, driver.JobCancelled, "")
	},
	"what was never there, and what a deleted queue held, is ErrJobNotFound": func(x *trial) {
		done := x.addAndClaim("h")
		x.must(complete(x, done, ""))
		dead := x.kill()
		x.must(x.service.DeleteQueue(x.Context(), "queue"))
		x.queue = x.open(x.service, "queue")
		for _, id := range []snowflake.ID{0, 1, -1, done.ID, dead.ID} {
			found, err := x.service.Find(x.Context(), id)
			x.is(err, runtime.ErrJobNotFound)
			x.same(found, (*runtime.FoundJob)(nil))
		}
	},
	"Find in a transaction sees what was done in it": transacted(func(x *trial, s Transactor) {
		tx := x.begin(s)
		id, err := tx.queue.Add(x.Context(), typeA, payloadA{N: 7})
		found, findErr := tx.service.Find(x.Context(), id)
		_, outside := x.service.Find(x.Context(), id)
		x.must(tx.rollback())
		x.must(err)
		x.must(findErr)
		x.same(found.State, driver.JobWaiting)
		x.is(outside, runtime.ErrJobNotFound)
		_, err = tx.service.Find(x.Context(), id)
		x.is(err, runtime.ErrTxEnded)
		_, err = x.service.Find(x.Context(), id)
		x.is(err, runtime.ErrJobNotFound)
	}),
}
