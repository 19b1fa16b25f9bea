package postgres_test

import (
	"errors"
	"testing"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
)

func TestUpkeepDropsLogsByTheDayAndKeepsTheOthers(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	conn := connect(t, dsn)
	const old = `INSERT INTO jobgen.attempt (queue, type, job, number, handler, outcome, claimed, ended)
		VALUES (1, 1, 1, 0, 1, 1, 'now', $1::timestamptz)`
	exec(t, conn, "CREATE TABLE jobgen.attempt_20200101 PARTITION OF jobgen.attempt FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-01-02 00:00+00')")
	for _, ended := range []string{"2020-01-01 12:00+00", "2021-05-05 12:00+00", "now"} {
		if _, err := conn.Exec(t.Context(), old, ended); err != nil {
			t.Fatal(err)
		}
	}
	const left = "SELECT count(*) FROM jobgen.attempt"
	if err := store.Upkeep(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if n := query[int](t, conn, left); n != 3 {
		t.Errorf("keeping all left %d of 3 attempts", n)
	}
	if err := store.Upkeep(t.Context(), 30); err != nil {
		t.Fatal(err)
	}
	if n := query[int](t, conn, left); n != 1 {
		t.Errorf("keeping 30 days left %d attempts, want today's", n)
	}
	if query[bool](t, conn, "SELECT to_regclass('jobgen.attempt_20200101') IS NOT NULL") {
		t.Error("the old partition is still there")
	}
}

func TestTodaysAttemptsGoToTodaysPartition(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	add(t, store, 1)
	drain(t, notes(t, store))
	if got, want := query[string](t, connect(t, dsn), "SELECT tableoid::regclass::text || ' ' || (tableoid::regclass::text = 'jobgen.attempt_' || to_char(ended AT TIME ZONE 'UTC', 'YYYYMMDD')) FROM jobgen.attempt"), "true"; got[len(got)-4:] != want {
		t.Errorf("the attempt is in %s", got)
	}
}

// Upkeep may remove the attempts of a cancelled job before the job, which
// another transaction has locked or ten thousand come before. Finishing one is
// then told that there is no such job, as after all of upkeep.
func TestAnAttemptThatUpkeepHasRemovedIsOfAnUnknownJob(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	conn := connect(t, dsn)
	add(t, store, 1)
	queue := notes(t, store)
	job, err := queue.TryClaim(t.Context(), "h")
	if err != nil {
		t.Fatal(err)
	}
	if err := queue.Cancel(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, "UPDATE jobgen.attempt SET ended = ended - interval '40 days'")
	if err := store.Upkeep(t.Context(), 30); err != nil {
		t.Fatal(err)
	}
	if err := queue.Complete(t.Context(), job.ID, "h", 0, nil); !errors.Is(err, runtime.ErrJobNotFound) {
		t.Errorf("completing the removed attempt: %v, want %v", err, runtime.ErrJobNotFound)
	}
	if err := queue.Complete(t.Context(), job.ID, "h", 1, nil); !errors.Is(err, runtime.ErrJobNotClaimed) {
		t.Errorf("completing an attempt that was never made: %v, want %v", err, runtime.ErrJobNotClaimed)
	}
}
