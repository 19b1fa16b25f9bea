package postgres_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
)

func TestALargeBatchIsAddedWholeAndInOrder(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	conn := connect(t, dsn)
	ids, err := runtime.EnqueueBatch(t.Context(), store, noteJob, make([]note, 4321))
	if err != nil || len(ids) != 4321 {
		t.Fatalf("%d ids, error %v", len(ids), err)
	}
	for i := 1; i < len(ids); i++ {
		if ids[i] <= ids[i-1] {
			t.Fatalf("id %d of the batch is %d, after %d", i, ids[i], ids[i-1])
		}
	}
	if n := query[int](t, conn, "SELECT count(*) FROM jobgen.job WHERE id BETWEEN $1 AND $2", int64(ids[0]), int64(ids[4320])); n != 4321 {
		t.Errorf("%d jobs are there, want 4321", n)
	}
	if n := query[int](t, conn, "SELECT count(DISTINCT xmin::text) FROM jobgen.job"); n != 1 {
		t.Errorf("the batch took %d transactions", n)
	}
}

func TestALargeBatchWithOneWrongJobIsNotAddedAtAll(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	conn := connect(t, dsn)
	payloads := make([]note, 4321)
	payloads[4000].Text = "a NUL: \x00"
	var wrong *runtime.PayloadError
	if _, err := runtime.EnqueueBatch(t.Context(), store, noteJob, payloads); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "payload 4000 of 4321") {
		t.Errorf("a payload that cannot be stored: %v", err)
	}
	exec(t, conn, `ALTER TABLE jobgen.job ADD CONSTRAINT no_bad_news CHECK (payload->>'text' <> 'bad')`)
	payloads[4000].Text = "bad"
	if _, err := runtime.EnqueueBatch(t.Context(), store, noteJob, payloads); err == nil {
		t.Error("a payload that the database refuses was added")
	}
	if n := query[int](t, conn, "SELECT count(*) FROM jobgen.job"); n != 0 {
		t.Errorf("%d jobs are there, want none", n)
	}
}

func TestCountsThatAreAskedForAtOnceAreShared(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	queue := notes(t, store)
	add(t, store, 3)
	blocker := connect(t, dsn)
	exec(t, blocker, "BEGIN", "LOCK TABLE jobgen.job IN ACCESS EXCLUSIVE MODE")
	const callers = 50
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if stats, err := queue.Stats(t.Context()); err != nil || stats.Waiting != 3 {
				t.Errorf("stats %+v, error %v", stats, err)
			}
		})
	}
	conn := connect(t, dsn)
	if n := awaitLocked(t, conn, 1); n != 1 {
		t.Errorf("%d counts are under way, want 1", n)
	}
	exec(t, blocker, "COMMIT")
	wg.Wait()
}
