package postgres_test

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jobgen/jobgen/internal/test/pgproxy"
	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// proxied returns a proxy to the server of dsn, and dsn by it.
func proxied(t *testing.T, dsn string) (*pgproxy.Proxy, string) {
	t.Helper()
	proxy, through, err := pgproxy.StartFor(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	return proxy, through
}

// quiet waits until nothing has come by a channel for a moment.
func quiet(c <-chan struct{}) {
	for {
		select {
		case <-c:
		case <-time.After(300 * time.Millisecond):
			return
		}
	}
}

// Whatever happened while the server was away was not notified.
func TestAServerThatIsBackWakesWhoeverWaits(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]postgres.Option{"listening": nil, "polling": {postgres.WithoutListen()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DSN(t)
			proxy, through := proxied(t, dsn)
			store := open(t, through, opts...)
			queue := notes(t, store).Driver()
			arrived, revoked := queue.Arrived(), queue.Revoked(t.Context())
			quiet(arrived)
			quiet(revoked)

			u, err := url.Parse(dsn)
			if err != nil {
				t.Fatal(err)
			}
			proxy.Redirect("127.0.0.1:1")
			proxy.Reset(pgproxy.All)
			for {
				if _, err := queue.Stats(t.Context(), driver.StatsRequest{}); err != nil {
					break
				}
			}
			quiet(arrived)
			quiet(revoked)
			proxy.Redirect(u.Host)
			for what, c := range map[string]<-chan struct{}{"jobs": arrived, "revoked claims": revoked} {
				select {
				case <-c:
				case <-time.After(20 * time.Second):
					t.Errorf("whoever waits for %s was not woken", what)
				}
			}
		})
	}
}

func TestCallsEndWithTheirContextsWhereTheServerIsSilent(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	proxy, through := proxied(t, dsn)
	store := open(t, through)
	s := newStock(t, store)
	queue := notes(t, store)
	defer proxy.Hold(pgproxy.All, pgproxy.ToServer, pgproxy.ToClient)()
	store.LoseLease() // so that a call for an id asks the server

	begun := time.Now()
	ended := make(chan string)
	all := calls(store.Driver(), queue.Driver(), s)
	for _, call := range all {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			name, _ := call(ctx)
			ended <- name
		}()
	}
	open := time.After(20 * time.Second)
	for n := range all {
		select {
		case <-ended:
		case <-open:
			t.Fatalf("%d of %d calls have not ended after %v", len(all)-n, len(all), time.Since(begun))
		}
	}
}

func TestCloseEndsWhereTheServerIsSilent(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	proxy, through := proxied(t, dsn)
	store := open(t, through)
	queue := notes(t, store)
	queue.Driver().Arrived()
	release := proxy.Hold(pgproxy.All, pgproxy.ToServer, pgproxy.ToClient)
	const callers = 3 // one sends, the others are a batch that waits
	done := make(chan error, callers)
	for range callers {
		go func() {
			_, err := queue.Add(context.Background(), "note", &note{})
			done <- err
		}()
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		store.Close()
	}()
	select {
	case <-closed:
	case <-time.After(30 * time.Second):
		t.Error("Close has not returned after 30 s")
	}
	release()
	for range callers {
		<-done
	}
	<-closed
}

func TestAWorkerBeginsOnceAServerThatWasAwayAtItsStartIsThere(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	proxy, through := proxied(t, dsn)
	store := open(t, through)
	id, err := notes(t, open(t, dsn)).Add(t.Context(), "note", &note{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	proxy.Redirect("127.0.0.1:1")
	proxy.Reset(pgproxy.All)
	away := make(chan string, 100)
	handled := make(chan *runtime.Job, 1)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		mux := runtime.NewMux()
		mux.Handle(noteJob, func(_ context.Context, job *runtime.Job, _ note) error { handled <- job; return nil })
		ended <- runtime.NewWorker(store, mux, runtime.WithLogger(slog.New(slog.NewTextHandler(lines(away), nil)))).Run(ctx)
	}()
	for line := range away {
		if strings.Contains(line, "cannot begin") {
			break
		}
	}
	proxy.Redirect(u.Host)
	select {
	case job := <-handled:
		if job.ID != id {
			t.Errorf("handled %v; want job %d", job, id)
		}
	case err := <-ended:
		t.Fatalf("Run ended: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("the worker has not begun 20 s after the server was there")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// lines passes on what is written to it, as far as there is room.
type lines chan<- string

func (l lines) Write(line []byte) (int, error) {
	select {
	case l <- string(line):
	default:
	}
	return len(line), nil
}

func TestAWorkerWithoutItsSchemaOrItsRightsIsAnErrorAtOnce(t *testing.T) {
	t.Parallel()
	r := newRoles(t)
	for _, c := range []struct{ what, statement string }{ // in this order
		{"permission denied", "REVOKE ALL ON SCHEMA jobgen FROM " + r.prefix + "work"},
		{"does not exist", "DROP SCHEMA jobgen CASCADE"},
	} {
		store := open(t, r.as(t, "work"))
		exec(t, connect(t, r.admin), c.statement)
		mux := runtime.NewMux()
		mux.Handle(noteJob, func(context.Context, *runtime.Job, note) error { return nil })
		err := runtime.NewWorker(store, mux, runtime.WithLogger(nil)).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.what) {
			t.Errorf("after %s Run returned %v", c.statement, err)
		}
		exec(t, connect(t, r.admin), "DO $$ BEGIN IF to_regnamespace('jobgen') IS NOT NULL THEN GRANT USAGE ON SCHEMA jobgen TO "+r.prefix+"work; END IF; END $$")
	}
}
