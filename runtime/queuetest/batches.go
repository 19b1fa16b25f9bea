package queuetest

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

var bothTypes = firstVersions(typeA, typeB)

// firstVersions are the types, each at version 1 of its payload.
func firstVersions(types ...runtime.JobType) []driver.TypeVersion {
	versions := make([]driver.TypeVersion, len(types))
	for i, t := range types {
		versions[i] = driver.TypeVersion{Type: string(t), Version: 1}
	}
	return versions
}

// claimBatch is one ClaimBatch of both types.
func (x *trial) claimBatch(q queue, handler string, limit int) []*runtime.Job {
	x.Helper()
	batch, err := q.ClaimBatch(x.Context(), claimRequest{HandlerID: handler, Types: bothTypes, Limit: limit})
	x.must(err)
	if len(batch.Jobs) > limit {
		x.Fatalf("claimed %d jobs; the limit is %d", len(batch.Jobs), limit)
	}
	return batch.Jobs
}

// claimAll claims in batches until it has n jobs, and comes back when NextDue
// says: a back end may find what has come due, or expired, in its own rhythm.
func (x *trial) claimAll(q queue, handler string, n int, types ...driver.TypeVersion) []*runtime.Job {
	x.Helper()
	if len(types) == 0 {
		types = bothTypes
	}
	ctx := x.within(limit)
	var jobs []*runtime.Job
	for len(jobs) < n {
		batch, err := q.ClaimBatch(ctx, claimRequest{HandlerID: handler, Types: types, Limit: n - len(jobs)})
		if err != nil {
			x.Fatalf("claimed %d of %d jobs: %v", len(jobs), n, err)
		}
		jobs = append(jobs, batch.Jobs...)
		if len(batch.Jobs) == 0 {
			pause(min(max(batch.NextDue, time.Millisecond), 100*time.Millisecond))
		}
	}
	return jobs
}

// pause keeps a loop that looks again and again from spinning.
func pause(d time.Duration) { <-time.After(d) }

func ids(jobs []*runtime.Job) []snowflake.ID {
	list := make([]snowflake.ID, len(jobs))
	for i, job := range jobs {
		list[i] = job.ID
	}
	return list
}

func outcome(job *runtime.Job, log string) attemptEnd {
	return attemptEnd{JobID: job.ID, AttemptNumber: job.AttemptNumber, Success: true, Log: []byte(log)}
}

func failure(job *runtime.Job, reason, log string) attemptEnd {
	return attemptEnd{JobID: job.ID, AttemptNumber: job.AttemptNumber, Reason: reason, Log: []byte(log)}
}

// finishBatch writes outcomes and holds that these were the answers.
func (x *trial) finishBatch(q queue, handler string, outcomes []attemptEnd, want ...error) {
	x.Helper()
	errs, err := q.FinishBatch(x.Context(), handler, outcomes)
	x.must(err)
	if len(errs) != len(outcomes) {
		x.Fatalf("%d results of %d outcomes", len(errs), len(outcomes))
	}
	for i := range errs {
		if !errors.Is(errs[i], want[i]) || (errs[i] == nil) != (want[i] == nil) {
			x.Errorf("outcome %d: %v; want %v", i, errs[i], want[i])
		}
	}
}

