package queuetest

import (
	"errors"
	"time"

	"github.com/jobgen/jobgen/runtime"
)

// A transaction is one that a test has begun.
type transaction struct {
	service          *runtime.Store
	queue            queue
	commit, rollback func() error
}

func (x *trial) begin(s Transactor) transaction {
	x.Helper()
	var tx transaction
	tx.service, tx.commit, tx.rollback = s.Begin(x, x.service)
	opened, err := getQueue(x.Context(), tx.service, "queue")
	if err != nil {
		_ = tx.rollback()
		x.Fatal(err)
	}
	tx.queue = queue{opened}
	return tx
}

// enqueue adds a job in the transaction.
func (tx transaction) enqueue(x *trial) {
	x.Helper()
	_, err := runtime.Enqueue(x.Context(), tx.service, jobA, &payloadA{N: 42})
	if err != nil {
		_ = tx.rollback()
		x.Fatal(err)
	}
}

var transactions = behaviours{
	"a job enqueued in a transaction is there once that has committed": transacted(func(x *trial, s Transactor) {
		tx := x.begin(s)
		tx.enqueue(x)
		x.stats(0, 0, 0)
		x.must(tx.commit())
		x.stats(1, 1, 0)
		payload, err := x.claim("h").Payload()
		x.must(err)
		x.same(payload, &payloadA{N: 42})
	}),
	"a rollback leaves nothing": transacted(func(x *trial, s Transactor) {
		tx := x.begin(s)
		tx.enqueue(x)
		_, err := runtime.EnqueueBatch(x.Context(), tx.service, jobA, []payloadA{{}, {}, {}})
		_, claimErr := tx.queue.AddAndClaim(x.Context(), typeA, payloadA{}, "h")
		x.must(tx.rollback())
		x.must(err)
		x.must(claimErr)
		x.over()
	}),
	"a batch enqueued in a transaction commits with it": transacted(func(x *trial, s Transactor) {
		tx := x.begin(s)
		_, err := runtime.EnqueueBatch(x.Context(), tx.service, jobA, []payloadA{{}, {}, {}})
		x.must(tx.commit())
		x.must(err)
		x.stats(3, 3, 0)
	}),
	"once a transaction is over each call says so, and changes nothing": transacted(func(x *trial, s Transactor) {
		for _, commits := range []bool{true, false} {
			kept, dead := x.addAndClaim("h", runtime.JobOptions.MaxWorkDuration(time.Hour)), x.add()
			tx := x.begin(s)
			if commits {
				x.must(tx.commit())
			} else {
				x.must(tx.rollback())
			}
			ctx := x.Context()
			calls := map[string]func() error{
				"Add":         func() error { _, err := tx.queue.Add(ctx, typeA, payloadA{}); return err },
				"AddBatch":    func() error { _, err := tx.queue.AddBatch(ctx, typeA, []any{payloadA{}, payloadA{}}); return err },
				"AddAndClaim": func() error { _, err := tx.queue.AddAndClaim(ctx, typeA, payloadA{}, "h"); return err },
				"TryClaim":    func() error { _, err := tx.queue.TryClaim(ctx, "h"); return err },
				"TrySteal":    func() error { _, err := tx.queue.TrySteal(ctx, "h"); return err },
				"Cancel":      func() error { return tx.queue.Cancel(ctx, dead) },
				"Revive":      func() error { return tx.queue.Revive(ctx, dead, 1) },
				"Complete":    func() error { return tx.queue.Complete(ctx, kept.ID, "h", 0, nil) },
				"Fail":        func() error { return tx.queue.Fail(ctx, kept.ID, "h", 0, "no", nil) },
				"CompleteIn":  func() error { return kept.CompleteIn(ctx, tx.service) },
				"Stats":       func() error { _, err := tx.queue.Stats(ctx); return err },
				"Log":         func() error { _, err := tx.queue.Log(ctx, kept.ID, 0); return err },
				"DeadJobs":    func() error { _, err := tx.queue.DeadJobs(ctx, 0, 1); return err },
				"GetQueue":    func() error { _, err := tx.service.GetQueue(ctx, "another"); return err },
			}
			for name, call := range calls {
				if err := call(); !errors.Is(err, runtime.ErrTxEnded) {
					x.Errorf("%s: %v; want %v", name, err, runtime.ErrTxEnded)
				}
			}
			x.stats(1, 2, 1)
			x.must(complete(x, kept, ""))
			x.must(x.queue.Cancel(x.Context(), dead))
		}
	}),
	"a claim made in a transaction is finished outside once that is over": transacted(func(x *trial, s Transactor) {
		tx := x.begin(s)
		job, err := tx.queue.AddAndClaim(x.Context(), typeA, payloadA{}, "h")
		x.must(tx.commit())
		x.must(err)
		x.must(job.Complete(x.Context()))
		x.succeeded(job, "")
	}),
	"a commit wakes one who waits": transacted(func(x *trial, s Transactor) {
		claimed := x.waiter(x.queue)
		tx := x.begin(s)
		tx.enqueue(x)
		x.must(tx.commit())
		receive(x, claimed, "the committed job")
	}),
	"a commit wakes one who waits in another process": transacted(func(x *trial, s Transactor) {
		_, another := x.process()
		claimed := x.waiter(another)
		tx := x.begin(s)
		tx.enqueue(x)
		x.must(tx.commit())
		receive(x, claimed, "the committed job")
	}),
	"a commit after a rollback wakes too": transacted(func(x *trial, s Transactor) {
		claimed := x.waiter(x.queue)
		tx := x.begin(s)
		tx.enqueue(x)
		x.must(tx.rollback())
		tx = x.begin(s)
		tx.enqueue(x)
		x.must(tx.commit())
		receive(x, claimed, "the committed job")
	}),
	"a queue made in a transaction is there once that has committed": transacted(func(x *trial, s Transactor) {
		bound, commit, _ := s.Begin(x, x.service)
		queue, err := bound.GetQueue(x.Context(), "made in a transaction")
		if err == nil {
			_, err = queue.Add(x.Context(), typeA, payloadA{})
		}
		x.must(commit())
		x.must(err)
		stats, err := x.open(x.service, "made in a transaction").Stats(x.Context())
		x.must(err)
		x.same(stats, runtime.JobQueueStats{Waiting: 1, Due: 1})
	}),
	"a queue made in a transaction that rolls back can be made after": transacted(func(x *trial, s Transactor) {
		bound, _, rollback := s.Begin(x, x.service)
		queue, err := bound.GetQueue(x.Context(), "made in a transaction")
		if err == nil {
			_, err = queue.Add(x.Context(), typeA, payloadA{})
		}
		x.must(rollback())
		x.must(err)
		after := x.open(x.service, "made in a transaction")
		stats, err := after.Stats(x.Context())
		x.must(err)
		x.same(stats, runtime.JobQueueStats{})
		_, err = after.Add(x.Context(), typeA, payloadA{})
		x.must(err)
		_, err = x.open(x.store.Open(x, catalogue), "made in a transaction").TryClaim(x.Context(), "h")
		x.must(err)
	}),
	"effects and completion commit together": transacted(func(x *trial, s Transactor) {
		job := x.addAndClaim("h")
		_, err := job.WriteString("the log")
		x.must(err)
		tx := x.begin(s)
		tx.enqueue(x) // the effect
		err = job.CompleteIn(x.Context(), tx.service)
		x.must(tx.commit())
		x.must(err)
		x.succeeded(job, "the log")
		x.stats(1, 1, 0)
		x.must(job.Complete(x.Context())) // as a Worker does, once more
		x.succeeded(job, "the log")
	}),
	"effects and completion roll back together": transacted(func(x *trial, s Transactor) {
		job := x.addAndClaim("h")
		tx := x.begin(s)
		tx.enqueue(x)
		err := job.CompleteIn(x.Context(), tx.service)
		x.must(tx.rollback())
		x.must(err)
		x.stats(0, 1, 1)
		x.failed(job, "", "")
		x.must(fail(x, job, "rolled back", ""))
		x.failed(job, "rolled back", "")
		x.claims("h", job.ID)
	}),
	"a thief that completes in a transaction too late has to roll back": transacted(func(x *trial, s Transactor) {
		first, thief := x.stolen()
		x.must(complete(x, first, "first"))
		tx := x.begin(s)
		tx.enqueue(x)
		err := thief.CompleteIn(x.Context(), tx.service)
		x.must(tx.rollback())
		x.is(err, runtime.ErrJobCancelled)
		x.is(complete(x, thief, "in vain"), runtime.ErrJobCancelled)
		x.failed(thief, superseded(0), "in vain")
		x.over()
	}),
	"an attempt that was stolen completes in a transaction": transacted(func(x *trial, s Transactor) {
		first, thief := x.stolen()
		tx := x.begin(s)
		tx.enqueue(x)
		err := first.CompleteIn(x.Context(), tx.service)
		x.must(tx.commit())
		x.must(err)
		x.is(complete(x, thief, "in vain"), runtime.ErrJobCancelled)
		x.stats(1, 1, 0)
	}),
	"completing in a transaction asks the same of the attempt": transacted(func(x *trial, s Transactor) {
		job := x.addAndClaim("h")
		x.must(fail(x, job, "no", ""))
		tx := x.begin(s)
		failed := job.CompleteIn(x.Context(), tx.service)
		x.must(tx.rollback())
		x.is(failed, runtime.ErrJobNotClaimed)
		tx = x.begin(s)
		stranger := tx.queue.Complete(x.Context(), job.ID, "stranger", 0, nil)
		x.must(tx.rollback())
		x.is(stranger, runtime.ErrJobNotClaimed)
		tx = x.begin(s)
		unknown := tx.queue.Complete(x.Context(), 1, "h", 0, nil)
		x.must(tx.rollback())
		x.is(unknown, runtime.ErrJobNotFound)
		x.is((*runtime.JobClaim)(nil).CompleteIn(x.Context(), x.service), runtime.ErrJobNotClaimed)
	}),
	"failing and cancelling in a transaction commit or roll back with it": transacted(func(x *trial, s Transactor) {
		job, waits := x.addAndClaim("h"), x.add()
		for _, commits := range []bool{false, true} {
			tx := x.begin(s)
			failErr := tx.queue.Fail(x.Context(), job.ID, "h", 0, "no", []byte("log"))
			cancelErr := tx.queue.Cancel(x.Context(), waits)
			if commits {
				x.must(tx.commit())
			} else {
				x.must(tx.rollback())
			}
			x.must(failErr)
			x.must(cancelErr)
			if !commits {
				x.stats(1, 2, 1)
				x.failed(job, "", "")
			}
		}
		x.stats(1, 1, 0)
		x.failed(job, "no", "log")
		x.claims("h", job.ID)
	}),
	"a bad payload in a transaction leaves the transaction usable": transacted(func(x *trial, s Transactor) {
		tx := x.begin(s)
		_, bad := tx.queue.Add(x.Context(), typeA, payloadB{})
		_, nul := tx.queue.Add(x.Context(), typeA, payloadA{Text: "\x00"})
		_, unknown := tx.queue.Add(x.Context(), "unknown", payloadA{})
		tx.enqueue(x)
		x.must(tx.commit())
		x.is(bad, runtime.ErrInvalidJobType)
		x.refused(nul, "a NUL")
		x.is(unknown, runtime.ErrInvalidJobType)
		x.stats(1, 1, 0)
	}),
}
