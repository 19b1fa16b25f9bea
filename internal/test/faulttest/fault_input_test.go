package faulttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/codec"
	"github.com/jobgen/jobgen/runtime/postgres"
)

// A document is a payload that holds whatever JSON there is.
type document struct {
	Text string          `json:"text,omitempty"`
	Any  json.RawMessage `json:"any,omitempty"`
}

var (
	documentJob      = runtime.Define[document]("fault_document", "documents")
	documentQueue    = documentJob.Queue
	documentRegistry = runtime.NewCatalogue(documentJob)
)

func nested(depth int) json.RawMessage {
	return json.RawMessage(strings.Repeat("[", depth) + strings.Repeat("]", depth))
}

// payloads are what programs may try to add.
var payloads = []struct {
	name    string
	payload document
	refused bool
}{
	{name: "plain", payload: document{Text: "plain"}},
	{name: "a NUL", payload: document{Text: "a\x00b"}, refused: true},
	{name: "an escaped NUL", payload: document{Any: json.RawMessage(`"\u0000"`)}, refused: true},
	{name: "a backslash before u0000", payload: document{Any: json.RawMessage(`"\\u0000"`)}},
	{name: "invalid UTF-8", payload: document{Text: "\xff\xfe"}, refused: true},
	{name: "half a surrogate pair", payload: document{Any: json.RawMessage(`"\ud800"`)}, refused: true},
	{name: "just below the limit", payload: document{Text: strings.Repeat("x", 1<<20-100)}},
	{name: "100 MB", payload: document{Text: strings.Repeat("x", 100<<20)}, refused: true},
	{name: "as many levels as there may be", payload: document{Any: nested(codec.MaxDepth - 1)}}, // the object is one
	{name: "one level more", payload: document{Any: nested(codec.MaxDepth)}, refused: true},
	{name: "5000 levels", payload: document{Any: nested(5000)}, refused: true},
	{name: "a NUL under a key of 100 KB", payload: document{Any: json.RawMessage(`{"` + strings.Repeat("k", 100<<10) + `":"\u0000"}`)}, refused: true},
	{name: "400,000 levels", payload: document{Any: nested(400_000)}, refused: true},
	{name: "a number out of any range", payload: document{Any: json.RawMessage(`1e999999`)}},
	{name: "a number with 100,000 digits", payload: document{Any: json.RawMessage(strings.Repeat("9", 100_000))}},
	{name: "no JSON", payload: document{Any: json.RawMessage(`{`)}, refused: true},
}

// TestHostileInputIsRefusedOrKept adds each payload alone and in a batch, and
// holds that it is refused with an error and nothing written, or comes back as
// it was.
func TestHostileInputIsRefusedOrKept(t *testing.T) {
	t.Parallel()
	begin(t, 1)
	dsn := migrated.DSN(t)
	store, err := postgres.Open(t.Context(), dsn, documentRegistry)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	refused, kept := 0, 0
	for _, c := range payloads {
		for _, how := range []string{"alone", "in a batch", "in a transaction"} {
			if how != "alone" && len(c.payload.Text) > 10<<20 {
				continue // it is long enough once
			}
			n, err := addDocument(t, store, dsn, how, c.payload)
			switch {
			case c.refused && (err == nil || n != 0):
				t.Errorf("%s, %s: error %v, and %d jobs written", c.name, how, err, n)
			case !c.refused && (err != nil || n == 0):
				t.Errorf("%s, %s: error %v, and %d jobs written", c.name, how, err, n)
			case err != nil && len(err.Error()) > 1000:
				t.Errorf("%s, %s: the error has %d bytes", c.name, how, len(err.Error()))
			}
			if c.refused {
				refused++
				continue
			}
			kept++
			workDocuments(t, store, c.payload)
		}
	}
	results.add(result{
		family: familyInput, fault: "payloads with NUL, invalid UTF-8, 100 MB, deep nesting, numbers out of range",
		how:  fmt.Sprintf("each of %d is added alone, in a batch and in a transaction", len(payloads)),
		more: fmt.Sprintf("%d refused with nothing written, %d came back as they were", refused, kept),
	})
}

