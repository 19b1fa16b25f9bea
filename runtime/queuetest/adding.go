package queuetest

import (
	"encoding/json"
	"math"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
)

var adding = behaviours{
	"without options a job is due now, unlimited, and held for the default duration": func(x *trial) {
		id := x.add()
		x.stats(1, 1, 0)
		job := x.claims("h", id)
		x.numbers(job, 0, math.MaxInt32-1)
		if job.MaxWorkDuration != runtime.DefaultMaxWorkDuration {
			x.Errorf("max work duration %v; want %v", job.MaxWorkDuration, runtime.DefaultMaxWorkDuration)
		}
		if d := job.Due.Sub(job.Created).Abs(); d > time.Second {
			x.Errorf("due %v, %v from its creation", job.Due, d)
		}
		x.same(job.Priority, int16(0))
		x.same(job.PayloadVersion, int16(1))
	},
	"only the options given apply, not those of the type's definition": func(x *trial) {
		def := runtime.Define[payloadA](typeA, "queue", runtime.JobOptions.MaxAttempts(3), runtime.JobOptions.MaxWorkDuration(time.Second), runtime.JobOptions.Priority(7))
		service := x.store.Open(x, runtime.NewCatalogue(def))
		queue := x.open(service, "queue")
		_, err := queue.Add(x.Context(), typeA, payloadA{})
		x.must(err)
		job := x.claim("h")
		x.numbers(job, 0, math.MaxInt32-1)
		x.same(job.MaxWorkDuration, runtime.DefaultMaxWorkDuration)
		x.same(job.Priority, int16(0))

		x.must(job.Complete(x.Context()))
		_, err = runtime.Enqueue(x.Context(), service, def, &payloadA{})
		x.must(err)
		job = x.claim("h")
		x.numbers(job, 0, 2)
		x.same(job.MaxWorkDuration, time.Second)
		x.same(job.Priority, int16(7))
	},
	"of two options for one property the later holds": func(x *trial) {
		x.add(runtime.JobOptions.MaxAttempts(5), runtime.JobOptions.MaxAttempts(2))
		x.numbers(x.claim("h"), 0, 1)
	},
	"ids are unique and grow with time, in one process": func(x *trial) {
		var last snowflake.ID
		for range 50 {
			id := x.add()
			if id <= last {
				x.Fatalf("id %d after %d", id, last)
			}
			last = id
		}
	},
	"a claimed job carries what was added": func(x *trial) {
		due := time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
		payload := payloadB{Amount: 12.5, Tags: []string{"ä", "<&>", ""}}
		id, err := x.queue.Add(x.Context(), typeB, &payload, runtime.JobOptions.Due(due),
			runtime.JobOptions.MaxAttempts(4), runtime.JobOptions.MaxWorkDuration(time.Hour), runtime.JobOptions.Priority(3))
		x.must(err)
		job := x.claims("h", id)
		x.same(job.Type, typeB)
		x.same(job.Due.UTC(), due)
		x.same(job.MaxWorkDuration, time.Hour)
		x.same(job.Priority, int16(3))
		x.same(job.JobID, id)
		x.same(job.HandlerID, "h")
		x.same(job.Queue.Name(), "queue")
		x.numbers(job, 0, 3)
		got, err := job.Payload()
		x.must(err)
		x.same(got, &payload)
		var data payloadB
		x.must(json.Unmarshal(job.Data, &data))
		x.same(data, payload)
		if d := time.Since(job.Created).Abs(); d > time.Hour {
			x.Errorf("created %v, %v from now", job.Created, d)
		}
	},
	"a payload may be the struct or a pointer to it": func(x *trial) {
		_, err := x.queue.Add(x.Context(), typeA, payloadA{N: 7})
		x.must(err)
		_, err = x.queue.Add(x.Context(), typeA, &payloadA{N: 7})
		x.must(err)
		x.same(string(x.claim("h").Data), string(x.claim("h").Data))
	},
	"fractions of a second of MaxWorkDuration are kept to the microsecond": func(x *trial) {
		for _, d := range []struct{ given, want time.Duration }{
			{1500*time.Millisecond + time.Microsecond, 1500*time.Millisecond + time.Microsecond},
			{time.Millisecond, time.Millisecond},
			{1999 * time.Nanosecond, time.Microsecond},
			{time.Nanosecond, time.Microsecond}, // since zero would be stealable at once
			{0, 0},
			{math.MaxInt64, math.MaxInt64 / 1000 * 1000},
		} {
			job := x.addAndClaim("h", runtime.JobOptions.MaxWorkDuration(d.given))
			x.same(job.MaxWorkDuration, d.want)
			x.must(job.Complete(x.Context()))
			id := x.add(runtime.JobOptions.MaxWorkDuration(d.given))
			job = x.claims("h", id)
			x.same(job.MaxWorkDuration, d.want)
			x.must(job.Complete(x.Context()))
		}
	},
	"AddAndClaim adds a job that its handler holds, whatever its Due": func(x *trial) {
		due := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
		job := x.addAndClaim("h", runtime.JobOptions.Due(due), runtime.JobOptions.MaxAttempts(3), runtime.JobOptions.Priority(2))
		x.numbers(job, 0, 2)
		x.same(job.HandlerID, "h")
		x.same(job.JobID, job.ID)
		x.same(job.Due.UTC(), due)
		x.same(job.Priority, int16(2))
		payload, err := job.Payload()
		x.must(err)
		x.same(payload, &payloadA{N: 1})
		x.stats(0, 0, 1)
		x.nothingToClaim()
		x.nothingToSteal()
		x.must(complete(x, job, "done"))
		x.succeeded(job, "done")
		x.over()
	},
	"of what AddAndClaim claims an expired claim is stolen": func(x *trial) {
		job := x.addAndClaim("h", runtime.JobOptions.MaxWorkDuration(time.Minute), runtime.JobOptions.MaxAttempts(2))
		x.advance(time.Minute)
		x.numbers(x.steals("thief", job.ID), 1, 0)
	},
	"a deadline that has passed adds nothing": func(x *trial) {
		ctx, cancel := contextEnded(x)
		defer cancel()
		_, err := x.queue.Add(ctx, typeA, payloadA{})
		x.refused(err, "a context that had ended")
		_, err = x.queue.AddAndClaim(ctx, typeA, payloadA{}, "h")
		x.refused(err, "a context that had ended")
		x.stats(0, 0, 0)
	},
}
