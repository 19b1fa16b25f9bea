package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
)

func TestCallersOfOneProcessShareCommits(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	notes(t, store)
	const callers, each = 16, 50
	ids := make([][]snowflake.ID, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for range each {
				id, err := runtime.Enqueue(t.Context(), store, noteJob, &note{})
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = append(ids[i], id)
			}
		})
	}
	wg.Wait()
	conn := connect(t, dsn)
	if n := query[int](t, conn, "SELECT count(*) FROM jobgen.job"); n != callers*each {
		t.Errorf("%d jobs are there, want %d", n, callers*each)
	}
	if n := query[int](t, conn, "SELECT count(DISTINCT xmin::text) FROM jobgen.job"); n > callers*each/2 {
		t.Errorf("%d jobs took %d commits", callers*each, n)
	}
	for _, mine := range ids {
		for _, id := range mine {
			if !query[bool](t, conn, "SELECT EXISTS (SELECT 1 FROM jobgen.job WHERE id = $1)", int64(id)) {
				t.Errorf("job %d was acknowledged and is not there", id)
			}
		}
	}
}

// A caller that stops waiting takes nothing from the others.
func TestACallerThatGivesUpLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	notes(t, store)
	blocker := connect(t, dsn)
	exec(t, blocker, "BEGIN", "LOCK TABLE jobgen.job IN SHARE MODE") // adding waits
	ctx, giveUp := context.WithCancel(t.Context())
	results := make(chan error, 9)
	for i := range 9 {
		callerCtx := t.Context()
		if i == 0 {
			callerCtx = ctx
		}
		go func() {
			_, err := runtime.Enqueue(callerCtx, store, noteJob, &note{})
			results <- err
		}()
	}
	conn := connect(t, dsn)
	awaitLocked(t, conn, 1)
	giveUp()
	if err := <-results; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that gave up: %v", err)
	}
	exec(t, blocker, "COMMIT")
	for range 8 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := query[int](t, conn, "SELECT count(*) FROM jobgen.job"); n < 8 || n > 9 {
		t.Errorf("%d jobs are there, want those of 8 callers and perhaps that of the one that gave up", n)
	}
}

// One refused job is no reason to refuse those that were sent with it.
func TestARefusedJobLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	notes(t, store)
	conn := connect(t, dsn)
	exec(t, conn, `ALTER TABLE jobgen.job ADD CONSTRAINT no_bad_news CHECK (payload->>'text' <> 'bad')`)
	blocker := connect(t, dsn)
	exec(t, blocker, "BEGIN", "LOCK TABLE jobgen.job IN SHARE MODE")
	const callers = 20
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			text := "good"
			if i%5 == 0 {
				text = "bad"
			}
			if _, err := runtime.Enqueue(t.Context(), store, noteJob, &note{text}); (err != nil) != (text == "bad") {
				t.Errorf("a %s job: %v", text, err)
			}
		})
	}
	awaitLocked(t, conn, 2) // one waits alone, and one with all the others
	exec(t, blocker, "COMMIT")
	wg.Wait()
	if n := query[int](t, conn, "SELECT count(*) FROM jobgen.job"); n != callers*4/5 {
		t.Errorf("%d jobs are there, want %d", n, callers*4/5)
	}
}

// A rudeContext panics when it is asked for a value.
type rudeContext struct{ context.Context }

func (rudeContext) Value(any) any { panic("no values") }

// The context of one caller used to be asked in the goroutine that adds the jobs
// of all.
func TestTheContextOfOneCallerHarmsNoOther(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store := open(t, dsn)
	notes(t, store)
	const callers, each = 8, 30
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				if _, err := runtime.Enqueue(t.Context(), store, noteJob, &note{Text: "good"}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range each {
				func() {
					defer func() { _ = recover() }() // in the caller's own goroutine it is the caller's
					_, _ = runtime.Enqueue(rudeContext{t.Context()}, store, noteJob, &note{Text: "rude"})
				}()
			}
		})
	}
	wg.Wait()
	if n := query[int](t, connect(t, dsn), "SELECT count(*) FROM jobgen.job WHERE payload::text LIKE '%good%'"); n != callers*each {
		t.Errorf("%d jobs of the others are there, want %d", n, callers*each)
	}
}
