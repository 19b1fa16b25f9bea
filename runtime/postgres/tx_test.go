package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/bwmarrin/snowflake"
	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// callersTx is a transaction of one driver, as its user has it.
type callersTx struct {
	bind             func(*postgres.Store) *runtime.Store
	exec             func(sql string) error
	commit, rollback func() error
}

// txDrivers begin transactions with each driver. A test of internal/test/repo
// adds lib/pq, which this module does not require.
var txDrivers = map[string]func(t *testing.T, ctx context.Context, dsn string) callersTx{
	"pgx": func(t *testing.T, ctx context.Context, dsn string) callersTx {
		tx, err := connect(t, dsn).Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return ofPGX(tx)
	},
	"pgx stdlib": beginSQL("pgx", nil),
}

func ofPGX(tx pgx.Tx) callersTx {
	ctx := context.Background()
	return callersTx{
		bind:   func(s *postgres.Store) *runtime.Store { return s.InTx(tx) },
		exec:   func(sql string) error { _, err := tx.Exec(ctx, sql); return err },
		commit: func() error { return tx.Commit(ctx) }, rollback: func() error { return tx.Rollback(ctx) },
	}
}

func beginSQL(name string, parameters url.Values) func(*testing.T, context.Context, string) callersTx {
	return func(t *testing.T, ctx context.Context, dsn string) callersTx {
		tx, err := openSQL(t, name, dsn, parameters).BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		return callersTx{
			bind:   func(s *postgres.Store) *runtime.Store { return s.InSQLTx(tx) },
			exec:   func(sql string) error { _, err := tx.ExecContext(context.Background(), sql); return err },
			commit: tx.Commit, rollback: tx.Rollback,
		}
	}
}