var batches = behaviours{
	"AddBatch adds all, and returns the ids in the order of the payloads": driven(func(x *trial, q queue) {
		const n = 250
		payloads := make([]any, n)
		for i := range payloads {
			payloads[i] = payloadA{N: i}
		}
		ids, err := q.AddBatch(x.Context(), typeA, payloads, runtime.JobOptions.MaxAttempts(3), runtime.JobOptions.Priority(2), runtime.JobOptions.MaxWorkDuration(time.Hour))
		x.must(err)
		x.same(len(ids), n)
		x.stats(n, n, 0)
		at := make(map[snowflake.ID]int)
		for i, id := range ids {
			at[id] = i
		}
		x.same(len(at), n)
		for range n {
			job := x.claim("h")
			payload, err := job.Payload()
			x.must(err)
			x.same(payload, &payloadA{N: at[job.ID]})
			x.numbers(job, 0, 2)
			x.same([]any{job.Priority, job.MaxWorkDuration}, []any{int16(2), time.Hour})
		}
	}),
	"AddBatch adds all or none": driven(func(x *trial, q queue) {
		_, err := q.AddBatch(x.Context(), typeA, []any{payloadA{}, payloadA{}, payloadB{}, payloadA{}})
		x.is(err, runtime.ErrInvalidJobType)
		_, err = q.AddBatch(x.Context(), typeA, []any{payloadA{}, payloadA{Text: "nul \x00"}})
		x.refused(err, "a NUL")
		_, err = q.AddBatch(x.Context(), typeA, []any{payloadA{}}, runtime.JobOptions.MaxAttempts(0))
		x.refused(err, "no attempts")
		x.stats(0, 0, 0)
	}),
	"AddBatch of nothing adds nothing": driven(func(x *trial, q queue) {
		ids, err := q.AddBatch(x.Context(), typeA, nil)
		x.must(err)
		x.same(len(ids), 0)
		x.stats(0, 0, 0)
	}),
	"AddBatch keeps no payload": driven(func(x *trial, q queue) {
		payloads := []any{&payloadA{N: 1}, &payloadA{N: 2}}
		_, err := q.AddBatch(x.Context(), typeA, payloads)
		x.must(err)
		payloads[0].(*payloadA).N = 9
		payloads[1] = nil
		sum := 0
		for range 2 {
			payload, err := x.claim("h").Payload()
			x.must(err)
			sum += payload.(*payloadA).N
		}
		x.same(sum, 3)
	}),
	"ClaimBatch claims up to its limit, in claim order": driven(func(x *trial, q queue) {
		base := time.Now().Add(-time.Hour)
		var want []snowflake.ID
		low := x.add(runtime.JobOptions.Priority(1), runtime.JobOptions.Due(base.Add(-time.Hour)))
		for i := range 9 {
			want = append(want, x.add(runtime.JobOptions.MaxAttempts(3), runtime.JobOptions.Due(base.Add(time.Duration(i/3)*time.Second))))
		}
		want = append(want, low)
		first := x.claimBatch(q, "h", 4)
		rest := x.claimAll(q, "h", 6)
		x.same(ids(append(first, rest...)), want)
		x.numbers(first[0], 0, 2)
		x.same(first[0].HandlerID, "h")
		payload, err := first[0].Payload()
		x.must(err)
		x.same(payload, &payloadA{N: 1})
		x.stats(0, 10, 10)
		x.same(len(x.claimBatch(q, "h", 5)), 0)
	}),
	"fewer than the limit means that nothing more is claimable": driven(func(x *trial, q queue) {
		for _, n := range []int{1, 7, 100} {
			addMany(x, n)
			x.same(len(x.claimBatch(q, "h", 1000)), n)
			x.same(len(x.claimBatch(q, "h", 1000)), 0)
		}
	}),
	"ClaimBatch takes only the types it is asked for": driven(func(x *trial, q queue) {
		a := x.add(runtime.JobOptions.MaxWorkDuration(time.Minute))
		b, err := x.queue.Add(x.Context(), typeB, payloadB{}, runtime.JobOptions.MaxWorkDuration(time.Minute))
		x.must(err)
		x.same(ids(x.claimAll(q, "h", 1, firstVersions(typeB)...)), []snowflake.ID{b})
		x.stats(1, 2, 1)
		none, err := q.ClaimBatch(x.Context(), claimRequest{HandlerID: "h", Types: firstVersions(typeB, "unknown"), Limit: 10})
		x.must(err)
		x.same(len(none.Jobs), 0)
		none, err = q.ClaimBatch(x.Context(), claimRequest{HandlerID: "h", Limit: 10})
		x.must(err)
		x.same(len(none.Jobs), 0)
		x.same(ids(x.claimAll(q, "h", 1, firstVersions(typeA, "unknown")...)), []snowflake.ID{a})
		x.advance(time.Minute) // both expire
		x.same(ids(x.claimAll(q, "thief", 1, firstVersions(typeB)...)), []snowflake.ID{b})
		x.stats(1, 2, 1)
	}),
	"ClaimBatch does not take what is not due, and says when to come back": driven(func(x *trial, q queue) {
		id := x.add(runtime.JobOptions.Due(time.Now().Add(time.Hour)))
		batch, err := q.ClaimBatch(x.Context(), claimRequest{HandlerID: "h", Types: bothTypes, Limit: 10})
		x.must(err)
		x.same(len(batch.Jobs), 0)
		if batch.NextDue < 0 || batch.NextDue > time.Hour+time.Minute {
			x.Errorf("the next job is due in %v; want at most an hour, or 0", batch.NextDue)
		}
		x.advance(61 * time.Minute)
		x.same(ids(x.claimAll(q, "h", 1)), []snowflake.ID{id})
	}),
	"ClaimBatch takes expired claims in claim order with unclaimed jobs": driven(func(x *trial, q queue) {
		base := time.Now().Add(-time.Hour)
		held := make(map[snowflake.ID]bool)
		var want []snowflake.ID
		for i := range 6 {
			id := x.add(runtime.JobOptions.Due(base.Add(time.Duration(i)*time.Second)), runtime.JobOptions.MaxWorkDuration(time.Minute), runtime.JobOptions.MaxAttempts(2), runtime.JobOptions.Priority(int16(i%2)))
			if i == 1 || i == 2 {
				x.claimInto(held, "former")
			}
			want = append(want, id)
		}
		want = []snowflake.ID{want[0], want[2], want[4], want[1], want[3], want[5]}
		x.advance(time.Minute)
		jobs := x.claimAll(q, "h", 6)
		x.same(ids(jobs), want)
		for _, job := range jobs {
			if held[job.ID] {
				x.numbers(job, 1, 0)
				x.same(x.log(job.ID, 0).FailureReason, takenOver)
			} else {
				x.numbers(job, 0, 1)
			}
		}
		x.stats(0, 6, 6)
	}),
	"ClaimBatch does not take its own handler's expired claims": driven(func(x *trial, q queue) {
		job := x.abandoned("h")
		x.same(len(x.claimBatch(q, "h", 10)), 0)
		x.same(ids(x.claimAll(q, "thief", 1)), []snowflake.ID{job.ID})
	}),
	"ClaimBatch buries expired claims with no attempts remaining": driven(func(x *trial, q queue) {
		job := x.abandoned("h", runtime.JobOptions.MaxAttempts(1))
		x.same(len(x.claimBatch(q, "another", 10)), 0)
		x.eventually("the job is buried", func() bool {
			x.claimBatch(q, "another", 10)
			return x.log(job.ID, 0).FailureReason == noAttemptsLeft
		})
		x.over()
	}),
	"many who claim in batches get every job exactly once": driven(func(x *trial, _ queue) {
		const jobs = 2000
		queues := []queue{x.queue}
		for range 3 {
			_, queue := x.process()
			queues = append(queues, queue)
		}
		addMany(x, jobs)
		var mu sync.Mutex
		holders := make(map[snowflake.ID]int)
		ctx := x.within(limit)
		together(12, func(i int) {
			q := queues[i%len(queues)]
			for ctx.Err() == nil {
				batch, err := q.ClaimBatch(ctx, claimRequest{HandlerID: fmt.Sprint("h", i), Types: bothTypes, Limit: 1 + i*7})
				if err != nil {
					x.Errorf("claim: %v", err)
					return
				}
				mu.Lock()
				for _, job := range batch.Jobs {
					holders[job.ID]++
				}
				done := len(holders) == jobs
				mu.Unlock()
				if done {
					return
				}
			}
		})
		x.same(len(holders), jobs)
		for id, n := range holders {
			if n != 1 {
				x.Errorf("job %d was claimed %d times", id, n)
			}
		}
		x.stats(0, jobs, jobs)
	}),
	"FinishBatch answers each outcome as Complete or Fail would": driven(func(x *trial, q queue) {
		good := x.addAndClaim("h")
		bad := x.addAndClaim("h", runtime.JobOptions.MaxAttempts(2))
		retried := x.addAndClaim("h", runtime.JobOptions.MaxAttempts(2))
		last := x.addAndClaim("h", runtime.JobOptions.MaxAttempts(1))
		cancelled := x.addAndClaim("h")
		x.must(x.queue.Cancel(x.Context(), cancelled.ID))
		foreign := x.addAndClaim("stranger")
		finished := x.addAndClaim("h")
		x.must(complete(x, finished, "before"))
		failedBefore := x.addAndClaim("h")
		x.must(fail(x, failedBefore, "before", ""))
		retry := failure(retried, "later", "log 2")
		retry.RetryIn = time.Hour
		never := outcome(foreign, "")
		unknown := attemptEnd{JobID: 1, Success: true}
		x.finishBatch(q, "h", []attemptEnd{
			outcome(good, "log 0"), failure(bad, "no", "log 1"), retry, failure(last, "dead", "log 3"), outcome(cancelled, "log 4"),
			never, unknown, outcome(finished, "again"), outcome(failedBefore, "again"), failure(finished, "no", ""),
		}, nil, nil, nil, nil, nil, runtime.ErrJobNotClaimed, runtime.ErrJobNotFound, nil, runtime.ErrJobNotClaimed, runtime.ErrJobNotClaimed)
		x.succeeded(good, "log 0")
		x.failed(bad, "no", "log 1")
		x.failed(retried, "later", "log 2")
		x.failed(last, "dead", "log 3")
		x.succeeded(cancelled, "log 4")
		x.succeeded(finished, "before")
		x.failed(failedBefore, "before", "")
		x.stats(3, 3, 1)
		x.dead(x.queue, last.ID)
		x.advance(time.Hour)
		x.must(complete(x, foreign, ""))
	}),
	"FinishBatch answers for attempts that were stolen": driven(func(x *trial, q queue) {
		x.add(runtime.JobOptions.MaxWorkDuration(time.Minute))
		x.add(runtime.JobOptions.MaxWorkDuration(time.Minute))
		x.add(runtime.JobOptions.MaxWorkDuration(time.Minute))
		one, two, three := x.claim("h"), x.claim("h"), x.claim("h")
		x.advance(time.Minute)
		x.steals("thief", one.ID)
		x.steals("thief", two.ID)
		thief := x.steals("thief", three.ID)
		x.must(complete(x, thief, ""))
		x.finishBatch(q, "h", []attemptEnd{outcome(one, "0"), failure(two, "no", "1"), outcome(three, "2")},
			nil, runtime.ErrJobNotClaimed, runtime.ErrJobCancelled)
		x.succeeded(one, "0")
		x.failed(two, "no", "1")
		x.failed(three, superseded(1), "2")
		x.stats(0, 1, 1)
	}),
	"FinishBatch may be repeated, and rewrites nothing": driven(func(x *trial, q queue) {
		good, bad := x.addAndClaim("h"), x.addAndClaim("h")
		x.finishBatch(q, "h", []attemptEnd{outcome(good, "0"), failure(bad, "no", "1")}, nil, nil)
		x.finishBatch(q, "h", []attemptEnd{outcome(good, "x"), failure(bad, "x", "x")}, nil, runtime.ErrJobNotClaimed)
		x.succeeded(good, "0")
		x.failed(bad, "no", "1")
		x.stats(1, 1, 0)
	}),
	"FinishBatch takes an attempt twice as two calls would": driven(func(x *trial, q queue) {
		twice, mixed := x.addAndClaim("h"), x.addAndClaim("h")
		x.finishBatch(q, "h", []attemptEnd{outcome(twice, "one"), outcome(twice, "two"), failure(mixed, "no", "one"), outcome(mixed, "two")},
			nil, nil, nil, runtime.ErrJobNotClaimed)
		x.succeeded(twice, "one")
		x.failed(mixed, "no", "one")
	}),
	"FinishBatch of nothing is nothing": driven(func(x *trial, q queue) {
		x.finishBatch(q, "h", nil)
	}),
	"FinishBatch takes a thousand at once, with long logs and odd reasons": driven(func(x *trial, q queue) {
		const n = 1000
		payloads := make([]payloadA, n)
		_, err := runtime.EnqueueBatch(x.Context(), x.service, jobA, payloads, runtime.JobOptions.MaxAttempts(math.MaxInt32))
		x.must(err)
		jobs := x.claimAll(x.queue, "h", n)
		outcomes := make([]attemptEnd, n)
		want := make([]error, n)
		for i, job := range jobs {
			outcomes[i] = outcome(job, "done")
			if i%2 == 1 {
				outcomes[i] = failure(job, "nul \x00 and \xff", string(make([]byte, 100)))
				outcomes[i].RetryIn = time.Hour
			}
		}
		outcomes[0].Log = make([]byte, 2*driver.MaxLogSize)
		x.finishBatch(q, "h", outcomes, want...)
		x.succeeded(jobs[0], string(driver.CutLog(outcomes[0].Log, 0)))
		x.failed(jobs[1], driver.CleanReason(outcomes[1].Reason), string(outcomes[1].Log))
		x.stats(n/2, 0, 0)
	}),
}

// claimInto claims the next job and notes that it is held.
func (x *trial) claimInto(held map[snowflake.ID]bool, handler string) {
	x.Helper()
	held[x.claim(handler).ID] = true
}
