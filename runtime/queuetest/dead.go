package queuetest

import (
	"math"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
)

// dead holds that the queue's dead jobs are these.
func (x *trial) dead(q queue, want ...snowflake.ID) {
	x.Helper()
	jobs, err := q.DeadJobs(x.Context(), math.MinInt64, 1000)
	x.must(err)
	var got []snowflake.ID
	for _, job := range jobs {
		got = append(got, job.ID)
	}
	x.same(got, want)
}

// kill is a job that has died by failing.
func (x *trial) kill(opts ...runtime.JobOption) *runtime.Job {
	x.Helper()
	job := x.addAndClaim("h", append(opts, runtime.JobOptions.MaxAttempts(1))...)
	x.must(fail(x, job, "no", "log"))
	return job
}

var deadJobs = behaviours{
	"dead jobs are listed with all that they were": driven(func(x *trial, q queue) {
		id, err := x.queue.Add(x.Context(), typeB, payloadB{Amount: 2, Tags: []string{"t"}}, runtime.JobOptions.MaxAttempts(2),
			runtime.JobOptions.Priority(4), runtime.JobOptions.MaxWorkDuration(90*time.Second))
		x.must(err)
		x.must(fail(x, x.claims("h", id), "no", ""))
		claimed := x.claims("h", id)
		x.dead(q)
		x.must(fail(x, claimed, "no", ""))
		jobs, err := q.DeadJobs(x.Context(), 0, 10)
		x.must(err)
		if len(jobs) != 1 {
			x.Fatalf("%d jobs are dead; want 1", len(jobs))
		}
		job := jobs[0]
		if job.JobClaim != nil {
			x.Errorf("%v carries a claim", job)
		}
		x.same([]any{job.ID, job.Type, job.Priority, job.PayloadVersion, job.MaxWorkDuration, job.AttemptsMade, job.AttemptsRemaining},
			[]any{id, typeB, int16(4), int16(1), 90 * time.Second, int32(2), int32(0)})
		if !job.Created.Equal(claimed.Created) {
			x.Errorf("created %v; want %v", job.Created, claimed.Created)
		}
		payload, err := job.Payload()
		x.must(err)
		x.same(payload, &payloadB{Amount: 2, Tags: []string{"t"}})
	}),
	"buried jobs are among them": driven(func(x *trial, q queue) {
		job := x.abandoned("h", runtime.JobOptions.MaxAttempts(1))
		x.nothingToSteal()
		x.dead(q, job.ID)
	}),
	"they are listed by id, in pages": driven(func(x *trial, q queue) {
		var want []snowflake.ID
		for range 7 {
			want = append(want, x.kill().ID)
		}
		x.add() // alive
		var got []snowflake.ID
		after := snowflake.ID(0)
		for range 3 {
			jobs, err := q.DeadJobs(x.Context(), after, 3)
			x.must(err)
			for _, job := range jobs {
				got = append(got, job.ID)
				after = job.ID
			}
		}
		x.same(got, want)
		for _, n := range []int{0, -1} {
			jobs, err := q.DeadJobs(x.Context(), 0, n)
			x.must(err)
			x.same(len(jobs), 0)
		}
		jobs, err := q.DeadJobs(x.Context(), 0, math.MaxInt)
		x.must(err)
		x.same(len(jobs), 7)
	}),
	"a revived job is claimable at once, its attempt numbers go on and its logs stay": driven(func(x *trial, q queue) {
		job := x.kill()
		x.must(q.Revive(x.Context(), job.ID, 2))
		x.dead(q)
		x.stats(1, 1, 0)
		again := x.claims("h", job.ID)
		x.numbers(again, 1, 1)
		x.failed(job, "no", "log")
		x.must(fail(x, again, "no", ""))
		last := x.claims("h", job.ID)
		x.numbers(last, 2, 0)
		x.must(fail(x, last, "no", ""))
		x.dead(q, job.ID)
		x.must(q.Revive(x.Context(), job.ID, 1))
		x.must(complete(x, x.claims("h", job.ID), "at last"))
		x.over()
	}),
	"a buried job is revived": driven(func(x *trial, q queue) {
		job := x.abandoned("h", runtime.JobOptions.MaxAttempts(1))
		x.nothingToSteal()
		x.must(q.Revive(x.Context(), job.ID, 1))
		again := x.claims("h2", job.ID)
		x.numbers(again, 1, 0)
		x.failed(job, noAttemptsLeft, "")
		x.must(complete(x, job, "late")) // by the attempt that was buried
		x.is(complete(x, again, ""), runtime.ErrJobCancelled)
	}),
	"as many attempts as there are may be given": driven(func(x *trial, q queue) {
		job := x.kill()
		x.must(q.Revive(x.Context(), job.ID, math.MaxInt32))
		x.numbers(x.claims("h", job.ID), 1, math.MaxInt32-2)
	}),
	"only dead jobs are revived": driven(func(x *trial, q queue) {
		waits := x.add()
		x.is(q.Revive(x.Context(), waits, 1), runtime.ErrJobNotFound)
		held := x.claims("h", waits)
		x.is(q.Revive(x.Context(), waits, 1), runtime.ErrJobNotFound)
		x.must(complete(x, held, ""))
		x.is(q.Revive(x.Context(), waits, 1), runtime.ErrJobNotFound)
		x.is(q.Revive(x.Context(), 1, 1), runtime.ErrJobNotFound)
		job := x.kill()
		x.must(q.Revive(x.Context(), job.ID, 1))
		x.is(q.Revive(x.Context(), job.ID, 1), runtime.ErrJobNotFound)
	}),
	"no fewer than one attempt may be given": driven(func(x *trial, q queue) {
		job := x.kill()
		x.refused(q.Revive(x.Context(), job.ID, 0), "0 attempts")
		x.refused(q.Revive(x.Context(), job.ID, -1), "-1 attempts")
		x.dead(q, job.ID)
	}),
	"another process may revive, and it wakes who waits": driven(func(x *trial, _ queue) {
		job := x.kill()
		_, another := x.process()
		claimed := x.waiter(x.queue)
		x.must(another.Revive(x.Context(), job.ID, 1))
		x.same(receive(x, claimed, "the revived job").ID, job.ID)
	}),
}
