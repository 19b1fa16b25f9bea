package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime/driver"
)

func TestWhatTheServerRefusesIsToldFromAServerThatIsAway(t *testing.T) {
	t.Parallel()
	const refused, final = true, true
	for name, c := range map[string]struct {
		statements     []string // that make the database so, as its owner
		parameters     map[string]string
		refused, final bool
	}{
		"a check":                 {statements: []string{"ALTER TABLE jobgen.job ADD CONSTRAINT never CHECK (id < 0)"}, refused: refused, final: final},
		"a trigger":               {statements: []string{"CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$", "CREATE TRIGGER no BEFORE INSERT ON jobgen.job FOR EACH ROW EXECUTE FUNCTION no()"}, refused: refused, final: final},
		"a column that is gone":   {statements: []string{"ALTER TABLE jobgen.job RENAME payload TO other"}, refused: refused, final: final},
		"a lock":                  {parameters: map[string]string{"lock_timeout": "50"}, statements: []string{"BEGIN", "LOCK TABLE jobgen.job"}, refused: refused},
		"a statement's timeout":   {parameters: map[string]string{"statement_timeout": "50"}, statements: []string{"BEGIN", "LOCK TABLE jobgen.job"}, refused: refused},
		"a read-only server":      {parameters: map[string]string{"default_transaction_read_only": "on"}},
		"a connection that broke": {statements: []string{"CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$", "CREATE TRIGGER no BEFORE INSERT ON jobgen.job FOR EACH ROW EXECUTE FUNCTION no()"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DSN(t)
			store, pool := openOn(t, dsn, func(*pgxpool.Config) {})
			queue := notes(t, store)
			if len(c.parameters) > 0 {
				conn := connect(t, dsn)
				for parameter, value := range c.parameters {
					exec(t, conn, "ALTER DATABASE "+pgx.Identifier{conn.Config().Database}.Sanitize()+" SET "+parameter+" = '"+value+"'")
				}
				pool.Reset()
			}
			// The connection stays open, and so may its transaction.
			conn := connect(t, dsn)
			if c.parameters["default_transaction_read_only"] == "" {
				exec(t, conn, "SET lock_timeout = 0", "SET statement_timeout = 0")
			}
			exec(t, conn, c.statements...)
			_, err := queue.Driver().Add(context.Background(), driver.Batch{
				Type: noteVersions[0], Len: 1, Options: driver.Options{MaxAttempts: 1},
				Payload: func(dst []byte, _ int) ([]byte, error) { return append(dst, "{}"...), nil },
			})
			var answer *driver.RefusedError
			if err == nil || errors.As(err, &answer) != c.refused || c.refused && answer.Final != c.final {
				t.Errorf("%v: refused %v %+v; want refused %v, final %v", err, answer != nil, answer, c.refused, c.final)
			}
		})
	}
}
