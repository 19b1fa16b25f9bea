package sqlite_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

func TestLogsAreForgottenAfterTheirRetention(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t), sqlite.WithRetention(24*time.Hour), sqlite.WithSynchronousNormal())
	queue := notes(t, store)
	end := func() *runtime.Job {
		job, err := queue.AddAndClaim(t.Context(), noteJob.Type, note{}, "h")
		if err == nil {
			err = job.Complete(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		return job
	}
	cancelled := func() *runtime.Job {
		job, err := queue.AddAndClaim(t.Context(), noteJob.Type, note{}, "h")
		if err == nil {
			err = queue.Cancel(t.Context(), job.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		return job
	}
	var old []*runtime.Job
	for range 3000 {
		old = append(old, end())
	}
	oldCancelled := cancelled()
	day := (24 * time.Hour).Microseconds()
	for _, statement := range []string{"UPDATE jobgen_attempt SET ended = ended - ?", "UPDATE jobgen_ended_job SET ended = ended - ?"} {
		if _, err := store.DB().ExecContext(t.Context(), statement, day); err != nil {
			t.Fatal(err)
		}
	}
	fresh, freshCancelled := end(), cancelled()
	if err := store.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, job := range append(old, oldCancelled) {
		if _, err := queue.Log(t.Context(), job.ID, 0); !errors.Is(err, runtime.ErrJobNotFound) {
			t.Fatalf("an old log: %v", err)
		}
	}
	if err := queue.Cancel(t.Context(), oldCancelled.ID); !errors.Is(err, runtime.ErrJobNotFound) {
		t.Errorf("a job cancelled long ago: %v", err)
	}
	for _, job := range []*runtime.Job{fresh, freshCancelled} {
		if _, err := queue.Log(t.Context(), job.ID, 0); err != nil {
			t.Errorf("a fresh log: %v", err)
		}
	}
	if err := queue.Cancel(t.Context(), freshCancelled.ID); err != nil {
		t.Errorf("a job just cancelled: %v", err)
	}
}

func TestStoresMintUnderNumbersOfTheirOwn(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	seen := make(map[int64]bool)
	var first *sqlite.Store
	for range 5 {
		store := open(t, path)
		if seen[store.Node()] {
			t.Errorf("node number %d was leased twice", store.Node())
		}
		seen[store.Node()] = true
		first = store
	}
	before := first.Node()
	first.LoseLease()
	if _, err := runtime.Enqueue(t.Context(), first, noteJob, &note{}); err != nil {
		t.Fatal(err)
	}
	if first.Node() == before {
		t.Error("a lost lease was used on")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	held := query[int](t, raw(t, path), "SELECT count(*) FROM jobgen_node WHERE holder IS NOT NULL")
	if held != 5 { // four open stores, and the lease that was lost runs on
		t.Errorf("%d numbers are held; want 5", held)
	}
}

func TestWithoutAFreeNodeNumberOpenSaysSo(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	exec(t, raw(t, path), "UPDATE jobgen_node SET holder = 'x', expires = 1 << 60")
	if _, err := sqlite.Open(t.Context(), path, catalogue); err == nil {
		t.Error("a store without a node number was opened")
	}
}
