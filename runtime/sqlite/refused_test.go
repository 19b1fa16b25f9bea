package sqlite_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

func TestWhatSQLiteRefusesIsARefusalAndFinalWhereItStaysSo(t *testing.T) {
	t.Parallel()
	add := func(t *testing.T, store *sqlite.Store, payload string, times int) error {
		queue := notes(t, store)
		for range times {
			if _, err := queue.Add(t.Context(), noteJob.Type, note{payload}); err != nil {
				return err
			}
		}
		return nil
	}
	for name, c := range map[string]struct {
		option sqlite.Option
		final  bool
		do     func(t *testing.T, path string, store *sqlite.Store) error
	}{
		"a trigger of the application": {sqlite.WithSynchronousNormal(), true, func(t *testing.T, _ string, store *sqlite.Store) error {
			exec(t, store.DB(), "CREATE TRIGGER refuse BEFORE INSERT ON jobgen_job BEGIN SELECT RAISE(ABORT, 'no'); END")
			return add(t, store, "", 1)
		}},
		"a table that is missing": {sqlite.WithSynchronousNormal(), true, func(t *testing.T, _ string, store *sqlite.Store) error {
			exec(t, store.DB(), "DROP TABLE jobgen_waiting")
			return add(t, store, "", 1)
		}},
		"a full disk": {sqlite.WithPragma("max_page_count(100)"), false, func(t *testing.T, _ string, store *sqlite.Store) error {
			return add(t, store, strings.Repeat("x", 100_000), 10)
		}},
		"a transaction of this process": {sqlite.WithBusyTimeout(10 * time.Millisecond), false, func(t *testing.T, _ string, store *sqlite.Store) error {
			begin(t, store)
			return add(t, store, "", 1)
		}},
		"a transaction of another process": {sqlite.WithBusyTimeout(10 * time.Millisecond), false, func(t *testing.T, path string, store *sqlite.Store) error {
			conn, err := raw(t, path).Conn(t.Context())
			if err != nil {
				return err
			}
			t.Cleanup(func() { conn.Close() })
			if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
				return err
			}
			return add(t, store, "", 1)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			store, err := sqlite.Open(t.Context(), path, runtime.NewCatalogue(noteJob), c.option)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close() })
			var refused *driver.RefusedError
			if err := c.do(t, path, store); !errors.As(err, &refused) || refused.Final != c.final {
				t.Errorf("%v (%+v); want a refusal, final: %v", err, refused, c.final)
			}
		})
	}
}
