//go:build unix

package sqlite_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

// changes are what may happen to an open file, and how to undo it.
var changes = map[string]func(path string) (undo func() error, err error){
	"deleted": func(path string) (func() error, error) { return nil, os.Remove(path) },
	"moved": func(path string) (func() error, error) {
		return func() error { return os.Rename(path+".moved", path) }, os.Rename(path, path+".moved")
	},
	"replaced": func(path string) (func() error, error) {
		undo := func() error { return os.Rename(path+".moved", path) }
		return undo, errors.Join(os.Link(path, path+".moved"), os.WriteFile(path+".new", nil, 0o600), os.Rename(path+".new", path))
	},
	"its log deleted": func(path string) (func() error, error) { return nil, os.Remove(path + "-wal") },
	"its directory moved": func(path string) (func() error, error) {
		dir := filepath.Dir(path)
		return func() error { return os.Rename(dir+".moved", dir) }, os.Rename(dir, dir+".moved")
	},
}

func TestAFileThatIsNotInItsPlaceIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			store := open(t, path)
			exec(t, store.DB(), "CREATE TABLE account (id INTEGER PRIMARY KEY)")
			queue := notes(t, store)
			job, err := queue.AddAndClaim(t.Context(), noteJob.Type, note{}, "h")
			if err == nil {
				_, err = queue.Add(t.Context(), noteJob.Type, note{})
			}
			if err != nil {
				t.Fatal(err)
			}
			tx := begin(t, store)
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO account VALUES (1)"); err != nil {
				t.Fatal(err)
			}
			undo, err := change(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(name, "log") { // which is looked for every few milliseconds
				for err == nil {
					_, err = queue.Stats(t.Context())
				}
			}
			if err := tx.Commit(); !errors.Is(err, sqlite.ErrFileChanged) {
				t.Errorf("a transaction that was open: %v; want %v", err, sqlite.ErrFileChanged)
			}
			for what, do := range map[string]func(ctx context.Context) error{
				"Add":      func(ctx context.Context) error { _, err := queue.Add(ctx, noteJob.Type, note{}); return err },
				"TryClaim": func(ctx context.Context) error { _, err := queue.TryClaim(ctx, "h"); return err },
				"Complete": job.Complete,
				"Stats":    func(ctx context.Context) error { _, err := queue.Stats(ctx); return err },
			} {
				err := do(t.Context())
				var refused *driver.RefusedError
				if !errors.Is(err, sqlite.ErrFileChanged) || !errors.As(err, &refused) || refused.Final || !strings.Contains(err.Error(), "restart the program") {
					t.Errorf("%s: %v; want an error that says what to do", what, err)
				}
			}
			if undo == nil {
				return
			}
			if err := undo(); err != nil {
				t.Fatal(err)
			}
			if err := job.Complete(t.Context()); err != nil {
				t.Errorf("back in its place: %v", err)
			}
			if stats, err := queue.Stats(t.Context()); err != nil || stats != (runtime.JobQueueStats{Waiting: 1, Due: 1}) {
				t.Errorf("back in its place: %+v, %v; want the one job that was acknowledged", stats, err)
			}
			if n := query[int](t, store.DB(), "SELECT count(*) FROM account"); n != 0 {
				t.Errorf("%d accounts that were not committed", n)
			}
		})
	}
}

// records keeps the messages of warnings and errors.
type records struct {
	slog.Handler
	mu    sync.Mutex
	texts []string
	came  chan struct{} // closed with the first
}

func (r *records) Handle(_ context.Context, record slog.Record) error {
	text := record.Message
	record.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.texts = append(r.texts, text); len(r.texts) == 1 {
		close(r.came)
	}
	return nil
}

func (r *records) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (r *records) WithAttrs([]slog.Attr) slog.Handler               { return r }
func (r *records) WithGroup(string) slog.Handler                    { return r }

func TestAWorkerOutlivesAFileThatIsAway(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	store := open(t, path)
	queue := notes(t, store)
	logged := &records{came: make(chan struct{})}
	done := make(chan struct{}, 1)
	mux := runtime.NewMux()
	mux.Handle(noteJob, func(context.Context, *runtime.Job, note) error {
		done <- struct{}{}
		return nil
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- runtime.NewWorker(store, mux, runtime.WithLogger(slog.New(logged)), runtime.WithPollInterval(10*time.Millisecond)).Run(ctx)
	}()
	if _, err := queue.Add(t.Context(), noteJob.Type, note{}); err != nil {
		t.Fatal(err)
	}
	<-done
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	<-logged.came
	logged.mu.Lock()
	if first := logged.texts[0]; !strings.Contains(first, "was deleted or moved") {
		t.Errorf("logged: %s", first)
	}
	logged.mu.Unlock()
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	for { // a rename takes effect with the next check
		_, err := queue.Add(t.Context(), noteJob.Type, note{})
		if err == nil {
			break
		}
		if !errors.Is(err, sqlite.ErrFileChanged) {
			t.Fatal(err)
		}
	}
	<-done
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	logged.mu.Lock()
	defer logged.mu.Unlock()
	if len(logged.texts) > 2 { // of claiming, and of an outcome
		t.Errorf("said more than once: %q", logged.texts)
	}
}
