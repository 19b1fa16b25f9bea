package postgres_test

import (
	"regexp"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/jobgen/jobgen/internal/test/pgtest"
	"github.com/jobgen/jobgen/runtime/driver"
)

// TestNotificationsCarryNoData listens as anybody may who can connect to the
// database, since LISTEN takes no privilege.
func TestNotificationsCarryNoData(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	store, pool := openOn(t, dsn, func(*pgxpool.Config) {})
	ear := connect(t, dsn)
	exec(t, ear, "LISTEN "+pgx.Identifier{store.Channel()}.Sanitize())

	queue, err := store.CreateQueue(t.Context(), "a queue of secrets")
	if err != nil {
		t.Fatal(err)
	}
	secret := &note{Text: "secret"}
	for range 3 {
		if _, err := queue.Add(t.Context(), "note", secret); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bound, err := store.InTx(tx).GetQueue(t.Context(), queue.Name())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bound.Add(t.Context(), "note", secret); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		job, err := queue.TryClaim(t.Context(), "a secret handler")
		if err != nil {
			t.Fatal(err)
		}
		switch n {
		case 0:
			err = job.Fail(t.Context(), "a secret reason")
		case 1:
			err = queue.Cancel(t.Context(), job.ID)
		default:
			released := driver.Outcome{Attempt: driver.Attempt{Job: job.ID}, Kind: driver.Released}
			_, err = queue.Driver().Finish(t.Context(), "a secret handler", []driver.Outcome{released})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.DrainQueue(t.Context(), queue.Name()); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil { // which sends what is left
		t.Fatal(err)
	}
	exec(t, connect(t, dsn), "SELECT pg_notify('"+store.Channel()+"', 'end')")

	// What it is about, the queue's number, and who rang his own bell already.
	form := regexp.MustCompile(`^[ar] [0-9]+ [0-9a-f]*$`)
	heard := map[byte]int{}
	for {
		note, err := ear.WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if note.Payload == "end" {
			break
		}
		if !form.MatchString(note.Payload) {
			t.Errorf("notification %q", note.Payload)
		}
		heard[note.Payload[0]]++
	}
	if heard['a'] < 2 || heard['r'] < 1 {
		t.Errorf("only %v were heard", heard)
	}
}
