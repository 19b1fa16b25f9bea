package queuetest

import (
	"math"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
)

var reading = behaviours{
	"an empty queue counts nothing": func(x *trial) { x.stats(0, 0, 0) },
	"Waiting counts jobs without an unexpired claim, due or not": func(x *trial) {
		x.add()
		x.stats(1, 1, 0)
		x.add(runtime.JobOptions.Due(time.Now().Add(time.Hour)))
		x.stats(2, 1, 0)
		x.advance(2 * time.Hour)
		x.stats(2, 2, 0)
	},
	"Claimed counts unexpired claims, and Due the due among them": func(x *trial) {
		x.add(runtime.JobOptions.MaxWorkDuration(time.Minute))
		x.claim("h")
		x.stats(0, 1, 1)
		x.addAndClaim("h", runtime.JobOptions.Due(time.Now().Add(time.Hour)), runtime.JobOptions.MaxWorkDuration(3*time.Hour))
		x.stats(0, 1, 2)
		x.advance(time.Minute) // the first claim expires
		x.stats(1, 1, 1)
		x.steal("thief")
		x.stats(0, 1, 2)
	},
	"finished, cancelled and dead jobs are not counted": func(x *trial) {
		x.must(complete(x, x.addAndClaim("h"), ""))
		x.must(x.queue.Cancel(x.Context(), x.add()))
		x.must(x.queue.Cancel(x.Context(), x.addAndClaim("h").ID))
		x.must(fail(x, x.addAndClaim("h", runtime.JobOptions.MaxAttempts(1)), "no", ""))
		x.stats(0, 0, 0)
	},
	"failed jobs with attempts remaining wait": func(x *trial) {
		x.must(fail(x, x.addAndClaim("h"), "no", ""))
		x.stats(1, 1, 0)
	},
	"another process counts the same": func(x *trial) {
		x.add()
		x.addAndClaim("h")
		x.add(runtime.JobOptions.Due(time.Now().Add(time.Hour)))
		_, another := x.process()
		stats, err := another.Stats(x.Context())
		x.must(err)
		x.same(stats, runtime.JobQueueStats{Waiting: 2, Due: 2, Claimed: 1})
	},
	"Waiting and Claimed add up in one snapshot while jobs change hands": func(x *trial) {
		const jobs = 20
		addMany(x, jobs)
		_, another := x.process()
		together(3, func(i int) {
			for range 40 {
				if i == 0 {
					stats, err := another.Stats(x.Context())
					if err != nil || stats.Waiting+stats.Claimed != jobs {
						x.Errorf("counted %+v, %v; want %d jobs", stats, err, jobs)
					}
					continue
				}
				job, err := x.queue.TryClaim(x.Context(), "h")
				if err == nil {
					err = job.Fail(x.Context(), "again")
				}
				if err != nil {
					x.Errorf("claim and fail: %v", err)
				}
			}
		})
	},
	"Log of a running attempt is its handler and an empty log": func(x *trial) {
		x.add()
		job := x.claim("h")
		_, err := job.WriteString("not yet written")
		x.must(err)
		x.failed(job, "", "")
	},
	"Log keeps each attempt on the row of the handler that made it": func(x *trial) {
		id := x.add(runtime.JobOptions.MaxWorkDuration(time.Minute))
		failed := x.claims("one", id)
		x.must(fail(x, failed, "reason", "log of one"))
		stolen := x.claims("two", id)
		x.advance(time.Minute)
		thief := x.steals("three", id)
		x.is(fail(x, stolen, "late", "log of two"), runtime.ErrJobNotClaimed)
		x.must(complete(x, thief, "log of three"))
		x.failed(failed, "reason", "log of one")
		x.failed(stolen, "late", "log of two")
		x.succeeded(thief, "log of three")
	},
	"Log of an attempt never made is ErrJobNotFound": func(x *trial) {
		id := x.add()
		none := func(id snowflake.ID, n int32) {
			x.Helper()
			_, err := x.queue.Log(x.Context(), id, n)
			x.is(err, runtime.ErrJobNotFound)
		}
		none(id, 0)
		job := x.claims("h", id)
		for _, n := range []int32{1, -1, math.MaxInt32, math.MinInt32} {
			none(id, n)
		}
		x.must(complete(x, job, ""))
		none(id, 1)
		for _, unknown := range []snowflake.ID{0, 1, -1, math.MaxInt64} {
			none(unknown, 0)
		}
	},
	"another process reads the same Log": func(x *trial) {
		job := x.addAndClaim("h")
		x.must(complete(x, job, "written here"))
		_, another := x.process()
		log, err := another.Log(x.Context(), job.ID, 0)
		x.must(err)
		x.same(*log, runtime.JobLog{HandlerID: "h", Success: true, Log: []byte("written here")})
	},
	"created is the store's clock": func(x *trial) {
		before := x.addAndClaim("h").Created
		x.advance(time.Hour)
		after := x.addAndClaim("h").Created
		// A store that cannot set its clock has moved its jobs instead.
		if d := after.Sub(before); d < 0 {
			x.Errorf("a later job was created %v earlier", -d)
		}
	},
	"StatsByType counts like Stats up to its limit, and beyond it says that there are more": driven(func(x *trial, q queue) {
		claimed := x.addAndClaim("h")
		for range 4 {
			x.add()
		}
		x.add(runtime.JobOptions.Due(time.Now().Add(time.Hour)))
		for limit, more := range map[int64]bool{0: false, 1: true, 5: true, 6: false, 100: false} {
			types, had, err := q.StatsByType(x.Context(), limit)
			x.must(err)
			x.same(len(types), 1)
			stats := types[0].JobQueueStats
			x.same(had, more)
			if !more {
				x.same(stats, runtime.JobQueueStats{Waiting: 5, Due: 5, Claimed: 1})
				continue
			}
			x.same(stats.Waiting+stats.Claimed, limit)
		}
		x.must(complete(x, claimed, ""))
	}),
}
