package queuetest

import (
	"slices"

	"github.com/jobgen/jobgen/runtime"
)

var admin = behaviours{
	"creating a queue that exists is ErrJobQueueAlreadyExists": administered(func(x *trial, s *runtime.Store) {
		queue, err := s.CreateQueue(x.Context(), "fresh")
		x.must(err)
		x.same(queue.Name(), "fresh")
		_, err = queue.Add(x.Context(), typeA, payloadA{})
		x.must(err)
		_, err = s.CreateQueue(x.Context(), "fresh")
		x.is(err, runtime.ErrJobQueueAlreadyExists)
		_, err = s.CreateQueue(x.Context(), "queue")
		x.is(err, runtime.ErrJobQueueAlreadyExists)
	}),
	"of many who create a queue at once one succeeds": administered(func(x *trial, s *runtime.Store) {
		another := x.store.Open(x, catalogue)
		made := make(chan error, 16)
		together(16, func(i int) {
			_, err := []*runtime.Store{s, another}[i%2].CreateQueue(x.Context(), "contested")
			made <- err
		})
		close(made)
		n := 0
		for err := range made {
			if err == nil {
				n++
			} else {
				x.is(err, runtime.ErrJobQueueAlreadyExists)
			}
		}
		x.same(n, 1)
	}),
	"what cannot name a queue is not created": administered(func(x *trial, s *runtime.Store) {
		for _, name := range badNames {
			_, err := s.CreateQueue(x.Context(), name)
			x.refused(err, "the name")
		}
	}),
	"looking up, draining or deleting a queue that is not there is ErrJobQueueNotFound": administered(func(x *trial, s *runtime.Store) {
		for _, name := range []string{"missing", "", "not UTF-8 \xff", "nul \x00"} {
			_, err := s.Queue(x.Context(), name)
			x.is(err, runtime.ErrJobQueueNotFound)
			_, err = s.DrainQueue(x.Context(), name)
			x.is(err, runtime.ErrJobQueueNotFound)
			x.is(s.DeleteQueue(x.Context(), name), runtime.ErrJobQueueNotFound)
		}
	}),
	"looking up a queue finds what any process made": administered(func(x *trial, s *runtime.Store) {
		x.open(x.store.Open(x, catalogue), "made elsewhere")
		queue, err := s.Queue(x.Context(), "made elsewhere")
		x.must(err)
		x.same(queue.Name(), "made elsewhere")
		id := x.add()
		queue, err = s.Queue(x.Context(), "queue")
		x.must(err)
		job, err := queue.TryClaim(x.Context(), "h")
		x.must(err)
		x.same(job.ID, id)
	}),
	"Queues lists all names in order": administered(func(x *trial, s *runtime.Store) {
		for _, name := range oddNames {
			x.open(x.service, name)
		}
		want := append([]string{"queue"}, oddNames...)
		slices.Sort(want)
		got, err := s.Queues(x.Context())
		x.must(err)
		x.same(got, want)
	}),
	"draining cancels all jobs, and their handlers may still finish": administered(func(x *trial, s *runtime.Store) {
		x.add()
		done, failed := x.addAndClaim("h"), x.addAndClaim("h")
		x.must(fail(x, x.addAndClaim("h", runtime.JobOptions.MaxAttempts(1)), "dead", ""))
		x.must(complete(x, x.addAndClaim("h"), ""))
		other := x.open(x.service, "other")
		_, err := other.Add(x.Context(), typeA, payloadA{})
		x.must(err)

		n, err := s.DrainQueue(x.Context(), "queue")
		x.must(err)
		x.same(n, int64(3))
		x.stats(0, 0, 0)
		x.must(complete(x, done, "all the same"))
		x.succeeded(done, "all the same")
		x.must(fail(x, failed, "stopped", ""))
		x.failed(failed, "stopped", "")
		x.must(x.queue.Cancel(x.Context(), failed.ID))
		jobs, err := x.queue.DeadJobs(x.Context(), 0, 10)
		x.must(err)
		x.same(len(jobs), 1)
		x.over()
		n, err = s.DrainQueue(x.Context(), "queue")
		x.must(err)
		x.same(n, int64(0))
		stats, err := other.Stats(x.Context())
		x.must(err)
		x.same(stats.Waiting, int64(1))
	}),
	"draining tells who watches claims": administered(func(x *trial, s *runtime.Store) {
		x.addAndClaim("h")
		x.rings(x.queue, func() {
			_, err := s.DrainQueue(x.Context(), "queue")
			x.must(err)
		})
	}),
	"a queue that holds unfinished jobs is not deleted": administered(func(x *trial, s *runtime.Store) {
		id := x.add()
		x.refused(s.DeleteQueue(x.Context(), "queue"), "a queue with a job that waits")
		job := x.claims("h", id)
		x.refused(s.DeleteQueue(x.Context(), "queue"), "a queue with a claimed job")
		x.must(complete(x, job, "kept"))
		x.succeeded(job, "kept")
		x.must(s.DeleteQueue(x.Context(), "queue"))
	}),
	"deleting a queue takes its dead jobs and logs with it": administered(func(x *trial, s *runtime.Store) {
		x.must(complete(x, x.addAndClaim("h"), "log"))
		dead := x.addAndClaim("h", runtime.JobOptions.MaxAttempts(1))
		x.must(fail(x, dead, "no", ""))
		x.must(x.queue.Cancel(x.Context(), x.add()))
		x.must(s.DeleteQueue(x.Context(), "queue"))
		names, err := s.Queues(x.Context())
		x.must(err)
		x.same(names, []string{})
		_, err = s.Queue(x.Context(), "queue")
		x.is(err, runtime.ErrJobQueueNotFound)
		x.is(s.DeleteQueue(x.Context(), "queue"), runtime.ErrJobQueueNotFound)

		x.queue = x.open(x.service, "queue") // a new one of the same name
		x.stats(0, 0, 0)
		_, err = x.queue.Log(x.Context(), dead.ID, 0)
		x.is(err, runtime.ErrJobNotFound)
		x.dead(x.queue)
		x.claims("h", x.add())
	}),
	"adding to a deleted queue is ErrJobQueueNotFound, and nothing is written": administered(func(x *trial, s *runtime.Store) {
		_, another := x.process()
		x.must(s.DeleteQueue(x.Context(), "queue"))
		for _, queue := range []queue{x.queue, another} {
			for way, add := range adders(x, queue) {
				if err := add(typeA, payloadA{}); err == nil {
					x.Errorf("%s to a deleted queue is nil", way)
				} else {
					x.is(err, runtime.ErrJobQueueNotFound)
				}
			}
		}
		names, err := s.Queues(x.Context())
		x.must(err)
		x.same(names, []string{})
		x.queue = x.open(x.service, "queue")
		x.stats(0, 0, 0)
	}),
	"a queue that another process has deleted is made again by Enqueue": administered(func(x *trial, s *runtime.Store) {
		another, _ := x.process()
		for _, enqueue := range []func() error{
			func() error {
				_, err := runtime.Enqueue(x.Context(), another, jobA, &payloadA{})
				return err
			},
			func() error {
				_, err := runtime.EnqueueBatch(x.Context(), another, jobA, make([]payloadA, 2))
				return err
			},
		} {
			x.must(s.DeleteQueue(x.Context(), "queue"))
			x.must(enqueue())
			x.queue = x.open(x.service, "queue")
			_, err := s.DrainQueue(x.Context(), "queue")
			x.must(err)
		}
	}),
	"a deleted queue is made again by GetQueue, in every process": administered(func(x *trial, s *runtime.Store) {
		another, _ := x.process()
		x.must(s.DeleteQueue(x.Context(), "queue"))
		x.queue = x.open(x.service, "queue")
		id := x.add()
		job, err := x.open(another, "queue").TryClaim(x.Context(), "h")
		x.must(err)
		x.same(job.ID, id)
	}),
}
