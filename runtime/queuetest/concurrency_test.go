package queuetest

import (
	"testing"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
)

// memoryStore is runtime/memory as a store under test, by a clock that can be
// set or, without one, by the real one.
type memoryStore struct {
	*memory.Store
	clock *memory.Clock
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
	return memoryStore{newMemory(t, memory.WithClock(clock.Now)), clock}
}

func runningMemory(t testing.TB) Store { return memoryStore{newMemory(t), nil} }

func (s memoryStore) Open(t testing.TB, catalogue *runtime.Catalogue) *runtime.Store {
	opened, err := s.Store.Open(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return opened.Store
}

func (s memoryStore) Advance(_ testing.TB, d time.Duration) { s.clock.Advance(d) }

func TestRunConcurrencyOnMemory(t *testing.T) {
	t.Parallel()
	RunConcurrency(t, runningMemory)
}
