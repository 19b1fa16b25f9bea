package memory_test

import (
	"context"
	"testing"
	"time"

	"github.com/jobgen/jobgen/internal/test/leak"
	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/memory"
	"github.com/jobgen/jobgen/runtime/queuetest"
)

// store is a memory store with a clock that stands still until advanced.
type store struct {
	*memory.Store
	clock  *memory.Clock
	opened map[*runtime.Store]*memory.Store
}

func newStore(t testing.TB) queuetest.Store {
	clock := memory.NewClock(time.Now())
	s, err := memory.New(nil, memory.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	return store{s, clock, make(map[*runtime.Store]*memory.Store)}
}

func (s store) Open(t testing.TB, catalogue *runtime.Catalogue) *runtime.Store {
	opened, err := s.Store.Open(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	s.opened[opened.Store] = opened
	return opened.Store
}

func (s store) Begin(t testing.TB, service *runtime.Store) (bound *runtime.Store, commit, rollback func() error) {
	tx, err := s.opened[service].Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.opened[service].InTx(tx),
		func() error { return tx.Commit(context.WithoutCancel(t.Context())) },
		func() error { return tx.Rollback(context.WithoutCancel(t.Context())) }
}

func (s store) Advance(_ testing.TB, d time.Duration) { s.clock.Advance(d) }

func TestMain(m *testing.M) { leak.Main(m) }

func TestStore(t *testing.T) { queuetest.Run(t, newStore) }
func TestModel(t *testing.T) { queuetest.RunModel(t, newStore) }

// TestConcurrency has the clock of the machine: who sets one is not concurrent.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	queuetest.RunConcurrency(t, func(t testing.TB) queuetest.Store {
		s, err := memory.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return store{s, nil, make(map[*runtime.Store]*memory.Store)}
	})
}

func BenchmarkStore(b *testing.B) { queuetest.Bench(b, newStore) }
