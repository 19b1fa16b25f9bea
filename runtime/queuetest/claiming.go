package queuetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

var claiming = behaviours{
	"an empty queue has nothing to claim": func(x *trial) { x.nothingToClaim() },
	"a job is claimable once its Due has passed on the store's clock": func(x *trial) {
		id := x.add(runtime.JobOptions.Due(time.Now().Add(time.Hour)))
		x.nothingToClaim()
		x.advance(30 * time.Minute)
		x.nothingToClaim()
		x.advance(31 * time.Minute)
		x.claims("h", id)
	},
	"a Due long past is claimable": func(x *trial) {
		id := x.add(runtime.JobOptions.Due(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)))
		x.claims("h", id)
	},
	"jobs are claimed by Due": func(x *trial) {
		base := time.Now().Add(-time.Hour)
		third := x.add(runtime.JobOptions.Due(base.Add(3 * time.Second)))
		first := x.add(runtime.JobOptions.Due(base.Add(time.Second)))
		second := x.add(runtime.JobOptions.Due(base.Add(2 * time.Second)))
		x.claims("h", first)
		x.claims("h", second)
		x.claims("h", third)
	},
	"jobs of one Due are claimed by id": func(x *trial) {
		due := runtime.JobOptions.Due(time.Now().Add(-time.Hour))
		var ids []snowflake.ID
		for range 10 {
			ids = append(ids, x.add(due))
		}
		for _, id := range ids {
			x.claims("h", id)
		}
	},
	"priorities from 0 to 9 come before Due": func(x *trial) {
		ids := make([]snowflake.ID, 10)
		base := time.Now().Add(-time.Hour)
		for _, p := range rand.Perm(10) {
			ids[p] = x.add(runtime.JobOptions.Priority(int16(p)), runtime.JobOptions.Due(base.Add(-time.Duration(p)*time.Minute)))
		}
		for p, id := range ids {
			x.same(x.claims("h", id).Priority, int16(p))
		}
	},
	"one claim in sixteen begins with the lowest priority": func(x *trial) {
		low := x.add(runtime.JobOptions.Priority(9))
		for range 40 {
			x.add()
		}
		for n := 1; ; n++ {
			job := x.claim("h")
			if job.ID == low {
				x.same(n, 16)
				return
			}
			if n > 16 {
				x.Fatal("sixteen claims left the lowest priority alone")
			}
		}
	},
	"nothing starves in batches either": driven(func(x *trial, q queue) {
		low := x.add(runtime.JobOptions.Priority(9))
		for range 10 {
			x.add()
		}
		claimed, err := q.Driver().Claim(x.Context(), driver.ClaimRequest{
			Handler: "h", Types: []driver.TypeVersion{{Type: string(typeA), Version: 1}}, Limit: 2, LowestFirst: true,
		})
		x.must(err)
		x.same(len(claimed.Rows), 2)
		if claimed.Rows[0].ID != low && claimed.Rows[1].ID != low {
			x.Error("the job of the lowest priority was left")
		}
	}),
	"a job of a low priority is not kept from being claimed by one not yet due": func(x *trial) {
		x.add(runtime.JobOptions.Due(time.Now().Add(time.Hour)))
		low := x.add(runtime.JobOptions.Priority(9))
		x.claims("h", low)
	},
	"a job that came due later than it was added keeps its place": func(x *trial) {
		later := x.add(runtime.JobOptions.Due(time.Now().Add(time.Hour)))
		x.advance(2 * time.Hour)
		fresh := x.add()
		x.claims("h", later)
		x.claims("h", fresh)
	},
	"a claimed job is claimed by nobody else, expired or not": func(x *trial) {
		x.add(runtime.JobOptions.MaxWorkDuration(time.Minute))
		x.claim("h")
		x.nothingToClaim()
		x.advance(2 * time.Minute)
		x.nothingToClaim()
		_, err := x.queue.TryClaim(x.Context(), "h")
		x.is(err, runtime.ErrJobNotFound)
	},
	"one handler may hold many jobs": func(x *trial) {
		for range 5 {
			x.add()
		}
		var held []*runtime.Job
		for range 5 {
			held = append(held, x.claim("h"))
		}
		x.stats(0, 5, 5)
		for _, job := range held {
			x.must(job.Complete(x.Context()))
		}
		x.over()
	},
	"sixty-four callers over a thousand jobs get every job exactly once": func(x *trial) {
		const callers, jobs = 64, 1000
		queues := []queue{x.queue}
		for range 3 {
			_, queue := x.process()
			queues = append(queues, queue)
		}
		addMany(x, jobs)
		var claimed, missed atomic.Int64
		var mu sync.Mutex
		holders := make(map[snowflake.ID]int)
		ctx := x.within(limit) // or a lost job would be looked for without end
		together(callers, func(i int) {
			handler := fmt.Sprintf("h%d", i)
			for ctx.Err() == nil {
				job, err := queues[i%len(queues)].TryClaim(x.Context(), handler)
				switch {
				case errors.Is(err, runtime.ErrJobNotFound):
					if jobs-claimed.Load() > callers {
						missed.Add(1)
						continue
					}
					return
				case err != nil:
					x.Errorf("claim: %v", err)
					return
				}
				claimed.Add(1)
				mu.Lock()
				holders[job.ID]++
				mu.Unlock()
				if job.AttemptNumber != 0 || job.HandlerID != handler {
					x.Errorf("%s claimed %v of %s", handler, job, job.HandlerID)
				}
			}
		})
		if n := missed.Load(); n > 0 {
			x.Errorf("%d claims found nothing while more jobs waited than callers", n)
		}
		for id, n := range holders {
			if n != 1 {
				x.Errorf("job %d was claimed %d times", id, n)
			}
		}
		// A caller may have given up while others still claimed; none is lost.
		for range jobs + 1 {
			job, err := x.queue.TryClaim(x.Context(), "rest")
			if errors.Is(err, runtime.ErrJobNotFound) {
				break
			}
			x.must(err)
			holders[job.ID]++
		}
		x.same(len(holders), jobs)
		x.stats(0, jobs, jobs)
	},
	"many processes may claim at once what one adds": func(x *trial) {
		const jobs = 60
		queues := make([]queue, 4)
		for i := range queues {
			_, queues[i] = x.process()
		}
		var left atomic.Int64
		left.Store(jobs)
		var mu sync.Mutex
		seen := make(map[snowflake.ID]bool)
		ctx := x.within(limit)
		together(len(queues)+1, func(i int) {
			if i == len(queues) {
				for range jobs {
					if _, err := x.queue.Add(ctx, typeA, payloadA{}); err != nil {
						x.Errorf("add: %v", err)
					}
				}
				return
			}
			for left.Load() > 0 && ctx.Err() == nil {
				job, err := queues[i].TryClaim(ctx, fmt.Sprint("h", i))
				if errors.Is(err, runtime.ErrJobNotFound) {
					continue
				}
				if err != nil {
					x.Errorf("claim: %v", err)
					return
				}
				left.Add(-1)
				mu.Lock()
				if seen[job.ID] {
					x.Errorf("job %d was claimed twice", job.ID)
				}
				seen[job.ID] = true
				mu.Unlock()
				if err := job.Complete(ctx); err != nil {
					x.Errorf("complete: %v", err)
				}
			}
		})
		x.same(len(seen), jobs)
		x.stats(0, 0, 0)
	},
	"queues of one store are apart": func(x *trial) {
		other := x.open(x.service, "another queue")
		id := x.add()
		_, err := other.TryClaim(x.Context(), "h")
		x.is(err, runtime.ErrJobNotFound)
		stats, err := other.Stats(x.Context())
		x.must(err)
		x.same(stats, runtime.JobQueueStats{})
		x.is(other.Cancel(x.Context(), id), runtime.ErrJobNotFound)
		job := x.claims("h", id)
		x.is(other.Complete(x.Context(), id, "h", 0, nil), runtime.ErrJobNotFound)
		x.is(other.Fail(x.Context(), id, "h", 0, "", nil), runtime.ErrJobNotFound)
		_, err = other.Log(x.Context(), id, 0)
		x.is(err, runtime.ErrJobNotFound)
		x.must(job.Complete(x.Context()))
	},
	"Claim blocks until there is a job, and returns it": func(x *trial) {
		claimed := make(chan *runtime.Job, 1)
		ctx := x.within(limit)
		go func() {
			job, err := runtime.Claim(ctx, x.queue, "h", time.Hour, 0)
			if err != nil {
				x.Errorf("claim: %v", err)
			}
			claimed <- job
		}()
		id := x.add()
		if job := receive(x, claimed, "a claim"); job == nil || job.ID != id {
			x.Errorf("claimed %v; want job %d", job, id)
		}
	},
	"Claim steals where it is told to": func(x *trial) {
		job := x.abandoned("first")
		x.add()
		stolen, err := runtime.Claim(x.within(limit), x.queue, "thief", time.Hour, 1)
		x.must(err)
		x.same(stolen.ID, job.ID)
		x.numbers(stolen, 1, stolen.AttemptsRemaining)
	},
	"Claim ends with its context": func(x *trial) {
		ctx, cancel := contextEnded(x)
		defer cancel()
		_, err := runtime.Claim(ctx, x.queue, "h", time.Hour, 0.5)
		x.is(err, ctx.Err())
	},
}

// addMany adds n jobs, in one batch where the queue can.
func addMany(x *trial, n int, opts ...runtime.JobOption) []snowflake.ID {
	x.Helper()
	payloads := make([]payloadA, n)
	for i := range payloads {
		payloads[i].N = i
	}
	ids, err := runtime.EnqueueBatch(x.Context(), x.service, jobA, payloads, opts...)
	x.must(err)
	return ids
}
