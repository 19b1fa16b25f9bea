package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

// claim claims as a worker does, and says how long until it should again.
func claim(t *testing.T, queue *runtime.Queue, handler string, limit int) ([]*runtime.Job, time.Duration) {
	t.Helper()
	claimed, err := queue.Driver().Claim(t.Context(), driver.ClaimRequest{Handler: handler, Types: noteVersions, Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	jobs := make([]*runtime.Job, len(claimed.Rows))
	for i := range claimed.Rows {
		row := &claimed.Rows[i]
		jobs[i] = &runtime.Job{
			ID: row.ID, Type: runtime.JobType(row.Type.Type), Data: row.Payload, PayloadVersion: row.Type.Version, Priority: row.Priority,
			AttemptsMade: row.Attempts - 1, AttemptsRemaining: row.MaxAttempts - row.Attempts,
			JobClaim: &runtime.JobClaim{JobID: row.ID, HandlerID: handler, AttemptNumber: row.Attempts - 1, Queue: queue},
		}
	}
	return jobs, claimed.NextDue
}

// completed are the outcomes of jobs that succeeded.
func completed(jobs []*runtime.Job) []driver.Outcome {
	outcomes := make([]driver.Outcome, len(jobs))
	for i, job := range jobs {
		outcomes[i].Attempt = driver.Attempt{Job: job.ID, Number: job.AttemptNumber}
	}
	return outcomes
}

// claimWhenDue claims as a worker does that is told nothing: when NextDue says,
// and by polling.
func claimWhenDue(t *testing.T, queue *runtime.Queue) *runtime.Job {
	t.Helper()
	for t.Context().Err() == nil {
		jobs, nextDue := claim(t, queue, "h", 1)
		if len(jobs) > 0 {
			return jobs[0]
		}
		if nextDue == 0 {
			nextDue = time.Second // a poll
		}
		time.Sleep(nextDue)
	}
	t.Fatal("the job was never claimed")
	return nil
}

func drain(t *testing.T, queue *runtime.Queue) (n int) {
	t.Helper()
	for {
		jobs, _ := claim(t, queue, "h", 500)
		if len(jobs) == 0 {
			return n
		}
		n += len(jobs)
		if _, err := queue.Driver().Finish(t.Context(), "h", completed(jobs)); err != nil {
			t.Fatal(err)
		}
	}
}

// A job whose transaction commits late turns up behind the cursor.
func TestAJobThatCommitsLateIsClaimed(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	queue := notes(t, store)
	drain(t, queue)
	conn := connect(t, dsn)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	late, err := runtime.Enqueue(t.Context(), store.InTx(tx), noteJob, &note{})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(400 * time.Millisecond) // past what the near sweep looks at
	add(t, store, 3)
	if n := drain(t, queue); n != 3 {
		t.Fatalf("claimed %d jobs, want 3", n)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if job := claimWhenDue(t, queue); job.ID != late {
		t.Errorf("claimed %d, want %d", job.ID, late)
	}
}

// A sweep takes long while a transaction keeps the rows of very many finished
// jobs.
func TestASweepThatMeetsItsDeadlineKeepsNoJobFromBeingClaimed(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	queue := notes(t, store)
	conn := connect(t, dsn)
	exec(
		t, conn, "ALTER FUNCTION jobgen.sweep RENAME TO quick_sweep",
		`CREATE FUNCTION jobgen.sweep(integer, integer, integer[], integer, timestamptz, smallint[], boolean, boolean, boolean)
		RETURNS TABLE (id bigint, priority smallint, type integer, attempts integer, max_attempts integer, created timestamptz, due timestamptz, max_work bigint, payload json, revoked boolean)
		LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); END $$`,
	)
	add(t, store, 2)
	deadline, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	request := driver.ClaimRequest{Handler: "h", Types: noteVersions, Limit: 1}
	if _, err := queue.Driver().Claim(deadline, request); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the first claim, which sweeps: %v", err)
	}
	if jobs, _ := claim(t, queue, "h", 1); len(jobs) != 1 {
		t.Errorf("claimed %d jobs after it", len(jobs))
	}
	exec(t, conn, "DROP FUNCTION jobgen.sweep", "ALTER FUNCTION jobgen.quick_sweep RENAME TO sweep", "UPDATE jobgen.job SET expires = claimed WHERE handler IS NOT NULL", "UPDATE jobgen.job SET handler = handler + 1 WHERE handler IS NOT NULL")
	claimWhenDue(t, queue)
	if job := claimWhenDue(t, queue); job.AttemptNumber != 1 {
		t.Errorf("took over attempt %d of the expired claim, want 1", job.AttemptNumber)
	}
}

func TestAnExpiredClaimOfAProcessThatDiedIsTakenOver(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	died := open(t, dsn)
	add(t, died, 1)
	if _, err := notes(t, died).AddAndClaim(t.Context(), "note", note{}, "died", runtime.JobOptions.MaxWorkDuration(50*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	store := open(t, dsn)
	queue := notes(t, store)
	claimWhenDue(t, queue)
	job := claimWhenDue(t, queue)
	if job.AttemptNumber != 1 {
		t.Errorf("attempt %d, want 1", job.AttemptNumber)
	}
	log, err := queue.Log(t.Context(), job.ID, 0)
	if err != nil || log.HandlerID != "died" || log.FailureReason != "claim expired; taken over" {
		t.Errorf("log of the lost attempt: %+v, %v", log, err)
	}
}

// While a long transaction keeps the rows of finished jobs from being removed,
// a claim still looks at none of them.
func TestAClaimCostsTheSameHoweverManyJobsAreFinished(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	queue := notes(t, store)
	holder := connect(t, dsn)
	exec(t, holder, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1 FROM jobgen.job")
	payloads := make([]note, 1000)
	for range 5 {
		if _, err := runtime.EnqueueBatch(t.Context(), store, noteJob, payloads); err != nil {
			t.Fatal(err)
		}
	}
	if n := drain(t, queue); n != 5000 {
		t.Fatalf("drained %d", n)
	}
	add(t, store, 1)
	conn := connect(t, dsn)
	due, after := store.Cursors(queue, noteVersions...)
	fromCursor := measure(t, conn, `SELECT * FROM jobgen.claim(QUEUE, HANDLER, TYPES, 10, '{0,1,2,3,4,5,6,7,8,9}', $1, $2, false, false)`, due, after).blocks
	fromStart := measure(t, conn, `SELECT * FROM jobgen.claim(QUEUE, HANDLER, TYPES, 10, '{0,1,2,3,4,5,6,7,8,9}', array_fill('-infinity'::timestamptz, '{10}'), array_fill(0::bigint, '{10}'), false, false)`).blocks
	if fromCursor > 100 || fromStart < 5*fromCursor {
		t.Errorf("a claim from the cursor looked at %d blocks, one from the beginning at %d; want at most 100 and, for comparison, five times as many", fromCursor, fromStart)
	}
}

func TestAClaimMadeInATransactionIsFinishedAfterIt(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	conn := connect(t, dsn)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	job, err := notes(t, store.InTx(tx)).AddAndClaim(t.Context(), "note", note{}, "h")
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := job.Complete(t.Context()); err != nil {
		t.Error(err)
	}
	log, err := notes(t, store).Log(t.Context(), job.ID, 0)
	if err != nil || !log.Success {
		t.Errorf("log: %+v, %v", log, err)
	}
}

func TestAQueueDeletedByAnotherProcessTakesNoJobs(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	here, there := open(t, dsn), open(t, dsn)
	queue := notes(t, here)
	if err := there.DeleteQueue(t.Context(), "notes"); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Add(t.Context(), "note", note{}); !errors.Is(err, runtime.ErrJobQueueNotFound) {
		t.Errorf("add: %v", err)
	}
	add(t, here, 1) // GetQueue makes it anew
}

// While claim_one is planned, which can take long, other handlers may claim and
// fail every job: none of them was due when it began, and all are due now.
func TestAJobThatBecameDueWhileItWasLookedForIsClaimed(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	add(t, store, 1)
	if _, err := notes(t, store).TrySteal(t.Context(), "h"); !errors.Is(err, runtime.ErrJobNotFound) {
		t.Fatal(err) // and there is a handler
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	var claimed int
	err = conn.QueryRow(t.Context(), `SELECT count(*) FROM jobgen.queue q, jobgen.handler h,
		LATERAL jobgen.sweep(q.number, h.number, NULL, 1, clock_timestamp() - interval '1 minute', '{0}', true, false, false) s`).Scan(&claimed)
	if err != nil || claimed != 1 {
		t.Errorf("claimed %d, error %v; want 1", claimed, err)
	}
}

// A job may be of a type that was never numbered, in a database that somebody
// has changed.
func TestAJobOfAnUnknownTypeIsAnErrorForWhoeverClaimsIt(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	add(t, store, 1)
	exec(t, connect(t, dsn), "UPDATE jobgen.job SET type = -7")
	_, err := notes(t, store).Driver().Claim(t.Context(), driver.ClaimRequest{Handler: "h", Limit: 1})
	if err == nil || !strings.Contains(err.Error(), "unknown type number -7") {
		t.Errorf("error %v", err)
	}
}
