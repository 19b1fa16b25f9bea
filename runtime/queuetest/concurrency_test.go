package queuetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// memoryStore is runtime/memory as a store under test, by a clock that can be
// set or, without one, by the real one.
type memoryStore struct {
	*memory.Store
	clock  *memory.Clock
	opened *sync.Map // of *memory.Store by the *runtime.Store that was handed out
}

func newMemory(t testing.TB, opts ...memory.Option) *memory.Store {
	s, err := memory.New(nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func settableMemory(t testing.TB) Store {
	clock := memory.NewClock(time.Now())
	return memoryStore{newMemory(t, memory.WithClock(clock.Now)), clock, new(sync.Map)}
}

func runningMemory(t testing.TB) Store { return memoryStore{newMemory(t), nil, new(sync.Map)} }

func (s memoryStore) Open(t testing.TB, catalogue *runtime.Catalogue) *runtime.Store {
	opened, err := s.Store.Open(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	s.opened.Store(opened.Store, opened)
	return opened.Store
}

func (s memoryStore) Begin(t testing.TB, service *runtime.Store) (bound *runtime.Store, commit, rollback func() error) {
	opened, _ := s.opened.Load(service)
	in := opened.(*memory.Store)
	ctx := context.WithoutCancel(t.Context())
	tx, err := in.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return in.InTx(tx), func() error { return tx.Commit(ctx) }, func() error { return tx.Rollback(ctx) }
}

func (s memoryStore) Advance(_ testing.TB, d time.Duration) { s.clock.Advance(d) }

func TestRunConcurrencyOnMemory(t *testing.T) {
	t.Parallel()
	RunConcurrency(t, runningMemory)
}
