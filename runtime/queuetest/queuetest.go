package queuetest

import (
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime"
)

// A Harness makes an empty store of the back end under test, which lasts until
// the test ends. Tests run in parallel, each with a store of its own.
type Harness func(t testing.TB) Store

// A Store is one store under test.
type Store interface {
	// Open returns a service on the store as one more process would open it.
	// It is closed when the test ends.
	Open(t testing.TB, catalogue *runtime.Catalogue) *runtime.Store

	// Advance lets d pass for the store: what was due in d is due now, and
	// claims that had d left have expired. A store whose clock cannot be set
	// moves its stored times back by d, which comes to the same.
	Advance(t testing.TB, d time.Duration)
}

// A Transactor is a Store whose services can be bound to a transaction.
type Transactor interface {
	// Begin begins a transaction and returns service bound to it. Exactly one
	// of commit and rollback is called.
	Begin(t testing.TB, service *runtime.Store) (bound *runtime.Store, commit, rollback func() error)
}

// A Poller is a Store whose services may learn of each other's doings by
// looking alone, as behind a pooler that swallows notifications. Jobs of
// another process then may take a poll interval to be found.
type Poller interface{ Polls() bool }
