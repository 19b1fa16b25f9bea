package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func TestTwoPayloadsOfOneTypeAndVersionAreToldApart(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	type mail struct {
		Text string `json:"text"`
	}
	type bill struct {
		Text float64 `json:"text"`
	}
	mails := runtime.NewCatalogue(runtime.Define[mail]("note", "notes"))
	bills := runtime.NewCatalogue(runtime.Define[bill]("note", "notes"))
	openWith := func(catalogue *runtime.Catalogue) (*postgres.Store, error) {
		return postgres.Open(t.Context(), dsn, catalogue)
	}
	refused := func(why string) {
		t.Helper()
		store, err := openWith(bills)
		if err == nil {
			store.Close()
		}
		var conflict *runtime.TypeConflictError
		if !errors.As(err, &conflict) || conflict.Type != "note" || conflict.Version != 1 || !strings.Contains(conflict.Reason, why) {
			t.Errorf("%v; want a conflict because %q", err, why)
		}
	}
	first, err := openWith(mails)
	if err != nil {
		t.Fatal(err)
	}
	refused("runs")
	queue, err := first.Queue(t.Context(), "notes")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Add(t.Context(), "note", &mail{"hello"}); err != nil {
		t.Fatal(err)
	}
	first.Close()
	refused("exist")
	again, err := openWith(mails)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.DrainQueue(t.Context(), "notes"); err != nil {
		t.Fatal(err)
	}
	again.Close()
	taken, err := openWith(bills)
	if err != nil {
		t.Fatalf("nobody uses the old meaning any more: %v", err)
	}
	taken.Close()
}

// A queue that a caller's transaction makes is its own until it ends.
func TestQueuesAreMadeBeforeACallersTransactionHasTo(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store, other := open(t, dsn), open(t, dsn)
	conn := connect(t, dsn)
	exec(t, conn, "BEGIN", "SELECT jobgen.create_queue('slow')")
	if err := store.CreateQueues(t.Context(), "notes", "slow", "other"); err != nil {
		t.Fatal(err)
	}
	tx, err := connect(t, dsn).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(t.Context(), store.InTx(tx), noteJob, &note{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := runtime.Enqueue(ctx, other, noteJob, &note{}); err != nil {
		t.Errorf("enqueue beside the transaction: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	exec(t, conn, "COMMIT")
	if names := query[string](t, conn, "SELECT string_agg(name, ' ' ORDER BY name) FROM jobgen.queue"); names != "notes other slow" {
		t.Errorf("queues: %s", names)
	}
}
