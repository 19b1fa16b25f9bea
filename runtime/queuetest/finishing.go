package queuetest

import (
	"math"
	"strings"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

var finishing = behaviours{
	"Complete by the current claim finishes the job": func(x *trial) {
		id := x.add()
		job := x.claims("h", id)
		x.must(complete(x, job, "the log"))
		x.succeeded(job, "the log")
		x.is(x.queue.Cancel(x.Context(), id), runtime.ErrJobNotFound)
		x.over()
	},
	"a claim completes itself, with what was written to it": func(x *trial) {
		x.add()
		job := x.claim("h")
		_, err := job.WriteString("line 1\n")
		x.must(err)
		_, err = job.Write([]byte("line 2"))
		x.must(err)
		x.must(job.Complete(x.Context()))
		x.succeeded(job, "line 1\nline 2")
	},
	"a claim fails itself, with what was written to it": func(x *trial) {
		x.add()
		job := x.claim("h")
		_, err := job.WriteString("so far")
		x.must(err)
		x.must(job.Fail(x.Context(), "no luck"))
		x.failed(job, "no luck", "so far")
	},
	"an expired claim that nobody took over may still complete": func(x *trial) {
		job := x.abandoned("h", runtime.JobOptions.MaxAttempts(1))
		x.must(complete(x, job, "just"))
		x.succeeded(job, "just")
		x.over()
	},
	"an expired claim that nobody took over may still fail": func(x *trial) {
		job := x.abandoned("h", runtime.JobOptions.MaxAttempts(2))
		x.must(fail(x, job, "no", "just"))
		x.failed(job, "no", "just")
		x.numbers(x.claims("h", job.ID), 1, 0)
	},
	"completing twice is nil, and the first log stays": func(x *trial) {
		x.add()
		job := x.claim("h")
		x.must(complete(x, job, "one"))
		x.must(complete(x, job, "two"))
		x.succeeded(job, "one")
	},
	"Complete after the attempt has failed is ErrJobNotClaimed, and rewrites nothing": func(x *trial) {
		id := x.add()
		job := x.claims("h", id)
		x.must(fail(x, job, "no", "one"))
		x.is(complete(x, job, "two"), runtime.ErrJobNotClaimed)
		x.failed(job, "no", "one")
		again := x.claims("h", id)
		x.is(complete(x, job, "three"), runtime.ErrJobNotClaimed)
		x.must(complete(x, again, ""))
		x.is(complete(x, job, "four"), runtime.ErrJobNotClaimed)
		x.failed(job, "no", "one")
	},
	"Complete by a handler that never held the attempt is ErrJobNotClaimed": func(x *trial) {
		id := x.add()
		x.is(x.queue.Complete(x.Context(), id, "h", 0, nil), runtime.ErrJobNotClaimed)
		x.claims("h", id)
		x.is(x.queue.Complete(x.Context(), id, "stranger", 0, []byte("intruded")), runtime.ErrJobNotClaimed)
		x.failed(&runtime.Job{ID: id, JobClaim: &runtime.JobClaim{HandlerID: "h"}}, "", "")
		x.stats(0, 1, 1)
	},
	"Complete of an attempt never made is ErrJobNotClaimed": func(x *trial) {
		id := x.add()
		x.claims("h", id)
		for _, n := range []int32{1, 2, -1, math.MaxInt32, math.MinInt32} {
			x.is(x.queue.Complete(x.Context(), id, "h", n, nil), runtime.ErrJobNotClaimed)
			x.is(x.queue.Fail(x.Context(), id, "h", n, "no", nil), runtime.ErrJobNotClaimed)
		}
		x.stats(0, 1, 1)
	},
	"finishing an unknown job is ErrJobNotFound": func(x *trial) {
		for _, id := range []snowflake.ID{0, 1, -1, math.MaxInt64, math.MinInt64} {
			x.is(x.queue.Complete(x.Context(), id, "h", 0, nil), runtime.ErrJobNotFound)
			x.is(x.queue.Fail(x.Context(), id, "h", 0, "no", nil), runtime.ErrJobNotFound)
		}
	},
	"a finished job stays so": func(x *trial) {
		first, thief := x.stolen(runtime.JobOptions.MaxAttempts(3))
		x.must(complete(x, thief, "done"))
		x.is(fail(x, thief, "no", "x"), runtime.ErrJobNotClaimed)
		x.is(fail(x, first, "no", "x"), runtime.ErrJobNotClaimed)
		x.is(x.queue.Complete(x.Context(), first.ID, "stranger", 0, nil), runtime.ErrJobNotClaimed)
		x.is(x.queue.Cancel(x.Context(), first.ID), runtime.ErrJobNotFound)
		x.succeeded(thief, "done")
		x.over()
	},
	"Fail with attempts remaining makes the job claimable at once": func(x *trial) {
		id := x.add(runtime.JobOptions.MaxAttempts(2))
		job := x.claims("h", id)
		x.must(fail(x, job, "no luck", "the log"))
		x.failed(job, "no luck", "the log")
		x.stats(1, 1, 0)
		x.numbers(x.claims("h", id), 1, 0)
	},
	"Fail before the job's own Due makes it claimable at once": func(x *trial) {
		job := x.addAndClaim("h", runtime.JobOptions.Due(time.Now().Add(time.Hour)))
		x.must(fail(x, job, "no", ""))
		x.stats(1, 1, 0)
		x.claims("h", job.ID)
	},
	"Fail after Complete is ErrJobNotClaimed, and rewrites nothing": func(x *trial) {
		x.add()
		job := x.claim("h")
		x.must(complete(x, job, "one"))
		x.is(fail(x, job, "no", "two"), runtime.ErrJobNotClaimed)
		x.succeeded(job, "one")
		x.over()
	},
	"failing twice is ErrJobNotClaimed, and rewrites nothing": func(x *trial) {
		id := x.add(runtime.JobOptions.MaxAttempts(3))
		job := x.claims("h", id)
		x.must(fail(x, job, "one", "log one"))
		x.is(fail(x, job, "two", "log two"), runtime.ErrJobNotClaimed)
		x.failed(job, "one", "log one")
		x.numbers(x.claims("h", id), 1, 1)
		x.is(fail(x, job, "three", "log three"), runtime.ErrJobNotClaimed)
		x.stats(0, 1, 1)
	},
	"Fail by a handler that never held the attempt is ErrJobNotClaimed": func(x *trial) {
		id := x.add()
		x.is(x.queue.Fail(x.Context(), id, "h", 0, "no", nil), runtime.ErrJobNotClaimed)
		job := x.claims("h", id)
		x.is(x.queue.Fail(x.Context(), id, "stranger", 0, "no", nil), runtime.ErrJobNotClaimed)
		x.stats(0, 1, 1)
		x.must(complete(x, job, ""))
	},
	"FailAndRetry makes the job due that much later": driven(func(x *trial, q queue) {
		id := x.add(runtime.JobOptions.MaxAttempts(2))
		job := x.claims("h", id)
		x.must(q.FailAndRetry(x.Context(), id, "h", 0, "no luck", []byte("the log"), 10*time.Minute))
		x.failed(job, "no luck", "the log")
		x.stats(1, 0, 0)
		x.nothingToClaim()
		x.advance(9 * time.Minute)
		x.nothingToClaim()
		x.nothingToSteal()
		x.advance(time.Minute)
		x.stats(1, 1, 0)
		x.numbers(x.claims("h", id), 1, 0)
	}),
	"FailAndRetry with no attempts remaining makes the job dead": driven(func(x *trial, q queue) {
		id := x.add(runtime.JobOptions.MaxAttempts(1))
		x.claims("h", id)
		x.must(q.FailAndRetry(x.Context(), id, "h", 0, "no luck", nil, time.Minute))
		x.stats(0, 0, 0)
		x.over()
	}),
	"FailAndRetry answers like Fail": driven(func(x *trial, q queue) {
		first, thief := x.stolen()
		x.is(q.FailAndRetry(x.Context(), first.ID, "first", 0, "late", []byte("log"), time.Hour), runtime.ErrJobNotClaimed)
		x.failed(first, "late", "log")
		x.is(q.FailAndRetry(x.Context(), 1, "first", 0, "late", nil, time.Hour), runtime.ErrJobNotFound)
		x.stats(0, 1, 1)
		x.must(complete(x, thief, ""))
	}),
	"a failed job takes its place by its new Due": func(x *trial) {
		x.add(runtime.JobOptions.Due(time.Now().Add(-time.Hour)))
		second := x.add(runtime.JobOptions.Due(time.Now().Add(-time.Minute)))
		first := x.claim("h")
		x.must(fail(x, first, "no", ""))
		x.claims("h", second)
		x.claims("h", first.ID)
	},
	"a log has a size limit, is cut with a mark, and the outcome stands": func(x *trial) {
		whole := strings.Repeat("0123456789abcdef", driver.MaxLogSize/16)
		for _, log := range []string{whole, whole + "!", strings.Repeat("x", 3*driver.MaxLogSize) + "end"} {
			x.add(runtime.JobOptions.MaxAttempts(2))
			job := x.claim("h")
			x.must(fail(x, job, "no", log))
			x.failed(job, "no", string(driver.CutLog([]byte(log), 0)))
			job = x.claim("h")
			x.must(complete(x, job, log))
			x.succeeded(job, string(driver.CutLog([]byte(log), 0)))
			if got := x.log(job.ID, 1).Log; len(got) > driver.MaxLogSize || len(log) > driver.MaxLogSize && !strings.Contains(string(got), "bytes cut") {
				x.Errorf("a log of %d bytes left %d, with no mark", len(log), len(got))
			}
		}
	},
	"a log may hold any bytes": func(x *trial) {
		log := "nul \x00, not UTF-8 \xff\xfe, line\r\nend ☃"
		x.add(runtime.JobOptions.MaxAttempts(2))
		job := x.claim("h")
		x.must(fail(x, job, "no", log))
		x.failed(job, "no", log)
		job = x.claim("h")
		x.must(complete(x, job, log))
		x.succeeded(job, log)
	},
	"a reason that cannot be stored is made storable, and the outcome stands": func(x *trial) {
		for _, reason := range []string{"", "nul \x00", "not UTF-8 \xff", "'quoted' \"text\"; -- \\", strings.Repeat("long ", driver.MaxReasonSize)} {
			x.add(runtime.JobOptions.MaxAttempts(1))
			job := x.claim("h")
			x.must(fail(x, job, reason, ""))
			x.failed(job, driver.CleanReason(reason), "")
		}
	},
}
