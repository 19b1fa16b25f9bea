package queuetest

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime/driver"
)

// bugs are what the suite has to notice. Several were seen in other queues.
var bugs = []bug{
	{
		name:      "loses a job now and then",
		sentences: []string{"batches/AddBatch adds all, and returns the ids in the order of the payloads", "worker/a worker handles every job once, and completes it with its log"},
		byModel:   true, byConcurrency: true,
		added: func(w *wreck, q driver.Queue, id snowflake.ID) {
			if w.every(20) {
				_, _ = q.Cancel(context.Background(), id)
			}
		},
	},
	{
		name:      "delivers an attempt twice",
		sentences: []string{"claiming/a claimed job is claimed by nobody else, expired or not", "claiming/sixty-four callers over a thousand jobs get every job exactly once"},
		byModel:   true, byConcurrency: true,
		nothing: func(w *wreck) *driver.Row {
			w.mu.Lock()
			defer w.mu.Unlock()
			twice := w.last
			w.last = nil
			return twice
		},
	},
	{
		name:      "skips an attempt number after a failure",
		sentences: []string{"attempts/claims count attempts from 0, and what remains down to 0"},
		byModel:   true, byConcurrency: true,
		taken: func(_ *wreck, _ string, row *driver.Row) {
			if row.Attempts > 1 {
				row.Attempts++
				row.MaxAttempts++
			}
		},
	},
	{
		name:      "says one attempt too few of a steal",
		sentences: []string{"stealing/an expired claim is stolen, or buried, before its job's Due"},
		byModel:   true, byConcurrency: true,
		taken: func(w *wreck, _ string, row *driver.Row) {
			if _, held := w.holder(row.ID); held && row.Attempts > 1 {
				row.Attempts--
			}
		},
	},
	{
		name:      "ignores Due",
		sentences: []string{"claiming/a job is claimable once its Due has passed on the store's clock", "worker/a delayed job runs once it is due, and not before"},
		byModel:   true, byConcurrency: true,
		batch: func(b *driver.Batch) { b.Options.Due = time.Time{} },
	},
	{
		name:      "ignores the limit on attempts",
		sentences: []string{"stealing/the last attempt of an expired claim is buried, and nobody steals it"},
		byModel:   true, byConcurrency: true,
		batch: func(b *driver.Batch) { b.Options.MaxAttempts = math.MaxInt32 },
	},
	{
		name:      "lets claims expire at once",
		sentences: []string{"stealing/of many thieves one gets the job"},
		byModel:   true, byConcurrency: true,
		batch: func(b *driver.Batch) { b.Options.MaxWork = 0 },
	},
	{
		name:      "ignores priorities",
		sentences: []string{"claiming/priorities from 0 to 9 come before Due"},
		byModel:   true,
		batch:     func(b *driver.Batch) { b.Options.Priority = 0 },
	},
	{
		name:      "lets the thief complete after the stolen attempt has",
		sentences: []string{"late/then the thief's Complete is ErrJobCancelled, with its log and the reason recorded"},
		byModel:   true, byConcurrency: true,
		finished: func(_ *wreck, _ driver.Queue, _ string, _ driver.Outcome, r driver.Result) driver.Result {
			if r.Status == driver.Superseded {
				r.Status = driver.Done
			}
			return r
		},
	},
	{
		name:      "releases the thief's claim when the stolen attempt fails",
		sentences: []string{"late/Fail by a stolen attempt records its log and does not release the thief's claim"},
		byModel:   true, byConcurrency: true,
		finished: func(w *wreck, q driver.Queue, _ string, o driver.Outcome, r driver.Result) driver.Result {
			if thief, ok := w.holder(o.Job); ok && o.Kind == driver.Failed && r.Status != driver.Done && r.Status != driver.NotFound {
				_, _ = q.Finish(context.Background(), thief.handler, []driver.Outcome{{Attempt: thief.attempt(), Kind: driver.Released}})
			}
			return r
		},
	},
	{
		name:      "lets anybody complete a job",
		sentences: []string{"finishing/Complete by a handler that never held the attempt is ErrJobNotClaimed"},
		byModel:   true, byConcurrency: true,
		finished: func(w *wreck, q driver.Queue, _ string, o driver.Outcome, r driver.Result) driver.Result {
			if holder, ok := w.holder(o.Job); ok && o.Kind == driver.Completed && r.Status == driver.NotHeld {
				results, err := q.Finish(context.Background(), holder.handler, []driver.Outcome{{Attempt: holder.attempt(), Log: o.Log}})
				if err == nil {
					return results[0]
				}
			}
			return r
		},
	},
	{
		name:      "forgets a cancel",
		sentences: []string{"cancelling/a cancelled job is not claimed", "worker/cancelling a running job ends its handler's context, and it is not tried again"},
		byModel:   true, byConcurrency: true,
		cancel: func(w *wreck, q driver.Queue, id snowflake.ID) (driver.Status, error) {
			w.mu.Lock()
			known := w.known[id]
			w.mu.Unlock()
			if known {
				return driver.Done, nil
			}
			return q.Cancel(context.Background(), id)
		},
	},
	{
		name:      "takes a lost claim for an unknown job",
		sentences: []string{"late/Complete after Fail by a stolen attempt is ErrJobNotClaimed"},
		byModel:   true, byConcurrency: true,
		finished: func(_ *wreck, _ driver.Queue, _ string, _ driver.Outcome, r driver.Result) driver.Result {
			switch r.Status {
			case driver.ClaimLost, driver.AlreadyFailed, driver.AlreadyEnded, driver.NotHeld:
				r.Status = driver.NotFound
			}
			return r
		},
	},
	{
		name:      "completes a job that failed",
		sentences: []string{"worker/a failed job is tried again after its backoff, and is dead after its last attempt"},
		byModel:   true, byConcurrency: true,
		outcome: func(o *driver.Outcome) { o.Kind = driver.Completed },
	},
	{
		name:      "tries a failed job again at once",
		sentences: []string{"worker/a failed job is tried again after its backoff, and is dead after its last attempt"},
		byModel:   true,
		outcome:   func(o *driver.Outcome) { o.RetryIn = 0 },
	},
	{
		name:      "tries a failed job again an hour late",
		sentences: []string{"worker/a failed job is tried again after its backoff, and is dead after its last attempt"},
		byModel:   true, byConcurrency: true,
		outcome: func(o *driver.Outcome) { o.RetryIn += time.Hour },
	},
	{
		name:      "keeps no log",
		sentences: []string{"late/Complete by a stolen attempt finishes the job"},
		byModel:   true, byConcurrency: true,
		outcome: func(o *driver.Outcome) { o.Log = nil },
	},
	{
		name:      "uses up an attempt by a release",
		sentences: []string{"releasing/a released claim is claimable again under the same number, with no log row", "worker/a hard stop releases what runs"},
		byModel:   true, byConcurrency: true,
		release: func(q driver.Queue, handler string, o driver.Outcome) {
			o.Kind, o.Reason = driver.Failed, "released"
			_, _ = q.Finish(context.Background(), handler, []driver.Outcome{o})
		},
	},
	{
		name:      "wakes nobody",
		sentences: []string{"waiting/a job added between a claim and the wait is not missed"},
		deaf:      true,
	},
	{
		name: "tells nobody of a lost claim",
		sentences: []string{
			"watching/a stolen claim is lost to ErrJobNotClaimed",
			"worker/a worker whose claim was stolen has its handler's context ended, and the thief keeps the job",
		},
		byModel: true,
		lost:    func([]driver.Lost) []driver.Lost { return nil },
	},
	{
		name:      "says why a claim is lost in other words",
		sentences: []string{"watching/a claim on a cancelled job is lost to ErrJobCancelled"},
		byModel:   true,
		lost: func(lost []driver.Lost) []driver.Lost {
			for i := range lost {
				lost[i].Cancelled = false
			}
			return lost
		},
	},
	{
		name:      "logs attempts under another handler",
		sentences: []string{"late/Complete by the thief first makes the stolen attempt's Complete ErrJobCancelled"},
		byModel:   true, byConcurrency: true,
		log: func(l *driver.Log) { l.Handler = "thief" },
	},
	{
		name:      "counts claimed jobs as waiting too",
		sentences: []string{"claiming/one handler may hold many jobs"},
		byModel:   true,
		stats:     func(s *driver.Stats) { s.Waiting += s.Claimed },
	},
	{
		name:      "says nothing of the jobs that it buries",
		sentences: []string{"dying/a worker that buries a job says so once"},
		unburied:  true,
	},
	{
		name: "tries a job again that has failed for good",
		sentences: []string{
			"dying/a failure for good makes the job dead at once, whatever attempts it has left",
			"dying/data that does not decode makes its job dead at once, and a program that reads it handles the revived job",
		},
		byModel: true,
		outcome: func(o *driver.Outcome) { o.Final = false },
	},
	{
		name:      "takes the failure of a cancelled job for its death",
		sentences: []string{"dying/a cancelled job does not die when its last attempt fails"},
		results: func(results []driver.Result) {
			for i := range results {
				results[i].Recorded = false
			}
		},
	},
	{
		name: "keeps what a transaction has rolled back",
		sentences: []string{
			"transactions/a rollback leaves nothing", "transactions/effects and completion roll back together",
			"transactions/failing and cancelling in a transaction commit or roll back with it",
		},
		keeps: true,
	},
	{
		name: "does outside what it is to do in a transaction",
		sentences: []string{
			"transactions/a job enqueued in a transaction is there once that has committed", "transactions/once a transaction is over each call says so, and changes nothing",
		},
		leaks: true,
	},
	{
		name:      "revives for one attempt more than asked",
		sentences: []string{"dead/a buried job is revived"},
		byModel:   true,
		revive:    func(attempts int32) int32 { return attempts + 1 },
	},
	{
		name:      "claims by priority alone",
		sentences: []string{"claiming/one claim in sixteen begins with the lowest priority"},
		request:   func(req *driver.ClaimRequest) { req.LowestFirst = false },
	},
	{
		name:      "answers outcomes in another order",
		sentences: []string{"batches/FinishBatch answers each outcome as Complete or Fail would"},
		byModel:   true,
		results:   slices.Reverse[[]driver.Result],
	},
	{
		name:      "swaps payloads within a batch",
		sentences: []string{"batches/AddBatch adds all, and returns the ids in the order of the payloads"},
		batch: func(b *driver.Batch) {
			payload, n := b.Payload, b.Len
			b.Payload = func(dst []byte, i int) ([]byte, error) { return payload(dst, n-1-i) }
		},
	},
	{
		name:      "cuts large payloads off",
		sentences: []string{"limits/a batch of large payloads is added whole"},
		batch: func(b *driver.Batch) {
			payload := b.Payload
			b.Payload = func(dst []byte, i int) ([]byte, error) {
				data, err := payload(dst, i)
				if err == nil && len(data) > 1<<20 {
					data = append(data[:1<<20], `"}`...)
				}
				return data, err
			}
		},
	},
	{
		name:      "tells nobody that a claim was revoked",
		sentences: []string{"watching/who watches hears of a cancelled job"},
		blind:     true,
	},
}
