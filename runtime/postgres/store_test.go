package postgres_test

import (
	"context"
	"database/sql"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/jobgen/jobgen/internal/test/leak"
	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
	"github.com/jobgen/jobgen/runtime/queuetest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// setup is one way of running the back end.
type setup struct {
	empty *pgtest.Template
	mode  pgx.QueryExecMode
	sqlTx bool // transactions are database/sql's
	// openSQL opens the database that those are of; nil is pgx's on the pool.
	openSQL func(t testing.TB, dsn string) *sql.DB
	polls   bool // nothing tells one process of another's doings
	opts    []postgres.Option
}

// migrated is a database with the tables in it.
func migrated(opts ...postgres.Option) *pgtest.Template {
	return pgtest.NewTemplate(func(ctx context.Context, dsn string) error { return postgres.Migrate(ctx, dsn, opts...) })
}

var (
	usual = setup{empty: migrated(), mode: pgx.QueryExecModeCacheStatement}
	// pooler is what a pooler in transaction mode leaves to work with, in a
	// schema whose name needs care.
	odd    = postgres.WithSchema("Jobs of jobgen.x; -- ünï")
	pooler = setup{empty: migrated(odd), mode: pgx.QueryExecModeSimpleProtocol, sqlTx: true, polls: true, opts: []postgres.Option{odd, postgres.WithoutListen()}}
)

// database is one database under test.
type database struct {
	setup
	dsn    string
	stores map[*runtime.Store]*postgres.Store
	one    *postgres.Store
}

func (s setup) newStore(t testing.TB) queuetest.Store {
	return &database{setup: s, dsn: s.empty.DSN(t), stores: make(map[*runtime.Store]*postgres.Store)}
}

func (d *database) Open(t testing.TB, catalogue *runtime.Catalogue) *runtime.Store {
	config, err := pgxpool.ParseConfig(d.dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.DefaultQueryExecMode = d.mode
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := postgres.New(t.Context(), pool, catalogue, d.opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	store.SweepAlways()
	d.stores[store.Store], d.one = store, store
	return store.Store
}

func (d *database) Polls() bool { return d.polls }

func (d *database) Advance(t testing.TB, by time.Duration) {
	if err := d.one.Advance(context.WithoutCancel(t.Context()), by); err != nil {
		t.Fatal(err)
	}
}

func (d *database) Begin(t testing.TB, service *runtime.Store) (bound *runtime.Store, commit, rollback func() error) {
	store := d.stores[service]
	pool := store.Pool()
	ctx := context.WithoutCancel(t.Context())
	if d.sqlTx || d.openSQL != nil {
		var db *sql.DB
		if d.openSQL != nil {
			db = d.openSQL(t, d.dsn)
		} else {
			db = stdlib.OpenDBFromPool(pool)
		}
		tx, err := db.BeginTx(ctx, &sql.TxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		end := func(how func() error) func() error {
			return func() error {
				defer db.Close()
				return how()
			}
		}
		return store.InSQLTx(tx), end(tx.Commit), end(tx.Rollback)
	}
	tx, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return store.InTx(tx), func() error { return tx.Commit(ctx) }, func() error { return tx.Rollback(ctx) }
}

func TestStore(t *testing.T)             { queuetest.Run(t, usual.newStore) }
func TestStoreBehindPooler(t *testing.T) { queuetest.Run(t, pooler.newStore) }
func TestModel(t *testing.T)             { queuetest.RunModel(t, usual.newStore) }
func TestConcurrency(t *testing.T)       { queuetest.RunConcurrency(t, usual.newStore) }

func BenchmarkStore(b *testing.B) { queuetest.Bench(b, usual.newStore) }

// note is the payload of these tests' own jobs.
type note struct {
	Text string `json:"text"`
}

var (
	noteJob   = runtime.Define[note]("note", "notes")
	catalogue = runtime.NewCatalogue(noteJob)
)

// open returns a store on dsn that lasts as long as the test.
func open(t *testing.T, dsn string, opts ...postgres.Option) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), dsn, catalogue, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// openOn is open on a pool of the caller's own, which change configures.
func openOn(t *testing.T, dsn string, change func(*pgxpool.Config)) (*postgres.Store, *pgxpool.Pool) {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	change(config)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := postgres.New(t.Context(), pool, catalogue)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store, pool
}

// A service is a store, bound to a transaction or not.
type service interface {
	runtime.JobService
	Queue(ctx context.Context, name string) (*runtime.Queue, error)
}

func notes(t *testing.T, service service) *runtime.Queue {
	t.Helper()
	queue, err := service.Queue(t.Context(), "notes")
	if err != nil {
		t.Fatal(err)
	}
	return queue
}

func add(t *testing.T, service runtime.JobService, n int) {
	t.Helper()
	for range n {
		if _, err := runtime.Enqueue(t.Context(), service, noteJob, &note{}); err != nil {
			t.Fatal(err)
		}
	}
}

// connect returns a connection of the test's own.
func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func query[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var value T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// awaitLocked returns how many statements of conn's database wait for a lock,
// once that many do.
func awaitLocked(t *testing.T, conn *pgx.Conn, many int) int {
	t.Helper()
	for {
		n := query[int](t, conn, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
		if n >= many {
			return n
		}
		time.Sleep(time.Millisecond)
	}
}

// connectLate is connect for a clean-up, when the test's context has ended.
func connectLate(t *testing.T, dsn string) (*pgx.Conn, context.Context) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	return conn, ctx
}

// asRole is dsn for another role.
func asRole(t *testing.T, dsn, role, password string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}
