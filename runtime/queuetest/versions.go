package queuetest

import (
	"context"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

// payloadA2 is what payloadA became in a newer program.
type payloadA2 struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

func upgradeA(_ context.Context, old payloadA) (payloadA2, error) {
	return payloadA2{N: old.N, Text: "upgraded"}, nil
}

// jobA2 reads version 1 too.
var (
	jobA2      = at(runtime.Define[payloadA2](typeA, "queue"), 2, runtime.UpgradeFrom(1, upgradeA))
	catalogue2 = runtime.NewCatalogue(jobA2, jobB)
)

// newer opens the store as a process of the newer program.
func (x *trial) newer() (*runtime.Store, queue) {
	x.Helper()
	service := x.store.Open(x, catalogue2)
	return service, x.open(service, "queue")
}

func (x *trial) addNewer(queue queue, opts ...runtime.JobOption) snowflake.ID {
	x.Helper()
	id, err := queue.Add(x.Context(), typeA, payloadA2{N: 2, Text: "new"}, opts...)
	x.must(err)
	return id
}

var versions = behaviours{
	"a job keeps the version of its payload, and former versions come upgraded": func(x *trial) {
		_, newer := x.newer()
		old, current := x.add(), x.addNewer(newer)
		for range 2 {
			job, err := newer.TryClaim(x.Context(), "h")
			x.must(err)
			payload, err := job.Payload()
			x.must(err)
			switch job.ID {
			case old:
				x.same(job.PayloadVersion, int16(1))
				x.same(payload, &payloadA2{N: 1, Text: "upgraded"})
			case current:
				x.same(job.PayloadVersion, int16(2))
				x.same(payload, &payloadA2{N: 2, Text: "new"})
			}
		}
		x.nothingToClaim()
	},
	"ClaimBatch takes only the versions it is asked for": driven(func(x *trial, q queue) {
		_, newer := x.newer()
		current, old := x.addNewer(newer, runtime.JobOptions.MaxWorkDuration(time.Minute)), x.add(runtime.JobOptions.MaxWorkDuration(time.Minute))
		second := driver.TypeVersion{Type: string(typeA), Version: 2}
		x.same(ids(x.claimAll(q, "h", 1, firstVersions(typeA, typeB)...)), []snowflake.ID{old})
		none, err := q.ClaimBatch(x.Context(), claimRequest{HandlerID: "h", Types: firstVersions(typeA), Limit: 10})
		x.must(err)
		x.same(len(none.Jobs), 0)
		batch := newer
		x.same(ids(x.claimAll(batch, "h", 1, second)), []snowflake.ID{current})
		x.advance(time.Minute) // both expire
		x.same(ids(x.claimAll(batch, "thief", 1, second)), []snowflake.ID{current})
		x.same(ids(x.claimAll(q, "thief", 1, firstVersions(typeA)...)), []snowflake.ID{old})
	}),
	"an old and a new worker share a queue, and each takes what it understands": func(x *trial) {
		service, newer := x.newer()
		handled := make(chan payloadA2, 8)
		mux := runtime.NewMux()
		mux.Handle(jobA2, func(_ context.Context, _ *runtime.Job, p payloadA2) error { handled <- p; return nil })
		current := x.addNewer(newer)
		stop := x.work(handling(func(context.Context, *runtime.Job) error { return nil }))
		old := x.add()
		x.same(x.awaitsEnd(old, 0).Success, true)
		x.awaits(runtime.JobQueueStats{Waiting: 1, Due: 1})
		x.must(stop())
		again := x.add()
		x.workOn(service, mux)
		got := []payloadA2{receive(x, handled, "a job"), receive(x, handled, "another job")}
		if got[0].N == 1 {
			got[0], got[1] = got[1], got[0]
		}
		x.same(got, []payloadA2{{N: 2, Text: "new"}, {N: 1, Text: "upgraded"}})
		for _, id := range []snowflake.ID{current, again} {
			end := x.awaitsEnd(id, 0)
			x.same(end.Success, true)
		}
		x.over()
	},
	"a dead job keeps its version, and comes back with it": driven(func(x *trial, q queue) {
		_, newer := x.newer()
		id := x.addNewer(newer, runtime.JobOptions.MaxAttempts(1))
		x.must(fail(x, x.claims("h", id), "no", ""))
		dead, err := newer.DeadJobs(x.Context(), 0, 10)
		x.must(err)
		x.same(len(dead), 1)
		x.same(dead[0].PayloadVersion, int16(2))
		x.must(q.Revive(x.Context(), id, 1))
		job, err := newer.TryClaim(x.Context(), "h")
		x.must(err)
		payload, err := job.Payload()
		x.must(err)
		x.same(payload, &payloadA2{N: 2, Text: "new"})
	}),
	"StatsByType counts by type and version, as far as it is asked to look": driven(func(x *trial, q queue) {
		_, newer := x.newer()
		counts := func(limit int64, want ...runtime.TypeStats) {
			x.Helper()
			got, _, err := q.StatsByType(x.Context(), limit)
			x.must(err)
			x.same(got, want)
		}
		counts(0)
		x.addAndClaim("h")
		x.add()
		x.add(runtime.JobOptions.Due(time.Now().Add(time.Hour)))
		x.addNewer(newer)
		_, err := x.queue.Add(x.Context(), typeB, payloadB{}, runtime.JobOptions.Priority(9))
		x.must(err)
		a := runtime.TypeStats{Type: typeA, Version: 1, JobQueueStats: runtime.JobQueueStats{Waiting: 2, Due: 2, Claimed: 1}}
		a2 := runtime.TypeStats{Type: typeA, Version: 2, JobQueueStats: runtime.JobQueueStats{Waiting: 1, Due: 1}}
		b := runtime.TypeStats{Type: typeB, Version: 1, JobQueueStats: runtime.JobQueueStats{Waiting: 1, Due: 1}}
		counts(0, a, a2, b)
		counts(100, a, a2, b)
		counts(4, a, a2)
		if _, _, err := q.StatsByType(x.Context(), -1); err == nil {
			x.Error("a negative limit is nil")
		}
	}),
}

// at is a definition at a version of its payload, with the upgrades from the
// previous ones.
func at(def *runtime.Definition, version int16, upgrades ...runtime.Upgrade) *runtime.Definition {
	at := *def
	at.Version, at.Upgrades = version, upgrades
	return &at
}
