package memory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/memory"
)

type note struct {
	Text string `json:"text"`
}

var (
	noteJob   = runtime.Define[note]("note", "notes")
	catalogue = runtime.NewCatalogue(noteJob)
)

func newNotes(t *testing.T) (*memory.Store, *runtime.Queue) {
	t.Helper()
	store, err := memory.New(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return store, notes(t, store.Store)
}

func notes(t *testing.T, service *runtime.Store) *runtime.Queue {
	t.Helper()
	queue, err := service.Queue(t.Context(), "notes")
	if err != nil {
		t.Fatal(err)
	}
	return queue
}

func begin(t *testing.T, store *memory.Store) (*memory.Tx, *runtime.Queue) {
	t.Helper()
	tx, err := store.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tx, notes(t, store.InTx(tx))
}

func held(t *testing.T, queue *runtime.Queue) *runtime.Job {
	t.Helper()
	job, err := queue.AddAndClaim(t.Context(), "note", note{}, "h")
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// contents is all that the store says of its queue.
func contents(t *testing.T, queue *runtime.Queue, jobs ...*runtime.Job) string {
	t.Helper()
	var b strings.Builder
	stats, _, err := queue.StatsByType(t.Context(), 0)
	fmt.Fprintln(&b, stats, err)
	dead, err := queue.DeadJobs(t.Context(), 0, 100)
	fmt.Fprintln(&b, dead, err)
	for _, job := range jobs {
		for n := range int32(3) {
			log, err := queue.Log(t.Context(), job.ID, n)
			fmt.Fprintln(&b, log, err)
		}
	}
	return b.String()
}

func TestARollbackPutsBackWhateverWasDone(t *testing.T) {
	t.Parallel()
	store, queue := newNotes(t)
	completed, failed, released, cancelled, dead := held(t, queue), held(t, queue), held(t, queue), held(t, queue), held(t, queue)
	waiting, err := queue.Add(t.Context(), "note", note{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Driver().Finish(t.Context(), "h", []driver.Outcome{{Attempt: driver.Attempt{Job: dead.ID}, Kind: driver.Failed, Final: true}}); err != nil {
		t.Fatal(err)
	}
	all := []*runtime.Job{completed, failed, released, cancelled, dead}
	before := contents(t, queue, all...)
	tx, bound := begin(t, store)
	_, addErr := bound.AddBatch(t.Context(), "note", []any{note{}, note{}})
	job, claimErr := bound.TryClaim(t.Context(), "another")
	_, releaseErr := bound.Driver().Finish(t.Context(), "h", []driver.Outcome{{Attempt: driver.Attempt{Job: released.ID}, Kind: driver.Released}})
	err = errors.Join(addErr, claimErr, releaseErr,
		bound.Complete(t.Context(), completed.ID, "h", 0, []byte("log")), bound.Fail(t.Context(), failed.ID, "h", 0, "no", nil),
		bound.Cancel(t.Context(), cancelled.ID), bound.Revive(t.Context(), dead.ID, 3))
	if err != nil || job.ID != waiting {
		t.Fatalf("claimed %v; %v", job, err)
	}
	if during := contents(t, queue, all...); during != before {
		t.Errorf("others see what is not committed:\n%s\nbefore:\n%s", during, before)
	}
	if inside := contents(t, bound, all...); inside == before {
		t.Error("the transaction does not see what it has done")
	}
	if _, err := store.InTx(tx).DrainQueue(t.Context(), "notes"); err != nil {
		t.Fatal(err)
	}
	if err := store.InTx(tx).DeleteQueue(t.Context(), "notes"); err != nil {
		t.Fatal(err)
	}
	if names, err := store.Queues(t.Context()); err != nil || !slices.Equal(names, []string{"notes"}) {
		t.Errorf("queues %q, %v", names, err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := contents(t, queue, all...); after != before {
		t.Errorf("after the rollback:\n%s\nbefore:\n%s", after, before)
	}
	for what, end := range map[string]func(context.Context) error{"Commit": tx.Commit, "Rollback": tx.Rollback} {
		if err := end(t.Context()); !errors.Is(err, runtime.ErrTxEnded) {
			t.Errorf("%s of a transaction that is over: %v", what, err)
		}
	}
}

func TestAQueueDeletedInATransactionIsGoneWithItsCommit(t *testing.T) {
	t.Parallel()
	store, queue := newNotes(t)
	if err := held(t, queue).Complete(t.Context()); err != nil {
		t.Fatal(err)
	}
	tx, _ := begin(t, store)
	bound := store.InTx(tx)
	if err := bound.DeleteQueue(t.Context(), "notes"); err != nil {
		t.Fatal(err)
	}
	if _, err := bound.Queue(t.Context(), "notes"); !errors.Is(err, runtime.ErrJobQueueNotFound) {
		t.Errorf("looked up inside: %v", err)
	}
	if _, err := store.Queue(t.Context(), "notes"); err != nil {
		t.Errorf("looked up outside: %v", err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Queue(t.Context(), "notes"); !errors.Is(err, runtime.ErrJobQueueNotFound) {
		t.Errorf("looked up after the commit: %v", err)
	}
	if _, err := queue.Add(t.Context(), "note", note{}); !errors.Is(err, runtime.ErrJobQueueNotFound) {
		t.Errorf("added after the commit: %v", err)
	}
}

func TestWhoNeedsAJobThatATransactionHasChangedWaitsForItsEndOrPassesItOver(t *testing.T) {
	for _, commits := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			store, queue := newNotes(t)
			job := held(t, queue)
			waiting, err := queue.Add(t.Context(), "note", note{})
			if err != nil {
				t.Fatal(err)
			}
			tx, bound := begin(t, store)
			if err := bound.Complete(t.Context(), job.ID, "h", 0, nil); err != nil {
				t.Fatal(err)
			}
			claimed, err := bound.TryClaim(t.Context(), "h")
			if err != nil || claimed.ID != waiting {
				t.Fatalf("claimed %v, %v", claimed, err)
			}
			if other, err := queue.TryClaim(t.Context(), "another"); !errors.Is(err, runtime.ErrJobNotFound) {
				t.Errorf("claimed %v, %v: the transaction has it", other, err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := queue.Cancel(ctx, job.ID); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("cancel, for a second: %v", err)
			}
			failed := make(chan error, 1)
			go func() { failed <- queue.Fail(t.Context(), job.ID, "h", 0, "no", nil) }()
			synctest.Wait()
			select {
			case err := <-failed:
				t.Fatalf("did not wait: %v", err)
			default:
			}
			if commits {
				err = tx.Commit(t.Context())
			} else {
				err = tx.Rollback(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := <-failed; commits != errors.Is(err, runtime.ErrJobNotClaimed) || !commits && err != nil {
				t.Errorf("committed %t: fail returned %v", commits, err)
			}
			if other, err := queue.TryClaim(t.Context(), "another"); commits == (err == nil && other.ID == waiting) {
				t.Errorf("committed %t: claimed %v, %v", commits, other, err)
			}
		})
	}
}

func TestTransactionsThatWaitForEachOtherAreAnErrorForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, queue := newNotes(t)
		one, two := held(t, queue), held(t, queue)
		first, inFirst := begin(t, store)
		second, inSecond := begin(t, store)
		if err := errors.Join(inFirst.Cancel(t.Context(), one.ID), inSecond.Cancel(t.Context(), two.ID)); err != nil {
			t.Fatal(err)
		}
		waits := make(chan error, 1)
		go func() { waits <- inFirst.Cancel(t.Context(), two.ID) }()
		synctest.Wait()
		if err := inSecond.Cancel(t.Context(), one.ID); err == nil || !strings.Contains(err.Error(), "deadlock") {
			t.Errorf("the second: %v", err)
		}
		if err := second.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(<-waits, first.Commit(t.Context())); err != nil {
			t.Errorf("the first: %v", err)
		}
	})
}

func TestATransactionOfAnotherStoreIsRefused(t *testing.T) {
	t.Parallel()
	store, _ := newNotes(t)
	other, _ := newNotes(t)
	tx, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(t.Context(), store.InTx(tx), noteJob, &note{}); err == nil || !strings.Contains(err.Error(), "another store") {
		t.Errorf("enqueue: %v", err)
	}
}
