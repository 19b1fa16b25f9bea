package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func TestAStoreLeavesConnectionsThatCanOnlyRead(t *testing.T) {
	t.Parallel()
	type nothing struct{}
	job := runtime.Define[nothing]("write", "writes")
	dsn := usual.empty.DSN(t)
	store, err := postgres.Open(t.Context(), dsn, runtime.NewCatalogue(job))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	add := func() error {
		_, err := runtime.Enqueue(t.Context(), store, job, &nothing{})
		return err
	}
	if err := add(); err != nil {
		t.Fatal(err)
	}
	admin, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	readOnly := func(setting string) {
		if _, err := admin.Exec(t.Context(), "ALTER DATABASE "+pgx.Identifier{admin.Config().Database}.Sanitize()+" SET default_transaction_read_only = "+setting); err != nil {
			t.Fatal(err)
		}
	}
	// Those that are made now can only read, for as long as they live.
	readOnly("on")
	if _, err := admin.Exec(t.Context(), "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"); err != nil {
		t.Fatal(err)
	}
	for pgErr := (*pgconn.PgError)(nil); !errors.As(add(), &pgErr) || pgErr.Code != "25006"; {
	}
	readOnly("off")
	for deadline := time.Now().Add(20 * time.Second); ; {
		err := add()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s: %v", err)
		}
	}
}
