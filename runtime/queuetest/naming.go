package queuetest

import (
	"fmt"
	"strings"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

var oddNames = []string{
	"e-mails", `"quoted" 'name'`, "two\nlines\r\n\ttab", "; DROP TABLE jobgen.job; --", `back\slash`, "$1 %s {}", " ", " lead and trail ",
	"очередь", "行列", "قائمة", "🐘🐘", "e\u0301", "\u00e9", "jobgen.job", "a:b,c", "A", "a", strings.Repeat("x", driver.MaxNameSize), strings.Repeat("行", driver.MaxNameSize/3),
}

var badNames = []string{"", strings.Repeat("x", driver.MaxNameSize+1), strings.Repeat("行", driver.MaxNameSize/3+1), "nul \x00", "not UTF-8 \xff"}

var naming = behaviours{
	"a queue's name is any text up to 255 bytes, and each names a queue of its own": func(x *trial) {
		for i, name := range oddNames {
			queue := x.open(x.service, name)
			_, err := queue.Add(x.Context(), typeA, payloadA{N: i})
			x.must(err)
		}
		another := x.store.Open(x, catalogue)
		for i, name := range oddNames {
			job, err := x.open(another, name).TryClaim(x.Context(), "h")
			if err != nil {
				x.Errorf("queue %q: %v", name, err)
				continue
			}
			payload, err := job.Payload()
			x.must(err)
			x.same(payload, &payloadA{N: i})
			x.must(job.Complete(x.Context()))
		}
	},
	"who waits on a queue of an odd name is woken": func(x *trial) {
		another := x.store.Open(x, catalogue)
		for _, name := range []string{"two\nlines 'quoted' \"", strings.Repeat("行", driver.MaxNameSize/3)} {
			claimed := x.waiter(x.open(another, name))
			id, err := x.open(x.service, name).Add(x.Context(), typeA, payloadA{})
			x.must(err)
			x.same(receive(x, claimed, "a job of queue "+name).ID, id)
		}
	},
	"what cannot name a queue is refused": func(x *trial) {
		for _, name := range badNames {
			_, err := x.service.GetQueue(x.Context(), name)
			x.refused(err, fmt.Sprintf("the queue name %.20q", name))
		}
	},
	"a handler's id is any text up to 255 bytes": func(x *trial) {
		for _, name := range oddNames {
			id := x.add(runtime.JobOptions.MaxAttempts(2))
			job := x.claims(name, id)
			x.same(job.HandlerID, name)
			x.must(fail(x, job, "no", ""))
			x.failed(job, "no", "")
			x.must(complete(x, x.claims(name, id), ""))
		}
	},
	"what cannot name a handler is refused, and nothing claimed or added": func(x *trial) {
		x.add()
		x.abandoned("h")
		x.stats(2, 2, 0)
		for _, name := range badNames {
			_, err := x.queue.TryClaim(x.Context(), name)
			x.refused(err, fmt.Sprintf("the handler %.20q", name))
			_, err = x.queue.TrySteal(x.Context(), name)
			x.refused(err, fmt.Sprintf("the handler %.20q", name))
			_, err = x.queue.AddAndClaim(x.Context(), typeA, payloadA{}, name)
			x.refused(err, fmt.Sprintf("the handler %.20q", name))
		}
		x.stats(2, 2, 0)
	},
	"handlers whose ids differ in case or form are different": func(x *trial) {
		job := x.abandoned("H")
		x.is(x.queue.Complete(x.Context(), job.ID, "h", 0, nil), runtime.ErrJobNotClaimed)
		x.steals("h", job.ID)
	},
	"sixteen who make a queue at once all succeed, and share it": func(x *trial) {
		services := []*runtime.Store{x.service}
		for range 3 {
			services = append(services, x.store.Open(x, catalogue))
		}
		for round := range 3 {
			name := fmt.Sprint("new ", round)
			together(16, func(i int) {
				queue, err := services[i%len(services)].GetQueue(x.Context(), name)
				if err == nil {
					_, err = queue.Add(x.Context(), typeA, payloadA{})
				}
				if err != nil {
					x.Errorf("queue %q: %v", name, err)
				}
			})
			stats, err := x.open(x.service, name).Stats(x.Context())
			x.must(err)
			x.same(stats, runtime.JobQueueStats{Waiting: 16, Due: 16})
		}
	},
}
