package sqlite_test

import (
	"context"
	"path/filepath"
	"sync"
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

	mu     sync.Mutex
	opened map[*runtime.Store]*sqlite.Store
}

func newFile(t testing.TB) queuetest.Store {
	// What these tests prove does not depend on waiting for the disk.
	return &database{
		path: newPath(t), opts: []sqlite.Option{sqlite.WithSynchronousNormal()},
		opened: make(map[*runtime.Store]*sqlite.Store),
	}
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "jobs, 100% of #1?.db") }

func (d *database) Open(t testing.TB, catalogue *runtime.Catalogue) *runtime.Store {
	store, err := sqlite.Open(t.Context(), d.path, catalogue, d.opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		checkTables(t, store)
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.one, d.opened[store.Store] = store, store
	return store.Store
}

// checkTables holds the tables that say which jobs wait and which are claimed
// against the jobs.
func checkTables(t testing.TB, store *sqlite.Store) {
	t.Helper()
	for what, query := range map[string]string{
		"jobs that do not either wait or have a claim": `SELECT count(*) FROM jobgen_job j
			LEFT JOIN jobgen_waiting w ON w.queue = j.queue AND w.priority = j.priority AND w.due = j.due AND w.job = j.id
			LEFT JOIN jobgen_claim c ON c.job = j.id AND c.queue = j.queue AND c.number = j.attempts AND c.max_attempts = j.max_attempts
			WHERE (w.job IS NULL) = (c.job IS NULL)`,
		"that wait and are no jobs":                    `SELECT count(*) FROM jobgen_waiting w LEFT JOIN jobgen_job j ON j.id = w.job AND j.due = w.due AND j.priority = w.priority WHERE j.id IS NULL`,
		"that are claimed and no jobs":                 `SELECT count(*) FROM jobgen_claim c LEFT JOIN jobgen_job j ON j.id = c.job WHERE j.id IS NULL`,
		"claims that expire before their queue says":   `SELECT count(*) FROM jobgen_claim c JOIN jobgen_queue q ON q.number = c.queue WHERE c.expires < q.expires`,
		"claims that were made after their queue says": `SELECT count(*) FROM jobgen_claim c JOIN jobgen_queue q ON q.number = c.queue WHERE c.claimed > q.claimed`,
	} {
		var n int
		if err := store.DB().QueryRowContext(context.WithoutCancel(t.Context()), query).Scan(&n); err != nil || n > 0 {
			t.Errorf("%d %s, %v", n, what, err)
		}
	}
}

func (d *database) Advance(t testing.TB, by time.Duration) {
	if err := d.one.Advance(context.WithoutCancel(t.Context()), by); err != nil {
		t.Fatal(err)
	}
}

func (d *database) Begin(t testing.TB, service *runtime.Store) (bound *runtime.Store, commit, rollback func() error) {
	d.mu.Lock()
	store := d.opened[service]
	d.mu.Unlock()
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
