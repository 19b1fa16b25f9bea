package sqlite_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

// Many jobs are taken out of the waiting ones as a range, which must not reach
// jobs of another type that wait between them, or of another queue.
func TestALargeClaimLeavesWhatWaitsBetweenItsJobs(t *testing.T) {
	t.Parallel()
	other, elsewhere := runtime.Define[note]("other", "notes"), runtime.Define[note]("elsewhere", "more")
	store, err := sqlite.Open(t.Context(), newPath(t), runtime.NewCatalogue(noteJob, other, elsewhere), sqlite.WithSynchronousNormal())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	const each = 60
	for i := range each {
		priority := runtime.JobOptions.Priority(int16(i % 3))
		for _, def := range []*runtime.Definition{noteJob, other, elsewhere} {
			if _, err := runtime.EnqueueBatch(t.Context(), store, def, make([]note, 1+i%2), priority); err != nil {
				t.Fatal(err)
			}
		}
	}
	queue := notes(t, store)
	claim := func(limit int, types ...runtime.JobType) []driver.Row {
		t.Helper()
		req := driver.ClaimRequest{Handler: "h", Limit: limit}
		for _, jobType := range types {
			req.Types = append(req.Types, driver.TypeVersion{Type: string(jobType), Version: 1})
		}
		claimed, err := queue.Driver().Claim(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		checkTables(t, store)
		return claimed.Rows
	}
	inOrder := func(jobs []driver.Row) bool {
		return slices.IsSortedFunc(jobs, func(a, b driver.Row) int {
			return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
		})
	}
	first := claim(70, noteJob.Type) // across priorities, with others between
	both := claim(40, noteJob.Type, other.Type)
	rest := claim(1000, noteJob.Type, other.Type) // nothing between any more
	seen := make(map[string]int)
	for _, jobs := range [][]driver.Row{first, both, rest} {
		if !inOrder(jobs) {
			t.Error("claims are out of order")
		}
		for _, job := range jobs {
			seen[job.Type.Type]++
		}
	}
	if len(first) != 70 || len(both) != 40 || len(rest) != 3*each-110 || seen[string(noteJob.Type)] != each*3/2 || seen[string(other.Type)] != each*3/2 {
		t.Errorf("claimed %d, %d and %d jobs, by type %v", len(first), len(both), len(rest), seen)
	}
	more, err := store.GetQueue(t.Context(), "more")
	if err != nil {
		t.Fatal(err)
	}
	if stats, err := more.Stats(t.Context()); err != nil || stats.Due != each*3/2 {
		t.Errorf("the other queue: %+v, %v", stats, err)
	}
}
