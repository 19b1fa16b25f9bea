package sqlite_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

func TestOpenMakesTheQueuesOfTheCatalogue(t *testing.T) {
	t.Parallel()
	types := runtime.NewCatalogue(noteJob, runtime.Define[note]("other", "elsewhere"), runtime.Define[note]("third", "notes"))
	for range 2 {
		store, err := sqlite.Open(t.Context(), newPath(t), types)
		if err != nil {
			t.Fatal(err)
		}
		names, err := store.Queues(t.Context())
		if err != nil || !slices.Equal(names, []string{"elsewhere", "notes"}) {
			t.Errorf("%q, %v", names, err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTwoMeaningsOfOneTypeAreAConflictWhileJobsAreUnfinished(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t), sqlite.WithSynchronousNormal())
	known := func(fields driver.Fields) driver.KnownType {
		return driver.KnownType{TypeVersion: driver.TypeVersion{Type: "note", Version: 1}, Queue: "notes", Fields: fields}
	}
	introduce := func(fields driver.Fields) error { return store.Introduce(t.Context(), known(fields)) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(introduce("text string"))
	queue := notes(t, store)
	job, err := queue.AddAndClaim(t.Context(), noteJob.Type, note{}, "h")
	must(err)
	must(introduce("text string"))
	must(introduce("more string?\ntext string")) // each reads the other's
	must(introduce(""))                          // of which nothing is known
	err = introduce("text number")
	var conflict *runtime.TypeConflictError
	if !errors.As(err, &conflict) || conflict.Type != "note" || conflict.Version != 1 || !strings.Contains(conflict.Reason, `"text"`) {
		t.Errorf("%v; want a conflict that names the field", err)
	}
	must(introduce("text string")) // what was refused is not kept
	other := known("text number")
	other.Version = 2
	must(store.Introduce(t.Context(), other))
	must(job.Complete(t.Context()))
	must(introduce("text number")) // the new meaning
	_, err = queue.Add(t.Context(), noteJob.Type, note{})
	must(err)
	if err := introduce("text string"); !errors.As(err, &conflict) {
		t.Errorf("%v; want a conflict with the new meaning", err)
	}
}

// A file that is restored from a copy, inside of itself, may give numbers
// another meaning.
func TestAQueueWhoseNumberIsAnotherQueuesIsNotMistakenForIt(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t), sqlite.WithSynchronousNormal())
	queue := notes(t, store)
	if _, err := queue.Add(t.Context(), noteJob.Type, note{}); err != nil {
		t.Fatal(err)
	}
	exec(t, store.DB(), "UPDATE jobgen_queue SET name = 'other' WHERE name = 'notes'")
	if _, err := queue.Add(t.Context(), noteJob.Type, note{}); !errors.Is(err, runtime.ErrJobQueueNotFound) {
		t.Errorf("add: %v; want %v", err, runtime.ErrJobQueueNotFound)
	}
	if _, err := queue.AddAndClaim(t.Context(), noteJob.Type, note{}, "h"); !errors.Is(err, runtime.ErrJobQueueNotFound) {
		t.Errorf("add and claim: %v; want %v", err, runtime.ErrJobQueueNotFound)
	}
	if job, err := queue.TryClaim(t.Context(), "h"); !errors.Is(err, runtime.ErrJobNotFound) {
		t.Errorf("claimed %v of another queue, %v", job, err)
	}
}
