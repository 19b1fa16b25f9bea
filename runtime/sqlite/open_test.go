package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

func TestOpenSaysWhatIsWrongWithAPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":                                "the path is empty",
		":memory:":                        "runtime/memory",
		"file:jobs.db?mode=memory":        "is a URI",
		dir:                               "is a directory",
		filepath.Join(dir, "no", "x.db"):  "does not exist; create it first",
		filepath.Join(text, "x.db"):       "not a directory",
		text:                              "is not an SQLite database",
		filepath.Join(dir, "nul\x00.db"):  "NUL",
		string(filepath.Separator) + "/.": "is a directory",
	} {
		store, err := sqlite.Open(t.Context(), path, catalogue)
		if err == nil {
			store.Close()
			t.Errorf("opened %q", path)
		} else if !strings.HasPrefix(err.Error(), "open sqlite store: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", path, err, want)
		}
	}
	if got, err := os.ReadFile(text); err != nil || !strings.HasPrefix(string(got), "this is no database") {
		t.Errorf("what is no database was written to: %q, %v", got, err)
	}
}

func TestOpenRefusesBadOptionsAndCatalogues(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	for _, opt := range []sqlite.Option{sqlite.WithBusyTimeout(0), sqlite.WithRetention(-1)} {
		if _, err := sqlite.Open(t.Context(), path, catalogue, opt); err == nil {
			t.Error("a bad option was accepted")
		}
	}
	twice := runtime.NewCatalogue(runtime.Define[note]("a", "q"), runtime.Define[note]("a", "q"))
	if _, err := sqlite.Open(t.Context(), path, twice); err == nil {
		t.Error("a bad catalogue was accepted")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sqlite.Open(ended, path, catalogue); !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want %v", err, context.Canceled)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made: %v", err)
	}
}

func TestManyOpenANewFileAtOnce(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			store, err := sqlite.Open(t.Context(), path, catalogue)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := runtime.Enqueue(t.Context(), store, noteJob, &note{}); err != nil {
				t.Error(err)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	db := raw(t, path)
	if n := query[int](t, db, "SELECT count(*) FROM jobgen_migration"); n != 1 {
		t.Errorf("%d migrations are on record; want 1", n)
	}
	if n := query[int](t, db, "SELECT count(*) FROM jobgen_job"); n != 8 {
		t.Errorf("%d jobs; want 8", n)
	}
}

func TestANewerFileIsRefused(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	exec(t, raw(t, path), "INSERT INTO jobgen_migration (version, name, applied) VALUES (77, 'later', 0)")
	_, err := sqlite.Open(t.Context(), path, catalogue)
	if err == nil || !strings.Contains(err.Error(), "version 77") || !strings.Contains(err.Error(), "up to 1") {
		t.Errorf("%v; want an error that names both versions", err)
	}
}

func TestTheApplicationsFileStaysItsOwn(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := raw(t, path)
	exec(t, db, "CREATE TABLE job (id INTEGER PRIMARY KEY)", "INSERT INTO job VALUES (7)", "PRAGMA user_version = 5", "PRAGMA application_id = 6")
	store := open(t, path)
	if _, err := runtime.Enqueue(t.Context(), store, noteJob, &note{}); err != nil {
		t.Fatal(err)
	}
	for want, pragma := range map[int]string{5: "PRAGMA user_version", 6: "PRAGMA application_id", 7: "SELECT id FROM job"} {
		if got := query[int](t, store.DB(), pragma); got != want {
			t.Errorf("%s is %d; want %d", pragma, got, want)
		}
	}
	if names := query[int](t, db, "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'jobgen\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"); names != 1 {
		t.Errorf("%d names of ours do not begin with jobgen_", names-1)
	}
}

func TestAFullDiskIsAClearErrorAndLosesNothing(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t), sqlite.WithPragma("max_page_count(100)"))
	added := int64(0)
	var err error
	for err == nil {
		if _, err = runtime.Enqueue(t.Context(), store, noteJob, &note{strings.Repeat("x", 1000)}); err == nil {
			added++
		}
	}
	if !strings.Contains(err.Error(), "full") || !strings.Contains(err.Error(), `queue "notes"`) {
		t.Errorf("%v; want an error that says so", err)
	}
	if _, err := runtime.EnqueueBatch(t.Context(), store, noteJob, make([]note, 10_000)); err == nil {
		t.Error("a batch was added to a full disk")
	}
	stats, err := notes(t, store).Stats(t.Context())
	if err != nil || stats.Waiting != added || added == 0 {
		t.Errorf("%+v, %v; want the %d jobs that were acknowledged", stats, err, added)
	}
	// A job that is done leaves more room than it takes.
	job, err := notes(t, store).TryClaim(t.Context(), "h")
	if err != nil {
		t.Fatal(err)
	}
	if err := job.Complete(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAClosedStoreSaysSo(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t))
	queue := notes(t, store)
	for range 2 {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := queue.TryClaim(t.Context(), "h"); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("claim: %v; want an error that says so", err)
	}
	if _, err := queue.Stats(t.Context()); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("stats: %v; want an error that says so", err)
	}
}

func TestCloseLeavesNoFileOpenAndOneFile(t *testing.T) {
	if goruntime.GOOS != "linux" {
		return // only there can open files be counted so simply
	}
	path := newPath(t)
	use := func() {
		store := open(t, path)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_ = notes(t, store).WaitForJob(ctx)
		if _, err := notes(t, store).Stats(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
		query[int](t, store.DB(), "SELECT 1")
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	use() // what is opened once for the process is open now
	before := openFiles(t)
	for range 5 {
		use()
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d files are open; want the %d of before", after, before)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// raw returns a connection of the test's own.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	// A plain path, in which nothing is escaped.
	t.Cleanup(func() { db.Close() })
	return db
}

func exec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func query[T any](t *testing.T, db *sql.DB, query string, args ...any) T {
	t.Helper()
	var value T
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&value); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", query, err))
	}
	return value
}