// openSQL opens a database with a driver of database/sql.
func openSQL(t testing.TB, name, dsn string, parameters url.Values) *sql.DB {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	for key, values := range parameters {
		query[key] = values
	}
	u.RawQuery = query.Encode()
	db, err := sql.Open(name, u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// stock are jobs in each state, made outside the transaction.
type stock struct {
	waiting, complete, fail, release, expired, cancel, dead snowflake.ID
}

func newStock(t *testing.T, store *postgres.Store) (s stock) {
	t.Helper()
	queue := notes(t, store)
	claimed := func(opts ...runtime.JobOption) snowflake.ID {
		job, err := queue.AddAndClaim(t.Context(), "note", &note{}, "h", opts...)
		if err != nil {
			t.Fatal(err)
		}
		return job.ID
	}
	s = stock{complete: claimed(), fail: claimed(), release: claimed(), cancel: claimed(), dead: claimed(runtime.JobMaxAttempts(1))}
	s.expired = claimed(runtime.JobMaxWorkDuration(0))
	if err := queue.Fail(t.Context(), s.dead, "h", 0, "no", nil); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.waiting, err = queue.Add(t.Context(), "note", &note{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// calls are all calls of a store and a queue of it, in an order in which each
// has something to do.
func calls(store driver.Store, queue driver.Queue, s stock) []func(ctx context.Context) (string, error) {
	types := []driver.TypeVersion{{Type: "note", Version: 1}}
	payload := func(dst []byte, i int) ([]byte, error) { return append(dst, `{"text":"a\"\\{},NULL"}`...), nil }
	batch := driver.Batch{Type: types[0], Len: 1, Payload: payload, Options: driver.Options{MaxAttempts: 3, MaxWork: 1e9}}
	many, claimed := batch, batch
	many.Len, claimed.Handler = 1500, "h"
	call := func(name string, do func(ctx context.Context) error) func(ctx context.Context) (string, error) {
		return func(ctx context.Context) (string, error) { return name, do(ctx) }
	}
	done := func(results []driver.Result, err error) error {
		for _, r := range results {
			if r.Status != driver.Done {
				return errors.Join(err, errors.New("an outcome was not written"))
			}
		}
		return err
	}
	finish := func(id snowflake.ID, kind driver.OutcomeKind) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			return done(queue.Finish(ctx, "h", []driver.Outcome{{Attempt: driver.Attempt{Job: id}, Kind: kind, Reason: `"no" \`, Log: []byte("log\x00\xff")}}))
		}
	}
	claim := func(req driver.ClaimRequest) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			claimed, err := queue.Claim(ctx, req)
			if err == nil && len(claimed.Rows) == 0 {
				err = errors.New("nothing was claimed")
			}
			return done(claimed.Finished, err)
		}
	}
	return []func(ctx context.Context) (string, error){
		call("add", func(ctx context.Context) error { _, err := queue.Add(ctx, batch); return err }),
		call("add many", func(ctx context.Context) error { _, err := queue.Add(ctx, many); return err }),
		call("add and claim", func(ctx context.Context) error { _, err := queue.Add(ctx, claimed); return err }),
		call("claim first", claim(driver.ClaimRequest{Handler: "other", From: driver.FromWaiting, Limit: 1})),
		call("steal", claim(driver.ClaimRequest{Handler: "thief", From: driver.FromExpired, Limit: 1})),
		call("claim", claim(driver.ClaimRequest{Handler: "new", Types: types, Limit: 2})),
		call("finish and claim", claim(driver.ClaimRequest{
			Handler: "h", Types: types, Limit: 1, LowestFirst: true,
			Finish: []driver.Outcome{{Attempt: driver.Attempt{Job: s.complete}, Log: []byte("log")}},
		})),
		call("claim of any type", claim(driver.ClaimRequest{Handler: "h", Limit: 1})),
		call("complete again", finish(s.complete, driver.Completed)),
		call("fail", finish(s.fail, driver.Failed)),
		call("release", finish(s.release, driver.Released)),
		call("complete late", finish(s.expired, driver.Completed)),
		call("cancel", func(ctx context.Context) error { _, err := queue.Cancel(ctx, s.cancel); return err }),
		call("revive", func(ctx context.Context) error { _, err := queue.Revive(ctx, s.dead, 2); return err }),
		call("lost", func(ctx context.Context) error {
			_, err := queue.Lost(ctx, "h", []driver.Attempt{{Job: s.cancel}})
			return err
		}),
		call("stats", func(ctx context.Context) error { _, err := queue.Stats(ctx, driver.StatsRequest{}); return err }),
		call("stats up to", func(ctx context.Context) error { _, err := queue.Stats(ctx, driver.StatsRequest{Limit: 3}); return err }),
		call("stats by type", func(ctx context.Context) error {
			_, err := queue.Stats(ctx, driver.StatsRequest{ByType: true})
			return err
		}),
		call("log", func(ctx context.Context) error {
			_, _, err := queue.Log(ctx, driver.Attempt{Job: s.fail})
			return err
		}),
		call("dead", func(ctx context.Context) error { _, err := queue.Dead(ctx, 0, 10); return err }),
		call("queues", func(ctx context.Context) error { _, err := store.Queues(ctx); return err }),
		call("create", func(ctx context.Context) error { _, err := store.Queue(ctx, "new", driver.CreateNew); return err }),
		call("open or create", func(ctx context.Context) error {
			_, err := store.Queue(ctx, "newer", driver.OpenOrCreate)
			return err
		}),
		call("look up", func(ctx context.Context) error { _, err := store.Queue(ctx, "notes", driver.OpenExisting); return err }),
		call("drain", func(ctx context.Context) error { _, err := store.Drain(ctx, "notes"); return err }),
		call("delete", func(ctx context.Context) error { _, err := store.Delete(ctx, "notes"); return err }),
	}
}

func TestEveryCallWorksInATransactionOfEachDriver(t *testing.T) {
	t.Parallel()
	for name, begin := range txDrivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := usual.empty.DSN(t)
			store := open(t, dsn)
			s := newStock(t, store)
			tx := begin(t, t.Context(), dsn)
			bound := tx.bind(store)
			for _, call := range calls(bound.Driver(), notes(t, bound).Driver(), s) {
				if name, err := call(t.Context()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if err := tx.commit(); err != nil {
				t.Fatal(err)
			}
			names, err := store.Queues(t.Context())
			if err != nil || strings.Join(names, " ") != "new newer" {
				t.Errorf("the queues are %q, error %v", names, err)
			}
		})
	}
}

// state is everything in a database that calls change.
func state(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	return query[string](t, conn, `SELECT concat_ws(' ',
		(SELECT md5(string_agg(j::text, ',' ORDER BY id)) FROM jobgen.job j), (SELECT md5(string_agg(e::text, ',' ORDER BY id)) FROM jobgen.ended_job e),
		(SELECT md5(string_agg(a::text, ',' ORDER BY job, number)) FROM jobgen.attempt a), (SELECT md5(string_agg(q::text, ',' ORDER BY number)) FROM jobgen.queue q),
		(SELECT md5(string_agg(h::text, ',' ORDER BY number)) FROM jobgen.handler h))`)
}

func TestWhatIsBoundToATransactionThatIsOverDoesNothing(t *testing.T) {
	t.Parallel()
	statement := func(statements ...string) func(*testing.T, callersTx, context.CancelFunc) {
		return func(t *testing.T, tx callersTx, _ context.CancelFunc) {
			for _, s := range statements {
				if err := tx.exec(s); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	ends := map[string]func(t *testing.T, tx callersTx, cancel context.CancelFunc){
		"committed": func(t *testing.T, tx callersTx, _ context.CancelFunc) {
			if err := tx.commit(); err != nil {
				t.Fatal(err)
			}
		},
		"rolled back": func(t *testing.T, tx callersTx, _ context.CancelFunc) {
			if err := tx.rollback(); err != nil {
				t.Fatal(err)
			}
		},
		"rolled back as its context ended": func(_ *testing.T, tx callersTx, cancel context.CancelFunc) {
			cancel()
			for tx.exec("SELECT 1") == nil { // database/sql takes a moment
			}
			_ = tx.rollback()
		},
		"committed by a statement":      statement("COMMIT"),
		"rolled back by a statement":    statement("ROLLBACK"),
		"followed by another":           statement("COMMIT", "BEGIN"),
		"followed by another, chained":  statement("ROLLBACK AND CHAIN"),
		"committed inside of savepoint": statement("SAVEPOINT a", "COMMIT"),
	}
	for name, begin := range txDrivers {
		for how, end := range ends {
			for _, used := range []bool{false, true} {
				if replaced := strings.HasPrefix(how, "followed"); replaced && !used {
					continue // nothing tells it from the one it was bound to
				}
				if name == "pgx" && how == "rolled back as its context ended" {
					continue // pgx leaves that to whoever began it
				}
				when := map[bool]string{false: "before its first use", true: "after its first use"}[used]
				t.Run(name+"/"+how+"/"+when, func(t *testing.T) {
					t.Parallel()
					dsn := usual.empty.DSN(t)
					store, conn := open(t, dsn), connect(t, dsn)
					s := newStock(t, store)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					tx := begin(t, ctx, dsn)
					bound := tx.bind(store)
					queue := notes(t, bound)
					if used {
						if _, err := queue.Stats(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					end(t, tx, cancel)
					before := state(t, conn)
					for _, call := range calls(bound.Driver(), queue.Driver(), s) {
						if name, err := call(t.Context()); !errors.Is(err, driver.ErrTxEnded) {
							t.Errorf("%s: %v", name, err)
						}
					}
					_ = tx.exec("COMMIT")
					if after := state(t, conn); after != before {
						t.Errorf("something changed, from %s\nto %s", before, after)
					}
					_ = tx.rollback()
				})
			}
		}
	}
}

func TestWhatIsBoundToASavepointOfPGXEndsWithIt(t *testing.T) {
	t.Parallel()
	for how, end := range map[string]func(outer, inner pgx.Tx) error{
		"released":                func(_, inner pgx.Tx) error { return inner.Commit(context.Background()) },
		"rolled back":             func(_, inner pgx.Tx) error { return inner.Rollback(context.Background()) },
		"over with the outer one": func(outer, _ pgx.Tx) error { return outer.Rollback(context.Background()) },
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			dsn := usual.empty.DSN(t)
			store := open(t, dsn)
			s := newStock(t, store)
			outer, err := store.Pool().Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer outer.Rollback(context.Background())
			inner, err := outer.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			bound := store.InTx(inner)
			queue := notes(t, bound)
			add(t, bound, 1)
			if err := end(outer, inner); err != nil {
				t.Fatal(err)
			}
			for _, call := range calls(bound.Driver(), queue.Driver(), s) {
				if name, err := call(t.Context()); !errors.Is(err, driver.ErrTxEnded) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}
