package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/queuetest"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

// database is one file under test.
type database struct {
	path string
	opts []sqlite.Option
	one  *sqlite.Store
}

func newFile(t testing.TB) queuetest.Store {
	// What these tests prove does not depend on waiting for the disk.
	return &database{path: newPath(t), opts: []sqlite.Option{sqlite.WithSynchronousNormal()}}
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "jobs, 100% of #1?.db") }

func (d *database) Open(t testing.TB, catalogue *runtime.Catalogue) runtime.JobService {
	store, err := sqlite.Open(t.Context(), d.path, catalogue, d.opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	d.one = store
	return store
}

func (d *database) Advance(t testing.TB, by time.Duration) {
	if err := d.one.Advance(context.WithoutCancel(t.Context()), by); err != nil {
		t.Fatal(err)
	}
}

func (d *database) Begin(t testing.TB, service runtime.JobService) (bound runtime.JobService, commit, rollback func() error) {
	store := service.(*sqlite.Store)
	tx, err := store.DB().BeginTx(context.WithoutCancel(t.Context()), nil)
	if err != nil {
		t.Fatal(err)
	}
	return store.InTx(tx), tx.Commit, tx.Rollback
}

func TestStore(t *testing.T)       { queuetest.Run(t, newFile) }
func TestModel(t *testing.T)       { queuetest.RunModel(t, newFile) }
func TestConcurrency(t *testing.T) { queuetest.RunConcurrency(t, newFile) }

func BenchmarkStore(b *testing.B) { queuetest.Bench(b, newFile) }
