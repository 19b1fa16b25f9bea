package postgres_test

import (
	"errors"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// A part does harm while it is written.
type part struct{ harm func() error }

func (p part) MarshalText() ([]byte, error) {
	if p.harm != nil {
		return nil, p.harm()
	}
	return []byte("ok"), nil
}

type harmfulJob struct {
	Part part `json:"part"`
}

// An endlessError unwraps to itself, and the methods of a hostileError panic.
type (
	endlessError struct{}
	hostileError struct{}
)

func (endlessError) Error() string { return "endless" }
func (endlessError) Unwrap() error { return endlessError{} }

func (hostileError) Error() string { return "hostile" }
func (hostileError) Unwrap() error { panic("Unwrap") }
func (hostileError) Is(error) bool { panic("Is") }
func (hostileError) As(any) bool   { panic("As") }

// A large batch is encoded in a goroutine of the store's own. What a method of a
// payload did there used to end the process, to hang, or to leave out the rest of
// the batch without an error.
func TestWhateverAPayloadOfALargeBatchDoesTheBatchIsNotAddedAtAll(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	def := runtime.Define[harmfulJob]("harmful", "notes")
	store, err := postgres.Open(t.Context(), dsn, runtime.NewCatalogue(def))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	for name, harm := range map[string]func() error{
		"Goexit":             func() error { goruntime.Goexit(); return nil },
		"panic":              func() error { panic(hostileError{}) },
		"error":              func() error { return errors.New("not today") },
		"endless error":      func() error { return endlessError{} },
		"error that panics":  func() error { return hostileError{} },
		"pointer into space": func() error { var p *int; *p = 1; return nil },
	} {
		payloads := make([]harmfulJob, 2500)
		payloads[1500].Part.harm = harm
		added := make(chan error, 1)
		go func() {
			_, err := runtime.EnqueueBatch(t.Context(), store, def, payloads)
			added <- err
		}()
		select {
		case err := <-added:
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: the call hangs", name)
		}
	}
	if n := query[int](t, connect(t, dsn), "SELECT count(*) FROM jobgen.job"); n != 0 {
		t.Errorf("%d jobs are there, want none", n)
	}
}

// Batches of one statement were repeated, and larger ones were not.
func TestABatchIsRepeatedWhereTheDatabaseGivesItUpForAnother(t *testing.T) {
	t.Parallel()
	for when, trigger := range map[string]string{
		"in a statement": "CREATE TRIGGER fail AFTER INSERT ON jobgen.job EXECUTE FUNCTION fail()",
		"at the commit":  "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON jobgen.job DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()",
	} {
		for _, size := range []int{2, 3456} {
			t.Run(when, func(t *testing.T) {
				t.Parallel()
				dsn := pgtest.DSN(t)
				store := open(t, dsn)
				conn := connect(t, dsn)
				// The sequence does not go back with the transaction.
				exec(t, conn, "CREATE SEQUENCE times", `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
					IF nextval('times') <= 2 THEN RAISE 'not now' USING ERRCODE = 'serialization_failure'; END IF; RETURN NULL; END $$`, trigger)
				ids, err := runtime.EnqueueBatch(t.Context(), store, noteJob, make([]note, size))
				if err != nil || len(ids) != size {
					t.Fatalf("%d ids, error %v", len(ids), err)
				}
				if n := query[int](t, conn, "SELECT count(*) FROM jobgen.job"); n != size {
					t.Errorf("%d jobs are there, want %d", n, size)
				}
			})
		}
	}
}
