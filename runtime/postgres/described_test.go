package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/postgres"
)

func TestTwoPayloadsOfOneTypeAndVersionAreToldApart(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	first, second := open(t, dsn), open(t, dsn)
	describe := func(store *postgres.Store, program, fields string, want *postgres.PayloadMismatchError) {
		t.Helper()
		err := store.Describe(t.Context(), program, "note", fields)
		var got *postgres.PayloadMismatchError
		if errors.As(err, &got) != (want != nil) || want != nil && *got != *want || want == nil && err != nil {
			t.Errorf("%s means %s: %v; want %+v", program, fields, err, want)
		}
	}
	mismatch := postgres.PayloadMismatchError{
		Type: "note", Version: 1, Program: "billing", Fields: "amount number", OtherProgram: "mail", OtherFields: "text string",
	}
	describe(first, "mail", "text string", nil)
	describe(second, "mail again", "text string", nil)
	describe(first, "mail", "text string", nil)
	mismatch.Lives = true
	describe(second, "billing", "amount number", &mismatch)
	add(t, second, 1)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	mismatch.Jobs, mismatch.Lives = true, false
	describe(second, "billing", "amount number", &mismatch)
	drain(t, notes(t, second))
	describe(second, "billing", "amount number", nil)
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
