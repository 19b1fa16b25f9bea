package queuetest

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// bugs are what the suite has to notice. Several were seen in other queues.
var bugs = []bug{
	{
		name:      "loses a job now and then",
		sentences: []string{"batches/AddBatch adds all, and returns the ids in the order of the payloads", "worker/a worker handles every job once, and completes it with its log"},
		byModel:   true, byConcurrency: true,
		added: func(w *wreck, q *memory.Queue, id snowflake.ID) {
			if w.every(20) {
				_ = q.Cancel(context.Background(), id)
			}
		},
	},
	{
		name:      "delivers an attempt twice",
		sentences: []string{"claiming/a claimed job is claimed by nobody else, expired or not", "claiming/sixty-four callers over a thousand jobs get every job exactly once"},
		byModel:   true, byConcurrency: true,
		taken: func(w *wreck, _ *memory.Queue, handler string, job *runtime.Job, err error) (*runtime.Job, error) {
			if w.mu.Lock(); err != nil && w.last != nil {
				twice := *w.last
				job = &twice
				job.JobClaim = &runtime.JobClaim{JobID: twice.ID, HandlerID: handler, AttemptNumber: twice.AttemptNumber}
				w.last, err = nil, nil
			}
			w.mu.Unlock()
			return job, err
		},
	},
	{
		name:      "skips an attempt number after a failure",
		sentences: []string{"attempts/claims count attempts from 0, and what remains down to 0"},
		byModel:   true, byConcurrency: true,
		taken: func(_ *wreck, _ *memory.Queue, _ string, job *runtime.Job, err error) (*runtime.Job, error) {
			if job != nil && job.AttemptNumber > 0 {
				job.AttemptNumber++
				job.AttemptsMade++
			}
			return job, err
		},
	},
	{
		name:      "says one attempt too few of a steal",
		sentences: []string{"stealing/an expired claim is stolen, or buried, before its job's Due"},
		byModel:   true, byConcurrency: true,
		taken: func(w *wreck, _ *memory.Queue, _ string, job *runtime.Job, err error) (*runtime.Job, error) {
			if job != nil && job.AttemptNumber > 0 && w.holder(job.ID) != nil {
				job.AttemptsMade--
			}
			return job, err
		},
	},
	{
		name:      "ignores Due",
		sentences: []string{"claiming/a job is claimable once its Due has passed on the store's clock", "worker/a delayed job runs once it is due, and not before"},
		byModel:   true, byConcurrency: true,
		options: always(runtime.JobDue{}),
	},
	{
		name:      "ignores the limit on attempts",
		sentences: []string{"stealing/the last attempt of an expired claim is buried, and nobody steals it"},
		byModel:   true, byConcurrency: true,
		options: always(runtime.JobMaxAttempts(math.MaxInt32)),
	},
	{
		name:      "lets claims expire at once",
		sentences: []string{"stealing/of many thieves one gets the job"},
		byModel:   true, byConcurrency: true,
		options: always(runtime.JobMaxWorkDuration(0)),
	},
	{
		name:      "ignores priorities",
		sentences: []string{"claiming/priorities from 0 to 9 come before Due"},
		byModel:   true,
		options:   always(runtime.JobPriority(0)),
	},
	{
		name:      "lets the thief complete after the stolen attempt has",
		sentences: []string{"late/then the thief's Complete is ErrJobCancelled, with its log and the reason recorded"},
		byModel:   true, byConcurrency: true,
		finished: func(_ *wreck, _ *memory.Queue, _ string, _ attemptEnd, err error) error {
			if errors.Is(err, runtime.ErrJobCancelled) {
				return nil
			}
			return err
		},
	},
	{
		name:      "releases the thief's claim when the stolen attempt fails",
		sentences: []string{"late/Fail by a stolen attempt records its log and does not release the thief's claim"},
		byModel:   true, byConcurrency: true,
		finished: func(w *wreck, q *memory.Queue, _ string, o attemptEnd, err error) error {
			if thief := w.holder(o.JobID); !o.Success && errors.Is(err, runtime.ErrJobNotClaimed) && thief != nil {
				_ = q.Release(context.Background(), thief.HandlerID, []claimRef{{JobID: thief.ID, AttemptNumber: thief.AttemptNumber}})
			}
			return err
		},
	},
	{
		name:      "lets anybody complete a job",
		sentences: []string{"finishing/Complete by a handler that never held the attempt is ErrJobNotClaimed"},
		byModel:   true, byConcurrency: true,
		finished: func(w *wreck, q *memory.Queue, _ string, o attemptEnd, err error) error {
			if held := w.holder(o.JobID); o.Success && errors.Is(err, runtime.ErrJobNotClaimed) && held != nil {
				return q.Complete(context.Background(), held.ID, held.HandlerID, held.AttemptNumber, o.Log)
			}
			return err
		},
	},
	{
		name:      "forgets a cancel",
		sentences: []string{"cancelling/a cancelled job is not claimed", "worker/cancelling a running job ends its handler's context, and it is not tried again"},
		byModel:   true, byConcurrency: true,
		cancel: func(w *wreck, q *memory.Queue, id snowflake.ID) error {
			w.mu.Lock()
			known := w.known[id]
			w.mu.Unlock()
			if known {
				return nil
			}
			return q.Cancel(context.Background(), id)
		},
	},
	{
		name:      "takes a lost claim for an unknown job",
		sentences: []string{"late/Complete after Fail by a stolen attempt is ErrJobNotClaimed"},
		byModel:   true, byConcurrency: true,
		finished: func(_ *wreck, _ *memory.Queue, _ string, _ attemptEnd, err error) error {
			if errors.Is(err, runtime.ErrJobNotClaimed) {
				return runtime.ErrJobNotFound
			}
			return err
		},
	},
	{
		name:      "completes a job that failed",
		sentences: []string{"worker/a failed job is tried again after its backoff, and is dead after its last attempt"},
		byModel:   true, byConcurrency: true,
		outcome: func(o attemptEnd) attemptEnd { o.Success = true; return o },
	},
	{
		name:      "tries a failed job again at once",
		sentences: []string{"worker/a failed job is tried again after its backoff, and is dead after its last attempt"},
		byModel:   true,
		outcome:   func(o attemptEnd) attemptEnd { o.RetryIn = 0; return o },
	},
	{
		name:      "tries a failed job again an hour late",
		sentences: []string{"worker/a failed job is tried again after its backoff, and is dead after its last attempt"},
		byModel:   true, byConcurrency: true,
		outcome: func(o attemptEnd) attemptEnd { o.RetryIn += time.Hour; return o },
	},
	{
		name:      "keeps no log",
		sentences: []string{"late/Complete by a stolen attempt finishes the job"},
		byModel:   true, byConcurrency: true,
		outcome: func(o attemptEnd) attemptEnd { o.Log = nil; return o },
	},
	{
		name:      "uses up an attempt by a release",
		sentences: []string{"releasing/a released claim is claimable again under the same number, with no log row", "worker/a hard stop releases what runs"},
		byModel:   true, byConcurrency: true,
		release: func(q *memory.Queue, handler string, refs []claimRef) error {
			for _, ref := range refs {
				_ = q.Fail(context.Background(), ref.JobID, handler, ref.AttemptNumber, "released", nil)
			}
			return nil
		},
	},
	{
		name:      "wakes nobody",
		sentences: []string{"waiting/a job added between a claim and the wait is not missed"},
		wait:      func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	},
	{
		name: "tells nobody of a lost claim",
		sentences: []string{
			"watching/a stolen claim is lost to ErrJobNotClaimed",
			"worker/a worker whose claim was stolen has its handler's context ended, and the thief keeps the job",
		},
		byModel: true,
		lost:    func([]lostClaim) []lostClaim { return nil },
	},
	{
		name:      "says why a claim is lost in other words",
		sentences: []string{"watching/a claim on a cancelled job is lost to ErrJobCancelled"},
		byModel:   true,
		lost: func(lost []lostClaim) []lostClaim {
			for i := range lost {
				lost[i].Cause = runtime.ErrJobNotClaimed
			}
			return lost
		},
	},
	{
		name:      "logs attempts under another handler",
		sentences: []string{"late/Complete by the thief first makes the stolen attempt's Complete ErrJobCancelled"},
		byModel:   true, byConcurrency: true,
		log: func(l *runtime.JobLog) { l.HandlerID = "thief" },
	},
	{
		name:      "counts claimed jobs as waiting too",
		sentences: []string{"claiming/one handler may hold many jobs"},
		byModel:   true,
		stats:     func(s *runtime.JobQueueStats) { s.Waiting += s.Claimed },
	},
	{
		name:      "revives for one attempt more than asked",
		sentences: []string{"dead/a buried job is revived"},
		byModel:   true,
		revive:    func(attempts int32) int32 { return attempts + 1 },
	},
}

// always sets one option over whatever was asked for.
func always(option runtime.JobOption) func([]runtime.JobOption) []runtime.JobOption {
	return func(opts []runtime.JobOption) []runtime.JobOption { return append(opts[:len(opts):len(opts)], option) }
}