func count(t *testing.T, dsn string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if n, err = unfinished(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	return n
}

// addDocument returns how many jobs there are after the payload was added.
func addDocument(t *testing.T, store *postgres.Store, dsn, how string, d document) (int, error) {
	t.Helper()
	var err error
	switch how {
	case "alone":
		_, err = runtime.Enqueue(t.Context(), store, documentJob, &d)
	case "in a batch":
		_, err = runtime.EnqueueBatch(t.Context(), store, documentJob, []document{{Text: "a"}, d, {Text: "b"}})
	default:
		conn, connErr := pgx.Connect(t.Context(), dsn)
		if connErr != nil {
			t.Fatal(connErr)
		}
		defer conn.Close(t.Context())
		tx, txErr := conn.Begin(t.Context())
		if txErr != nil {
			t.Fatal(txErr)
		}
		_, err = runtime.Enqueue(t.Context(), store.InTx(tx), documentJob, &d)
		// A refused payload must leave the transaction usable.
		if _, pingErr := tx.Exec(t.Context(), "SELECT 1"); pingErr != nil {
			t.Errorf("after %v the transaction is unusable: %v", err, pingErr)
		}
		if commitErr := tx.Commit(t.Context()); commitErr != nil {
			t.Error(commitErr)
		}
	}
	return count(t, dsn), err
}

// workDocuments takes all jobs out, one of which has the payload.
func workDocuments(t *testing.T, store *postgres.Store, want document) {
	t.Helper()
	queue, err := store.GetQueue(t.Context(), documentQueue)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for {
		job, err := queue.TryClaim(t.Context(), "reader")
		if errors.Is(err, runtime.ErrJobNotFound) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		have, err := job.Payload()
		if err != nil {
			t.Fatal(err)
		}
		d := have.(*document)
		found = found || d.Text == want.Text && string(d.Any) == string(want.Any)
		if err := job.Complete(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !found {
		t.Error("the payload has not come back as it was")
	}
}

// TestHostileTextsOfFailuresAreRecorded fails jobs with texts and logs that no
// database keeps as they are.
func TestHostileTextsOfFailuresAreRecorded(t *testing.T) {
	t.Parallel()
	begin(t, 1)
	store, err := postgres.Open(t.Context(), migrated.DSN(t), documentRegistry)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	queue, err := store.GetQueue(t.Context(), documentQueue)
	if err != nil {
		t.Fatal(err)
	}
	all := append([]string{strings.Repeat("x", 100<<20), strings.Repeat("\x00", 1<<20), strings.Repeat("ü", 40_000)}, texts...)
	for i, text := range all {
		job, err := queue.AddAndClaim(t.Context(), documentJob.Type, document{Text: "x"}, "failing", runtime.JobOptions.MaxAttempts(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := queue.Fail(t.Context(), job.ID, "failing", 0, text, []byte(text)); err != nil {
			t.Errorf("text %d of %d bytes: %v", i, len(text), err)
			continue
		}
		log, err := queue.Log(context.Background(), job.ID, 0)
		if err != nil {
			t.Errorf("text %d of %d bytes: %v", i, len(text), err)
			continue
		}
		if log.Success || !utf8.ValidString(log.FailureReason) || len(log.FailureReason) > 64<<10 || len(log.Log) > 1<<20 {
			t.Errorf("text %d of %d bytes is kept as a reason of %d bytes (valid %v) and a log of %d bytes", i, len(text), len(log.FailureReason), utf8.ValidString(log.FailureReason), len(log.Log))
		}
	}
	results.add(result{
		family: familyInput, fault: "error texts and logs with NUL, invalid UTF-8, 100 MB",
		how:  fmt.Sprintf("a job fails with each of %d", len(all)),
		more: "each failure is recorded, with its text made storable and cut",
	})
}
